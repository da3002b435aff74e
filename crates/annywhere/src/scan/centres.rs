//! The centres of the cells, coded with one signed byte per component.
//!
//! Rows are coded against the centre as its code says it, so nothing of a row's estimate depends on how well the code
//! fits. Ranking all cells reads a quarter of the bytes that f32 centres have, which is most of its time, and few rows
//! of many dimensions do not pay for many large centres.

use crate::kernels::Kernels;
use crate::metric::Metric;
use crate::quantize::kmeans;
use crate::quantize::scalar::{Line, ScalarCodec};
use crate::space::Query;

#[derive(Debug, Clone)]
pub(super) struct Centres {
    codec: ScalarCodec,
    lines: Vec<Line>,
    /// Half the squared length of each.
    halves: Vec<f32>,
    /// Length of the longest.
    longest: f32,
}

impl Centres {
    /// No centres yet.
    pub(super) fn new(dimensions: usize) -> Self {
        let codec = ScalarCodec::new(Metric::Dot, dimensions);
        Self { codec, lines: Vec::new(), halves: Vec::new(), longest: 0.0 }
    }

    /// Codes centres.
    pub(super) fn code(dimensions: usize, centres: &kmeans::Centres) -> Self {
        let empty = Self::new(dimensions);
        let per_centre = empty.codec.lines();
        let mut lines = vec![bytemuck::Zeroable::zeroed(); centres.len() * per_centre];
        for (index, line) in lines.chunks_exact_mut(per_centre).enumerate() {
            empty.codec.encode(centres.get(index), line);
        }
        empty.with(lines)
    }

    /// The coded centres of a file; `None` if they are not whole or not sound.
    pub(super) fn from_lines(dimensions: usize, lines: Vec<Line>) -> Option<Self> {
        let empty = Self::new(dimensions);
        let per_centre = empty.codec.lines();
        let sound = lines.len().is_multiple_of(per_centre)
            && lines.chunks_exact(per_centre).all(ScalarCodec::is_sound);
        sound.then(|| empty.with(lines))
    }

    fn with(mut self, lines: Vec<Line>) -> Self {
        self.lines = lines;
        self.halves = (0..self.lines.len() / self.codec.lines())
            .map(|index| self.codec.squared_length(self.line(index)) / 2.0)
            .collect();
        let largest = self.halves.iter().fold(0.0, |largest: f32, &half| largest.max(half));
        self.longest = (2.0 * largest).sqrt();
        self
    }

    pub(super) fn len(&self) -> usize {
        self.halves.len()
    }

    fn line(&self, index: usize) -> &[Line] {
        let per_centre = self.codec.lines();
        &self.lines[index * per_centre..][..per_centre]
    }

    /// Half the squared length of a centre.
    #[inline(always)]
    pub(super) fn half(&self, index: usize) -> f32 {
        self.halves[index]
    }

    /// A centre in so many components.
    pub(super) fn decode(&self, index: usize, width: usize) -> Vec<f32> {
        self.codec.decode(self.line(index), width)
    }

    /// All centres, in so many components.
    pub(super) fn decode_all(&self, width: usize) -> kmeans::Centres {
        let values = (0..self.len()).flat_map(|index| self.decode(index, width)).collect();
        kmeans::Centres::new(width, values)
    }

    /// Products of a vector with all centres, four at a time, and what they may be off by.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn products<K: Kernels>(
        &self,
        kernels: K,
        vector: &[f32],
        query: &mut Query,
        products: &mut Vec<f32>,
    ) -> f32 {
        self.codec.aim_at_vector(vector, query);
        products.clear();
        let last = self.len() - 1;
        let mut first = 0;
        while first <= last {
            let four = [first, (first + 1).min(last), (first + 2).min(last), (first + 3).min(last)];
            let ranks = self.codec.ranks(
                kernels,
                query,
                [self.line(four[0]), self.line(four[1]), self.line(four[2]), self.line(four[3])],
            );
            for rank in &ranks[..(last + 1 - first).min(4)] {
                products.push(-rank);
            }
            first += 4;
        }
        // Each component of the query is rounded by at most half a step, mostly by less and in both directions: the error
        // of a sum has a deviation of 0.29 steps times the length of the centre.
        query.scale * self.longest
    }

    /// The coded centres, as a file holds them.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Bytes allocated.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(self.lines.as_slice()) + size_of_val(self.halves.as_slice())
    }
}
