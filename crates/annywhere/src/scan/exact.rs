//! Comparing every row: with its original vector, the truth that everything else is measured against, or with its code.

use crate::codes::CodeSpace;
use crate::filter::Bitmap;
use crate::kernels::{BLOCK_ROWS, Kernels, Task};
use crate::scratch::{Candidate, Scratch};
use crate::slots::{Slot, Slots};
use crate::space::{Space, rank_all};
use crate::vectors::Vectors;
use crate::weigh::Weigher;

/// Rows gathered before they are ranked: enough to rank without pause, few enough to stay in the first cache.
const GATHERED: usize = 256;
/// The same where rows are asked for ahead, because they do not lie side by side.
const GATHERED_MASKED: usize = 64;

/// Fills the scratch's `sorted` with the `k` nearest live rows of its query, or of `mask`, nearest first.
pub(crate) struct ExactScan<'a> {
    /// What rows are ranked by.
    pub(crate) space: CodeSpace<'a>,
    pub(crate) slots: &'a Slots,
    pub(crate) mask: Option<&'a Bitmap>,
    /// Gives rows other ranks than the vectors do.
    pub(crate) weigher: Option<&'a Weigher>,
    pub(crate) k: usize,
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for ExactScan<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) {
        let Self { space, slots, mask, weigher, k, scratch } = self;
        let Scratch { query, fresh, sorted, work, .. } = scratch;
        sorted.clear();
        if k == 0 {
            return;
        }
        // Candidates gather unsorted; now and then all but the nearest k are dropped, which takes linear time.
        let most = 2 * k + GATHERED;
        let mut bound = f32::INFINITY;
        let mut next: Slot = 0;
        while (next as usize) < slots.len() && !work.is_over(0) {
            fresh.clear();
            let end = match mask {
                None => {
                    let end = (next as usize + GATHERED).min(slots.len()) as Slot;
                    fresh.extend((next..end).filter(|&slot| slots.is_live(slot)));
                    end
                }
                Some(mask) => gather(kernels, space, mask, next, fresh),
            };
            work.distances += fresh.len();
            rank_all(kernels, space, query, fresh, |rank, slot| {
                let rank = weigher.map_or(rank, |weigher| weigher.rank(rank, slot));
                if rank <= bound {
                    sorted.push(Candidate::new(rank, slot));
                }
            });
            if sorted.len() >= most {
                let (_, farthest, _) = sorted.select_nth_unstable(k - 1);
                bound = farthest.rank();
                sorted.truncate(k);
            }
            next = end;
        }
        sorted.sort_unstable();
        sorted.truncate(k);
        if weigher.is_some() {
            // What cannot be a hit has an infinite rank.
            sorted.truncate(sorted.partition_point(|row| row.rank() < f32::INFINITY));
        }
    }
}

/// Takes the slots of a mask from `next` on, word by word, until enough have gathered; returns where it ended.
#[inline(always)]
fn gather<K: Kernels>(
    kernels: K,
    space: CodeSpace<'_>,
    mask: &Bitmap,
    next: Slot,
    gathered: &mut Vec<Slot>,
) -> Slot {
    let mut block = next as usize / BLOCK_ROWS;
    while block * BLOCK_ROWS < mask.slots() && gathered.len() + BLOCK_ROWS <= GATHERED_MASKED {
        let mut bits = mask.block(block);
        while bits != 0 {
            let slot = (block * BLOCK_ROWS) as Slot + bits.trailing_zeros();
            bits &= bits - 1;
            gathered.push(slot);
            space.prefetch(kernels, slot);
        }
        block += 1;
    }
    (block * BLOCK_ROWS) as Slot
}

/// Ranks the rows of the scratch's `sorted` with their original vectors, nearest first.
pub(crate) struct Rescore<'a> {
    pub(crate) vectors: &'a Vectors,
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for Rescore<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) {
        let Scratch { query, fresh, sorted, work, .. } = self.scratch;
        fresh.clear();
        fresh.extend(sorted.iter().map(|row| row.slot()));
        work.distances += fresh.len();
        for &slot in fresh.iter() {
            self.vectors.prefetch(kernels, slot);
        }
        sorted.clear();
        rank_all(kernels, self.vectors, query, fresh, |rank, slot| {
            sorted.push(Candidate::new(rank, slot));
        });
        sorted.sort_unstable();
    }
}
