//! How filtered searches find their rows, decided by how many rows match.
//!
//! | matches | strategy |
//! |---|---|
//! | none | nothing is searched |
//! | few | every match is compared: cheaper than any index, and exact |
//! | more, beside a coded graph | the code of every match is compared, and the nearest as many as the walk's list holds exactly |
//! | some | the index, which passes over what does not match: a scan by a mask per block, a graph by links of links |
//! | all | the index as without a filter |
//!
//! If the index stops with fewer than *k* rows, or a walk through the graph has compared as many rows as match, every match is
//! compared after all. So *k* rows come back whenever *k* rows match.

use super::Bitmap;
use crate::slots::Slot;

/// Up to so many matches are compared in the time that a scan takes to begin.
const FEW_FOR_SCAN: usize = 256;
/// The last match among so many rows is as far as the scan's table of reaches goes; beyond it all cells are scanned.
const FARTHEST_RANK: f32 = 1_000.0;
/// Scanning the codes of so many rows takes as long as comparing one of them.
const SCANNED_PER_COMPARED: f32 = 32.0;
/// A walk compares about 20 rows for each place of its list, and takes for one, with the links that lead to it, as long as
/// comparing five takes.
const FEW_PER_PLACE: usize = 96;
/// The same where rows have codes of a byte per dimension: so many codes are compared in the time of a walk, and comparing
/// fewer rows than the last takes less with the vectors themselves.
const CODED_PER_PLACE: usize = 256;
const UNCODED_PER_PLACE: usize = 4;
/// Matches from all over the collection at which a walk through the graph begins, beside the nearest row: matches may lie
/// in places that no match links to.
const SEEDS: usize = 64;

/// The rows that a search is about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Selection {
    pub(crate) matches: Bitmap,
    pub(crate) count: usize,
    /// The part of all rows that matches.
    pub(crate) share: f32,
    /// What the columns promised before any row was looked at.
    pub(crate) estimate: usize,
    /// Slots at which a walk through a graph begins, and those that it may find: the matches and those that have a match
    /// as a twin.
    pub(crate) seeds: Vec<Slot>,
    pub(crate) nodes: Bitmap,
}

impl Selection {
    pub(crate) fn new(matches: Bitmap, estimate: usize, rows: usize) -> Self {
        let count = matches.count();
        let share = count as f32 / rows.max(1) as f32;
        Self { matches, count, share, estimate, seeds: Vec::new(), nodes: Bitmap::default() }
    }

    /// The rank that the `k`-th match has among all rows, if matches lie like others.
    pub(crate) fn rank_of(&self, k: usize) -> f32 {
        k as f32 / self.share
    }

    /// Whether the `k`-th match may lie in any cell of a scan.
    pub(crate) fn is_far_for_scan(&self, k: usize) -> bool {
        self.rank_of(k) > FARTHEST_RANK
    }

    /// Whether comparing every match takes no longer than scanning.
    pub(crate) fn is_few_for_scan(&self, k: usize) -> bool {
        self.count <= FEW_FOR_SCAN || (self.is_far_for_scan(k) && self.share * SCANNED_PER_COMPARED < 1.0)
    }

    /// Whether comparing every match takes no longer than walking a graph with a list of this length, or comparing codes.
    pub(crate) fn is_few_for_graph(&self, ef: usize, is_coded: bool) -> bool {
        self.count <= if is_coded { UNCODED_PER_PLACE } else { FEW_PER_PLACE } * ef
    }

    /// Whether comparing the code of every match takes no longer than walking a coded graph.
    pub(crate) fn is_few_for_codes(&self, ef: usize) -> bool {
        self.count <= CODED_PER_PLACE * ef
    }

    /// Bytes allocated.
    pub(super) fn bytes(&self) -> usize {
        self.matches.bytes() + self.nodes.bytes() + self.seeds.capacity() * size_of::<Slot>()
    }

    /// Prepares for a walk through a graph that finds `nodes`.
    pub(crate) fn with_nodes(mut self, nodes: Bitmap) -> Self {
        let step = (self.count / SEEDS).max(1);
        self.seeds = nodes.iter().step_by(step).collect();
        self.nodes = nodes;
        self
    }
}
