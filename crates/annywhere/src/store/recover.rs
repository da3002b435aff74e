//! Opening a store, which is always recovering it: whether the last process ended well is not asked.
//!
//! 1. The valid superblock slot with the highest generation counts. No valid slot over old files is `Corrupt`, never an
//!    empty database.
//! 2. Its segment is read, and checked whole. If it is damaged, the other slot counts, if its files are whole.
//! 3. The frames of its journal are replayed while they continue it. If the newest generation could not be read, its journal
//!    continues that of the one before, so nothing is lost.
//! 4. What is behind the last frame that counts is cut off; journal and superblock are flushed before anything else is
//!    written.
//!
//! Recovery ends in the same state however often it is interrupted. For reading, it writes nothing.

use super::backend::{Backend, FileIn};
use super::durable::{Access, Store, create};
use super::journal::{self, Journal};
use super::names::{generation_of, journal_name, segment_name};
use super::superblock::{self, Slot, Superblock};
use super::{Source, operation, segment};
use crate::database::Database;
use crate::error::Error;
use crate::options::Config;

/// A store as it was found, before anything is written.
struct Loaded {
    superblock: Superblock,
    database: Database,
    /// The journal that was read last.
    journal: Journal,
}

impl<B: Backend> Store<B> {
    /// Opens a store, or makes one. `config` must agree with what it holds.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if what was acknowledged cannot be had any more, [`Error::VersionTooNew`], [`Error::Mismatch`],
    /// [`Error::OutOfMemory`], or what the backend reports.
    pub fn open(backend: B, config: &Config, access: Access) -> Result<(Self, Database), Error> {
        let slots = superblock::read(&backend)?;
        let mut valid: Vec<Superblock> = Vec::new();
        let mut damaged = 0;
        for slot in slots {
            match slot {
                Slot::Valid { superblock, writable } => {
                    if !writable && access == Access::Write {
                        return Err(Error::corrupt(
                            "superblock",
                            "only newer versions may write to this store",
                        ));
                    }
                    valid.push(superblock);
                }
                Slot::Newer(error) => return Err(error),
                Slot::Damaged => damaged += 1,
                // Torn while the store was made, unless more than an empty store is there.
                Slot::Torn => {}
                Slot::Empty => {}
            }
        }
        if valid.is_sorted_by_key(|superblock| superblock.generation) {
            valid.reverse();
        }
        if valid.is_empty() {
            refuse_remains(&backend, damaged)?;
            if access == Access::Read {
                let reason = "there is no database in this folder".to_owned();
                return Err(Error::Io { operation: "open".to_owned(), reason });
            }
            let database = Database::new(config)?;
            return Ok((create(backend, &database)?, database));
        }
        let highest = valid[0].generation;
        let Loaded { superblock, database, journal } = load_newest(&backend, &valid, config)?;
        let generation = superblock.generation;
        let is_whole = generation == highest && journal.header.generation == generation;
        let mut store = Self {
            backend,
            current: superblock,
            highest: highest.max(journal.header.generation),
            journal,
            access,
            failed: None,
            checkpoint: None,
        };
        if access == Access::Write {
            store.cut_tail()?;
            // What had to be pieced together is written whole before anything is added to it.
            if !is_whole {
                store.replace(&database)?;
            }
        }
        Ok((store, database))
    }

    /// Reads everything again, as opening does, so that every block and every rule is checked: superblock, segment, journal.
    /// Returns how many rows are there. Takes as much memory as the database.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it could not be opened as it is, and the other errors of [`open`](Self::open).
    pub fn verify(&self, config: &Config) -> Result<usize, Error> {
        let found = load(&self.backend, self.current, self.highest, config)?;
        if found.journal.next != self.journal.next || found.journal.end != self.journal.end {
            let reason = format!(
                "it has changes up to {}, and {} were written",
                found.journal.next, self.journal.next
            );
            return Err(Error::corrupt("journal", reason));
        }
        let slots = superblock::read(&self.backend)?;
        let is_there =
            |slot: &Slot| matches!(slot, Slot::Valid { superblock, .. } if *superblock == self.current);
        if !slots.iter().any(is_there) {
            return Err(Error::corrupt("superblock", "the slot of this state is damaged"));
        }
        Ok(found.database.len())
    }

