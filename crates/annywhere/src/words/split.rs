//! Splits a text into words at the boundaries of Unicode Standard Annex 29, and lower-cases them.
//!
//! A word is a stretch between two boundaries that holds a letter or a digit. The rules, by their numbers there: letters,
//! digits and connectors such as `_` stay together (WB5, 8, 9, 10, 13a, 13b), as does Katakana (WB13); an apostrophe, a dot or
//! a colon stays between two letters (WB6, 7), a dot or a comma between two digits (WB11, 12), a quote where Hebrew writes it
//! (WB7a to 7c); marks belong to the character before them (WB4). An ideograph, and a letter of a script that puts no
//! spaces between words, is a word by itself.
//!
//! Departures: emoji are part of no word, not even behind a joiner (WB3c); marks are none without a letter or digit in front;
//! separators of digits and modifiers of letters can stand alone; soft hyphens are left out; `’` counts as `'`, the final sigma as a sigma, `İ` as `i`; of a long word the first bytes count.
//! Accents stay: `é` is one character or two as the text has it, and these two are different words.

use super::case::LowerCase;
use super::classes::{Class, Classes};

/// Bytes of a word that count: what is longer is hardly a word of any language, and its length fits a byte.
pub(crate) const LONGEST_WORD: usize = 255;

/// What is known of characters.
#[derive(Debug)]
pub(super) struct Splitter {
    classes: Classes,
    cases: LowerCase,
}

impl Splitter {
    pub(super) fn new() -> Self {
        Self { classes: Classes::new(), cases: LowerCase::new() }
    }
}

/// Calls `each` with every word, in order.
pub(super) fn words(splitter: &Splitter, text: &str, each: &mut dyn FnMut(&str)) {
    let Splitter { classes, cases } = splitter;
    let mut word = Word { text: String::new(), last: None, is_written: false, cases };
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        let class = classes.of(char);
        match class {
            Class::Letter | Class::Hebrew | Class::Digit | Class::Katakana | Class::Connector => {}
            Class::Alone => {
                word.begin(class, char);
                word.take_marks(classes, &mut rest);
                each(&word.text);
                continue;
            }
            _ => continue,
        }
        word.begin(class, char);
        while word.goes_on(classes, &mut rest) {}
        if word.is_written {
            each(&word.text);
        }
    }
}

/// The word being read.
struct Word<'a> {
    text: String,
    cases: &'a LowerCase,
    /// Class of its last character that is not a mark.
    last: Option<Class>,
    /// Whether it holds more than connectors.
    is_written: bool,
}

