//! The words as a file holds them: rows by slot, words in order of their bytes, so that equal content makes equal bytes
//! whatever happened before. `FORMAT.md` describes the sections.

use super::index::{NONE, Words};
use super::postings::{encode, take_posting};
use crate::error::Error;
use crate::slots::{Slot, Slots};
use crate::sort::{sort, sort_by};

/// The content of the three sections.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    /// Number of words of each slot.
    pub(crate) lengths: Vec<u32>,
    /// Length, bytes and number of postings of each word.
    pub(crate) words: Vec<u8>,
    /// Postings of each word, with slots in place of documents.
    pub(crate) postings: Vec<u8>,
}

impl Words {
    /// What a file holds of the index.
    pub(crate) fn sections(&self) -> Sections {
        let length = |slot| match self.documents.get(slot) {
            NONE => 0,
            document => self.lengths.get(document as usize),
        };
        let mut sections =
            Sections { lengths: (0..self.documents.len()).map(length).collect(), ..Sections::default() };
        let mut terms: Vec<u64> = (0..self.postings.len() as u64).collect();
        sort_by(&mut terms, &|a, b| self.terms.word(a as u32) < self.terms.word(b as u32));
        // Slot and number of times.
        let mut rows: Vec<u64> = Vec::new();
        for term in terms {
            rows.clear();
            self.postings[term as usize].each(&mut |document, times| {
                let slot = self.slots.get(document as usize);
                if slot != NONE {
                    rows.push(u64::from(slot) << 32 | u64::from(times));
                }
            });
            if rows.is_empty() {
                continue;
            }
            if !rows.is_sorted() {
                sort(&mut rows);
            }
            let word = self.terms.word(term as u32).as_bytes();
            // The splitter cuts words at 255 bytes.
            sections.words.push(word.len() as u8);
            sections.words.extend_from_slice(word);
            sections.words.extend_from_slice(&(rows.len() as u32).to_le_bytes());
            let mut last = 0;
            for &row in &rows {
                let slot = (row >> 32) as u32;
                let (posting, length) = encode(slot - last, row as u32);
                sections.postings.extend_from_slice(&posting[..length]);
                last = slot;
            }
        }
        sections
    }

    /// Puts the index together from the sections of a file, whose bytes may say anything.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a row without words that has some or the reverse, words out of order, postings of rows that are
    /// not there, and anything that is cut off; [`Error::OutOfMemory`].
    pub(crate) fn from_sections(
        fields: Vec<String>,
        sections: &Sections,
        slots: &Slots,
    ) -> Result<Self, Error> {
        let corrupt = |reason: &str| Err(Error::corrupt("words", reason));
        let Sections { lengths, words: bytes, postings } = sections;
        if lengths.len() != slots.len() {
            return corrupt("the lengths are not those of the slots");
        }
        let mut words = Self::new(fields);
        words.reserve(slots.len())?;
        // How many of its words each document has not been seen to hold yet.
        let mut missing = Vec::new();
        for (slot, &length) in lengths.iter().enumerate().filter(|&(_, &length)| length > 0) {
            if !slots.is_live(slot as Slot) {
                return corrupt("a slot has words and no row");
            }
            let document = words.push(length)?;
            words.place(document, slot as Slot);
            missing.push(length);
        }
        let (mut rest, mut read, mut before) = (bytes.as_slice(), 0, "");
        while let Some((&length, more)) = rest.split_first() {
            let Some((text, more)) = more.split_at_checked(length.into()) else {
                return corrupt("a word is cut off");
            };
            let Some((count, more)) = more.split_first_chunk() else {
                return corrupt("a count is cut off");
            };
            let Some(word) = std::str::from_utf8(text).ok().filter(|&word| word > before) else {
                return corrupt("a word does not come after the one before, or is not UTF-8");
            };
            (rest, before) = (more, word);
            let term = words.term(word)?;
            let (mut slot, count) = (0, u32::from_le_bytes(*count));
            for posting in 0..count {
                let Some((distance, times)) = take_posting(postings, &mut read) else {
                    return corrupt("a posting is cut off");
                };
                slot += distance;
                let is_next = distance > 0 || posting == 0;
                let document = match usize::try_from(slot) {
                    Ok(slot) if slot < slots.len() && is_next => words.documents.get(slot),
                    _ => NONE,
                };
                match missing.get_mut(document as usize) {
                    Some(left) if (1..=*left).contains(&times) => *left -= times,
                    _ => return corrupt("a word stands in a slot more often than the slot has words"),
                }
                words.postings[term as usize].push(document, times)?;
            }
            if count == 0 {
                return corrupt("a word stands nowhere");
            }
        }
        if read != postings.len() || missing.iter().any(|&left| left > 0) {
            return corrupt("the postings are not those of the words");
        }
        Ok(words)
    }
}
