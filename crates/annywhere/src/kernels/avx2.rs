//! AVX2: the eight lanes of a sum in one register.
//!
//! AVX2 machines have FMA too, but it is not used: it rounds once where the other platforms round twice. Scoring four
//! rows at a time, separate multiply and add is within 10 % of it.
#![expect(unsafe_code, reason = "register loads and entering code compiled for detected features")]

use std::arch::x86_64::{
    __m256, __m256i, _MM_HINT_T0, _mm_add_epi32, _mm_add_ps, _mm_loadu_si128, _mm_movehl_ps, _mm_movelh_ps,
    _mm_prefetch, _mm_storeu_ps, _mm_storeu_si128, _mm_unpackhi_ps, _mm_unpacklo_ps, _mm256_add_epi8,
    _mm256_add_epi16, _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256, _mm256_andnot_ps,
    _mm256_blendv_epi8, _mm256_broadcastsi128_si256, _mm256_castps256_ps128, _mm256_castsi256_si128,
    _mm256_cmpeq_epi16, _mm256_cvtepi8_epi16, _mm256_extractf128_ps, _mm256_extracti128_si256,
    _mm256_hadd_epi32, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_max_epu16,
    _mm256_movemask_epi8, _mm256_mul_ps, _mm256_permute2x128_si256, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16,
    _mm256_srli_epi16, _mm256_storeu_si256, _mm256_sub_epi16, _mm256_sub_ps, _mm256_unpackhi_epi16,
    _mm256_unpacklo_epi16,
};

use super::{
    BLOCK_ROWS, CODES_PER_STEP, GROUPED_BYTES, Kernels, LANES, LINE_BYTES, PREFETCHED_LINES, TABLE_ENTRIES,
    Task, check_block, check_lengths, count_bits,
};

/// Proof that the processor has AVX2 and POPCNT: only [`Avx2::detect`] makes one.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt")).then_some(Self(()))
    }

    /// What every processor with AVX-512 has, too.
    pub(super) fn of(_: super::avx512::Avx512) -> Self {
        Self(())
    }

    pub(super) fn run<T: Task>(self, task: T) -> T::Output {
        #[target_feature(enable = "avx2,popcnt")]
        fn with_features<T: Task>(kernels: Avx2, task: T) -> T::Output {
            task.run(kernels)
        }
        // SAFETY: `self` exists only where `detect` found AVX2.
        unsafe { with_features(self, task) }
    }
}

/// Sums `$term` over all components, four rows at once, in the canonical order. A macro, because a closure would be
/// compiled without the features of the caller.
macro_rules! sum {
    ($query:ident, $rows:ident, |$q:ident, $x:ident| $term:expr) => {{
        check_lengths($query, &$rows, LANES);
        // SAFETY: AVX2 is present wherever an `Avx2` is; all rows have the query's length, a multiple of LANES.
        unsafe {
            let mut sums = [_mm256_setzero_ps(); 4];
            for at in (0..$query.len()).step_by(LANES) {
                let $q = _mm256_loadu_ps($query.as_ptr().add(at));
                for (sum, row) in sums.iter_mut().zip($rows) {
                    let $x = _mm256_loadu_ps(row.as_ptr().add(at));
                    *sum = _mm256_add_ps(*sum, $term);
                }
            }
            add_lanes(sums)
        }
    }};
}

/// The canonical tree on four registers at once, by transposing after the first level.
#[inline]
#[target_feature(enable = "avx2")]
fn add_lanes(sums: [__m256; 4]) -> [f32; 4] {
    // Written out: `map` on arrays is not inlined here.
    let halves = |sum| _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
    let [a, b, c, d] = [halves(sums[0]), halves(sums[1]), halves(sums[2]), halves(sums[3])];
    let (ab_low, ab_high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
    let (cd_low, cd_high) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
    let even = _mm_add_ps(_mm_movelh_ps(ab_low, cd_low), _mm_movelh_ps(ab_high, cd_high));
    let odd = _mm_add_ps(_mm_movehl_ps(cd_low, ab_low), _mm_movehl_ps(cd_high, ab_high));
    let mut out = [0.0; 4];
    // SAFETY: `out` has room for four f32.
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), _mm_add_ps(even, odd)) };
    out
}

#[inline]
#[target_feature(enable = "avx2")]
fn add_integers(sums: [__m256i; 4]) -> [i32; 4] {
    let pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
    let total = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256::<1>(pairs));
    let mut out = [0; 4];
    // SAFETY: `out` has room for four i32.
    unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), total) };
    out
}

/// A function of its own: it is used in a dozen places, and takes its room in each.
#[inline(never)]
#[target_feature(enable = "avx2,popcnt")]
fn count_bits_at_once<const OURS: usize, const THEIRS: usize>(query: &[u64], rows: [&[u64]; 4]) -> [i32; 4] {
    count_bits::<OURS, THEIRS>(query, rows)
}

