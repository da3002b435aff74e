//! The original vectors: checked at the door, stored in f32, and the judge of every hit.
//!
//! With [`Precision::F16`] they are rounded when they are stored, and take two bytes per component in files.
//!
//! Rows are padded with zeros to whole lanes, so that no kernel has a tail; zeros change no sum. Under cosine the
//! inverse length of each row is kept beside it, so that the vector itself stays as it was given.

mod fetch;

use std::borrow::Cow;

use half::f16;

use crate::chunks::Chunks;
use crate::error::Error;
use crate::kernels::{self, Kernels, LANES, Task};
use crate::metric::Metric;
use crate::options::{Options, Precision};
use crate::slots::Slot;
use crate::space::{Query, Space};
use crate::store::Section;

/// Squared lengths up to here keep every distance between two vectors finite: `(|a| + |b|)² ≤ 4 · limit`.
pub(crate) const LARGEST_SQUARE: f32 = f32::MAX / 8.0;
/// Under cosine, a squared length below this (a length below 1e-15) is too inexact to have a direction.
const SMALLEST_SQUARE: f32 = 1e-30;

#[derive(Debug)]
pub(crate) struct Vectors {
    metric: Metric,
    dimensions: usize,
    precision: Precision,
    rows: Rows,
    /// `1 / |row|` under cosine; empty under other metrics, and where rows stay in their file.
    inverse_lengths: Chunks<f32>,
}

/// Where the padded rows are.
#[derive(Debug)]
enum Rows {
    Memory(Chunks<f32>),
    /// In a file, of a database that is only read.
    File(Section),
}

impl Rows {
    fn memory(&self) -> &Chunks<f32> {
        match self {
            Self::Memory(rows) => rows,
            Self::File(_) => panic!("{IN_FILE}"),
        }
    }

    fn memory_mut(&mut self) -> &mut Chunks<f32> {
        match self {
            Self::Memory(rows) => rows,
            Self::File(_) => panic!("{IN_FILE}"),
        }
    }
}

