//! Where each row lives: ids to slots and back, and which slots are live.
//!
//! A slot is *live* (a row), *dead* (removed, but the graph still walks through it) or *free* (cleared, to be reused,
//! lowest first). An id is found through a hash table of slots; the id's text stands only once.

use crate::chunks::Chunks;
use crate::error::Error;
use crate::sort::sort;
use crate::text_table::{TextTable, hash};
use crate::texts::Texts;

/// A row's place in every array of the database, below 2³¹. Never shown to users.
pub(crate) type Slot = u32;

const FREE: u8 = 0;
const LIVE: u8 = 1;
const DEAD: u8 = 2;

#[derive(Debug)]
pub(crate) struct Slots {
    ids: Texts,
    states: Chunks<u8>,
    by_id: TextTable,
    /// Stands for the table where rows do not change: the live slots in the order of their ids' hashes.
    sorted: Option<Vec<Slot>>,
    /// Free slots in descending order, so that the lowest is popped first.
    free: Vec<Slot>,
    dead: usize,
}

impl Slots {
    pub(crate) fn new() -> Self {
        Self {
            ids: Texts::new(),
            states: Chunks::new(1),
            by_id: TextTable::new(),
            sorted: None,
            free: Vec::new(),
            dead: 0,
        }
    }

    /// Number of slots of any state.
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// Number of rows.
    pub(crate) fn live(&self) -> usize {
        self.sorted.as_ref().map_or(self.by_id.len(), Vec::len)
    }

    /// Number of slots that wait for reuse.
    pub(crate) fn free(&self) -> usize {
        self.free.len()
    }

    /// Number of removed rows that the graph still walks through.
    pub(crate) fn dead(&self) -> usize {
        self.dead
    }

    #[inline(always)]
    pub(crate) fn is_live(&self, slot: Slot) -> bool {
        self.states.get(slot as usize) == LIVE
    }

    #[inline(always)]
    pub(crate) fn is_dead(&self, slot: Slot) -> bool {
        self.states.get(slot as usize) == DEAD
    }

    pub(crate) fn id(&self, slot: Slot) -> &str {
        self.ids.get(slot as usize)
    }

    pub(crate) fn find(&self, id: &str) -> Option<Slot> {
        let Some(sorted) = &self.sorted else {
            return self.by_id.find(&self.ids, id);
        };
        let wanted = hash(id);
        let first = sorted.partition_point(|&slot| hash(self.id(slot)) < wanted);
        let same_hash = sorted[first..].iter().take_while(|&&slot| hash(self.id(slot)) == wanted);
        same_hash.copied().find(|&slot| self.id(slot) == id)
    }

    /// The slots that the next `count` rows will take.
    pub(crate) fn next(&self, count: usize) -> Vec<Slot> {
        self.free.iter().rev().copied().take(count).collect()
    }

    /// Makes room for `slots` slots and `more` ids of `bytes` bytes in all, so that inserting them cannot fail.
    pub(crate) fn reserve(&mut self, slots: usize, more: usize, bytes: usize) -> Result<(), Error> {
        self.by_id.reserve(&self.ids, more)?;
        self.ids.reserve(slots, bytes)?;
        let before = self.states.len();
        self.states.grow(slots, FREE)?;
        self.free.splice(0..0, (before as Slot..self.states.len() as Slot).rev());
        Ok(())
    }

    /// Forgets the slots from `slots` on, which are free.
    pub(crate) fn shrink(&mut self, slots: usize) {
        self.ids.shrink(slots);
        self.states.shrink(slots);
        self.free.retain(|&slot| (slot as usize) < slots);
    }

    /// Gives the next slot to an id that no row has.
    pub(crate) fn insert(&mut self, id: &str, slot: Slot) {
        let next = self.free.pop();
        assert_eq!(next, Some(slot), "slots are taken in the order of `next`");
        self.states.set(slot as usize, LIVE);
        self.ids.set(slot as usize, id);
        self.by_id.insert(&self.ids, slot);
    }

