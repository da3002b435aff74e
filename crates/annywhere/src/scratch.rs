//! What a search needs and a next one can use again: a sorted pool of candidates, marks of visited slots, buffers.

use std::sync::Mutex;

use crate::scan::search::ScanScratch;
use crate::slots::Slot;
use crate::space::Query;
use crate::words::Scores;

/// A candidate as one number: ordered rank, slot, and whether its links have been followed.
///
/// Comparing the numbers compares ranks and then slots, so ties have one outcome on every platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate(u64);

const EXPANDED: u64 = 1;

impl Candidate {
    #[inline(always)]
    pub(crate) fn new(rank: f32, slot: Slot) -> Self {
        // Adding zero turns -0 into +0. The sign bit is flipped for positive numbers, all bits for negative ones.
        let bits = (rank + 0.0).to_bits();
        let ordered = bits ^ ((bits as i32 >> 31) as u32 | 1 << 31);
        Self(u64::from(ordered) << 32 | u64::from(slot) << 1)
    }

    #[inline(always)]
    pub(crate) fn rank(self) -> f32 {
        let ordered = (self.0 >> 32) as u32;
        f32::from_bits(ordered ^ (!(ordered as i32 >> 31) as u32 | 1 << 31))
    }

    #[inline(always)]
    pub(crate) fn slot(self) -> Slot {
        (self.0 as u32) >> 1
    }

    #[inline(always)]
    fn is_expanded(self) -> bool {
        self.0 & EXPANDED != 0
    }
}

/// The nearest candidates so far, nearest first: the paper's `C` and `W` in one sorted array.
///
/// It keeps `limit` live candidates. Removed rows are walked through but do not count: they stay as long as they are
/// nearer than the last live one.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    candidates: Vec<Candidate>,
    limit: usize,
    live: usize,
    /// Every candidate before this index is expanded.
    cursor: usize,
}

impl Pool {
    pub(crate) fn reset(&mut self, limit: usize) {
        let Self { candidates, limit: old_limit, live, cursor } = self;
        candidates.clear();
        // One more than the limit lies here for the moment between inserting and cutting.
        candidates.reserve(limit + 1);
        (*old_limit, *live, *cursor) = (limit, 0, 0);
    }

    /// Candidates farther than this do not enter.
    #[inline(always)]
    pub(crate) fn bound(&self) -> f32 {
        match self.candidates.last() {
            Some(last) if self.live >= self.limit => last.rank(),
            _ => f32::INFINITY,
        }
    }

    pub(crate) fn offer(&mut self, rank: f32, slot: Slot, is_live: bool) {
        let candidate = Candidate::new(rank, slot);
        let full = self.live >= self.limit;
        if full && self.candidates.last().is_some_and(|&last| last < candidate) {
            return;
        }
        let at = self.position(candidate);
        self.candidates.insert(at, candidate);
        self.cursor = self.cursor.min(at);
        if is_live {
            self.live += 1;
        }
    }

