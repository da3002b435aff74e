//! WebAssembly SIMD128: the eight lanes of a sum in two registers.
//!
//! Every build has the instruction set switched on, so nothing is detected. Of relaxed SIMD only the lookup is used, in a
//! build of its own (`+relaxed-simd`): for indices below 16 it gives the same on every machine, and saves V8 an addition
//! before each one on x86. Its fused multiply-add is not used: that gives other bits on other machines.
#![expect(unsafe_code, reason = "register loads")]

#[cfg(target_feature = "relaxed-simd")]
use std::arch::wasm32::i8x16_relaxed_swizzle as pick;
#[cfg(not(target_feature = "relaxed-simd"))]
use std::arch::wasm32::i8x16_swizzle as pick;
use std::arch::wasm32::{
    f32x4_abs, f32x4_add, f32x4_mul, f32x4_splat, f32x4_sub, i8x16_bitmask, i8x16_shuffle, i16x8_add,
    i16x8_load_extend_i8x8, i16x8_shl, i16x8_shuffle, i16x8_splat, i16x8_sub, i32x4_add, i32x4_dot_i16x8,
    i32x4_shuffle, i32x4_splat, u8x16_add, u8x16_splat, u16x8_ge, u16x8_shr, u16x8_splat, v128, v128_and,
    v128_any_true, v128_load, v128_or, v128_store,
};

use super::{
    BLOCK_ROWS, CODES_PER_STEP, GROUPED_BYTES, Kernels, LANES, TABLE_ENTRIES, Task, check_block,
    check_lengths,
};

#[derive(Clone, Copy)]
pub(super) struct Simd128;

pub(super) fn run<T: Task>(task: T) -> T::Output {
    task.run(Simd128)
}

pub(super) fn name() -> &'static str {
    if cfg!(target_feature = "relaxed-simd") { "relaxed-simd" } else { "simd128" }
}

/// Lanes of one register.
const HALF: usize = LANES / 2;

/// The same statements for each row. Written out, because a build for size keeps the loop and with it the arrays in memory.
macro_rules! each {
    ($row:ident in [$($at:literal),+] $body:block) => {
        $({
            const $row: usize = $at;
            $body
        })+
    };
}

/// Sums `$term` over all components, four rows at once, in the canonical order.
macro_rules! sum {
    ($query:ident, $rows:ident, |$q:ident, $x:ident| $term:expr) => {{
        check_lengths($query, &$rows, LANES);
        let mut low = [f32x4_splat(0.0); 4];
        let mut high = [f32x4_splat(0.0); 4];
        // Pointers that move keep the offsets of the loads constant, which V8 folds into the instruction.
        let mut query = $query.as_ptr();
        let mut rows = [$rows[0].as_ptr(), $rows[1].as_ptr(), $rows[2].as_ptr(), $rows[3].as_ptr()];
        for _ in 0..$query.len() / LANES {
            // SAFETY: all rows have the query's length, and `len / LANES` steps of LANES stay inside it.
            unsafe {
                let (q_low, q_high) = (v128_load(query.cast()), v128_load(query.add(HALF).cast()));
                query = query.add(LANES);
                each!(ROW in [0, 1, 2, 3] {
                    let ($q, $x) = (q_low, v128_load(rows[ROW].cast()));
                    low[ROW] = f32x4_add(low[ROW], $term);
                    let ($q, $x) = (q_high, v128_load(rows[ROW].add(HALF).cast()));
                    high[ROW] = f32x4_add(high[ROW], $term);
                    rows[ROW] = rows[ROW].add(LANES);
                });
            }
        }
        add_lanes(low, high)
    }};
}

