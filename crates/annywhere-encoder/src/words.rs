//! Splits a text into words, without copying the text.

use crate::characters::{Character, classify};

/// The teacher's tokenizer gives up on longer words. It also keeps the word buffer, and the work on it, small.
const MAX_WORD: usize = 100;

/// The word being read.
#[derive(Debug, Default)]
pub(crate) struct Word {
    letters: Vec<u8>,
    /// Whether the word can match at all: no foreign character, not too long.
    unmatched: bool,
}

impl Word {
    fn push(&mut self, letter: u8) {
        if self.letters.len() == MAX_WORD {
            self.unmatched = true;
        } else {
            self.letters.push(letter);
        }
    }

    fn end(&mut self, each: &mut impl FnMut(&[u8])) {
        if !self.unmatched && !self.letters.is_empty() {
            each(&self.letters);
        }
        self.letters.clear();
        self.unmatched = false;
    }
}

/// Calls `each` for every word that can match pieces, in text order.
pub(crate) fn split(text: &str, word: &mut Word, mut each: impl FnMut(&[u8])) {
    word.end(&mut |_| {});
    for char in text.chars() {
        match classify(char) {
            Character::Letter(letter) => word.push(letter),
            Character::Dropped => {}
            Character::Foreign => word.unmatched = true,
            Character::Separator => word.end(&mut each),
            Character::Punctuation(mark) => {
                word.end(&mut each);
                each(&[mark]);
            }
        }
    }
    word.end(&mut each);
}
