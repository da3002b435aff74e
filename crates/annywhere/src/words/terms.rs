//! The different words of a database, each with a number.

use crate::error::Error;
use crate::text_table::TextTable;
use crate::texts::Texts;

/// Words by number and numbers by word.
#[derive(Debug)]
pub(crate) struct Terms {
    words: Texts,
    by_word: TextTable,
}

impl Terms {
    pub(crate) fn new() -> Self {
        Self { words: Texts::new(), by_word: TextTable::new() }
    }

    /// The word with a number.
    pub(crate) fn word(&self, term: u32) -> &str {
        self.words.get(term as usize)
    }

    /// The number of a word.
    pub(crate) fn find(&self, word: &str) -> Option<u32> {
        self.by_word.find(&self.words, word)
    }

    /// Gives the next number to a word that has none.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; nothing is added then.
    pub(crate) fn add(&mut self, word: &str) -> Result<u32, Error> {
        let term = self.by_word.len();
        self.by_word.reserve(&self.words, 1)?;
        self.words.reserve(term + 1, word.len())?;
        self.words.set(term, word);
        self.by_word.insert(&self.words, term as u32);
        Ok(term as u32)
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.words.bytes() + self.by_word.bytes()
    }
}
