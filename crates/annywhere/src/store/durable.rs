//! A database that is kept: every change is in the journal before it is made, and now and then everything goes into a new
//! segment.
//!
//! One change: check it and make room → write its frame → make it → acknowledge (after a flush, if that is asked for).
//! One checkpoint: segment → its journal → the list of files → the superblock, each flushed before the next. A crash
//! leaves the old generation or the new one.
//!
//! The files of the generation before stay until the next checkpoint, so that damage to the newest superblock slot or
//! segment costs nothing. After a failed write the store is poisoned: what is in memory can be read, nothing is written.

use serde::Serialize;

use super::backend::{Backend, FileOut};
use super::journal::{Header, Journal};
use super::names::{self, journal_name, segment_name};
use super::operation::Operation;
use super::segment::{self, Layout};
use super::superblock::{self, Superblock};
use crate::database::Database;
use crate::error::Error;

/// A journal shorter than this is no reason for a checkpoint.
const LEAST_JOURNAL: u64 = 4 << 20;
/// A journal may grow to this part of the segment: replaying it stays short, and segments are not written too often.
const JOURNAL_FRACTION: u64 = 4;
/// A store is closed with so little in its journal, and with a part of the segment this small, as it is.
const CLOSING_FRACTION: u64 = 64;

/// The durable half of a database: where its changes go.
///
/// ```
/// use annywhere::{Access, Config, MemoryBackend, Store};
///
/// let config = Config { dimensions: 2, ..Config::default() };
/// let (mut store, mut database) = Store::open(MemoryBackend::default(), &config, Access::Write)?;
/// store.insert(&mut database, r#"[["a", null]]"#, &[1.0, 2.0])?;
/// let (_, reopened) = Store::open(store.into_backend(), &config, Access::Write)?;
/// assert_eq!(reopened.len(), 1);
/// # Ok::<(), annywhere::Error>(())
/// ```
#[derive(Debug)]
pub struct Store<B> {
    pub(super) backend: B,
    pub(super) current: Superblock,
    /// The highest generation of which there is a trace.
    pub(super) highest: u64,
    pub(super) journal: Journal,
    pub(super) access: Access,
    /// Why nothing is written any more.
    pub(super) failed: Option<String>,
    pub(super) checkpoint: Option<Checkpoint>,
}

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading: nothing is written, also no repair. The backend need not be able to.
    Read,
    /// Reading and writing; a store that does not exist is made.
    Write,
}

/// How a store stands, for those who decide when to flush and when to write a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreState {
    /// The number of the state that the superblock names; it grows with every checkpoint.
    pub generation: u64,
    /// That of the next checkpoint.
    pub next_generation: u64,
    /// Bytes of the segment that the store begins with.
    pub segment_bytes: u64,
    /// Bytes of changes since.
    pub journal_bytes: u64,
    /// Whether a loss of power would take nothing.
    pub is_flushed: bool,
    /// Whether the journal is long enough for a checkpoint.
    pub needs_checkpoint: bool,
    /// Whether a checkpoint before closing is worth it: not if the journal is but a small part of what would be written.
    pub ends_with_checkpoint: bool,
    /// Why nothing is written any more.
    pub failed: Option<String>,
}

/// A checkpoint under way.
#[derive(Debug)]
pub(super) struct Checkpoint {
    layout: Layout,
    generation: u64,
    /// Bytes of the segment that are written.
    written: u64,
    continues: bool,
}

impl<B: Backend> Store<B> {
    /// Inserts as [`Database::insert`] does. When this returns, a crash of the process loses nothing; after
    /// [`flush`](Self::flush), a loss of power does not either.
    ///
    /// # Errors
    /// Those of [`Database::insert`], with nothing changed or written; [`Error::NoSpace`], [`Error::Io`] from the backend,
    /// with nothing changed and the store poisoned; [`Error::Poisoned`].
    pub fn insert(&mut self, database: &mut Database, rows: &str, vectors: &[f32]) -> Result<(), Error> {
        self.check_writable()?;
        database.insert_after(rows, vectors, || self.append(Operation::Insert { rows, vectors }))
    }

    /// Deletes as [`Database::delete`] does; otherwise as [`insert`](Self::insert).
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn delete(&mut self, database: &mut Database, ids: &[&str]) -> Result<usize, Error> {
        self.check_writable()?;
        // What is not there need not be written down.
        let present: Vec<&str> = ids.iter().copied().filter(|id| database.contains(id)).collect();
        if present.is_empty() {
            return Ok(0);
        }
        self.append(Operation::Delete { ids: &present })?;
        database.delete(&present)
    }

