//! Which words stand in which rows.
//!
//! The words of a row are a *document*. Documents are numbered in the order in which they come, so that postings only grow
//! at their ends; where the row lies is looked up by the number, so that rows can move. A removed document stays in the
//! postings without a row and is passed over, until enough have gathered to renumber the rest.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

use super::classes::Classes;
use super::postings::Postings;
use super::split::{self, LONGEST_WORD};
use crate::chunks::Chunks;
use crate::error::Error;
use crate::fields::{self, Value};
use crate::slots::Slot;
use crate::texts::Texts;

/// In place of a document where a row has no words, and of a slot where a document has no row.
pub(super) const NONE: u32 = u32::MAX;
/// So many removed documents may gather, and as many as there are documents with a row.
const MOST_REMOVED: usize = 1_024;

/// The inverted index of one database.
#[derive(Debug)]
pub(crate) struct Words {
    /// Dotted paths of the metadata fields whose words are indexed.
    pub(super) fields: Vec<String>,
    classes: Classes,
    /// The words, by the number of the term.
    terms: Texts,
    by_word: HashTable<u32>,
    pub(super) postings: Vec<Postings>,
    /// Slot of each document.
    pub(super) slots: Chunks<Slot>,
    /// Number of words of each document.
    pub(super) lengths: Chunks<u32>,
    /// Document of each slot.
    pub(super) documents: Chunks<u32>,
    /// Documents with a row, and the sum of their words.
    pub(super) live: usize,
    pub(super) total: u64,
}

impl Words {
    pub(crate) fn new(fields: Vec<String>) -> Self {
        Self {
            fields,
            classes: Classes::new(),
            terms: Texts::new(),
            by_word: HashTable::new(),
            postings: Vec::new(),
            slots: Chunks::new(1),
            lengths: Chunks::new(1),
            documents: Chunks::new(1),
            live: 0,
            total: 0,
        }
    }

    /// Dotted paths of the fields whose words are indexed.
    pub(crate) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Makes room for `slots` slots.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(crate) fn reserve(&mut self, slots: usize) -> Result<(), Error> {
        self.documents.grow(slots, NONE)
    }

    /// Forgets the slots from `slots` on, which hold no rows.
    pub(crate) fn shrink(&mut self, slots: usize) {
        self.documents.shrink(slots);
    }