    /// Cuts off what a crash left behind the last frame. Until that is durable, no frame may follow.
    fn cut_tail(&mut self) -> Result<(), Error> {
        let Journal { name, end, .. } = &self.journal;
        if self.backend.size(name)? != Some(*end) {
            self.backend.set_len(name, *end)?;
        }
        // What was read may have been written and not flushed by a process that was killed: from now on it counts.
        self.current.publish(&mut self.backend)?;
        let name = &self.journal.name;
        self.backend.flush(name)?;
        self.journal.flushed = self.journal.next;
        Ok(())
    }
}

/// The newest generation whose files are whole.
fn load_newest<B: Backend>(backend: &B, valid: &[Superblock], config: &Config) -> Result<Loaded, Error> {
    let newest = valid[0].generation;
    let error = match load(backend, valid[0], newest, config) {
        Err(error @ Error::Corrupt { .. }) => error,
        other => return other,
    };
    match valid
        .get(1)
        .filter(|other| other.generation < newest)
        .map(|&other| load(backend, other, newest, config))
    {
        // Without the journals up to the newest, acknowledged changes would be missing.
        Some(Ok(loaded)) if loaded.journal.header.generation >= newest => Ok(loaded),
        _ => Err(error),
    }
}

/// Reads a generation and replays the journals from it on; `newest` is the last one that was published.
fn load<B: Backend>(
    backend: &B,
    superblock: Superblock,
    newest: u64,
    config: &Config,
) -> Result<Loaded, Error> {
    let generation = superblock.generation;
    let name = segment_name(generation);
    let missing = || Error::corrupt("segment", format!("{name} is missing"));
    let source = FileIn::open(backend, &name)?.ok_or_else(missing)?;
    if source.len() != superblock.segment_bytes {
        let reason =
            format!("{name} has {} bytes and should have {}", source.len(), superblock.segment_bytes);
        return Err(Error::corrupt("segment", reason));
    }
    if segment::content_id(&source)? != superblock.content_id {
        return Err(Error::corrupt("segment", format!("{name} is another one than was written")));
    }
    let mut database = Database::read(&source, config)?;
    let mut replay = |kind: u8, payload: &[u8]| operation::replay(kind, payload, &mut database);
    let name = journal_name(generation);
    let missing = || Error::corrupt("journal", format!("{name} is missing"));
    let mut journal = Journal::read(backend, name.clone(), &mut replay)?.ok_or_else(missing)?;
    if journal.header.generation != generation || journal.header.content_id != superblock.content_id {
        return Err(Error::corrupt("journal", "it belongs to another segment"));
    }
    while let Some(next) = continuation(backend, &journal, &mut replay)? {
        // Without changes, and of a generation that was never published: what a checkpoint left.
        if next.next == journal.next && next.header.generation > newest {
            break;
        }
        journal = next;
    }
    Ok(Loaded { superblock, database, journal })
}

/// The journal of the next generation, if it continues this one.
///
/// One without changes is what a checkpoint leaves that was not published, or that of a newest generation which cannot be
/// read. One with changes that does not continue this one belongs to a state that cannot be had.
fn continuation<B: Backend>(
    backend: &B,
    journal: &Journal,
    mut replay: impl FnMut(u8, &[u8]) -> Result<(), Error>,
) -> Result<Option<Journal>, Error> {
    let name = journal_name(journal.header.generation + 1);
    let bytes = backend.size(&name)?.unwrap_or(0);
    if bytes < journal::HEADER_BYTES {
        return Ok(None);
    }
    match Journal::header(backend, &name) {
        Ok(header) if header.before == journal.last && header.first == journal.next => {
            Journal::read(backend, name, &mut replay)
        }
        // Never published: its header may be torn, and it may continue what a loss of power took.
        Ok(_) | Err(Error::Corrupt { .. }) if bytes == journal::HEADER_BYTES => Ok(None),
        Ok(_) => Err(Error::corrupt("journal", format!("{name} continues a state that cannot be read"))),
        Err(error) => Err(error),
    }
}

/// Without a superblock there may be at most what a store leaves that was interrupted while it was made.
fn refuse_remains<B: Backend>(backend: &B, damaged: usize) -> Result<(), Error> {
    if damaged > 0 {
        return Err(Error::corrupt("superblock", "no slot of it is whole"));
    }
    for name in backend.list()? {
        let Some(generation) = generation_of(&name) else { continue };
        let has_changes = name == journal_name(generation)
            && backend.size(&name)?.is_some_and(|bytes| bytes > journal::HEADER_BYTES);
        if generation > 1 || has_changes {
            return Err(Error::corrupt("superblock", format!("it is missing, but {name} is there")));
        }
    }
    Ok(())
}
