//! Plain loops: the meaning of every kernel, and what runs where no faster one exists.

use super::{CODES_PER_STEP, Kernels, LANES, Task, add_lanes, check_lengths};

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
    fn prefetch<T>(self, _row: &[T]) {}
}
