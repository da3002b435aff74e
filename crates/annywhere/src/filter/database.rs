//! What a database does with filters: finds the rows that match, counts, lists and removes them.

use serde_json::Value as Json;

use super::{Filter, Selection, estimate, matching};
use crate::database::Database;
use crate::error::Error;
use crate::graph::Graph;
use crate::stored::{Index, Stored};

impl Database {
    /// The rows that match a filter, as JSON that has been read.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`].
    pub(crate) fn select(&self, filter: &Json) -> Result<Selection, Error> {
        let filter = Filter::parse(filter, self.filter_limits)?;
        let Stored { columns, slots, metadata, .. } = &self.stored;
        let mut paths = Vec::new();
        filter.paths(&mut paths);
        let reading = columns.read(&paths, self.filter_limits.fields(), slots, metadata)?;
        let estimate = estimate(&filter, &reading, slots.live());
        Ok(Selection::new(matching(&filter, &reading), estimate))
    }

    /// The same as JSON text.
    fn select_by_text(&self, filter: &str) -> Result<Selection, Error> {
        let filter: Json = serde_json::from_str(filter)
            .map_err(|error| Error::InvalidFilter { path: String::new(), reason: error.to_string() })?;
        self.select(&filter)
    }

    /// Prepares a selection for the index that searches it.
    pub(crate) fn prepared(&self, selection: Selection) -> Selection {
        match &self.stored.index {
            Index::Graph { graph, .. } => {
                let nodes = Graph::nodes(graph, &selection.matches);
                selection.with_nodes(nodes)
            }
            _ => selection,
        }
    }

    /// Number of rows that match a filter, which is JSON text; the language stands in `filter/mod.rs`.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`].
    pub fn count(&self, filter: &str) -> Result<usize, Error> {
        Ok(self.select_by_text(filter)?.count)
    }

    /// Removes the rows that match a filter; returns how many they were.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`].
    pub fn delete_matching(&mut self, filter: &str) -> Result<usize, Error> {
        let selection = self.select_by_text(filter)?;
        let ids: Vec<String> =
            selection.matches.iter().map(|slot| self.stored.slots.id(slot).to_owned()).collect();
        self.delete(&ids.iter().map(String::as_str).collect::<Vec<_>>())
    }
}
