//! What a database does with filters: finds the rows that match, counts, lists and removes them.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{Filter, Selection, estimate, matching};
use crate::database::Database;
use crate::error::Error;
use crate::stored::{Index, Stored};

impl Database {
    /// The rows that match a filter, as JSON that has been read.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`].
    pub(crate) fn select(&self, filter: &Json) -> Result<Arc<Selection>, Error> {
        let text = filter.to_string();
        if let Some(selection) = self.recent.find(&text) {
            return Ok(selection);
        }
        let filter = Filter::parse(filter, self.filter_limits)?;
        let Stored { columns, slots, metadata, index, .. } = &self.stored;
        let mut paths = Vec::new();
        filter.paths(&mut paths);
        let reading = columns.read(&paths, self.filter_limits.fields(), slots, metadata)?;
        let estimate = estimate(&filter, &reading, slots.live());
        let selection = Selection::new(matching(&filter, &reading), estimate, slots.live());
        let selection = Arc::new(match index {
            Index::Graph { graph, .. } => {
                let nodes = graph.nodes(&selection.matches);
                selection.with_nodes(nodes)
            }
            _ => selection,
        });
        self.recent.keep(text, &selection);
        Ok(selection)
    }

    /// The same as JSON text.
    pub(crate) fn select_by_text(&self, filter: &str) -> Result<Arc<Selection>, Error> {
        let filter: Json = serde_json::from_str(filter)
            .map_err(|error| Error::InvalidFilter { path: String::new(), reason: error.to_string() })?;
        self.select(&filter)
    }

    /// Number of rows that match a filter, which is JSON text; the language stands in `filter/mod.rs`.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`].
    pub fn count(&self, filter: &str) -> Result<usize, Error> {
        Ok(self.select_by_text(filter)?.count)
    }

    /// The ids of the rows that match a filter, in no order that means anything.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`].
    pub fn ids_matching(&self, filter: &str) -> Result<Vec<String>, Error> {
        let selection = self.select_by_text(filter)?;
        Ok(selection.matches.iter().map(|slot| self.stored.slots.id(slot).to_owned()).collect())
    }

    /// Removes the rows that match a filter; returns how many they were.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`].
    pub fn delete_matching(&mut self, filter: &str) -> Result<usize, Error> {
        let ids = self.ids_matching(filter)?;
        self.delete(&ids.iter().map(String::as_str).collect::<Vec<_>>())
    }
}
