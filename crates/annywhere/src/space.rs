//! What a search walks in: rows, and their ranks as seen from a query.

use std::cell::RefCell;

use crate::error::Error;
use crate::kernels::Kernels;
use crate::quantize::product::TableQuery;
use crate::quantize::rabitq::BitQuery;
use crate::shared::Shared;
use crate::slots::Slot;

/// A query in the forms that the spaces need; each fills and reads its own.
#[derive(Debug, Default)]
pub(crate) struct Query {
    /// Coded query: widened codes, offset and scale.
    pub(crate) codes: Vec<i16>,
    pub(crate) offset: f32,
    pub(crate) scale: f32,
    /// For codes of single rows of few bits.
    pub(crate) bits: BitQuery,
    pub(crate) products: TableQuery,
    pub(crate) residual: Vec<f32>,
    /// Exact query: the vector, padded, and its inverse length.
    pub(crate) values: Vec<f32>,
    pub(crate) inverse_length: f32,
    /// Rows that are read from a file while they are ranked.
    pub(crate) fetched: RefCell<Fetched>,
}

/// Rows on their way from a file.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    pub(crate) rows: Vec<f32>,
    /// Why the first row that could not be read could not. Its rank is infinite, and the search fails in the end.
    pub(crate) failure: Option<Error>,
}

/// Ranks of rows as seen from a query; smaller is nearer.
pub(crate) trait Space: Copy + Shared {
    /// Takes a vector from outside as the query.
    fn aim_at_vector(self, vector: &[f32], query: &mut Query);
    /// Takes a stored row as the query.
    fn aim_at_slot(self, slot: Slot, query: &mut Query);
    /// Ranks four rows.
    fn ranks<K: Kernels>(self, kernels: K, query: &Query, slots: [Slot; 4]) -> [f32; 4];
    /// Whether two rows look the same from every query.
    fn are_equal(self, a: Slot, b: Slot) -> bool;
    /// Asks for a row ahead of its use.
    fn prefetch<K: Kernels>(self, kernels: K, slot: Slot);
}

/// Four slots from a group of one to four: the last is repeated.
#[inline(always)]
pub(crate) fn four(group: &[Slot]) -> [Slot; 4] {
    let last = group.len() - 1;
    [group[0], group[last.min(1)], group[last.min(2)], group[last]]
}

/// Ranks any number of slots, four at a time.
///
/// Where ranking is hot this is written out as a loop instead: the compiler need not inline `each`.
#[inline(always)]
pub(crate) fn rank_all<K: Kernels, S: Space>(
    kernels: K,
    space: S,
    query: &Query,
    slots: &[Slot],
    mut each: impl FnMut(f32, Slot),
) {
    for group in slots.chunks(4) {
        let ranks = space.ranks(kernels, query, four(group));
        for (&slot, rank) in group.iter().zip(ranks) {
            each(rank, slot);
        }
    }
}
