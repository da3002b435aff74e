//! A database: rows in, hits out. It checks what comes in, keeps the parts in step, and plans each search.
//!
//! One insert: read and check everything → make room → slot, vector, texts → index.
//! One search: check → scan, graph or exact scan → rescore with the original vectors → threshold → cut at k, once.

use std::sync::Arc;

use crate::codes::CodeSpace;
use crate::error::Error;
use crate::filter::{FilterLimits, Recent, Selection};
use crate::graph::Graph;
use crate::graph::filtered::FilteredSearch;
use crate::graph::search::Search;
use crate::graph::stop::Stop;
use crate::hits::{Hits, Row, SearchParams};
use crate::kernels;
use crate::options::{self, Config, MAX_ROWS, Options, check_embedding, check_target_recall};
use crate::parallel;
use crate::rows::{self, Row as NewRow};
use crate::scan::FEWEST_CODED;
use crate::scan::exact::{ExactScan, Rescore};
use crate::scan::search::{Effort, ScanSearch};
use crate::scratch::{Scratch, Scratches, Work};
use crate::slots::{Slot, Slots};
use crate::space::Space;
use crate::stats::{MemoryStats, Originals, Stats};
use crate::store::{SharedSource, Sink, Source, segment};
use crate::stored::{Index, Stored};
use crate::weigh::Weigher;
use crate::words::Words;

/// Most rows for which `maxElements` reserves id places; beyond that it grows like any other database.
const MOST_RESERVED: usize = 1 << 20;
/// Removed rows are taken out of the graph once they are a fifth of the rows in it: often enough that searches pass few
/// of them, seldom enough that the work is spread over many deletes.
const DEAD_FRACTION: usize = 5;

/// Where nothing else needs the places of removed rows, this many may gather, and as many as there are rows.
const MOST_DEAD: usize = 1_024;

/// What can be searched in a millisecond or two: numbers compared, length of a list of candidates, rows scanned.
pub(crate) const QUICK_NUMBERS: usize = 4_000_000;
const QUICK_LIST: usize = 1_000;
const QUICK_ROWS: usize = 1_000_000;

/// A search that has been checked.
pub(crate) struct Plan {
    pub(crate) k: usize,
    pub(crate) threshold: Option<f32>,
    pub(crate) budget: Option<usize>,
    pub(crate) metadata: bool,
    pub(crate) method: Method,
    /// The rows that may be hits, if not all may.
    pub(crate) selection: Option<Arc<Selection>>,
    /// What gives rows their scores, if not similarity alone does.
    pub(crate) weigher: Option<Weigher>,
}