    /// Deletes as [`Database::delete_matching`] does; otherwise as [`insert`](Self::insert).
    ///
    /// # Errors
    /// As [`insert`](Self::insert), and [`Error::InvalidFilter`].
    pub fn delete_matching(&mut self, database: &mut Database, filter: &str) -> Result<usize, Error> {
        let ids = database.ids_matching(filter)?;
        self.delete(database, &ids.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Updates as [`Database::update`] does; otherwise as [`insert`](Self::insert).
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub fn update(
        &mut self,
        database: &mut Database,
        id: &str,
        metadata: Option<&str>,
        vector: Option<&[f32]>,
    ) -> Result<bool, Error> {
        self.check_writable()?;
        database
            .update_after(id, metadata, vector, || self.append(Operation::Update { id, metadata, vector }))
    }

    /// Makes every change so far durable.
    ///
    /// # Errors
    /// [`Error::Poisoned`], or what the backend reports, and the store is poisoned.
    pub fn flush(&mut self) -> Result<(), Error> {
        if self.is_flushed() || self.access == Access::Read {
            return Ok(());
        }
        self.check_writable()?;
        let flushed = self.journal.flush(&mut self.backend);
        self.or_poison(flushed)
    }

    /// Whether a loss of power would take nothing.
    #[must_use]
    pub fn is_flushed(&self) -> bool {
        self.journal.flushed == self.journal.next
    }

    /// How the store stands.
    #[must_use]
    pub fn state(&self) -> StoreState {
        let (journal, segment) = (self.journal.bytes(), self.current.segment_bytes);
        let can_write = self.access == Access::Write && self.failed.is_none();
        let least_at_end = if segment <= LEAST_JOURNAL { 0 } else { segment / CLOSING_FRACTION };
        StoreState {
            generation: self.current.generation,
            next_generation: self.next_generation(),
            segment_bytes: segment,
            journal_bytes: journal,
            is_flushed: self.is_flushed(),
            needs_checkpoint: can_write && journal > LEAST_JOURNAL.max(segment / JOURNAL_FRACTION),
            ends_with_checkpoint: can_write && journal > least_at_end,
            failed: self.failed.clone(),
        }
    }

    /// Writes everything into a new segment and begins a new journal.
    ///
    /// # Errors
    /// [`Error::Poisoned`], or what the backend reports. After [`Error::NoSpace`] before the new state was published the
    /// store goes on as before, else it is poisoned. Nothing acknowledged is lost.
    pub fn checkpoint(&mut self, database: &Database) -> Result<(), Error> {
        self.begin_checkpoint(database, true)?;
        while !self.continue_checkpoint(database, u64::MAX)? {}
        Ok(())
    }

    /// Makes the present content of the database, which need not come from the journal, that of the store.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn replace(&mut self, database: &Database) -> Result<(), Error> {
        self.check_writable()?;
        let replaced = self
            .begin_checkpoint(database, false)
            .and_then(|()| self.continue_checkpoint(database, u64::MAX));
        // Memory and store differ now, also if there was just no room: nothing may be added.
        self.or_poison(replaced).map(|_| ())
    }

    /// Whether [`continue_checkpoint`](Self::continue_checkpoint) has something to do.
    #[must_use]
    pub fn is_in_checkpoint(&self) -> bool {
        self.checkpoint.is_some()
    }

    /// Begins a checkpoint that [`continue_checkpoint`](Self::continue_checkpoint) ends, so that other work can be done
    /// in between. The database must not change until then, nor the store.
    ///
    /// `continues` says that every change is in the journal.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn begin_checkpoint(&mut self, database: &Database, continues: bool) -> Result<(), Error> {
        self.check_writable()?;
        // The generation that is left behind must be whole, for it is what damage to the new one falls back to.
        let flushed = self.journal.flush(&mut self.backend);
        self.or_poison(flushed)?;
        let generation = self.next_generation();
        let layout = segment::lay_out(database.stored());
        let prepared = self.prepare(generation, layout.total);
        self.or_give_up(generation, prepared)?;
        self.checkpoint = Some(Checkpoint { layout, generation, written: 0, continues });
        Ok(())
    }