/// Turns four rows of four values into four columns.
#[inline(always)]
fn transpose(rows: [v128; 4]) -> [v128; 4] {
    let [a, b, c, d] = rows;
    let (ab_low, ab_high) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
    let (cd_low, cd_high) = (i32x4_shuffle::<0, 4, 1, 5>(c, d), i32x4_shuffle::<2, 6, 3, 7>(c, d));
    [
        i32x4_shuffle::<0, 1, 4, 5>(ab_low, cd_low),
        i32x4_shuffle::<2, 3, 6, 7>(ab_low, cd_low),
        i32x4_shuffle::<0, 1, 4, 5>(ab_high, cd_high),
        i32x4_shuffle::<2, 3, 6, 7>(ab_high, cd_high),
    ]
}

/// The canonical tree on four rows at once.
#[inline(always)]
fn add_lanes(low: [v128; 4], high: [v128; 4]) -> [f32; 4] {
    let [a, b, c, d] = transpose([
        f32x4_add(low[0], high[0]),
        f32x4_add(low[1], high[1]),
        f32x4_add(low[2], high[2]),
        f32x4_add(low[3], high[3]),
    ]);
    let total = f32x4_add(f32x4_add(a, c), f32x4_add(b, d));
    let mut out = [0.0f32; 4];
    // SAFETY: `out` has room for one register.
    unsafe { v128_store(out.as_mut_ptr().cast(), total) };
    out
}

/// `values[i] *= factors[i]`.
#[inline(always)]
pub(crate) fn multiply(values: &mut [f32], factors: &[f32]) {
    for (value, factor) in values.as_chunks_mut::<HALF>().0.iter_mut().zip(factors.as_chunks::<HALF>().0) {
        // SAFETY: both have the room of one register.
        unsafe {
            let product = f32x4_mul(v128_load(value.as_ptr().cast()), v128_load(factor.as_ptr().cast()));
            v128_store(value.as_mut_ptr().cast(), product);
        }
    }
}

/// Puts sums in the place of `low` and differences in the place of `high`.
#[inline(always)]
pub(crate) fn butterflies(low: &mut [f32], high: &mut [f32]) {
    for (low, high) in low.as_chunks_mut::<HALF>().0.iter_mut().zip(high.as_chunks_mut::<HALF>().0) {
        // SAFETY: both have the room of one register.
        unsafe {
            let (a, b) = (v128_load(low.as_ptr().cast()), v128_load(high.as_ptr().cast()));
            v128_store(low.as_mut_ptr().cast(), f32x4_add(a, b));
            v128_store(high.as_mut_ptr().cast(), f32x4_sub(a, b));
        }
    }
}

impl Kernels for Simd128 {
    /// A function of its own: V8 spills registers in one large function; apart, inserts take 0.8 of the time.
    #[inline(never)]
    fn dot_codes(self, query: &[i16], rows: [&[i8]; 4]) -> [i32; 4] {
        check_lengths(query, &rows, CODES_PER_STEP);
        let mut sums = [i32x4_splat(0); 4];
        let steps = query.len() / CODES_PER_STEP;
        let mut query = query.as_ptr();
        let mut rows = [rows[0].as_ptr(), rows[1].as_ptr(), rows[2].as_ptr(), rows[3].as_ptr()];
        for _ in 0..steps {
            // SAFETY: all rows have the query's length, and `steps` steps of CODES_PER_STEP stay inside it.
            unsafe {
                let (q_low, q_high) = (v128_load(query.cast()), v128_load(query.add(8).cast()));
                query = query.add(CODES_PER_STEP);
                each!(ROW in [0, 1, 2, 3] {
                    let low = i32x4_dot_i16x8(q_low, i16x8_load_extend_i8x8(rows[ROW]));
                    let high = i32x4_dot_i16x8(q_high, i16x8_load_extend_i8x8(rows[ROW].add(8)));
                    sums[ROW] = i32x4_add(sums[ROW], i32x4_add(low, high));
                    rows[ROW] = rows[ROW].add(CODES_PER_STEP);
                });
            }
        }
        let [a, b, c, d] = transpose(sums);
        let mut out = [0i32; 4];
        // SAFETY: `out` has room for one register.
        unsafe { v128_store(out.as_mut_ptr().cast(), i32x4_add(i32x4_add(a, b), i32x4_add(c, d))) };
        out
    }