/// How candidates are found.
#[derive(Clone, Copy)]
pub(crate) enum Method {
    Exact,
    /// The codes of all matches, and the nearest `ef` of them exactly.
    Codes {
        ef: usize,
        rescore: bool,
    },
    Graph {
        ef: usize,
        /// Ends walks without a filter instead of `ef`.
        stop: Option<Stop>,
        rescore: bool,
    },
    Scan(Effort),
    /// There is nothing to be found.
    Nothing,
}

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
/// assert_eq!(hits.rows_json(), r#"["north",{"degrees": 0}]"#);
/// # Ok::<(), annywhere::Error>(())
/// ```
#[derive(Debug)]
pub struct Database {
    pub(crate) stored: Stored,
    /// The file that the vectors are in, if it was opened for reading only.
    file: Option<Arc<dyn SharedSource>>,
    pub(crate) scratches: Scratches,
    pub(crate) filter_limits: FilterLimits,
    pub(crate) recent: Recent,
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
        stored.words = Words::of(config.text_fields.as_deref().unwrap_or_default())?;
        check_embedding(config.embedding.as_ref())?;
        stored.embedding.clone_from(&config.embedding);
        stored.slots.reserve(0, config.max_elements.unwrap_or(0).min(MOST_RESERVED), 0)?;
        let filter_limits = config.filter_limits.unwrap_or_default().check()?;
        Ok(Self {
            stored,
            file: None,
            scratches: Scratches::default(),
            filter_limits,
            recent: Recent::default(),
        })
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
        self.refuse_read_only()?;
        self.insert_after(rows, vectors, || Ok(()))
    }

    /// Inserts, and calls `keep` once nothing can fail any more and nothing has changed yet.
    pub(crate) fn insert_after(
        &mut self,
        rows: &str,
        vectors: &[f32],
        keep: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.recent.forget();
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
            self.stored.vectors.check_row(vector, index)?;
        }
        if rows.is_empty() {
            return Ok(());
        }
        let before = self.stored.slots.len();
        self.reserve(&rows)?;
        let documents = self.read_words(rows.iter().map(NewRow::metadata));
        let documents = match documents.and_then(|documents| keep().map(|()| documents)) {
            Ok(documents) => documents,
            Err(error) => {
                self.stored.shrink(before);
                return Err(error);
            }
        };
        for row in &rows {
            self.remove(row.id());
        }
        // Before the new rows are linked: they link to live rows only, and need enough of those.
        self.unlink_the_dead();
        let new = self.stored.slots.next(rows.len());
        let used = new.iter().max().map_or(0, |&last| last as usize + 1);
        self.stored.shrink(before.max(used));
        let Stored { slots, vectors: originals, metadata, columns, .. } = &mut self.stored;
        for ((row, &slot), vector) in rows.iter().zip(&new).zip(vectors.chunks_exact(dimensions)) {
            slots.insert(row.id(), slot);
            originals.set(slot, vector);
            metadata.set(slot as usize, row.metadata());
            columns.touch(slot);
        }
        self.place_words(&documents, &new);
        self.index(&new);
        self.arrange_if_due();
        self.forget_calibration();
        Ok(())
    }

    /// Takes rows into the index, which has room for them.
    fn index(&mut self, new: &[Slot]) {
        let Self { stored: Stored { index, slots, vectors, .. }, scratches, .. } = self;
        match index {
            Index::Graph { graph, codes } => {
                codes.set(new, vectors, slots, scratches);
                graph.insert(new, codes.links_space(vectors), slots, scratches);
            }
            Index::Scan(scan) => scan.insert(new, vectors, scratches),
            Index::Exact => {}
        }
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
        self.recent.forget();
        self.refuse_read_only()?;
        let removed = ids.iter().filter(|id| self.remove(id)).count();
        self.stored.metadata.collect_if_due();
        if let Some(words) = &mut self.stored.words {
            words.collect_if_due();
        }
        self.unlink_the_dead();
        self.arrange_if_due();
        self.forget_calibration();
        Ok(removed)
    }

    /// Makes a row dead and forgets its texts; false if there is none.
    fn remove(&mut self, id: &str) -> bool {
        let Stored { slots, metadata, index, words, columns, .. } = &mut self.stored;
        let removed = slots.remove(id);
        if let Some(slot) = removed {
            metadata.set(slot as usize, "");
            columns.touch(slot);
            if let Some(words) = words {
                words.remove(slot);
            }
            if let Index::Scan(scan) = index {
                scan.remove(slot);
            }
        }
        removed.is_some()
    }

    /// Takes removed rows out of the graph once enough have gathered.
    fn unlink_the_dead(&mut self) {
        let Self { stored: Stored { index, slots, vectors, .. }, scratches, .. } = self;
        let Index::Graph { graph, codes } = index else {
            return;
        };
        if slots.dead() == 0 || slots.dead() * DEAD_FRACTION < slots.dead() + slots.live() {
            return;
        }
        graph.unlink_the_dead(codes.links_space(vectors), slots, scratches);
        slots.free_the_dead();
    }

    /// Moves rows that should lie together to one place once enough new or removed rows have gathered.
    fn arrange_if_due(&mut self) {
        let Stored { index, slots, .. } = &self.stored;
        let is_due = match index {
            Index::Graph { .. } => false,
            Index::Scan(scan) => scan.is_due(slots),
            Index::Exact => slots.dead() >= slots.live().max(MOST_DEAD),
        };
        if is_due {
            self.arrange(false);
        }
    }

    /// Moves the rows of a scan to their cells and forgets removed ones.
    fn arrange(&mut self, anew: bool) {
        let Self { stored, scratches, .. } = self;
        let Stored { index, slots, vectors, .. } = stored;
        let arrangement = match index {
            Index::Scan(scan) if slots.live() >= FEWEST_CODED => {
                Some(scan.arrange(vectors, slots, scratches, anew))
            }
            _ => None,
        };
        match &arrangement {
            Some(arrangement) => stored.permute(&arrangement.order),
            None => {
                let (live, other): (Vec<Slot>, Vec<Slot>) =
                    (0..slots.len() as Slot).partition(|&slot| slots.is_live(slot));
                stored.permute(&[live, other].concat());
            }
        }
        let Stored { options, index, slots, vectors, .. } = stored;
        if let Index::Scan(scan) = index {
            let settled = match arrangement {
                Some(arrangement) => scan.settle(arrangement, vectors, slots, scratches).is_ok(),
                None => false,
            };
            // Without memory for codes, and with few rows, searches are exact.
            if !settled {
                *index = Index::new(options);
            }
        }
    }

    /// Gives memory of removed rows back and makes searches as fast as they get: the rows of a scan move to cells around
    /// new centres, the graph lets go of removed rows. Nothing that a search finds changes but the last few per cent of
    /// recall.
    ///
    /// # Errors
    /// [`Error::ReadOnly`].
    pub fn compact(&mut self) -> Result<(), Error> {
        self.recent.forget();
        self.refuse_read_only()?;
        if let Index::Graph { .. } = self.stored.index {
            self.rebuild(self.stored.options);
        } else {
            self.arrange(true);
        }
        self.stored.metadata.collect_if_due();
        if let Some(words) = &mut self.stored.words {
            words.collect();
        }
        Ok(())
    }

    /// Replaces the index by the one that `config` describes; rows, ids and metadata stay. Unchanged on error. If `config`
    /// names text fields, their words are indexed in place of those before; no field at all ends that.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an option outside its range, [`Error::Mismatch`] for other dimensions or another
    /// metric, [`Error::OutOfMemory`].
    pub fn reindex(&mut self, config: &Config) -> Result<(), Error> {
        self.recent.forget();
        self.refuse_read_only()?;
        let config = Config {
            distance_metric: config.distance_metric.or(Some(self.stored.options.distance_metric)),
            precision: config.precision.or(Some(self.stored.options.precision)),
            ..config.clone()
        };
        let options = Options::resolve(&config)?;
        options::agree("dimensions", Some(options.dimensions), self.stored.options.dimensions)?;
        options::agree("distanceMetric", Some(options.distance_metric), self.stored.options.distance_metric)?;
        options::agree("precision", Some(options.precision), self.stored.options.precision)?;
        if let Some(fields) = &config.text_fields {
            self.stored.words = self.words_of_all_rows(fields)?;
        }
        self.rebuild(options);
        Ok(())
    }

    /// Builds an index anew for all rows.
    fn rebuild(&mut self, options: Options) {
        self.stored.options = options;
        self.stored.index = Index::Exact;
        self.arrange(true);
        let mut index = Index::new(&options);
        // Without memory for an index, searches are exact.
        if index.reserve(self.len()).is_err() {
            return;
        }
        self.stored.index = index;
        match self.stored.index {
            Index::Graph { .. } => {
                let live: Vec<Slot> = self.stored.slots.live_slots().collect();
                self.index(&live);
                self.calibrate();
            }
            Index::Scan(_) => self.arrange(true),
            Index::Exact => {}
        }
    }

    /// Whether there is a row with this id.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.stored.slots.find(id).is_some()
    }

    /// What a file holds.
    pub(crate) fn stored(&self) -> &Stored {
        &self.stored
    }

    /// A row by its id.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::Io`] if it has to be read from a file and cannot be.
    pub fn get(&self, id: &str) -> Result<Option<Row<'_>>, Error> {
        let Some(slot) = self.stored.slots.find(id) else {
            return Ok(None);
        };
        let (vector, metadata) =
            (self.stored.vectors.read(slot), rows::read_metadata(&self.stored.metadata, slot));
        Ok(Some(Row { vector: vector?, metadata: metadata? }))
    }

    /// The rows nearest to `query`, best first. With `text` and an empty `query`, the rows whose words answer it best.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `k` or `ef` is zero, the threshold is NaN, `targetRecall` is out of range or an
    /// argument is for the other index; the errors of a vector that does not fit, without a row.
    pub fn search(&self, query: &[f32], params: &SearchParams) -> Result<Hits<'_>, Error> {
        let scratch = &mut self.scratches.borrow().scratch;
        if params.has_wishes() {
            return self.answer(query, params, scratch);
        }
        let plan = self.plan(params)?;
        self.stored.vectors.check(query, None)?;
        self.nearest(query, &plan, scratch);
        answered(self.hits(scratch, &plan), scratch)
    }

    /// The same for many queries, which lie one after the other, on all cores where there are threads.
    ///
    /// # Errors
    /// As [`search`](Self::search); those of a vector with the number of the query as the row.
    pub fn search_many(&self, queries: &[f32], params: &SearchParams) -> Result<Vec<Hits<'_>>, Error> {
        let plan = self.plan(params)?;
        let dimensions = self.stored.options.dimensions;
        if !queries.len().is_multiple_of(dimensions) {
            let reason =
                format!("{} numbers are not whole vectors of {dimensions} dimensions", queries.len());
            return Err(Error::InvalidArgument { argument: "vectors".to_owned(), reason });
        }
        let queries: Vec<&[f32]> = queries.chunks_exact(dimensions).collect();
        for (row, query) in queries.iter().enumerate() {
            self.stored.vectors.check(query, Some(row))?;
        }
        let answers = parallel::map(queries.len(), &self.scratches, |at, scratch| {
            if params.has_wishes() {
                return self.answer(queries[at], params, scratch);
            }
            self.nearest(queries[at], &plan, scratch);
            answered(self.hits(scratch, &plan), scratch)
        });
        answers.into_iter().collect()
    }

    /// Whether a search takes so little time, a millisecond or two, that handing it to another thread is not worth it.
    #[must_use]
    pub fn is_quick(&self, params: &SearchParams) -> bool {
        if params.has_wishes() {
            return self.is_quick_answer(params);
        }
        if params.target_recall.is_some() && !self.is_calibrated() {
            return false;
        }
        match self.plan(params) {
            Ok(Plan { method: Method::Nothing, .. }) => true,
            Ok(Plan { method: Method::Exact | Method::Codes { .. }, selection, .. }) => {
                let rows = selection.map_or(self.len(), |selection| selection.count);
                rows * self.stored.options.dimensions <= QUICK_NUMBERS
            }
            Ok(Plan { method: Method::Graph { ef, .. }, .. }) => ef <= QUICK_LIST,
            Ok(Plan { method: Method::Scan(_), k, .. }) => k <= QUICK_LIST && self.len() <= QUICK_ROWS,
            // Refusing takes no time.
            Err(_) => true,
        }
    }

    /// Checks what a search is asked.
    pub(crate) fn plan(&self, params: &SearchParams) -> Result<Plan, Error> {
        let invalid = |argument: &str, reason: &str| {
            Err(Error::InvalidArgument { argument: argument.to_owned(), reason: reason.to_owned() })
        };
        let options = &self.stored.options;
        if params.k == 0 {
            return invalid("k", "0 is outside its range, 1 and more");
        }
        if params.budget == Some(0) {
            return invalid("budget", "0 is outside its range, 1 and more");
        }
        if params.budget.is_some() && params.has_wishes() {
            return invalid("budget", "is for searches by a vector alone");
        }
        if params.ef == Some(0) {
            return invalid("ef", "0 is outside its range, 1 and more");
        }
        if params.ef.is_some() && options.index != options::Index::Hnsw {
            return invalid("ef", "is for the index 'hnsw'; a scan has targetRecall");
        }
        if let Some(target) = params.target_recall {
            if params.ef.is_some() {
                return invalid("targetRecall", "and ef both say how long the list is");
            }
            if check_target_recall("targetRecall", target).is_err() {
                return invalid("targetRecall", &format!("{target} is outside its range, 0.5 to 1"));
            }
        }
        if params.threshold.is_some_and(f32::is_nan) {
            return invalid("threshold", "is NaN");
        }
        let selection = match &params.filter {
            Some(filter) => Some(self.select(filter)?).filter(|selection| selection.count < self.len()),
            None => None,
        };
        let rows = selection.as_ref().map_or(self.len(), |selection| selection.count);
        let weigher = params.weigh.as_ref().map(|weigh| self.weigher(weigh)).transpose()?;
        // How many of the nearest rows have to be found.
        let near = weigher.as_ref().map_or(params.k, |weigher| weigher.candidates.max(params.k)).min(rows);
        let (ef, stop) = match params.target_recall {
            Some(target) if !params.exact => {
                let (ef, stop) = self.list_for(target, near)?;
                (ef.max(near), stop)
            }
            _ => (self.widened(params.ef.unwrap_or(options.ef_search).max(near)), None),
        };
        let ef = ef.min(MAX_ROWS);
        let selected = |test: &dyn Fn(&Selection) -> bool| selection.as_deref().is_some_and(test);
        let method = match &self.stored.index {
            _ if rows == 0 => Method::Nothing,
            _ if params.exact || near == rows => Method::Exact,
            // A list as long as the database visits every row anyway.
            Index::Graph { codes, .. }
                if ef < rows && !selected(&|selection| selection.is_few_for_graph(ef, codes.is_some())) =>
            {
                let rescore = params.rescore || weigher.is_some();
                if codes.is_some() && selected(&|selection| selection.is_few_for_codes(ef)) {
                    Method::Codes { ef, rescore }
                } else {
                    Method::Graph { ef, stop, rescore }
                }
            }
            Index::Scan(scan)
                if scan.is_coded() && !selected(&|selection| selection.is_few_for_scan(near)) =>
            {
                let target = params.target_recall.unwrap_or(options.target_recall);
                let mut effort = scan.effort(target, near);
                if selected(&|selection| selection.is_far_for_scan(near)) {
                    effort.reach = f32::INFINITY;
                }
                Method::Scan(Effort { rescore: params.rescore || weigher.is_some(), ..effort })
            }
            _ => Method::Exact,
        };
        let k = params.k.min(rows);
        Ok(Plan {
            k,
            threshold: params.threshold,
            budget: params.budget,
            metadata: params.metadata,
            method,
            selection,
            weigher,
        })
    }

    /// The list in which codes have as many of the nearest rows as vectors have in one of this length.
    fn widened(&self, ef: usize) -> usize {
        match &self.stored.index {
            Index::Graph { codes, .. } => codes.widened(ef),
            _ => ef,
        }
    }

    /// Fills the scratch's `sorted` with the nearest rows, at least as many as the plan wants if there are.
    pub(crate) fn nearest(&self, query: &[f32], plan: &Plan, scratch: &mut Scratch) {
        let Stored { index, vectors, slots, .. } = &self.stored;
        let (k, weigher) = (plan.k, plan.weigher.as_ref());
        let selection = plan.selection.as_deref();
        let mask = selection.map(|selection| &selection.matches);
        vectors.aim_at_vector(query, &mut scratch.query);
        let before = if plan.budget.is_some() { Work::default() } else { scratch.work };
        scratch.work = Work { budget: plan.budget, is_cut: false, ..before };
        let found = match (plan.method, index) {
            (Method::Nothing, _) => {
                scratch.sorted.clear();
                true
            }
            (Method::Scan(effort), Index::Scan(scan)) => {
                kernels::run(ScanSearch { scan, vectors, selection, weigher, k, effort, scratch });
                // Without k rows it looks at every row that weighing does not rule out.
                scratch.sorted.len() >= k || weigher.is_some()
            }
            (
                Method::Codes { ef, rescore } | Method::Graph { ef, rescore, .. },
                Index::Graph { graph, codes },
            ) => {
                let space = codes.space(vectors);
                if codes.is_some() {
                    space.aim_at_vector(query, &mut scratch.query);
                }
                let ended = if matches!(plan.method, Method::Codes { .. }) {
                    kernels::run(ExactScan { space, slots, mask, weigher: None, k: ef, scratch });
                    true
                } else {
                    let stop = if let Method::Graph { stop, .. } = plan.method { stop } else { None };
                    walk(graph, space, slots, selection, (ef, stop), scratch)
                };
                if ended && rescore && codes.is_some() {
                    if weigher.is_none() {
                        scratch.sorted.truncate(codes.rescored(k, ef));
                    }
                    kernels::run(Rescore { vectors, scratch });
                }
                let is_all = ended && weigher.is_some_and(|weigher| weigher.weigh(&mut scratch.sorted));
                ended && (scratch.sorted.len() >= k || is_all)
            }
            _ => false,
        };
        if !found && !scratch.work.is_cut {
            scratch.work.gave_up = !matches!(plan.method, Method::Exact);
            let space = CodeSpace::Vectors(vectors);
            kernels::run(ExactScan { space, slots, mask, weigher, k, scratch });
        }
        // The scratch may be used for other things next.
        scratch.work.budget = None;
    }

    /// A list of hits to be filled.
    pub(crate) fn no_hits(&self, plan: &Plan) -> Hits<'_> {
        let Stored { slots, metadata, .. } = &self.stored;
        Hits::new(slots, plan.metadata.then_some(metadata), &self.scratches)
    }

    /// Applies the threshold and cuts at `k`.
    pub(crate) fn hits(&self, scratch: &Scratch, plan: &Plan) -> Hits<'_> {
        let mut hits = self.no_hits(plan);
        if plan.budget.is_some() {
            hits.set_complete(!scratch.work.is_cut);
        }
        for near in scratch.sorted.iter().take(plan.k) {
            let (score, distance) = self.stored.options.distance_metric.score_and_distance(near.rank());
            if plan.threshold.is_some_and(|threshold| score < threshold) {
                break;
            }
            hits.push(near.slot(), score, distance);
        }
        hits
    }

    /// What the database holds and costs.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (codes, graph) = match &self.stored.index {
            Index::Graph { graph, codes } => (codes.bytes(), graph.bytes()),
            Index::Scan(scan) => (scan.bytes(), 0),
            Index::Exact => (0, 0),
        };
        let mut memory = MemoryStats {
            vectors: self.stored.vectors.bytes(),
            codes,
            graph,
            ids: self.stored.slots.bytes(),
            metadata: self.stored.metadata.bytes(),
            words: self.stored.words.as_ref().map_or(0, |words| words.bytes()),
            columns: self.stored.columns.bytes() + self.recent.bytes(),
            total: 0,
        };
        memory.total = memory.vectors
            + memory.codes
            + memory.graph
            + memory.ids
            + memory.metadata
            + memory.words
            + memory.columns;
        let text_fields = self.stored.words.as_ref().map_or(Vec::new(), |words| words.fields().to_vec());
        Stats {
            originals: match &self.file {
                None => Originals::Memory,
                Some(file) if file.is_mapped() => Originals::Mapped,
                Some(_) => Originals::Storage,
            },
            count: self.len(),
            deleted: self.stored.slots.dead(),
            options: self.stored.options,
            text_fields,
            embedding: self.stored.embedding.clone(),
            memory,
        }
    }

    /// Writes everything as one self-contained file, in order.
    ///
    /// # Errors
    /// Whatever the sink reports.
    pub fn write(&self, sink: &mut dyn Sink) -> Result<(), Error> {
        if let Some(file) = &self.file {
            return copy(&**file, sink);
        }
        segment::write(&self.stored, sink)
    }

    /// The file as bytes; see [`write`](Self::write).
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.write(&mut bytes)?;
        Ok(bytes)
    }

    /// Opens a file. `config` must agree with what the file holds, see [`Options::adopt`].
    ///
    /// The bytes are not trusted: every size and every link is checked.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::VersionTooNew`], [`Error::Mismatch`], or whatever the source reports.
    pub fn read(source: &dyn Source, config: &Config) -> Result<Self, Error> {
        let filter_limits = config.filter_limits.unwrap_or_default().check()?;
        Ok(Self {
            stored: segment::read(source, config)?,
            file: None,
            scratches: Scratches::default(),
            filter_limits,
            recent: Recent::default(),
        })
    }

    /// Opens a file for reading only and leaves vectors and metadata where they are: a search reads those of the rows it
    /// scores exactly and those of its hits. Codes, links, words and ids are in memory.
    ///
    /// Bytes are checked when they are read for the first time, so damage of vectors and metadata is found by searches.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn open(source: Arc<dyn SharedSource>, config: &Config) -> Result<Self, Error> {
        let filter_limits = config.filter_limits.unwrap_or_default().check()?;
        let stored = segment::open(&source, config)?;
        Ok(Self {
            stored,
            file: Some(source),
            scratches: Scratches::default(),
            filter_limits,
            recent: Recent::default(),
        })
    }

    /// Refuses changes of what was opened for reading only.
    pub(crate) fn refuse_read_only(&self) -> Result<(), Error> {
        if self.file.is_some() { Err(Error::ReadOnly) } else { Ok(()) }
    }
}

