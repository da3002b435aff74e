//! Which rows lie together, and how they are coded.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::blocks::{Block, Blocks, Coded, Line};
use super::centres::Centres;
use super::reach::{MEASURED, Reaches};
use super::search::{Effort, ScanScratch, ScanSearch};
use crate::chunks::Chunks;
use crate::error::Error;
use crate::kernels::{self, BLOCK_ROWS, Kernels, LANES, Task};
use crate::metric::Metric;
use crate::options::Options;
use crate::parallel;
use crate::quantize::codec::Codec;
use crate::quantize::kmeans::{self, Members};
use crate::quantize::scalar;
use crate::reach::{Reach, needed_reach};
use crate::scratch::{Candidate, Scratch, Scratches};
use crate::slots::{Slot, Slots};
use crate::space::{Query, Space};
use crate::vectors::{LARGEST_SQUARE, SquaredLength, Vectors};

/// With fewer rows an exact scan takes hardly longer. Coded rows lie in √rows cells: also few thousand are searched in 0.3 to
/// 0.8 of the time that one cell takes.
pub(crate) const FEWEST_CODED: usize = 1_024;
/// With fewer dimensions all rows lie in one cell: neighbours are so near, compared with cells, that the codes of centres do
/// not tell on which side of a border they are (0.94 were found where 0.99 should have been, in two dimensions).
const FEWEST_DIMENSIONS: usize = 4;
/// The tail, or the removed rows, may grow to this part of the rows before all are arranged anew.
const LOOSE_FRACTION: usize = 4;
/// Rows per centre that training looks at, and the least in all.
const SAMPLE_PER_CELL: usize = 64;
const LEAST_SAMPLE: usize = 10_000;
/// Deviations added to the estimates while the reach is measured: almost every neighbour is found.
const CALIBRATION_EPSILON: f32 = 3.0;
/// Part of the neighbours that may be missed that may be by the error bound.
const MISSED_BY_BOUND: f32 = 0.2;
/// Parts of the neighbours that may be missed, and that may be by cells that are not visited, which cost more time than
/// bounds. Bounds and reaches let pass more than they have to, so both together find what is asked for (to 0.02, for 1, 10
/// and 100 neighbours, of rows kept out and of queries unlike the rows). Whoever misses few wants not to miss more.
const MISSED_BY_CELLS: [(f32, f32); 5] = [(0.0, 0.0), (0.01, 0.004), (0.05, 0.04), (0.1, 0.1), (0.5, 0.4)];
/// Rows that a codebook is trained on.
const CODEBOOK_SAMPLE: usize = 4_096;
/// Rows coded at once, so that their codes do not all lie in memory twice.
const CODED_AT_ONCE: usize = 4_096;

/// All rows of a collection, coded and in cells.
#[derive(Debug)]
pub(crate) struct Scan {
    metric: Metric,
    dimensions: usize,
    codec: Codec,
    blocks: Blocks,
    /// What is subtracted from every vector: the mean under euclidean, else zeros.
    origin: Vec<f32>,
    /// Against the origin: the centre of each cell, and as the last one that of the tail.
    centres: Centres,
    /// Length of the longest row, 1 under cosine.
    longest: f32,
    /// First slot of each cell, and of the tail. Empty: nothing is coded.
    starts: Vec<Slot>,
    reach: Reaches,
    /// Rows when the centres were trained, and rows put around them since.
    trained: usize,
    placed: usize,
}

/// What a file says of a scan in JSON.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Numbers {
    reach: Vec<f32>,
    trained: usize,
    placed: usize,
    longest: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kappa: Option<f32>,
}

/// What a file holds of a scan. Empty arrays: nothing is coded.
pub(crate) struct Parts {
    pub(crate) numbers: Numbers,
    /// The coded centres of the cells and that of the tail.
    pub(crate) centres: Vec<scalar::Line>,
    pub(crate) origin: Vec<f32>,
    pub(crate) starts: Vec<Slot>,
    /// Of a product quantizer.
    pub(crate) codebook: Vec<f32>,
    pub(crate) lines: Chunks<Line>,
}

/// Where rows are to be moved.
pub(crate) struct Arrangement {
    /// For each slot, the slot whose row it takes: the live ones cell by cell, then all others.
    pub(crate) order: Vec<Slot>,
    origin: Vec<f32>,
    centres: Centres,
    longest: f32,
    starts: Vec<Slot>,
    trained: usize,
    placed: usize,
}

