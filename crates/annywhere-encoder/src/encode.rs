//! The encoder: words → pieces → sum of rows → unit length.

use crate::error::TableError;
use crate::sums::{WIDTH, add_scaled, normalize};
use crate::table::Table;
use crate::words::{Word, split};

/// A static text encoder over one table.
#[derive(Debug)]
pub struct Encoder {
    table: Table,
}

/// Working memory of [`Encoder::encode`]; one per thread, reused from text to text.
#[derive(Debug, Default)]
pub struct Scratch {
    word: Word,
    rows: Vec<u32>,
}

impl Encoder {
    /// Reads a table, or the first `dimensions` of its columns (a multiple of 64), and copies what it needs.
    ///
    /// # Errors
    ///
    /// For any bytes that are not an intact table with that many dimensions. Never panics, and never allocates
    /// more than a small multiple of `bytes`.
    pub fn from_bytes(bytes: &[u8], dimensions: Option<usize>) -> Result<Self, TableError> {
        Ok(Self { table: Table::parse(bytes, dimensions)? })
    }

    /// Length of the vectors.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.table.panels.len() * WIDTH
    }

    /// Number of pieces in the vocabulary.
    #[must_use]
    pub fn token_count(&self) -> usize {
        self.table.scales.len()
    }

    /// Whether [`project`](Self::project) is possible.
    #[must_use]
    pub fn has_projection(&self) -> bool {
        self.table.projection.is_some()
    }

    /// Rows of the pieces of `text`, in text order, repeats included.
    pub fn pieces<'scratch>(&self, text: &str, scratch: &'scratch mut Scratch) -> &'scratch [u32] {
        let Scratch { word, rows } = scratch;
        rows.clear();
        split(text, word, |word| {
            self.table.vocabulary.match_word(word, rows);
        });
        rows
    }

    /// Writes the unit vector of `text` to `out` and returns the number of pieces found.
    ///
    /// Zero means that the text has no direction, as nothing in it is known: `out` is all zeros, and a search with
    /// it would be meaningless. Time and memory grow linearly with the text.
    ///
    /// # Panics
    ///
    /// If `out` is not [`dimensions`](Self::dimensions) long.
    pub fn encode(&self, text: &str, scratch: &mut Scratch, out: &mut [f32]) -> usize {
        assert_eq!(out.len(), self.dimensions(), "the output has to have the table's dimensions");
        let rows = self.pieces(text, scratch);
        let (parts, _) = out.as_chunks_mut::<WIDTH>();
        for (part, panel) in parts.iter_mut().zip(&self.table.panels) {
            let mut sum = [0.0; WIDTH];
            for &row in rows {
                add_scaled(&mut sum, &panel[row as usize], self.table.scales[row as usize]);
            }
            *part = sum;
        }
        if normalize(out) { rows.len() } else { 0 }
    }

    /// Projects a teacher's vector (of any length but zero) into the table's space, as a unit vector.
    ///
    /// For collections whose documents were embedded by the teacher and are searched with [`encode`](Self::encode).
    ///
    /// # Errors
    ///
    /// If the table has no projection, a slice has the wrong length, or `teacher` is zero or not finite.
    pub fn project(&self, teacher: &[f32], out: &mut [f32]) -> Result<(), TableError> {
        let projection = self.table.projection.as_ref().ok_or(TableError::NoProjection)?;
        if out.len() != self.dimensions() {
            return Err(TableError::VectorLength { expected: self.dimensions(), received: out.len() });
        }
        projection.apply(teacher, out)
    }
}
