//! What the graph walks on: the rows' codes, or the original vectors where nothing is quantized.

use crate::chunks::Chunks;
use crate::compact::Compact;
use crate::error::Error;
use crate::kernels::{self, Kernels, Task};
use crate::metric::Metric;
use crate::options::{Options, Quantization};
use crate::quantize::scalar::{Line, ScalarCodec};
use crate::scratch::Scratches;
use crate::slots::{Slot, Slots};
use crate::space::{Query, Space};
use crate::vectors::{LARGEST_SQUARE, Vectors};

/// Candidates that are rescored by int8 codes: 15 to 30 for ten rows found on every data set what all of them did. A long list
/// is asked for where that is not enough, as among rows that codes hardly tell apart.
const RESCORED: usize = 16;
const RESCORED_PER_ROW: usize = 2;
const RESCORED_OF_LIST: usize = 4;

/// The codes of all slots.
#[derive(Debug)]
pub(crate) enum Codes {
    /// The original vectors.
    None,
    /// One byte per dimension, on which the graph is built, too.
    Scalar(Scalar),
    /// Fewer bits; the graph is built on the original vectors.
    Compact(Box<Compact>),
}

#[derive(Debug)]
pub(crate) struct Scalar {
    codec: ScalarCodec,
    /// What is subtracted from every vector, under euclidean only, where that changes no distance: far from the origin a
    /// step of the codes would be larger than the rows are apart. The mean of the rows that came first.
    centre: Vec<f32>,
    rows: Chunks<Line>,
}

