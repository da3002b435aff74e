//! Plain loops: the meaning of every kernel, and what runs where no faster one exists.

use super::{
    BLOCK_ROWS, CODES_PER_STEP, Kernels, LANES, TABLE_ENTRIES, Task, add_lanes, check_block, check_lengths,
};

#[derive(Clone, Copy)]
pub(super) struct Scalar;

#[cfg_attr(
    any(target_arch = "aarch64", all(target_arch = "wasm32", target_feature = "simd128")),
    expect(dead_code, reason = "this target always has its own kernels; tests still compare with these")
)]
pub(super) fn run<T: Task>(task: T) -> T::Output {
    task.run(Scalar)
}

#[cfg_attr(
    any(target_arch = "aarch64", all(target_arch = "wasm32", target_feature = "simd128")),
    expect(dead_code, reason = "this target always has its own kernels")
)]
pub(super) fn name() -> &'static str {
    "none"
}

#[inline(always)]
fn sum(query: &[f32], rows: [&[f32]; 4], term: impl Fn(f32, f32) -> f32) -> [f32; 4] {
    check_lengths(query, &rows, LANES);
    rows.map(|row| {
        let mut lanes = [0.0; LANES];
        for (q, x) in query.chunks_exact(LANES).zip(row.chunks_exact(LANES)) {
            for lane in 0..LANES {
                lanes[lane] += term(q[lane], x[lane]);
            }
        }
        add_lanes(lanes)
    })
}

/// `values[i] *= factors[i]`. The length is a multiple of [`LANES`].
#[cfg_attr(
    all(target_arch = "wasm32", target_feature = "simd128"),
    expect(dead_code, reason = "this target always has its own kernels")
)]
#[inline(always)]
pub(crate) fn multiply(values: &mut [f32], factors: &[f32]) {
    for (value, factor) in values.iter_mut().zip(factors) {
        *value *= factor;
    }
}

/// Puts sums in the place of `low` and differences in the place of `high`. The length is a multiple of [`LANES`].
#[cfg_attr(
    all(target_arch = "wasm32", target_feature = "simd128"),
    expect(dead_code, reason = "this target always has its own kernels")
)]
#[inline(always)]
pub(crate) fn butterflies(low: &mut [f32], high: &mut [f32]) {
    for (low, high) in low.iter_mut().zip(high) {
        (*low, *high) = (*low + *high, *low - *high);
    }
}

impl Kernels for Scalar {
    #[inline(always)]
    fn dot_codes(self, query: &[i16], rows: [&[i8]; 4]) -> [i32; 4] {
        check_lengths(query, &rows, CODES_PER_STEP);
        rows.map(|row| query.iter().zip(row).map(|(&q, &x)| i32::from(q) * i32::from(x)).sum())
    }

    #[inline(always)]
    fn dot(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum(query, rows, |q, x| q * x)
    }

    #[inline(always)]
    fn squared_l2(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum(query, rows, |q, x| (q - x) * (q - x))
    }

    #[inline(always)]
    fn l1(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum(query, rows, |q, x| (q - x).abs())
    }

    #[inline(always)]
    fn block_sums(self, tables: &[u8], codes: &[u8], least: u16, sums: &mut [u16; BLOCK_ROWS]) -> u32 {
        check_block(tables, codes);
        sums.fill(0);
        for (bytes, pair) in codes.chunks_exact(BLOCK_ROWS).zip(tables.chunks_exact(2 * TABLE_ENTRIES)) {
            for (sum, byte) in sums.iter_mut().zip(bytes) {
                let (low, high) = (usize::from(byte & 15), usize::from(byte >> 4));
                *sum += u16::from(pair[low]) + u16::from(pair[TABLE_ENTRIES + high]);
            }
        }
        sums.iter().enumerate().map(|(row, &sum)| u32::from(sum >= least) << row).sum()
    }

    #[inline(always)]
    fn prefetch<T>(self, _row: &[T]) {}
}
