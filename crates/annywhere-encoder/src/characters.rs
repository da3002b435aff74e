//! What one character means to the splitter.
//!
//! The vocabulary is ASCII, so all that matters of a character, after lower-casing, decomposition and dropping
//! accents, is which ASCII character is left of it. Everything else falls into three kinds: nothing at all, the
//! end of a word (white space, and punctuation that no piece matches), or a letter no piece matches. That is why
//! three small tables replace a Unicode library; the tests derive them anew from one and compare.

use crate::character_tables::{DROPPED, LETTERS, SEPARATORS};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Character {
    /// A part of a word, lower-case.
    Letter(u8),
    /// ASCII punctuation: a word of its own.
    Punctuation(u8),
    /// Ends a word and leaves nothing behind.
    Separator,
    /// Leaves nothing behind and does not end the word: accents, control and format characters.
    Dropped,
    /// A part of a word that matches no piece.
    Foreign,
}

#[inline]
pub(crate) fn classify(char: char) -> Character {
    match char {
        'a'..='z' | '0'..='9' => Character::Letter(char as u8),
        'A'..='Z' => Character::Letter(char as u8 | 0x20),
        '\t'..='\r' | ' ' => Character::Separator,
        '!'..='~' => Character::Punctuation(char as u8),
        '\0'..='\x7f' => Character::Dropped,
        _ => classify_wide(u32::from(char)),
    }
}

fn classify_wide(code: u32) -> Character {
    let next = LETTERS.partition_point(|(start, _)| *start <= code);
    let ascii = next.checked_sub(1).and_then(|run| {
        let (start, letters) = LETTERS[run];
        letters.as_bytes().get((code - start) as usize)
    });
    match ascii {
        Some(&letter) if letter.is_ascii_alphanumeric() => Character::Letter(letter),
        Some(&mark) => Character::Punctuation(mark),
        None if contains(&SEPARATORS, code) => Character::Separator,
        None if contains(&DROPPED, code) => Character::Dropped,
        None => Character::Foreign,
    }
}

/// Whether a set, given as the sorted points where membership begins and ends, holds `code`.
fn contains(boundaries: &[u32], code: u32) -> bool {
    boundaries.partition_point(|boundary| *boundary <= code) % 2 == 1
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;
    use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

    use super::*;

    const CJK: [(u32, u32); 8] = [
        (0x4e00, 0x9fff),
        (0x3400, 0x4dbf),
        (0x2_0000, 0x2_a6df),
        (0x2_a700, 0x2_b73f),
        (0x2_b740, 0x2_b81f),
        (0x2_b820, 0x2_ceaf),
        (0xf900, 0xfaff),
        (0x2_f800, 0x2_fa1f),
    ];

    /// The rules of `FORMAT.md`, word for word.
    fn oracle(char: char) -> Character {
        let parts: Vec<Character> = char
            .to_lowercase()
            .nfd()
            .map(|part| {
                if part.is_whitespace() {
                    return Character::Separator;
                }
                match part.general_category() {
                    GeneralCategory::NonspacingMark | GeneralCategory::Control | GeneralCategory::Format => {
                        return Character::Dropped;
                    }
                    _ => {}
                }
                let code = u32::from(part);
                if part.is_ascii() {
                    return if part.is_ascii_punctuation() {
                        Character::Punctuation(part as u8)
                    } else {
                        Character::Letter(part as u8)
                    };
                }
                // No piece matches such a word, so all it does is to end the one before.
                if part.general_category_group() == GeneralCategoryGroup::Punctuation
                    || CJK.iter().any(|&(low, high)| (low..=high).contains(&code))
                {
                    return Character::Separator;
                }
                Character::Foreign
            })
            .filter(|part| *part != Character::Dropped)
            .collect();
        match parts[..] {
            [] => Character::Dropped,
            [part] => part,
            // One foreign part spoils the word, whatever the others are, unless they end it.
            _ if parts.contains(&Character::Foreign)
                && parts.iter().all(|part| matches!(part, Character::Foreign | Character::Letter(_))) =>
            {
                Character::Foreign
            }
            _ => panic!("U+{:04X} becomes {parts:?}: one class per character is not enough", u32::from(char)),
        }
    }

    #[test]
    fn every_character_is_classified_as_a_unicode_library_would() {
        for char in '\0'..=char::MAX {
            assert_eq!(classify(char), oracle(char), "U+{:04X}", u32::from(char));
        }
    }

    /// Prints `character_tables.rs` for the Unicode version of the two libraries.
    #[test]
    #[ignore = "a generator: cargo test -p annywhere-encoder print_the -- --ignored --nocapture"]
    fn print_the_character_tables() {
        let wide = || ('\u{80}'..=char::MAX).map(|char| (u32::from(char), oracle(char)));
        let mut runs: Vec<(u32, String)> = Vec::new();
        for (code, class) in wide() {
            if let Character::Letter(letter) | Character::Punctuation(letter) = class {
                match runs.last_mut() {
                    Some((start, run)) if *start as usize + run.len() == code as usize => {
                        run.push(letter.into());
                    }
                    _ => runs.push((code, char::from(letter).into())),
                }
            }
        }
        println!("pub(crate) static LETTERS: [(u32, &str); {}] = [", runs.len());
        for (start, run) in runs {
            println!("    ({start:#x}, {run:?}),");
        }
        println!("];");
        for (name, wanted) in [("SEPARATORS", Character::Separator), ("DROPPED", Character::Dropped)] {
            let mut boundaries = Vec::new();
            for (code, class) in wide() {
                if (class == wanted) != (boundaries.len() % 2 == 1) {
                    boundaries.push(code);
                }
            }
            println!("pub(crate) static {name}: [u32; {}] = {boundaries:#x?};", boundaries.len());
        }
    }
}
