//! A database: rows in, hits out. It checks what comes in, keeps the parts in step, and plans each search.
//!
//! One insert: read and check everything → make room → slot, vector, code, texts → graph.
//! One search: check → graph or exact scan → rescore with the original vectors → threshold → cut at k, once.

use serde::Serialize;

use crate::chunks::Chunks;
use crate::error::Error;
use crate::graph::{Graph, Space, search::Search};
use crate::kernels::{self, Kernels, Task};
use crate::options::{Config, MAX_ROWS, Options, Quantization};
use crate::quantize::scalar::{Line, ScalarCodec};
use crate::rows::{self, NO_METADATA, Row as NewRow};
use crate::scan::exact::{ExactScan, Rescore};
use crate::scratch::{Query, Scratch, Scratches};
use crate::slots::{Slot, Slots};
use crate::store::{Sink, Source, segment};
use crate::texts::Texts;
use crate::vectors::Vectors;

/// Most rows for which `maxElements` reserves id places; beyond that it grows like any other database.
const MOST_RESERVED: usize = 1 << 20;
/// Removed rows are taken out of the graph once they are this fraction of all slots …
const DEAD_FRACTION: usize = 5;
/// … and at least this many, so that small databases do not relink at every delete.
const FEWEST_DEAD: usize = 64;

/// Vectors with ids and metadata, searchable by similarity.
///
/// The same operations give the same answers and the same bytes on every platform and with any number of threads.
///
/// ```
/// use annywhere::{Config, Database, SearchParams};
///
/// let config = Config { dimensions: 3, ..Config::default() };
/// let mut database = Database::new(&config)?;
/// database.insert(r#"[["north", {"degrees": 0}], ["east", null]]"#, &[0.0, 1.0, 0.0, 1.0, 0.0, 0.0])?;
/// let hits = database.search(&[0.1, 0.9, 0.0], &SearchParams { k: 1, ..SearchParams::default() })?;
/// assert_eq!(hits.rows_json(), r#"[["north",{"degrees": 0}]]"#);
/// # Ok::<(), annywhere::Error>(())
/// ```
#[derive(Debug)]
pub struct Database {
    options: Options,
    slots: Slots,
    vectors: Vectors,
    metadata: Texts,
    graph: Graph,
    codes: Codes,
    scratches: Scratches,
}

/// What the graph walks on.
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
struct ScalarSpace<'a> {
    codec: ScalarCodec,
    rows: &'a Chunks<Line>,
}

impl Space for ScalarSpace<'_> {
    #[inline(always)]
    fn aim_at_vector(self, vector: &[f32], query: &mut Query) {
        self.codec.aim_at_vector(vector, &mut query.scalar);
    }

    #[inline(always)]
    fn aim_at_slot(self, slot: Slot, query: &mut Query) {
        self.codec.aim_at_row(self.rows.row(slot as usize), &mut query.scalar);
    }

    #[inline(always)]
    fn ranks<K: Kernels>(self, kernels: K, query: &Query, slots: [Slot; 4]) -> [f32; 4] {
        self.codec.ranks(kernels, &query.scalar, slots.map(|slot| self.rows.row(slot as usize)))
    }

    fn are_equal(self, a: Slot, b: Slot) -> bool {
        self.rows.row(a as usize) == self.rows.row(b as usize)
    }

    #[inline(always)]
    fn prefetch<K: Kernels>(self, kernels: K, slot: Slot) {
        kernels.prefetch(self.rows.row(slot as usize));
    }
}

/// How to search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchParams {
    /// Number of hits wanted, at least 1. Fewer come back only if fewer rows exist or pass the threshold.
    pub k: usize,
    /// Length of the candidate list for this search instead of `efSearch`; at least `k` is used.
    pub ef: Option<usize>,
    /// Rank every row with its original vector instead of walking the graph.
    pub exact: bool,
    /// Least score of a hit.
    pub threshold: Option<f32>,
}

impl Default for SearchParams {
    fn default() -> Self {
        Self { k: 10, ef: None, exact: false, threshold: None }
    }
}

/// The rows found, nearest first; equal scores in the order of insertion.
#[derive(Debug)]
pub struct Hits<'a> {
    database: &'a Database,
    slots: Vec<Slot>,
    scores: Vec<f32>,
    distances: Vec<f32>,
}

