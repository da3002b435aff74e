//! What a database does with words: takes those of new rows in, and answers searches for them.

use super::{Question, Words};
use crate::database::Database;
use crate::error::Error;
use crate::hits::SearchParams;
use crate::options::check_text_fields;
use crate::slots::Slot;
use crate::stored::Stored;

/// Bytes of a text to search for.
const LONGEST_QUESTION: usize = 65_536;
/// What can be scored in a millisecond or two.
const QUICK_POSTINGS: usize = 300_000;

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

    /// Whether scoring the words of a search takes little time.
    pub(crate) fn is_quick_text(&self, params: &SearchParams) -> bool {
        match (&params.text, &self.stored.words) {
            (Some(text), Some(words)) => words.effort(&words.ask(text)) <= QUICK_POSTINGS,
            _ => true,
        }
    }
}
