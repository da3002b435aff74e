//! NEON, present on every aarch64 processor: the eight lanes of a sum in two registers.
#![expect(unsafe_code, reason = "register loads")]

use std::arch::aarch64::{
    float32x4_t, vabdq_f32, vaddq_f32, vaddq_u8, vaddq_u16, vaddvq_s32, vandq_u8, vdupq_n_f32, vdupq_n_s32,
    vdupq_n_u8, vdupq_n_u16, vget_high_s8, vget_high_s16, vget_low_s8, vget_low_s16, vld1q_f32, vld1q_s8,
    vld1q_s16, vld1q_u8, vmlal_s16, vmovl_s8, vmulq_f32, vqtbl1q_u8, vreinterpretq_u16_u8, vshlq_n_u16,
    vshrq_n_u8, vshrq_n_u16, vst1q_f32, vst1q_u16, vsubq_f32, vsubq_u16, vzip1q_u16, vzip2q_u16,
};

use super::{
    BLOCK_ROWS, CODES_PER_STEP, GROUPED_BYTES, Kernels, LANES, LINE_BYTES, PREFETCHED_LINES, TABLE_ENTRIES,
    Task, add_lanes, check_block, check_lengths,
};

#[derive(Clone, Copy)]
pub(super) struct Neon;

pub(super) fn run<T: Task>(task: T) -> T::Output {
    task.run(Neon)
}

pub(super) fn name() -> &'static str {
    "neon"
}

/// Lanes of one register.
const HALF: usize = LANES / 2;

/// Sums `$term` over all components, four rows at once, in the canonical order.
macro_rules! sum {
    ($query:ident, $rows:ident, |$q:ident, $x:ident| $term:expr) => {{
        check_lengths($query, &$rows, LANES);
        // SAFETY: NEON is part of the target; all rows have the query's length, a multiple of LANES.
        unsafe {
            let mut low = [vdupq_n_f32(0.0); 4];
            let mut high = [vdupq_n_f32(0.0); 4];
            for at in (0..$query.len()).step_by(LANES) {
                let (q_low, q_high) =
                    (vld1q_f32($query.as_ptr().add(at)), vld1q_f32($query.as_ptr().add(at + HALF)));
                for row in 0..4 {
                    let ($q, $x) = (q_low, vld1q_f32($rows[row].as_ptr().add(at)));
                    low[row] = vaddq_f32(low[row], $term);
                    let ($q, $x) = (q_high, vld1q_f32($rows[row].as_ptr().add(at + HALF)));
                    high[row] = vaddq_f32(high[row], $term);
                }
            }
            [0, 1, 2, 3].map(|row| total(low[row], high[row]))
        }
    }};
}

#[inline(always)]
fn total(low: float32x4_t, high: float32x4_t) -> f32 {
    let mut lanes = [0.0; LANES];
    // SAFETY: `lanes` has room for two registers.
    unsafe {
        vst1q_f32(lanes.as_mut_ptr(), low);
        vst1q_f32(lanes.as_mut_ptr().add(HALF), high);
    }
    add_lanes(lanes)
}

impl Kernels for Neon {
    #[inline(always)]
    fn dot_codes(self, query: &[i16], rows: [&[i8]; 4]) -> [i32; 4] {
        check_lengths(query, &rows, CODES_PER_STEP);
        // SAFETY: NEON is part of the target; all rows have the query's length, a multiple of CODES_PER_STEP.
        unsafe {
            let mut sums = [vdupq_n_s32(0); 4];
            for at in (0..query.len()).step_by(CODES_PER_STEP) {
                let (q_low, q_high) =
                    (vld1q_s16(query.as_ptr().add(at)), vld1q_s16(query.as_ptr().add(at + 8)));
                for (sum, row) in sums.iter_mut().zip(rows) {
                    let codes = vld1q_s8(row.as_ptr().add(at));
                    let (low, high) = (vmovl_s8(vget_low_s8(codes)), vmovl_s8(vget_high_s8(codes)));
                    *sum = vmlal_s16(*sum, vget_low_s16(q_low), vget_low_s16(low));
                    *sum = vmlal_s16(*sum, vget_high_s16(q_low), vget_high_s16(low));
                    *sum = vmlal_s16(*sum, vget_low_s16(q_high), vget_low_s16(high));
                    *sum = vmlal_s16(*sum, vget_high_s16(q_high), vget_high_s16(high));
                }
            }
            sums.map(|sum| vaddvq_s32(sum))
        }
    }