    /// Writes about `most` more bytes of the checkpoint; true when it is done.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn continue_checkpoint(&mut self, database: &Database, most: u64) -> Result<bool, Error> {
        let Some(mut checkpoint) = self.checkpoint.take() else { return Ok(true) };
        let generation = checkpoint.generation;
        let name = segment_name(generation);
        let mut out = FileOut { backend: &mut self.backend, name: &name, at: checkpoint.written };
        let written =
            segment::write_from(database.stored(), &checkpoint.layout, checkpoint.written, most, &mut out);
        checkpoint.written = self.or_give_up(generation, written)?;
        if checkpoint.written < checkpoint.layout.total {
            self.checkpoint = Some(checkpoint);
            return Ok(false);
        }
        let Checkpoint { layout, continues, .. } = checkpoint;
        let new = Superblock { generation, segment_bytes: layout.total, content_id: layout.content_id };
        let before = if continues { self.journal.last } else { 0 };
        let header = Header { generation, before, content_id: layout.content_id, first: self.journal.next };
        let journal = Journal::begin(journal_name(generation), header);
        let complete = complete(&mut self.backend, &name, &journal);
        self.or_give_up(generation, complete)?;
        let published =
            if continues { new.publish(&mut self.backend) } else { new.publish_twice(&mut self.backend) };
        self.or_poison(published)?;
        (self.current, self.highest, self.journal) = (new, generation, journal);
        Ok(true)
    }

    /// Gives the backend back.
    pub fn into_backend(self) -> B {
        self.backend
    }

    /// The backend, to be read from.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    fn next_generation(&self) -> u64 {
        let next = self.highest + 1;
        // Not the slot of the present generation.
        if next & 1 == self.current.generation & 1 { next + 1 } else { next }
    }

    /// Removes what belongs to no generation that counts, and makes room for a new segment.
    fn prepare(&mut self, generation: u64, bytes: u64) -> Result<(), Error> {
        // After damage, changes may lie in the journal of a generation that is not the present one. Files of the new one
        // that an interrupted attempt left, or a shell has made, are used.
        let kept = [self.current.generation, self.journal.header.generation, generation];
        for name in self.backend.list()? {
            if names::generation_of(&name).is_some_and(|other| !kept.contains(&other)) {
                self.backend.remove(&name)?;
            }
        }
        self.backend.set_len(&segment_name(generation), bytes)
    }

    fn append(&mut self, change: Operation<'_>) -> Result<(), Error> {
        let appended = self.journal.append(&mut self.backend, change);
        // A change that is too large has not touched the backend.
        if matches!(appended, Err(Error::InvalidArgument { .. } | Error::OutOfMemory { .. })) {
            return appended;
        }
        if appended.is_err() {
            // What was acknowledged before is made as safe as it can be; the failure to tell of is the first.
            let _ = self.journal.flush(&mut self.backend);
        }
        self.or_poison(appended)
    }

    /// Whether changes can be made.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Poisoned`]; [`Error::Locked`] while a checkpoint is under way.
    pub fn check_writable(&self) -> Result<(), Error> {
        if self.access == Access::Read {
            return Err(Error::ReadOnly);
        }
        if self.checkpoint.is_some() {
            return Err(Error::Locked { reason: "a checkpoint is under way".to_owned() });
        }
        match &self.failed {
            Some(reason) => Err(Error::Poisoned { reason: reason.clone() }),
            None => Ok(()),
        }
    }

    fn or_poison<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.failed.get_or_insert_with(|| error.to_string());
        }
        result
    }

    /// Of a checkpoint before it is published: without room, it is as if it had not begun.
    fn or_give_up<T>(&mut self, generation: u64, result: Result<T, Error>) -> Result<T, Error> {
        if !matches!(result, Err(Error::NoSpace { .. } | Error::OutOfMemory { .. })) {
            return self.or_poison(result);
        }
        let removed = self
            .backend
            .remove(&segment_name(generation))
            .and_then(|()| self.backend.remove(&journal_name(generation)));
        self.or_poison(removed)?;
        result
    }
}

/// Makes a segment and its new journal durable.
fn complete<B: Backend>(backend: &mut B, segment: &str, journal: &Journal) -> Result<(), Error> {
    backend.flush(segment)?;
    journal.create(backend)?;
    backend.flush_list()
}

/// Makes a store of an empty database.
pub(super) fn create<B: Backend>(mut backend: B, database: &Database) -> Result<Store<B>, Error> {
    backend.set_len(superblock::NAME, superblock::FILE_BYTES)?;
    backend.flush(superblock::NAME)?;
    let nothing = Superblock { generation: 0, segment_bytes: 0, content_id: 0 };
    let header = Header { generation: 0, before: 0, content_id: 0, first: 0 };
    let mut store = Store {
        backend,
        current: nothing,
        highest: 0,
        journal: Journal::begin(journal_name(0), header),
        access: Access::Write,
        failed: None,
        checkpoint: None,
    };
    store.replace(database)?;
    Ok(store)
}
