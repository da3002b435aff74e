//! Arrays that grow without moving: rows of equal length in chunks of about 1 MiB.
//!
//! A plain vector doubles by copying, which at a gigabyte needs three, and WebAssembly memory never shrinks again.
//! Here only the last chunk grows, and a refused allocation is an error that leaves the array as it was.

use bytemuck::{AnyBitPattern, NoUninit};

use crate::error::Error;

/// Size at which a chunk is full. A chunk holds a power of two of rows and at least one.
const CHUNK_BYTES: usize = 1 << 20;

/// Rows of `stride` values each. With a stride of 1, an array.
#[derive(Debug, Clone)]
pub(crate) struct Chunks<T> {
    chunks: Vec<Vec<T>>,
    stride: usize,
    /// Rows of a full chunk, as a power of two.
    shift: u32,
    rows: usize,
}

impl<T: NoUninit + AnyBitPattern> Chunks<T> {
    pub(crate) fn new(stride: usize) -> Self {
        let row_bytes = stride * size_of::<T>();
        let shift = (CHUNK_BYTES / row_bytes).max(1).ilog2();
        Self { chunks: Vec::new(), stride, shift, rows: 0 }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Values of a row.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> &[T] {
        let start = (row & ((1 << self.shift) - 1)) * self.stride;
        &self.chunks[row >> self.shift][start..start + self.stride]
    }

    #[inline(always)]
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [T] {
        let start = (row & ((1 << self.shift) - 1)) * self.stride;
        &mut self.chunks[row >> self.shift][start..start + self.stride]
    }

    /// The only value of a row of stride 1.
    #[inline(always)]
    pub(crate) fn get(&self, row: usize) -> T {
        debug_assert_eq!(self.stride, 1, "get is for arrays");
        self.chunks[row >> self.shift][row & ((1 << self.shift) - 1)]
    }

    /// Sets the only value of a row of stride 1.
    pub(crate) fn set(&mut self, row: usize, value: T) {
        self.row_mut(row)[0] = value;
    }

    /// Makes the array `rows` long; new rows are filled with `value`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; the array is then as before.
    pub(crate) fn grow(&mut self, rows: usize, value: T) -> Result<(), Error> {
        let before = self.rows;
        while self.rows < rows {
            if let Err(error) = self.grow_last(rows, value) {
                self.shrink(before);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Moves the rows about: row `i` takes what row `order[i]` held. In place, along the cycles of the permutation.
    pub(crate) fn permute(&mut self, order: &[u32]) {
        assert_eq!(order.len(), self.rows, "a permutation says for every row which one it takes");
        let mut moved = vec![false; order.len()];
        let (mut first, mut passing) = (Vec::new(), Vec::new());
        for start in 0..order.len() {
            if moved[start] || order[start] as usize == start {
                continue;
            }
            first.clear();
            first.extend_from_slice(self.row(start));
            let mut to = start;
            loop {
                moved[to] = true;
                let from = order[to] as usize;
                if from == start {
                    self.row_mut(to).copy_from_slice(&first);
                    break;
                }
                passing.clear();
                passing.extend_from_slice(self.row(from));
                self.row_mut(to).copy_from_slice(&passing);
                to = from;
            }
        }
    }

    /// Cuts the array to `rows` rows.
    pub(crate) fn shrink(&mut self, rows: usize) {
        if rows >= self.rows {
            return;
        }
        self.chunks.truncate(rows.div_ceil(1 << self.shift));
        let in_last = rows - (self.chunks.len().saturating_sub(1) << self.shift);
        if let Some(last) = self.chunks.last_mut() {
            last.truncate(in_last * self.stride);
        }
        self.rows = rows;
    }

    /// Fills the last chunk, or a new one, as far as `rows` needs and the chunk has room.
    fn grow_last(&mut self, rows: usize, value: T) -> Result<(), Error> {
        let full = self.stride << self.shift;
        if self.chunks.last().is_none_or(|last| last.len() == full) {
            self.chunks.try_reserve(1).map_err(|_| Error::OutOfMemory { bytes: size_of::<Vec<T>>() })?;
            self.chunks.push(Vec::new());
        }
        let last_index = self.chunks.len() - 1;
        let last = &mut self.chunks[last_index];
        let wanted = full.min((rows - (last_index << self.shift)) * self.stride);
        if wanted > last.capacity() {
            // Doubling inside one chunk keeps single inserts cheap and copies a megabyte at most.
            let capacity = wanted.max(2 * last.capacity()).min(full);
            let more = capacity - last.len();
            last.try_reserve_exact(more).map_err(|_| Error::OutOfMemory { bytes: more * size_of::<T>() })?;
        }
        last.resize(wanted, value);
        self.rows = (last_index << self.shift) + wanted / self.stride;
        Ok(())
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.capacity() * size_of::<T>()).sum()
    }

    /// The content as bytes, chunk after chunk.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks.iter().map(|chunk| bytemuck::cast_slice(chunk))
    }

    /// The content as writable bytes, chunk after chunk.
    pub(crate) fn parts_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.chunks.iter_mut().map(|chunk| bytemuck::cast_slice_mut(chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_values_across_chunks_and_shrinking() {
        // 3 × 100,000 × 4 bytes: rows span several chunks of one row each.
        let mut chunks = Chunks::<u32>::new(100_000);
        chunks.grow(3, 7).unwrap();
        chunks.row_mut(2)[99_999] = 9;
        assert_eq!((chunks.row(0)[0], chunks.row(2)[99_999], chunks.len()), (7, 9, 3));
        chunks.shrink(1);
        chunks.grow(3, 8).unwrap();
        assert_eq!((chunks.row(0)[99_999], chunks.row(2)[99_999]), (7, 8));
    }

    #[test]
    fn a_permutation_moves_every_row_once() {
        let mut chunks = Chunks::<u32>::new(2);
        chunks.grow(6, 0).unwrap();
        (0..6).for_each(|row| chunks.row_mut(row).fill(row as u32));
        let order = [3, 0, 2, 5, 4, 1];
        chunks.permute(&order);
        assert_eq!(std::array::from_fn(|row| chunks.row(row)[1]), order);
    }

    #[test]
    fn a_refused_allocation_is_an_error_and_changes_nothing() {
        let mut chunks = Chunks::<u64>::new(isize::MAX as usize / size_of::<u64>());
        let error = chunks.grow(1, 0).unwrap_err();
        assert_eq!(error.code(), "OutOfMemory");
        assert_eq!((chunks.len(), chunks.bytes()), (0, 0));
        chunks.grow(0, 0).unwrap();
    }

    #[test]
    fn arrays_grow_one_by_one_without_waste() {
        let mut chunks = Chunks::<u64>::new(1);
        for i in 0..300_000 {
            chunks.grow(i + 1, i as u64).unwrap();
        }
        assert!((0..300_000).all(|i| chunks.get(i) == i as u64));
        assert!(chunks.bytes() <= 300_000 * 8 + CHUNK_BYTES);
        assert_eq!(chunks.parts().map(<[u8]>::len).sum::<usize>(), 300_000 * 8);
    }
}
