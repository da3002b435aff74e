//! The static text encoder, as JavaScript sees it.

use annywhere::Error;
use annywhere_encoder::{Encoder, Scratch, TableError};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::Thrown;

/// A table of word pieces with the working memory of one encoding.
#[wasm_bindgen(js_name = Encoder)]
pub struct EngineEncoder {
    encoder: Encoder,
    scratch: Scratch,
}

#[wasm_bindgen(js_class = Encoder)]
impl EngineEncoder {
    /// Reads a table, or the first `dimensions` of its columns.
    #[wasm_bindgen(constructor)]
    pub fn new(table: &[u8], dimensions: Option<usize>) -> Result<EngineEncoder, Thrown> {
        let encoder = Encoder::from_bytes(table, dimensions).map_err(refused)?;
        Ok(EngineEncoder { encoder, scratch: Scratch::default() })
    }

    pub fn dimensions(&self) -> usize {
        self.encoder.dimensions()
    }

    /// The text's unit vector; zeros when no piece of it is known.
    pub fn encode(&mut self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0; self.encoder.dimensions()];
        self.encoder.encode(text, &mut self.scratch, &mut vector);
        vector
    }

    /// Number of known pieces in the text.
    pub fn pieces(&mut self, text: &str) -> usize {
        self.encoder.pieces(text, &mut self.scratch).len()
    }
}

fn refused(error: TableError) -> Error {
    match error {
        TableError::Dimensions { .. } => {
            Error::InvalidOption { option: "dimensions".to_owned(), reason: error.to_string() }
        }
        TableError::Version { received, supported } => Error::VersionTooNew { found: received, supported },
        _ => Error::Corrupt { section: "encoder table".to_owned(), reason: error.to_string() },
    }
}
