//! Taking removed rows out of the graph (the consolidation of FreshDiskANN, arXiv:2105.09613, algorithm 4).
//!
//! Every row that links to removed ones is offered their links instead, and keeps the heuristic's choice. The removed
//! rows' own lists are cleared. A removed row with a twin is simply replaced by it.

use std::collections::{BTreeMap, BTreeSet};

use super::Graph;
use crate::kernels::{self, Kernels, Task};
use crate::parallel;
use crate::scratch::{Scratch, Scratches};
use crate::slots::{Slot, Slots};
use crate::space::Space;

/// Which twin follows which removed row.
type Heirs = BTreeMap<Slot, Slot>;

impl Graph {
    /// Links the neighbours of dead slots to each other and clears the dead slots' links.
    pub(crate) fn unlink_the_dead<S: Space>(&mut self, space: S, slots: &Slots, scratches: &Scratches) {
        let heirs = &self.hand_over_to_twins(slots);
        let graph = &*self;
        let is_bereaved = |slot, level| graph.links(slot, level).iter().any(|&link| !slots.is_live(link));
        let bereaved: Vec<(Slot, u8)> = slots
            .live_slots()
            .flat_map(|slot| (0..=graph.level(slot)).map(move |level| (slot, level)))
            .filter(|&(slot, level)| is_bereaved(slot, level))
            .collect();
        let relinked = parallel::map(bereaved.len(), scratches, |index, scratch| {
            let (slot, level) = bereaved[index];
            kernels::run(Relink { graph, space, slots, heirs, slot, level, scratch })
        });
        for (&(slot, level), links) in bereaved.iter().zip(&relinked) {
            self.set_links(slot, level, links);
        }
        for slot in (0..slots.len() as Slot).filter(|&slot| slots.is_dead(slot)) {
            for level in 0..=self.level(slot) {
                self.set_links(slot, level, &[]);
            }
        }
        if self.entry.is_some_and(|entry| !slots.is_live(entry)) {
            let twins: BTreeSet<Slot> = self.twins.values().flatten().copied().collect();
            self.entry = None;
            self.raise_entry(slots.live_slots().filter(|slot| !twins.contains(slot)));
        }
    }

    /// Forgets dead twins. Where a linked slot is dead and has a live twin, that twin takes its links.
    fn hand_over_to_twins(&mut self, slots: &Slots) -> Heirs {
        let mut heirs = Heirs::new();
        for (mut slot, mut twins) in std::mem::take(&mut self.twins) {
            twins.retain(|&twin| slots.is_live(twin));
            if !slots.is_live(slot) && !twins.is_empty() {
                let heir = twins.remove(0);
                for level in 0..=self.level(slot).min(self.level(heir)) {
                    let links = self.links(slot, level).to_vec();
                    self.set_links(heir, level, &links);
                }
                heirs.insert(slot, heir);
                slot = heir;
            }
            if !twins.is_empty() {
                self.twins.insert(slot, twins);
            }
        }
        heirs
    }
}

struct Relink<'a, S> {
    graph: &'a Graph,
    space: S,
    slots: &'a Slots,
    heirs: &'a Heirs,
    slot: Slot,
    level: u8,
    scratch: &'a mut Scratch,
}

impl<S: Space> Task for Relink<'_, S> {
    type Output = Vec<Slot>;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Vec<Slot> {
        let Self { graph, space, slots, heirs, slot, level, scratch } = self;
        scratch.visited.reset(slots.len());
        scratch.visited.insert(slot);
        let mut links = Vec::new();
        for link in graph.links(slot, level) {
            let offered = match heirs.get(link) {
                Some(heir) if graph.level(*heir) >= level => std::slice::from_ref(heir),
                _ if slots.is_live(*link) => std::slice::from_ref(link),
                _ => graph.links(*link, level),
            };
            for &offer in offered {
                if slots.is_live(offer) && scratch.visited.insert(offer) {
                    links.push(offer);
                }
            }
        }
        graph.cut_links(kernels, space, level, slot, links, scratch)
    }
}
