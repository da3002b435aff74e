//! One database, as JavaScript sees it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

use annywhere::{Access, Config, Database, Hits, SearchParams, SharedSource, Store};
use napi::bindgen_prelude::{AsyncTask, BufferSlice, Float32Array, ToNapiValue, TypeName, Uint8Array};
use napi_derive::napi;

use crate::error::Thrown;
use crate::files;
use crate::folder::Folder;
use crate::store::Kept;
use crate::work::Work;

/// A database with the options it was made with. `None` after [`Engine::free`].
#[napi]
pub struct Engine {
    config: Arc<RwLock<Config>>,
    pub(crate) database: Arc<RwLock<Option<Database>>>,
    /// The database's store, if it has one. Locked before the database, and longer: searches go on while it writes.
    kept: Arc<Mutex<Option<Kept>>>,
}

/// The hits of one search, in rank order.
#[napi(object)]
pub struct EngineHits {
    pub scores: Float32Array,
    pub distances: Float32Array,
    /// `["id",{..},"id2",{..},..]`
    pub rows: String,
}

/// The same, on its way between threads.
pub struct Found {
    scores: Vec<f32>,
    distances: Vec<f32>,
    rows: String,
}

impl From<Hits<'_>> for Found {
    fn from(hits: Hits<'_>) -> Found {
        let (scores, distances) = (hits.scores().to_vec(), hits.distances().to_vec());
        Found { scores, distances, rows: hits.rows_json() }
    }
}

impl From<Found> for EngineHits {
    fn from(Found { scores, distances, rows }: Found) -> EngineHits {
        EngineHits { scores: scores.into(), distances: distances.into(), rows }
    }
}

/// One stored row.
#[napi(object)]
pub struct EngineRow {
    pub vector: Float32Array,
    /// A JSON object.
    pub metadata: String,
}

#[napi]
impl Engine {
    /// An empty database; `config` is the JSON of the options.
    #[napi(constructor, catch_unwind)]
    pub fn new(config: String) -> napi::Result<Engine> {
        let config = Config::from_json(&config).map_err(Thrown::from)?;
        let database = Database::new(&config).map_err(Thrown::from)?;
        Ok(Engine {
            config: Arc::new(RwLock::new(config)),
            database: Arc::new(RwLock::new(Some(database))),
            kept: Arc::default(),
        })
    }

    #[napi(catch_unwind)]
    pub fn insert(&self, rows: String, vectors: &[f32]) -> AsyncTask<Work<(), ()>> {
        let vectors = vectors.to_vec();
        self.change(move |database, store| {
            match store {
                Some(store) => store.insert(database, &rows, &vectors)?,
                None => database.insert(&rows, &vectors)?,
            }
            Ok(())
        })
    }

    #[napi(catch_unwind)]
    pub fn delete(&self, ids: Vec<String>) -> AsyncTask<Work<u32, u32>> {
        self.change(move |database, store| {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            Ok(count(match store {
                Some(store) => store.delete(database, &ids)?,
                None => database.delete(&ids)?,
            }))
        })
    }

    /// `params` is the JSON of the search's parameters.
    #[napi(catch_unwind)]
    pub fn search(&self, query: &[f32], params: String) -> AsyncTask<Work<Found, EngineHits>> {
        let query = query.to_vec();
        self.read(move |database| {
            let hits = database.search(&query, &SearchParams::from_json(&params)?)?;
            Ok(Found::from(hits))
        })
    }

