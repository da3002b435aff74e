//! One signed byte per dimension, with one scale per row.
//!
//! A row `x` becomes codes `c = round(x · 127 / max|x|)`, so that `x ≈ t·c` with the step `t = max|x| / 127`; no
//! component is off by more than `t / 2`. Beside the codes stand two numbers, offset `a` and scale `s`, chosen per
//! metric so that one formula ranks all of them:
//!
//! ```text
//! rank(q, x) = (a_q + a_x) − (s_q · s_x) · Σ q_i c_i
//! cosine      a = 0          s = 1 / √Σc²        the coded row has length 1; rank = −cosine
//! euclidean   a = t² Σc²     s = √2 · t          rank = squared distance
//! dot         a = 0          s = t               rank = −product
//! ```
//!
//! The sum is over integers and therefore exact. A query from outside is coded with 12 bits instead of 7 where the
//! sum leaves room for it, which costs nothing because the kernels widen to 16 bits anyway.
//!
//! A row lies in memory as whole cache lines: codes, then zeros, then, at the end of the last line, `a` and `s`: a rank
//! touches nothing else. Kernels take codes to a multiple of 16 and may so read `a` and `s` as codes: the query has zeros
//! there.

use bytemuck::{Pod, Zeroable};

use crate::kernels::{CODES_PER_STEP, Kernels};
use crate::metric::Metric;
use crate::space::Query;

/// Codes use -127 to 127, so that their negation exists too.
const LARGEST_CODE: f32 = 127.0;
/// Largest entry of a coded query: 12 bits and sign.
const LARGEST_QUERY: u32 = 4_095;
/// Rows whose largest component is below this are coded as zeros, because products of steps would underflow; rescoring
/// still sees them. The cosine has no steps in its ranks.
const SMALLEST_MAXIMUM: f32 = 1e-15;
const SMALLEST_MAXIMUM_OF_COSINE: f32 = 1e-30;

/// A cache line of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line([u8; 64]);

/// How rows of one database are coded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScalarCodec {
    metric: Metric,
    dimensions: usize,
    /// Codes that kernels take.
    padded: usize,
    largest_query: f32,
}

impl ScalarCodec {
    pub(crate) fn new(metric: Metric, dimensions: usize) -> Self {
        let room = i32::MAX as u32 / (LARGEST_CODE as u32 * dimensions as u32);
        Self {
            metric,
            dimensions,
            padded: dimensions.next_multiple_of(CODES_PER_STEP),
            largest_query: LARGEST_QUERY.min(room) as f32,
        }
    }

    /// Cache lines per row.
    pub(crate) fn lines(self) -> usize {
        (self.dimensions + 2 * size_of::<f32>()).div_ceil(size_of::<Line>())
    }

    /// Codes a row. `vector` may be padded with zeros.
    #[inline(always)]
    pub(crate) fn encode(self, vector: &[f32], row: &mut [Line]) {
        let (step, inverse) = self.steps(vector, LARGEST_CODE);
        row.fill(Line([0; 64]));
        let bytes: &mut [i8] = bytemuck::cast_slice_mut(row);
        // 127² for each of 65,536 dimensions fits.
        let mut square_sum = 0i32;
        for (code, &x) in bytes[..self.dimensions].iter_mut().zip(vector) {
            let rounded = round(x * inverse) as i32;
            square_sum += rounded * rounded;
            *code = rounded as i8;
        }
        let (offset, scale) = self.offset_and_scale(i64::from(square_sum), step);
        let numbers: &mut [f32] = bytemuck::cast_slice_mut(row);
        let end = numbers.len();
        numbers[end - 2..].copy_from_slice(&[offset, scale]);
    }

    /// The step of a grid of `largest` entries on each side of zero that spans the vector, and its inverse.
    #[inline(always)]
    fn steps(self, vector: &[f32], largest: f32) -> (f32, f32) {
        let mut lanes = [0.0f32; 8];
        for part in vector.chunks(8) {
            for (lane, &x) in lanes.iter_mut().zip(part) {
                let size = x.abs();
                *lane = if size > *lane { size } else { *lane };
            }
        }
        let maximum = lanes.into_iter().fold(0.0, f32::max);
        let smallest = match self.metric {
            Metric::Cosine => SMALLEST_MAXIMUM_OF_COSINE,
            _ => SMALLEST_MAXIMUM,
        };
        if maximum < smallest { (0.0, 0.0) } else { (maximum / largest, largest / maximum) }
    }

