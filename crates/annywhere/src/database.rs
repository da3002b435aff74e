//! A database: rows in, hits out. It checks what comes in, keeps the parts in step, and plans each search.
//!
//! One insert: read and check everything → make room → slot, vector, code, texts → graph.
//! One search: check → graph or exact scan → rescore with the original vectors → threshold → cut at k, once.

use crate::codes::{Codes, ScalarSpace};
use crate::error::Error;
use crate::graph::search::Search;
use crate::hits::{Hits, Row, SearchParams};
use crate::kernels;
use crate::options::{Config, MAX_ROWS, Options};
use crate::rows::{self, Row as NewRow};
use crate::scan::exact::{ExactScan, Rescore};
use crate::scratch::{Scratch, Scratches};
use crate::space::Space;
use crate::stats::{MemoryStats, Stats};
use crate::store::{Sink, Source, segment};
use crate::stored::Stored;

/// Most rows for which `maxElements` reserves id places; beyond that it grows like any other database.
const MOST_RESERVED: usize = 1 << 20;
/// Removed rows are taken out of the graph once they are a fifth of the rows in it: often enough that searches pass few
/// of them, seldom enough that the work is spread over many deletes.
const DEAD_FRACTION: usize = 5;

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
    stored: Stored,
    scratches: Scratches,
}

