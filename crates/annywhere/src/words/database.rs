//! What a database does with words: takes those of new rows in, and answers searches for them.

use super::{Question, Words};
use crate::database::{Database, Plan};
use crate::error::Error;
use crate::hits::Hits;
use crate::options::check_text_fields;
use crate::scratch::Scratch;
use crate::slots::Slot;
use crate::stored::Stored;

/// Bytes of a text to search for.
const LONGEST_QUESTION: usize = 65_536;

impl Words {
    /// The empty index that an option asks for.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub(crate) fn of(fields: &[String]) -> Result<Option<Box<Self>>, Error> {
        check_text_fields(fields)?;
        Ok((!fields.is_empty()).then(|| Box::new(Self::new(fields.to_vec()))))
    }
}

impl Database {
    /// Takes the words of new rows in, which have no slots yet: the number of each row's document.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; nothing has changed then that a search could see.
    pub(crate) fn read_words<'a>(
        &mut self,
        metadata: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Option<u32>>, Error> {
        let Some(words) = &mut self.stored.words else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        metadata.map(|metadata| words.add(metadata, &mut found)).collect()
    }

    /// Gives the documents of new rows their slots.
    pub(crate) fn place_words(&mut self, documents: &[Option<u32>], new: &[Slot]) {
        let Some(words) = &mut self.stored.words else { return };
        for (document, &slot) in documents.iter().zip(new) {
            if let Some(document) = *document {
                words.place(document, slot);
            }
        }
        words.collect_if_due();
    }

    /// An index of the words of all rows.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] or [`Error::OutOfMemory`].
    pub(crate) fn words_of_all_rows(&self, fields: &[String]) -> Result<Option<Box<Words>>, Error> {
        let Stored { slots, metadata, .. } = &self.stored;
        let Some(mut words) = Words::of(fields)? else { return Ok(None) };
        words.reserve(slots.len())?;
        let mut found = Vec::new();
        for slot in slots.live_slots() {
            if let Some(document) = words.add(metadata.get(slot as usize), &mut found)? {
                words.place(document, slot);
            }
        }
        Ok(Some(words))
    }

    /// Reads the words of a query.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the text is too long or the database has no words.
    pub(crate) fn question(&self, text: &str) -> Result<Question, Error> {
        let invalid = |reason: String| Err(Error::InvalidArgument { argument: "text".to_owned(), reason });
        match &self.stored.words {
            None => {
                invalid("needs the option text: { fields }, which this database was made without".to_owned())
            }
            Some(_) if text.len() > LONGEST_QUESTION => {
                invalid(format!("has {} bytes, more than {LONGEST_QUESTION}", text.len()))
            }
            Some(words) => Ok(words.ask(text)),
        }
    }

    /// Number of postings that a search for words goes through.
    pub(crate) fn word_effort(&self, question: &Question) -> usize {
        self.stored.words.as_ref().map_or(0, |words| words.effort(question))
    }

    /// The rows whose words answer best. They have no distance.
    pub(crate) fn search_words(&self, question: &Question, plan: &Plan, scratch: &mut Scratch) -> Hits<'_> {
        let Stored { slots, metadata, words, .. } = &self.stored;
        let mut hits = Hits::new(slots, plan.metadata.then_some(metadata));
        if let Some(words) = words {
            words.score(question, &mut scratch.words);
            let may = |slot| plan.selection.as_ref().is_none_or(|selection| selection.matches.contains(slot));
            words.best(&scratch.words, plan.k, may, &mut scratch.sorted);
            for best in &scratch.sorted {
                let score = 0.0 - best.rank();
                if plan.threshold.is_some_and(|threshold| score < threshold) {
                    break;
                }
                hits.push(best.slot(), score, f32::NAN);
            }
        }
        hits
    }
}
