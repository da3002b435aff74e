//! Files behind a synchronous access handle: OPFS in a dedicated worker, or any object of the same shape.
//!
//! The File System standard leaves open what a short count means, so a count that differs from the length asked
//! for is an error here: no space on a write, damage on a read.

use annywhere::{Error, Sink, Source};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{FileSystemReadWriteOptions, FileSystemSyncAccessHandle};

#[wasm_bindgen]
extern "C" {
    /// `RangedFile` of `npm/annywhere/src/storage/ranged-file.ts`, which has a part of its bytes at a time.
    #[wasm_bindgen(extends = FileSystemSyncAccessHandle)]
    type RangedFile;

    /// Other files have none.
    #[wasm_bindgen(method, getter)]
    fn version(this: &RangedFile) -> Option<u32>;

    /// Offset and length of each range.
    #[wasm_bindgen(method)]
    fn want(this: &RangedFile, ranges: Vec<f64>);
}

/// Reads one file from any place.
pub struct FileSource {
    handle: FileSystemSyncAccessHandle,
    /// The same, if it is one.
    ranged: Option<RangedFile>,
    len: u64,
}

impl FileSource {
    pub fn open(handle: &FileSystemSyncAccessHandle) -> Result<FileSource, Error> {
        let len = handle.get_size().map_err(|thrown| io("getSize", &thrown))?;
        let ranged: RangedFile = handle.clone().unchecked_into();
        let ranged = ranged.version().is_some().then_some(ranged);
        Ok(FileSource { handle: handle.clone(), ranged, len: len as u64 })
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

    fn want(&self, ranges: &[(u64, u64)]) {
        if let Some(ranged) = &self.ranged {
            ranged.want(ranges.iter().flat_map(|&(at, bytes)| [at as f64, bytes as f64]).collect());
        }
    }

    fn version(&self) -> u32 {
        self.ranged.as_ref().and_then(RangedFile::version).unwrap_or_default()
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