impl Word<'_> {
    fn begin(&mut self, class: Class, char: char) {
        self.text.clear();
        self.is_written = false;
        self.push(class, char);
    }

    fn push(&mut self, class: Class, char: char) {
        self.last = Some(class);
        self.is_written |= class != Class::Connector;
        self.write(char);
    }

    fn write(&mut self, char: char) {
        let lower = match char {
            '\0'..='\x7f' => char.to_ascii_lowercase(),
            '\u{ad}' => return,
            '’' => '\'',
            'ς' => 'σ',
            'İ' => 'i',
            _ => self.cases.of(char),
        };
        if self.text.len() + lower.len_utf8() <= LONGEST_WORD {
            self.text.push(lower);
        }
    }

    fn take_marks(&mut self, classes: &Classes, rest: &mut std::str::Chars<'_>) {
        while let Some(char) = rest.clone().next().filter(|&char| classes.of(char) == Class::Mark) {
            self.write(char);
            rest.next();
        }
    }

    /// Takes the next character, or a mark between two characters and the second of them, if it belongs to the word.
    fn goes_on(&mut self, classes: &Classes, rest: &mut std::str::Chars<'_>) -> bool {
        use Class::{Connector, Digit, Hebrew, Katakana, Letter, Mark, Quote};
        self.take_marks(classes, rest);
        let mut ahead = rest.clone();
        let (Some(char), Some(last)) = (ahead.next(), self.last) else {
            return false;
        };
        let class = classes.of(char);
        let joins = matches!(
            (last, class),
            (Letter | Hebrew | Digit | Connector, Letter | Hebrew | Digit | Connector)
                | (Katakana | Connector, Katakana | Connector)
        );
        if joins {
            self.push(class, char);
            *rest = ahead;
            return true;
        }
        // A mark in the middle may itself carry marks.
        let middle = ahead.clone();
        let next = ahead.find_map(|char| Some((classes.of(char), char)).filter(|&(class, _)| class != Mark));
        let (next_class, next_char) = next.unzip();
        let stays = match (last, class, next_class) {
            (Letter | Hebrew, Class::LetterMiddle | Class::Middle | Quote, Some(Letter | Hebrew))
            | (Digit, Class::DigitMiddle | Class::Middle | Quote, Some(Digit))
            | (Hebrew, Class::DoubleQuote, Some(Hebrew)) => true,
            (Hebrew, Quote, _) => {
                self.write(char);
                *rest = middle;
                self.take_marks(classes, rest);
                return false;
            }
            _ => false,
        };
        if let (true, Some(next_class), Some(next_char)) = (stays, next_class, next_char) {
            self.write(char);
            *rest = middle;
            self.take_marks(classes, rest);
            rest.next();
            self.push(next_class, next_char);
        }
        stays
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_segmentation::UnicodeSegmentation;

    use super::*;

    fn split(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        words(&Splitter::new(), text, &mut |word| found.push(word.to_owned()));
        found
    }

    fn is_written(classes: &Classes, word: &str) -> bool {
        word.chars().any(|char| char.is_alphanumeric() && classes.of(char) != Class::Mark)
    }

    /// The same by a Unicode library, with the departures that the head of this file lists.
    fn oracle(text: &str) -> Vec<String> {
        let classes = Classes::new();
        text.unicode_words()
            .filter(|word| is_written(&classes, word))
            .map(|word| {
                let mut lower = String::new();
                for char in word.chars().filter(|&char| char != '\u{ad}') {
                    match char {
                        '’' => lower.push('\''),
                        'ς' => lower.push('σ'),
                        'İ' => lower.push('i'),
                        _ => lower.extend(char.to_lowercase()),
                    }
                }
                lower
            })
            .collect()
    }

    #[test]
    fn texts_become_the_words_that_people_look_for() {
        for (text, expected) in [
            ("", ""),
            ("... !? — ", ""),
            ("A fear of HEIGHTS; (of falling).", "a|fear|of|heights|of|falling"),
            ("don't  rock’n’roll it's'", "don't|rock'n'roll|it's"),
            ("3.14 1,000 v2.0 a.b x:y 1:2", "3.14|1,000|v2.0|a.b|x:y|1|2"),
            ("snake_case __ e-mail #tag @you", "snake_case|e|mail|tag|you"),
            ("Ελένη ΣΊΣΥΦΟΣ σίσυφος", "ελένη|σίσυφοσ|σίσυφοσ"),
            ("Straße ÉCOLE cafe\u{301} İ", "straße|école|cafe\u{301}|i"),
            ("co\u{ad}operate \u{301}x", "cooperate|x"),
            ("東京タワーへ行く 한국어 텍스트", "東|京|タワー|へ|行|く|한국어|텍스트"),
            ("צה\"ל ג'ירפה", "צה\"ל|ג'ירפה"),
            ("👍🏽 fine\u{200d}🛑 2️⃣", "fine\u{200d}|2\u{fe0f}\u{20e3}"),
        ] {
            assert_eq!(split(text).join("|"), expected, "{text}");
        }
        let long = "é".repeat(LONGEST_WORD);
        assert_eq!(split(&long), ["é".repeat(LONGEST_WORD / 2)]);
    }

    /// Characters of every class, often; any character now and then. No emoji, which a library lets join words.
    fn text() -> impl Strategy<Value = String> {
        let chosen = "aZ09_.:,;'\"’·אבגアイ゛東へกé²٠٫ʻ\u{301}\u{ad}\u{200d}\u{2060}   !-/\n\r";
        let chosen = prop::sample::select(chosen.chars().collect::<Vec<_>>());
        let letter = any::<char>().prop_filter("letters of any script", |char| char.is_alphanumeric());
        prop::collection::vec(prop_oneof![12 => chosen, 1 => letter], 0..24).prop_map(String::from_iter)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn words_end_where_a_unicode_library_ends_them(text in text()) {
            let (mut found, classes) = (split(&text), Classes::new());
            found.retain(|word| is_written(&classes, word));
            prop_assert_eq!(found, oracle(&text));
        }
    }
}
