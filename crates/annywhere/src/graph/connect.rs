//! Keeping the bottom layer in one piece: every row leads to every other one.
//!
//! The heuristic drops links for the sake of nearer ones, now and then the last one that leads to a row (one row in some
//! ten thousand; under dot, where long rows are everyone's neighbours, up to nineteen in twenty), and neighbours may
//! have all their links to each other. Such rows no search finds. So now and then
//!
//! ```text
//! reach     walk from the entry point in breadth; the link by which a row is first seen makes it the child of a parent
//! adopt     each row not seen becomes a child of one that it links to, or of a row behind that, in a place that is free
//!           or holds a link to no child; go on from there
//! return    each row from which no way leads back to the entry point is linked to its parent
//! ```
//! A tree has fewer links than rows and each row has room for several, so there is always a place. All this is done in
//! the order of slots and of links. It reads every list twice, which takes as long as inserting a few rows in a thousand.
//! In between, what each batch of new rows may have cut off is looked at alone ([`keep_found`](Graph::keep_found)).

use super::{Graph, NONE};
use crate::slots::{Slot, Slots};
use crate::sort::sort;

/// The layer is looked through once so many new rows have come: a part of all.
const LOOSE_FRACTION: usize = 16;
/// Passes over the rows from which no way back was found so far. They come in the order in which they were reached, so
/// nearly all are seen to lead back in the first.
const PASSES: usize = 8;

/// The rows seen from the entry point.
struct Tree {
    /// The parent of each slot; [`NONE`]: not seen. The entry point is its own.
    parents: Vec<Slot>,
    /// In the order in which they were seen, and how many have been followed.
    seen: Vec<Slot>,
    followed: usize,
}

impl Tree {
    fn holds(&self, slot: Slot) -> bool {
        self.parents[slot as usize] != NONE
    }

    fn add(&mut self, slot: Slot, parent: Slot) {
        self.parents[slot as usize] = parent;
        self.seen.push(slot);
    }
}

impl Graph {
    /// Gives a link to each of these rows to which none of the rows leads that it links to itself. That is nearly always the
    /// last link to it, and what it misses waits until the layer is looked through.
    pub(super) fn keep_found(&mut self, mut slots: Vec<Slot>) {
        sort(&mut slots);
        slots.dedup();
        for slot in slots {
            if self.has_mutual(slot, slot) {
                continue;
            }
            let links = self.links(slot, 0);
            let behind = links.iter().flat_map(|&near| self.links(near, 0));
            let has_room = |near: &&Slot| **near != slot && self.links(**near, 0).len() < self.capacity(0);
            if let Some(&near) = links.iter().chain(behind).find(has_room) {
                if self.links(near, 0).contains(&slot) {
                    continue;
                }
                let links = [self.links(near, 0), &[slot]].concat();
                self.set_links(near, 0, &links);
                continue;
            }
            let spare = links.iter().find_map(|&near| {
                let place = self.links(near, 0).iter().rposition(|&link| self.has_mutual(link, near));
                place.map(|place| (near, place))
            });
            if let Some((near, place)) = spare {
                let mut links = self.links(near, 0).to_vec();
                links[place] = slot;
                self.set_links(near, 0, &links);
            }
        }
    }

    /// Whether one of the rows that a row links to leads back to it, beside this one.
    fn has_mutual(&self, slot: Slot, beside: Slot) -> bool {
        let links = self.links(slot, 0);
        links.iter().any(|&near| near != beside && self.links(near, 0).contains(&slot))
    }

    /// After enough new rows sees to it that all can be found.
    pub(super) fn connect_if_due(&mut self, new: &[Slot], slots: &Slots) {
        self.loose += new.len();
        if self.loose * LOOSE_FRACTION >= slots.live() {
            self.connect(slots);
        }
    }

