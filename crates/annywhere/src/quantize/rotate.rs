//! A fixed random rotation: it spreads what a vector has in a few components evenly over all of them.
//!
//! ```text
//! twice: flip signs at random, Hadamard transform of the head, flip signs again, Hadamard transform of the tail
//! ```
//! Head and tail are the first and the last `2^k` components, the largest power of two that fits. They overlap, so
//! nothing has to be padded to a power of two (as in the Fast Hadamard transform of RaBitQ's reference code). Lengths
//! and products are kept. Once instead of twice, errors of coding are up to 1.12 times as large as those of normal
//! numbers and biased by up to 0.2 of their deviation where few components are large; twice, neither shows. A dense
//! random rotation codes no better and costs `d²` instead of `d log d`.

use crate::kernels;
use crate::rng::mix;

/// Components are padded with zeros to a multiple of this.
const STEP: usize = 8;
/// Transforms of the head and of the tail in turn.
const PASSES: usize = 4;
/// Begins the sequence of signs; part of the file format.
const SEED: u64 = 0x5EED_0F51_6E5A_11CE;

#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    /// Components that are transformed at once.
    window: usize,
    /// For each pass and component a sign, and in the window also the transform's `1 / √window`.
    factors: [Vec<f32>; PASSES],
}

impl Rotation {
    /// A rotation of vectors of `padded` components, a multiple of 8.
    pub(crate) fn new(padded: usize) -> Self {
        assert!(padded.is_multiple_of(STEP), "rotated vectors are padded to a multiple of {STEP}");
        let window = 1 << padded.ilog2();
        let scale = 1.0 / (window as f32).sqrt();
        let factors = std::array::from_fn(|pass| {
            let first = if pass % 2 == 0 { 0 } else { padded - window };
            let factor = |at: usize| {
                let sign = if mix(SEED ^ (pass as u64) << 32 ^ at as u64) >> 63 == 0 { 1.0 } else { -1.0 };
                if (first..first + window).contains(&at) { sign * scale } else { sign }
            };
            (0..padded).map(factor).collect()
        });
        Self { window, factors }
    }

    /// A rotated copy of a vector, which is padded with zeros.
    #[inline(always)]
    pub(crate) fn rotate_into(&self, vector: &[f32], rotated: &mut Vec<f32>) {
        rotated.clear();
        rotated.extend_from_slice(vector);
        rotated.resize(self.factors[0].len(), 0.0);
        self.rotate(rotated);
    }

    /// Rotates a padded vector in place.
    #[inline(always)]
    pub(crate) fn rotate(&self, values: &mut [f32]) {
        let tail = values.len() - self.window;
        for [head_factors, tail_factors] in self.factors.as_chunks().0 {
            kernels::multiply(values, head_factors);
            transform(&mut values[..self.window]);
            kernels::multiply(values, tail_factors);
            transform(&mut values[tail..]);
        }
    }
}

/// The unscaled Hadamard transform of a power of two of values, at least 8.
#[inline(always)]
fn transform(values: &mut [f32]) {
    for octet in values.chunks_exact_mut(STEP) {
        let [a, b, c, d, e, f, g, h] =
            [octet[0], octet[1], octet[2], octet[3], octet[4], octet[5], octet[6], octet[7]];
        let (a, b, c, d, e, f, g, h) = (a + e, b + f, c + g, d + h, a - e, b - f, c - g, d - h);
        let (a, b, c, d, e, f, g, h) = (a + c, b + d, a - c, b - d, e + g, f + h, e - g, f - h);
        octet.copy_from_slice(&[a + b, a - b, c + d, c - d, e + f, e - f, g + h, g - h]);
    }
    let mut half = STEP;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            kernels::butterflies(low, high);
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_products_are_kept_and_every_component_reaches_many() {
        for padded in [8, 16, 104, 384, 784, 1_536] {
            let rotation = Rotation::new(padded);
            let unit = |at: usize| {
                let mut values = vec![0.0; padded];
                values[at] = 1.0;
                rotation.rotate(&mut values);
                values
            };
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            for (at, other) in [(0, 1), (0, padded - 1), (padded / 2, 3)] {
                let (a, b) = (unit(at), unit(other));
                assert!((dot(&a, &a) - 1.0).abs() < 1e-5);
                assert!(dot(&a, &b).abs() < 1e-5);
                let largest = a.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
                assert!(largest <= 5.0 / (padded as f32).sqrt(), "{padded} {at}: {largest}");
            }
        }
    }
}