    /// A binary search with branches: one without has a chain of loads that wait for each other, which WebAssembly
    /// runs 1.3 to 1.5 times slower.
    #[inline(always)]
    fn position(&self, candidate: Candidate) -> usize {
        let (mut low, mut high) = (0, self.candidates.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.candidates[middle] < candidate {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Drops what lies behind the last live candidate that counts.
    pub(crate) fn cut(&mut self, is_live: impl Fn(Slot) -> bool) {
        while self.live >= self.limit {
            match self.candidates.last() {
                Some(last) if !is_live(last.slot()) => {}
                Some(_) if self.live > self.limit => self.live -= 1,
                _ => break,
            }
            self.candidates.pop();
        }
        self.cursor = self.cursor.min(self.candidates.len());
    }

    /// The place of the nearest candidate whose links have not been followed.
    #[inline(always)]
    pub(crate) fn nearest(&mut self) -> Option<usize> {
        while self.candidates.get(self.cursor)?.is_expanded() {
            self.cursor += 1;
        }
        Some(self.cursor)
    }

    /// The candidate at a place, marked as followed from now on.
    #[inline(always)]
    pub(crate) fn expand(&mut self, place: usize) -> Slot {
        let candidate = &mut self.candidates[place];
        candidate.0 |= EXPANDED;
        candidate.slot()
    }

    /// The candidates that will be followed next, if nothing nearer comes.
    #[inline(always)]
    pub(crate) fn ahead(&self, most: usize) -> impl Iterator<Item = Slot> {
        let ahead = self.candidates.get(self.cursor..).unwrap_or_default();
        ahead.iter().filter(|candidate| !candidate.is_expanded()).take(most).map(|candidate| candidate.slot())
    }

    /// Drops the candidates from `most` on that lie behind all expanded ones.
    pub(crate) fn truncate(&mut self, most: usize) {
        self.candidates.truncate(most.max(self.cursor));
    }

    /// All candidates, nearest first.
    pub(crate) fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }
}

/// Which slots this search has seen: one byte per slot holding the number of the search that saw it last.
#[derive(Debug, Default)]
pub(crate) struct Visited {
    marks: Vec<u8>,
    search: u8,
}

impl Visited {
    pub(crate) fn reset(&mut self, slots: usize) {
        let Self { marks, search } = self;
        if marks.len() < slots {
            marks.resize(slots.next_power_of_two(), 0);
        }
        *search = search.wrapping_add(1);
        if *search == 0 {
            marks.fill(0);
            *search = 1;
        }
    }

    /// Marks a slot; true if it was not marked before.
    #[inline(always)]
    pub(crate) fn insert(&mut self, slot: Slot) -> bool {
        let mark = &mut self.marks[slot as usize];
        let fresh = *mark != self.search;
        *mark = self.search;
        fresh
    }
}

/// Everything a search writes to. Which parts are reset when is the affair of whoever uses them.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(crate) query: Query,
    /// A second query, for comparing candidates with each other.
    pub(crate) other: Query,
    pub(crate) pool: Pool,
    pub(crate) visited: Visited,
    /// Slots to be ranked next.
    pub(crate) fresh: Vec<Slot>,
    /// Candidates sorted outside the pool.
    pub(crate) sorted: Vec<Candidate>,
    /// Slots to be walked through.
    pub(crate) through: Vec<Slot>,
    pub(crate) scan: ScanScratch,
    pub(crate) work: Work,
    /// Scores of words.
    pub(crate) words: Scores,
}

/// What a search has done so far, for whoever asks how it went.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Work {
    /// Rows whose codes were scanned, or whose links were followed.
    pub(crate) visited: usize,
    /// Rows that were compared with the query one by one, by their codes in a graph.
    pub(crate) distances: usize,
    /// Whether the index was given up for comparing every row.
    pub(crate) gave_up: bool,
    /// Most work that this search may do, if there is a limit.
    pub(crate) budget: Option<usize>,
    /// Whether it ended because of that.
    pub(crate) is_cut: bool,
}

/// Estimating so many rows from their codes in blocks takes as long as comparing one.
const ESTIMATED_PER_COMPARED: usize = 32;

impl Work {
    /// Whether the budget is used up, with so many rows estimated; then the search ends, which is remembered.
    #[inline(always)]
    pub(crate) fn is_over(&mut self, estimated: usize) -> bool {
        let Some(budget) = self.budget else { return false };
        let is_over = self.distances + estimated / ESTIMATED_PER_COMPARED >= budget;
        self.is_cut |= is_over;
        is_over
    }
}

/// Scratches and lists of hits that wait for the next search, so that searches allocate nothing and run at the same time.
#[derive(Debug, Default)]
pub(crate) struct Scratches {
    scratches: Mutex<Vec<Scratch>>,
    lists: Mutex<Vec<HitLists>>,
}

