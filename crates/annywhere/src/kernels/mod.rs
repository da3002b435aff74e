//! Distances: one query against four rows at a time, on every instruction set, with the same bits everywhere.
//!
//! Floating-point sums depend on their order, so the order is fixed. A sum over components runs in eight lanes
//! (lane `i % 8`), multiplies and adds separately (no fused multiply-add, which rounds once less), and the lanes are
//! added as `((0+4)+(2+6))+((1+5)+(3+7))`. AVX2 holds the lanes in one register, SIMD128 and NEON in two, plain loops
//! in an array. Integer sums are exact in any order.
//!
//! Four rows share each load of the query and give the processor four independent cache misses at once; on
//! WebAssembly, which cannot prefetch, that is what hides the memory's latency.
//!
//! Callers write a [`Task`] and hand it to [`run`]. The whole task is compiled once per instruction set, so that the
//! kernels inline into its loops; choosing at every call would cost as much as a kernel.
//!
//! This is the only place with `unsafe`: loads of whole registers, and entering code compiled for detected features.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(test)]
mod conformance;
mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
use aarch64 as fastest;
#[cfg(not(any(
    target_arch = "aarch64",
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
use scalar as fastest;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use simd128 as fastest;
#[cfg(target_arch = "x86_64")]
use x86_64 as fastest;

/// Lanes of a floating-point sum; f32 rows and queries are padded with zeros to a multiple of it.
pub(crate) const LANES: usize = 8;
/// Codes that an integer kernel takes per step; coded rows and queries are padded with zeros to a multiple of it.
pub(crate) const CODES_PER_STEP: usize = 16;
/// Rows of a block of nibble codes: the bytes of an AVX2 register, or of two registers elsewhere.
pub(crate) const BLOCK_ROWS: usize = 32;
/// Bytes of a row whose table entries are added up as bytes before they are widened. With one byte less precise tables
/// would not be needed, but recall is the same to 0.0001 and WebAssembly 10 to 25 % slower.
pub(crate) const GROUPED_BYTES: usize = 2;
/// Entries of a table that a nibble picks from.
pub(crate) const TABLE_ENTRIES: usize = 16;
/// Cache lines of a row worth asking for ahead of time; more fill the processor's miss buffers.
#[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "WebAssembly has no prefetch"))]
const PREFETCHED_LINES: usize = 24;
#[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "WebAssembly has no prefetch"))]
const LINE_BYTES: usize = 64;

/// One instruction set's distances. All rows are as long as the query.
pub(crate) trait Kernels: Copy + Send + Sync {
    /// `Σ query[i]·rows[r][i]`, exact. The length is a multiple of [`CODES_PER_STEP`]; the caller keeps the sums in i32.
    fn dot_codes(self, query: &[i16], rows: [&[i8]; 4]) -> [i32; 4];
    /// `Σ query[i]·rows[r][i]`. The length is a multiple of [`LANES`].
    fn dot(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
    /// `Σ (query[i] − rows[r][i])²`. The length is a multiple of [`LANES`].
    fn squared_l2(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
    /// `Σ |query[i] − rows[r][i]|`. The length is a multiple of [`LANES`].
    fn l1(self, query: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
    /// Sums of table entries for the [`BLOCK_ROWS`] rows of a block; returns which rows reach `least`, one bit per row.
    ///
    /// `codes` holds a byte per row and pair of tables, row after row, pair after pair: the low nibble picks from the
    /// first table of the pair, the high one from the second. `tables` holds [`TABLE_ENTRIES`] bytes per table. What a
    /// row can pick from the tables of [`GROUPED_BYTES`] neighbouring bytes sums to at most 255, and from all tables to at
    /// most 65,535. `sums`
    /// is written if any row reaches `least`.
    fn block_sums(self, tables: &[u8], codes: &[u8], least: u16, sums: &mut [u16; BLOCK_ROWS]) -> u32;
    /// `Σ w(p)·w(r)·|query plane p ∧ row plane r|` over bits and planes, exact, with `w(i) = 2^i` but for the last plane of
    /// the query, where it is `−2^i`: the product of numbers in two's complement and unsigned ones, each cut into bits.
    ///
    /// Words of planes lie interleaved: the first word of each plane, then the second of each. Plain loops everywhere,
    /// which processors count bits in as fast as in registers of their own.
    #[inline(always)]
    fn dot_bits<const OURS: usize, const THEIRS: usize>(self, query: &[u64], rows: [&[u64]; 4]) -> [i32; 4] {
        count_bits::<OURS, THEIRS>(query, rows)
    }
    /// Asks for the beginning of a row ahead of its use; does nothing where that is not possible.
    fn prefetch<T>(self, row: &[T]);
}

/// A computation written once for all instruction sets.
///
/// `run` and everything hot that it calls must be `#[inline(always)]`, else it is compiled without the features.
pub(crate) trait Task {
    /// What the computation returns.
    type Output;
    /// The computation.
    fn run<K: Kernels>(self, kernels: K) -> Self::Output;
}

/// Runs a task with the fastest kernels of this machine.
pub(crate) fn run<T: Task>(task: T) -> T::Output {
    fastest::run(task)
}

/// The instruction set that [`run`] uses: `avx512`, `avx2`, `simd128`, `relaxed-simd`, `neon` or `none`.
#[must_use]
pub fn simd() -> &'static str {
    fastest::name()
}

// The .wasm is compiled for size, where compilers keep loops over numbers as they are; elsewhere they become instructions
// of whole registers by themselves.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd128::{butterflies, multiply};

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) use scalar::{butterflies, multiply};

/// See [`Kernels::dot_bits`].
#[inline]
fn count_bits<const OURS: usize, const THEIRS: usize>(query: &[u64], rows: [&[u64]; 4]) -> [i32; 4] {
    let (query, _) = query.as_chunks::<OURS>();
    let [a, b, c, d] = rows;
    let sum = |row: &[u64]| {
        let mut sum = 0;
        for (query, row) in query.iter().zip(row.as_chunks::<THEIRS>().0) {
            for (place, &theirs) in row.iter().enumerate() {
                let mut inner = 0;
                for (weight, &ours) in query.iter().enumerate() {
                    let count = (ours & theirs).count_ones() as i32;
                    inner += if weight + 1 == OURS { -(count << weight) } else { count << weight };
                }
                sum += inner << place;
            }
        }
        sum
    };
    [sum(a), sum(b), sum(c), sum(d)]
}

/// The fixed order in which the eight lanes of a sum are added.
fn add_lanes(lanes: [f32; LANES]) -> f32 {
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// Panics unless there are two tables for every byte of a row, and whole groups of bytes; the loads below rely on it.
#[inline(always)]
fn check_block(tables: &[u8], codes: &[u8]) {
    assert!(
        codes.len().is_multiple_of(BLOCK_ROWS * GROUPED_BYTES),
        "a block's rows are whole groups of bytes"
    );
    assert_eq!(
        tables.len(),
        codes.len() / BLOCK_ROWS * 2 * TABLE_ENTRIES,
        "two tables for every byte of a row"
    );
}

/// Panics unless every row has the query's length and that is a multiple of `step`; the loads below rely on it.
#[inline(always)]
fn check_lengths<Q, R>(query: &[Q], rows: &[&[R]; 4], step: usize) {
    let length = query.len();
    assert!(length.is_multiple_of(step), "a kernel's input is padded to a multiple of {step}");
    assert!(rows.iter().all(|row| row.len() == length), "rows are as long as the query");
}