    /// The same at once, without the way to another thread and back, which takes longer than most searches. Scores go
    /// to the first half of `out`, distances to the second; the rows come back. `null` if the search is not a quick one,
    /// would have to wait for a change to end, or has more hits than fit.
    #[napi(catch_unwind)]
    pub fn search_now(
        &self,
        query: &[f32],
        params: String,
        mut out: BufferSlice,
    ) -> napi::Result<Option<String>> {
        let database = match self.database.try_read() {
            Ok(database) => database,
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Poisoned(_)) => return Err(Thrown::failed(POISONED).into()),
        };
        let database = database.as_ref().ok_or_else(|| Thrown::failed(FREED))?;
        let params = SearchParams::from_json(&params).map_err(Thrown::from)?;
        if !database.is_quick(&params) {
            return Ok(None);
        }
        let hits = database.search(query, &params).map_err(Thrown::from)?;
        Ok(hits.copy_numbers(&mut out).then(|| hits.rows_json()))
    }

    /// The hits of many queries, one after the other; `rows` has an array for each.
    #[napi(catch_unwind)]
    pub fn search_many(&self, queries: &[f32], params: String) -> AsyncTask<Work<Found, EngineHits>> {
        let queries = queries.to_vec();
        self.read(move |database| {
            let hits = database.search_many(&queries, &SearchParams::from_json(&params)?)?;
            let rows: Vec<String> = hits.iter().map(Hits::rows_json).collect();
            Ok(Found {
                scores: hits.iter().flat_map(Hits::scores).copied().collect(),
                distances: hits.iter().flat_map(Hits::distances).copied().collect(),
                rows: format!("[{}]", rows.join(",")),
            })
        })
    }

    /// Replaces the index by that of other options, which are the engine's from then on.
    #[napi(catch_unwind)]
    pub fn reindex(&self, config: String) -> AsyncTask<Work<(), ()>> {
        let kept = Arc::clone(&self.config);
        self.write(move |database| {
            let config = Config::from_json(&config)?;
            database.reindex(&config)?;
            *kept.write().map_err(|_| Thrown::failed(POISONED))? = config;
            Ok(())
        })
    }

    #[napi(catch_unwind)]
    pub fn compact(&self) -> AsyncTask<Work<(), ()>> {
        self.write(|database| Ok(database.compact()?))
    }

    #[napi(catch_unwind)]
    pub fn get(&self, id: String) -> napi::Result<Option<EngineRow>> {
        let row = |database: &Database| {
            let row = database.get(&id)?;
            Ok(row.map(|row| EngineRow {
                vector: row.vector.into_owned().into(),
                metadata: row.metadata.into_owned(),
            }))
        };
        Ok(with_database(&self.database, row)?)
    }

    #[napi(catch_unwind)]
    pub fn len(&self) -> napi::Result<u32> {
        Ok(count(with_database(&self.database, |database| Ok(database.len()))?))
    }

    /// The statistics as JSON text.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> napi::Result<String> {
        let stats = with_database(&self.database, |database| Ok(database.stats()))?;
        Ok(serde_json::to_string(&stats).expect("statistics are numbers and fixed strings"))
    }

    #[napi(catch_unwind)]
    pub fn to_bytes(&self) -> AsyncTask<Work<Vec<u8>, Uint8Array>> {
        self.read(|database| Ok(database.to_bytes()?))
    }

    /// Replaces the content; unchanged on error.
    #[napi(catch_unwind)]
    pub fn load_bytes(&self, bytes: &[u8]) -> AsyncTask<Work<(), ()>> {
        let (bytes, config) = (bytes.to_vec(), Arc::clone(&self.config));
        self.write(move |database| {
            *database = Database::read(&bytes.as_slice(), &*read(&config)?)?;
            Ok(())
        })
    }

    /// Writes the file whole or not at all; the folders of the path are created.
    #[napi(catch_unwind)]
    pub fn save_file(&self, target: String) -> AsyncTask<Work<(), ()>> {
        self.read(move |database| Ok(files::save(&PathBuf::from(target), |sink| database.write(sink))?))
    }

    /// Replaces the content; unchanged on error.
    #[napi(catch_unwind)]
    pub fn load_file(&self, source: String) -> AsyncTask<Work<(), ()>> {
        let config = Arc::clone(&self.config);
        self.write(move |database| {
            *database = Database::read(&files::FileSource::open(&PathBuf::from(source))?, &*read(&config)?)?;
            Ok(())
        })
    }

    /// Opens a file for reading only, in place of the present content; vectors and metadata stay in it. `mapped`: the file
    /// is memory for the time.
    #[napi(catch_unwind)]
    pub fn open_file(&self, source: String, mapped: bool) -> AsyncTask<Work<(), ()>> {
        let config = Arc::clone(&self.config);
        self.write(move |database| {
            let path = PathBuf::from(source);
            let file: Arc<dyn SharedSource> = match mapped {
                true => Arc::new(files::MappedFile::open(&path)?),
                false => Arc::new(files::FileSource::open(&path)?),
            };
            *database = Database::open(file, &*read(&config)?)?;
            Ok(())
        })
    }

    /// Opens the store in a folder, or makes one, in place of the present content; every change goes there from now on.
    /// `strict`: a change ends after it is flushed.
    #[napi(catch_unwind)]
    pub fn open_store(&self, folder: String, read_only: bool, strict: bool) -> AsyncTask<Work<(), ()>> {
        let (config, kept, database) =
            (Arc::clone(&self.config), Arc::clone(&self.kept), Arc::clone(&self.database));
        Work::start(move || {
            let access = if read_only { Access::Read } else { Access::Write };
            let folder = Folder::open(&PathBuf::from(folder), access)?;
            let (store, opened) = Store::open(folder, &*read(&config)?, access)?;
            let mut kept = kept.lock().map_err(|_| Thrown::failed(POISONED))?;
            *database.write().map_err(|_| Thrown::failed(POISONED))? = Some(opened);
            *kept = Some(Kept { store, strict });
            Ok(())
        })
    }

    /// Makes every change so far durable.
    #[napi(catch_unwind)]
    pub fn flush(&self) -> AsyncTask<Work<(), ()>> {
        let kept = Arc::clone(&self.kept);
        Work::start(move || {
            let mut kept = kept.lock().map_err(|_| Thrown::failed(POISONED))?;
            Ok(kept.as_mut().map_or(Ok(()), |kept| kept.store.flush())?)
        })
    }

    /// Writes everything into a new segment; searches go on meanwhile.
    #[napi(catch_unwind)]
    pub fn checkpoint(&self) -> AsyncTask<Work<bool, bool>> {
        let (kept, database) = (Arc::clone(&self.kept), Arc::clone(&self.database));
        Work::start(move || {
            let mut kept = kept.lock().map_err(|_| Thrown::failed(POISONED))?;
            let Some(kept) = kept.as_mut() else { return Ok(true) };
            with_database(&database, |database| Ok(kept.store.checkpoint(database)?))?;
            Ok(true)
        })
    }

    /// Reads the store again and checks everything; the number of rows in it.
    #[napi(catch_unwind)]
    pub fn verify_store(&self) -> AsyncTask<Work<u32, u32>> {
        let (kept, config) = (Arc::clone(&self.kept), Arc::clone(&self.config));
        Work::start(move || {
            let kept = kept.lock().map_err(|_| Thrown::failed(POISONED))?;
            let rows = kept
                .as_ref()
                .map_or(Ok(0), |kept| kept.store.verify(&*read(&config)?).map_err(Thrown::from))?;
            Ok(u32::try_from(rows).expect("a database holds fewer than 2^31 rows"))
        })
    }

    /// How the store stands, as JSON; `null` if there is none, or if it is busy with something slow.
    #[napi(catch_unwind)]
    pub fn store_state(&self) -> Option<String> {
        let kept = self.kept.try_lock().ok()?;
        let state = kept.as_ref()?.store.state();
        Some(serde_json::to_string(&state).expect("numbers and texts always become JSON"))
    }

    /// Lets go of the store's files without writing anything. The content stays readable.
    #[napi(catch_unwind)]
    pub fn close_store(&self) -> AsyncTask<Work<(), ()>> {
        let kept = Arc::clone(&self.kept);
        Work::start(move || {
            *kept.lock().map_err(|_| Thrown::failed(POISONED))? = None;
            Ok(())
        })
    }

    /// Gives the memory back without waiting for the garbage collector. Every later call fails.
    #[napi(catch_unwind)]
    pub fn free(&self) {
        if let Ok(mut kept) = self.kept.lock() {
            *kept = None;
        }
        if let Ok(mut database) = self.database.write() {
            *database = None;
        }
    }
}