impl Scan {
    pub(crate) fn new(options: &Options, codec: Codec) -> Self {
        let metric = options.distance_metric;
        Self {
            metric,
            dimensions: options.dimensions,
            blocks: Blocks::new(codec.bytes(), metric == Metric::Euclidean),
            codec,
            origin: Vec::new(),
            centres: Centres::new(options.dimensions),
            longest: 1.0,
            starts: Vec::new(),
            reach: Reaches::default(),
            trained: 0,
            placed: 0,
        }
    }

    pub(super) fn metric(&self) -> Metric {
        self.metric
    }

    pub(super) fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub(super) fn codec(&self) -> &Codec {
        &self.codec
    }

    pub(super) fn centres(&self) -> &Centres {
        &self.centres
    }

    /// Number of cells; the tail is one more.
    pub(super) fn cells(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether rows are coded at all.
    pub(crate) fn is_coded(&self) -> bool {
        !self.starts.is_empty()
    }

    #[inline(always)]
    pub(super) fn block(&self, number: usize) -> Block<'_> {
        self.blocks.get(number)
    }

    /// Asks for the first block of a cell ahead of its use.
    #[inline(always)]
    pub(super) fn prefetch<K: Kernels>(&self, kernels: K, cell: usize) {
        let slots = self.slots_of(cell);
        if !slots.is_empty() {
            kernels.prefetch(self.block(slots.start as usize / BLOCK_ROWS).codes);
        }
    }

    /// The slots of a cell; those of the tail end with the last block.
    #[inline(always)]
    pub(super) fn slots_of(&self, cell: usize) -> Range<Slot> {
        let end = self.starts.get(cell + 1).copied().unwrap_or(self.blocks.slots() as Slot);
        self.starts[cell]..end
    }

    /// The similarity of a cell's centre, of which `product` is the product with the query.
    #[inline(always)]
    pub(super) fn base(&self, cell: usize, product: f32) -> f32 {
        if self.metric == Metric::Euclidean { product - self.centres.half(cell) } else { product }
    }

    /// The largest similarity that a row can have for a query of this squared length.
    #[inline(always)]
    pub(super) fn ceiling(&self, square: f32) -> f32 {
        match self.metric {
            Metric::Euclidean => square / 2.0,
            _ => self.longest * square.sqrt(),
        }
    }

    /// The query against the origin, of length 1 under cosine.
    #[inline(always)]
    pub(super) fn aim(&self, query: &Query, target: &mut Vec<f32>) {
        let factor = if self.metric == Metric::Cosine { query.inverse_length } else { 1.0 };
        target.clear();
        for (x, origin) in query.values.iter().zip(&self.origin) {
            target.push(x * factor - origin);
        }
    }

    /// How thorough a search has to be to find this part of the true neighbours.
    pub(crate) fn effort(&self, target_recall: f32, k: usize) -> Effort {
        let missed = 1.0 - target_recall;
        let part = 1.0 - on_line(&MISSED_BY_CELLS, missed);
        Effort {
            epsilon: epsilon(1.0 - MISSED_BY_BOUND * missed),
            reach: self.reach.covering(part, k),
            reaches: self.reach.covering_each(part),
            rescore: true,
        }
    }

    /// Makes room for `slots` slots, so that inserting cannot fail.
    pub(crate) fn reserve(&mut self, slots: usize) -> Result<(), Error> {
        if self.is_coded() { self.blocks.reserve(slots) } else { Ok(()) }
    }

    /// Forgets the slots from `slots` on.
    pub(crate) fn shrink(&mut self, slots: usize) {
        self.blocks.shrink(slots);
    }

    /// Codes new rows, which lie behind all others.
    pub(crate) fn insert(&mut self, new: &[Slot], vectors: &Vectors, scratches: &Scratches) {
        if !self.is_coded() {
            return;
        }
        let centre = &self.centres.decode(self.cells(), vectors.width());
        let codes = parallel::map(new.len(), scratches, |at, _| {
            kernels::run(Encode { scan: self, vectors, slot: new[at], centre })
        });
        for (&slot, coded) in new.iter().zip(&codes) {
            self.blocks.set(slot, coded);
            if self.metric == Metric::Dot {
                let (row, _) = vectors.direction(slot);
                self.longest = self.longest.max(kernels::run(SquaredLength(row)).sqrt());
            }
        }
    }

