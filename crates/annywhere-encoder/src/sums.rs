//! Sums in one fixed order, so that every platform rounds alike. No fused multiply-add, no reordering.

/// Partial sums of a norm: one AVX2 register, two of WebAssembly or NEON.
const LANES: usize = 8;

/// Columns that are added up at once.
pub(crate) const WIDTH: usize = 64;

/// Adds `row × scale` to `sum`.
#[inline]
pub(crate) fn add_scaled(sum: &mut [f32; WIDTH], row: &[i8; WIDTH], scale: f32) {
    for (sum, &entry) in sum.iter_mut().zip(row) {
        *sum += f32::from(entry) * scale;
    }
}

/// Adds `row × factor` to `sum`, entry by entry.
pub(crate) fn add_multiple(sum: &mut [f32], row: &[f32], factor: f32) {
    for (sum, &entry) in sum.iter_mut().zip(row) {
        *sum += entry * factor;
    }
}

/// The Euclidean length of a vector.
pub(crate) fn norm(vector: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    for chunk in vector.chunks(LANES) {
        for (lane, &entry) in lanes.iter_mut().zip(chunk) {
            *lane += entry * entry;
        }
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = lanes;
    (((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))).sqrt()
}

/// Brings a vector to unit length; false, and zeros, if it has no direction.
pub(crate) fn normalize(vector: &mut [f32]) -> bool {
    let norm = norm(vector);
    let has_direction = norm > 0.0 && norm.is_finite();
    for entry in vector {
        *entry = if has_direction { *entry / norm } else { 0.0 };
    }
    has_direction
}