const IN_FILE: &str = "rows that stay in their file are ranked and read one by one, and never changed";

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
    pub(crate) fn new(options: &Options) -> Self {
        let &Options { distance_metric: metric, dimensions, precision, .. } = options;
        Self {
            metric,
            dimensions,
            precision,
            rows: Rows::Memory(Chunks::new(dimensions.next_multiple_of(LANES))),
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

    /// Checks a vector that is to be stored.
    pub(crate) fn check_row(&self, vector: &[f32], row: usize) -> Result<(), Error> {
        self.check(vector, Some(row))?;
        if self.precision == Precision::F32 {
            return Ok(());
        }
        if let Some(x) = vector.iter().find(|&&x| !rounded(x).is_finite()) {
            let (square, limit) = ((x * x).to_string(), f32::from(f16::MAX) * f32::from(f16::MAX));
            return Err(Error::TooLarge { row: Some(row), square, limit });
        }
        let rounded: Vec<f32> = vector.iter().map(|&x| rounded(x)).collect();
        self.check(&rounded, Some(row))
    }

    pub(crate) fn reserve(&mut self, slots: usize) -> Result<(), Error> {
        self.rows.memory_mut().grow(slots, 0.0)?;
        match self.metric {
            Metric::Cosine => self.inverse_lengths.grow(slots, 0.0),
            _ => Ok(()),
        }
    }

    /// Forgets the slots from `slots` on.
    pub(crate) fn shrink(&mut self, slots: usize) {
        self.rows.memory_mut().shrink(slots);
        self.inverse_lengths.shrink(slots);
    }

    /// Stores a checked vector.
    pub(crate) fn set(&mut self, slot: Slot, vector: &[f32]) {
        let row = &mut self.rows.memory_mut().row_mut(slot as usize)[..self.dimensions];
        row.copy_from_slice(vector);
        if self.precision == Precision::F16 {
            row.iter_mut().for_each(|x| *x = rounded(*x));
        }
        self.set_inverse_length(slot);
    }

    fn set_inverse_length(&mut self, slot: Slot) {
        if self.metric == Metric::Cosine {
            let square = kernels::run(SquaredLength(self.padded(slot)));
            self.inverse_lengths.set(slot as usize, inverse_length(square));
        }
    }

    /// Moves the vectors about: slot `i` takes what slot `order[i]` held.
    pub(crate) fn permute(&mut self, order: &[Slot]) {
        self.rows.memory_mut().permute(order);
        if self.metric == Metric::Cosine {
            self.inverse_lengths.permute(order);
        }
    }

    /// The mean of the vectors of some slots.
    pub(crate) fn mean(&self, slots: &[Slot]) -> Vec<f32> {
        let mut sums = vec![0.0f64; self.dimensions];
        for &slot in slots {
            for (sum, &x) in sums.iter_mut().zip(self.get(slot)) {
                *sum += f64::from(x);
            }
        }
        sums.iter().map(|sum| (sum / slots.len().max(1) as f64) as f32).collect()
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

    /// The vector as it was given, which lies in memory.
    pub(crate) fn get(&self, slot: Slot) -> &[f32] {
        &self.padded(slot)[..self.dimensions]
    }

    /// The vector as it was given, wherever it lies.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for damage in a file, or whatever the file reports.
    pub(crate) fn read(&self, slot: Slot) -> Result<Cow<'_, [f32]>, Error> {
        match &self.rows {
            Rows::Memory(_) => Ok(Cow::Borrowed(self.get(slot))),
            Rows::File(section) => {
                let mut row = vec![0.0; self.width()];
                self.fetch(section, slot, &mut row)?;
                row.truncate(self.dimensions);
                Ok(Cow::Owned(row))
            }
        }
    }

    /// A function of its own in WebAssembly: it is used in a dozen places, and three kernels take their room in each.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    fn rank<K: Kernels>(
        &self,
        kernels: K,
        query: &Query,
        rows: [&[f32]; 4],
        inverse_lengths: [f32; 4],
    ) -> [f32; 4] {
        match self.metric {
            Metric::Cosine => {
                let mut ranks = kernels.dot(&query.values, rows);
                for (rank, inverse_length) in ranks.iter_mut().zip(inverse_lengths) {
                    *rank *= -(query.inverse_length * inverse_length);
                }
                ranks
            }
            Metric::Euclidean => kernels.squared_l2(&query.values, rows),
            Metric::Dot => kernels.dot(&query.values, rows).map(|product| -product),
            Metric::Manhattan => kernels.l1(&query.values, rows),
        }
    }

    #[inline(always)]
    pub(crate) fn padded(&self, slot: Slot) -> &[f32] {
        self.rows.memory().row(slot as usize)
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let rows = match &self.rows {
            Rows::Memory(rows) => rows.bytes(),
            Rows::File(section) => section.bytes(),
        };
        rows + self.inverse_lengths.bytes()
    }

    /// The padded rows, as a file holds them.
    pub(crate) fn rows(&self) -> &Chunks<f32> {
        self.rows.memory()
    }

    /// Vectors that stay in their file, padded, and are checked when they are read.
    pub(crate) fn in_file(options: &Options, section: Section) -> Self {
        Self { rows: Rows::File(section), ..Self::new(options) }
    }

    /// Puts the vectors together from the rows of a file. What is derived from them is computed anew.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a row that [`check`](Self::check) would have refused.
    pub(crate) fn from_parts(options: &Options, rows: Chunks<f32>) -> Result<Self, Error> {
        let (count, dimensions) = (rows.len(), options.dimensions);
        let mut vectors = Self { rows: Rows::Memory(rows), ..Self::new(options) };
        vectors.reserve(count)?;
        for slot in 0..count as Slot {
            let row = vectors.padded(slot);
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

/// The nearest half-precision number, ties to even; infinite beyond 65,519.
fn rounded(x: f32) -> f32 {
    f16::from_f32(x).to_f32()
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
        let in_memory = match &self.rows {
            Rows::Memory(rows) => rows,
            Rows::File(section) => return self.ranks_in_file(kernels, section, query, slots),
        };
        let [a, b, c, d] = slots;
        let [a, b, c, d] = [a as usize, b as usize, c as usize, d as usize];
        let rows = [in_memory.row(a), in_memory.row(b), in_memory.row(c), in_memory.row(d)];
        let lengths = &self.inverse_lengths;
        let inverse_lengths = match self.metric {
            Metric::Cosine => [lengths.get(a), lengths.get(b), lengths.get(c), lengths.get(d)],
            _ => [0.0; 4],
        };
        self.rank(kernels, query, rows, inverse_lengths)
    }

    fn are_equal(self, a: Slot, b: Slot) -> bool {
        self.padded(a) == self.padded(b)
    }

    #[inline(always)]
    fn prefetch<K: Kernels>(self, kernels: K, slot: Slot) {
        if let Rows::Memory(rows) = &self.rows {
            kernels.prefetch(rows.row(slot as usize));
        }
    }
}
