//! Vectors in half precision: rounded at the door, half as large in files, and the same in memory, in files and in answers.

mod support;

use std::sync::Arc;

use annywhere::{Config, Database, Error, Index, Metric, Precision, SearchParams, SharedSource, Source};
use support::{Random, config, filled, ids_json};

const DIMENSIONS: usize = 100;
const ROWS: usize = 2_000;

fn halves(metric: Metric, index: Index) -> Config {
    Config { precision: Some(Precision::F16), index: Some(index), ..config(DIMENSIONS, metric) }
}

fn vectors(count: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = Random(seed);
    (0..count).map(|_| random.clustered(DIMENSIONS, 0.6)).collect()
}

struct File(Vec<u8>);

impl Source for File {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.0.as_slice().read_at(offset, buffer)
    }
}

/// Ids and the bits of scores.
fn answers(database: &Database, queries: &[Vec<f32>]) -> Vec<(Vec<String>, Vec<u32>)> {
    let answer = |query: &Vec<f32>| {
        let hits = database.search(query, &SearchParams::default()).unwrap();
        (hits.ids().map(str::to_owned).collect(), hits.scores().iter().map(|score| score.to_bits()).collect())
    };
    queries.iter().map(answer).collect()
}

#[test]
fn files_are_half_as_large_and_give_the_same_answers_read_or_opened() {
    let (rows, queries) = (vectors(ROWS, 1), vectors(30, 2));
    for metric in [Metric::Cosine, Metric::Euclidean, Metric::Dot, Metric::Manhattan] {
        for index in [Index::Scan, Index::Hnsw] {
            let config = halves(metric, index);
            let database = filled(&config, &rows);
            let expected = answers(&database, &queries);
            let file = database.to_bytes().unwrap();
            let whole = filled(&Config { precision: None, ..config.clone() }, &rows);
            let saved = whole.to_bytes().unwrap().len() - file.len();
            // Rows are padded to 104 components.
            assert!((ROWS * 208 - 5_000..ROWS * 208 + 5_000).contains(&saved), "{saved} bytes less");
            let read = Database::read(&file.as_slice(), &config).unwrap();
            assert_eq!(answers(&read, &queries), expected, "{metric:?} {index:?}, read");
            assert!(read.to_bytes().unwrap() == file);
            let opened = Database::open(Arc::new(File(file)) as Arc<dyn SharedSource>, &config).unwrap();
            assert_eq!(answers(&opened, &queries), expected, "{metric:?} {index:?}, opened");
            let kept = opened.get("7").unwrap().unwrap().vector.to_vec();
            assert_eq!(kept, *read.get("7").unwrap().unwrap().vector);
            let error = kept.iter().zip(&rows[7]).map(|(kept, given)| (kept - given).abs() / given.abs());
            assert!(error.clone().fold(0.0, f32::max) <= 1.0 / 2_048.0, "11 significant bits");
            assert!(error.fold(0.0, f32::max) > 0.0, "they were rounded");
        }
    }
}

#[test]
fn what_half_precision_cannot_hold_is_refused_and_changes_nothing() {
    let mut database = Database::new(&halves(Metric::Cosine, Index::Scan)).unwrap();
    let mut with = |x: f32| {
        let mut vector = vec![0.0; DIMENSIONS];
        vector[3] = x;
        let inserted = database.insert(&ids_json(["a"]), &vector);
        (inserted.map_err(|error| error.code().to_owned()), database.len())
    };
    assert_eq!(with(70_000.0), (Err("TooLarge".to_owned()), 0));
    assert_eq!(with(1e-9), (Err("ZeroVector".to_owned()), 0), "nothing of it is left");
    assert_eq!(with(-65_504.0), (Ok(()), 1));
}

#[test]
fn a_file_says_its_precision_and_another_is_a_mismatch() {
    let config = halves(Metric::Dot, Index::Scan);
    let mut database = filled(&config, &vectors(10, 1));
    let file = database.to_bytes().unwrap();
    let other = Config { precision: Some(Precision::F32), ..config.clone() };
    assert_eq!(Database::read(&file.as_slice(), &other).unwrap_err().code(), "Mismatch");
    let silent = Config { precision: None, ..config };
    let read = Database::read(&file.as_slice(), &silent).unwrap();
    assert_eq!(read.options().precision, Precision::F16);
    assert_eq!(database.reindex(&other).unwrap_err().code(), "Mismatch");
    database.reindex(&Config { index: Some(Index::Hnsw), ..silent }).unwrap();
    assert_eq!(database.options().precision, Precision::F16);
}
