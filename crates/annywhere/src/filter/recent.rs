//! The selections of the last few filters: the same filter usually comes with many queries.

use std::sync::{Arc, Mutex, PoisonError};

use super::Selection;

/// Selections kept: a few tenants or tabs at a time, at an eighth of a byte a row each (a quarter for a graph).
const KEPT: usize = 8;

/// Filters as JSON text with what they select, the last used one at the end. Every change of rows forgets them.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<Vec<(String, Arc<Selection>)>>);

impl Recent {
    pub(crate) fn forget(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn find(&self, filter: &str) -> Option<Arc<Selection>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(text, _)| text == filter)?;
        kept[at..].rotate_left(1);
        kept.last().map(|(_, selection)| Arc::clone(selection))
    }

    pub(super) fn keep(&self, filter: String, selection: &Arc<Selection>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push((filter, Arc::clone(selection)));
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(|(text, selection)| text.len() + selection.bytes()).sum()
    }
}
