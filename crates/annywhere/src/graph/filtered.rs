//! Walking the graph of the rows that match a filter: links of links in place of links (ACORN-1, arXiv:2403.04871).
//!
//! ```text
//! pool ← matches from all over, and those around the row where a search without a filter would begin
//! while the pool has a match whose links have not been followed:
//!     take the nearest such match
//!     rank the matches that it links to, and those that its other links link to, until as many as a row has links
//!     put them into the pool, which keeps the nearest ef
//! ```
//! A row that does not match is walked through at most once and never ranked. Where matches hang together badly the walk
//! costs as much as comparing all of them; it ends there, and the caller does that.

use super::search::descend;
use super::{Graph, NONE};
use crate::filter::{Bitmap, Selection};
use crate::kernels::{Kernels, Task};
use crate::scratch::{Scratch, Visited};
use crate::slots::{Slot, Slots};
use crate::space::{Space, four, rank_all};

/// Matches are far from a query if among the rows around it there are so few, compared with all rows.
const FAR: f32 = 0.6;
/// The list is so many times longer then.
const FAR_LIST: usize = 4;

/// Most by which the list grows where few rows match.
const MOST_RARE: f32 = 2.0;

/// Fills the scratch's pool with the (about) `ef` nearest nodes of the selection; false if it gave up.
pub(crate) struct FilteredSearch<'a, S> {
    pub(crate) graph: &'a Graph,
    pub(crate) space: S,
    pub(crate) slots: &'a Slots,
    pub(crate) selection: &'a Selection,
    pub(crate) ef: usize,
    pub(crate) scratch: &'a mut Scratch,
}

impl<S: Space> Task for FilteredSearch<'_, S> {
    type Output = bool;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> bool {
        let Self { graph, space, slots, selection, ef, scratch } = self;
        scratch.visited.reset(slots.len());
        let Some(entry) = graph.entry else { return false };
        let start = descend(kernels, graph, space, &scratch.query, entry, graph.level(entry), 0);
        // Matches at the edge of what matches have fewer ways to each other.
        let far = graph.matching_near(start, &selection.nodes) < FAR * selection.share;
        // The rarer matches are, the longer and worse are the ways between them.
        let rare = (1.0 / selection.share).sqrt().sqrt();
        let ef = (ef as f32 * rare.min(MOST_RARE)) as usize;
        scratch.pool.reset(if far { ef * FAR_LIST } else { ef });
        let Scratch { visited, fresh, through, work, .. } = &mut *scratch;
        fresh.clear();
        if selection.nodes.contains(start) {
            visited.insert(start);
            fresh.push(start);
        } else {
            graph.matches_near(start, &selection.nodes, visited, through, fresh);
        }
        for &seed in &selection.seeds {
            if visited.insert(seed) {
                fresh.push(seed);
            }
        }
        work.distances += fresh.len();
        rank_all(kernels, space, &scratch.query, &scratch.fresh, |rank, slot| {
            scratch.pool.offer(rank, slot, true);
            scratch.pool.cut(|_| true);
        });
        walk(kernels, graph, space, selection, scratch)
    }
}

/// Walks until all matches in the pool are expanded; false if it gave up.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn walk<K: Kernels, S: Space>(
    kernels: K,
    graph: &Graph,
    space: S,
    selection: &Selection,
    scratch: &mut Scratch,
) -> bool {
    let Scratch { query, pool, visited, fresh, through, work, .. } = scratch;
    let most = work.distances + selection.count;
    let mut bound = pool.bound();
    while let Some(place) = pool.nearest() {
        let slot = pool.expand(place);
        fresh.clear();
        graph.matches_near(slot, &selection.nodes, visited, through, fresh);
        work.visited += 1;
        work.distances += fresh.len();
        if work.distances > most {
            return false;
        }
        if work.is_over(0) {
            break;
        }
        for &near in fresh.iter() {
            space.prefetch(kernels, near);
        }
        for next in pool.ahead(1) {
            kernels.prefetch(graph.places(next, 0));
        }
        for group in fresh.chunks(4) {
            let ranks = space.ranks(kernels, query, four(group));
            for (&slot, rank) in group.iter().zip(ranks) {
                if rank <= bound {
                    pool.offer(rank, slot, true);
                    pool.cut(|_| true);
                    bound = pool.bound();
                }
            }
        }
    }
    true
}

impl Graph {
    /// The part of the rows around a slot that match: of the links of its links.
    fn matching_near(&self, slot: Slot, nodes: &Bitmap) -> f32 {
        let (mut rows, mut matches) = (0, 0);
        for &near in self.links(slot, 0) {
            for &link in self.links(near, 0) {
                rows += 1;
                matches += usize::from(nodes.contains(link));
            }
        }
        matches as f32 / rows.max(1) as f32
    }

    /// Gathers matches that were not seen before: among the links, then among the links of those that do not match.
    #[inline(always)]
    fn matches_near(
        &self,
        slot: Slot,
        nodes: &Bitmap,
        visited: &mut Visited,
        through: &mut Vec<Slot>,
        found: &mut Vec<Slot>,
    ) {
        through.clear();
        let mut matches = 0;
        for &link in self.places(slot, 0) {
            if link == NONE {
                break;
            }
            if !nodes.contains(link) {
                through.push(link);
                continue;
            }
            matches += 1;
            if visited.insert(link) {
                found.push(link);
            }
        }
        for &between in through.iter() {
            if matches >= self.m {
                break;
            }
            for &link in self.places(between, 0) {
                if link == NONE {
                    break;
                }
                if nodes.contains(link) {
                    matches += 1;
                    if visited.insert(link) {
                        found.push(link);
                    }
                }
            }
        }
    }

    /// The slots by which the rows of a selection are found: their own, and those of which they are twins.
    pub(crate) fn nodes(&self, matches: &Bitmap) -> Bitmap {
        let mut nodes = matches.clone();
        for (&slot, twins) in &self.twins {
            if twins.iter().any(|&twin| matches.contains(twin)) {
                nodes.insert(slot);
            }
            for &twin in twins {
                nodes.remove(twin);
            }
        }
        nodes
    }
}
