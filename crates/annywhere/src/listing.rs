//! Rows by their ids: some at once, or all of them page by page.
//!
//! Pages go by ids in ascending order of their UTF-8 bytes, because slots change with every arrangement. A row that is inserted
//! or removed between two pages is in the listing if its place has not been passed.

use crate::database::Database;
use crate::error::Error;
use crate::rows;
use crate::slots::Slot;
use crate::sort::sort;

/// A page has as many rows as fit about this many bytes of vectors, within these bounds.
const PAGE_BYTES: usize = 1 << 20;
const FEWEST_ROWS: usize = 16;
const MOST_ROWS: usize = 1_000;

/// Rows in the form in which they cross into JavaScript.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// Ids and metadata, `["id",{metadata},"id2",{..},…]`.
    pub rows: String,
    /// Their vectors, one after the other.
    pub vectors: Vec<f32>,
}

impl Database {
    /// The rows with these ids, in their order; ids that do not exist are passed over.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::Io`] if they have to be read from a file and cannot be.
    pub fn get_many(&self, ids: &[&str]) -> Result<Rows, Error> {
        self.rows(ids.iter().filter_map(|id| self.stored.slots.find(id)))
    }

    /// The next rows in the order of ids after the id `after`, which need not exist, of those that match a filter as JSON
    /// text. An empty page is the end.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`]; [`Error::Corrupt`] or [`Error::Io`] if rows have to be read from a file and cannot be.
    pub fn page(&self, filter: Option<&str>, after: Option<&str>) -> Result<Rows, Error> {
        let selection = filter.map(|filter| self.select_by_text(filter)).transpose()?;
        let slots = &self.stored.slots;
        let row_bytes = self.stored.options.dimensions * size_of::<f32>();
        let most = (PAGE_BYTES / row_bytes).clamp(FEWEST_ROWS, MOST_ROWS);
        let mut page: Vec<(&str, Slot)> = Vec::with_capacity(2 * most);
        let mut last: Option<&str> = None;
        for slot in slots.live_slots() {
            let id = slots.id(slot);
            let matches = selection.as_ref().is_none_or(|selection| selection.matches.contains(slot));
            if !matches || after.is_some_and(|after| id <= after) || last.is_some_and(|last| id > last) {
                continue;
            }
            page.push((id, slot));
            if page.len() == 2 * most {
                sort(&mut page);
                page.truncate(most);
                last = page.last().map(|row| row.0);
            }
        }
        sort(&mut page);
        self.rows(page.iter().take(most).map(|row| row.1))
    }

    fn rows(&self, of: impl Iterator<Item = Slot>) -> Result<Rows, Error> {
        let mut found = Rows { rows: "[".to_owned(), vectors: Vec::new() };
        let mut failure = Ok(());
        for slot in of {
            let vector = self.stored.vectors.read(slot);
            let metadata = rows::read_metadata(&self.stored.metadata, slot);
            // The others are read all the same: a source may have to bring them from far.
            let (vector, metadata) = match (vector, metadata) {
                (Ok(vector), Ok(metadata)) => (vector, metadata),
                (Err(error), _) | (_, Err(error)) => {
                    failure = failure.and(Err(error));
                    continue;
                }
            };
            if found.rows.len() > 1 {
                found.rows.push(',');
            }
            found.rows.push_str(&serde_json::to_string(self.stored.slots.id(slot)).unwrap_or_default());
            found.rows.push(',');
            found.rows.push_str(&metadata);
            found.vectors.extend_from_slice(&vector);
        }
        found.rows.push(']');
        failure.map(|()| found)
    }
}
