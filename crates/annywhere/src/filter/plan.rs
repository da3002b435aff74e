//! How filtered searches find their rows, decided by how many rows match.
//!
//! | matches | strategy |
//! |---|---|
//! | none | nothing is searched |
//! | few | every match is compared: cheaper than any index, and exact |
//! | some | the index, which passes over what does not match: a scan by a mask per block, a graph by links of links |
//! | all | the index as without a filter |
//!
//! If the index stops with fewer than *k* rows, or a walk through the graph has compared as many rows as match, every match is
//! compared after all. So *k* rows come back whenever *k* rows match.

use super::Bitmap;
use crate::slots::Slot;

/// Up to so many matches are compared in the time of one search of an index.
pub(super) const FEW: usize = 1_024;
/// Up to this part of the rows, too: masks leave a few rows in most blocks, and links of links lead to few of them.
pub(super) const FEW_FRACTION: usize = 64;
/// Matches from all over the collection at which a walk through the graph begins, beside the nearest row: matches may lie
/// in places that no match links to.
const SEEDS: usize = 64;

/// The rows that a search is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selection {
    pub(crate) matches: Bitmap,
    pub(crate) count: usize,
    /// What the columns promised before any row was looked at.
    pub(crate) estimate: usize,
    /// Slots at which a walk through a graph begins, and those that it may find: the matches and those that have a match
    /// as a twin.
    pub(crate) seeds: Vec<Slot>,
    pub(crate) nodes: Bitmap,
}

impl Selection {
    pub(crate) fn new(matches: Bitmap, estimate: usize) -> Self {
        let count = matches.count();
        Self { matches, count, estimate, seeds: Vec::new(), nodes: Bitmap::default() }
    }

    /// Whether so few rows of a database match that every one is compared.
    pub(crate) fn is_few(&self, rows: usize, k: usize) -> bool {
        self.count <= k || self.count <= FEW.max(rows / FEW_FRACTION)
    }

    /// The rank that the `k`-th match has among all rows, if matches lie like others.
    pub(crate) fn rank_of(&self, k: usize, rows: usize) -> usize {
        (k as u64 * rows as u64).div_ceil(self.count.max(1) as u64) as usize
    }

    /// Prepares for a walk through a graph that finds `nodes`.
    pub(crate) fn with_nodes(mut self, nodes: Bitmap) -> Self {
        let step = (self.count / SEEDS).max(1);
        self.seeds = nodes.iter().step_by(step).collect();
        self.nodes = nodes;
        self
    }
}
