//! A static text encoder: text → WordPieces → sum of int8 rows × scale → unit length.
//!
//! The rows come from a table that a teacher (all-MiniLM-L6-v2) was distilled into at build time, so no neural
//! network runs here: a short text takes microseconds. `FORMAT.md` describes the file and every rule of the way
//! from a text to its vector; the same text gives the same bits natively and as WebAssembly.
//!
//! The crate reads no file, no clock and no random numbers. It holds no model: the table is the caller's.
//!
//! ```no_run
//! use annywhere_encoder::{Encoder, Scratch};
//!
//! # fn example(table: &[u8]) -> Result<(), annywhere_encoder::TableError> {
//! let encoder = Encoder::from_bytes(table, Some(128))?;
//! let mut vector = vec![0.0; encoder.dimensions()];
//! let pieces = encoder.encode("fear of heights", &mut Scratch::default(), &mut vector);
//! assert!(pieces > 0, "a text without known pieces has no direction");
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod character_tables;
mod characters;
mod encode;
mod error;
mod projection;
mod sums;
mod table;
mod vocabulary;
mod words;

pub use encode::{Encoder, Scratch};
pub use error::{Section, TableError};
pub use table::truncate;
