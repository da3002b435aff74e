//! One search through the cells.

use std::ops::Range;

use super::cells::Scan;
use super::reach::{MEASURED, at_rank};
use crate::filter::{Bitmap, Selection};
use crate::kernels::{BLOCK_ROWS, Kernels, Task};
use crate::metric::Metric;
use crate::quantize::tables::Tables;
use crate::reach::needed_reach;
use crate::scratch::{Candidate, Scratch};
use crate::slots::Slot;
use crate::space::{Query, Space, four};
use crate::vectors::Vectors;
use crate::weigh::Weigher;

/// Rows that passed their bound gather to this number, or to `k`, before they are scored exactly.
const GATHERED: usize = 64;
/// Rows that are scored before the k-th best is looked at again.
const SCORED: usize = 16;
/// Cells that are put in order at once; most searches need no more.
const ORDERED: usize = 32;
/// The weight of visited cells from which on others are behind them.
const FIRST: f32 = 0.5;
/// Most by which a reach grows where matches are rare around the query.
const MOST_RARER: f32 = 2.0;
/// Part of the largest similarities by which rounding may move an estimate.
const ROUNDING: f32 = 1e-6;

/// What a search of the cells writes to.
#[derive(Debug, Default)]
pub(crate) struct ScanScratch {
    tables: Tables,
    /// The query against the origin, of length 1 under cosine.
    target: Vec<f32>,
    /// The same, coded for ranking centres.
    coded: Query,
    products: Vec<f32>,
    /// Cells by their centres' similarity, the first ones in order.
    pub(super) cells: Vec<Candidate>,
    /// The largest similarity that a row can have.
    pub(super) ceiling: f32,
    passed: Vec<Candidate>,
}

/// How thorough a search is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Deviations of an estimate's error that are added to it.
    pub(crate) epsilon: f32,
    /// How far behind the first cell others are visited, see [`reach`](super::reach); infinite: every cell is.
    pub(crate) reach: f32,
    /// The same for each number of neighbours that reaches are measured for; those of a filtered search lie in between.
    pub(crate) reaches: [f32; MEASURED.len()],
    /// Whether rows are scored with their vectors; else hits have estimates.
    pub(crate) rescore: bool,
}

/// Fills the scratch's `sorted` with the nearest `k` rows, of the selection if there is one, nearest first, or with all if
/// there are fewer. The query is in the scratch as `Vectors` aims it.
pub(crate) struct ScanSearch<'a> {
    pub(crate) scan: &'a Scan,
    pub(crate) vectors: &'a Vectors,
    pub(crate) selection: Option<&'a Selection>,
    /// Gives rows other ranks than the vectors do: `sorted` has these then.
    pub(crate) weigher: Option<&'a Weigher>,
    pub(crate) k: usize,
    pub(crate) effort: Effort,
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for ScanSearch<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) {
        let Self { scan, vectors, selection, weigher, k, effort, scratch } = self;
        let near = weigher.map_or(k, |weigher| weigher.candidates.max(k));
        let mut scan_scratch = std::mem::take(&mut scratch.scan);
        scratch.sorted.clear();
        let ScanScratch { tables, target, coded, products, cells, ceiling, passed } = &mut scan_scratch;
        passed.clear();
        scan.aim(&scratch.query, target);
        scan.codec().aim(kernels, &target[..scan.dimensions()], tables);
        let square = kernels.dot(target, [target; 4])[0];
        let rounding = scan.centres().products(kernels, target, coded, products);
        *ceiling = scan.ceiling(square);
        let mut progress = Progress {
            vectors,
            mask: selection.map(|selection| &selection.matches),
            weigher,
            k,
            effort,
            least: f32::NEG_INFINITY,
            floor: f32::NEG_INFINITY,
            euclidean: scan.metric() == Metric::Euclidean,
            half_square: square / 2.0,
            rounding: ROUNDING * (square / 2.0) + rounding,
            ceiling: *ceiling,
        };

        if let Some(weigher) = weigher {
            progress.floor = progress.similarity(weigher.farthest());
        }
        cells.clear();
        let tail = scan.cells();
        for (cell, &product) in products[..tail].iter().enumerate() {
            cells.push(Candidate::new(-scan.base(cell, product), cell as Slot));
        }
        let mut next = 0;
        let mut ordered = 0;
        let mut place = 0.0;
        let mut nearest = 0.0;
        let mut seen = Seen::default();
        while next < cells.len() {
            if next == ordered {
                let rest = &mut cells[ordered..];
                let part = if ordered == 0 { ORDERED } else { ordered }.min(rest.len());
                if part < rest.len() {
                    rest.select_nth_unstable(part - 1);
                }
                rest[..part].sort_unstable();
                ordered += part;
            }
            let cell = cells[next].slot() as usize;
            // Cells before the first that counts are not what others are behind.
            if place < FIRST {
                nearest = cells[next].rank();
            }
            let reach = match selection {
                None => effort.reach,
                Some(selection) if effort.reach.is_finite() => seen.reach(near, selection, effort.reaches),
                Some(_) => effort.reach,
            };
            if needed_reach(place, cells[next].rank() - nearest, progress.ceiling - progress.floor) > reach {
                break;
            }
            if let Some(after) = cells.get(next + 1) {
                let after = after.slot() as usize;
                scan.prefetch(kernels, after);
                if let Some(weigher) = weigher {
                    kernels.prefetch(weigher.weights.bounds(scan.slots_of(after)));
                }
            }
            scan_cell(kernels, scan, cell, products[cell], tables, &mut progress, passed, scratch);
            if next == 0 {
                // The tail always has to be scanned; with rows of the best cell scored most of it is skipped.
                progress.score(kernels, passed, scratch);
                scan_cell(kernels, scan, tail, products[tail], tables, &mut progress, passed, scratch);
            }
            place += selection.map_or(1.0, |selection| seen.count(selection, scan.slots_of(cell)));
            next += 1;
            if scratch.work.is_over(scratch.work.visited) {
                break;
            }
        }
        progress.score(kernels, passed, scratch);
        scratch.scan = scan_scratch;
    }
}

