//! RaBitQ codes: 1, 2 or 4 bits per dimension, an unbiased estimate of inner products and a bound on its error
//! (Gao & Long, arXiv:2405.12497; Gao et al., arXiv:2409.09913).
//!
//! ```text
//! encode    o = R (x − c)                     the row against its centre, randomly rotated
//!           v_i = ⌊o_i / (t σ)⌋ + 2^(B−1)      levels on a uniform grid, cut to 0 … 2^B − 1;  σ = |o| / √D
//!           k_i = v_i − (2^B − 1) / 2         the grid point
//!           f = |o|² / ⟨k, o⟩                  one factor per row
//! estimate  ⟨q, x − c⟩ ≈ f ⟨R q, k⟩
//! error     f ⟨R q, k⊥⟩, where k⊥ is the part of k at right angles to o
//! ```
//! After a random rotation `k⊥` points anywhere, so the error has mean 0 and standard deviation `f κ |q|` with
//! `κ = |k⊥| / √D`. The components of a rotated vector are nearly normal, which fixes the best step `t` (the uniform
//! quantizer of Max, 1960) and with it κ: one number per B.
//!
//! `⟨R q, k⟩` is a sum of table entries: a nibble of the code holds `4 / B` dimensions and picks one of 16 partial sums.
//! Entries are bytes with a common scale. It is so small that the entries of neighbouring tables can be added up as
//! bytes, and everything as 16-bit numbers.
//!
//! Single rows, of which a graph ranks four here and four there, are kept as bit planes instead: bit `r` of all levels, 64
//! dimensions to a word. The query becomes whole numbers of a few bits, cut into planes too; the sum is one of counted bits
//! (as in the RaBitQ paper).

use super::rotate::Rotation;
use super::tables::{Ranges, Tables, deviation_of};
use crate::kernels::{GROUPED_BYTES, Kernels, TABLE_ENTRIES};

/// Components of codes with one bit are padded to a multiple of this, of others to half as many: whole groups of bytes.
const ONE_BIT_STEP: usize = 16;
/// Dimensions of a word of a bit plane.
const WORD_BITS: usize = u64::BITS as usize;
/// Bit planes of a query for codes of 1, 2 and 4 bits: its rounding should add little to the error of the codes.
const QUERY_PLANES: [usize; 3] = [4, 5, 6];
/// Table entries are computed with this many fraction bits.
const FRACTION_BITS: u32 = 8;

/// How the vectors of one collection are coded.
#[derive(Debug, Clone)]
pub(crate) struct RabitqCodec {
    bits: u32,
    padded: usize,
    rotation: Rotation,
}

impl RabitqCodec {
    pub(crate) fn new(bits: u32, dimensions: usize) -> Self {
        let step = if bits == 1 { ONE_BIT_STEP } else { ONE_BIT_STEP / 2 };
        let padded = dimensions.next_multiple_of(step);
        Self { bits, padded, rotation: Rotation::new(padded) }
    }

    /// Components of a vector that is to be coded: the dimensions, padded with zeros.
    pub(crate) fn padded(&self) -> usize {
        self.padded
    }

    /// Bytes of a row's code.
    pub(crate) fn bytes(&self) -> usize {
        self.padded * self.bits as usize / 8
    }

    /// The grid step in standard deviations of a component.
    fn step(&self) -> f32 {
        match self.bits {
            1 => f32::MAX,
            2 => 0.9957,
            _ => 0.3352,
        }
    }

    /// κ: the deviation of an estimate for a query of length 1 and a factor of 1.
    fn code_deviation(&self) -> f32 {
        match self.bits {
            1 => 0.301_4,
            2 => 0.325_0,
            _ => 0.318_7,
        }
    }

