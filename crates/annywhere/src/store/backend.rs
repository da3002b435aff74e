//! Where a store's files are: a flat folder of named files, read and written synchronously.
//!
//! One trait, with the contract that recovery relies on. Shells implement it over files of the operating system and over
//! OPFS handles; [`MemoryBackend`] keeps everything in memory; tests have one that loses what was not flushed.

use std::collections::BTreeMap;

use super::{Sink, Source};
use crate::error::Error;

/// A folder of named files.
///
/// A write or a change of length may be lost in a crash, in part and out of order, until [`flush`](Self::flush) of that
/// file has returned. That a file exists, or exists no more, may be lost until [`flush_list`](Self::flush_list) has.
///
/// Every method reports [`Error::NoSpace`] where there is no room, [`Error::Io`] for other failures, and does all it was
/// asked for or fails: a short count is a failure.
pub trait Backend {
    /// The names of all files, in any order; folders and foreign files may be among them.
    ///
    /// # Errors
    /// See the trait.
    fn list(&self) -> Result<Vec<String>, Error>;

    /// Length of a file; `None` if there is none.
    ///
    /// # Errors
    /// See the trait.
    fn size(&self, name: &str) -> Result<Option<u64>, Error>;

    /// Fills the buffer with the bytes from `offset` on.
    ///
    /// # Errors
    /// See the trait; [`Error::Corrupt`] if the file ends before.
    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<(), Error>;

    /// Writes bytes at an offset, beyond the end too. Makes the file if there is none.
    ///
    /// # Errors
    /// See the trait; any part of the bytes may have been written then.
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), Error>;

    /// Cuts the file or extends it with zeros. Makes it if there is none.
    ///
    /// # Errors
    /// See the trait.
    fn set_len(&mut self, name: &str, bytes: u64) -> Result<(), Error>;

    /// Makes the content of a file durable.
    ///
    /// # Errors
    /// See the trait; what was written since the last flush is then in doubt for ever.
    fn flush(&mut self, name: &str) -> Result<(), Error>;

    /// Makes it durable which files exist.
    ///
    /// # Errors
    /// See the trait.
    fn flush_list(&mut self) -> Result<(), Error>;

    /// Removes a file; no error if there is none.
    ///
    /// # Errors
    /// See the trait.
    fn remove(&mut self, name: &str) -> Result<(), Error>;
}

/// A folder in memory.
#[derive(Debug, Default, Clone)]
pub struct MemoryBackend {
    files: BTreeMap<String, Vec<u8>>,
}

impl Backend for MemoryBackend {
    fn list(&self) -> Result<Vec<String>, Error> {
        Ok(self.files.keys().cloned().collect())
    }

    fn size(&self, name: &str) -> Result<Option<u64>, Error> {
        Ok(self.files.get(name).map(|file| file.len() as u64))
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let file = self.files.get(name).map_or(&[][..], Vec::as_slice);
        file.read_at(offset, buffer)
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let end = offset as usize + bytes.len();
        let file = self.files.entry(name.to_owned()).or_default();
        if file.len() < end {
            file.try_reserve(end - file.len()).map_err(|_| Error::OutOfMemory { bytes: end })?;
            file.resize(end, 0);
        }
        file[offset as usize..end].copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&mut self, name: &str, bytes: u64) -> Result<(), Error> {
        self.files.entry(name.to_owned()).or_default().resize(bytes as usize, 0);
        Ok(())
    }

    fn flush(&mut self, _name: &str) -> Result<(), Error> {
        Ok(())
    }

    fn flush_list(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), Error> {
        self.files.remove(name);
        Ok(())
    }
}

/// One file of a backend to read from.
pub(super) struct FileIn<'a, B> {
    backend: &'a B,
    name: &'a str,
    bytes: u64,
}

impl<'a, B: Backend> FileIn<'a, B> {
    /// `None` if there is no such file.
    pub(super) fn open(backend: &'a B, name: &'a str) -> Result<Option<Self>, Error> {
        Ok(backend.size(name)?.map(|bytes| Self { backend, name, bytes }))
    }
}

impl<B: Backend> Source for FileIn<'_, B> {
    fn len(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.backend.read_at(self.name, offset, buffer)
    }
}

/// One file of a backend to write in order.
pub(super) struct FileOut<'a, B> {
    pub(super) backend: &'a mut B,
    pub(super) name: &'a str,
    pub(super) at: u64,
}

impl<B: Backend> Sink for FileOut<'_, B> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.backend.write_at(self.name, self.at, bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}
