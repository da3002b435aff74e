//! The static text encoder, as JavaScript sees it.

use annywhere::Error;
use annywhere_encoder::{Encoder, Scratch, TableError};
use napi::bindgen_prelude::Float32Array;
use napi_derive::napi;

use crate::error::Thrown;

/// A table of word pieces with the working memory of one encoding.
#[napi(js_name = "Encoder")]
pub struct EngineEncoder {
    encoder: Encoder,
    scratch: Scratch,
}

#[napi]
impl EngineEncoder {
    /// Reads a table, or the first `dimensions` of its columns.
    #[napi(constructor, catch_unwind)]
    pub fn new(table: &[u8], dimensions: Option<u32>) -> napi::Result<EngineEncoder> {
        let dimensions = dimensions.map(|dimensions| dimensions as usize);
        let encoder = Encoder::from_bytes(table, dimensions).map_err(|error| Thrown::from(refused(error)))?;
        Ok(EngineEncoder { encoder, scratch: Scratch::default() })
    }

    #[napi(catch_unwind)]
    pub fn dimensions(&self) -> u32 {
        u32::try_from(self.encoder.dimensions()).expect("a table's header counts columns in 32 bits")
    }

    /// The text's unit vector; zeros when no piece of it is known.
    #[napi(catch_unwind)]
    pub fn encode(&mut self, text: String) -> Float32Array {
        let mut vector = vec![0.0; self.encoder.dimensions()];
        self.encoder.encode(&text, &mut self.scratch, &mut vector);
        vector.into()
    }

    /// Number of known pieces in the text.
    #[napi(catch_unwind)]
    pub fn pieces(&mut self, text: String) -> u32 {
        let pieces = self.encoder.pieces(&text, &mut self.scratch).len();
        u32::try_from(pieces).expect("a JavaScript string has fewer than 2^30 pieces")
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