    /// Codes a padded vector, which is rotated in place, and returns its factor. `code` has [`bytes`](Self::bytes)
    /// bytes.
    #[inline(always)]
    pub(crate) fn encode<K: Kernels>(&self, kernels: K, vector: &mut [f32], code: &mut [u8]) -> f32 {
        self.rotation.rotate(vector);
        let square = kernels.dot(vector, [vector; 4])[0];
        if square == 0.0 {
            code.fill(0);
            return 0.0;
        }
        let sigma = (square / self.padded as f32).sqrt();
        let inverse = 1.0 / (self.step() * sigma);
        let half = (1u32 << self.bits >> 1) as f32;
        let most = ((1u32 << self.bits) - 1) as f32;
        let per_byte = 8 / self.bits as usize;
        let mut lanes = [0.0f32; 8];
        for (octet, components) in vector.chunks_exact_mut(8).enumerate() {
            let mut levels = [0u8; 8];
            for lane in 0..8 {
                let o = components[lane];
                let level = if self.bits == 1 {
                    if o >= 0.0 { 1.0 } else { 0.0 }
                } else {
                    (o * inverse + half).max(0.0).min(most).trunc()
                };
                levels[lane] = level as u8;
                lanes[lane] += (level - most * 0.5) * o;
            }
            let bytes = 8 / per_byte;
            for (at, byte) in code[octet * bytes..][..bytes].iter_mut().enumerate() {
                *byte = 0;
                for (place, &level) in levels[at * per_byte..][..per_byte].iter().enumerate() {
                    *byte |= level << (place as u32 * self.bits);
                }
            }
        }
        let product =
            ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
        square / product
    }

    /// Fills the tables for a query of the collection's dimensions.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn aim<K: Kernels>(&self, kernels: K, query: &[f32], tables: &mut Tables) {
        let Tables { entries, slope, offset, deviation, rotated } = tables;
        self.rotation.rotate_into(query, rotated);
        let square = kernels.dot(rotated, [rotated; 4])[0];

        let most = ((1u32 << self.bits) - 1) as f32;
        // Components that one group of tables covers.
        let group = GROUPED_BYTES * 8 / self.bits as usize;
        let mut ranges = Ranges::default();
        for components in rotated.chunks_exact(group) {
            let mut sum = 0.0;
            for component in components {
                sum += component.abs();
            }
            ranges.add(most * sum);
        }
        let count = self.padded * self.bits as usize / 4;
        let scale = ranges.scale(count);
        *slope = 1.0 / scale;
        *offset = -0.5 * ranges.total();
        *deviation = deviation_of(self.code_deviation(), square, count, *slope);

        entries.clear();
        entries.resize(count * TABLE_ENTRIES, 0);
        let weight_scale = scale * (1 << FRACTION_BITS) as f32;
        let per_table = 4 / self.bits as usize;
        for (table, components) in
            entries.chunks_exact_mut(TABLE_ENTRIES).zip(rotated.chunks_exact(per_table))
        {
            fill_table(self.bits, components, weight_scale, table);
        }
    }
}

/// A query for single rows.
#[derive(Debug, Default)]
pub(crate) struct BitQuery {
    /// Planes of whole numbers, in two's complement.
    words: Vec<u64>,
    /// The product of query and code is `slope · sum + offset`.
    slope: f32,
    offset: f32,
    rotated: Vec<f32>,
}

impl RabitqCodec {
    /// Words of a row's code as bit planes.
    pub(crate) fn words(&self) -> usize {
        self.padded.div_ceil(WORD_BITS) * self.bits as usize
    }

    fn query_planes(&self) -> usize {
        QUERY_PLANES[self.bits.ilog2() as usize]
    }

    /// Sorts a code, as [`encode`](Self::encode) writes it, into bit planes.
    pub(crate) fn to_planes(&self, code: &[u8], words: &mut [u64]) {
        let bits = self.bits as usize;
        words.fill(0);
        for at in 0..self.padded {
            let level = code[at * bits / 8] >> (at * bits % 8);
            for plane in 0..bits {
                let bit = u64::from(level >> plane & 1);
                words[at / WORD_BITS * bits + plane] |= bit << (at % WORD_BITS);
            }
        }
    }

    /// Prepares a query for [`sums`](Self::sums).
    pub(crate) fn aim_at_planes(&self, vector: &[f32], query: &mut BitQuery) {
        let BitQuery { words, slope, offset, rotated } = query;
        self.rotation.rotate_into(vector, rotated);
        let mut largest = 0.0f32;
        for x in rotated.iter() {
            largest = if x.abs() > largest { x.abs() } else { largest };
        }
        let planes = self.query_planes();
        let most = ((1 << (planes - 1)) - 1) as f32;
        let inverse = if largest > 0.0 { most / largest } else { 0.0 };
        words.clear();
        words.resize(self.padded.div_ceil(WORD_BITS) * planes, 0);
        let mut total = 0;
        for (at, x) in rotated.iter().enumerate() {
            let scaled = x * inverse;
            let number = (scaled + if scaled < 0.0 { -0.5 } else { 0.5 }) as i32;
            total += number;
            for plane in 0..planes {
                let bit = (number >> plane & 1) as u64;
                words[at / WORD_BITS * planes + plane] |= bit << (at % WORD_BITS);
            }
        }
        *slope = largest / most;
        *offset = -0.5 * ((1u32 << self.bits) - 1) as f32 * (total as f32 * *slope);
    }

