//! RaBitQ and product codes of single rows, for walking a graph in little memory.
//!
//! ```text
//! o = x − c           the row (under cosine, of length 1) against the mean of all rows; k and f as in `quantize`
//! euclidean           rank = |q − c|² + |o|² − 2 f ⟨R (q − c), k⟩
//! cosine and dot      rank = −⟨q, c⟩ − ⟨c, o⟩ − f ⟨R (q − c), k⟩
//! ```
//! Both are `base + a − b · sum` with two numbers `a` and `b` beside each code. The sum is one of bits for
//! [`rabitq`](crate::quantize::rabitq) and of table entries for [`product`](crate::quantize::product).
//!
//! The graph is built on the original vectors, so codes can be made anew without it: once there are enough rows, and
//! whenever there are several times as many. Before that the walk compares vectors.

use serde::{Deserialize, Serialize};

use crate::chunks::Chunks;
use crate::error::Error;
use crate::kernels::{self, Kernels, Task};
use crate::metric::Metric;
use crate::options::Options;
use crate::parallel;
use crate::quantize::codec::Codec;
use crate::quantize::kmeans::{self, Members};
use crate::scratch::Scratches;
use crate::slots::{Slot, Slots};
use crate::space::Query;
use crate::vectors::{LARGEST_SQUARE, SquaredLength, Vectors};

/// Rows are coded once there are so many: mean and codebook need some, and comparing fewer takes no time.
const FEWEST_CODED: usize = 1_024;
/// Codes are made anew when there are so many times as many rows as the last time.
const GROWTH: usize = 4;
/// Rows that mean and codebook are taken from.
const MOST_TRAINED: usize = 16_384;
const WORD_BYTES: usize = size_of::<u64>();
/// A list of vectors with the same rows in it is so many times shorter: this over the bits per dimension. The fewer bits
/// there are, the more rows seem nearer than they are. Measured on word and sentence vectors.
const WIDENING: f32 = 3.0;
const WIDEST: f32 = 32.0;

/// The codes of all slots.
#[derive(Debug)]
pub(crate) struct Compact {
    metric: Metric,
    codec: Codec,
    /// How many times as long as one of vectors a list has to be.
    widening: f32,
    /// What is subtracted from every row, padded; empty as long as nothing is coded.
    centre: Vec<f32>,
    /// Rows when the codes were made.
    trained: usize,
    /// Words of a code, then two f32 in one: `a` and `b`.
    rows: Chunks<u64>,
}

/// What a file holds beside the rows.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Numbers {
    trained: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kappa: Option<f32>,
}

impl Compact {
    /// `None` if the options ask for other codes.
    pub(crate) fn new(options: &Options) -> Option<Self> {
        let codec = Codec::new(options)?;
        let bits = 8.0 * codec.bytes() as f32;
        let (words, bits) = match &codec {
            Codec::Rabitq(codec) => (codec.words(), bits / codec.padded() as f32),
            Codec::Product(codec) => (codec.bytes().div_ceil(WORD_BYTES), bits / options.dimensions as f32),
        };
        Some(Self {
            metric: options.distance_metric,
            codec,
            widening: (WIDENING / bits).clamp(1.0, WIDEST),
            centre: Vec::new(),
            trained: 0,
            rows: Chunks::new(words + 1),
        })
    }

    pub(crate) fn rows(&self) -> &Chunks<u64> {
        &self.rows
    }

    pub(crate) fn rows_mut(&mut self) -> &mut Chunks<u64> {
        &mut self.rows
    }

    /// Whether the rows have codes.
    pub(crate) fn is_trained(&self) -> bool {
        self.trained > 0
    }

    /// How many times as long as one of vectors a list has to be.
    pub(crate) fn widening(&self) -> f32 {
        self.widening
    }

    /// Codes new rows; all rows, if it is time to make the codes anew.
    pub(crate) fn set(&mut self, new: &[Slot], vectors: &Vectors, slots: &Slots, scratches: &Scratches) {
        if slots.live() >= FEWEST_CODED.max(GROWTH * self.trained) {
            let live: Vec<Slot> = slots.live_slots().collect();
            self.train(&live, vectors, scratches);
            self.set_codes(&live, vectors, scratches);
        } else if self.is_trained() {
            self.set_codes(new, vectors, scratches);
        }
    }

    fn train(&mut self, live: &[Slot], vectors: &Vectors, scratches: &Scratches) {
        let count = live.len().min(MOST_TRAINED);
        let sample: Vec<Slot> = (0..count).map(|at| live[at * live.len() / count]).collect();
        let members = Members { vectors, slots: &sample };
        self.centre = kmeans::mean(&members, vectors.width(), scratches).values().to_vec();
        self.trained = live.len();
        if let Codec::Product(codec) = &mut self.codec {
            let residuals = sample.iter().map(|&slot| residual(vectors, slot, &self.centre, codec.padded()));
            let residuals = residuals.collect();
            codec.train(residuals, scratches);
        }
    }

    fn set_codes(&mut self, slots: &[Slot], vectors: &Vectors, scratches: &Scratches) {
        let coded = parallel::map(slots.len(), scratches, |at, _| self.encode(vectors, slots[at]));
        for (&slot, row) in slots.iter().zip(&coded) {
            self.rows.row_mut(slot as usize).copy_from_slice(row);
        }
    }

    #[inline(never)]
    fn encode(&self, vectors: &Vectors, slot: Slot) -> Vec<u64> {
        let residual = residual(vectors, slot, &self.centre, self.codec.padded());
        kernels::run(Encode { codes: self, residual })
    }

