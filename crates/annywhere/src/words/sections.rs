//! The words as a file holds them: rows by slot, words in order of their bytes, so that equal content makes equal bytes
//! whatever happened before. `FORMAT.md` describes the sections.

use super::index::{NONE, Words};
use super::postings::{self, put, put_number};
use super::split::LONGEST_WORD;
use crate::error::Error;
use crate::slots::{Slot, Slots};

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
        let mut terms: Vec<u32> = (0..self.postings.len() as u32).collect();
        terms.sort_unstable_by_key(|&term| self.word(term));
        let mut rows: Vec<(Slot, u32)> = Vec::new();
        for term in terms {
            rows.clear();
            let placed = self.postings[term as usize]
                .iter()
                .map(|(document, times)| (self.slots.get(document as usize), times));
            rows.extend(placed.filter(|&(slot, _)| slot != NONE));
            if rows.is_empty() {
                continue;
            }
            rows.sort_unstable();
            let word = self.word(term).as_bytes();
            // The splitter cuts words at 255 bytes.
            sections.words.push(word.len() as u8);
            sections.words.extend_from_slice(word);
            put_number(rows.len() as u64, &mut |byte| sections.words.push(byte));
            let mut last = 0;
            for &(slot, times) in &rows {
                put(slot - last, times, |byte| sections.postings.push(byte));
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
        let corrupt = |reason: String| Error::corrupt("words", reason);
        let Sections { lengths, words: bytes, postings } = sections;
        let mut words = Self::new(fields);
        words.reserve(slots.len())?;
        if lengths.len() != slots.len() {
            return Err(corrupt(format!("{} rows have words of {} slots", lengths.len(), slots.len())));
        }
        for (slot, &length) in lengths.iter().enumerate().filter(|&(_, &length)| length > 0) {
            if !slots.is_live(slot as Slot) {
                return Err(corrupt(format!("slot {slot} has words and no row")));
            }
            let document = words.push(std::iter::empty(), length)?;
            words.place(document, slot as Slot);
        }
        // How many of its words each document has not been seen to hold yet.
        let mut missing: Vec<u32> = (0..words.live).map(|document| words.lengths.get(document)).collect();
        let (mut at, mut read, mut before) = (0, 0, "");
        while at < bytes.len() {
            let length = bytes[at] as usize;
            let text = bytes.get(at + 1..at + 1 + length).and_then(|text| std::str::from_utf8(text).ok());
            let Some(word) = text.filter(|&word| word > before && word.len() <= LONGEST_WORD) else {
                return Err(corrupt(format!("what follows the word {before:?} is no word after it")));
            };
            at += 1 + length;
            let count = postings::take(bytes, &mut at).unwrap_or_default();
            if count == 0 {
                return Err(corrupt(format!("no row holds the word {word:?}")));
            }
            let term = words.term(word)?;
            let mut slot = 0;
            for posting in 0..count {
                let (distance, times) = postings::take_posting(postings, &mut read)
                    .ok_or_else(|| corrupt(format!("the postings of {word:?} are cut off")))?;
                slot += distance;
                let document = usize::try_from(slot)
                    .ok()
                    .filter(|&slot| slot < slots.len() && (distance > 0 || posting == 0))
                    .map(|slot| words.documents.get(slot) as usize);
                let left = document.and_then(|document| missing.get_mut(document));
                match (left, document) {
                    (Some(left), Some(document)) if (1..=*left).contains(&times) => {
                        *left -= times;
                        words.postings[term as usize].push(document as u32, times)?;
                    }
                    _ => return Err(corrupt(format!("the word {word:?} is not in slot {slot}"))),
                }
            }
            before = word;
        }
        if read != postings.len() {
            return Err(corrupt(format!("{} bytes follow the last posting", postings.len() - read)));
        }
        if let Some(document) = missing.iter().position(|&left| left > 0) {
            let slot = words.slots.get(document);
            return Err(corrupt(format!("{} words of slot {slot} are missing", missing[document])));
        }
        Ok(words)
    }
}
