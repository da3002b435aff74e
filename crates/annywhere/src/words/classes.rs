//! What one character means to the splitter: the word-break classes of Unicode Standard Annex 29, as far as they matter.
//!
//! The classes of all characters beyond ASCII are runs in a table of 2 KB, `class_table.rs`, which is unpacked at the first
//! use. A Unicode library would bring ten times as much.

use super::class_table::RUNS;

/// What a character does at the boundaries of words; the numbers are those of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// Belongs to no word.
    Other = 0,
    /// `ALetter`.
    Letter = 1,
    /// `Extend`, `Format` and the joiner: belongs to the character before it.
    Mark = 2,
    /// A letter or digit that is a word by itself: ideographs, Hiragana, scripts without spaces.
    Alone = 3,
    /// `Numeric`.
    Digit = 4,
    /// `Hebrew_Letter`.
    Hebrew = 5,
    /// `Katakana`.
    Katakana = 6,
    /// `ExtendNumLet`.
    Connector = 7,
    /// `MidLetter`.
    LetterMiddle = 8,
    /// `MidNum`.
    DigitMiddle = 9,
    /// `MidNumLet`.
    Middle = 10,
    /// `Single_Quote`.
    Quote = 11,
    /// `Double_Quote`.
    DoubleQuote = 12,
}

/// In the order of their numbers.
const CLASSES: [Class; 13] = [
    Class::Other,
    Class::Letter,
    Class::Mark,
    Class::Alone,
    Class::Digit,
    Class::Hebrew,
    Class::Katakana,
    Class::Connector,
    Class::LetterMiddle,
    Class::DigitMiddle,
    Class::Middle,
    Class::Quote,
    Class::DoubleQuote,
];

/// The unpacked table: where each run of characters of one class begins, and its class in the low four bits.
#[derive(Debug)]
pub(super) struct Classes(Vec<u32>);

impl Classes {
    pub(super) fn new() -> Self {
        let mut begins = Vec::new();
        let (mut begin, mut at) = (ASCII, 0);
        while at < RUNS.len() {
            // Class in four bits, length in three and then seven per byte while the highest bit is set.
            let first = RUNS[at];
            let (mut length, mut shift) = (u32::from(first >> 4 & 7), 3);
            while RUNS[at] & 0x80 != 0 {
                at += 1;
                length |= u32::from(RUNS[at] & 0x7f) << shift;
                shift += 7;
            }
            at += 1;
            begins.push(begin << 4 | u32::from(first & 15));
            begin += length;
        }
        Self(begins)
    }

    #[inline]
    pub(super) fn of(&self, char: char) -> Class {
        match char {
            'a'..='z' | 'A'..='Z' => Class::Letter,
            '0'..='9' => Class::Digit,
            '_' => Class::Connector,
            '.' => Class::Middle,
            ':' => Class::LetterMiddle,
            ',' | ';' => Class::DigitMiddle,
            '\'' => Class::Quote,
            '"' => Class::DoubleQuote,
            '\0'..='\x7f' => Class::Other,
            _ => {
                let next = self.0.partition_point(|&run| run >> 4 <= u32::from(char));
                CLASSES[(self.0[next - 1] & 15) as usize]
            }
        }
    }
}

/// Where the table begins.
const ASCII: u32 = 0x80;

#[cfg(test)]
mod tests {
    use unicode_segmentation::UnicodeSegmentation;

    use super::*;

    /// The class of a character, from how a Unicode library splits texts that contain it.
    fn oracle(char: char) -> Class {
        let is_one = |text: String| text.split_word_bounds().count() == 1;
        if is_one(format!("!{char}")) {
            return Class::Mark;
        }
        let joins_letters = is_one(format!("a{char}b"));
        if is_one(format!("ア{char}")) {
            return if joins_letters { Class::Connector } else { Class::Katakana };
        }
        if is_one(format!("a{char}")) {
            return match char {
                _ if is_one(format!("1,{char}")) => Class::Digit,
                _ if is_one(format!("{char}'")) => Class::Hebrew,
                _ => Class::Letter,
            };
        }
        match (joins_letters, is_one(format!("1{char}1"))) {
            (true, true) if is_one(format!("א{char}")) => Class::Quote,
            (true, true) => Class::Middle,
            (true, false) => Class::LetterMiddle,
            (false, true) => Class::DigitMiddle,
            _ if is_one(format!("א{char}א")) => Class::DoubleQuote,
            _ if char.to_string().unicode_words().next().is_some() => Class::Alone,
            _ => Class::Other,
        }
    }

    #[test]
    fn every_character_has_the_class_that_a_unicode_library_gives_it() {
        let classes = Classes::new();
        for char in '\0'..=char::MAX {
            assert_eq!(classes.of(char), oracle(char), "U+{:04X}", u32::from(char));
        }
    }

    /// Prints `class_table.rs` for the Unicode version of the library.
    #[test]
    #[ignore = "a generator: cargo test -p annywhere print_the_class_table -- --ignored --nocapture"]
    fn print_the_class_table() {
        let mut runs: Vec<(Class, u32)> = Vec::new();
        for code in ASCII..=u32::from(char::MAX) {
            // Surrogates are no characters: they lengthen the run before them.
            let class = char::from_u32(code).map(oracle);
            match runs.last_mut() {
                Some((last, length)) if class.is_none_or(|class| class == *last) => *length += 1,
                _ => runs.push((class.unwrap_or(Class::Other), 1)),
            }
        }
        let mut bytes = Vec::new();
        for (class, length) in runs {
            let mut rest = length >> 3;
            bytes.push(class as u8 | (length as u8 & 7) << 4 | u8::from(rest > 0) << 7);
            while rest > 0 {
                bytes.push(rest as u8 & 0x7f | u8::from(rest > 0x7f) << 7);
                rest >>= 7;
            }
        }
        println!("pub(super) static RUNS: [u8; {}] = {bytes:?};", bytes.len());
    }
}