impl Hits<'_> {
    /// Number of hits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Larger is nearer; see [`Metric`](crate::Metric).
    #[must_use]
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// Smaller is nearer; see [`Metric`](crate::Metric).
    #[must_use]
    pub fn distances(&self) -> &[f32] {
        &self.distances
    }

    /// Ids in rank order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().map(|&slot| self.database.slots.id(slot))
    }

    /// Ids and metadata as one JSON text, `[["id",{metadata}],…]`: the form in which hits cross into JavaScript.
    #[must_use]
    pub fn rows_json(&self) -> String {
        let mut json = String::from("[");
        for &slot in &self.slots {
            if json.len() > 1 {
                json.push(',');
            }
            let id = serde_json::to_string(self.database.slots.id(slot)).unwrap_or_default();
            json.push('[');
            json.push_str(&id);
            json.push(',');
            json.push_str(self.database.metadata_of(slot));
            json.push(']');
        }
        json.push(']');
        json
    }
}

/// A stored row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// The vector as it was given.
    pub vector: &'a [f32],
    /// The metadata as JSON text; `{}` if there is none.
    pub metadata: &'a str,
}

/// What a database holds and costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Number of rows.
    pub count: usize,
    /// Removed rows that the graph still walks through.
    pub deleted: usize,
    /// The options in force.
    #[serde(flatten)]
    pub options: Options,
    /// Bytes of memory per part.
    pub memory: MemoryStats,
}

/// Bytes allocated per part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MemoryStats {
    /// Original vectors.
    pub vectors: usize,
    /// Codes that the graph walks on.
    pub codes: usize,
    /// Links.
    pub graph: usize,
    /// Ids and their table.
    pub ids: usize,
    /// Metadata.
    pub metadata: usize,
    /// The sum of all parts.
    pub total: usize,
}