impl Engine {
    pub(crate) fn read<T, J>(
        &self,
        body: impl FnOnce(&Database) -> Result<T, Thrown> + Send + 'static,
    ) -> AsyncTask<Work<T, J>>
    where
        T: Send + 'static,
        J: From<T> + ToNapiValue + TypeName,
    {
        let database = Arc::clone(&self.database);
        Work::start(move || with_database(&database, body))
    }

    /// Any other change, after which the store, if there is one, is written anew.
    fn write<T>(
        &self,
        body: impl FnOnce(&mut Database) -> Result<T, Thrown> + Send + 'static,
    ) -> AsyncTask<Work<T, T>>
    where
        T: Send + ToNapiValue + TypeName + 'static,
    {
        let (kept, database) = (Arc::clone(&self.kept), Arc::clone(&self.database));
        Work::start(move || {
            let mut kept = kept.lock().map_err(|_| Thrown::failed(POISONED))?;
            if let Some(kept) = &*kept {
                kept.store.check_writable()?;
            }
            let mut database = database.write().map_err(|_| Thrown::failed(POISONED))?;
            let done = body(database.as_mut().ok_or_else(|| Thrown::failed(FREED))?)?;
            if let (Some(kept), Some(database)) = (&mut *kept, &*RwLockWriteGuard::downgrade(database)) {
                kept.store.replace(database)?;
            }
            Ok(done)
        })
    }

    /// A change that a store knows how to write down.
    pub(crate) fn change<T>(
        &self,
        body: impl FnOnce(&mut Database, Option<&mut Store<Folder>>) -> Result<T, Thrown> + Send + 'static,
    ) -> AsyncTask<Work<T, T>>
    where
        T: Send + ToNapiValue + TypeName + 'static,
    {
        let (kept, database) = (Arc::clone(&self.kept), Arc::clone(&self.database));
        Work::start(move || {
            let mut kept = kept.lock().map_err(|_| Thrown::failed(POISONED))?;
            let done = {
                let mut database = database.write().map_err(|_| Thrown::failed(POISONED))?;
                let database = database.as_mut().ok_or_else(|| Thrown::failed(FREED))?;
                body(database, kept.as_mut().map(|kept| &mut kept.store))?
            };
            if let Some(kept) = &mut *kept
                && kept.strict
            {
                kept.store.flush()?;
            }
            Ok(done)
        })
    }
}

pub(crate) fn with_database<T>(
    database: &RwLock<Option<Database>>,
    body: impl FnOnce(&Database) -> Result<T, Thrown>,
) -> Result<T, Thrown> {
    let database = database.read().map_err(|_| Thrown::failed(POISONED))?;
    body(database.as_ref().ok_or_else(|| Thrown::failed(FREED))?)
}

fn read(config: &RwLock<Config>) -> Result<RwLockReadGuard<'_, Config>, Thrown> {
    config.read().map_err(|_| Thrown::failed(POISONED))
}

/// A number of rows as JavaScript takes it.
pub(crate) fn count(rows: usize) -> u32 {
    u32::try_from(rows).expect("a database holds fewer than 2^31 rows")
}

const POISONED: &str = "an earlier call panicked while it changed the database";
const FREED: &str = "the engine has been freed";