    /// Takes a row out of all searches.
    pub(crate) fn remove(&mut self, slot: Slot) {
        if self.is_coded() {
            self.blocks.remove(slot);
        }
    }

    /// Whether so many rows were inserted or removed since the last time that all should be arranged anew.
    pub(crate) fn is_due(&self, slots: &Slots) -> bool {
        let loose = (slots.live() / LOOSE_FRACTION).max(FEWEST_CODED);
        let tail = slots.len() - self.starts.last().map_or(0, |&start| start as usize);
        tail >= loose || slots.dead() >= loose
    }

    /// Decides where every row is to lie. With `anew`, centres are trained whatever there is.
    pub(crate) fn arrange(
        &self,
        vectors: &Vectors,
        slots: &Slots,
        scratches: &Scratches,
        anew: bool,
    ) -> Arrangement {
        let live: Vec<Slot> = slots.live_slots().collect();
        let is_partitioned = self.dimensions >= FEWEST_DIMENSIONS;
        let wanted = if is_partitioned { (live.len() as f32).sqrt().round() as usize } else { 1 };
        let train = anew || !self.is_coded() || self.placed >= self.trained;
        let (origin, centres, trained, placed, members) = if train {
            let (origin, centres) = self.train(vectors, &live, wanted, scratches);
            let nearest = self.assign(vectors, &live, &origin, &centres, scratches);
            (origin, centres, live.len(), 0, nearest)
        } else {
            let tail = self.starts[self.cells()];
            let split = live.partition_point(|&slot| slot < tail);
            let mut nearest = self.kept(&live[..split]);
            nearest.extend(self.assign(vectors, &live[split..], &self.origin, &self.centres, scratches));
            (
                self.origin.clone(),
                self.centres.clone(),
                self.trained,
                self.placed + live.len() - split,
                nearest,
            )
        };
        let cells = centres.len() - 1;
        let decoded = centres.decode_all(vectors.width());
        let distances = parallel::map(live.len(), scratches, |at, _| {
            let residual = Residual {
                scan: self,
                vectors,
                slot: live[at],
                origin: &origin,
                centre: decoded.get(members[at] as usize),
            };
            kernels::run(Length(residual))
        });
        let mut starts: Vec<Slot> = vec![0; cells + 1];
        let mut longest = 0.0f32;
        for (at, &[_, square]) in distances.iter().enumerate() {
            starts[members[at] as usize + 1] += 1;
            longest = longest.max(square);
        }
        for cell in 0..cells {
            starts[cell + 1] += starts[cell];
        }
        // By cell, then by distance, then by slot.
        let mut ends = starts.clone();
        let mut order = vec![Candidate::new(0.0, 0); live.len()];
        for (at, (&cell, &[square, ..])) in members.iter().zip(&distances).enumerate() {
            let end = &mut ends[cell as usize];
            order[*end as usize] = Candidate::new(square, live[at]);
            *end += 1;
        }
        for cell in 0..cells {
            order[starts[cell] as usize..starts[cell + 1] as usize].sort_unstable();
        }
        let mut order: Vec<Slot> = order.into_iter().map(Candidate::slot).collect();
        order.extend((0..slots.len() as Slot).filter(|&slot| !slots.is_live(slot)));
        Arrangement { order, origin, centres, longest: longest.sqrt(), starts, trained, placed }
    }

    /// The cells of rows that lie in cells.
    fn kept(&self, slots: &[Slot]) -> Vec<u32> {
        let mut cell = 0;
        slots
            .iter()
            .map(|&slot| {
                while self.starts[cell + 1] <= slot {
                    cell += 1;
                }
                cell as u32
            })
            .collect()
    }

    /// The nearest cell of each row; the last centre, that of the tail, is not one.
    fn assign(
        &self,
        vectors: &Vectors,
        slots: &[Slot],
        origin: &[f32],
        centres: &Centres,
        scratches: &Scratches,
    ) -> Vec<u32> {
        let (width, cells) = (origin.len(), centres.len() - 1);
        if cells == 1 {
            return vec![0; slots.len()];
        }
        // Rows are compared as they are, so the centres are, too.
        let values = (0..cells).flat_map(|cell| {
            let mut centre = centres.decode(cell, width);
            centre.iter_mut().zip(origin).for_each(|(x, origin)| *x += origin);
            centre
        });
        let centres = kmeans::Centres::new(width, values.collect());
        kmeans::assign(&Members { vectors, slots }, &centres, scratches)
    }

