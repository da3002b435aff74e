//! Files behind a synchronous access handle: OPFS in a dedicated worker, or any object of the same shape.
//!
//! The File System standard leaves open what a short count means, so a count that differs from the length asked
//! for is an error here: no space on a write, damage on a read.

use annywhere::{Error, Sink, Source};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

/// Reads one file from any place.
pub struct FileSource {
    handle: FileSystemSyncAccessHandle,
    len: u64,
}

impl FileSource {
    pub fn open(handle: &FileSystemSyncAccessHandle) -> Result<FileSource, Error> {
        let len = handle.get_size().map_err(|thrown| io("getSize", &thrown))?;
        Ok(FileSource { handle: handle.clone(), len: len as u64 })
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let asked = buffer.len();
        let read = self
            .handle
            .read_with_u8_array_and_options(buffer, &at(offset))
            .map_err(|thrown| io("read", &thrown))?;
        if read == asked as f64 {
            return Ok(());
        }
        let reason = format!("{read} of {asked} bytes at offset {offset} could be read");
        Err(Error::Corrupt { section: "file".to_owned(), reason })
    }
}

/// Writes one file from its start to its end.
pub struct FileSink<'a> {
    handle: &'a FileSystemSyncAccessHandle,
    written: u64,
}

impl FileSink<'_> {
    /// Empties the file.
    pub fn begin(handle: &FileSystemSyncAccessHandle) -> Result<FileSink<'_>, Error> {
        handle.truncate_with_f64(0.0).map_err(|thrown| io("truncate", &thrown))?;
        Ok(FileSink { handle, written: 0 })
    }

    /// Makes the bytes durable.
    pub fn finish(self) -> Result<(), Error> {
        self.handle.flush().map_err(|thrown| io("flush", &thrown))
    }
}

impl Sink for FileSink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self
            .handle
            .write_with_u8_array_and_options(bytes, &at(self.written))
            .map_err(|thrown| io("write", &thrown))?;
        if written != bytes.len() as f64 {
            let reason =
                format!("{written} of {} bytes at offset {} could be written", bytes.len(), self.written);
            return Err(Error::NoSpace { reason });
        }
        self.written += bytes.len() as u64;
        Ok(())
    }
}

fn at(offset: u64) -> FileSystemReadWriteOptions {
    let options = FileSystemReadWriteOptions::new();
    options.set_at(offset as f64);
    options
}

pub fn io(operation: &str, thrown: &JsValue) -> Error {
    // A DOMException is also an `Error` of the language; hosts without a DOM throw plain errors.
    let (name, reason) = match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => (String::from(error.name()), String::from(error.message())),
        None => (String::new(), format!("{thrown:?}")),
    };
    // Node's errors say it by their code.
    let code = js_sys::Reflect::get(thrown, &"code".into()).ok().and_then(|code| code.as_string());
    match (name.as_str(), code.as_deref()) {
        ("QuotaExceededError", _) | (_, Some("ENOSPC" | "EDQUOT")) => Error::NoSpace { reason },
        _ => Error::Io { operation: operation.to_owned(), reason },
    }
}
