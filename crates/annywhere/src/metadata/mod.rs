//! Metadata by field: columns that say which rows have which values, for filters.
//!
//! A column is made from the documents when a filter first names its field, and follows every change from then on: a write
//! notes the slots it touches, and the next use of columns reads these rows again. So a database without filters pays
//! nothing, and a batch of writes is taken in at once.

mod column;
mod columns;
mod file;
mod merge;

pub(crate) use column::{Column, compare};
pub(crate) use columns::{Columns, Reading};
pub(crate) use merge::merged;