    /// About `⟨R q, k⟩` for four rows.
    #[inline(always)]
    pub(crate) fn sums<K: Kernels>(&self, kernels: K, query: &BitQuery, rows: [&[u64]; 4]) -> [f32; 4] {
        let sums = match self.bits {
            1 => kernels.dot_bits::<{ QUERY_PLANES[0] }, 1>(&query.words, rows),
            2 => kernels.dot_bits::<{ QUERY_PLANES[1] }, 2>(&query.words, rows),
            _ => kernels.dot_bits::<{ QUERY_PLANES[2] }, 4>(&query.words, rows),
        };
        let sum = |at: usize| query.slope * sums[at] as f32 + query.offset;
        [sum(0), sum(1), sum(2), sum(3)]
    }
}

/// Which of the 16 nibbles have a bit.
const HAS_BIT: [[u16; TABLE_ENTRIES]; 4] = {
    let mut masks = [[0; TABLE_ENTRIES]; 4];
    let mut at = 0;
    while at < 4 * TABLE_ENTRIES {
        let (bit, nibble) = (at / TABLE_ENTRIES, at % TABLE_ENTRIES);
        masks[bit][nibble] = if nibble >> bit & 1 == 1 { 0xFFFF } else { 0 };
        at += 1;
    }
    masks
};

