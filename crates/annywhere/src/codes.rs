//! What the graph walks on: the rows' codes, or the original vectors where nothing is quantized.

use crate::chunks::Chunks;
use crate::error::Error;
use crate::kernels::{self, Kernels, Task};
use crate::options::{Options, Quantization};
use crate::quantize::scalar::{Line, ScalarCodec};
use crate::slots::Slot;
use crate::space::{Query, Space};

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

/// Ranks by int8 codes.
#[derive(Clone, Copy)]
pub(crate) struct ScalarSpace<'a> {
    pub(crate) codec: ScalarCodec,
    pub(crate) rows: &'a Chunks<Line>,
}

impl Space for ScalarSpace<'_> {
    #[inline(always)]
    fn aim_at_vector(self, vector: &[f32], query: &mut Query) {
        self.codec.aim_at_vector(vector, query);
    }

    #[inline(always)]
    fn aim_at_slot(self, slot: Slot, query: &mut Query) {
        self.codec.aim_at_row(self.rows.row(slot as usize), query);
    }

    #[inline(always)]
    fn ranks<K: Kernels>(self, kernels: K, query: &Query, slots: [Slot; 4]) -> [f32; 4] {
        self.codec.ranks(kernels, query, slots.map(|slot| self.rows.row(slot as usize)))
    }

    fn are_equal(self, a: Slot, b: Slot) -> bool {
        self.rows.row(a as usize) == self.rows.row(b as usize)
    }

    #[inline(always)]
    fn prefetch<K: Kernels>(self, kernels: K, slot: Slot) {
        kernels.prefetch(self.rows.row(slot as usize));
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
