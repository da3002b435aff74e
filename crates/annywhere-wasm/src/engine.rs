//! One database, as JavaScript sees it.

use std::sync::Arc;

use annywhere::{Access, Config, Database, Error, Hits, SearchParams, Store};
use js_sys::{Float32Array, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::FileSystemSyncAccessHandle;

use crate::error::Thrown;
use crate::files::{FileSink, FileSource};
use crate::folder::{Folder, SyncFolder};

/// A database with the options it was made with.
#[wasm_bindgen]
pub struct Engine {
    config: Config,
    pub(crate) database: Database,
    pub(crate) store: Option<Store<Folder>>,
}

/// The hits of one search, in rank order.
#[wasm_bindgen(getter_with_clone)]
pub struct EngineHits {
    #[wasm_bindgen(readonly)]
    pub scores: Vec<f32>,
    #[wasm_bindgen(readonly)]
    pub distances: Vec<f32>,
    /// `["id",{..},"id2",{..},..]`
    #[wasm_bindgen(readonly)]
    pub rows: String,
}

/// One stored row.
#[wasm_bindgen(getter_with_clone)]
pub struct EngineRow {
    #[wasm_bindgen(readonly)]
    pub vector: Vec<f32>,
    /// A JSON object.
    #[wasm_bindgen(readonly)]
    pub metadata: String,
}

#[wasm_bindgen]
impl Engine {
    /// An empty database; `config` is the JSON of the options.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &str) -> Result<Engine, Thrown> {
        let config = Config::from_json(config)?;
        let database = Database::new(&config)?;
        Ok(Engine { config, database, store: None })
    }

    pub fn insert(&mut self, rows: &str, vectors: &Float32Array) -> Result<(), Thrown> {
        let mut copy = room(vectors.length())?;
        vectors.copy_to(&mut copy);
        match &mut self.store {
            Some(store) => store.insert(&mut self.database, rows, &copy)?,
            None => self.database.insert(rows, &copy)?,
        }
        Ok(())
    }

    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands over arrays of strings by value")]
    pub fn delete(&mut self, ids: Vec<String>) -> Result<usize, Thrown> {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        Ok(match &mut self.store {
            Some(store) => store.delete(&mut self.database, &ids)?,
            None => self.database.delete(&ids)?,
        })
    }

    /// `params` is the JSON of the search's parameters.
    pub fn search(&self, query: &[f32], params: &str) -> Result<EngineHits, Thrown> {
        let hits = self.database.search(query, &SearchParams::from_json(params)?)?;
        Ok(EngineHits {
            scores: hits.scores().to_vec(),
            distances: hits.distances().to_vec(),
            rows: hits.rows_json(),
        })
    }

    /// The same into memory of the caller: scores go to the first half of `out`, distances to the second; the rows come
    /// back. `undefined` if there are more hits than fit.
    #[wasm_bindgen(js_name = searchNow)]
    pub fn search_now(&self, query: &[f32], params: &str, out: &mut [u8]) -> Result<Option<String>, Thrown> {
        let hits = self.database.search(query, &SearchParams::from_json(params)?)?;
        Ok(hits.copy_numbers(out).then(|| hits.rows_json()))
    }

    /// The hits of many queries, one after the other; `rows` has an array for each.
    #[wasm_bindgen(js_name = searchMany)]
    pub fn search_many(&self, queries: &Float32Array, params: &str) -> Result<EngineHits, Thrown> {
        let mut copy = room(queries.length())?;
        queries.copy_to(&mut copy);
        let hits = self.database.search_many(&copy, &SearchParams::from_json(params)?)?;
        let rows: Vec<String> = hits.iter().map(Hits::rows_json).collect();
        Ok(EngineHits {
            scores: hits.iter().flat_map(Hits::scores).copied().collect(),
            distances: hits.iter().flat_map(Hits::distances).copied().collect(),
            rows: format!("[{}]", rows.join(",")),
        })
    }

    /// Replaces the index by that of other options, which are the engine's from then on.
    pub fn reindex(&mut self, config: &str) -> Result<(), Thrown> {
        let config = Config::from_json(config)?;
        self.check_writable()?;
        self.database.reindex(&config)?;
        self.config = config;
        self.rewrite()
    }

    pub fn compact(&mut self) -> Result<(), Thrown> {
        self.check_writable()?;
        self.database.compact()?;
        self.rewrite()
    }

    pub fn get(&self, id: &str) -> Result<Option<EngineRow>, Thrown> {
        let row = self.database.get(id)?;
        Ok(row.map(|row| EngineRow { vector: row.vector.into_owned(), metadata: row.metadata.into_owned() }))
    }

    pub fn len(&self) -> usize {
        self.database.len()
    }

    /// The statistics as JSON text.
    pub fn stats(&self) -> String {
        serde_json::to_string(&self.database.stats()).expect("statistics are numbers and fixed strings")
    }

    #[wasm_bindgen(js_name = toBytes)]
    pub fn to_bytes(&self) -> Result<Vec<u8>, Thrown> {
        Ok(self.database.to_bytes()?)
    }

    /// Replaces the content; unchanged on error.
    #[wasm_bindgen(js_name = loadBytes)]
    pub fn load_bytes(&mut self, bytes: &Uint8Array) -> Result<(), Thrown> {
        let mut copy = room(bytes.length())?;
        bytes.copy_to(&mut copy);
        self.check_writable()?;
        self.database = Database::read(&copy.as_slice(), &self.config)?;
        self.rewrite()
    }

    /// Writes the whole file from its start and flushes it; the caller closes the handle.
    #[wasm_bindgen(js_name = saveFile)]
    pub fn save_file(&self, target: &FileSystemSyncAccessHandle) -> Result<(), Thrown> {
        let mut sink = FileSink::begin(target)?;
        self.database.write(&mut sink)?;
        Ok(sink.finish()?)
    }

    /// Replaces the content; unchanged on error. The caller closes the handle.
    #[wasm_bindgen(js_name = loadFile)]
    pub fn load_file(&mut self, source: &FileSystemSyncAccessHandle) -> Result<(), Thrown> {
        self.check_writable()?;
        self.database = Database::read(&FileSource::open(source)?, &self.config)?;
        self.rewrite()
    }

    /// Opens a file for reading only, in place of the present content; vectors and metadata stay in it. The caller closes
    /// the handle when the content is another one or the engine is gone.
    #[wasm_bindgen(js_name = openFile)]
    pub fn open_file(&mut self, source: &FileSystemSyncAccessHandle) -> Result<(), Thrown> {
        self.check_writable()?;
        self.database = Database::open(Arc::new(FileSource::open(source)?), &self.config)?;
        Ok(())
    }

    /// Opens the store in a folder, or makes one, in place of the present content; every change goes there from now on.
    #[wasm_bindgen(js_name = openStore)]
    pub fn open_store(&mut self, folder: SyncFolder, read_only: bool) -> Result<(), Thrown> {
        let access = if read_only { Access::Read } else { Access::Write };
        let (store, database) = Store::open(Folder(folder), &self.config, access)?;
        (self.database, self.store) = (database, Some(store));
        Ok(())
    }

    /// Makes every change so far durable.
    pub fn flush(&mut self) -> Result<(), Thrown> {
        Ok(self.store.as_mut().map_or(Ok(()), Store::flush)?)
    }

    /// Writes about `bytes` more of a new segment; true when it is done. No change can be made until then.
    pub fn checkpoint(&mut self, bytes: f64) -> Result<bool, Thrown> {
        let Some(store) = &mut self.store else { return Ok(true) };
        if !store.is_in_checkpoint() {
            store.begin_checkpoint(&self.database, true)?;
        }
        Ok(store.continue_checkpoint(&self.database, bytes as u64)?)
    }

    /// Reads the store again and checks everything; the number of rows in it.
    #[wasm_bindgen(js_name = verifyStore)]
    pub fn verify_store(&self) -> Result<usize, Thrown> {
        Ok(self.store.as_ref().map_or(Ok(0), |store| store.verify(&self.config))?)
    }

    /// How the store stands, as JSON.
    #[wasm_bindgen(js_name = storeState)]
    pub fn store_state(&self) -> Option<String> {
        let state = self.store.as_ref()?.state();
        Some(serde_json::to_string(&state).expect("numbers and texts always become JSON"))
    }

    /// Lets go of the store without writing anything. The content stays readable.
    #[wasm_bindgen(js_name = closeStore)]
    pub fn close_store(&mut self) {
        self.store = None;
    }
}

impl Engine {
    fn check_writable(&self) -> Result<(), Thrown> {
        Ok(self.store.as_ref().map_or(Ok(()), Store::check_writable)?)
    }

    /// After a change that a store cannot write down.
    fn rewrite(&mut self) -> Result<(), Thrown> {
        Ok(self.store.as_mut().map_or(Ok(()), |store| store.replace(&self.database))?)
    }
}

/// Room for a large argument. Where there is none, the glue's own copying of slices would trap.
pub(crate) fn room<T: Default + Clone>(len: u32) -> Result<Vec<T>, Error> {
    let len = len as usize;
    let mut room = Vec::new();
    room.try_reserve_exact(len)
        .map_err(|_| Error::OutOfMemory { bytes: len.saturating_mul(size_of::<T>()) })?;
    room.resize(len, T::default());
    Ok(room)
}
