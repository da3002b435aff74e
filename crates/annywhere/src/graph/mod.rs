//! HNSW: a hierarchy of navigable small-world graphs (Malkov & Yashunin, arXiv:1603.09320).
//!
//! Every row has a level; layer `l` links the rows of level `l` and above, so upper layers are sparse. A search walks
//! from the entry point down, greedily above, with a list of `ef` candidates in the bottom layer. Where this departs
//! from the paper:
//!
//! 1. The walk ranks rows by any [`Space`](crate::space::Space), normally one byte per dimension; the caller rescores what comes out.
//! 2. A level is counted from zero bits of a hash of the slot: the same on every platform, and independent of order.
//! 3. The paper's two heaps are one sorted array ([`Pool`](crate::scratch::Pool)).
//! 4. Rows are inserted in batches (ParlayANN, arXiv:2305.04359): each searches the graph as it was before the batch
//!    and, by brute force, the rows before it in the batch; then links are written in slot order. Threads change the
//!    time this takes, never the graph.
//! 5. Removed rows stay as stepping stones until enough have gathered; then their neighbours are linked to each
//!    other (FreshDiskANN, arXiv:2105.09613).
//!
//! 6. A row whose code equals that of a linked row is not linked itself but kept as its *twin*: it is found whenever the
//!    other one is. Rows at distance zero have no direction to each other; linked like others they would fill each
//!    other's lists and lose the way out (at a third of equal rows, recall for the other rows falls to one half).
//!
//! 7. Whatever the heuristic drops, every row of the bottom layer leads to every other one ([`connect`]).
//!
//! A row's links of the bottom layer are `2m` numbers at a fixed place, ascending, ended by [`NONE`] where there are fewer.

mod connect;
mod delete;
pub(crate) mod filtered;
mod insert;
mod links;
mod neighbors;
pub(crate) mod rehearsal;
pub(crate) mod search;
pub(crate) mod stop;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::calibration::Calibration;
use crate::chunks::Chunks;
use crate::error::Error;
use crate::options::Options;
use crate::rng::mix;
use crate::scratch::Visited;
use crate::slots::{Slot, Slots};

/// Ends a list of links; marks a row without upper links.
const NONE: u32 = u32::MAX;
/// No row has a higher level, so that a file cannot demand endless layers.
const MAX_LEVEL: u8 = 31;

#[derive(Debug)]
pub(crate) struct Graph {
    m: usize,
    ef_construction: usize,
    /// Bottom layer: `2m` links per slot.
    bottom: Chunks<u32>,
    /// Upper layers: `m` links per slot and layer, the layers of one slot one after the other.
    upper: Chunks<u32>,
    /// Per slot, the row of `upper` that holds its layer 1, or [`NONE`].
    upper_start: Chunks<u32>,
    /// Linked slots with the slots of equal rows that are not linked.
    twins: BTreeMap<Slot, Vec<Slot>>,
    /// Where every search begins: a slot of the highest level among the linked ones.
    entry: Option<Slot>,
    /// Rows linked since every row was last seen to lead to every other.
    loose: usize,
    /// How long lists have to be, once somebody asked.
    pub(crate) calibration: OnceLock<Calibration>,
}

/// A graph's content, as a file holds it.
pub(crate) struct Parts {
    /// See [`links`].
    pub(crate) links: Vec<u8>,
    /// Pairs of a linked slot and its twin, one after the other.
    pub(crate) twins: Vec<Slot>,
    pub(crate) entry: Option<Slot>,
    pub(crate) loose: usize,
}

