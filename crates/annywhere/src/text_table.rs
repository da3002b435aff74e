//! Numbers by text: a hash table that holds the numbers only, while the texts stand elsewhere, once.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::Error;
use crate::texts::Texts;

/// Finds the numbers of texts that stand in a [`Texts`], which every call is given.
#[derive(Debug)]
pub(crate) struct TextTable(HashTable<u32>);

impl TextTable {
    pub(crate) fn new() -> Self {
        Self(HashTable::new())
    }

    /// How many texts it knows.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The number of a text.
    pub(crate) fn find(&self, texts: &Texts, text: &str) -> Option<u32> {
        self.0.find(hash(text), |&number| texts.get(number as usize) == text).copied()
    }

    /// Makes room for `more` texts, so that inserting them cannot fail.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(crate) fn reserve(&mut self, texts: &Texts, more: usize) -> Result<(), Error> {
        self.0
            .try_reserve(more, |&number| hash(texts.get(number as usize)))
            .map_err(|_| Error::OutOfMemory { bytes: more * size_of::<u32>() })
    }

    /// Adds a text that it does not know, whose number it is; `reserve` has made the room.
    pub(crate) fn insert(&mut self, texts: &Texts, number: u32) {
        let text = texts.get(number as usize);
        self.0.insert_unique(hash(text), number, |&number| hash(texts.get(number as usize)));
    }

    /// Forgets a text: the number that it had.
    pub(crate) fn remove(&mut self, texts: &Texts, text: &str) -> Option<u32> {
        let entry = self.0.find_entry(hash(text), |&number| texts.get(number as usize) == text).ok()?;
        Some(entry.remove().0)
    }

    /// Forgets everything and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.0.capacity() * (size_of::<u32>() + 1)
    }
}

/// One copy of a long function, which the compiler would put everywhere.
#[inline(never)]
pub(crate) fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}
