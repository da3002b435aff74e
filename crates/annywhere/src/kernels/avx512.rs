//! AVX-512 with VNNI (Intel from Ice Lake, AMD from Zen 4): twice the integer lanes of AVX2.
//!
//! Sums of floats have eight lanes everywhere, so they stay with AVX2; sums of integers take the wider registers.
#![expect(unsafe_code, reason = "register loads and entering code compiled for detected features")]

use std::arch::x86_64::{
    __m256i, __m512i, _mm_add_epi32, _mm_storeu_si128, _mm256_add_epi16, _mm256_add_epi32,
    _mm256_castsi256_si128, _mm256_cmpge_epu16_mask, _mm256_extracti128_si256, _mm256_hadd_epi32,
    _mm256_loadu_si256, _mm256_permute2x128_si256, _mm256_set1_epi16, _mm256_slli_epi16, _mm256_storeu_si256,
    _mm256_sub_epi16, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16, _mm512_add_epi8, _mm512_add_epi16,
    _mm512_and_si512, _mm512_castsi512_si256, _mm512_cvtepi8_epi16, _mm512_dpwssd_epi32,
    _mm512_extracti64x4_epi64, _mm512_loadu_si512, _mm512_maskz_loadu_epi16, _mm512_set1_epi8,
    _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_shuffle_i64x2, _mm512_srli_epi16,
};

use super::avx2::Avx2;
use super::{
    BLOCK_ROWS, CODES_PER_STEP, GROUPED_BYTES, Kernels, TABLE_ENTRIES, Task, check_block, check_lengths,
};

/// Proof that the processor has AVX-512 F, BW, VL and VNNI: only [`Avx512::detect`] makes one.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("popcnt");
        there.then_some(Self(()))
    }

    pub(super) fn run<T: Task>(self, task: T) -> T::Output {
        #[target_feature(enable = "avx2,popcnt,avx512f,avx512bw,avx512vl,avx512vnni")]
        fn with_features<T: Task>(kernels: Avx512, task: T) -> T::Output {
            task.run(kernels)
        }
        // SAFETY: `self` exists only where `detect` found all of these.
        unsafe { with_features(self, task) }
    }
}

/// Halves of a register, added.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn fold(sum: __m512i) -> __m256i {
    _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn add_integers(sums: [__m512i; 4]) -> [i32; 4] {
    let [a, b, c, d] = [fold(sums[0]), fold(sums[1]), fold(sums[2]), fold(sums[3])];
    let pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    let total = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256::<1>(pairs));
    let mut out = [0; 4];
    // SAFETY: `out` has room for four i32.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), total) };
    out
}

impl Kernels for Avx512 {
    #[inline(always)]
    fn dot_codes(self, query: &[i16], rows: [&[i8]; 4]) -> [i32; 4] {
        check_lengths(query, &rows, CODES_PER_STEP);
        // SAFETY: AVX-512 is present wherever an `Avx512` is; all rows have the query's length, a multiple of 16, of which
        // every step takes 32 and the last one, masked, what is left.
        unsafe {
            let mut sums = [_mm512_setzero_si512(); 4];
            let whole = query.len() / WIDE * WIDE;
            for at in (0..whole).step_by(WIDE) {
                let q = _mm512_loadu_si512(query.as_ptr().add(at).cast());
                for (sum, row) in sums.iter_mut().zip(rows) {
                    let x = _mm512_cvtepi8_epi16(_mm256_loadu_si256(row.as_ptr().add(at).cast()));
                    *sum = _mm512_dpwssd_epi32(*sum, q, x);
                }
            }
            if whole < query.len() {
                let q = _mm512_maskz_loadu_epi16(0xFFFF, query.as_ptr().add(whole));
                for (sum, row) in sums.iter_mut().zip(rows) {
                    let x = std::arch::x86_64::_mm256_maskz_loadu_epi8(0xFFFF, row.as_ptr().add(whole));
                    *sum = _mm512_dpwssd_epi32(*sum, q, _mm512_cvtepi8_epi16(x));
                }
            }
            add_integers(sums)
        }
    }

