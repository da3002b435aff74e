//! What a query becomes for scanning nibble codes: a table of 16 bytes for each nibble of a code.
//!
//! Entries are partial sums of an inner product, moved so that the smallest of a table is 0, with one scale for all. The scale
//! is as large as the sums allow: what a row can pick from the tables that are added up as bytes, and from all tables.

use crate::kernels::GROUPED_BYTES;

/// The variance of rounding to whole numbers.
const ROUNDING_VARIANCE: f32 = 1.0 / 12.0;

/// A query, and what turns sums of table entries into inner products.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) entries: Vec<u8>,
    /// The inner product of query and code is nearly `slope · sum + offset`.
    pub(crate) slope: f32,
    pub(crate) offset: f32,
    /// Standard deviation of the error of that, for the row's code and for the rounding of the tables.
    pub(crate) deviation: f32,
    pub(super) rotated: Vec<f32>,
}

/// How far the entries of the tables range.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    total: f32,
    largest: f32,
}

impl Ranges {
    /// Adds the sum of the ranges of a group of tables that are added up as bytes.
    #[inline(always)]
    pub(super) fn add(&mut self, range: f32) {
        self.total += range;
        self.largest = if range > self.largest { range } else { self.largest };
    }

    /// The sum of all ranges.
    #[inline(always)]
    pub(super) fn total(&self) -> f32 {
        self.total
    }

    /// The scale for so many tables. One is kept back for the rounding of each entry.
    #[inline(always)]
    pub(super) fn scale(&self, tables: usize) -> f32 {
        if self.total == 0.0 {
            return 1.0;
        }
        let per_group = (255 - 2 * GROUPED_BYTES) as f32 / self.largest;
        let per_row = (65_535 - tables) as f32 / self.total;
        if per_group < per_row { per_group } else { per_row }
    }
}

/// The deviation of estimates for codes with the deviation `kappa` and a query with this squared length.
#[inline(always)]
pub(super) fn deviation_of(kappa: f32, square: f32, tables: usize, slope: f32) -> f32 {
    (kappa * kappa * square + tables as f32 * ROUNDING_VARIANCE * slope * slope).sqrt()
}
