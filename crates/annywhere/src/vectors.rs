//! The original vectors: checked at the door, stored in f32, and the judge of every hit.
//!
//! Rows are padded with zeros to whole lanes, so that no kernel has a tail; zeros change no sum. Under cosine the
//! inverse length of each row is kept beside it, so that the vector itself stays as it was given.

use crate::chunks::Chunks;
use crate::error::Error;
use crate::kernels::{self, Kernels, LANES, Task};
use crate::metric::Metric;
use crate::slots::Slot;
use crate::space::{Query, Space};

/// Squared lengths up to here keep every distance between two vectors finite: `(|a| + |b|)² ≤ 4 · limit`.
pub(crate) const LARGEST_SQUARE: f32 = f32::MAX / 8.0;
/// Under cosine, a squared length below this (a length below 1e-15) is too inexact to have a direction.
const SMALLEST_SQUARE: f32 = 1e-30;

#[derive(Debug)]
pub(crate) struct Vectors {
    metric: Metric,
    dimensions: usize,
    rows: Chunks<f32>,
    /// `1 / |row|` under cosine; empty under other metrics.
    inverse_lengths: Chunks<f32>,
}

/// The squared length of a padded vector.
pub(crate) struct SquaredLength<'a>(pub(crate) &'a [f32]);

impl Task for SquaredLength<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> f32 {
        kernels.dot(self.0, [self.0; 4])[0]
    }
}

impl Vectors {
    pub(crate) fn new(metric: Metric, dimensions: usize) -> Self {
        Self {
            metric,
            dimensions,
            rows: Chunks::new(dimensions.next_multiple_of(LANES)),
            inverse_lengths: Chunks::new(1),
        }
    }

    /// Checks a vector from outside: length, finite components, a magnitude that cannot overflow, a direction.
    pub(crate) fn check(&self, vector: &[f32], row: Option<usize>) -> Result<(), Error> {
        if vector.len() != self.dimensions {
            return Err(Error::WrongDimension { expected: self.dimensions, received: vector.len(), row });
        }
        let square = rough_square(vector);
        if (SMALLEST_SQUARE..=LARGEST_SQUARE).contains(&square) {
            return Ok(());
        }
        if let Some(component) = vector.iter().position(|x| !x.is_finite()) {
            return Err(Error::NotFinite { row, component, value: vector[component].to_string() });
        }
        if square > LARGEST_SQUARE {
            return Err(Error::TooLarge { row, square: square.to_string(), limit: LARGEST_SQUARE });
        }
        match self.metric {
            Metric::Cosine => Err(Error::ZeroVector { row }),
            _ => Ok(()),
        }
    }

    pub(crate) fn reserve(&mut self, slots: usize) -> Result<(), Error> {
        self.rows.grow(slots, 0.0)?;
        match self.metric {
            Metric::Cosine => self.inverse_lengths.grow(slots, 0.0),
            _ => Ok(()),
        }
    }

    /// Forgets the slots from `slots` on.
    pub(crate) fn shrink(&mut self, slots: usize) {
        self.rows.shrink(slots);
        self.inverse_lengths.shrink(slots);
    }

    /// Stores a checked vector.
    pub(crate) fn set(&mut self, slot: Slot, vector: &[f32]) {
        self.rows.row_mut(slot as usize)[..self.dimensions].copy_from_slice(vector);
        self.set_inverse_length(slot);
    }

    fn set_inverse_length(&mut self, slot: Slot) {
        if self.metric == Metric::Cosine {
            let square = kernels::run(SquaredLength(self.rows.row(slot as usize)));
            self.inverse_lengths.set(slot as usize, inverse_length(square));
        }
    }

    /// Moves the vectors about: slot `i` takes what slot `order[i]` held.
    pub(crate) fn permute(&mut self, order: &[Slot]) {
        self.rows.permute(order);
        if self.metric == Metric::Cosine {
            self.inverse_lengths.permute(order);
        }
    }

    /// Components of a padded row.
    pub(crate) fn width(&self) -> usize {
        self.dimensions.next_multiple_of(LANES)
    }

