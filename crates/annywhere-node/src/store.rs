//! A database's store, as the engine holds it.

use annywhere::Store;

use crate::folder::Folder;

/// A store and what is asked of it.
#[derive(Debug)]
pub struct Kept {
    pub store: Store<Folder>,
    /// Whether a change ends after it is flushed.
    pub strict: bool,
}