impl Database {
    /// An empty database.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an option outside its range; [`Error::OutOfMemory`] if `maxElements` rows cannot
    /// be reserved.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let options = Options::resolve(config)?;
        let mut stored = Stored::new(options);
        stored.slots.reserve(0, config.max_elements.unwrap_or(0).min(MOST_RESERVED), 0)?;
        Ok(Self { stored, scratches: Scratches::default() })
    }

    /// The options in force.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.stored.options
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stored.slots.live()
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
        let dimensions = self.stored.options.dimensions;
        if vectors.len() != rows.len() * dimensions {
            // A single row's length is what the caller got wrong; of several, only the sum is known.
            if rows.len() == 1 {
                self.stored.vectors.check(vectors, Some(0))?;
            }
            let reason = format!(
                "{} numbers do not make {} vectors of {dimensions} dimensions",
                vectors.len(),
                rows.len()
            );
            return Err(Error::InvalidArgument { argument: "vectors".to_owned(), reason });
        }
        for (index, vector) in vectors.chunks_exact(dimensions).enumerate() {
            self.stored.vectors.check(vector, Some(index))?;
        }
        if rows.is_empty() {
            return Ok(());
        }
        let before = self.stored.slots.len();
        self.reserve(&rows)?;
        for row in &rows {
            self.remove(row.id());
        }
        // Before the new rows are linked: they link to live rows only, and need enough of those.
        self.unlink_the_dead();
        let new = self.stored.slots.next(rows.len());
        let used = new.iter().max().map_or(0, |&last| last as usize + 1);
        self.stored.shrink(before.max(used));
        let Self { stored: Stored { graph, slots, vectors: originals, metadata, codes, .. }, scratches } =
            self;
        for ((row, &slot), vector) in rows.iter().zip(&new).zip(vectors.chunks_exact(dimensions)) {
            slots.insert(row.id(), slot);
            originals.set(slot, vector);
            metadata.set(slot as usize, row.metadata());
            codes.set(slot, vector);
        }
        match codes {
            Codes::None => graph.insert(&new, &*originals, slots, scratches),
            Codes::Scalar { codec, rows } => {
                graph.insert(&new, ScalarSpace { codec: *codec, rows }, slots, scratches);
            }
        }
        Ok(())
    }

    /// Makes room for new rows in every part, so that storing them cannot fail halfway.
    fn reserve(&mut self, rows: &[NewRow<'_>]) -> Result<(), Error> {
        let before = self.stored.slots.len();
        let slots = before + rows.len().saturating_sub(self.stored.slots.free());
        if slots > MAX_ROWS {
            let reason = format!("{slots} rows are more than {MAX_ROWS}");
            return Err(Error::InvalidArgument { argument: "rows".to_owned(), reason });
        }
        let ids = rows.iter().map(|row| row.id().len()).sum();
        let metadata = rows.iter().map(|row| row.metadata().len()).sum();
        let reserved = self.stored.reserve(slots, rows.len(), ids, metadata);
        if reserved.is_err() {
            self.stored.shrink(before);
        }
        reserved
    }

    /// Removes rows; ids that do not exist are passed over. Returns how many rows were removed.
    ///
    /// # Errors
    /// None at present.
    pub fn delete(&mut self, ids: &[&str]) -> Result<usize, Error> {
        let removed = ids.iter().filter(|id| self.remove(id)).count();
        self.stored.metadata.collect_if_due();
        self.unlink_the_dead();
        Ok(removed)
    }

    /// Makes a row dead and forgets its texts; false if there is none.
    fn remove(&mut self, id: &str) -> bool {
        let Stored { slots, metadata, .. } = &mut self.stored;
        let removed = slots.remove(id);
        if let Some(slot) = removed {
            metadata.set(slot as usize, "");
        }
        removed.is_some()
    }

    /// Takes removed rows out of the graph once enough have gathered.
    fn unlink_the_dead(&mut self) {
        let Self { stored: Stored { graph, slots, vectors, codes, .. }, scratches } = self;
        if slots.dead() == 0 || slots.dead() * DEAD_FRACTION < slots.dead() + slots.live() {
            return;
        }
        match codes {
            Codes::None => graph.unlink_the_dead(&*vectors, slots, scratches),
            Codes::Scalar { codec, rows } => {
                graph.unlink_the_dead(ScalarSpace { codec: *codec, rows }, slots, scratches);
            }
        }
        slots.free_the_dead();
    }

    /// A row by its id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Row<'_>> {
        let slot = self.stored.slots.find(id)?;
        Some(Row {
            vector: self.stored.vectors.get(slot),
            metadata: rows::metadata_or_empty(self.stored.metadata.get(slot as usize)),
        })
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
        let ef = positive("ef", params.ef.unwrap_or(self.stored.options.ef_search))?;
        if params.threshold.is_some_and(f32::is_nan) {
            return Err(Error::InvalidArgument {
                argument: "threshold".to_owned(),
                reason: "is NaN".to_owned(),
            });
        }
        self.stored.vectors.check(query, None)?;
        let k = asked.min(self.len());
        let ef = ef.max(k).min(MAX_ROWS);
        let mut borrowed = self.scratches.borrow();
        let scratch = &mut borrowed.scratch;
        self.stored.vectors.aim_at_vector(query, &mut scratch.query);
        // A list as long as the database visits every row anyway.
        if params.exact || ef >= self.len() || !self.search_graph(query, k, ef, scratch) {
            let Stored { vectors, slots, .. } = &self.stored;
            kernels::run(ExactScan { vectors, slots, k, scratch });
        }
        Ok(self.hits(scratch, k, params.threshold))
    }

    /// Walks the graph and rescores; false if it reached fewer than `k` rows.
    fn search_graph(&self, query: &[f32], k: usize, ef: usize, scratch: &mut Scratch) -> bool {
        let Stored { graph, slots, vectors, codes, .. } = &self.stored;
        match codes {
            Codes::None => kernels::run(Search { graph, space: vectors, slots, ef, scratch }),
            Codes::Scalar { codec, rows } => {
                let space = ScalarSpace { codec: *codec, rows };
                space.aim_at_vector(query, &mut scratch.query);
                kernels::run(Search { graph, space, slots, ef, scratch });
            }
        }
        scratch.fresh.clear();
        for near in scratch.pool.candidates() {
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
        let Stored { slots, metadata, .. } = &self.stored;
        let mut hits = Hits::new(slots, metadata);
        for near in scratch.sorted.iter().take(k) {
            let (score, distance) = self.stored.options.distance_metric.score_and_distance(near.rank());
            if threshold.is_some_and(|threshold| score < threshold) {
                break;
            }
            hits.push(near.slot(), score, distance);
        }
        hits
    }

    /// What the database holds and costs.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut memory = MemoryStats {
            vectors: self.stored.vectors.bytes(),
            codes: self.stored.codes.bytes(),
            graph: self.stored.graph.bytes(),
            ids: self.stored.slots.bytes(),
            metadata: self.stored.metadata.bytes(),
            total: 0,
        };
        memory.total = memory.vectors + memory.codes + memory.graph + memory.ids + memory.metadata;
        Stats { count: self.len(), deleted: self.stored.slots.dead(), options: self.stored.options, memory }
    }

    /// Writes everything as one self-contained file, in order.
    ///
    /// # Errors
    /// Whatever the sink reports.
    pub fn write(&self, sink: &mut dyn Sink) -> Result<(), Error> {
        segment::write(&self.stored, sink)
    }

    /// The file as bytes; see [`write`](Self::write).
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        segment::write(&self.stored, &mut bytes)?;
        Ok(bytes)
    }

    /// Opens a file. `config` must agree with what the file holds, see [`Options::adopt`].
    ///
    /// The bytes are not trusted: every size and every link is checked.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::VersionTooNew`], [`Error::Mismatch`], or whatever the source reports.
    pub fn read(source: &dyn Source, config: &Config) -> Result<Self, Error> {
        Ok(Self { stored: segment::read(source, config)?, scratches: Scratches::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hits splice metadata into one JSON text, so a file whose checksums are right must not bring in anything else.
    #[test]
    fn a_file_with_forged_metadata_is_refused() {
        let config = Config { dimensions: 1, ..Config::default() };
        for forged in [r#"{}],["evil",{}"#, "[]", "{", " {}", "1"] {
            let mut database = Database::new(&config).unwrap();
            database.insert(r#"[["a",{"n":1}]]"#, &[1.0]).unwrap();
            database.stored.metadata.reserve(1, forged.len()).unwrap();
            database.stored.metadata.set(0, forged);
            let bytes = database.to_bytes().unwrap();
            let error = Database::read(&bytes.as_slice(), &config).unwrap_err();
            assert_eq!(error.code(), "Corrupt", "{forged}: {error}");
        }
    }
}