/// The state of a search between cells.
struct Progress<'a> {
    vectors: &'a Vectors,
    mask: Option<&'a Bitmap>,
    weigher: Option<&'a Weigher>,
    k: usize,
    effort: Effort,
    /// Similarity of the k-th best so far, or, of weighed rows, its score; what passed has to reach it.
    least: f32,
    /// Similarity that a row needs to be better than the k-th best so far.
    floor: f32,
    euclidean: bool,
    /// Half the squared length of the query against the origin.
    half_square: f32,
    /// By how much the product with a centre may be off, beside a part of itself.
    rounding: f32,
    /// The largest similarity that a row can have.
    ceiling: f32,
}

/// Rows and matches of the cells that a filtered search has visited.
#[derive(Default)]
struct Seen {
    rows: f32,
    matches: f32,
}

impl Seen {
    /// Takes a cell in and says by how much it counts as visited: less than others if fewer of its rows match, so that
    /// where matches are far from the query the cells in between do not end the search.
    fn count(&mut self, selection: &Selection, slots: Range<Slot>) -> f32 {
        let rows = slots.len() as f32;
        let matches = selection.matches.count_in(slots) as f32;
        self.rows += rows;
        self.matches += matches;
        (matches / (rows.max(1.0) * selection.share)).min(1.0)
    }

    /// The reach for the rank that the `k`-th match has among all rows, if further cells are like those seen. Where matches
    /// are rarer around the query than elsewhere, cells say less about them, and more are visited.
    fn reach(&self, k: usize, selection: &Selection, reaches: [f32; MEASURED.len()]) -> f32 {
        let rows_per_match = self.rows / self.matches.max(1.0);
        let rarer = (rows_per_match * selection.share).sqrt().clamp(1.0, MOST_RARER);
        rarer * at_rank(reaches, k as f32 * rows_per_match)
    }
}

