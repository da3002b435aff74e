//! Brings a teacher's vector into the table's space: `unit((unit(teacher) − m) U)`.

use crate::error::{Section, TableError};
use crate::sums::{WIDTH, add_multiple, norm, normalize};

#[derive(Debug)]
pub(crate) struct Projection {
    /// m, one number per teacher dimension.
    mean: Box<[f32]>,
    /// U, one row per teacher dimension, cut to the table's dimensions.
    axes: Box<[f32]>,
}

impl Projection {
    /// `section` is mean and axes of the full file; `dimensions` is how many columns of the axes to keep.
    pub(crate) fn parse(section: &[u8], teacher: usize, dimensions: usize) -> Result<Self, TableError> {
        let numbers = section.as_chunks().0.iter().map(|&word| f32::from_le_bytes(word));
        if !numbers.clone().all(f32::is_finite) {
            return Err(TableError::Malformed {
                section: Section::Projection,
                rule: "a number is not finite",
            });
        }
        let numbers: Vec<f32> = numbers.collect();
        let (mean, axes) = numbers.split_at(teacher);
        let full_width = axes.len() / teacher;
        debug_assert_eq!(full_width % WIDTH, 0);
        let axes = axes.chunks_exact(full_width).flat_map(|row| &row[..dimensions]).copied().collect();
        Ok(Self { mean: mean.into(), axes })
    }

    /// `out` has the table's dimensions.
    pub(crate) fn apply(&self, teacher: &[f32], out: &mut [f32]) -> Result<(), TableError> {
        if teacher.len() != self.mean.len() {
            return Err(TableError::VectorLength { expected: self.mean.len(), received: teacher.len() });
        }
        if let Some(index) = teacher.iter().position(|entry| !entry.is_finite()) {
            return Err(TableError::NotFinite { index });
        }
        let length = norm(teacher);
        if length == 0.0 || !length.is_finite() {
            return Err(TableError::NoDirection);
        }
        out.fill(0.0);
        for ((&entry, &mean), row) in teacher.iter().zip(&self.mean).zip(self.axes.chunks_exact(out.len())) {
            add_multiple(out, row, entry / length - mean);
        }
        if normalize(out) { Ok(()) } else { Err(TableError::NoDirection) }
    }
}