    fn offset_and_scale(self, square_sum: i64, step: f32) -> (f32, f32) {
        match self.metric {
            Metric::Cosine if square_sum > 0 => (0.0, 1.0 / (square_sum as f32).sqrt()),
            Metric::Cosine => (0.0, 0.0),
            Metric::Euclidean => (step * step * square_sum as f32, std::f32::consts::SQRT_2 * step),
            Metric::Dot | Metric::Manhattan => (0.0, step),
        }
    }

    /// Codes a query from outside with as many bits as the integer sum allows.
    #[inline(always)]
    pub(crate) fn aim_at_vector(self, vector: &[f32], query: &mut Query) {
        let (step, inverse) = self.steps(vector, self.largest_query);
        query.codes.clear();
        query.codes.resize(self.padded, 0);
        let mut square_sum = 0i64;
        for (code, &x) in query.codes.iter_mut().zip(vector) {
            let rounded = round(x * inverse) as i32;
            square_sum += i64::from(rounded * rounded);
            *code = rounded as i16;
        }
        (query.offset, query.scale) = self.offset_and_scale(square_sum, step);
    }

    /// Uses a coded row as the query.
    #[inline(always)]
    pub(crate) fn aim_at_row(self, row: &[Line], query: &mut Query) {
        query.codes.clear();
        query.codes.extend(self.codes(row).iter().map(|&code| i16::from(code)));
        query.codes.resize(self.padded, 0);
        (query.offset, query.scale) = tail(row);
    }

    #[inline(always)]
    pub(crate) fn ranks<K: Kernels>(self, kernels: K, query: &Query, rows: [&[Line]; 4]) -> [f32; 4] {
        // Written out: `map` on arrays is not inlined here.
        let [a, b, c, d] = rows;
        let codes = [self.padded(a), self.padded(b), self.padded(c), self.padded(d)];
        let sums = kernels.dot_codes(&query.codes, codes);
        let rank = |row: &[Line], sum: i32| {
            let (offset, scale) = tail(row);
            (query.offset + offset) - (query.scale * scale) * sum as f32
        };
        [rank(a, sums[0]), rank(b, sums[1]), rank(c, sums[2]), rank(d, sums[3])]
    }

    #[inline(always)]
    fn codes(self, row: &[Line]) -> &[i8] {
        &bytemuck::cast_slice(row)[..self.dimensions]
    }

    #[inline(always)]
    fn padded(self, row: &[Line]) -> &[i8] {
        &bytemuck::cast_slice(row)[..self.padded]
    }

    /// What a row of codes stands for under [`Metric::Dot`], in so many components.
    pub(crate) fn decode(self, row: &[Line], width: usize) -> Vec<f32> {
        let (_, step) = tail(row);
        let mut values: Vec<f32> = self.codes(row).iter().map(|&code| f32::from(code) * step).collect();
        values.resize(width, 0.0);
        values
    }

    /// The squared length of what a row of codes stands for under [`Metric::Dot`].
    pub(crate) fn squared_length(self, row: &[Line]) -> f32 {
        let (_, step) = tail(row);
        let square: i32 = self.codes(row).iter().map(|&code| i32::from(code) * i32::from(code)).sum();
        step * step * square as f32
    }

    /// Whether the codes and the two numbers beside them could have been written by [`encode`](Self::encode).
    pub(crate) fn is_sound(row: &[Line]) -> bool {
        let (offset, scale) = tail(row);
        let codes: &[i8] = bytemuck::cast_slice(row);
        let in_range = codes[..codes.len() - 2 * size_of::<f32>()].iter().all(|&code| code != i8::MIN);
        offset.is_finite() && scale.is_finite() && scale >= 0.0 && in_range
    }
}

#[inline(always)]
fn tail(row: &[Line]) -> (f32, f32) {
    let numbers: &[f32] = bytemuck::cast_slice(row);
    (numbers[numbers.len() - 2], numbers[numbers.len() - 1])
}