/// Scans the rows of one cell.
#[expect(
    clippy::too_many_arguments,
    reason = "a loop of `search` with a name; a struct would only repeat its locals"
)]
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
fn scan_cell<K: Kernels>(
    kernels: K,
    scan: &Scan,
    cell: usize,
    product: f32,
    tables: &Tables,
    progress: &mut Progress<'_>,
    passed: &mut Vec<Candidate>,
    scratch: &mut Scratch,
) {
    let slots = scan.slots_of(cell);
    if slots.is_empty() {
        return;
    }
    let base = scan.base(cell, product);
    let slack = ROUNDING * base.abs() + progress.rounding;
    let margin = if progress.effort.rescore { progress.effort.epsilon * tables.deviation } else { 0.0 };
    // The similarity of a row: base + factor · (slope · sum + offset) − shift, and `margin` more at most.
    let (slope, offset) = (tables.slope, tables.offset + margin);
    let inverse_slope = 1.0 / slope;
    let most_passed = progress.k.max(GATHERED);
    let (first, last) = (slots.start as usize / BLOCK_ROWS, (slots.end as usize - 1) / BLOCK_ROWS);
    let mut sums = [0u16; BLOCK_ROWS];
    for number in first..=last {
        let start = number * BLOCK_ROWS;
        let from = (slots.start as usize).saturating_sub(start);
        let to = (slots.end as usize - start).min(BLOCK_ROWS);
        let mut wanted = (u32::MAX >> (BLOCK_ROWS - to)) & (u32::MAX << from);
        if let Some(mask) = progress.mask {
            wanted &= mask.block(number);
            if wanted == 0 {
                continue;
            }
        }
        let block = scan.block(number);
        let live = block.tail.live & wanted;
        if live == 0 {
            continue;
        }
        scratch.work.visited += live.count_ones() as usize;
        let needed = progress.floor - base - slack;
        // A sum that every row reaches whose upper bound reaches the floor. Dividing by infinity or zero, and a floor of
        // minus infinity, end in 0: all rows are looked at.
        let missing = needed + block.tail.least_shift;
        let missing = missing / if missing >= 0.0 { block.tail.largest } else { block.tail.smallest };
        let least = ((missing - offset) * inverse_slope) as u16;
        let mut reached = kernels.block_sums(&tables.entries, block.codes, least, &mut sums) & live;
        while reached != 0 {
            let row = reached.trailing_zeros() as usize;
            reached &= reached - 1;
            let (factor, shift) = block.numbers(row);
            let above_base = factor * (slope * f32::from(sums[row]) + offset) - shift;
            if above_base >= needed {
                let slot = (start + row) as Slot;
                let mut most = base + above_base;
                if let Some(weigher) = progress.weigher {
                    most = weigher.bound(progress.rank(most), slot);
                    if most < progress.least {
                        continue;
                    }
                    kernels.prefetch(std::slice::from_ref(weigher.weights.row(slot)));
                }
                passed.push(Candidate::new(-most, slot));
            }
        }
        if passed.len() >= most_passed {
            progress.score(kernels, passed, scratch);
        }
    }
}

impl Progress<'_> {
    /// The rank of a similarity.
    #[inline(always)]
    fn rank(&self, similarity: f32) -> f32 {
        if self.euclidean { (2.0 * (self.half_square - similarity)).max(0.0) } else { -similarity }
    }

    /// The similarity of a rank.
    #[inline(always)]
    fn similarity(&self, rank: f32) -> f32 {
        if self.euclidean { self.half_square - rank / 2.0 } else { -rank }
    }

    /// The least rank of a row that could not be read. The search fails in the end; until then it goes on as if that were
    /// its rank, and reads hardly a row that it would not have read otherwise.
    #[cold]
    fn rank_unread(&self, group: &[Candidate], slot: Slot) -> f32 {
        let bound = group.iter().find(|candidate| candidate.slot() == slot);
        bound.map_or(f32::INFINITY, |bound| self.rank(-bound.rank()))
    }

    /// Scores the rows that passed, most promising first, and raises the floor.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn score<K: Kernels>(&mut self, kernels: K, passed: &mut Vec<Candidate>, scratch: &mut Scratch) {
        let Scratch { query, sorted, fresh, work, .. } = scratch;
        passed.sort_unstable();
        let step = SCORED.max(self.k / 4);
        for group in passed.chunks(step) {
            if -group[0].rank() < self.least {
                break;
            }
            if self.effort.rescore {
                fresh.clear();
                for candidate in group {
                    let bound = -candidate.rank();
                    if self.weigher.is_some_and(|by| !by.may_reach(bound, candidate.slot(), self.least)) {
                        continue;
                    }
                    fresh.push(candidate.slot());
                    self.vectors.prefetch(kernels, candidate.slot());
                }
                work.distances += fresh.len();
                for slots in fresh.chunks(4) {
                    let ranks = self.vectors.ranks(kernels, query, four(slots));
                    for (&slot, mut rank) in slots.iter().zip(ranks) {
                        if rank == f32::INFINITY {
                            rank = self.rank_unread(group, slot);
                        }
                        let rank = self.weigher.map_or(rank, |weigher| weigher.rank(rank, slot));
                        if rank < f32::INFINITY {
                            sorted.push(Candidate::new(rank, slot));
                        }
                    }
                }
            } else {
                for estimate in group {
                    sorted.push(Candidate::new(self.rank(-estimate.rank()), estimate.slot()));
                }
            }
            sorted.sort_unstable();
            sorted.truncate(self.k);
            if sorted.len() == self.k {
                let last = sorted[self.k - 1].rank();
                (self.least, self.floor) = match self.weigher {
                    None => (self.similarity(last), self.similarity(last)),
                    Some(weigher) => (-last, self.similarity(weigher.needed_rank(-last))),
                };
            }
        }
        passed.clear();
    }
}
