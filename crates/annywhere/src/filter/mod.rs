//! Filters: which rows a search, a count or a deletion is about.
//!
//! A filter is JSON in the manner of MongoDB. It is read and checked (`parse`), turned into one bit per slot by looking
//! its fields up in columns (`evaluate`, `metadata`), and the number of bits decides how rows are found (`plan`).
//!
//! What values and fields mean:
//! - A path `a.b` leads from an object to the value of its key. Arrays stand for their elements, also on the way. Keys
//!   that contain a dot cannot be named; places in arrays have no names.
//! - So a field has a set of values, and a condition holds if one of them meets it. Objects are not values; a field that has
//!   only these, or an empty array, exists and meets nothing else.
//! - `null` is a value. A field that is missing has none: it meets only `$exists: false` and negations
//!   (`$ne`, `$nin`, `$not`).
//! - Values of different types are never equal. Order is between numbers, and between strings by their UTF-8 bytes, so
//!   that dates as ISO strings compare as dates do. Numbers are 64-bit floats.

mod bitmap;
mod database;
mod evaluate;
mod parse;
mod plan;
mod recent;

pub(crate) use bitmap::Bitmap;
use evaluate::{estimate, matching};
pub(crate) use parse::Filter;
pub use parse::FilterLimits;
pub(crate) use plan::Selection;
pub(crate) use recent::Recent;
