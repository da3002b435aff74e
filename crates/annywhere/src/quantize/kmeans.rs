//! Lloyd's k-means on stored rows, the same on every platform and with any number of threads.
//!
//! Rows are assigned in parallel, sums are added up in the order of the rows. A centre without rows begins anew at a
//! row chosen by hash.

use crate::kernels::{self, Kernels, LANES, Task};
use crate::parallel;
use crate::rng::mix;
use crate::scratch::Scratches;
use crate::shared::Shared;
use crate::slots::Slot;
use crate::vectors::{SquaredLength, Vectors};

/// Rows that one task assigns; each group of four centres is compared with all of them while it is in the cache.
const BATCH: usize = 16;

/// With fewer centres than this, comparing with all of them takes no time to speak of.
const FEWEST_IN_GROUPS: usize = 64;
/// Rounds of Lloyd's algorithm from rows to begin with, and at the end with all centres of all groups.
const ROUNDS: usize = 8;
const LAST_ROUNDS: usize = 2;

/// Vectors by number, each a padded row and a factor to multiply it with.
pub(crate) trait Rows: Shared {
    fn len(&self) -> usize;
    fn row(&self, index: usize) -> (&[f32], f32);
}

/// Stored rows, of length 1 under cosine.
pub(crate) struct Members<'a> {
    pub(crate) vectors: &'a Vectors,
    pub(crate) slots: &'a [Slot],
}

impl Rows for Members<'_> {
    fn len(&self) -> usize {
        self.slots.len()
    }

    fn row(&self, index: usize) -> (&[f32], f32) {
        self.vectors.direction(self.slots[index])
    }
}

/// Centres, one after the other, and what comparing with them needs.
#[derive(Debug, Clone)]
pub(crate) struct Centres {
    /// Components of a padded vector.
    width: usize,
    values: Vec<f32>,
    /// Half the squared length of each.
    halves: Vec<f32>,
}

impl Centres {
    /// `values` holds whole vectors of `width` components, a multiple of [`LANES`].
    pub(crate) fn new(width: usize, values: Vec<f32>) -> Self {
        assert!(
            width.is_multiple_of(LANES) && values.len().is_multiple_of(width),
            "centres are whole padded vectors"
        );
        let mut centres = Self { width, values, halves: Vec::new() };
        centres.halves = (0..centres.values.len() / width)
            .map(|index| kernels::run(SquaredLength(centres.get(index))) / 2.0)
            .collect();
        centres
    }

    pub(crate) fn len(&self) -> usize {
        self.halves.len()
    }

    #[inline(always)]
    pub(crate) fn get(&self, index: usize) -> &[f32] {
        &self.values[index * self.width..][..self.width]
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Four centres from `first` on; behind the last one it is repeated.
    #[inline(always)]
    fn four(&self, first: usize) -> [&[f32]; 4] {
        let last = self.len() - 1;
        [
            self.get(first),
            self.get((first + 1).min(last)),
            self.get((first + 2).min(last)),
            self.get((first + 3).min(last)),
        ]
    }
}

/// The nearest centre of each row.
pub(crate) fn assign(rows: &impl Rows, centres: &Centres, scratches: &Scratches) -> Vec<u32> {
    let batches = parallel::map(rows.len().div_ceil(BATCH), scratches, |batch, _| {
        kernels::run(Assign { rows, centres, first: batch * BATCH })
    });
    let mut nearest: Vec<u32> = batches.into_iter().flatten().collect();
    nearest.truncate(rows.len());
    nearest
}

struct Assign<'a, R> {
    rows: &'a R,
    centres: &'a Centres,
    first: usize,
}

impl<R: Rows> Task for Assign<'_, R> {
    type Output = [u32; BATCH];

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> [u32; BATCH] {
        let Self { rows, centres, first } = self;
        let count = BATCH.min(rows.len() - first);
        let mut best = [f32::NEG_INFINITY; BATCH];
        let mut nearest = [0u32; BATCH];
        let mut centre = 0;
        while centre < centres.len() {
            let four = centres.four(centre);
            let within = (centres.len() - centre).min(4);
            for at in 0..count {
                let (row, factor) = rows.row(first + at);
                let products = kernels.dot(row, four);
                // Smaller distance, larger product less half the square; the first of equals.
                for (offset, product) in products[..within].iter().enumerate() {
                    let score = product * factor - centres.halves[centre + offset];
                    if score > best[at] {
                        best[at] = score;
                        nearest[at] = (centre + offset) as u32;
                    }
                }
            }
            centre += 4;
        }
        nearest
    }
}

