//! The same computation for many indices, on all cores where threads exist.

use crate::scratch::{Scratch, Scratches};

#[cfg(feature = "parallel")]
pub(crate) fn map<R: Send>(
    count: usize,
    scratches: &Scratches,
    compute: impl Fn(usize, &mut Scratch) -> R + Send + Sync,
) -> Vec<R> {
    use rayon::prelude::*;
    /// Below this many items, starting threads costs more than it saves.
    const FEWEST: usize = 8;
    if count < FEWEST {
        return serial(count, scratches, compute);
    }
    (0..count)
        .into_par_iter()
        .map_init(|| scratches.borrow(), |borrowed, index| compute(index, &mut borrowed.scratch))
        .collect()
}

#[cfg(not(feature = "parallel"))]
pub(crate) use serial as map;

pub(crate) fn serial<R>(
    count: usize,
    scratches: &Scratches,
    compute: impl Fn(usize, &mut Scratch) -> R,
) -> Vec<R> {
    let mut borrowed = scratches.borrow();
    (0..count).map(|index| compute(index, &mut borrowed.scratch)).collect()
}