    /// Removes an id; its slot is dead from now on.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Slot> {
        let slot = self.by_id.remove(&self.ids, id)?;
        self.states.set(slot as usize, DEAD);
        self.ids.set(slot as usize, "");
        self.dead += 1;
        Some(slot)
    }

    /// Turns every dead slot into a free one.
    pub(crate) fn free_the_dead(&mut self) {
        self.dead = 0;
        self.free.clear();
        for slot in (0..self.len()).rev() {
            match self.states.get(slot) {
                LIVE => continue,
                _ => self.free.push(slot as Slot),
            }
            self.states.set(slot, FREE);
        }
    }

    /// Moves the rows about: slot `i` takes what slot `order[i]` held. The slots from `live` on hold no rows then and are
    /// forgotten.
    pub(crate) fn permute(&mut self, order: &[Slot], live: usize) {
        self.states.permute(order);
        self.ids.permute(order);
        self.states.shrink(live);
        self.ids.shrink(live);
        self.free.clear();
        self.dead = 0;
        self.by_id.clear();
        for slot in 0..live as Slot {
            self.by_id.insert(&self.ids, slot);
        }
    }

    pub(crate) fn live_slots(&self) -> impl Iterator<Item = Slot> {
        (0..self.len() as Slot).filter(|&slot| self.is_live(slot))
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let slots = self.free.capacity() + self.sorted.as_ref().map_or(0, Vec::capacity);
        self.ids.bytes() + self.states.bytes() + self.by_id.bytes() + slots * size_of::<Slot>()
    }

    /// The state of each slot and its id, as a file holds them.
    pub(crate) fn parts(&self) -> (&Chunks<u8>, &Texts) {
        (&self.states, &self.ids)
    }

    /// Puts the table together from the parts of a file.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for an unknown state, a live slot without an id, a dead one with an id, or a repeated id.
    pub(crate) fn from_parts(states: Chunks<u8>, ids: Texts) -> Result<Self, Error> {
        let sorted = ids.is_fixed().then(Vec::new);
        let mut slots = Self { ids, states, sorted, ..Self::new() };
        for slot in (0..slots.len() as Slot).rev() {
            let state = slots.states.get(slot as usize);
            match state {
                FREE => slots.free.push(slot),
                DEAD => slots.dead += 1,
                LIVE => {}
                _ => {
                    return Err(Error::corrupt(
                        "states",
                        format!("slot {slot} has the unknown state {state}"),
                    ));
                }
            }
            let id = slots.ids.get(slot as usize);
            if id.is_empty() == (state == LIVE) {
                return Err(Error::corrupt("ids", format!("slot {slot} of state {state} has the id {id:?}")));
            }
            if state != LIVE {
                continue;
            }
            if let Some(sorted) = &mut slots.sorted {
                sorted.push(slot);
            } else {
                if slots.find(id).is_some() {
                    return Err(Error::corrupt("ids", format!("the id {id:?} stands twice")));
                }
                slots.by_id.insert(&slots.ids, slot);
            }
        }
        slots.sort_by_id()?;
        Ok(slots)
    }

    /// Puts the live slots of rows that do not change in order.
    fn sort_by_id(&mut self) -> Result<(), Error> {
        let Self { ids, sorted: Some(sorted), .. } = self else {
            return Ok(());
        };
        let id = |slot: Slot| ids.get(slot as usize);
        sorted.shrink_to_fit();
        let mut keys: Vec<(u64, Slot)> = sorted.iter().map(|&slot| (hash(id(slot)), slot)).collect();
        sort(&mut keys);
        sorted.iter_mut().zip(keys).for_each(|(place, (_, slot))| *place = slot);
        let mut others_of_equal_hash = 1;
        for at in 1..sorted.len() {
            let equal = hash(id(sorted[at])) == hash(id(sorted[at - 1]));
            others_of_equal_hash = if equal { others_of_equal_hash + 1 } else { 1 };
            for before in 1..others_of_equal_hash {
                if id(sorted[at]) == id(sorted[at - before]) {
                    return Err(Error::corrupt("ids", format!("the id {:?} stands twice", id(sorted[at]))));
                }
            }
        }
        Ok(())
    }
}