    #[inline(always)]
    fn dot(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        Avx2::of(self).dot(query, rows)
    }

    #[inline(always)]
    fn squared_l2(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        Avx2::of(self).squared_l2(query, rows)
    }

    #[inline(always)]
    fn l1(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        Avx2::of(self).l1(query, rows)
    }

    /// As on AVX2, with two bytes of every row in a register: the halves are added in the end.
    #[inline(always)]
    fn block_sums(self, tables: &[u8], codes: &[u8], least: u16, sums: &mut [u16; BLOCK_ROWS]) -> u32 {
        check_block(tables, codes);
        const { assert!(GROUPED_BYTES == 2, "a register holds the bytes that are grouped") };
        // SAFETY: AVX-512 is present wherever an `Avx512` is; `check_block` has compared the lengths that the steps rely on.
        unsafe {
            let low = _mm512_set1_epi8(15);
            let (mut whole, mut odd) = (_mm512_setzero_si512(), _mm512_setzero_si512());
            let (mut tables, mut rows) = (tables.as_ptr(), codes.as_ptr());
            for _ in 0..codes.len() / (2 * BLOCK_ROWS) {
                let code = _mm512_loadu_si512(rows.cast());
                // Four tables; each byte of a code looks its low nibble up in an even one and its high one in an odd one.
                let four = _mm512_loadu_si512(tables.cast());
                let even_tables = _mm512_shuffle_i64x2::<0b10_10_00_00>(four, four);
                let odd_tables = _mm512_shuffle_i64x2::<0b11_11_01_01>(four, four);
                let first = _mm512_shuffle_epi8(even_tables, _mm512_and_si512(code, low));
                let high = _mm512_and_si512(_mm512_srli_epi16::<4>(code), low);
                let bytes = _mm512_add_epi8(first, _mm512_shuffle_epi8(odd_tables, high));
                whole = _mm512_add_epi16(whole, bytes);
                odd = _mm512_add_epi16(odd, _mm512_srli_epi16::<8>(bytes));
                (rows, tables) = (rows.add(2 * BLOCK_ROWS), tables.add(4 * TABLE_ENTRIES));
            }
            let halves =
                |sum| _mm256_add_epi16(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum));
            let odd = halves(odd);
            let even = _mm256_sub_epi16(halves(whole), _mm256_slli_epi16::<8>(odd));
            let least = _mm256_set1_epi16(least as i16);
            let (even_reached, odd_reached) =
                (_mm256_cmpge_epu16_mask(even, least), _mm256_cmpge_epu16_mask(odd, least));
            if even_reached | odd_reached == 0 {
                return 0;
            }
            let (near, far) = (_mm256_unpacklo_epi16(even, odd), _mm256_unpackhi_epi16(even, odd));
            let out = sums.as_mut_ptr().cast::<__m256i>();
            _mm256_storeu_si256(out, _mm256_permute2x128_si256::<0x20>(near, far));
            _mm256_storeu_si256(out.add(1), _mm256_permute2x128_si256::<0x31>(near, far));
            interleave(even_reached) | interleave(odd_reached) << 1
        }
    }

    #[inline(always)]
    fn dot_bits<const OURS: usize, const THEIRS: usize>(self, query: &[u64], rows: [&[u64]; 4]) -> [i32; 4] {
        Avx2::of(self).dot_bits::<OURS, THEIRS>(query, rows)
    }

    #[inline(always)]
    fn prefetch<T>(self, row: &[T]) {
        Avx2::of(self).prefetch(row);
    }
}

/// Codes that a step takes.
const WIDE: usize = 2 * CODES_PER_STEP;

/// Puts a zero behind every bit.
#[inline(always)]
fn interleave(bits: u16) -> u32 {
    let mut spread = u32::from(bits);
    spread = (spread | spread << 8) & 0x00FF_00FF;
    spread = (spread | spread << 4) & 0x0F0F_0F0F;
    spread = (spread | spread << 2) & 0x3333_3333;
    (spread | spread << 1) & 0x5555_5555
}
