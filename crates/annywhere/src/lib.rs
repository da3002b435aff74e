//! **annywhere**: a vector search engine that gives the same bytes and the same answers natively and as WebAssembly.
//!
//! This crate is the core: pure Rust, no clock, no I/O, no randomness of its own. [`Database`] is the way in.
//!
//! ```text
//! database → graph, scan → codes, vectors → kernels
//!          ↘ store (knows the parts' data, not their work)
//! ```

mod answer;
mod calibration;
mod chunks;
mod codes;
mod compact;
mod database;
mod error;
mod explain;
mod fields;
mod filter;
mod fixed_texts;
mod graph;
mod hits;
mod kernels;
mod listing;
mod metadata;
mod metric;
mod options;
mod parallel;
mod quantize;
mod reach;
mod rng;
mod rows;
mod scan;
mod scratch;
mod shared;
mod slots;
mod sort;
mod space;
mod stats;
mod store;
mod stored;
mod text_table;
mod texts;
mod update;
mod vectors;
mod weigh;
mod words;

pub use database::Database;
pub use error::Error;
pub use explain::{Explanation, Recall, Stages};
pub use filter::FilterLimits;
pub use hits::{Hits, Parts, Row, SearchParams};
pub use kernels::simd;
pub use listing::Rows;
pub use metric::Metric;
pub use options::{Config, HnswConfig, Index, MAX_DIMENSIONS, MAX_ROWS, Options, Precision, Quantization};
pub use shared::Shared;
pub use stats::{MemoryStats, Originals, Stats};
pub use store::{Access, Backend, MemoryBackend, SharedSource, Sink, Source, Store, StoreState};

#[cfg(target_endian = "big")]
compile_error!("files are read in place as little-endian numbers; no supported platform is big-endian");

/// The version of this engine; bindings and files name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
