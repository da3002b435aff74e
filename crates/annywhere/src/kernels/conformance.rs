//! One suite for every instruction set: plain sums written once more, as simply as possible, define the truth.

use super::{BLOCK_ROWS, GROUPED_BYTES, Kernels, TABLE_ENTRIES, Task};
use crate::rng::mix;

/// Lengths with a reason: one step, an odd number of steps, two register groups, common embedding sizes, a long one.
const LENGTHS: [usize; 8] = [0, 16, 48, 64, 112, 384, 784, 3_072];
/// The largest query entry that a 12-bit query uses, and the largest code.
const EXTREME_QUERY: i16 = 4_095;
const EXTREME_CODE: i8 = 127;

struct Conformance;

impl Task for Conformance {
    type Output = ();

    fn run<K: Kernels>(self, kernels: K) {
        for length in LENGTHS {
            codes_agree(kernels, length);
            sums_of_small_integers_are_exact(kernels, length);
            sums_of_reals_have_the_canonical_bits(kernels, length);
        }
        for bytes_per_row in [0, 2, 4, 26, 48, 196, 510] {
            blocks_agree(kernels, bytes_per_row);
        }
    }
}

/// A reproducible number in [-1, 1).
fn real(seed: u64) -> f32 {
    (mix(seed) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}

fn rows_of<T>(flat: &[T], length: usize) -> [&[T]; 4] {
    [0, 1, 2, 3].map(|row| &flat[row * length..(row + 1) * length])
}

fn codes_agree<K: Kernels>(kernels: K, length: usize) {
    for extreme in [false, true] {
        let query: Vec<i16> = (0..length as u64)
            .map(|i| {
                if extreme {
                    [EXTREME_QUERY, -EXTREME_QUERY][i as usize % 2]
                } else {
                    (mix(i) % 8191) as i16 - 4095
                }
            })
            .collect();
        let flat: Vec<i8> =
            (0..4 * length as u64)
                .map(|i| {
                    if extreme {
                        [EXTREME_CODE, -EXTREME_CODE][i as usize % 2]
                    } else {
                        (mix(!i) % 255) as i8
                    }
                })
                .collect();
        let rows = rows_of(&flat, length);
        let expected = rows.map(|row| {
            let mut sum = 0i64;
            for i in 0..length {
                sum += i64::from(query[i]) * i64::from(row[i]);
            }
            i32::try_from(sum).expect("the chosen inputs fit 32 bits")
        });
        assert_eq!(kernels.dot_codes(&query, rows), expected, "length {length}, extreme {extreme}");
    }
}

/// Integers up to 32 sum exactly in f32 whatever the order, so a kernel that skips or repeats a component shows.
fn sums_of_small_integers_are_exact<K: Kernels>(kernels: K, length: usize) {
    let small = |seed: u64| (mix(seed) % 65) as f32 - 32.0;
    let query: Vec<f32> = (0..length as u64).map(small).collect();
    let flat: Vec<f32> = (0..4 * length as u64).map(|i| small(!i)).collect();
    let rows = rows_of(&flat, length);
    let expect = |term: fn(f64, f64) -> f64| {
        rows.map(|row| {
            query.iter().zip(row).map(|(&q, &x)| term(f64::from(q), f64::from(x))).sum::<f64>() as f32
        })
    };
    assert_eq!(kernels.dot(&query, rows), expect(|q, x| q * x), "length {length}");
    assert_eq!(kernels.squared_l2(&query, rows), expect(|q, x| (q - x) * (q - x)), "length {length}");
    assert_eq!(kernels.l1(&query, rows), expect(|q, x| (q - x).abs()), "length {length}");
}

fn sums_of_reals_have_the_canonical_bits<K: Kernels>(kernels: K, length: usize) {
    let query: Vec<f32> = (0..length as u64).map(real).collect();
    let flat: Vec<f32> = (0..4 * length as u64).map(|i| real(!i) * 1e3).collect();
    let rows = rows_of(&flat, length);
    let expect = |term: fn(f32, f32) -> f32| {
        rows.map(|row| {
            let mut s = [0.0f32; 8];
            for i in 0..length {
                s[i % 8] += term(query[i], row[i]);
            }
            (((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))).to_bits()
        })
    };
    let bits = |sums: [f32; 4]| sums.map(f32::to_bits);
    assert_eq!(bits(kernels.dot(&query, rows)), expect(|q, x| q * x), "length {length}");
    assert_eq!(bits(kernels.squared_l2(&query, rows)), expect(|q, x| (q - x) * (q - x)), "length {length}");
    assert_eq!(bits(kernels.l1(&query, rows)), expect(|q, x| (q - x).abs()), "length {length}");
}

/// Rows of which every nibble is 15 pick the largest sums that the contract allows.
fn blocks_agree<K: Kernels>(kernels: K, bytes_per_row: usize) {
    let most = (255 / (2 * GROUPED_BYTES)).min(65_535 / (2 * bytes_per_row).max(1)) as u8;
    let tables: Vec<u8> = (0..2 * bytes_per_row * TABLE_ENTRIES)
        .map(
            |at| if at % TABLE_ENTRIES == 15 { most } else { (mix(at as u64) % (u64::from(most) + 1)) as u8 },
        )
        .collect();
    let codes: Vec<u8> = (0..bytes_per_row * BLOCK_ROWS)
        .map(|at| if (at % BLOCK_ROWS).is_multiple_of(5) { 0xFF } else { mix(!(at as u64)) as u8 })
        .collect();
    let expected: [u16; BLOCK_ROWS] = std::array::from_fn(|row| {
        let mut sum = 0;
        for byte in 0..bytes_per_row {
            let code = usize::from(codes[byte * BLOCK_ROWS + row]);
            sum += u16::from(tables[2 * byte * TABLE_ENTRIES + code % 16]);
            sum += u16::from(tables[(2 * byte + 1) * TABLE_ENTRIES + code / 16]);
        }
        sum
    });
    let (largest, median) = (expected.iter().copied().max().unwrap(), expected[1]);
    for least in [0, 1, median, median.saturating_add(1), largest, largest.saturating_add(1), u16::MAX] {
        let mut sums = [9; BLOCK_ROWS];
        let reached = kernels.block_sums(&tables, &codes, least, &mut sums);
        for (row, &sum) in expected.iter().enumerate() {
            assert_eq!(
                reached >> row & 1 == 1,
                sum >= least,
                "{bytes_per_row} bytes, row {row}, at least {least}"
            );
        }
        if reached != 0 {
            assert_eq!(sums, expected, "{bytes_per_row} bytes, at least {least}");
        }
    }
}

#[test]
fn plain_loops_conform() {
    Conformance.run(super::scalar::Scalar);
}

#[test]
fn the_fastest_kernels_of_this_machine_conform() {
    super::run(Conformance);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn every_instruction_set_of_this_processor_conforms() {
    use super::{avx2::Avx2, avx512::Avx512};
    let (avx2, avx512) = (Avx2::detect(), Avx512::detect());
    if let Some(kernels) = avx2 {
        kernels.run(Conformance);
    }
    if let Some(kernels) = avx512 {
        kernels.run(Conformance);
    }
    let expected = if avx512.is_some() { "avx512" } else { "avx2" };
    assert_eq!(super::simd() == expected, is_x86_feature_detected!("avx2"));
}

#[test]
#[should_panic(expected = "rows are as long as the query")]
fn a_short_row_is_refused_before_any_load() {
    struct ShortRow;
    impl Task for ShortRow {
        type Output = [f32; 4];
        fn run<K: Kernels>(self, kernels: K) -> [f32; 4] {
            kernels.dot(&[0.0; 16], [&[0.0; 16], &[0.0; 16], &[0.0; 8], &[0.0; 16]])
        }
    }
    super::run(ShortRow);
}
