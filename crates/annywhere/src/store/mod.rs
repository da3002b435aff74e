//! Bytes at rest. [`FORMAT.md`](https://docs.rs/crate/annywhere/latest/source/src/store/FORMAT.md) describes them.
//!
//! The core does no I/O of its own: it reads from a [`Source`] and writes to a [`Sink`], and a [`Store`] keeps its files
//! in a [`Backend`], all of which the shells provide.

mod backend;
mod checksum;
mod durable;
mod journal;
mod names;
mod operation;
mod recover;
mod section;
pub(crate) mod segment;
mod superblock;

pub use backend::{Backend, MemoryBackend};
pub use durable::{Access, Store, StoreState};
pub(crate) use section::Section;

use std::fmt;

use crate::error::Error;
use crate::shared::Shared;

/// Bytes to read from: a file, an OPFS handle, memory.
pub trait Source {
    /// Number of bytes.
    fn len(&self) -> u64;

    /// Whether there are no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills the buffer with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`Error::Io`] if fewer bytes come or the storage fails.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error>;

    /// Says which bytes, from an offset on so many, are about to be read. A source that has them brought from far can ask
    /// for all of them at once, and fail the first read.
    fn want(&self, _ranges: &[(u64, u64)]) {}

    /// Whether the bytes are in memory, and reading copies them.
    fn is_mapped(&self) -> bool {
        false
    }

    /// Another number than before if bytes that were read may be others when they are read again.
    fn version(&self) -> u32 {
        0
    }
}

/// Takes bytes in order.
pub trait Sink {
    /// Takes all the bytes or fails.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::OutOfMemory`] or [`Error::Io`].
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error>;
}

/// A source that searches read from, on several cores at once where there are threads.
pub trait SharedSource: Source + Shared {}

impl<T: Source + Shared> SharedSource for T {}

impl fmt::Debug for dyn SharedSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "source of {} bytes", self.len())
    }
}

impl Source for &[u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let found = usize::try_from(offset).ok().and_then(|start| self.get(start..)?.get(..buffer.len()));
        match found {
            Some(bytes) => {
                buffer.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(Error::Io {
                operation: "reading".to_owned(),
                reason: format!(
                    "{} bytes at {offset} reach past the end, {}",
                    buffer.len(),
                    <[u8]>::len(self)
                ),
            }),
        }
    }
}

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.try_reserve(bytes.len()).map_err(|_| Error::OutOfMemory { bytes: bytes.len() })?;
        self.extend_from_slice(bytes);
        Ok(())
    }
}
