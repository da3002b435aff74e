//! What the graph walks on: the rows' codes, or the original vectors where nothing is quantized.

use crate::chunks::Chunks;
use crate::error::Error;
use crate::kernels::{self, Kernels, Task};
use crate::options::{Options, Quantization};
use crate::quantize::scalar::{Line, ScalarCodec};
use crate::slots::Slot;
use crate::space::{Query, Space};
use crate::vectors::Vectors;

/// The codes of all slots.
#[derive(Debug)]
pub(crate) enum Codes {
    /// The original vectors.
    None,
    Scalar {
        codec: ScalarCodec,
        rows: Chunks<Line>,
    },
}

/// Ranks by what the graph walks on. One type for all codes: the graph's code exists once in the binary, and a match for
/// every four rows costs nothing that can be measured.
#[derive(Clone, Copy)]
pub(crate) enum CodeSpace<'a> {
    Vectors(&'a Vectors),
    Scalar { codec: ScalarCodec, rows: &'a Chunks<Line> },
}

impl Space for CodeSpace<'_> {
    #[inline(always)]
    fn aim_at_vector(self, vector: &[f32], query: &mut Query) {
        match self {
            Self::Vectors(vectors) => vectors.aim_at_vector(vector, query),
            Self::Scalar { codec, .. } => codec.aim_at_vector(vector, query),
        }
    }

    #[inline(always)]
    fn aim_at_slot(self, slot: Slot, query: &mut Query) {
        match self {
            Self::Vectors(vectors) => vectors.aim_at_slot(slot, query),
            Self::Scalar { codec, rows } => codec.aim_at_row(rows.row(slot as usize), query),
        }
    }

    #[inline(always)]
    fn ranks<K: Kernels>(self, kernels: K, query: &Query, slots: [Slot; 4]) -> [f32; 4] {
        match self {
            Self::Vectors(vectors) => vectors.ranks(kernels, query, slots),
            Self::Scalar { codec, rows } => {
                // Not `map`, which stays a call in a build for size.
                let [a, b, c, d] = slots;
                let row = |slot: Slot| rows.row(slot as usize);
                codec.ranks(kernels, query, [row(a), row(b), row(c), row(d)])
            }
        }
    }

    fn are_equal(self, a: Slot, b: Slot) -> bool {
        match self {
            Self::Vectors(vectors) => vectors.are_equal(a, b),
            Self::Scalar { rows, .. } => rows.row(a as usize) == rows.row(b as usize),
        }
    }

    #[inline(always)]
    fn prefetch<K: Kernels>(self, kernels: K, slot: Slot) {
        match self {
            Self::Vectors(vectors) => vectors.prefetch(kernels, slot),
            Self::Scalar { rows, .. } => kernels.prefetch(rows.row(slot as usize)),
        }
    }
}

/// Codes one row with the fastest instructions.
struct Encode<'a> {
    codec: ScalarCodec,
    vector: &'a [f32],
    row: &'a mut [Line],
}

impl Task for Encode<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernels>(self, _kernels: K) {
        self.codec.encode(self.vector, self.row);
    }
}

impl Codes {
    pub(crate) fn new(options: &Options) -> Self {
        if options.quantization != Quantization::Scalar {
            return Self::None;
        }
        let codec = ScalarCodec::new(options.distance_metric, options.dimensions);
        Self::Scalar { codec, rows: Chunks::new(codec.lines()) }
    }

    /// Whether rows have codes.
    pub(crate) fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The rows as the graph sees them.
    pub(crate) fn space<'a>(&'a self, vectors: &'a Vectors) -> CodeSpace<'a> {
        match self {
            Self::None => CodeSpace::Vectors(vectors),
            Self::Scalar { codec, rows } => CodeSpace::Scalar { codec: *codec, rows },
        }
    }

    /// Makes room for `slots` slots.
    pub(crate) fn reserve(&mut self, slots: usize) -> Result<(), Error> {
        match self {
            Self::None => Ok(()),
            Self::Scalar { rows, .. } => rows.grow(slots, bytemuck::Zeroable::zeroed()),
        }
    }

    /// Forgets the slots from `slots` on.
    pub(crate) fn shrink(&mut self, slots: usize) {
        if let Self::Scalar { rows, .. } = self {
            rows.shrink(slots);
        }
    }

    /// Codes the vector of a slot.
    pub(crate) fn set(&mut self, slot: Slot, vector: &[f32]) {
        if let Self::Scalar { codec, rows } = self {
            kernels::run(Encode { codec: *codec, vector, row: rows.row_mut(slot as usize) });
        }
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Scalar { rows, .. } => rows.bytes(),
        }
    }
}