    /// Takes the words of metadata in, without a row as yet; `None` if there are none. What [`place`](Self::place) never
    /// gives a row is as good as removed, so there is nothing to undo when a later row does not fit.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(crate) fn add(&mut self, metadata: &str, found: &mut Vec<u32>) -> Result<Option<u32>, Error> {
        found.clear();
        let mut failed = None;
        let Self { fields, classes, terms, by_word, postings, .. } = self;
        for field in fields.iter() {
            fields::visit(metadata, field, &mut |value| {
                if let Value::Text(text) = value {
                    split::words(classes, text, |word| {
                        match term(terms, by_word, postings, word) {
                            Ok(term) => found.push(term),
                            Err(error) => failed = Some(error),
                        };
                    });
                }
            });
        }
        if let Some(error) = failed {
            return Err(error);
        }
        if found.is_empty() {
            return Ok(None);
        }
        found.sort_unstable();
        self.push(found.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32)), found.len() as u32)
            .map(Some)
    }

    /// Adds a document of `length` words, given as terms and their counts.
    pub(super) fn push(
        &mut self,
        counted: impl Iterator<Item = (u32, u32)>,
        length: u32,
    ) -> Result<u32, Error> {
        let document = u32::try_from(self.slots.len()).ok().filter(|&document| document != NONE);
        let document = document.ok_or(Error::OutOfMemory { bytes: size_of::<Slot>() })?;
        self.slots.grow(document as usize + 1, NONE)?;
        self.lengths.grow(document as usize + 1, length)?;
        for (term, times) in counted {
            self.postings[term as usize].push(document, times)?;
        }
        Ok(document)
    }

    /// Gives a document its row.
    pub(crate) fn place(&mut self, document: u32, slot: Slot) {
        self.slots.set(document as usize, slot);
        self.documents.set(slot as usize, document);
        self.live += 1;
        self.total += u64::from(self.lengths.get(document as usize));
    }

    /// Forgets the words of a row.
    pub(crate) fn remove(&mut self, slot: Slot) {
        let document = self.documents.get(slot as usize);
        if document != NONE {
            self.documents.set(slot as usize, NONE);
            self.slots.set(document as usize, NONE);
            self.live -= 1;
            self.total -= u64::from(self.lengths.get(document as usize));
        }
    }

    /// Moves the rows about: slot `i` takes the row of slot `order[i]`. Slots from `live` on hold no rows then and are
    /// forgotten.
    pub(crate) fn permute(&mut self, order: &[Slot], live: usize) {
        self.documents.permute(order);
        self.documents.shrink(live);
        for slot in 0..live {
            let document = self.documents.get(slot);
            if document != NONE {
                self.slots.set(document as usize, slot as Slot);
            }
        }
    }

    /// Documents without a row.
    pub(super) fn removed(&self) -> usize {
        self.slots.len() - self.live
    }

    /// Drops removed documents once they are many.
    pub(crate) fn collect_if_due(&mut self) {
        if self.removed() >= self.live.max(MOST_REMOVED) {
            self.collect();
        }
    }

    /// Drops removed documents, and words that no document holds any more.
    pub(crate) fn collect(&mut self) {
        let mut next = 0;
        // The number that each document will have, in place of its slot.
        let mut slots = std::mem::replace(&mut self.slots, Chunks::new(1));
        for document in 0..slots.len() {
            let slot = slots.get(document);
            if slot != NONE {
                self.documents.set(slot as usize, next);
                self.lengths.set(next as usize, self.lengths.get(document));
                slots.set(document, next);
                next += 1;
            }
        }
        for postings in &mut self.postings {
            postings.renumber(|document| Some(slots.get(document as usize)).filter(|&number| number != NONE));
        }
        slots.shrink(next as usize);
        self.lengths.shrink(next as usize);
        for slot in 0..self.documents.len() {
            let document = self.documents.get(slot);
            if document != NONE {
                slots.set(document as usize, slot as Slot);
            }
        }
        self.slots = slots;
        // Without memory for a smaller list of words, the longer one serves as well.
        let _ = self.drop_unused_words();
    }

    fn drop_unused_words(&mut self) -> Result<(), Error> {
        let used = self.postings.iter().filter(|postings| postings.count() > 0).count();
        if used == self.postings.len() {
            return Ok(());
        }
        let (mut terms, mut by_word) = (Texts::new(), HashTable::new());
        by_word
            .try_reserve(used, |_| 0)
            .map_err(|_| Error::OutOfMemory { bytes: used * size_of::<u32>() })?;
        let is_used = |&term: &usize| self.postings[term].count() > 0;
        for (next, term) in (0..self.postings.len()).filter(is_used).enumerate() {
            let word = self.terms.get(term);
            terms.reserve(next + 1, word.len())?;
            terms.set(next, word);
            by_word.insert_unique(hash(word), next as u32, |&term| hash(terms.get(term as usize)));
        }
        self.postings.retain(|postings| postings.count() > 0);
        (self.terms, self.by_word) = (terms, by_word);
        Ok(())
    }

    /// The number of a word that some document holds or held.
    pub(super) fn find(&self, word: &str) -> Option<u32> {
        self.by_word.find(hash(word), |&term| self.terms.get(term as usize) == word).copied()
    }

    /// The word of a term.
    pub(super) fn word(&self, term: u32) -> &str {
        self.terms.get(term as usize)
    }

    /// The number of a word, which it gets now if it is new.
    pub(super) fn term(&mut self, word: &str) -> Result<u32, Error> {
        term(&mut self.terms, &mut self.by_word, &mut self.postings, word)
    }

    /// Calls `each` with every word of a text.
    pub(super) fn split(&self, text: &str, each: impl FnMut(&str)) {
        split::words(&self.classes, text, each);
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let lists: usize = self.postings.iter().map(Postings::bytes).sum();
        let tables = self.postings.capacity() * size_of::<Postings>()
            + self.by_word.capacity() * (size_of::<u32>() + 1);
        lists
            + tables
            + self.terms.bytes()
            + self.slots.bytes()
            + self.lengths.bytes()
            + self.documents.bytes()
    }
}

fn term(
    terms: &mut Texts,
    by_word: &mut HashTable<u32>,
    postings: &mut Vec<Postings>,
    word: &str,
) -> Result<u32, Error> {
    debug_assert!(word.len() <= LONGEST_WORD, "the splitter cuts words");
    if let Some(&term) = by_word.find(hash(word), |&term| terms.get(term as usize) == word) {
        return Ok(term);
    }
    let term = postings.len();
    let bytes = size_of::<Postings>();
    postings.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes })?;
    by_word
        .try_reserve(1, |&term| hash(terms.get(term as usize)))
        .map_err(|_| Error::OutOfMemory { bytes })?;
    terms.reserve(term + 1, word.len())?;
    terms.set(term, word);
    postings.push(Postings::default());
    by_word.insert_unique(hash(word), term as u32, |&term| hash(terms.get(term as usize)));
    Ok(term as u32)
}

fn hash(word: &str) -> u64 {
    xxh3_64(word.as_bytes())
}
