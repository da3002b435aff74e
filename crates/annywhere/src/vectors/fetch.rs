//! Rows that are read from their file while they are ranked.

use half::f16;

use super::{Vectors, inverse_length};
use crate::error::Error;
use crate::kernels::Kernels;
use crate::metric::Metric;
use crate::options::Precision;
use crate::slots::Slot;
use crate::space::{Fetched, Query};
use crate::store::Section;

impl Vectors {
    /// Reads padded rows that lie one after the other in the file, from this slot on.
    pub(super) fn fetch(&self, section: &Section, slot: Slot, rows: &mut [f32]) -> Result<(), Error> {
        // Files may be larger than the memory that addresses count.
        let first = u64::from(slot) * self.width() as u64;
        if self.precision == Precision::F32 {
            return section.read_at(first * size_of::<f32>() as u64, bytemuck::cast_slice_mut(rows));
        }
        // Halves are read into the second half of the room and moved up from there: none is overwritten before its turn.
        let count = rows.len();
        let halves: &mut [f16] = bytemuck::cast_slice_mut(rows);
        section.read_at(first * size_of::<f16>() as u64, bytemuck::cast_slice_mut(&mut halves[count..]))?;
        for at in 0..count {
            let halves: &[f16] = bytemuck::cast_slice(rows);
            rows[at] = halves[count + at].to_f32();
        }
        Ok(())
    }

    /// Reads four padded rows, one after the other.
    fn fetch_four(&self, section: &Section, slots: [Slot; 4], rows: &mut Vec<f32>) -> Result<(), Error> {
        let width = self.width();
        rows.resize(4 * width, 0.0);
        if slots[3] == slots[0] + 3 && slots.is_sorted_by(|a, b| a < b) {
            // Neighbours in the file come in one piece.
            return self.fetch(section, slots[0], rows);
        }
        let mut before = None;
        let mut failure = Ok(());
        for (&slot, row) in slots.iter().zip(0..4) {
            // The last slot of a group that is not full is repeated.
            if before == Some(slot) {
                rows.copy_within((row - 1) * width..row * width, row * width);
            } else {
                failure = failure.and(self.fetch(section, slot, &mut rows[row * width..][..width]));
            }
            before = Some(slot);
        }
        failure
    }

    /// Ranks rows of the file; infinite if one of them cannot be read. Others are read all the same, so that a source that
    /// has to bring them from far hears of all that a search needs.
    pub(super) fn ranks_in_file<K: Kernels>(
        &self,
        kernels: K,
        section: &Section,
        query: &Query,
        slots: [Slot; 4],
    ) -> [f32; 4] {
        let Fetched { rows, failure } = &mut *query.fetched.borrow_mut();
        if let Err(error) = self.fetch_four(section, slots, rows) {
            failure.get_or_insert(error);
            return [f32::INFINITY; 4];
        }
        let width = self.width();
        let row = |at: usize| &rows[at * width..][..width];
        let rows = [row(0), row(1), row(2), row(3)];
        let inverse_lengths = match self.metric {
            Metric::Cosine => rows.map(|row| inverse_length(kernels.dot(row, [row; 4])[0])),
            _ => [0.0; 4],
        };
        let ranks = self.rank(kernels, query, rows, inverse_lengths);
        if ranks.iter().any(|rank| !rank.is_finite()) {
            let reason = format!("one of the slots {slots:?} holds components that no insert accepts");
            failure.get_or_insert(Error::corrupt("vectors", reason));
            return [f32::INFINITY; 4];
        }
        ranks
    }
}
