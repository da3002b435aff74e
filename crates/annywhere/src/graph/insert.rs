//! Inserting rows, a batch at a time.
//!
//! ```text
//! place    each row of the batch, in parallel: search the graph as it is, add the rows before it in the batch,
//!          choose at most m links per layer
//! link     write those links; gather the opposite ones, sorted by layer, target and source
//! accept   each target, in parallel: take the new links in, or choose anew among old and new if there are too many
//! ```

use std::collections::BTreeMap;

use super::Graph;
use super::neighbors::select;
use super::search::{descend, search_layer};
use crate::kernels::{self, Kernels, Task};
use crate::parallel;
use crate::scratch::{Candidate, Scratch, Scratches};
use crate::slots::{Slot, Slots};
use crate::sort::sort;
use crate::space::{Space, rank_all};

/// A batch is a fiftieth of the graph, within these bounds: small enough that rows seldom miss each other, large
/// enough to keep all cores busy. Brute force among its rows costs 4 % of the work at the upper bound.
const SMALLEST_BATCH: usize = 64;
const LARGEST_BATCH: usize = 1_024;
const BATCH_FRACTION: usize = 50;

/// Where a new row goes.
enum Placement {
    /// Its links: those of layer 0, then of layer 1, …
    Linked(Vec<Vec<Slot>>),
    /// It equals this row, which is in the graph or before it in the batch.
    TwinOf(Slot),
}

/// New links of one target in one layer: `sources` is a range of the gathered pairs.
struct Arrival {
    level: u8,
    target: Slot,
    sources: std::ops::Range<usize>,
}

impl Graph {
    /// Links new rows into the graph. Their codes are in `space`, and `reserve` has made the room.
    pub(crate) fn insert<S: Space>(&mut self, new: &[Slot], space: S, slots: &Slots, scratches: &Scratches) {
        self.link(new, space, slots, scratches, true);
        self.connect_if_due(new, slots);
    }

    /// Links rows into the graph, batch by batch. Nothing may link to rows that `may_be_twins`.
    pub(super) fn link<S: Space>(
        &mut self,
        new: &[Slot],
        space: S,
        slots: &Slots,
        scratches: &Scratches,
        may_be_twins: bool,
    ) {
        let mut rest = new;
        while !rest.is_empty() {
            let linked = slots.live().saturating_sub(rest.len());
            let size = (linked / BATCH_FRACTION).clamp(SMALLEST_BATCH, LARGEST_BATCH).min(rest.len());
            let (batch, after) = rest.split_at(size);
            self.link_batch(batch, space, slots, scratches, may_be_twins);
            rest = after;
        }
    }

    fn link_batch<S: Space>(
        &mut self,
        batch: &[Slot],
        space: S,
        slots: &Slots,
        scratches: &Scratches,
        may_be_twins: bool,
    ) {
        let graph = &*self;
        let placements = parallel::map(batch.len(), scratches, |index, scratch| {
            kernels::run(Place { graph, space, slots, batch, index, may_be_twins, scratch })
        });
        let mut pairs: Vec<(u8, Slot, Slot)> = Vec::new();
        let mut linked: Vec<Slot> = Vec::new();
        let mut twin_of: BTreeMap<Slot, Slot> = BTreeMap::new();
        for (&slot, placement) in batch.iter().zip(&placements) {
            match placement {
                Placement::Linked(layers) => {
                    linked.push(slot);
                    for (level, links) in layers.iter().enumerate() {
                        let level = level as u8;
                        // A row of the batch that turned out to be a twin is replaced by what it equals.
                        let mut links: Vec<Slot> = links
                            .iter()
                            .map(|link| *twin_of.get(link).unwrap_or(link))
                            .filter(|&link| self.level(link) >= level)
                            .collect();
                        sort(&mut links);
                        links.dedup();
                        self.set_links(slot, level, &links);
                        pairs.extend(links.iter().map(|&target| (level, target, slot)));
                    }
                }
                Placement::TwinOf(other) => {
                    let first = *twin_of.get(other).unwrap_or(other);
                    twin_of.insert(slot, first);
                    self.twins.entry(first).or_default().push(slot);
                }
            }
        }
        sort(&mut pairs);
        let mut arrivals: Vec<Arrival> = Vec::new();
        for (index, &(level, target, _)) in pairs.iter().enumerate() {
            match arrivals.last_mut() {
                Some(last) if (last.level, last.target) == (level, target) => {
                    last.sources.end = index + 1;
                }
                _ => arrivals.push(Arrival { level, target, sources: index..index + 1 }),
            }
        }
        let graph = &*self;
        let accepted = parallel::map(arrivals.len(), scratches, |index, scratch| {
            let Arrival { level, target, ref sources } = arrivals[index];
            let new = pairs[sources.clone()].iter().map(|&(_, _, source)| source);
            kernels::run(Accept { graph, space, level, target, new, scratch })
        });
        let mut maybe_lost = linked.clone();
        for (arrival, (links, dropped)) in arrivals.iter().zip(&accepted) {
            self.set_links(arrival.target, arrival.level, links);
            maybe_lost.extend(dropped.iter().filter(|_| arrival.level == 0));
        }
        self.keep_found(maybe_lost);
        self.raise_entry(linked.into_iter());
    }

