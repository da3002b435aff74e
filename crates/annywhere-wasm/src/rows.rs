//! Rows by filter and by id, and what searches do: further methods of the engine.

use annywhere::{Rows, SearchParams};
use js_sys::{Float32Array, Function};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::engine::{Engine, room};
use crate::error::Thrown;

/// Some rows.
#[wasm_bindgen(getter_with_clone)]
pub struct EngineRows {
    /// `["id",{..},"id2",{..},..]`
    #[wasm_bindgen(readonly)]
    pub rows: String,
    /// Their vectors, one after the other.
    #[wasm_bindgen(readonly)]
    pub vectors: Vec<f32>,
}

impl From<Rows> for EngineRows {
    fn from(Rows { rows, vectors }: Rows) -> EngineRows {
        EngineRows { rows, vectors }
    }
}

#[wasm_bindgen]
impl Engine {
    /// Number of rows that match the JSON of a filter.
    pub fn count(&self, filter: &str) -> Result<usize, Thrown> {
        Ok(self.database.count(filter)?)
    }

    /// Removes the rows that match the JSON of a filter.
    #[wasm_bindgen(js_name = deleteMatching)]
    pub fn delete_matching(&mut self, filter: &str) -> Result<usize, Thrown> {
        Ok(match &mut self.store {
            Some(store) => store.delete_matching(&mut self.database, filter)?,
            None => self.database.delete_matching(filter)?,
        })
    }

    /// Changes a row; `metadata` is the JSON of the keys to set, or `null`.
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands optional values over by value")]
    pub fn update(
        &mut self,
        id: &str,
        metadata: Option<String>,
        vector: Option<Float32Array>,
    ) -> Result<bool, Thrown> {
        let vector = match vector {
            Some(vector) => {
                let mut copy = room(vector.length())?;
                vector.copy_to(&mut copy);
                Some(copy)
            }
            None => None,
        };
        let (metadata, vector) = (metadata.as_deref(), vector.as_deref());
        Ok(match &mut self.store {
            Some(store) => store.update(&mut self.database, id, metadata, vector)?,
            None => self.database.update(id, metadata, vector)?,
        })
    }

    pub fn has(&self, id: &str) -> bool {
        self.database.contains(id)
    }

    /// The rows with these ids that exist.
    #[wasm_bindgen(js_name = getMany)]
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands over arrays of strings by value")]
    pub fn get_many(&self, ids: Vec<String>) -> Result<EngineRows, Thrown> {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        Ok(self.database.get_many(&ids)?.into())
    }

    /// The next rows after an id, in the order of ids.
    #[expect(clippy::needless_pass_by_value, reason = "wasm-bindgen hands optional values over by value")]
    pub fn page(&self, filter: Option<String>, after: Option<String>) -> Result<EngineRows, Thrown> {
        Ok(self.database.page(filter.as_deref(), after.as_deref())?.into())
    }

    /// The JSON of what a search did; `clock` says milliseconds.
    pub fn explain(&self, query: &[f32], params: &str, clock: &Function) -> Result<String, Thrown> {
        // A clock that throws or says no number stands still.
        let clock = || clock.call0(&JsValue::NULL).ok().and_then(|now| now.as_f64()).unwrap_or_default();
        let explained = self.database.explain(query, &SearchParams::from_json(params)?, &clock)?;
        Ok(serde_json::to_string(&explained).expect("explanations are numbers and fixed strings"))
    }

    /// The JSON of how much searches find.
    #[wasm_bindgen(js_name = measureRecall)]
    pub fn measure_recall(&self, samples: usize, params: &str) -> Result<String, Thrown> {
        let measured = self.database.measure_recall(samples, &SearchParams::from_json(params)?)?;
        Ok(serde_json::to_string(&measured).expect("measurements are numbers"))
    }
}