/// Ranks by what the graph walks on. One type for all codes: the graph's code exists once in the binary, and a match for
/// every four rows costs nothing that can be measured.
#[derive(Clone, Copy)]
pub(crate) enum CodeSpace<'a> {
    Vectors(&'a Vectors),
    Scalar(&'a Scalar),
    Compact(&'a Compact, &'a Vectors),
}

impl Space for CodeSpace<'_> {
    #[inline(always)]
    fn aim_at_vector(self, vector: &[f32], query: &mut Query) {
        match self {
            Self::Vectors(vectors) => vectors.aim_at_vector(vector, query),
            Self::Scalar(scalar) => {
                let Query { residual, .. } = query;
                let mut residual = std::mem::take(residual);
                scalar.subtract_centre(vector, &mut residual);
                scalar.codec.aim_at_vector(&residual, query);
                query.residual = residual;
            }
            Self::Compact(codes, vectors) => {
                vectors.aim_at_vector(vector, query);
                codes.aim(query);
            }
        }
    }

    #[inline(always)]
    fn aim_at_slot(self, slot: Slot, query: &mut Query) {
        match self {
            Self::Vectors(vectors) => vectors.aim_at_slot(slot, query),
            Self::Scalar(Scalar { codec, rows, .. }) => codec.aim_at_row(rows.row(slot as usize), query),
            Self::Compact(codes, vectors) => {
                vectors.aim_at_slot(slot, query);
                codes.aim(query);
            }
        }
    }

    #[inline(always)]
    fn ranks<K: Kernels>(self, kernels: K, query: &Query, slots: [Slot; 4]) -> [f32; 4] {
        match self {
            Self::Vectors(vectors) => vectors.ranks(kernels, query, slots),
            Self::Scalar(Scalar { codec, rows, .. }) => {
                // Not `map`, which stays a call in a build for size.
                let [a, b, c, d] = slots;
                let row = |slot: Slot| rows.row(slot as usize);
                codec.ranks(kernels, query, [row(a), row(b), row(c), row(d)])
            }
            Self::Compact(codes, _) => codes.ranks(kernels, query, slots),
        }
    }

    fn are_equal(self, a: Slot, b: Slot) -> bool {
        match self {
            Self::Scalar(Scalar { rows, .. }) => rows.row(a as usize) == rows.row(b as usize),
            Self::Vectors(vectors) | Self::Compact(_, vectors) => vectors.are_equal(a, b),
        }
    }

    #[inline(always)]
    fn prefetch<K: Kernels>(self, kernels: K, slot: Slot) {
        match self {
            Self::Vectors(vectors) => vectors.prefetch(kernels, slot),
            Self::Scalar(Scalar { rows, .. }) => kernels.prefetch(rows.row(slot as usize)),
            Self::Compact(codes, _) => codes.prefetch(kernels, slot),
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

impl Scalar {
    #[inline(always)]
    fn subtract_centre(&self, vector: &[f32], residual: &mut Vec<f32>) {
        residual.clear();
        residual.extend_from_slice(vector);
        for (x, centre) in residual.iter_mut().zip(&self.centre) {
            *x -= centre;
        }
    }

    pub(crate) fn codec(&self) -> ScalarCodec {
        self.codec
    }

    pub(crate) fn rows(&self) -> &Chunks<Line> {
        &self.rows
    }

    pub(crate) fn centre(&self) -> &[f32] {
        &self.centre
    }

    /// Takes over what a file holds; says what nothing can have written.
    pub(crate) fn replace(&mut self, rows: Chunks<Line>, centre: Vec<f32>) -> Result<(), String> {
        // A mean of rows lies where rows may lie. NaN and infinities fail the comparison.
        let is_mean = centre.iter().map(|x| x * x).sum::<f32>() <= LARGEST_SQUARE * 1.01;
        if centre.len() != self.centre.len() || !is_mean {
            return Err("their centre is not where rows can be".to_owned());
        }
        if let Some(slot) = (0..rows.len()).find(|&slot| !ScalarCodec::is_sound(rows.row(slot))) {
            return Err(format!("slot {slot} has a scale that no insert writes"));
        }
        (self.rows, self.centre) = (rows, centre);
        Ok(())
    }
}

impl Codes {
    pub(crate) fn new(options: &Options) -> Self {
        if let Some(compact) = Compact::new(options) {
            return Self::Compact(Box::new(compact));
        }
        if options.quantization != Quantization::Scalar {
            return Self::None;
        }
        let codec = ScalarCodec::new(options.distance_metric, options.dimensions);
        let is_centred = options.distance_metric == Metric::Euclidean;
        let centre = vec![0.0; if is_centred { options.dimensions } else { 0 }];
        Self::Scalar(Scalar { codec, centre, rows: Chunks::new(codec.lines()) })
    }

    /// The codes of few bits, once rows have them.
    fn compact(&self) -> Option<&Compact> {
        match self {
            Self::Compact(codes) if codes.is_trained() => Some(codes),
            _ => None,
        }
    }

    /// Whether rows have codes.
    pub(crate) fn is_some(&self) -> bool {
        matches!(self, Self::Scalar(_)) || self.are_rough()
    }

    /// Whether ranks are so rough that the nearest rows may lie behind many others.
    pub(crate) fn are_rough(&self) -> bool {
        self.compact().is_some()
    }

    /// The rows as a search sees them.
    pub(crate) fn space<'a>(&'a self, vectors: &'a Vectors) -> CodeSpace<'a> {
        let compact = self.compact().map(|codes| CodeSpace::Compact(codes, vectors));
        compact.unwrap_or_else(|| self.links_space(vectors))
    }

    /// The rows as the graph is built on them.
    pub(crate) fn links_space<'a>(&'a self, vectors: &'a Vectors) -> CodeSpace<'a> {
        match self {
            Self::Scalar(scalar) => CodeSpace::Scalar(scalar),
            Self::None | Self::Compact(_) => CodeSpace::Vectors(vectors),
        }
    }

    /// The list in which codes have as many of the nearest rows as vectors have in one of `ef`.
    pub(crate) fn widened(&self, ef: usize) -> usize {
        self.compact().map_or(ef, |codes| (ef as f32 * codes.widening()) as usize)
    }

    /// So many candidates of a list of `ef`, nearest first by their codes, have the `k` nearest of them all among them.
    pub(crate) fn rescored(&self, k: usize, ef: usize) -> usize {
        match self {
            Self::Scalar(_) => (RESCORED_PER_ROW * k + RESCORED).max(ef / RESCORED_OF_LIST),
            Self::None | Self::Compact(_) => ef,
        }
    }

    /// Makes room for `slots` slots.
    pub(crate) fn reserve(&mut self, slots: usize) -> Result<(), Error> {
        match self {
            Self::None => Ok(()),
            Self::Scalar(scalar) => scalar.rows.grow(slots, bytemuck::Zeroable::zeroed()),
            Self::Compact(codes) => codes.rows_mut().grow(slots, 0),
        }
    }

    /// Forgets the slots from `slots` on.
    pub(crate) fn shrink(&mut self, slots: usize) {
        match self {
            Self::None => {}
            Self::Scalar(scalar) => scalar.rows.shrink(slots),
            Self::Compact(codes) => codes.rows_mut().shrink(slots),
        }
    }

    /// Codes the vectors of new slots, which are among `slots`.
    pub(crate) fn set(&mut self, new: &[Slot], vectors: &Vectors, slots: &Slots, scratches: &Scratches) {
        match self {
            Self::None => {}
            Self::Scalar(scalar) => {
                let are_first = slots.live() == new.len() && slots.dead() == 0;
                if are_first && !scalar.centre.is_empty() {
                    scalar.centre = vectors.mean(new);
                }
                let mut residual = Vec::new();
                for &slot in new {
                    scalar.subtract_centre(vectors.get(slot), &mut residual);
                    let row = scalar.rows.row_mut(slot as usize);
                    kernels::run(Encode { codec: scalar.codec, vector: &residual, row });
                }
            }
            Self::Compact(codes) => codes.set(new, vectors, slots, scratches),
        }
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Scalar(scalar) => scalar.rows.bytes(),
            Self::Compact(codes) => codes.rows().bytes(),
        }
    }
}
