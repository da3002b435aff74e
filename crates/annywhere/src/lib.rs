//! **annywhere**: a vector search engine that gives the same bytes and the same answers natively and as WebAssembly.
//!
//! This crate is the core: pure Rust, no clock, no I/O, no randomness of its own. [`Database`] is the way in.
//!
//! ```text
//! database → graph, scan → quantize, vectors → kernels
//!          ↘ store (knows the parts' data, not their work)
//! ```

mod chunks;
mod database;
mod error;
mod graph;
mod kernels;
mod metric;
mod options;
mod parallel;
mod quantize;
mod rng;
mod rows;
mod scan;
mod scratch;
mod slots;
mod store;
mod texts;
mod vectors;

pub use database::{Database, Hits, MemoryStats, Row, SearchParams, Stats};
pub use error::Error;
pub use kernels::simd;
pub use metric::Metric;
pub use options::{Config, HnswConfig, MAX_DIMENSIONS, MAX_ROWS, Options, Quantization};
pub use store::{Sink, Source};

#[cfg(target_endian = "big")]
compile_error!("files are read in place as little-endian numbers; no supported platform is big-endian");

/// The version of this engine; bindings and files name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