    /// Centres for so many cells and, as the last one, the mean of all rows.
    fn train(
        &self,
        vectors: &Vectors,
        live: &[Slot],
        cells: usize,
        scratches: &Scratches,
    ) -> (Vec<f32>, Centres) {
        let width = vectors.width();
        let count = live.len().min((cells * SAMPLE_PER_CELL).max(LEAST_SAMPLE));
        let sample: Vec<Slot> = (0..count).map(|at| live[at * live.len() / count]).collect();
        let sample = Members { vectors, slots: &sample };
        let mean = kmeans::mean(&sample, width, scratches);
        let mut values = if cells == 1 {
            mean.values().to_vec()
        } else {
            kmeans::train(&sample, width, cells, scratches).values().to_vec()
        };
        values.extend_from_slice(mean.values());
        let origin = match self.metric {
            Metric::Euclidean => mean.values().to_vec(),
            _ => vec![0.0; width],
        };
        for centre in values.chunks_exact_mut(width) {
            centre.iter_mut().zip(&origin).for_each(|(x, origin)| *x -= origin);
        }
        (origin, Centres::code(self.dimensions, &kmeans::Centres::new(width, values)))
    }

    /// Takes an arrangement over, after the rows have been moved: codes all of them and measures the reach.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; nothing is coded then.
    pub(crate) fn settle(
        &mut self,
        arrangement: Arrangement,
        vectors: &Vectors,
        slots: &Slots,
        scratches: &Scratches,
    ) -> Result<(), Error> {
        let Arrangement { order: _, origin, centres, longest, starts, trained, placed } = arrangement;
        self.starts.clear();
        self.blocks.shrink(0);
        self.blocks.reserve(slots.len())?;
        (self.origin, self.centres, self.longest) = (origin, centres, longest);
        (self.starts, self.trained, self.placed) = (starts, trained, placed);
        let centres = self.centres.decode_all(vectors.width());
        self.train_codebook(vectors, slots, &centres, scratches);
        let mut cell = 0;
        let mut first = 0;
        while first < slots.len() {
            let last = (first + CODED_AT_ONCE).min(slots.len());
            let cells: Vec<usize> = (first..last)
                .map(|slot| {
                    while self.starts[cell + 1] as usize <= slot {
                        cell += 1;
                    }
                    cell
                })
                .collect();
            let codes = parallel::map(last - first, scratches, |at, _| {
                let centre = centres.get(cells[at]);
                kernels::run(Encode { scan: self, vectors, slot: (first + at) as Slot, centre })
            });
            for (at, coded) in codes.iter().enumerate() {
                self.blocks.set((first + at) as Slot, coded);
            }
            first = last;
        }
        self.measure_reach(vectors, slots, scratches);
        Ok(())
    }

    /// Trains a product quantizer on residuals.
    fn train_codebook(
        &mut self,
        vectors: &Vectors,
        slots: &Slots,
        centres: &kmeans::Centres,
        scratches: &Scratches,
    ) {
        let Codec::Product(codec) = &self.codec else {
            return;
        };
        let count = slots.len().min(CODEBOOK_SAMPLE);
        let residuals = parallel::map(count, scratches, |at, _| {
            let slot = (at * slots.len() / count) as Slot;
            let cell = self.starts.partition_point(|&start| start <= slot) - 1;
            let centre = centres.get(cell);
            let residual = Residual { scan: self, vectors, slot, origin: &self.origin, centre };
            let mut difference = kernels::run(Difference(residual));
            difference.resize(codec.padded(), 0.0);
            difference
        });
        let mut codec = codec.clone();
        codec.train(residuals, scratches);
        self.codec = Codec::Product(codec);
    }

    /// Finds the neighbours of sampled rows in all cells and takes down how far out they lie.
    fn measure_reach(&mut self, vectors: &Vectors, slots: &Slots, scratches: &Scratches) {
        self.reach = Reaches::default();
        if self.cells() == 1 {
            return;
        }
        let tables = MEASURED.map(|(neighbours, rows)| {
            let needed = parallel::map(rows.min(slots.len()), scratches, |at, scratch| {
                let slot = at * slots.len() / rows.min(slots.len());
                self.needed_by(slot as Slot, neighbours, vectors, scratch)
            });
            Reach::of(needed.into_iter().flatten().collect())
        });
        self.reach = Reaches::new(tables);
    }

