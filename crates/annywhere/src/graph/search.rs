//! Walking the graph: the paper's SEARCH-LAYER (algorithm 2) and K-NN-SEARCH (algorithm 5).
//!
//! ```text
//! pool ← entry point
//! while the pool has a candidate whose links have not been followed:
//!     take the two nearest such candidates
//!     rank their links that no step has seen yet, four at a time
//!     put them into the pool, which keeps the nearest ef
//! ```

use super::stop::Stop;
use super::{Graph, NONE};
use crate::filter::Bitmap;
use crate::kernels::{Kernels, Task};
use crate::scratch::{Candidate, Scratch};
use crate::slots::{Slot, Slots};
use crate::space::{Query, Space, four, rank_all};

/// The links of so many candidates are followed at a time: while the rows of one are asked for, those of another come. With
/// more, rows are ranked in vain.
const AT_ONCE: usize = 2;

/// Fills the scratch's pool with the (about) `ef` nearest live rows of its query.
pub(crate) struct Search<'a, S> {
    pub(crate) graph: &'a Graph,
    pub(crate) space: S,
    pub(crate) slots: &'a Slots,
    pub(crate) ef: usize,
    /// When the walk ends although the list has more; the list is as long as this needs then.
    pub(crate) stop: Option<Stop>,
    pub(crate) scratch: &'a mut Scratch,
}

impl<S: Space> Task for Search<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) {
        let Self { graph, space, slots, ef, stop, scratch } = self;
        scratch.pool.reset(stop.map_or(ef, |stop| stop.kept()));
        let Some(entry) = graph.entry else { return };
        let top = graph.level(entry);
        let start = descend(kernels, graph, space, &scratch.query, entry, top, 0);
        scratch.visited.reset(slots.len());
        scratch.visited.insert(start);
        rank_all(kernels, space, &scratch.query, &[start], |rank, slot| {
            scratch.pool.offer(rank, slot, graph.stands_for_a_row(slot, slots));
        });
        search_layer(kernels, graph, space, slots, 0, stop, scratch);
        if let Some(stop) = stop {
            stop.cut(&mut scratch.pool);
        }
    }
}

impl Graph {
    /// Whether finding this slot finds a row: its own or a twin's.
    pub(super) fn stands_for_a_row(&self, slot: Slot, slots: &Slots) -> bool {
        slots.is_live(slot) || self.twins.contains_key(&slot)
    }

    /// Some rows that are linked in the bottom layer only and have no twins, from all over.
    pub(crate) fn sample(&self, slots: &Slots, most: usize) -> Vec<Slot> {
        let is_linked = |slot: Slot| !self.links(slot, 0).is_empty() && !self.twins.contains_key(&slot);
        let bottom: Vec<Slot> = slots
            .live_slots()
            .filter(|&slot| self.level(slot) == 0 && self.entry != Some(slot) && is_linked(slot))
            .collect();
        let count = most.min(bottom.len());
        (0..count).map(|at| bottom[at * bottom.len() / count]).collect()
    }

    /// Puts the rows that a walk found, or those of `matches` among them, into the scratch's `sorted`.
    pub(crate) fn take_found(&self, slots: &Slots, matches: Option<&Bitmap>, scratch: &mut Scratch) {
        let Scratch { pool, sorted, .. } = scratch;
        sorted.clear();
        for near in pool.candidates() {
            let rows = self.rows_at(near.slot(), slots);
            let hits = rows.filter(|&slot| matches.is_none_or(|matches| matches.contains(slot)));
            sorted.extend(hits.map(|slot| Candidate::new(near.rank(), slot)));
        }
    }

    /// The rows found by finding this slot: its own and its twins'.
    pub(crate) fn rows_at(&self, slot: Slot, slots: &Slots) -> impl Iterator<Item = Slot> {
        std::iter::once(slot).chain(self.twins(slot).iter().copied()).filter(|&slot| slots.is_live(slot))
    }
}

/// Walks greedily from `start` in layer `from` down to the layer above `to`; returns where it ended.
#[inline(always)]
pub(super) fn descend<K: Kernels, S: Space>(
    kernels: K,
    graph: &Graph,
    space: S,
    query: &Query,
    start: Slot,
    from: u8,
    to: u8,
) -> Slot {
    let mut nearest = start;
    let mut nearest_rank = space.ranks(kernels, query, [start; 4])[0];
    for level in (to + 1..=from).rev() {
        loop {
            let before = nearest;
            rank_all(kernels, space, query, graph.links(before, level), |rank, slot| {
                if rank < nearest_rank {
                    (nearest, nearest_rank) = (slot, rank);
                }
            });
            if nearest == before {
                break;
            }
        }
    }
    nearest
}

/// Walks one layer from the candidates in the pool until the pool's candidates are all expanded.
///
/// On WebAssembly it is a function of its own: V8 spills registers in one large function. Elsewhere it must be part of
/// its caller, to be compiled with the processor's features.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) fn search_layer<K: Kernels, S: Space>(
    kernels: K,
    graph: &Graph,
    space: S,
    slots: &Slots,
    level: u8,
    stop: Option<Stop>,
    scratch: &mut Scratch,
) {
    let Scratch { query, pool, visited, fresh, work, .. } = scratch;
    let any_dead = slots.dead() > 0;
    let is_live = |slot| !any_dead || graph.stands_for_a_row(slot, slots);
    fresh.resize(AT_ONCE * graph.capacity(level), 0);
    let mut bound = pool.bound();
    loop {
        let (mut followed, mut count) = (0, 0);
        while followed < AT_ONCE
            && let Some(place) = pool.nearest()
        {
            if work.is_over(0) || stop.is_some_and(|stop| stop.is_reached(pool, place)) {
                break;
            }
            let before = count;
            for &link in graph.places(pool.expand(place), level) {
                if link == NONE {
                    break;
                }
                // Without a branch: what is seen already is overwritten by the next.
                fresh[count] = link;
                count += usize::from(visited.insert(link));
            }
            for &link in &fresh[before..count] {
                space.prefetch(kernels, link);
            }
            followed += 1;
            work.visited += 1;
            work.distances += count - before;
        }
        if followed == 0 {
            break;
        }
        for next in pool.ahead(AT_ONCE) {
            kernels.prefetch(graph.places(next, level));
        }
        for group in fresh[..count].chunks(4) {
            let ranks = space.ranks(kernels, query, four(group));
            for (&slot, rank) in group.iter().zip(ranks) {
                if rank <= bound {
                    pool.offer(rank, slot, is_live(slot));
                    pool.cut(is_live);
                    bound = pool.bound();
                    if let Some(stop) = stop {
                        bound = bound.min(stop.bound(pool));
                    }
                }
            }
        }
    }
}