/// `count` centres of the rows, whose width is `width`.
///
/// Many centres are first trained in two levels, groups and centres of each group, which compares every row with `2 √count`
/// centres instead of all; a few rounds with all of them put right what the borders of the groups distort.
pub(crate) fn train(rows: &impl Rows, width: usize, count: usize, scratches: &Scratches) -> Centres {
    if count < FEWEST_IN_GROUPS {
        return improve(rows, spread(rows, width, count), ROUNDS, scratches);
    }
    let groups = (count as f32).sqrt().round() as usize;
    let groups = improve(rows, spread(rows, width, groups), ROUNDS, scratches);
    let nearest = assign(rows, &groups, scratches);
    let mut members: Vec<Vec<u32>> = vec![Vec::new(); groups.len()];
    for (index, &group) in nearest.iter().enumerate() {
        members[group as usize].push(index as u32);
    }
    let mut values = Vec::with_capacity(count * width);
    let (mut given, mut seen) = (0, 0);
    for members in members.iter().filter(|members| !members.is_empty()) {
        // Centres by the share of the rows; what rounding leaves over goes to the next group.
        seen += members.len();
        let share = (seen * count / rows.len()).max(given) - given;
        given += share;
        if share > 0 {
            let members = Subset { rows, members };
            values.extend_from_slice(
                &improve(&members, spread(&members, width, share), ROUNDS, scratches).values,
            );
        }
    }
    improve(rows, Centres::new(width, values), LAST_ROUNDS, scratches)
}

/// Some of the rows.
struct Subset<'a, R> {
    rows: &'a R,
    members: &'a [u32],
}

impl<R: Rows> Rows for Subset<'_, R> {
    fn len(&self) -> usize {
        self.members.len()
    }

    fn row(&self, index: usize) -> (&[f32], f32) {
        self.rows.row(self.members[index] as usize)
    }
}

/// Rows to begin with: one from each of `count` stretches, at a random place.
fn spread(rows: &impl Rows, width: usize, count: usize) -> Centres {
    let mut values: Vec<f32> = Vec::with_capacity(count * width);
    for index in 0..count {
        let (from, to) = (index * rows.len() / count, (index + 1) * rows.len() / count);
        let chosen = from + (mix(index as u64) % (to - from).max(1) as u64) as usize;
        let (row, factor) = rows.row(chosen.min(rows.len() - 1));
        values.extend(row.iter().map(|x| x * factor));
    }
    Centres::new(width, values)
}

/// So many rounds of Lloyd's algorithm, or fewer if nothing changes any more.
fn improve(rows: &impl Rows, mut centres: Centres, rounds: usize, scratches: &Scratches) -> Centres {
    let (width, count) = (centres.width, centres.len());
    let mut before: Vec<u32> = Vec::new();
    for round in 0..rounds {
        let nearest = assign(rows, &centres, scratches);
        if nearest == before {
            break;
        }
        let mut values = vec![0.0f32; count * width];
        let mut counts = vec![0u32; count];
        for (index, &cell) in nearest.iter().enumerate() {
            let (row, factor) = rows.row(index);
            counts[cell as usize] += 1;
            for (sum, x) in values[cell as usize * width..][..width].iter_mut().zip(row) {
                *sum += x * factor;
            }
        }
        for (cell, (mean, &members)) in values.chunks_exact_mut(width).zip(&counts).enumerate() {
            if members == 0 {
                let other = mix((round * count + cell) as u64) % rows.len() as u64;
                let (row, factor) = rows.row(other as usize);
                mean.iter_mut().zip(row).for_each(|(mean, x)| *mean = x * factor);
            } else {
                let inverse = 1.0 / members as f32;
                mean.iter_mut().for_each(|sum| *sum *= inverse);
            }
        }
        centres = Centres::new(width, values);
        before = nearest;
    }
    centres
}

/// The mean of the rows.
pub(crate) fn mean(rows: &impl Rows, width: usize, scratches: &Scratches) -> Centres {
    improve(rows, spread(rows, width, 1), 1, scratches)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain(Vec<[f32; 8]>);

    impl Rows for Plain {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn row(&self, index: usize) -> (&[f32], f32) {
            (&self.0[index], 1.0)
        }
    }

    #[test]
    fn far_clusters_are_found_and_every_row_is_in_its_own() {
        let rows = Plain(
            (0..300u64)
                .map(|i| std::array::from_fn(|at| if at == (i % 3) as usize { 100.0 } else { 0.0 } + (mix(i * 8 + at as u64) % 8) as f32))
                .collect(),
        );
        let scratches = Scratches::default();
        let centres = train(&rows, 8, 3, &scratches);
        let nearest = assign(&rows, &centres, &scratches);
        for i in 3..300 {
            assert_eq!(nearest[i], nearest[i - 3], "row {i}");
        }
        assert!(nearest[0] != nearest[1] && nearest[1] != nearest[2] && nearest[0] != nearest[2]);
    }

    #[test]
    fn equal_rows_and_more_centres_than_rows_do_no_harm() {
        let rows = Plain(vec![[1.0; 8]; 5]);
        let scratches = Scratches::default();
        let centres = train(&rows, 8, 7, &scratches);
        assert_eq!(centres.len(), 7);
        assert_eq!(assign(&rows, &centres, &scratches), [0; 5]);
    }
}
