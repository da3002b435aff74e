//! Walking to the neighbours of a row as if it were not there, to see how long walks have to be.
//!
//! Had the row never been inserted, rows that link to it would link to others instead. So wherever the walk meets such a
//! row, it is offered the nearest row behind the missing one that the heuristic would choose. Without that, neighbours are
//! harder to find than those of a query are: 0.93 and 0.95 of these were found where 0.90 were to be.

use super::Graph;
use super::search::descend;
use super::stop::{Stop, kept};
use crate::codes::CodeSpace;
use crate::kernels::{Kernels, Task};
use crate::scratch::{Candidate, Scratch};
use crate::slots::{Slot, Slots};
use crate::space::{Query, Space, rank_all};

/// What it takes to find one neighbour; infinite if the walk does not find it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needed {
    pub(crate) reach: f32,
    pub(crate) length: f32,
}

const NEVER: Needed = Needed { reach: f32::INFINITY, length: f32::INFINITY };

/// Gives what it takes to find each of the neighbours of the scratch's query.
pub(crate) struct Rehearsal<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) space: CodeSpace<'a>,
    pub(crate) slots: &'a Slots,
    /// A row of the bottom layer only.
    pub(crate) without: Slot,
    /// Whether rows that link to it are offered others.
    pub(crate) is_replaced: bool,
    /// What its reach is measured for; the walk ends with the last neighbour then. `None`: only lengths are measured.
    pub(crate) stop: Option<Stop>,
    /// Their slots, sorted.
    pub(crate) neighbours: &'a [Slot],
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for Rehearsal<'_> {
    type Output = Vec<Needed>;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Vec<Needed> {
        let Self { graph, space, slots, without, is_replaced, stop, neighbours, scratch } = self;
        let mut needed = vec![NEVER; neighbours.len()];
        let Some(entry) = graph.entry else { return needed };
        let start = descend(kernels, graph, space, &scratch.query, entry, graph.level(entry), 0);
        let Scratch { query, other, pool, visited, fresh, .. } = scratch;
        pool.reset(kept(neighbours.len()));
        visited.reset(slots.len());
        visited.insert(without);
        visited.insert(start);
        fresh.clear();
        fresh.push(start);
        let mut now = Needed { reach: 0.0, length: 1.0 };
        let mut missing = neighbours.len();
        loop {
            for &slot in fresh.iter() {
                for row in graph.rows_at(slot, slots) {
                    if let Ok(at) = neighbours.binary_search(&row) {
                        needed[at] = now;
                        missing -= 1;
                    }
                }
            }
            if missing == 0 && stop.is_some() {
                return needed;
            }
            rank_all(kernels, space, query, fresh, |rank, slot| {
                pool.offer(rank, slot, graph.stands_for_a_row(slot, slots));
                pool.cut(|slot| graph.stands_for_a_row(slot, slots));
            });
            let Some(place) = pool.nearest() else { break };
            now.length = now.length.max((place + 1) as f32);
            if let Some(stop) = stop {
                now.reach = now.reach.max(stop.needed(pool, place));
            }
            let slot = pool.expand(place);
            let links = graph.links(slot, 0);
            fresh.clear();
            fresh.extend(links.iter().filter(|&&link| visited.insert(link)));
            if is_replaced
                && links.contains(&without)
                && let Some(heir) = graph.behind(kernels, space, slot, without, other)
                && visited.insert(heir)
            {
                fresh.push(heir);
            }
        }
        // By their codes, neighbours may lie behind others: they are found in lists that reach to them.
        let mut lasting = vec![NEVER; neighbours.len()];
        for (place, candidate) in pool.candidates().iter().enumerate() {
            for row in graph.rows_at(candidate.slot(), slots) {
                if let Ok(at) = neighbours.binary_search(&row) {
                    lasting[at] = Needed { length: needed[at].length.max((place + 1) as f32), ..needed[at] };
                }
            }
        }
        lasting
    }
}

impl Graph {
    /// The row that a slot might link to if it did not link to `without`.
    #[inline(always)]
    fn behind<K: Kernels>(
        &self,
        kernels: K,
        space: CodeSpace<'_>,
        slot: Slot,
        without: Slot,
        query: &mut Query,
    ) -> Option<Slot> {
        let links = self.links(slot, 0);
        let mut offers = Vec::new();
        space.aim_at_slot(slot, query);
        rank_all(kernels, space, query, self.links(without, 0), |rank, near| {
            if near != slot && !links.contains(&near) {
                offers.push(Candidate::new(rank, near));
            }
        });
        offers.sort_unstable();
        offers.into_iter().find_map(|offer| {
            space.aim_at_slot(offer.slot(), query);
            let mut crowded = false;
            rank_all(kernels, space, query, links, |rank, near| {
                crowded |= near != without && rank < offer.rank();
            });
            (!crowded).then_some(offer.slot())
        })
    }
}