impl Database {
    /// An empty database.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an option outside its range; [`Error::OutOfMemory`] if `maxElements` rows cannot
    /// be reserved.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let options = Options::resolve(config)?;
        let mut database = Self {
            slots: Slots::new(),
            vectors: Vectors::new(options.distance_metric, options.dimensions),
            metadata: Texts::new(),
            graph: Graph::new(&options),
            codes: Codes::new(&options),
            scratches: Scratches::default(),
            options,
        };
        database.slots.reserve(0, config.max_elements.unwrap_or(0).min(MOST_RESERVED), 0)?;
        Ok(database)
    }

    /// The options in force.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.live()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Inserts rows, all or none. A row whose id exists replaces that row.
    ///
    /// `rows` is JSON text, `[["id", {metadata}], …]` with `null` for no metadata; `vectors` holds as many vectors,
    /// one after the other.
    ///
    /// # Errors
    /// What is wrong with the first bad row, with its index; nothing has changed then. [`Error::OutOfMemory`] if there
    /// is no room.
    pub fn insert(&mut self, rows: &str, vectors: &[f32]) -> Result<(), Error> {
        let rows = rows::parse(rows)?;
        let dimensions = self.options.dimensions;
        if vectors.len() != rows.len() * dimensions {
            // A single row's length is what the caller got wrong; of several, only the sum is known.
            if rows.len() == 1 {
                self.vectors.check(vectors, Some(0))?;
            }
            let reason = format!(
                "{} numbers do not make {} vectors of {dimensions} dimensions",
                vectors.len(),
                rows.len()
            );
            return Err(Error::InvalidArgument { argument: "vectors".to_owned(), reason });
        }
        for (index, vector) in vectors.chunks_exact(dimensions).enumerate() {
            self.vectors.check(vector, Some(index))?;
        }
        if rows.is_empty() {
            return Ok(());
        }
        let new = self.slots.next(rows.len());
        self.reserve(&new, &rows)?;
        for ((row, &slot), vector) in rows.iter().zip(&new).zip(vectors.chunks_exact(dimensions)) {
            self.slots.insert(row.id(), slot);
            self.vectors.set(slot, vector);
            self.metadata.set(slot as usize, row.metadata());
            self.codes.set(slot, vector);
        }
        let Self { graph, slots, scratches, .. } = self;
        match &self.codes {
            Codes::None => graph.insert(&new, &self.vectors, slots, scratches),
            Codes::Scalar { codec, rows } => {
                graph.insert(&new, ScalarSpace { codec: *codec, rows }, slots, scratches);
            }
        }
        self.unlink_the_dead();
        Ok(())
    }

    /// Makes room for new rows in every part, so that storing them cannot fail halfway.
    fn reserve(&mut self, new: &[Slot], rows: &[NewRow<'_>]) -> Result<(), Error> {
        let slots = new.iter().max().map_or(0, |&last| last as usize + 1).max(self.slots.len());
        if slots > MAX_ROWS {
            let reason = format!("{slots} rows are more than {MAX_ROWS}");
            return Err(Error::InvalidArgument { argument: "rows".to_owned(), reason });
        }
        let ids = rows.iter().map(|row| row.id().len()).sum();
        let metadata = rows.iter().map(|row| row.metadata().len()).sum();
        let before = self.slots.len();
        let reserved = self
            .vectors
            .reserve(slots)
            .and_then(|()| self.metadata.reserve(slots, metadata))
            .and_then(|()| self.codes.reserve(slots))
            .and_then(|()| self.graph.reserve(slots))
            .and_then(|()| self.slots.reserve(slots, rows.len(), ids));
        if reserved.is_err() {
            self.vectors.shrink(before);
            self.metadata.shrink(before);
            self.codes.shrink(before);
            self.graph.shrink(before);
            self.slots.shrink(before);
        }
        reserved
    }

    /// Removes rows; ids that do not exist are passed over. Returns how many rows were removed.
    ///
    /// # Errors
    /// None at present.
    pub fn delete(&mut self, ids: &[&str]) -> Result<usize, Error> {
        let mut removed = 0;
        for id in ids {
            if let Some(slot) = self.slots.remove(id) {
                self.metadata.set(slot as usize, "");
                removed += 1;
            }
        }
        self.unlink_the_dead();
        Ok(removed)
    }

    /// Takes removed rows out of the graph once enough have gathered.
    fn unlink_the_dead(&mut self) {
        let Self { graph, slots, scratches, .. } = self;
        if slots.dead() < FEWEST_DEAD || slots.dead() * DEAD_FRACTION < slots.len() {
            return;
        }
        match &self.codes {
            Codes::None => graph.unlink_the_dead(&self.vectors, slots, scratches),
            Codes::Scalar { codec, rows } => {
                graph.unlink_the_dead(ScalarSpace { codec: *codec, rows }, slots, scratches);
            }
        }
        slots.free_the_dead();
    }

    /// A row by its id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Row<'_>> {
        let slot = self.slots.find(id)?;
        Some(Row { vector: self.vectors.get(slot), metadata: self.metadata_of(slot) })
    }

    fn metadata_of(&self, slot: Slot) -> &str {
        match self.metadata.get(slot as usize) {
            "" => NO_METADATA,
            text => text,
        }
    }

    /// The rows nearest to `query`, best first.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `k` or `ef` is zero or the threshold is NaN; the errors of a vector that does not
    /// fit, without a row.
    pub fn search(&self, query: &[f32], params: &SearchParams) -> Result<Hits<'_>, Error> {
        let positive = |argument: &str, value: usize| match value {
            0 => Err(Error::InvalidArgument {
                argument: argument.to_owned(),
                reason: "0 is outside its range, 1 and more".to_owned(),
            }),
            _ => Ok(value),
        };
        let asked = positive("k", params.k)?;
        let ef = positive("ef", params.ef.unwrap_or(self.options.ef_search))?;
        if params.threshold.is_some_and(f32::is_nan) {
            return Err(Error::InvalidArgument {
                argument: "threshold".to_owned(),
                reason: "is NaN".to_owned(),
            });
        }
        self.vectors.check(query, None)?;
        let k = asked.min(self.len());
        let ef = ef.max(k).min(MAX_ROWS);
        let mut borrowed = self.scratches.borrow();
        let scratch = &mut borrowed.scratch;
        self.vectors.aim_at_vector(query, &mut scratch.query);
        // A list as long as the database visits every row anyway.
        if params.exact || ef >= self.len() || !self.search_graph(query, k, ef, scratch) {
            let Self { vectors, slots, .. } = self;
            kernels::run(ExactScan { vectors, slots, k, scratch });
            scratch.sorted.clear();
            scratch.sorted.extend_from_slice(scratch.pool.candidates());
        }
        Ok(self.hits(scratch, k, params.threshold))
    }

    /// Walks the graph and rescores; false if it reached fewer than `k` rows.
    fn search_graph(&self, query: &[f32], k: usize, ef: usize, scratch: &mut Scratch) -> bool {
        let Self { graph, slots, vectors, .. } = self;
        match &self.codes {
            Codes::None => kernels::run(Search { graph, space: vectors, slots, ef, scratch }),
            Codes::Scalar { codec, rows } => {
                let space = ScalarSpace { codec: *codec, rows };
                space.aim_at_vector(query, &mut scratch.query);
                kernels::run(Search { graph, space, slots, ef, scratch });
            }
        }
        scratch.fresh.clear();
        for near in scratch.pool.candidates() {
            if scratch.fresh.len() >= rescored(k) {
                break;
            }
            scratch.fresh.extend(graph.rows_at(near.slot(), slots));
        }
        if scratch.fresh.len() < k {
            return false;
        }
        kernels::run(Rescore { vectors, scratch });
        true
    }

    /// Applies the threshold and cuts at `k`.
    fn hits(&self, scratch: &Scratch, k: usize, threshold: Option<f32>) -> Hits<'_> {
        let mut hits = Hits { database: self, slots: Vec::new(), scores: Vec::new(), distances: Vec::new() };
        for near in scratch.sorted.iter().take(k) {
            let (score, distance) = self.options.distance_metric.score_and_distance(near.rank());
            if threshold.is_some_and(|threshold| score < threshold) {
                break;
            }
            hits.slots.push(near.slot());
            hits.scores.push(score);
            hits.distances.push(distance);
        }
        hits
    }

    /// What the database holds and costs.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut memory = MemoryStats {
            vectors: self.vectors.bytes(),
            codes: self.codes.bytes(),
            graph: self.graph.bytes(),
            ids: self.slots.bytes(),
            metadata: self.metadata.bytes(),
            total: 0,
        };
        memory.total = memory.vectors + memory.codes + memory.graph + memory.ids + memory.metadata;
        Stats { count: self.len(), deleted: self.slots.dead(), options: self.options, memory }
    }

    /// Writes everything as one self-contained file, in order.
    ///
    /// # Errors
    /// Whatever the sink reports.
    pub fn write(&self, sink: &mut dyn Sink) -> Result<(), Error> {
        segment::write(self, sink)
    }

    /// The file as bytes; see [`write`](Self::write).
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        segment::write(self, &mut bytes)?;
        Ok(bytes)
    }

    /// Opens a file. `config` must agree with what the file holds, see [`Options::adopt`].
    ///
    /// The bytes are not trusted: every size and every link is checked.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::VersionTooNew`], [`Error::Mismatch`], or whatever the source reports.
    pub fn read(source: &dyn Source, config: &Config) -> Result<Self, Error> {
        segment::read(source, config)
    }

    pub(crate) fn parts(&self) -> Parts<'_> {
        let Self { slots, vectors, metadata, graph, codes, .. } = self;
        Parts { slots, vectors, metadata, graph, codes }
    }

    pub(crate) fn from_parts(
        options: Options,
        slots: Slots,
        vectors: Vectors,
        metadata: Texts,
        graph: Graph,
        codes: Codes,
    ) -> Self {
        Self { options, slots, vectors, metadata, graph, codes, scratches: Scratches::default() }
    }
}