    #[inline(always)]
    fn dot(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum!(query, rows, |q, x| f32x4_mul(q, x))
    }

    #[inline(always)]
    fn squared_l2(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum!(query, rows, |q, x| {
            let difference = f32x4_sub(q, x);
            f32x4_mul(difference, difference)
        })
    }

    #[inline(always)]
    fn l1(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum!(query, rows, |q, x| f32x4_abs(f32x4_sub(q, x)))
    }

    /// As on AVX2, with the rows of a block in two registers. High nibbles are shifted as 16-bit lanes and masked, because
    /// V8 builds the mask of an 8-bit shift anew every time.
    #[inline(never)]
    fn block_sums(self, tables: &[u8], codes: &[u8], least: u16, sums: &mut [u16; BLOCK_ROWS]) -> u32 {
        const { assert!(GROUPED_BYTES == 2, "the bytes that are grouped are written out") };
        check_block(tables, codes);
        let low = u8x16_splat(15);
        let mut whole = [i16x8_splat(0); 2];
        let mut odd = [i16x8_splat(0); 2];
        let (mut table, mut rows) = (tables.as_ptr(), codes.as_ptr());
        for _ in 0..codes.len() / (BLOCK_ROWS * GROUPED_BYTES) {
            let mut bytes = [u8x16_splat(0); 2];
            each!(_BYTE in [0, 1] {
                // SAFETY: `check_block` has compared the lengths that these steps rely on.
                unsafe {
                    let (first, second) =
                        (v128_load(table.cast()), v128_load(table.add(TABLE_ENTRIES).cast()));
                    each!(PART in [0, 1] {
                        let code = v128_load(rows.add(PART * BLOCK_ROWS / 2).cast());
                        let picked = u8x16_add(
                            pick(first, v128_and(code, low)),
                            pick(second, v128_and(u16x8_shr(code, 4), low)),
                        );
                        bytes[PART] = u8x16_add(bytes[PART], picked);
                    });
                    (rows, table) = (rows.add(BLOCK_ROWS), table.add(2 * TABLE_ENTRIES));
                }
            });
            each!(PART in [0, 1] {
                whole[PART] = i16x8_add(whole[PART], bytes[PART]);
                odd[PART] = i16x8_add(odd[PART], u16x8_shr(bytes[PART], 8));
            });
        }
        let even = [i16x8_sub(whole[0], i16x8_shl(odd[0], 8)), i16x8_sub(whole[1], i16x8_shl(odd[1], 8))];
        let least = u16x8_splat(least);
        let mut reached = [u8x16_splat(0); 2];
        each!(PART in [0, 1] {
            // The low byte of every even row and of every odd row, side by side.
            reached[PART] = i8x16_shuffle::<0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30>(
                u16x8_ge(even[PART], least),
                u16x8_ge(odd[PART], least),
            );
        });
        if !v128_any_true(v128_or(reached[0], reached[1])) {
            return 0;
        }
        each!(PART in [0, 1] {
            let near = i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(even[PART], odd[PART]);
            let far = i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(even[PART], odd[PART]);
            let out = sums[PART * BLOCK_ROWS / 2..].as_mut_ptr();
            // SAFETY: sixteen sums lie behind `out`.
            unsafe {
                v128_store(out.cast(), near);
                v128_store(out.add(BLOCK_ROWS / 4).cast(), far);
            }
        });
        u32::from(i8x16_bitmask(reached[0])) | u32::from(i8x16_bitmask(reached[1])) << 16
    }

    /// Touching the row instead makes searches slower (1.2 to 1.3 times at 50,000 rows), so nothing is done.
    #[inline(always)]
    fn prefetch<T>(self, _row: &[T]) {}
}
