//! Taking removed rows out of the graph (the consolidation of FreshDiskANN, arXiv:2105.09613, algorithm 4).
//!
//! Every row that links to removed ones is offered their links instead, and keeps the heuristic's choice. The removed
//! rows' own lists are cleared.

use super::{Graph, Space};
use crate::kernels::{self, Kernels, Task};
use crate::parallel;
use crate::scratch::{Scratch, Scratches};
use crate::slots::{Slot, Slots};

impl Graph {
    /// Links the neighbours of dead slots to each other and clears the dead slots' links.
    pub(crate) fn unlink_the_dead<S: Space>(
        &mut self,
        space: S,
        slots: &Slots,
        scratches: &Scratches,
    ) {
        let graph = &*self;
        let bereaved: Vec<(Slot, u8)> = slots
            .live_slots()
            .flat_map(|slot| (0..=graph.level(slot)).map(move |level| (slot, level)))
            .filter(|&(slot, level)| {
                graph
                    .links(slot, level)
                    .iter()
                    .any(|&link| !slots.is_live(link))
            })
            .collect();
        let relinked = parallel::map(bereaved.len(), scratches, |index, scratch| {
            let (slot, level) = bereaved[index];
            kernels::run(Relink {
                graph,
                space,
                slots,
                slot,
                level,
                scratch,
            })
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
            self.entry = None;
            self.raise_entry(slots.live_slots());
        }
    }
}

struct Relink<'a, S> {
    graph: &'a Graph,
    space: S,
    slots: &'a Slots,
    slot: Slot,
    level: u8,
    scratch: &'a mut Scratch,
}

impl<S: Space> Task for Relink<'_, S> {
    type Output = Vec<Slot>;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Vec<Slot> {
        let Self {
            graph,
            space,
            slots,
            slot,
            level,
            scratch,
        } = self;
        scratch.visited.reset(slots.len());
        scratch.visited.insert(slot);
        let mut links = Vec::new();
        for &link in graph.links(slot, level) {
            let offered = if slots.is_live(link) {
                std::slice::from_ref(&link)
            } else {
                graph.links(link, level)
            };
            links.extend(
                offered
                    .iter()
                    .filter(|&&offer| slots.is_live(offer) && scratch.visited.insert(offer)),
            );
        }
        graph.cut_links(kernels, space, level, slot, links, scratch)
    }
}