impl Kernels for Avx2 {
    #[inline(always)]
    fn dot_codes(self, query: &[i16], rows: [&[i8]; 4]) -> [i32; 4] {
        check_lengths(query, &rows, CODES_PER_STEP);
        // SAFETY: AVX2 is present wherever an `Avx2` is; all rows have the query's length, a multiple of 16.
        unsafe {
            let mut sums = [_mm256_setzero_si256(); 4];
            for at in (0..query.len()).step_by(CODES_PER_STEP) {
                let q = _mm256_loadu_si256(query.as_ptr().add(at).cast());
                for (sum, row) in sums.iter_mut().zip(rows) {
                    let x = _mm256_cvtepi8_epi16(_mm_loadu_si128(row.as_ptr().add(at).cast()));
                    *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(q, x));
                }
            }
            add_integers(sums)
        }
    }

    #[inline(always)]
    fn dot(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum!(query, rows, |q, x| _mm256_mul_ps(q, x))
    }

    #[inline(always)]
    fn squared_l2(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum!(query, rows, |q, x| {
            let difference = _mm256_sub_ps(q, x);
            _mm256_mul_ps(difference, difference)
        })
    }

    #[inline(always)]
    fn l1(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        sum!(query, rows, |q, x| _mm256_andnot_ps(_mm256_set1_ps(-0.0), _mm256_sub_ps(q, x)))
    }

    /// Bytes are summed as the two halves of 16-bit numbers: `whole` keeps both halves mixed, `odd` the upper ones, and
    /// in the end the upper ones are taken out of the mixture.
    #[inline(always)]
    fn block_sums(self, tables: &[u8], codes: &[u8], least: u16, sums: &mut [u16; BLOCK_ROWS]) -> u32 {
        check_block(tables, codes);
        // SAFETY: AVX2 is present wherever an `Avx2` is; `check_block` has compared the lengths that the steps rely on.
        unsafe {
            let low = _mm256_set1_epi8(15);
            let (mut whole, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
            let (mut tables, mut rows) = (tables.as_ptr(), codes.as_ptr());
            for _ in 0..codes.len() / (BLOCK_ROWS * GROUPED_BYTES) {
                let mut bytes = _mm256_setzero_si256();
                for _ in 0..GROUPED_BYTES {
                    let code = _mm256_loadu_si256(rows.cast());
                    let first = _mm256_broadcastsi128_si256(_mm_loadu_si128(tables.cast()));
                    let second =
                        _mm256_broadcastsi128_si256(_mm_loadu_si128(tables.add(TABLE_ENTRIES).cast()));
                    let first = _mm256_shuffle_epi8(first, _mm256_and_si256(code, low));
                    let high = _mm256_and_si256(_mm256_srli_epi16::<4>(code), low);
                    let second = _mm256_shuffle_epi8(second, high);
                    bytes = _mm256_add_epi8(bytes, _mm256_add_epi8(first, second));
                    (rows, tables) = (rows.add(BLOCK_ROWS), tables.add(2 * TABLE_ENTRIES));
                }
                whole = _mm256_add_epi16(whole, bytes);
                odd = _mm256_add_epi16(odd, _mm256_srli_epi16::<8>(bytes));
            }
            let even = _mm256_sub_epi16(whole, _mm256_slli_epi16::<8>(odd));
            let least = _mm256_set1_epi16(least as i16);
            let reached = _mm256_blendv_epi8(
                _mm256_cmpeq_epi16(_mm256_max_epu16(even, least), even),
                _mm256_cmpeq_epi16(_mm256_max_epu16(odd, least), odd),
                _mm256_set1_epi16(0xFF00_u16 as i16),
            );
            let reached = _mm256_movemask_epi8(reached) as u32;
            if reached != 0 {
                let (near, far) = (_mm256_unpacklo_epi16(even, odd), _mm256_unpackhi_epi16(even, odd));
                let out = sums.as_mut_ptr().cast::<__m256i>();
                _mm256_storeu_si256(out, _mm256_permute2x128_si256::<0x20>(near, far));
                _mm256_storeu_si256(out.add(1), _mm256_permute2x128_si256::<0x31>(near, far));
            }
            reached
        }
    }

    #[inline(always)]
    fn dot_bits<const OURS: usize, const THEIRS: usize>(self, query: &[u64], rows: [&[u64]; 4]) -> [i32; 4] {
        // SAFETY: POPCNT is present wherever an `Avx2` is.
        unsafe { count_bits_at_once::<OURS, THEIRS>(query, rows) }
    }

    #[inline(always)]
    fn prefetch<T>(self, row: &[T]) {
        let lines = size_of_val(row).div_ceil(LINE_BYTES).min(PREFETCHED_LINES);
        for line in 0..lines {
            // SAFETY: prefetching never faults; the address lies inside `row`.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(row.as_ptr().cast::<i8>().add(line * LINE_BYTES));
            }
        }
    }
}
