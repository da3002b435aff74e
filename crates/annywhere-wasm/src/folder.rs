//! The folder of a store: an object of JavaScript, over files of Node, OPFS handles, or pages that are written to IndexedDB.

use annywhere::{Backend, Error};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::files::io;

#[wasm_bindgen]
extern "C" {
    /// `SyncFolder` of `npm/annywhere/src/engine.ts`, which says what the methods do.
    pub type SyncFolder;

    #[wasm_bindgen(method, catch)]
    fn list(this: &SyncFolder) -> Result<Vec<String>, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn size(this: &SyncFolder, name: &str) -> Result<f64, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn read(this: &SyncFolder, name: &str, buffer: &mut [u8], at: f64) -> Result<f64, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn write(this: &SyncFolder, name: &str, bytes: &[u8], at: f64) -> Result<f64, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn truncate(this: &SyncFolder, name: &str, size: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn flush(this: &SyncFolder, name: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = flushList)]
    fn flush_list(this: &SyncFolder) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn remove(this: &SyncFolder, name: &str) -> Result<(), JsValue>;
}

/// Calls the object and checks what it says.
pub struct Folder(pub SyncFolder);

impl Backend for Folder {
    fn list(&self) -> Result<Vec<String>, Error> {
        self.0.list().map_err(|thrown| io("list", &thrown))
    }

    fn size(&self, name: &str) -> Result<Option<u64>, Error> {
        let size = self.0.size(name).map_err(|thrown| io("size", &thrown))?;
        Ok((size >= 0.0).then_some(size as u64))
    }

    fn read_at(&self, name: &str, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let asked = buffer.len();
        let read = self.0.read(name, buffer, offset as f64).map_err(|thrown| io("read", &thrown))?;
        if read == asked as f64 {
            return Ok(());
        }
        let reason = format!("{read} of {asked} bytes of {name} at offset {offset} could be read");
        Err(Error::Corrupt { section: "file".to_owned(), reason })
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let written = self.0.write(name, bytes, offset as f64).map_err(|thrown| io("write", &thrown))?;
        // Browsers say in different ways that there is no room, a wrong count among them.
        if written == bytes.len() as f64 {
            return Ok(());
        }
        let reason =
            format!("{written} of {} bytes of {name} at offset {offset} could be written", bytes.len());
        Err(Error::NoSpace { reason })
    }

    fn set_len(&mut self, name: &str, bytes: u64) -> Result<(), Error> {
        self.0.truncate(name, bytes as f64).map_err(|thrown| io("truncate", &thrown))
    }

    fn flush(&mut self, name: &str) -> Result<(), Error> {
        self.0.flush(name).map_err(|thrown| io("flush", &thrown))
    }

    fn flush_list(&mut self) -> Result<(), Error> {
        self.0.flush_list().map_err(|thrown| io("flush", &thrown))
    }

    fn remove(&mut self, name: &str) -> Result<(), Error> {
        self.0.remove(name).map_err(|thrown| io("remove", &thrown))
    }
}