impl Graph {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            m: options.m,
            ef_construction: options.ef_construction,
            bottom: Chunks::new(2 * options.m),
            upper: Chunks::new(options.m),
            upper_start: Chunks::new(1),
            twins: BTreeMap::new(),
            entry: None,
            loose: 0,
            calibration: OnceLock::new(),
        }
    }

    /// Makes room for `slots` slots, so that inserting them cannot fail.
    pub(crate) fn reserve(&mut self, slots: usize) -> Result<(), Error> {
        let upper = self.lay_out(slots)?;
        self.bottom.grow(slots, NONE)?;
        self.upper.grow(upper, NONE)
    }

    /// Says where the upper links of each of `slots` slots lie, and how many rows they take in all.
    fn lay_out(&mut self, slots: usize) -> Result<usize, Error> {
        let before = self.upper_start.len();
        let mut rows = self.upper.len();
        self.upper_start.grow(slots, NONE)?;
        for slot in before..slots {
            let level = usize::from(self.level(slot as Slot));
            if level > 0 {
                self.upper_start.set(slot, rows as u32);
                rows += level;
            }
        }
        Ok(rows)
    }

    /// Unlinks everything.
    fn clear(&mut self) {
        self.entry = None;
        self.twins.clear();
        for slot in 0..self.bottom.len() as Slot {
            for level in 0..=self.level(slot) {
                self.set_links(slot, level, &[]);
            }
        }
    }

    /// Forgets the slots from `slots` on: the way back after a failed `reserve` elsewhere.
    pub(crate) fn shrink(&mut self, slots: usize) {
        self.bottom.shrink(slots);
        self.upper_start.shrink(slots);
        let upper = (0..slots as Slot).map(|slot| usize::from(self.level(slot))).sum();
        self.upper.shrink(upper);
    }

    /// The level of a slot: each further one is reached by one in `m` (rounded down to a power of two).
    fn level(&self, slot: Slot) -> u8 {
        let zeros = mix(u64::from(slot)).leading_zeros();
        (zeros / self.m.ilog2()).min(u32::from(MAX_LEVEL)) as u8
    }

    /// Most links that a slot keeps in a layer.
    fn capacity(&self, level: u8) -> usize {
        if level == 0 { 2 * self.m } else { self.m }
    }

    fn upper_row(&self, slot: Slot, level: u8) -> usize {
        self.upper_start.get(slot as usize) as usize + usize::from(level) - 1
    }

    /// The links of a slot in a layer, including the empty places at the end.
    #[inline(always)]
    fn places(&self, slot: Slot, level: u8) -> &[u32] {
        if level == 0 { self.bottom.row(slot as usize) } else { self.upper.row(self.upper_row(slot, level)) }
    }

    /// The links of a slot in a layer.
    fn links(&self, slot: Slot, level: u8) -> &[u32] {
        let places = self.places(slot, level);
        let end = places.iter().position(|&link| link == NONE).unwrap_or(places.len());
        &places[..end]
    }

    fn set_links(&mut self, slot: Slot, level: u8, links: &[u32]) {
        let places = if level == 0 {
            self.bottom.row_mut(slot as usize)
        } else {
            let row = self.upper_row(slot, level);
            self.upper.row_mut(row)
        };
        let (used, empty) = places.split_at_mut(links.len());
        used.copy_from_slice(links);
        empty.fill(NONE);
        // By insertion: most lists come sorted but for a few links at the end.
        for end in 1..used.len() {
            let mut at = end;
            while at > 0 && used[at - 1] > used[at] {
                used.swap(at - 1, at);
                at -= 1;
            }
        }
    }

    /// The slots of rows equal to this one's.
    pub(crate) fn twins(&self, slot: Slot) -> &[Slot] {
        self.twins.get(&slot).map_or(&[], Vec::as_slice)
    }

    /// Forgets how long lists have to be if the rows have become too many or too few for that.
    pub(crate) fn forget_calibration(&mut self, slots: &Slots) {
        if self.calibration.get().is_some_and(|calibration| !calibration.is_for(slots.live())) {
            self.calibration.take();
        }
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let twins: usize =
            self.twins.values().map(|twins| size_of::<(Slot, Vec<Slot>)>() + 4 * twins.capacity()).sum();
        self.bottom.bytes() + self.upper.bytes() + self.upper_start.bytes() + twins
    }

    /// Pairs of a linked slot and its twin, one after the other.
    pub(crate) fn twins_to_numbers(&self) -> Vec<Slot> {
        self.twins
            .iter()
            .flat_map(|(&slot, twins)| twins.iter().flat_map(move |&twin| [slot, twin]))
            .collect()
    }

    /// What a file keeps beside links and twins: where searches begin, and the rows linked since all were connected.
    pub(crate) fn numbers(&self) -> (Option<Slot>, usize) {
        (self.entry, self.loose)
    }

    /// Puts a graph together from the parts of a file. Where a slot's upper links lie follows from its level.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for links, twins or an entry point that no insert can have written; [`Error::OutOfMemory`].
    pub(crate) fn from_parts(options: &Options, slots: &Slots, parts: &Parts) -> Result<Self, Error> {
        let mut graph = Self::new(options);
        graph.reserve(slots.len())?;
        if !graph.read_links(&parts.links) {
            return Err(Error::corrupt("graph", "its links are not those of so many slots".to_owned()));
        }
        (graph.entry, graph.loose) = (parts.entry, parts.loose);
        for &[slot, twin] in parts.twins.as_chunks().0 {
            graph.twins.entry(slot).or_default().push(twin);
        }
        graph.check(slots).map_err(|reason| Error::corrupt("graph", reason))?;
        Ok(graph)
    }

    /// What holds after every operation; says what does not.
    fn check(&self, slots: &Slots) -> Result<(), String> {
        let in_use =
            |slot: Slot| (slot as usize) < slots.len() && (slots.is_live(slot) || slots.is_dead(slot));
        let mut is_twin = vec![false; slots.len()];
        for (&slot, twins) in &self.twins {
            for &twin in twins {
                let fits = in_use(slot) && in_use(twin) && slot != twin && !is_twin[twin as usize];
                if !fits {
                    return Err(format!("slot {slot} cannot have the twin {twin}"));
                }
                is_twin[twin as usize] = true;
            }
        }
        let is_linked = |slot: Slot| in_use(slot) && !is_twin[slot as usize];
        if let Some(slot) = self.twins.keys().find(|&&slot| !is_linked(slot)) {
            return Err(format!("slot {slot} has a twin and is one"));
        }
        match self.entry {
            Some(entry) if !is_linked(entry) => {
                return Err(format!("searches begin at slot {entry}, which has no row"));
            }
            None if slots.live() > 0 => return Err("searches begin nowhere".to_owned()),
            _ => {}
        }
        if self.loose > slots.len() {
            return Err(format!("{} new rows in {} slots", self.loose, slots.len()));
        }
        let mut seen = Visited::default();
        for slot in 0..slots.len() as Slot {
            for level in 0..=self.level(slot) {
                seen.reset(slots.len());
                for &link in self.links(slot, level) {
                    let sound = is_linked(slot) && is_linked(link) && link != slot;
                    if !sound || self.level(link) < level || !seen.insert(link) {
                        return Err(format!("slot {slot} cannot have the link {link} in layer {level}"));
                    }
                }
            }
        }
        Ok(())
    }
}