/// The partial sums of one nibble, moved up so that the smallest is 0. Integers throughout, wrapping in between.
#[inline(always)]
fn fill_table(bits: u32, components: &[f32], scale: f32, table: &mut [u8]) {
    let mut weights = [0u16; 4];
    let mut base = 1i32 << (FRACTION_BITS - 1);
    for (at, weight) in weights.iter_mut().enumerate() {
        let component = components[at / bits as usize] * scale;
        let rounded = (component + if component < 0.0 { -0.5 } else { 0.5 }) as i32;
        let shifted = rounded << (at as u32 % bits);
        base -= shifted.min(0);
        *weight = shifted as u16;
    }
    let base = base as u16;
    for (nibble, entry) in table.iter_mut().enumerate() {
        let mut sum = base;
        for bit in 0..4 {
            sum = sum.wrapping_add(weights[bit] & HAS_BIT[bit][nibble]);
        }
        *entry = (sum >> FRACTION_BITS) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{self, BLOCK_ROWS, Task};
    use crate::rng::mix;

    /// A number from a nearly normal distribution.
    fn normal(seed: u64) -> f32 {
        (0..12).map(|i| (mix(seed * 12 + i) >> 40) as f32 / (1u64 << 24) as f32).sum::<f32>() - 6.0
    }

    /// Estimates of ⟨q, x⟩ for many rows, with the factor and the exact product of each.
    struct Estimates<'a> {
        codec: &'a RabitqCodec,
        query: &'a [f32],
        rows: &'a [Vec<f32>],
        tables: &'a mut Tables,
    }

    impl Task for Estimates<'_> {
        type Output = Vec<(f32, f32)>;

        fn run<K: Kernels>(self, kernels: K) -> Self::Output {
            let Self { codec, query, rows, tables } = self;
            codec.aim(kernels, query, tables);
            rows.iter()
                .map(|row| {
                    let mut padded = row.clone();
                    padded.resize(codec.padded(), 0.0);
                    let mut code = vec![0; codec.bytes()];
                    let factor = codec.encode(kernels, &mut padded, &mut code);
                    let block: Vec<u8> = code.iter().flat_map(|&byte| [byte; BLOCK_ROWS]).collect();
                    let mut sums = [0; BLOCK_ROWS];
                    let reached = kernels.block_sums(&tables.entries, &block, 0, &mut sums);
                    assert_eq!(reached, u32::MAX);
                    (factor * (tables.slope * f32::from(sums[7]) + tables.offset), factor)
                })
                .collect()
        }
    }

    /// The error over the promised deviation has mean 0 and deviation 1, whatever bits, dimensions and data.
    #[test]
    fn estimates_are_unbiased_and_their_deviation_is_the_promised_one() {
        const ROWS: usize = 2_000;
        for bits in [1, 2, 4] {
            for dimensions in [24, 100, 384, 784] {
                // Data with a few large components: what the rotation is for.
                let vector = |seed: u64| -> Vec<f32> {
                    (0..dimensions as u64)
                        .map(|i| normal(seed * 1_000 + i) * if i % 10 == 0 { 4.0 } else { 0.5 })
                        .collect()
                };
                let codec = RabitqCodec::new(bits, dimensions);
                let query = vector(0);
                let rows: Vec<Vec<f32>> = (1..=ROWS as u64).map(vector).collect();
                let mut tables = Tables::default();
                let estimates = kernels::run(Estimates {
                    codec: &codec,
                    query: &query,
                    rows: &rows,
                    tables: &mut tables,
                });
                let errors: Vec<f64> = estimates
                    .iter()
                    .zip(&rows)
                    .map(|(&(estimate, factor), row)| {
                        let exact: f64 = query.iter().zip(row).map(|(q, x)| f64::from(q * x)).sum();
                        (f64::from(estimate) - exact) / f64::from(factor * tables.deviation)
                    })
                    .collect();
                let mean = errors.iter().sum::<f64>() / ROWS as f64;
                let deviation = (errors.iter().map(|e| e * e).sum::<f64>() / ROWS as f64).sqrt();
                assert!(mean.abs() < 0.12, "{bits} bits, {dimensions}: mean {mean}");
                assert!((0.8..1.1).contains(&deviation), "{bits} bits, {dimensions}: deviation {deviation}");
            }
        }
    }

    struct PlaneSum<'a>(&'a RabitqCodec, &'a BitQuery, &'a [f32], &'a mut Vec<u8>);

    impl Task for PlaneSum<'_> {
        type Output = f32;

        fn run<K: Kernels>(self, kernels: K) -> f32 {
            let Self(codec, query, row, code) = self;
            codec.encode(kernels, &mut row.to_vec(), code);
            let mut words = vec![u64::MAX; codec.words()];
            codec.to_planes(code, &mut words);
            codec.sums(kernels, query, [&words; 4])[2]
        }
    }

    /// The sum over bit planes is the product of rotated query and grid points, but for rounding the query: half a step of it
    /// for each component.
    #[test]
    fn sums_of_bit_planes_are_products_with_grid_points() {
        for bits in [1, 2, 4] {
            for dimensions in [8, 24, 100, 384, 784] {
                let codec = RabitqCodec::new(bits, dimensions);
                let vector = |seed: u64| -> Vec<f32> {
                    let components = (0..dimensions as u64).map(|i| normal(seed * 1_000 + i));
                    components.chain(std::iter::repeat(0.0)).take(codec.padded()).collect()
                };
                let (query, row) = (vector(1), vector(2));
                let mut planes = BitQuery::default();
                codec.aim_at_planes(&query, &mut planes);
                let mut code = vec![0; codec.bytes()];
                let sum = kernels::run(PlaneSum(&codec, &planes, &row, &mut code));
                let mut rotated = query.clone();
                codec.rotation.rotate(&mut rotated);
                let (mut exact, mut size) = (0.0, 0.0);
                for (at, x) in rotated.iter().enumerate() {
                    let shift = at * bits as usize % 8;
                    let level = code[at * bits as usize / 8] >> shift & ((1 << bits) - 1) as u8;
                    let point = f32::from(level) - ((1 << bits) - 1) as f32 / 2.0;
                    exact += point * x;
                    size += point.abs();
                }
                let bound = planes.slope / 2.0 * size * 1.001;
                assert!((sum - exact).abs() <= bound, "{bits} bits, {dimensions}: {sum} for {exact}");
                assert!(exact.abs() > bound / 20.0 || dimensions > 100, "the product says something");
            }
        }
    }

    #[test]
    fn a_zero_query_and_a_zero_row_estimate_zero() {
        let codec = RabitqCodec::new(2, 20);
        let mut tables = Tables::default();
        let rows = vec![vec![0.0; 20], vec![1.0; 20]];
        let estimates =
            kernels::run(Estimates { codec: &codec, query: &[0.0; 20], rows: &rows, tables: &mut tables });
        assert_eq!([estimates[0].0, estimates[1].0], [0.0, 0.0]);
    }
}
