//! Which words stand in which rows.
//!
//! The words of a row are a *document*. Documents are numbered in the order in which they come, so that postings only grow
//! at their ends; where the row lies is looked up by the number, so that rows can move. A removed document stays in the
//! postings without a row and is passed over, until enough have gathered to renumber the rest.

use super::postings::Postings;
use super::split::{self, Splitter};
use super::terms::Terms;
use crate::chunks::Chunks;
use crate::error::Error;
use crate::fields::{self, Value};
use crate::slots::Slot;
use crate::sort::sort;

/// In place of a document where a row has no words, and of a slot where a document has no row.
pub(super) const NONE: u32 = u32::MAX;
/// So many removed documents may gather, and as many as there are documents with a row.
const MOST_REMOVED: usize = 1_024;

/// The inverted index of one database.
#[derive(Debug)]
pub(crate) struct Words {
    /// Dotted paths of the metadata fields whose words are indexed.
    pub(super) fields: Vec<String>,
    splitter: Splitter,
    pub(super) terms: Terms,
    /// Where each term stands.
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
            splitter: Splitter::new(),
            terms: Terms::new(),
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
    pub(crate) fn add(&mut self, metadata: &str, found: &mut Vec<u64>) -> Result<Option<u32>, Error> {
        found.clear();
        let mut failed = None;
        let Self { fields, splitter, terms, postings, .. } = self;
        for field in fields.iter() {
            fields::visit(metadata, field, &mut |value| {
                if let Value::Text(text) = value {
                    split::words(splitter, text, &mut |word| {
                        match term(terms, postings, word) {
                            Ok(term) => found.push(term.into()),
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
        sort(found);
        let document = self.push(found.len() as u32)?;
        for run in found.chunk_by(|a, b| a == b) {
            self.postings[run[0] as usize].push(document, run.len() as u32)?;
        }
        Ok(Some(document))
    }

    /// Adds a document of `length` words, which are in no postings yet.
    pub(super) fn push(&mut self, length: u32) -> Result<u32, Error> {
        let document = u32::try_from(self.slots.len()).ok().filter(|&document| document != NONE);
        let document = document.ok_or(Error::OutOfMemory { bytes: size_of::<Slot>() })?;
        self.slots.grow(document as usize + 1, NONE)?;
        self.lengths.grow(document as usize + 1, length)?;
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
        let before: Vec<u32> = (0..self.documents.len()).map(|slot| self.documents.get(slot)).collect();
        self.documents.shrink(live);
        for slot in 0..live {
            let document = before[order[slot] as usize];
            self.documents.set(slot, document);
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
            postings
                .renumber(&|document| Some(slots.get(document as usize)).filter(|&number| number != NONE));
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
        let is_used = |&term: &u32| self.postings[term as usize].count() > 0;
        let mut terms = Terms::new();
        for term in (0..self.postings.len() as u32).filter(is_used) {
            terms.add(self.terms.word(term))?;
        }
        self.postings.retain(|postings| postings.count() > 0);
        self.terms = terms;
        Ok(())
    }

    /// The number of a word, which it gets now if it is new.
    pub(super) fn term(&mut self, word: &str) -> Result<u32, Error> {
        term(&mut self.terms, &mut self.postings, word)
    }

    /// Calls `each` with every word of a text.
    pub(super) fn split(&self, text: &str, each: &mut dyn FnMut(&str)) {
        split::words(&self.splitter, text, each);
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let lists: usize = self.postings.iter().map(Postings::bytes).sum();
        lists
            + self.postings.capacity() * size_of::<Postings>()
            + self.terms.bytes()
            + self.slots.bytes()
            + self.lengths.bytes()
            + self.documents.bytes()
    }
}

/// The number of a word, which it gets now if it is new.
fn term(terms: &mut Terms, postings: &mut Vec<Postings>, word: &str) -> Result<u32, Error> {
    if let Some(term) = terms.find(word) {
        return Ok(term);
    }
    postings.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes: size_of::<Postings>() })?;
    let term = terms.add(word)?;
    postings.push(Postings::default());
    Ok(term)
}
