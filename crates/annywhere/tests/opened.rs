//! A file that is opened for reading: vectors and metadata stay in it, and nothing else changes.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use annywhere::{
    Config, Database, Error, Hits, HnswConfig, Metric, Precision, Quantization, SearchParams, SharedSource,
    Source,
};
use support::{Random, config, ids_json};

const DIMENSIONS: usize = 24;
const ROWS: usize = 3_000;

/// A file in memory that counts what is read and can fail.
#[derive(Default)]
struct File {
    bytes: Vec<u8>,
    read: AtomicU64,
    fails: AtomicBool,
}

impl Source for File {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(Error::Io { operation: "read".to_owned(), reason: "unplugged".to_owned() });
        }
        self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.bytes.as_slice().read_at(offset, buffer)
    }
}

fn file(bytes: Vec<u8>) -> Arc<File> {
    Arc::new(File { bytes, ..File::default() })
}

fn open(file: &Arc<File>, config: &Config) -> Result<Database, Error> {
    Database::open(Arc::clone(file) as Arc<dyn SharedSource>, config)
}

/// Rows with and without metadata, some of which were removed or replaced.
fn filled(config: &Config, rows: usize) -> (Database, Random) {
    let mut random = Random(7);
    let mut database = Database::new(config).unwrap();
    let texts: Vec<String> = (0..rows)
        .map(|row| match row % 3 {
            0 => format!("[\"{row}\",null]"),
            _ => format!("[\"{row}\",{{\"title\":\"größer {}\"}}]", "x".repeat(row % 300)),
        })
        .collect();
    let vectors: Vec<f32> = (0..rows).flat_map(|_| random.clustered(config.dimensions, 0.5)).collect();
    database.insert(&format!("[{}]", texts.join(",")), &vectors).unwrap();
    let doomed: Vec<String> = (0..rows).step_by(11).map(|row| row.to_string()).collect();
    database.delete(&doomed.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let new = ids_json(["1", "new"]);
    database.insert(&new, &[0.5; 2 * DIMENSIONS][..2 * config.dimensions]).unwrap();
    (database, random)
}

fn cases() -> Vec<Config> {
    let graph = Some(HnswConfig { m: Some(8), ef_construction: Some(40), ef_search: Some(40) });
    let product = Some(Quantization::Product { subspaces: None, k: None });
    [Metric::Cosine, Metric::Euclidean, Metric::Dot, Metric::Manhattan]
        .into_iter()
        .flat_map(|metric| {
            let scan = config(DIMENSIONS, metric);
            let graph = Config { hnsw_config: graph, ..scan.clone() };
            [scan, graph]
        })
        .chain([Config { quantization: product, ..config(DIMENSIONS, Metric::Cosine) }])
        .collect()
}

#[test]
fn an_opened_file_gives_the_same_hits_as_one_that_was_read() {
    for config in cases() {
        let (database, mut random) = filled(&config, ROWS);
        let bytes = database.to_bytes().unwrap();
        let opened = open(&file(bytes.clone()), &config).unwrap();
        assert_eq!(opened.len(), database.len());
        for (k, exact, rescore) in
            [(1, false, true), (10, false, true), (10, false, false), (200, false, true), (7, true, true)]
        {
            let query = random.clustered(DIMENSIONS, 0.5);
            let params = SearchParams { k, exact, rescore, ..SearchParams::default() };
            let (expected, found) =
                (database.search(&query, &params).unwrap(), opened.search(&query, &params).unwrap());
            assert_eq!(found.rows_json(), expected.rows_json());
            assert_eq!(found.scores(), expected.scores());
        }
        let many: Vec<f32> = (0..20).flat_map(|_| random.clustered(DIMENSIONS, 0.5)).collect();
        let params = SearchParams::default();
        let rows = |database: &Database| -> Vec<String> {
            database.search_many(&many, &params).unwrap().iter().map(Hits::rows_json).collect()
        };
        assert_eq!(rows(&opened), rows(&database));
        let filtered = SearchParams {
            filter: Some(serde_json::json!({"title": {"$startsWith": "größer x"}})),
            ..SearchParams::default()
        };
        let query = random.clustered(DIMENSIONS, 0.5);
        let rows = |database: &Database| database.search(&query, &filtered).unwrap().rows_json();
        assert_eq!(rows(&opened), rows(&database));
        for id in ["1", "2", "new", "0", "11", "none"] {
            assert_eq!(opened.get(id).unwrap(), database.get(id).unwrap(), "{id}");
        }
        assert_eq!(opened.to_bytes().unwrap(), bytes, "a copy of the file");
    }
}

#[test]
fn what_is_opened_for_reading_refuses_every_change() {
    let config = config(DIMENSIONS, Metric::Cosine);
    let (database, _) = filled(&config, ROWS);
    let bytes = database.to_bytes().unwrap();
    let mut opened = open(&file(bytes.clone()), &config).unwrap();
    let refused = [
        opened.insert(r#"[["a",null]]"#, &[1.0; DIMENSIONS]).unwrap_err(),
        opened.delete(&["2"]).unwrap_err(),
        opened.compact().unwrap_err(),
        opened.reindex(&config).unwrap_err(),
    ];
    assert!(refused.iter().all(|error| error.code() == "ReadOnly"), "{refused:?}");
    assert_eq!(opened.to_bytes().unwrap(), bytes);
}

#[test]
fn a_search_reads_a_small_part_of_the_file() {
    let config = config(DIMENSIONS, Metric::Cosine);
    let (database, mut random) = filled(&config, ROWS);
    let file = file(database.to_bytes().unwrap());
    let opened = open(&file, &config).unwrap();
    let (vectors, codes) = (ROWS * DIMENSIONS * 4, ROWS * DIMENSIONS / 2);
    let at_opening = file.read.load(Ordering::Relaxed);
    assert!(
        at_opening < (codes + 80 * ROWS) as u64,
        "{at_opening} bytes were read to open {vectors} of vectors"
    );
    // Blocks are read whole once, to be compared with their checksums.
    for _ in 0..300 {
        opened.search(&random.clustered(DIMENSIONS, 0.5), &SearchParams::default()).unwrap();
    }
    let before = file.read.load(Ordering::Relaxed);
    opened.search(&random.clustered(DIMENSIONS, 0.5), &SearchParams::default()).unwrap();
    let read = file.read.load(Ordering::Relaxed) - before;
    assert!(read < vectors as u64 / 4, "one search read {read} bytes of {vectors}");
}

/// Damage of what stays in the file is an error of the first search that meets it, and of no other.
#[test]
fn damage_is_an_error_where_it_is_met() {
    for config in cases() {
        let (database, mut random) = filled(&config, ROWS);
        let bytes = database.to_bytes().unwrap();
        let mut found = 0;
        for _ in 0..40 {
            let mut damaged = bytes.clone();
            let at = random.below(damaged.len());
            damaged[at] ^= 1 << random.below(8);
            let opened = match open(&file(damaged), &config) {
                Ok(opened) => opened,
                Err(error) => {
                    assert_eq!(error.code(), "Corrupt");
                    continue;
                }
            };
            for exact in [false, true] {
                let query = random.clustered(DIMENSIONS, 0.5);
                let params = SearchParams { k: 300, exact, ..SearchParams::default() };
                match opened.search(&query, &params) {
                    Ok(hits) => {
                        let expected = database.search(&query, &params).unwrap();
                        assert_eq!(hits.rows_json(), expected.rows_json());
                    }
                    Err(error) => {
                        assert_eq!(error.code(), "Corrupt");
                        found += 1;
                    }
                }
            }
        }
        assert!(found > 0, "no damage was met");
    }
}

#[test]
fn a_file_that_cannot_be_read_fails_the_search_and_not_the_next_one() {
    let config = config(DIMENSIONS, Metric::Euclidean);
    let (database, mut random) = filled(&config, ROWS);
    let file = file(database.to_bytes().unwrap());
    let opened = open(&file, &config).unwrap();
    let query = random.clustered(DIMENSIONS, 0.5);
    file.fails.store(true, Ordering::Relaxed);
    assert_eq!(opened.search(&query, &SearchParams::default()).unwrap_err().code(), "Io");
    assert_eq!(opened.search_many(&query, &SearchParams::default()).unwrap_err().code(), "Io");
    assert_eq!(opened.get("1").unwrap_err().code(), "Io");
    file.fails.store(false, Ordering::Relaxed);
    let (hits, expected) = (
        opened.search(&query, &SearchParams::default()).unwrap(),
        database.search(&query, &SearchParams::default()).unwrap(),
    );
    assert_eq!(hits.rows_json(), expected.rows_json());
}

/// Two bits per dimension: 32 bytes of code, 3 beside it, and little else.
#[test]
fn rows_of_128_dimensions_take_fifty_bytes() {
    let config =
        Config { quantization: Some(Quantization::Rabitq { bits: Some(2) }), ..config(128, Metric::Cosine) };
    let (rows, mut random) = (20_000, Random(1));
    let mut database = Database::new(&config).unwrap();
    let names: Vec<String> = (0..rows).map(|row| row.to_string()).collect();
    let vectors: Vec<f32> = (0..rows).flat_map(|_| random.clustered(128, 0.5)).collect();
    database.insert(&ids_json(names.iter().map(String::as_str)), &vectors).unwrap();
    database.compact().unwrap();
    let opened = open(&file(database.to_bytes().unwrap()), &config).unwrap();
    let memory = opened.stats().memory;
    println!("{memory:?}");
    assert!(memory.total <= 50 * rows, "{} bytes for {rows} rows", memory.total);
    // Beside the originals no more than the code, 8 bytes, and the id with what finds it.
    assert!(database.stats().memory.codes <= (128 * 2 / 8 + 8) * rows);
}

/// A file of which some pages are here; it notes those that were missed, as a file elsewhere does.
#[derive(Default)]
struct Pages {
    bytes: Vec<u8>,
    here: Mutex<BTreeSet<u64>>,
    missed: Mutex<BTreeSet<u64>>,
    version: AtomicU64,
}

const PAGE_BYTES: u64 = 4_096;

impl Pages {
    fn miss(&self, offset: u64, length: u64) -> bool {
        let here = self.here.lock().unwrap();
        let pages = offset / PAGE_BYTES..(offset + length).div_ceil(PAGE_BYTES);
        let missed: Vec<u64> = pages.filter(|page| !here.contains(page)).collect();
        self.missed.lock().unwrap().extend(&missed);
        !missed.is_empty()
    }

    /// Asks again until everything is here; what came out, and how often that took.
    fn ask<T>(&self, ask: impl Fn() -> Result<T, Error>) -> (T, usize) {
        for round in 1.. {
            let answer = ask();
            let missed = std::mem::take(&mut *self.missed.lock().unwrap());
            if missed.is_empty() {
                return (answer.unwrap(), round);
            }
            assert!(answer.is_err(), "an answer that lacks pages");
            self.here.lock().unwrap().extend(missed);
        }
        unreachable!()
    }
}

impl Source for Pages {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        if self.miss(offset, buffer.len() as u64) {
            return Err(Error::Io { operation: "read".to_owned(), reason: "not here".to_owned() });
        }
        self.bytes.as_slice().read_at(offset, buffer)
    }

    fn want(&self, ranges: &[(u64, u64)]) {
        for &(offset, length) in ranges {
            self.miss(offset, length);
        }
    }

    fn version(&self) -> u32 {
        self.version.load(Ordering::Relaxed) as u32
    }
}

/// Whoever has to bring what is missing from far is told of as much of it as can be known at a time.
#[test]
fn a_file_elsewhere_is_asked_for_in_a_few_rounds() {
    let halves = |config: Config| Config { precision: Some(Precision::F16), ..config };
    for config in cases().into_iter().flat_map(|config| [config.clone(), halves(config)]) {
        let (mut database, mut random) = filled(&config, ROWS);
        database.compact().unwrap();
        let bytes = database.to_bytes().unwrap();
        let component = if config.precision.is_some() { 2 } else { 4 };
        let names: Vec<String> = (0..ROWS).map(|row| row.to_string()).collect();
        let kept = names.iter().filter_map(|name| database.get(name).unwrap());
        let metadata: usize = kept.filter(|row| row.metadata != "{}").map(|row| row.metadata.len()).sum();
        let without_rows = bytes.len() - database.len() * DIMENSIONS * component - metadata;
        let file = Arc::new(Pages { bytes, ..Pages::default() });
        let shared = || Arc::clone(&file) as Arc<dyn SharedSource>;
        let (opened, rounds) = file.ask(|| Database::open(shared(), &config));
        assert!(
            rounds <= 6,
            "opened in {rounds} rounds: header, footer, directory, state, the rest, and done"
        );
        let here = file.here.lock().unwrap().len() as u64 * PAGE_BYTES;
        assert!(here <= without_rows as u64 + 4 * PAGE_BYTES, "{config:?}: {here} bytes, rows stay there");
        for exact in [false, true] {
            let query = random.clustered(DIMENSIONS, 0.5);
            let params = SearchParams { exact, ..SearchParams::default() };
            let (found, rounds) = file.ask(|| opened.search(&query, &params).map(|hits| listed(&hits)));
            assert_eq!(found, listed(&database.search(&query, &params).unwrap()));
            assert!(rounds <= 6, "{config:?}: {rounds} rounds");
        }
        // All pages are here now, but they may be others: each is compared with its checksum once more.
        file.version.store(1, Ordering::Relaxed);
        opened.get("1").unwrap();
        file.here.lock().unwrap().clear();
        let query = random.clustered(DIMENSIONS, 0.5);
        opened.search(&query, &SearchParams::default()).unwrap_err();
    }
}

fn listed(hits: &Hits<'_>) -> (String, Vec<f32>) {
    (hits.rows_json(), hits.scores().to_vec())
}