    #[inline(always)]
    fn dot(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum!(query, rows, |q, x| vmulq_f32(q, x))
    }

    #[inline(always)]
    fn squared_l2(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum!(query, rows, |q, x| {
            let difference = vsubq_f32(q, x);
            vmulq_f32(difference, difference)
        })
    }

    #[inline(always)]
    fn l1(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum!(query, rows, |q, x| vabdq_f32(q, x))
    }

    /// As on AVX2, with the rows of a block in two registers.
    #[inline(always)]
    fn block_sums(self, tables: &[u8], codes: &[u8], least: u16, sums: &mut [u16; BLOCK_ROWS]) -> u32 {
        check_block(tables, codes);
        // SAFETY: NEON is part of the target; `check_block` has compared the lengths that the steps rely on.
        unsafe {
            let low = vdupq_n_u8(15);
            let mut whole = [vdupq_n_u16(0); 2];
            let mut odd = [vdupq_n_u16(0); 2];
            let (mut table, mut rows) = (tables.as_ptr(), codes.as_ptr());
            for _ in 0..codes.len() / (BLOCK_ROWS * GROUPED_BYTES) {
                let mut bytes = [vdupq_n_u8(0); 2];
                for _ in 0..GROUPED_BYTES {
                    let (first, second) = (vld1q_u8(table), vld1q_u8(table.add(TABLE_ENTRIES)));
                    for half in 0..2 {
                        let code = vld1q_u8(rows.add(half * BLOCK_ROWS / 2));
                        let picked = vaddq_u8(
                            vqtbl1q_u8(first, vandq_u8(code, low)),
                            vqtbl1q_u8(second, vshrq_n_u8::<4>(code)),
                        );
                        bytes[half] = vaddq_u8(bytes[half], picked);
                    }
                    (rows, table) = (rows.add(BLOCK_ROWS), table.add(2 * TABLE_ENTRIES));
                }
                for half in 0..2 {
                    let pairs = vreinterpretq_u16_u8(bytes[half]);
                    whole[half] = vaddq_u16(whole[half], pairs);
                    odd[half] = vaddq_u16(odd[half], vshrq_n_u16::<8>(pairs));
                }
            }
            for half in 0..2 {
                let even = vsubq_u16(whole[half], vshlq_n_u16::<8>(odd[half]));
                let out = sums[half * BLOCK_ROWS / 2..].as_mut_ptr();
                vst1q_u16(out, vzip1q_u16(even, odd[half]));
                vst1q_u16(out.add(BLOCK_ROWS / 4), vzip2q_u16(even, odd[half]));
            }
        }
        let mut reached = 0;
        for (row, &sum) in sums.iter().enumerate() {
            reached |= u32::from(sum >= least) << row;
        }
        reached
    }

    #[inline(always)]
    fn prefetch<T>(self, row: &[T]) {
        let lines = size_of_val(row).div_ceil(LINE_BYTES).min(PREFETCHED_LINES);
        for line in 0..lines {
            // SAFETY: a prefetch never faults and changes nothing; the address lies inside `row`.
            unsafe {
                std::arch::asm!(
                    "prfm pldl1keep, [{address}]",
                    address = in(reg) row.as_ptr().cast::<u8>().add(line * LINE_BYTES),
                    options(nostack, preserves_flags, readonly)
                );
            }
        }
    }
}
