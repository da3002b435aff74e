//! Every kind of codes that a graph can walk on: recall is kept, whatever a row comes to, also in files.

mod support;

use annywhere::{Config, Database, Metric, Quantization, SearchParams};
use support::{Random, filled, graph, ids, ids_json, recall};

const DIMENSIONS: usize = 64;
/// Enough for codes of few bits, which are made from some thousand rows on.
const ROWS: usize = 3_000;

fn rabitq(bits: u8) -> Quantization {
    Quantization::Rabitq { bits: Some(bits) }
}

fn product(subspaces: usize) -> Quantization {
    Quantization::Product { subspaces: Some(subspaces), k: None }
}

fn coded(metric: Metric, quantization: Quantization) -> Config {
    Config { quantization: Some(quantization), ..graph(DIMENSIONS, metric) }
}

/// Vectors around centres, all moved by `shift`.
fn vectors(count: usize, seed: u64, shift: f32) -> Vec<Vec<f32>> {
    let mut random = Random(seed);
    let mut vector = || random.clustered(DIMENSIONS, 0.6).iter().map(|x| x + shift).collect();
    (0..count).map(|_| vector()).collect()
}

#[test]
fn recall_is_kept_by_every_kind_of_codes_under_every_metric() {
    let all = [Quantization::Scalar, rabitq(4), rabitq(2), rabitq(1), product(16), product(4)];
    for (metric, kinds) in
        [(Metric::Cosine, &all[..]), (Metric::Euclidean, &all[3..5]), (Metric::Dot, &all[3..5])]
    {
        for &quantization in kinds {
            let database = filled(&coded(metric, quantization), &vectors(ROWS, 1, 0.0));
            let queries = vectors(100, 2, 0.0);
            let found = recall(&database, &queries, 10, None);
            assert!(found >= 0.97, "{metric:?} {quantization:?}: {found}");
            // The codes are what is walked on, not the vectors.
            let codes = SearchParams { rescore: false, ..SearchParams::default() };
            let scores = |params| database.search(&queries[0], params).unwrap().scores().to_vec();
            assert_ne!(scores(&codes), scores(&SearchParams::default()), "{metric:?} {quantization:?}");
        }
    }
}

/// One byte or one bit per dimension is as good as the range it covers.
#[test]
fn rows_far_from_the_origin_are_told_apart() {
    for quantization in [Quantization::Scalar, rabitq(2), product(16)] {
        let database = filled(&coded(Metric::Euclidean, quantization), &vectors(ROWS, 1, 1_000.0));
        let found = recall(&database, &vectors(100, 2, 1_000.0), 10, None);
        assert!(found >= 0.97, "{quantization:?}: {found}");
    }
}

#[test]
fn a_file_keeps_the_codes_and_a_graph_goes_on_from_there() {
    for quantization in [Quantization::Scalar, rabitq(1), product(16)] {
        // Fewer rows than codes are made for, and more.
        for rows in [500, ROWS] {
            let config = coded(Metric::Euclidean, quantization);
            let mut database = filled(&config, &vectors(rows, 1, 3.0));
            let mut read = Database::read(&database.to_bytes().unwrap().as_slice(), &config).unwrap();
            assert!(read.to_bytes().unwrap() == database.to_bytes().unwrap());
            for query in vectors(20, 2, 3.0) {
                for rescore in [true, false] {
                    let params = SearchParams { rescore, ..SearchParams::default() };
                    assert_eq!(ids(&read, &query, &params), ids(&database, &query, &params));
                }
            }
            let names: Vec<String> = (0..2_000).map(|row| format!("new {row}")).collect();
            let (rows, more) = (ids_json(names.iter().map(String::as_str)), vectors(2_000, 3, 3.0).concat());
            database.insert(&rows, &more).unwrap();
            read.insert(&rows, &more).unwrap();
            assert!(read.to_bytes().unwrap() == database.to_bytes().unwrap(), "{quantization:?}");
        }
    }
}

/// Codes are made again when there are four times as many rows: rows of another kind come to be told apart, too.
#[test]
fn codes_follow_a_collection_that_drifts() {
    for quantization in [rabitq(1), product(16)] {
        let config = coded(Metric::Euclidean, quantization);
        let mut database = filled(&config, &vectors(1_100, 1, 0.0));
        let names: Vec<String> = (0..4_000).map(|row| format!("new {row}")).collect();
        let rows = ids_json(names.iter().map(String::as_str));
        database.insert(&rows, &vectors(4_000, 3, 3.0).concat()).unwrap();
        let found = recall(&database, &vectors(100, 2, 3.0), 10, None);
        assert!(found >= 0.97, "{quantization:?}: {found}");
    }
}

#[test]
fn rows_with_codes_of_few_bits_come_and_go() {
    for quantization in [rabitq(1), product(16)] {
        let mut database = filled(&coded(Metric::Cosine, quantization), &vectors(ROWS, 1, 0.0));
        let doomed: Vec<String> = (0..ROWS).step_by(3).map(|row| row.to_string()).collect();
        database.delete(&doomed.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        let queries = vectors(100, 2, 0.0);
        assert!(recall(&database, &queries, 10, None) >= 0.97, "{quantization:?}, after deletes");
        database.compact().unwrap();
        assert!(recall(&database, &queries, 10, None) >= 0.97, "{quantization:?}, compacted");
        let all = SearchParams { k: ROWS, ..SearchParams::default() };
        assert_eq!(ids(&database, &queries[0], &all).len(), ROWS - doomed.len());
    }
}