    /// The reaches that the neighbours of a row need.
    fn needed_by(&self, slot: Slot, neighbours: usize, vectors: &Vectors, scratch: &mut Scratch) -> Vec<f32> {
        vectors.aim_at_slot(slot, &mut scratch.query);
        let effort = Effort {
            epsilon: CALIBRATION_EPSILON,
            reach: f32::INFINITY,
            reaches: [f32::INFINITY; MEASURED.len()],
            rescore: true,
        };
        kernels::run(ScanSearch {
            scan: self,
            vectors,
            selection: None,
            weigher: None,
            k: neighbours + 1,
            effort,
            scratch,
        });
        let ScanScratch { cells, ceiling, .. } = &scratch.scan;
        let Some(last) = scratch.sorted.last() else {
            return Vec::new();
        };
        let missing = match self.metric {
            Metric::Euclidean => last.rank() / 2.0,
            _ => ceiling + last.rank(),
        };
        if missing <= 0.0 {
            // All neighbours equal the row: they say nothing of others.
            return Vec::new();
        }
        // All cells have been visited, so all are in order.
        let mut places = vec![0; cells.len()];
        for (place, cell) in cells.iter().enumerate() {
            places[cell.slot() as usize] = place;
        }
        let neighbours = scratch.sorted.iter().map(|near| near.slot()).filter(|&near| near != slot);
        neighbours
            .map(|near| {
                let place = places[self.starts.partition_point(|&start| start <= near) - 1];
                needed_reach(place as f32, cells[place].rank() - cells[0].rank(), missing)
            })
            .collect()
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let numbers = (self.origin.len() + self.starts.len()) * size_of::<f32>();
        self.blocks.bytes() + self.centres.bytes() + numbers
    }

    pub(crate) fn lines(&self) -> &Chunks<Line> {
        self.blocks.lines()
    }

    /// Lines per block.
    pub(crate) fn stride(&self) -> usize {
        self.blocks.stride()
    }

    /// What a file holds beside the blocks and the codebook: numbers, centres, origin, starts.
    pub(crate) fn parts(&self) -> (Numbers, &[scalar::Line], &[f32], &[Slot]) {
        let &Self { trained, placed, longest, .. } = self;
        let kappa = match &self.codec {
            Codec::Product(codec) => Some(codec.parts().1),
            Codec::Rabitq(_) => None,
        };
        let numbers = Numbers { reach: self.reach.values(), trained, placed, longest, kappa };
        (numbers, self.centres.lines(), &self.origin, &self.starts)
    }

    /// The centres of a product quantizer; empty where there is none, or nothing is coded.
    pub(crate) fn codebook(&self) -> Option<&[f32]> {
        match &self.codec {
            Codec::Product(codec) => Some(codec.parts().0),
            Codec::Rabitq(_) => None,
        }
    }

    /// Fills an empty scan from what a file holds; `width` is that of a padded vector.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for parts that do not fit each other or the slots.
    pub(crate) fn replace(&mut self, parts: Parts, width: usize, slots: &Slots) -> Result<(), Error> {
        let Parts { numbers, centres, origin, starts, codebook, lines } = parts;
        let corrupt = |reason: &str| Err(Error::corrupt("scan", reason.to_owned()));
        if starts.is_empty() {
            let empty = centres.is_empty() && lines.len() == 0;
            return if empty { Ok(()) } else { corrupt("there are centres without cells") };
        }
        if starts.len() < 2 || origin.len() != width {
            return corrupt("its arrays have lengths that no cells have");
        }
        if starts[0] != 0 || !starts.is_sorted() || starts[starts.len() - 1] as usize > slots.len() {
            return corrupt("its cells begin at slots that no cells begin at");
        }
        let Numbers { reach, trained, placed, longest, kappa } = numbers;
        if let Codec::Product(codec) = &mut self.codec
            && !codec.replace(codebook, kappa.unwrap_or(f32::NAN))
        {
            return corrupt("its codebook has not the centres that its codes need");
        }
        let Some(centres) =
            Centres::from_lines(self.dimensions, centres).filter(|it| it.len() == starts.len())
        else {
            return corrupt("its centres are not those of its cells");
        };
        // As all rows, their means lie in a ball in which no distance overflows; codes move them a little. NaN and
        // infinities lie in none.
        const CODED_MEANS: f32 = 1.5;
        let is_mean = |values: &[f32]| kernels::run(SquaredLength(values)) <= LARGEST_SQUARE * CODED_MEANS;
        let are_means = (0..centres.len()).all(|cell| {
            let mut centre = centres.decode(cell, width);
            centre.iter_mut().zip(&origin).for_each(|(x, origin)| *x += origin);
            is_mean(&centre)
        });
        if !is_mean(&origin) || !are_means || !longest.is_finite() {
            return corrupt("it holds numbers that no arrangement has");
        }
        if lines.len() != slots.len().div_ceil(BLOCK_ROWS) {
            return corrupt("it has not the blocks that its slots need");
        }
        let Some(reach) = Reaches::from_values(&reach) else {
            return corrupt("its table of reaches is not ascending");
        };
        let is_live = |slot: usize| slot < slots.len() && slots.is_live(slot as Slot);
        self.blocks.replace(lines, is_live).map_err(|reason| Error::corrupt("scan", reason))?;
        (self.origin, self.centres) = (origin, centres);
        (self.starts, self.longest) = (starts, longest);
        (self.reach, self.trained, self.placed) = (reach, trained, placed);
        Ok(())
    }
}