    /// Makes the first of the highest slots the entry point, if it is higher than the present one.
    pub(super) fn raise_entry(&mut self, slots: impl Iterator<Item = Slot>) {
        for slot in slots {
            if self.entry.is_none_or(|entry| self.level(slot) > self.level(entry)) {
                self.entry = Some(slot);
            }
        }
    }
}

/// Chooses the links of one row of a batch.
struct Place<'a, S> {
    graph: &'a Graph,
    space: S,
    slots: &'a Slots,
    batch: &'a [Slot],
    index: usize,
    may_be_twins: bool,
    scratch: &'a mut Scratch,
}

impl<S: Space> Task for Place<'_, S> {
    type Output = Placement;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Placement {
        let Self { graph, space, slots, batch, index, may_be_twins, scratch } = self;
        let slot = batch[index];
        let own = graph.level(slot);
        space.aim_at_slot(slot, &mut scratch.query);
        let mut mates: Vec<Candidate> = Vec::with_capacity(index);
        rank_all(kernels, space, &scratch.query, &batch[..index], |rank, mate| {
            mates.push(Candidate::new(rank, mate));
        });
        mates.sort_unstable();
        mates.truncate(graph.ef_construction);

        let top = graph.entry.map(|entry| graph.level(entry));
        let mut starts: Vec<Candidate> = Vec::new();
        if let (Some(entry), Some(top)) = (graph.entry, top) {
            let start = descend(kernels, graph, space, &scratch.query, entry, top, own.min(top));
            rank_all(kernels, space, &scratch.query, &[start], |rank, slot| {
                starts.push(Candidate::new(rank, slot));
            });
        }
        let mut links: Vec<Vec<Slot>> = vec![Vec::new(); usize::from(own) + 1];
        for level in (0..=own).rev() {
            scratch.pool.reset(graph.ef_construction);
            if top.is_some_and(|top| level <= top) {
                scratch.visited.reset(slots.len());
                for start in &starts {
                    scratch.visited.insert(start.slot());
                    scratch.pool.offer(
                        start.rank(),
                        start.slot(),
                        graph.stands_for_a_row(start.slot(), slots),
                    );
                }
                search_layer(kernels, graph, space, slots, level, None, scratch);
                starts.clear();
                starts.extend(
                    scratch.pool.candidates().iter().map(|near| Candidate::new(near.rank(), near.slot())),
                );
            }
            for mate in mates.iter().filter(|mate| graph.level(mate.slot()) >= level) {
                scratch.pool.offer(mate.rank(), mate.slot(), true);
            }
            if level == 0
                && may_be_twins
                && let Some(equal) = equal_candidate(kernels, space, slot, scratch)
            {
                return Placement::TwinOf(equal);
            }
            let Scratch { pool, other, .. } = &mut *scratch;
            let live = pool
                .candidates()
                .iter()
                .copied()
                .filter(|near| graph.stands_for_a_row(near.slot(), slots) && near.slot() != slot);
            select(
                kernels,
                space,
                live.take(graph.ef_construction),
                graph.m,
                other,
                &mut links[usize::from(level)],
            );
        }
        Placement::Linked(links)
    }
}

/// The first candidate in the pool that equals the row that is the scratch's query.
#[inline(always)]
fn equal_candidate<K: Kernels, S: Space>(
    kernels: K,
    space: S,
    slot: Slot,
    scratch: &Scratch,
) -> Option<Slot> {
    let own = space.ranks(kernels, &scratch.query, [slot; 4])[0];
    let mut equal =
        scratch.pool.candidates().iter().filter(|near| near.rank() == own).map(|near| near.slot());
    equal.find(|&near| near != slot && space.are_equal(slot, near))
}

/// Takes new links into a target's list.
struct Accept<'a, S, I> {
    graph: &'a Graph,
    space: S,
    level: u8,
    target: Slot,
    new: I,
    scratch: &'a mut Scratch,
}

impl<S: Space, I: Iterator<Item = Slot>> Task for Accept<'_, S, I> {
    /// The links, and those that there were before and are not among them.
    type Output = (Vec<Slot>, Vec<Slot>);

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Self::Output {
        let Self { graph, space, level, target, new, scratch } = self;
        let mut links = graph.links(target, level).to_vec();
        for source in new {
            // A row that is linked again may be in the list already.
            if !links.contains(&source) {
                links.push(source);
            }
        }
        let links = graph.cut_links(kernels, space, level, target, links, scratch);
        let mut dropped = graph.links(target, level).to_vec();
        dropped.retain(|link| !links.contains(link));
        (links, dropped)
    }
}

impl Graph {
    /// The links themselves if they fit; else the heuristic's choice among them.
    #[inline(always)]
    pub(super) fn cut_links<K: Kernels, S: Space>(
        &self,
        kernels: K,
        space: S,
        level: u8,
        target: Slot,
        mut links: Vec<Slot>,
        scratch: &mut Scratch,
    ) -> Vec<Slot> {
        let most = self.capacity(level);
        if links.len() <= most {
            return links;
        }
        let Scratch { query, other, sorted, .. } = scratch;
        space.aim_at_slot(target, query);
        sorted.clear();
        rank_all(kernels, space, query, &links, |rank, slot| {
            sorted.push(Candidate::new(rank, slot));
        });
        sorted.sort_unstable();
        select(kernels, space, sorted.iter().copied(), most, other, &mut links);
        links
    }
}