    /// The padded row and the factor that, under cosine, gives it length 1.
    #[inline(always)]
    pub(crate) fn direction(&self, slot: Slot) -> (&[f32], f32) {
        let factor =
            if self.metric == Metric::Cosine { self.inverse_lengths.get(slot as usize) } else { 1.0 };
        (self.padded(slot), factor)
    }

    /// The vector as it was given.
    pub(crate) fn get(&self, slot: Slot) -> &[f32] {
        &self.padded(slot)[..self.dimensions]
    }

    #[inline(always)]
    pub(crate) fn padded(&self, slot: Slot) -> &[f32] {
        self.rows.row(slot as usize)
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.bytes() + self.inverse_lengths.bytes()
    }

    /// The padded rows, as a file holds them.
    pub(crate) fn rows(&self) -> &Chunks<f32> {
        &self.rows
    }

    /// Puts the vectors together from the rows of a file. What is derived from them is computed anew.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a row that [`check`](Self::check) would have refused.
    pub(crate) fn from_parts(metric: Metric, dimensions: usize, rows: Chunks<f32>) -> Result<Self, Error> {
        let count = rows.len();
        let mut vectors = Self { rows, ..Self::new(metric, dimensions) };
        vectors.reserve(count)?;
        for slot in 0..count as Slot {
            let row = vectors.rows.row(slot as usize);
            let square = kernels::run(SquaredLength(row));
            // A slot that never held a row is all zeros, so zero is sound; NaN and infinities fail the comparison.
            let sound =
                square <= LARGEST_SQUARE * 1.01 && row[dimensions..].iter().all(|&padding| padding == 0.0);
            if !sound {
                return Err(Error::corrupt(
                    "vectors",
                    format!("slot {slot} holds components that no insert accepts"),
                ));
            }
            vectors.set_inverse_length(slot);
        }
        Ok(vectors)
    }
}

/// The squared length, for checks only: the vector is not padded here, so the kernels do not apply.
fn rough_square(vector: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    for part in vector.chunks(LANES) {
        for (lane, x) in lanes.iter_mut().zip(part) {
            *lane += x * x;
        }
    }
    lanes.iter().sum()
}

fn inverse_length(square: f32) -> f32 {
    if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 }
}

/// Exact ranks between original vectors; see [`Metric::score_and_distance`] for what a rank is.
impl Space for &Vectors {
    fn aim_at_vector(self, vector: &[f32], query: &mut Query) {
        query.values.clear();
        query.values.extend_from_slice(vector);
        query.values.resize(self.dimensions.next_multiple_of(LANES), 0.0);
        query.inverse_length = inverse_length(kernels::run(SquaredLength(&query.values)));
    }

    #[inline(always)]
    fn aim_at_slot(self, slot: Slot, query: &mut Query) {
        query.values.clear();
        query.values.extend_from_slice(self.padded(slot));
        if self.metric == Metric::Cosine {
            query.inverse_length = self.inverse_lengths.get(slot as usize);
        }
    }

    #[inline(always)]
    fn ranks<K: Kernels>(self, kernels: K, query: &Query, slots: [Slot; 4]) -> [f32; 4] {
        let [a, b, c, d] = slots;
        let rows = [self.padded(a), self.padded(b), self.padded(c), self.padded(d)];
        match self.metric {
            Metric::Cosine => {
                let mut ranks = kernels.dot(&query.values, rows);
                for (rank, slot) in ranks.iter_mut().zip(slots) {
                    *rank *= -(query.inverse_length * self.inverse_lengths.get(slot as usize));
                }
                ranks
            }
            Metric::Euclidean => kernels.squared_l2(&query.values, rows),
            Metric::Dot => kernels.dot(&query.values, rows).map(|product| -product),
            Metric::Manhattan => kernels.l1(&query.values, rows),
        }
    }

    fn are_equal(self, a: Slot, b: Slot) -> bool {
        self.padded(a) == self.padded(b)
    }

    #[inline(always)]
    fn prefetch<K: Kernels>(self, kernels: K, slot: Slot) {
        kernels.prefetch(self.padded(slot));
    }
}