    /// Sees to it that every row leads to every other.
    pub(super) fn connect(&mut self, slots: &Slots) {
        self.loose = 0;
        let Some(entry) = self.entry else { return };
        let mut tree = Tree { parents: vec![NONE; slots.len()], seen: Vec::new(), followed: 0 };
        tree.add(entry, entry);
        self.follow(&mut tree);
        let mut is_linked = vec![true; slots.len()];
        self.twins.values().flatten().for_each(|&twin| is_linked[twin as usize] = false);
        let mut rest: Vec<Slot> = (0..slots.len() as Slot)
            .filter(|&slot| is_linked[slot as usize] && self.stands_for_a_row(slot, slots))
            .filter(|&slot| !tree.holds(slot))
            .collect();
        while !rest.is_empty() {
            let before = rest.len();
            rest.retain(|&slot| !self.adopt(slot, &mut tree));
            if rest.len() == before {
                // None of them links to a row that was seen.
                self.give_child(entry, rest[0], &mut tree);
                self.follow(&mut tree);
            }
        }
        self.lead_back(&tree);
    }

    /// Goes on from the rows seen last.
    fn follow(&self, tree: &mut Tree) {
        while let Some(&slot) = tree.seen.get(tree.followed) {
            tree.followed += 1;
            for &link in self.links(slot, 0) {
                if !tree.holds(link) {
                    tree.add(link, slot);
                }
            }
        }
    }

    /// Makes a row the child of one that it links to; false if none of these was seen.
    fn adopt(&mut self, slot: Slot, tree: &mut Tree) -> bool {
        if tree.holds(slot) {
            return true;
        }
        let links = self.links(slot, 0);
        let has_room = |&&link: &&Slot| self.links(link, 0).len() < self.capacity(0) && tree.holds(link);
        let near = links.iter().find(has_room).or_else(|| links.iter().find(|&&link| tree.holds(link)));
        let Some(&near) = near else { return false };
        self.give_child(near, slot, tree);
        self.follow(tree);
        true
    }

    /// Makes a row the child of another one, or of one behind that.
    fn give_child(&mut self, parent: Slot, child: Slot, tree: &mut Tree) {
        let parent = self.with_place(parent, child, tree);
        self.add_link(parent, child, tree);
        tree.add(child, parent);
    }

    /// The slot itself, if it has a place for a link; else one of its children with one, or of theirs. Which one depends on
    /// the link, so that they are not all offered the same.
    fn with_place(&self, mut slot: Slot, link: Slot, tree: &Tree) -> Slot {
        loop {
            let links = self.links(slot, 0);
            let leads_to_children = links.iter().all(|&link| tree.parents[link as usize] == slot);
            if links.len() < self.capacity(0) || !leads_to_children {
                return slot;
            }
            slot = links[link as usize % links.len()];
        }
    }

    /// Adds a link to one that has a place, if there are too many in place of the last one that leads to no child.
    fn add_link(&mut self, slot: Slot, link: Slot, tree: &Tree) {
        let mut links = self.links(slot, 0).to_vec();
        if links.len() == self.capacity(0)
            && let Some(spare) = links.iter().rposition(|&link| tree.parents[link as usize] != slot)
        {
            links.remove(spare);
        }
        links.push(link);
        self.set_links(slot, 0, &links);
    }

