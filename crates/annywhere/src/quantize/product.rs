//! Product quantization (Jégou, Douze & Schmid 2011) with 16 centres per subspace, for the same scan as
//! [`rabitq`](super::rabitq), or with 256 for single rows.
//!
//! ```text
//! encode    o = R (x − c)               as there
//!           k = (w_1(o), …, w_M(o))     the nearest of the trained centres in each of M subspaces of o √D / |o|
//!           f = |o|² / ⟨k, o⟩           one factor per row
//! estimate  ⟨q, x − c⟩ ≈ f ⟨R q, k⟩
//! ```
//! The error has the same form as there, with the mean of `|k⊥|² / D` over the training rows as κ². With two dimensions per
//! subspace a code is as long as one of 2 bits, and no better on the data that was measured; it takes training.

use super::kmeans::{self, Rows};
use super::rotate::Rotation;
use super::tables::{Ranges, Tables, deviation_of};
use crate::kernels::{GROUPED_BYTES, Kernels, LANES, TABLE_ENTRIES};
use crate::scratch::Scratches;

/// Subspaces come in whole groups of bytes.
pub(crate) const SUBSPACE_STEP: usize = 2 * GROUPED_BYTES;

#[derive(Debug, Clone)]
pub(crate) struct ProductCodec {
    subspaces: usize,
    /// Centres of a subspace, 16 or 256.
    entries: usize,
    /// Dimensions of a subspace.
    width: usize,
    rotation: Rotation,
    /// Centre after centre, subspace after subspace; empty before training.
    codebook: Vec<f32>,
    kappa: f32,
}

impl ProductCodec {
    /// For the scan `entries` is [`TABLE_ENTRIES`] and `subspaces` a multiple of [`SUBSPACE_STEP`].
    pub(crate) fn new(subspaces: usize, entries: usize, dimensions: usize) -> Self {
        let mut width = dimensions.div_ceil(subspaces);
        while !(width * subspaces).is_multiple_of(LANES) {
            width += 1;
        }
        let rotation = Rotation::new(width * subspaces);
        Self { subspaces, entries, width, rotation, codebook: Vec::new(), kappa: 0.0 }
    }

    pub(crate) fn padded(&self) -> usize {
        self.subspaces * self.width
    }

    pub(crate) fn bytes(&self) -> usize {
        if self.entries == TABLE_ENTRIES { self.subspaces / 2 } else { self.subspaces }
    }

    /// The centres, and the deviation of estimates that they were measured to have.
    pub(crate) fn parts(&self) -> (&[f32], f32) {
        (&self.codebook, self.kappa)
    }

    /// Takes over what a file holds; false if it does not fit.
    pub(crate) fn replace(&mut self, codebook: Vec<f32>, kappa: f32) -> bool {
        let fits = codebook.len() == self.padded() * self.entries;
        let sound = codebook.iter().all(|x| x.is_finite()) && kappa.is_finite() && kappa >= 0.0;
        (self.codebook, self.kappa) = (codebook, kappa);
        fits && sound
    }

    /// Trains on padded vectors, which are rotated.
    pub(crate) fn train(&mut self, mut vectors: Vec<Vec<f32>>, scratches: &Scratches) {
        for vector in &mut vectors {
            self.rotation.rotate(vector);
            let square: f32 = vector.iter().map(|x| x * x).sum();
            let factor = if square > 0.0 { (vector.len() as f32 / square).sqrt() } else { 0.0 };
            vector.iter_mut().for_each(|x| *x *= factor);
        }
        self.codebook.clear();
        for subspace in 0..self.subspaces {
            let rows = Slices::new(&vectors, subspace * self.width, self.width);
            let centres = kmeans::train(&rows, rows.padded, self.entries, scratches);
            for centre in 0..self.entries {
                self.codebook.extend_from_slice(&centres.get(centre)[..self.width]);
            }
        }
        let mut sum = 0.0;
        for vector in &vectors {
            let (mut square, mut product, mut length) = (0.0f32, 0.0f32, 0.0f32);
            for (subspace, part) in vector.chunks_exact(self.width).enumerate() {
                for (w, o) in self.nearest(subspace, part).1.iter().zip(part) {
                    square += w * w;
                    product += w * o;
                    length += o * o;
                }
            }
            sum += if length > 0.0 { (square - product * product / length).max(0.0) } else { 0.0 };
        }
        self.kappa = (sum / (vectors.len() * self.padded()).max(1) as f32).sqrt();
    }

    /// The centres of a subspace, one after the other.
    #[inline(always)]
    fn centres(&self, subspace: usize) -> &[f32] {
        &self.codebook[subspace * self.width * self.entries..][..self.width * self.entries]
    }

    /// The centre nearest to a part of a vector.
    #[inline(always)]
    fn nearest(&self, subspace: usize, part: &[f32]) -> (usize, &[f32]) {
        let centres = self.centres(subspace);
        let (mut best, mut least) = (0, f32::INFINITY);
        for (index, centre) in centres.chunks_exact(self.width).enumerate() {
            let mut distance = 0.0;
            for (w, o) in centre.iter().zip(part) {
                distance += (w - o) * (w - o);
            }
            if distance < least {
                (best, least) = (index, distance);
            }
        }
        (best, &centres[best * self.width..][..self.width])
    }