/// Hits with all that has to be read for them.
pub(crate) fn answered<'a>(mut hits: Hits<'a>, scratch: &Scratch) -> Result<Hits<'a>, Error> {
    if let Some(failure) = scratch.query.fetched.take().failure {
        return Err(failure);
    }
    hits.fetch_metadata()?;
    Ok(hits)
}

/// Copies a whole file.
fn copy(source: &dyn Source, sink: &mut dyn Sink) -> Result<(), Error> {
    const AT_ONCE: u64 = 1 << 20;
    let mut buffer = vec![0; AT_ONCE.min(source.len()) as usize];
    for at in (0..source.len()).step_by(AT_ONCE as usize) {
        let piece = &mut buffer[..AT_ONCE.min(source.len() - at) as usize];
        source.read_at(at, piece)?;
        sink.write(piece)?;
    }
    Ok(())
}

/// Fills the scratch's `sorted` with what a walk through the graph finds; false if it gave up.
fn walk(
    graph: &Graph,
    space: CodeSpace<'_>,
    slots: &Slots,
    selection: Option<&Selection>,
    (ef, stop): (usize, Option<Stop>),
    scratch: &mut Scratch,
) -> bool {
    let ended = match selection {
        Some(selection) => kernels::run(FilteredSearch { graph, space, slots, selection, ef, scratch }),
        None => {
            kernels::run(Search { graph, space, slots, ef, stop, scratch });
            true
        }
    };
    if ended {
        graph.take_found(slots, selection.map(|selection| &selection.matches), scratch);
    }
    ended
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
