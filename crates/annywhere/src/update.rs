//! Changing a row: some keys of its metadata, or its vector, or both.
//!
//! New metadata leave the index alone. A new vector is an insert with the metadata that the row has then.

use crate::database::Database;
use crate::error::Error;
use crate::metadata::merged;
use crate::rows;

/// Stands for: forget all metadata.
const NOTHING: &str = "null";

impl Database {
    /// Changes a row; false if there is none with this id.
    ///
    /// `metadata` is the JSON text of an object whose keys are set in that of the row while all others stay, also within
    /// the row's own order; `null` forgets all. `vector` replaces the row's.
    ///
    /// # Errors
    /// [`Error::InvalidMetadata`] for another text, those of [`insert`](Self::insert) for the vector, and
    /// [`Error::OutOfMemory`]; nothing has changed then.
    pub fn update(
        &mut self,
        id: &str,
        metadata: Option<&str>,
        vector: Option<&[f32]>,
    ) -> Result<bool, Error> {
        self.update_after(id, metadata, vector, || Ok(()))
    }

    /// Updates, and calls `keep` once nothing can fail any more and nothing has changed yet.
    pub(crate) fn update_after(
        &mut self,
        id: &str,
        metadata: Option<&str>,
        vector: Option<&[f32]>,
        keep: impl FnOnce() -> Result<(), Error>,
    ) -> Result<bool, Error> {
        self.refuse_read_only()?;
        let Some(slot) = self.stored.slots.find(id) else {
            return Ok(false);
        };
        let kept = self.stored.metadata.read(slot as usize)?;
        let text = match metadata {
            Some(NOTHING) => String::new(),
            Some(change) => merged(&kept, change)
                .map_err(|error| Error::InvalidMetadata { row: 0, reason: format!("is refused: {error}") })?,
            None => kept.into_owned(),
        };
        if let Some(vector) = vector {
            let id = serde_json::to_string(id).unwrap_or_default();
            let row = format!("[[{id},{}]]", rows::metadata_or_empty(&text));
            return self.insert_after(&row, vector, keep).map(|()| true);
        }
        let slots = self.stored.slots.len();
        self.stored.metadata.reserve(slots, text.len())?;
        let documents = self.read_words(std::iter::once(text.as_str()))?;
        keep()?;
        self.recent.forget();
        if let Some(words) = &mut self.stored.words {
            words.remove(slot);
        }
        self.stored.metadata.set(slot as usize, &text);
        self.stored.columns.touch(slot);
        self.place_words(&documents, &[slot]);
        Ok(true)
    }
}
