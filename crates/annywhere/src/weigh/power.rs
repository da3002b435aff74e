//! Powers, with the same bits everywhere: additions, multiplications and divisions in one order, which IEEE 754 defines.
//! Their relative error stays under 1e-9, a fiftieth of what a score's 32-bit float resolves.

use std::f64::consts::{LN_2, LOG2_E, SQRT_2};

/// Coefficients of the series of e^x, `1 / n!` from the highest on. The tenth term adds less than 2e-11 where |x| ≤ ln 2 / 2.
const FACTORS: [f64; 10] = [
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];
const BIAS: i64 = 1_023;
const FRACTION_BITS: u32 = 52;

/// 2^x: 0 below the smallest normal number, infinite above the largest.
#[inline(never)]
pub(super) fn exp2(x: f64) -> f64 {
    let whole = (x + 0.5).floor();
    if whole < -1_022.0 {
        return 0.0;
    }
    if whole > 1_023.0 {
        return f64::INFINITY;
    }
    let part = (x - whole) * LN_2;
    let series = FACTORS.iter().fold(0.0, |sum, factor| sum * part + factor);
    f64::from_bits(((whole as i64 + BIAS) as u64) << FRACTION_BITS) * series
}

/// The logarithm of a positive normal number, by the series of the area tangent.
pub(super) fn log2(x: f64) -> f64 {
    const FRACTION: u64 = (1 << FRACTION_BITS) - 1;
    let bits = x.to_bits();
    let mut exponent = (bits >> FRACTION_BITS) as i64 - BIAS;
    let mut part = f64::from_bits(bits & FRACTION | (BIAS as u64) << FRACTION_BITS);
    if part > SQRT_2 {
        part /= 2.0;
        exponent += 1;
    }
    // |t| < 0.172, so what is left out after t^11 is less than 2e-11.
    let t = (part - 1.0) / (part + 1.0);
    let square = t * t;
    let series = [1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 0.2, 1.0 / 3.0, 1.0]
        .iter()
        .fold(0.0, |sum, factor| sum * square + factor);
    exponent as f64 + 2.0 * t * series * LOG2_E
}

/// `x^exponent` of numbers that are not negative; exact for 1 and, but for rounding, for 2.
#[inline(always)]
pub(super) fn pow(x: f64, exponent: f64) -> f64 {
    if exponent == 1.0 {
        x
    } else if exponent == 2.0 {
        x * x
    } else {
        any_pow(x, exponent)
    }
}

#[inline(never)]
fn any_pow(x: f64, exponent: f64) -> f64 {
    if x < f64::MIN_POSITIVE { 0.0 } else { exp2(exponent * log2(x)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_platform_but_for_their_last_bits() {
        let near = |found: f64, right: f64| (found - right).abs() <= 1e-9 * right.abs();
        for step in -4_000..4_000 {
            let x = f64::from(step) * 0.25 + f64::from(step % 7) * 0.013;
            assert!(near(exp2(x), x.exp2()), "2^{x}");
        }
        for step in 1..2_000 {
            let x = f64::from(step) * 0.001;
            for exponent in [1.0 / 16.0, 0.5, 1.0, 2.0, 2.5, 16.0] {
                assert!(near(pow(x, exponent), x.powf(exponent)), "{x}^{exponent}");
            }
        }
        assert_eq!([exp2(-2_000.0), exp2(f64::NEG_INFINITY), pow(0.0, 3.0)], [0.0; 3]);
        assert_eq!([exp2(2_000.0), exp2(0.0), exp2(-1.0)], [f64::INFINITY, 1.0, 0.5]);
    }
}
