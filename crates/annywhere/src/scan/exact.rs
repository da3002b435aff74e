//! Exact scan: every live row is ranked with its original vector. The truth that everything else is measured against.

use crate::kernels::{Kernels, Task};
use crate::scratch::Scratch;
use crate::slots::{Slot, Slots};
use crate::space::{Space, rank_all};
use crate::vectors::Vectors;

/// Rows gathered before they are ranked: enough to rank without pause, few enough to stay in the first cache.
const GATHERED: usize = 256;

/// Fills the scratch's pool with the `k` nearest live rows of its query.
pub(crate) struct ExactScan<'a> {
    pub(crate) vectors: &'a Vectors,
    pub(crate) slots: &'a Slots,
    pub(crate) k: usize,
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for ExactScan<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) {
        let Self { vectors, slots, k, scratch } = self;
        let Scratch { query, pool, fresh, .. } = scratch;
        pool.reset(k);
        let mut next: Slot = 0;
        while (next as usize) < slots.len() {
            let end = (next as usize + GATHERED).min(slots.len()) as Slot;
            fresh.clear();
            fresh.extend((next..end).filter(|&slot| slots.is_live(slot)));
            rank_all(kernels, vectors, query, fresh, |rank, slot| {
                if rank <= pool.bound() {
                    pool.offer(rank, slot, true);
                    pool.cut(|_| true);
                }
            });
            next = end;
        }
    }
}

/// Ranks the given slots with their original vectors; the scratch's `sorted` holds them, nearest first.
pub(crate) struct Rescore<'a> {
    pub(crate) vectors: &'a Vectors,
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for Rescore<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) {
        let Scratch { query, fresh, sorted, .. } = self.scratch;
        for &slot in fresh.iter() {
            self.vectors.prefetch(kernels, slot);
        }
        sorted.clear();
        rank_all(kernels, self.vectors, query, fresh, |rank, slot| {
            sorted.push(crate::scratch::Candidate::new(rank, slot));
        });
        sorted.sort_unstable();
    }
}