    /// Codes a padded vector, which is rotated in place, and returns its factor.
    #[inline(always)]
    pub(crate) fn encode<K: Kernels>(&self, kernels: K, vector: &mut [f32], code: &mut [u8]) -> f32 {
        self.rotation.rotate(vector);
        code.fill(0);
        let square = kernels.dot(vector, [vector; 4])[0];
        if square == 0.0 {
            return 0.0;
        }
        let factor = (vector.len() as f32 / square).sqrt();
        for component in vector.iter_mut() {
            *component *= factor;
        }
        let mut product = 0.0f32;
        for (subspace, part) in vector.chunks_exact(self.width).enumerate() {
            let (index, centre) = self.nearest(subspace, part);
            if self.entries == TABLE_ENTRIES {
                code[subspace / 2] |= (index as u8) << (subspace % 2 * 4);
            } else {
                code[subspace] = index as u8;
            }
            for (w, o) in centre.iter().zip(part) {
                product += w * o;
            }
        }
        // `vector` is now o √D / |o|, so ⟨k, o⟩ = product · |o| / √D. Centres that point away say nothing of a row.
        if product > 0.0 { square * factor / product } else { 0.0 }
    }

    /// Fills the tables for a query of the collection's dimensions.
    #[inline(always)]
    pub(crate) fn aim<K: Kernels>(&self, kernels: K, query: &[f32], tables: &mut Tables) {
        let Tables { entries, slope, offset, deviation, rotated } = tables;
        self.rotation.rotate_into(query, rotated);
        let square = kernels.dot(rotated, [rotated; 4])[0];
        let products = |subspace: usize| {
            let part = &rotated[subspace * self.width..][..self.width];
            let mut products = [0.0f32; TABLE_ENTRIES];
            for (product, centre) in products.iter_mut().zip(self.centres(subspace).chunks_exact(self.width))
            {
                for (w, q) in centre.iter().zip(part) {
                    *product += w * q;
                }
            }
            products
        };
        let mut ranges = Ranges::default();
        *offset = 0.0;
        for group in 0..self.subspaces / SUBSPACE_STEP {
            let mut range = 0.0;
            for subspace in group * SUBSPACE_STEP..(group + 1) * SUBSPACE_STEP {
                let [least, most] = extremes(&products(subspace));
                *offset += least;
                range += most - least;
            }
            ranges.add(range);
        }
        let scale = ranges.scale(self.subspaces);
        *slope = 1.0 / scale;
        *deviation = deviation_of(self.kappa, square, self.subspaces, *slope);
        entries.clear();
        for subspace in 0..self.subspaces {
            let products = products(subspace);
            let [least, _] = extremes(&products);
            for product in products {
                entries.push(((product - least) * scale + 0.5) as u8);
            }
        }
    }
}

/// A query for single rows: its product with every centre of every subspace.
#[derive(Debug, Default)]
pub(crate) struct TableQuery {
    products: Vec<f32>,
    rotated: Vec<f32>,
}

impl ProductCodec {
    /// Prepares a query for [`sums`](Self::sums).
    #[inline(always)]
    pub(crate) fn aim_at_rows(&self, vector: &[f32], query: &mut TableQuery) {
        let TableQuery { products, rotated } = query;
        self.rotation.rotate_into(vector, rotated);
        products.clear();
        for (subspace, part) in rotated.chunks_exact(self.width).enumerate() {
            for centre in self.centres(subspace).chunks_exact(self.width) {
                let mut product = 0.0;
                for (w, q) in centre.iter().zip(part) {
                    product += w * q;
                }
                products.push(product);
            }
        }
    }

    /// `⟨R q, k⟩` for four rows, added up in the order of the subspaces. A byte of code cannot leave its table.
    #[inline(never)]
    pub(crate) fn sums(&self, query: &TableQuery, rows: [&[u64]; 4]) -> [f32; 4] {
        let [a, b, c, d] = rows;
        let bytes = |row| -> &[u8] { &bytemuck::cast_slice(row)[..self.subspaces] };
        let (a, b, c, d) = (bytes(a), bytes(b), bytes(c), bytes(d));
        let mut sums = [0.0f32; 4];
        for (at, table) in query.products.as_chunks::<{ u8::MAX as usize + 1 }>().0.iter().enumerate() {
            sums[0] += table[usize::from(a[at])];
            sums[1] += table[usize::from(b[at])];
            sums[2] += table[usize::from(c[at])];
            sums[3] += table[usize::from(d[at])];
        }
        sums
    }
}

#[inline(always)]
fn extremes(values: &[f32; TABLE_ENTRIES]) -> [f32; 2] {
    let [mut least, mut most] = [values[0]; 2];
    for &value in values {
        least = if value < least { value } else { least };
        most = if value > most { value } else { most };
    }
    [least, most]
}

/// One subspace of many vectors, padded for the kernels.
struct Slices {
    padded: usize,
    values: Vec<f32>,
}

impl Slices {
    fn new(vectors: &[Vec<f32>], from: usize, width: usize) -> Self {
        let padded = width.next_multiple_of(LANES);
        let mut values = Vec::with_capacity(vectors.len() * padded);
        for vector in vectors {
            values.extend_from_slice(&vector[from..from + width]);
            values.resize(values.len() + padded - width, 0.0);
        }
        Self { padded, values }
    }
}

impl Rows for Slices {
    fn len(&self) -> usize {
        self.values.len() / self.padded
    }

    fn row(&self, index: usize) -> (&[f32], f32) {
        (&self.values[index * self.padded..][..self.padded], 1.0)
    }
}