    /// Links rows to their parents from which no way leads back.
    fn lead_back(&mut self, tree: &Tree) {
        let mut leads = vec![false; tree.parents.len()];
        let mut rest = tree.seen.clone();
        leads[rest[0] as usize] = true;
        for _ in 0..PASSES {
            rest.retain(|&slot| {
                let back =
                    leads[slot as usize] || self.links(slot, 0).iter().any(|&link| leads[link as usize]);
                leads[slot as usize] = back;
                !back
            });
        }
        // Parents come before their children.
        for slot in rest {
            if !self.links(slot, 0).iter().any(|&link| leads[link as usize]) {
                let parent = tree.parents[slot as usize];
                let near = self.with_place(slot, parent, tree);
                // Nothing that was found to lead back loses a link.
                if !leads[near as usize] && !self.links(near, 0).contains(&parent) {
                    self.add_link(near, parent, tree);
                }
                leads[near as usize] = true;
            }
            leads[slot as usize] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Database;
    use crate::metric::Metric;
    use crate::options::{Config, HnswConfig, Index};
    use crate::rng::mix;
    use crate::stored;

    /// Rows around a few centres, as numbers of a sequence that goes on where it ended.
    struct Rows {
        dimensions: usize,
        spread: f32,
        next: u64,
    }

    impl Rows {
        fn real(&mut self) -> f32 {
            self.next += 1;
            (mix(self.next) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        }

        fn next(&mut self, count: usize) -> Vec<f32> {
            let mut rows = Vec::new();
            for _ in 0..count {
                let centre = ((self.real() + 1.0) * 20.0) as u64;
                for axis in 0..self.dimensions as u64 {
                    let middle = mix(centre << 32 | axis) >> 40;
                    let far = self.spread * self.real();
                    rows.push(middle as f32 / (1u64 << 23) as f32 - 1.0 + far);
                }
            }
            rows
        }
    }

    fn insert(database: &mut Database, from: usize, vectors: &[f32]) {
        let count = vectors.len() / database.options().dimensions;
        let rows: Vec<String> = (from..from + count).map(|id| format!("[\"{id}\",null]")).collect();
        database.insert(&format!("[{}]", rows.join(",")), vectors).unwrap();
    }

    /// Linked rows of which not all others can be reached, and those that cannot be reached from all, by plain walks from the
    /// entry point along the links and against them.
    fn cut_off(database: &Database) -> usize {
        let stored::Index::Graph { graph, .. } = &database.stored.index else { panic!("there is a graph") };
        let slots = &database.stored.slots;
        let mut forth = vec![Vec::new(); slots.len()];
        let mut back = vec![Vec::new(); slots.len()];
        for slot in 0..slots.len() as Slot {
            for &link in graph.links(slot, 0) {
                forth[slot as usize].push(link);
                back[link as usize].push(slot);
            }
        }
        let twins: Vec<Slot> = graph.twins.values().flatten().copied().collect();
        let mut lost = vec![false; slots.len()];
        for links in [forth, back] {
            let mut seen = vec![false; slots.len()];
            let mut rest: Vec<Slot> = graph.entry.into_iter().collect();
            while let Some(slot) = rest.pop() {
                if !std::mem::replace(&mut seen[slot as usize], true) {
                    rest.extend(&links[slot as usize]);
                }
            }
            lost.iter_mut().zip(seen).for_each(|(lost, seen)| *lost |= !seen);
        }
        let is_row = |&slot: &Slot| graph.stands_for_a_row(slot, slots) && !twins.contains(&slot);
        (0..slots.len() as Slot).filter(is_row).filter(|&slot| lost[slot as usize]).count()
    }

    /// Where the heuristic alone leaves rows without a link to them, in plain inserts and among rows that come and go.
    #[test]
    fn every_row_leads_to_every_other_whatever_the_heuristic_drops() {
        const ROWS: usize = 2_000;
        const STEP: usize = 150;
        for (metric, dimensions, spread, m) in [
            (Metric::Cosine, 12, 0.5, 16),
            (Metric::Euclidean, 8, 0.01, 3),
            (Metric::Dot, 1, 0.5, 16),
            (Metric::Dot, 2, 0.5, 2),
            (Metric::Dot, 20, 0.5, 4),
        ] {
            let hnsw = HnswConfig { m: Some(m), ef_construction: Some(40), ..HnswConfig::default() };
            let config = Config {
                dimensions,
                distance_metric: Some(metric),
                index: Some(Index::Hnsw),
                hnsw_config: Some(hnsw),
                ..Config::default()
            };
            let mut rows = Rows { dimensions, spread, next: 7 };
            let mut database = Database::new(&config).unwrap();
            insert(&mut database, 0, &rows.next(ROWS));
            assert_eq!(cut_off(&database), 0, "{metric:?}, {dimensions} dimensions, built at once");
            for step in 0..20 {
                let gone: Vec<String> = (step * STEP..(step + 1) * STEP).map(|id| id.to_string()).collect();
                database.delete(&gone.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
                insert(&mut database, ROWS + step * STEP, &rows.next(STEP));
                assert_eq!(cut_off(&database), 0, "{metric:?}, {dimensions} dimensions, step {step}");
            }
            // Too few to look through the layer. With few places all of them may be taken.
            for single in 0..if m < 16 { 0 } else { 40 } {
                insert(&mut database, 10_000 + single, &rows.next(1));
                let slot = database.stored.slots.find(&(10_000 + single).to_string()).unwrap();
                let stored::Index::Graph { graph, .. } = &database.stored.index else { unreachable!() };
                let is_linked = (0..database.stored.slots.len() as Slot)
                    .any(|other| graph.links(other, 0).contains(&slot) || graph.twins(other).contains(&slot));
                assert!(is_linked, "{metric:?}, {dimensions} dimensions, single {single}");
            }
        }
    }
}
