//! Rows that are read from their file while they are ranked.

use super::{Vectors, inverse_length};
use crate::error::Error;
use crate::kernels::Kernels;
use crate::metric::Metric;
use crate::slots::Slot;
use crate::space::{Fetched, Query};
use crate::store::Section;

impl Vectors {
    /// Reads a padded row from the file.
    pub(super) fn fetch(&self, section: &Section, slot: Slot, row: &mut [f32]) -> Result<(), Error> {
        let row_bytes = size_of_val(row) as u64;
        section.read_at(u64::from(slot) * row_bytes, bytemuck::cast_slice_mut(row))
    }

    /// Reads four padded rows, one after the other.
    fn fetch_four(&self, section: &Section, slots: [Slot; 4], rows: &mut Vec<f32>) -> Result<(), Error> {
        let width = self.width();
        rows.resize(4 * width, 0.0);
        if slots[3] == slots[0] + 3 && slots.is_sorted_by(|a, b| a < b) {
            // Neighbours in the file come in one piece.
            let all_bytes = size_of_val(rows.as_slice()) as u64;
            return section.read_at(u64::from(slots[0]) * all_bytes / 4, bytemuck::cast_slice_mut(rows));
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