/// Deviations to add to an estimate so that this part of the true neighbours pass; measured on word and sentence vectors of
/// 100 and 384 dimensions with 1 and 2 bits, where the same number gave the same part to 0.005.
fn epsilon(part: f32) -> f32 {
    const TABLE: [(f32, f32); 6] =
        [(0.5, 0.0), (0.95, 0.5), (0.98, 1.0), (0.995, 1.5), (0.999, 2.0), (1.0, 3.0)];
    on_line(&TABLE, part)
}

/// What stands beside a number in a table, in between by straight lines.
fn on_line(table: &[(f32, f32)], number: f32) -> f32 {
    let above = table.iter().position(|&(known, _)| known >= number).unwrap_or(table.len() - 1);
    let Some(below) = above.checked_sub(1) else {
        return table[0].1;
    };
    let ((low, from), (high, to)) = (table[below], table[above]);
    from + (number - low) / (high - low) * (to - from)
}

/// A row against the origin and a centre.
struct Residual<'a> {
    scan: &'a Scan,
    vectors: &'a Vectors,
    slot: Slot,
    origin: &'a [f32],
    centre: &'a [f32],
}

impl Residual<'_> {
    /// The difference, padded for the kernels, and under euclidean half of what the squared lengths of row and centre
    /// against the origin differ by.
    #[inline(always)]
    fn compute<K: Kernels>(&self, kernels: K) -> (Vec<f32>, f32) {
        let (row, factor) = self.vectors.direction(self.slot);
        let mut difference = Vec::with_capacity(row.len() + LANES);
        for ((x, origin), centre) in row.iter().zip(self.origin).zip(self.centre) {
            difference.push((x * factor - origin) - centre);
        }
        let shift = if self.scan.metric == Metric::Euclidean {
            // |o + c|² − |c|² = |o|² + 2 ⟨o, c⟩
            let products = kernels.dot(&difference, [&difference, self.centre, self.centre, self.centre]);
            products[0] / 2.0 + products[1]
        } else {
            0.0
        };
        (difference, shift)
    }
}

/// The residual itself.
struct Difference<'a>(Residual<'a>);

impl Task for Difference<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Vec<f32> {
        self.0.compute(kernels).0
    }
}

/// The squared length of a residual, and that of its row.
struct Length<'a>(Residual<'a>);

impl Task for Length<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> [f32; 2] {
        let (difference, _) = self.0.compute(kernels);
        let (row, factor) = self.0.vectors.direction(self.0.slot);
        let square = kernels.dot(row, [row; 4])[0] * (factor * factor);
        [kernels.dot(&difference, [&difference; 4])[0], square]
    }
}

/// Codes one row of a cell.
struct Encode<'a> {
    scan: &'a Scan,
    vectors: &'a Vectors,
    slot: Slot,
    centre: &'a [f32],
}

impl Task for Encode<'_> {
    type Output = Coded;

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) -> Coded {
        let Self { scan, vectors, slot, centre } = self;
        let residual = Residual { scan, vectors, slot, origin: &scan.origin, centre };
        let (mut difference, shift) = residual.compute(kernels);
        difference.resize(scan.codec.padded(), 0.0);
        let mut code = vec![0; scan.codec.bytes()];
        let factor = scan.codec.encode(kernels, &mut difference, &mut code);
        Coded { code, factor, shift }
    }
}