/// A scratch in use; it goes back when dropped.
pub(crate) struct Borrowed<'a> {
    pub(crate) scratch: Scratch,
    home: &'a Scratches,
}

/// The hits of a search, one entry each.
#[derive(Debug, Default)]
pub(crate) struct HitLists {
    pub(crate) slots: Vec<Slot>,
    pub(crate) scores: Vec<f32>,
    pub(crate) distances: Vec<f32>,
}

/// Lists in use; they go back when dropped.
#[derive(Debug)]
pub(crate) struct BorrowedLists<'a> {
    pub(crate) lists: HitLists,
    home: &'a Scratches,
}

/// So many lists wait at most, and none that held more hits.
const MOST_LISTS: usize = 16;
const LONGEST_LIST: usize = 4_096;

impl Scratches {
    pub(crate) fn borrow(&self) -> Borrowed<'_> {
        let waiting = self.scratches.lock().ok().and_then(|mut scratches| scratches.pop());
        Borrowed { scratch: waiting.unwrap_or_default(), home: self }
    }

    pub(crate) fn borrow_lists(&self) -> BorrowedLists<'_> {
        let waiting = self.lists.lock().ok().and_then(|mut lists| lists.pop());
        BorrowedLists { lists: waiting.unwrap_or_default(), home: self }
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        // A scratch that a panic left half-written is not used again: the lock is poisoned then, or it is reset.
        if let Ok(mut scratches) = self.home.scratches.lock() {
            scratches.push(std::mem::take(&mut self.scratch));
        }
    }
}

impl Drop for BorrowedLists<'_> {
    fn drop(&mut self) {
        let HitLists { slots, scores, distances } = &mut self.lists;
        if slots.capacity() > LONGEST_LIST {
            return;
        }
        slots.clear();
        scores.clear();
        distances.clear();
        if let Ok(mut lists) = self.home.lists.lock()
            && lists.len() < MOST_LISTS
        {
            lists.push(std::mem::take(&mut self.lists));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_order_by_rank_then_slot_and_give_their_parts_back() {
        let ranks = [f32::MIN, -1.5, -1e-40, 0.0, 1e-40, 2.0, f32::MAX];
        for pair in ranks.windows(2) {
            assert!(Candidate::new(pair[0], 9) < Candidate::new(pair[1], 0), "{pair:?}");
        }
        for rank in ranks {
            let candidate = Candidate::new(rank, 123_456_789);
            assert_eq!((candidate.rank(), candidate.slot()), (rank, 123_456_789));
        }
        assert_eq!(Candidate::new(-0.0, 4), Candidate::new(0.0, 4));
        assert!(Candidate::new(1.0, 3) < Candidate::new(1.0, 4));
    }

    #[test]
    fn the_pool_keeps_the_nearest_live_ones_and_the_dead_before_them() {
        let is_live = |slot: Slot| slot.is_multiple_of(2);
        let mut pool = Pool::default();
        pool.reset(2);
        for (rank, slot) in [(5.0, 0), (1.0, 1), (4.0, 2), (3.0, 4), (9.0, 6), (4.5, 3)] {
            pool.offer(rank, slot, is_live(slot));
            pool.cut(is_live);
        }
        let slots: Vec<Slot> = pool.candidates().iter().map(|candidate| candidate.slot()).collect();
        assert_eq!(slots, [1, 4, 2]);
        assert_eq!(pool.bound(), 4.0);
        assert_eq!(pool.nearest(), Some(0));
        assert_eq!((pool.expand(0), pool.nearest()), (1, Some(1)));
        assert_eq!(pool.ahead(9).collect::<Vec<Slot>>(), [4, 2]);
    }

    #[test]
    fn marks_are_forgotten_between_searches() {
        let mut visited = Visited::default();
        for _ in 0..600 {
            visited.reset(3);
            assert!(visited.insert(2));
            assert!(!visited.insert(2));
        }
    }
}
