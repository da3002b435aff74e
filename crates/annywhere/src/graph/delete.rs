//! Taking removed rows out of the graph (the consolidation of FreshDiskANN, arXiv:2105.09613, algorithm 4).
//!
//! Every row that links to removed ones is offered the live rows behind them instead, through as many removed ones as it
//! takes, and keeps the heuristic's choice. The removed rows' own lists are cleared. A removed row with a twin is simply
//! replaced by it. Where little of the graph is left it is built anew.

use std::collections::BTreeMap;

use super::Graph;
use crate::kernels::{self, Kernels, Task};
use crate::parallel;
use crate::scratch::{Scratch, Scratches};
use crate::slots::{Slot, Slots};
use crate::space::Space;

/// With fewer live rows than this part of the linked ones, building anew gives a better graph in less time.
const LIVE_FRACTION: usize = 4;
/// Live rows behind removed ones that a row is offered at most, in multiples of its places.
const OFFERS: usize = 4;

/// Which twin follows which removed row.
type Heirs = BTreeMap<Slot, Slot>;

impl Graph {
    /// Links the neighbours of dead slots to each other and clears the dead slots' links.
    pub(crate) fn unlink_the_dead<S: Space>(&mut self, space: S, slots: &Slots, scratches: &Scratches) {
        if slots.live() * LIVE_FRACTION < slots.live() + slots.dead() {
            self.clear();
            self.insert(&slots.live_slots().collect::<Vec<Slot>>(), space, slots, scratches);
            return;
        }
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
            let mut is_twin = vec![false; slots.len()];
            self.twins.values().flatten().for_each(|&twin| is_twin[twin as usize] = true);
            self.entry = None;
            self.raise_entry(slots.live_slots().filter(|&slot| !is_twin[slot as usize]));
        }
        self.raise_entry(heirs.values().copied());
        let lonely: Vec<Slot> = bereaved
            .iter()
            .zip(&relinked)
            .filter(|&(&(_, level), links)| level == 0 && links.is_empty())
            .map(|(&(slot, _), _)| slot)
            .collect();
        // Others may link to them, so they cannot become twins.
        self.link(&lonely, space, slots, scratches, false);
        self.connect(slots);
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
        let mut behind = Vec::new();
        for &link in graph.links(slot, level) {
            consider(link, slots, scratch, &mut links, &mut behind);
        }
        let most = OFFERS * graph.capacity(level);
        let mut next = 0;
        while let Some(&dead) = behind.get(next).filter(|_| links.len() < most) {
            next += 1;
            match heirs.get(&dead) {
                Some(&heir) if graph.level(heir) >= level => {
                    consider(heir, slots, scratch, &mut links, &mut behind);
                }
                _ => {
                    for &link in graph.links(dead, level) {
                        consider(link, slots, scratch, &mut links, &mut behind);
                    }
                }
            }
        }
        graph.cut_links(kernels, space, level, slot, links, scratch)
    }
}

/// Sorts a slot that was not seen before into the live ones or the dead ones.
fn consider(slot: Slot, slots: &Slots, scratch: &mut Scratch, live: &mut Vec<Slot>, dead: &mut Vec<Slot>) {
    if scratch.visited.insert(slot) {
        if slots.is_live(slot) { live.push(slot) } else { dead.push(slot) }
    }
}
