//! Rows by filter and by id, and what searches do: further methods of the engine.

use std::time::Instant;

use annywhere::{Rows, SearchParams};
use napi::bindgen_prelude::{AsyncTask, Float32Array};
use napi_derive::napi;

use crate::engine::{Engine, count, with_database};
use crate::work::Work;

/// Some rows.
#[napi(object)]
pub struct EngineRows {
    /// `["id",{..},"id2",{..},..]`
    pub rows: String,
    /// Their vectors, one after the other.
    pub vectors: Float32Array,
}

/// The same, on its way between threads.
pub struct Listed(Rows);

impl From<Listed> for EngineRows {
    fn from(Listed(Rows { rows, vectors }): Listed) -> EngineRows {
        EngineRows { rows, vectors: vectors.into() }
    }
}

#[napi]
impl Engine {
    /// Number of rows that match the JSON of a filter.
    #[napi(catch_unwind)]
    pub fn count(&self, filter: String) -> AsyncTask<Work<u32, u32>> {
        self.read(move |database| Ok(count(database.count(&filter)?)))
    }

    /// Removes the rows that match the JSON of a filter.
    #[napi(catch_unwind)]
    pub fn delete_matching(&self, filter: String) -> AsyncTask<Work<u32, u32>> {
        self.change(move |database, store| {
            Ok(count(match store {
                Some(store) => store.delete_matching(database, &filter)?,
                None => database.delete_matching(&filter)?,
            }))
        })
    }

    /// Changes a row; `metadata` is the JSON of the keys to set, or `null`.
    #[napi(catch_unwind)]
    pub fn update(
        &self,
        id: String,
        metadata: Option<String>,
        vector: Option<&[f32]>,
    ) -> AsyncTask<Work<bool, bool>> {
        let vector = vector.map(<[f32]>::to_vec);
        self.change(move |database, store| {
            let (metadata, vector) = (metadata.as_deref(), vector.as_deref());
            Ok(match store {
                Some(store) => store.update(database, &id, metadata, vector)?,
                None => database.update(&id, metadata, vector)?,
            })
        })
    }

    #[napi(catch_unwind)]
    pub fn has(&self, id: String) -> napi::Result<bool> {
        Ok(with_database(&self.database, |database| Ok(database.contains(&id)))?)
    }

    /// The rows with these ids that exist.
    #[napi(catch_unwind)]
    pub fn get_many(&self, ids: Vec<String>) -> AsyncTask<Work<Listed, EngineRows>> {
        self.read(move |database| {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            Ok(Listed(database.get_many(&ids)?))
        })
    }

    /// The next rows after an id, in the order of ids.
    #[napi(catch_unwind)]
    pub fn page(&self, filter: Option<String>, after: Option<String>) -> AsyncTask<Work<Listed, EngineRows>> {
        self.read(move |database| Ok(Listed(database.page(filter.as_deref(), after.as_deref())?)))
    }

    /// The JSON of what a search did.
    #[napi(catch_unwind)]
    pub fn explain(&self, query: &[f32], params: String) -> AsyncTask<Work<String, String>> {
        let query = query.to_vec();
        self.read(move |database| {
            let begin = Instant::now();
            let clock = || begin.elapsed().as_secs_f64() * 1e3;
            let explained = database.explain(&query, &SearchParams::from_json(&params)?, &clock)?;
            Ok(serde_json::to_string(&explained).expect("explanations are numbers and fixed strings"))
        })
    }

    /// The JSON of how much searches find.
    #[napi(catch_unwind)]
    pub fn measure_recall(&self, samples: u32, params: String) -> AsyncTask<Work<String, String>> {
        self.read(move |database| {
            let measured = database.measure_recall(samples as usize, &SearchParams::from_json(&params)?)?;
            Ok(serde_json::to_string(&measured).expect("measurements are numbers"))
        })
    }
}