/// Candidates rescored for `k` hits. 15 already give the full recall of int8 codes at k = 10; more change nothing.
fn rescored(k: usize) -> usize {
    (2 * k).max(k + 16)
}

/// The parts of a database, for writing.
pub(crate) struct Parts<'a> {
    pub(crate) slots: &'a Slots,
    pub(crate) vectors: &'a Vectors,
    pub(crate) metadata: &'a Texts,
    pub(crate) graph: &'a Graph,
    pub(crate) codes: &'a Codes,
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
        match options.quantization {
            Quantization::None => Self::None,
            Quantization::Scalar => {
                let codec = ScalarCodec::new(options.distance_metric, options.dimensions);
                Self::Scalar { codec, rows: Chunks::new(codec.lines()) }
            }
        }
    }

    fn reserve(&mut self, slots: usize) -> Result<(), Error> {
        match self {
            Self::None => Ok(()),
            Self::Scalar { rows, .. } => rows.grow(slots, bytemuck::Zeroable::zeroed()),
        }
    }

    fn shrink(&mut self, slots: usize) {
        if let Self::Scalar { rows, .. } = self {
            rows.shrink(slots);
        }
    }

    fn set(&mut self, slot: Slot, vector: &[f32]) {
        if let Self::Scalar { codec, rows } = self {
            kernels::run(Encode { codec: *codec, vector, row: rows.row_mut(slot as usize) });
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Scalar { rows, .. } => rows.bytes(),
        }
    }
}