/// Rounds to the nearest integer, ties to even, for |x| below 2²²: adding and subtracting 1.5·2²³ leaves no room for
/// fraction bits. Unlike the rounding instruction it is fast on every target, and it has the same bits.
#[inline(always)]
fn round(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT) - SHIFT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{self, Task};
    use crate::rng::mix;

    fn vector(seed: u64, dimensions: usize) -> Vec<f32> {
        (0..dimensions as u64)
            .map(|i| (mix(seed * 10_007 + i) >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
            .collect()
    }

    struct Ranks<'a>(ScalarCodec, &'a Query, &'a [Line]);

    impl Task for Ranks<'_> {
        type Output = f32;
        fn run<K: Kernels>(self, kernels: K) -> f32 {
            self.0.ranks(kernels, self.1, [self.2; 4])[3]
        }
    }

    #[test]
    fn rounding_is_to_nearest_with_ties_to_even() {
        for (x, expected) in
            [(0.5, 0.0), (1.5, 2.0), (-2.5, -2.0), (126.49, 126.0), (-127.0, -127.0), (4094.6, 4095.0)]
        {
            assert_eq!(round(x), expected);
        }
    }

    /// With each component off by at most half a step t, an inner product with the query q is off by at most
    /// `Σ|q_i| · t / 2` for the row and, with the query's own step u, `Σ|x_i| · u / 2 + d·t·u / 4` more.
    #[test]
    fn dot_ranks_are_within_the_error_bound() {
        for dimensions in [1, 7, 16, 100, 256, 1_537, 9_000] {
            let codec = ScalarCodec::new(Metric::Dot, dimensions);
            let (q, x) = (vector(1, dimensions), vector(2, dimensions));
            let mut row = vec![Line([0; 64]); codec.lines()];
            codec.encode(&x, &mut row);
            let mut query = Query::default();
            codec.aim_at_vector(&q, &mut query);
            let rank = f64::from(kernels::run(Ranks(codec, &query, &row)));
            let exact: f64 = -q.iter().zip(&x).map(|(&q, &x)| f64::from(q) * f64::from(x)).sum::<f64>();
            let (t, u) = (
                f64::from(codec.steps(&x, LARGEST_CODE).0),
                f64::from(codec.steps(&q, codec.largest_query).0),
            );
            let size = |v: &[f32]| v.iter().map(|x| f64::from(x.abs())).sum::<f64>();
            let bound = size(&q) * t / 2.0 + size(&x) * u / 2.0 + dimensions as f64 * t * u / 4.0 + 1e-4;
            assert!((rank - exact).abs() <= bound, "{dimensions}: {rank} against {exact}, bound {bound}");
        }
    }

    #[test]
    fn a_row_is_nearest_to_itself_under_every_metric() {
        for metric in [Metric::Cosine, Metric::Euclidean] {
            let codec = ScalarCodec::new(metric, 100);
            let mut rows = vec![vec![Line([0; 64]); codec.lines()]; 50];
            for (seed, row) in rows.iter_mut().enumerate() {
                codec.encode(&vector(seed as u64, 100), row);
            }
            for (seed, row) in rows.iter().enumerate() {
                let mut query = Query::default();
                codec.aim_at_row(row, &mut query);
                let own = kernels::run(Ranks(codec, &query, row));
                let expected = if metric == Metric::Cosine { -1.0 } else { 0.0 };
                assert!((own - expected).abs() < 1e-3, "{own}");
                for (other, row) in rows.iter().enumerate().filter(|&(other, _)| other != seed) {
                    assert!(kernels::run(Ranks(codec, &query, row)) > own, "{seed} {other}");
                }
            }
        }
    }

    #[test]
    fn tiny_and_zero_vectors_get_zero_codes() {
        let codec = ScalarCodec::new(Metric::Euclidean, 5);
        let mut row = vec![Line([9; 64]); codec.lines()];
        codec.encode(&[0.0, 1e-40, -1e-31, 0.0, 0.0], &mut row);
        assert!(ScalarCodec::is_sound(&row) && codec.codes(&row).iter().all(|&code| code == 0));
    }
}