    /// Prepares a query that vectors are ranked by for ranking codes.
    #[inline(never)]
    pub(crate) fn aim(&self, query: &mut Query) {
        kernels::run(Aim { codes: self, query });
    }

    /// A function of its own in WebAssembly, as that of vectors.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(crate) fn ranks<K: Kernels>(&self, kernels: K, query: &Query, slots: [Slot; 4]) -> [f32; 4] {
        let [a, b, c, d] = slots;
        let [a, b, c, d] = [self.row(a), self.row(b), self.row(c), self.row(d)];
        let codes = [a.0, b.0, c.0, d.0];
        let sums = match &self.codec {
            Codec::Rabitq(codec) => codec.sums(kernels, &query.bits, codes),
            Codec::Product(codec) => codec.sums(&query.products, codes),
        };
        let rank = |[shift, factor]: [f32; 2], sum: f32| (query.offset + shift) - factor * sum;
        [rank(a.1, sums[0]), rank(b.1, sums[1]), rank(c.1, sums[2]), rank(d.1, sums[3])]
    }

    #[inline(always)]
    pub(crate) fn prefetch<K: Kernels>(&self, kernels: K, slot: Slot) {
        kernels.prefetch(self.rows.row(slot as usize));
    }

    /// The code of a row, and the two numbers beside it.
    #[inline(always)]
    fn row(&self, slot: Slot) -> (&[u64], [f32; 2]) {
        let row = self.rows.row(slot as usize);
        let (code, numbers) = row.split_at(row.len() - 1);
        (code, bytemuck::cast(numbers[0]))
    }

    /// What a file holds beside the rows: numbers, the centre and the codebook, which is empty where there is none.
    pub(crate) fn parts(&self) -> (Numbers, &[f32], &[f32]) {
        let (codebook, kappa) = match &self.codec {
            Codec::Rabitq(_) => (&[][..], None),
            Codec::Product(codec) => (codec.parts().0, Some(codec.parts().1)),
        };
        (Numbers { trained: self.trained, kappa }, &self.centre, codebook)
    }

    /// Takes over what a file holds.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for parts that nothing can have written.
    pub(crate) fn replace(
        &mut self,
        numbers: &Numbers,
        centre: Vec<f32>,
        codebook: Vec<f32>,
        rows: Chunks<u64>,
        width: usize,
    ) -> Result<(), Error> {
        (self.trained, self.rows, self.centre) = (numbers.trained, rows, centre);
        let is_mean =
            self.centre.len() == width && kernels::run(SquaredLength(&self.centre)) <= LARGEST_SQUARE;
        let is_book = match &mut self.codec {
            Codec::Rabitq(_) => codebook.is_empty(),
            Codec::Product(codec) => codec.replace(codebook, numbers.kappa.unwrap_or(f32::NAN)),
        };
        let sound = |slot: usize| self.row(slot as Slot).1.iter().all(|number| number.is_finite());
        if is_mean && is_book && (0..self.rows.len()).all(sound) {
            return Ok(());
        }
        Err(Error::corrupt("codes", "they hold numbers that no insert writes".to_owned()))
    }
}

/// A row, of length 1 under cosine, against the centre, padded with zeros for the codec.
fn residual(vectors: &Vectors, slot: Slot, centre: &[f32], padded: usize) -> Vec<f32> {
    let (row, factor) = vectors.direction(slot);
    let mut residual: Vec<f32> = row.iter().zip(centre).map(|(x, centre)| x * factor - centre).collect();
    residual.resize(padded, 0.0);
    residual
}

struct Encode<'a> {
    codes: &'a Compact,
    residual: Vec<f32>,
}

impl Task for Encode<'_> {
    type Output = Vec<u64>;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Vec<u64> {
        let Self { codes: Compact { metric, codec, centre, rows, .. }, mut residual } = self;
        let mut row = vec![0; rows.stride()];
        let words = row.len() - 1;
        let own = &residual[..centre.len()];
        let products = kernels.dot(own, [own, centre, centre, centre]);
        let shift = if *metric == Metric::Euclidean { products[0] } else { 0.0 - products[1] };
        let mut code = vec![0; codec.bytes()];
        let factor = codec.encode(kernels, &mut residual, &mut code);
        match codec {
            Codec::Rabitq(codec) => codec.to_planes(&code, &mut row[..words]),
            Codec::Product(_) => bytemuck::cast_slice_mut(&mut row)[..code.len()].copy_from_slice(&code),
        }
        let doubled = if *metric == Metric::Euclidean { 2.0 * factor } else { factor };
        row[words] = bytemuck::cast([shift, doubled]);
        row
    }
}

struct Aim<'a> {
    codes: &'a Compact,
    query: &'a mut Query,
}

impl Task for Aim<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) {
        let Self { codes: Compact { metric, codec, centre, .. }, query } = self;
        let Query { offset, bits, products, residual, values, inverse_length, .. } = query;
        let factor = if *metric == Metric::Cosine { *inverse_length } else { 1.0 };
        residual.clear();
        residual.extend(values.iter().zip(centre).map(|(x, centre)| x * factor - centre));
        *offset = match metric {
            Metric::Euclidean => kernels.dot(residual, [residual; 4])[0],
            _ => 0.0 - kernels.dot(values, [centre; 4])[0] * factor,
        };
        match codec {
            Codec::Rabitq(codec) => codec.aim_at_planes(residual, bits),
            Codec::Product(codec) => codec.aim_at_rows(residual, products),
        }
    }
}
