//! The scan: that it finds what it promises on data of every kind, and that its options do something.

mod support;

use annywhere::{Config, Database, Index, Metric, Quantization, SearchParams};
use support::{Random, config, filled, graph, ids, ids_json};

const QUERIES: usize = 200;

fn clustered(count: usize, dimensions: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = Random(seed);
    (0..count).map(|_| random.clustered(dimensions, 0.5)).collect()
}

fn uniform(count: usize, dimensions: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = Random(seed);
    (0..count).map(|_| (0..dimensions).map(|_| random.real()).collect()).collect()
}

/// The part of the true neighbours found; a hit counts if it is as near as the last of them.
fn recall(database: &Database, queries: &[Vec<f32>], params: &SearchParams) -> f64 {
    let mut found = 0;
    let mut wanted = 0;
    for query in queries {
        let exact = database.search(query, &SearchParams { exact: true, ..params.clone() }).unwrap();
        let near = database.search(query, params).unwrap();
        assert_eq!(near.len(), exact.len(), "k rows come back whenever k rows exist");
        assert!(near.scores().is_sorted_by(|a, b| a >= b));
        let last = exact.scores()[exact.len() - 1];
        found += near.scores().iter().filter(|&&score| score >= last).count();
        wanted += exact.len();
    }
    found as f64 / wanted as f64
}

fn at(target_recall: f32, k: usize) -> SearchParams {
    SearchParams { target_recall: Some(target_recall), k, ..SearchParams::default() }
}

fn insert(database: &mut Database, from: usize, vectors: &[Vec<f32>]) {
    let names: Vec<String> = (from..from + vectors.len()).map(|id| id.to_string()).collect();
    database.insert(&ids_json(names.iter().map(String::as_str)), &vectors.concat()).unwrap();
}

fn delete(database: &mut Database, ids: impl Iterator<Item = usize>) {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    database.delete(&ids.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
}

/// Turns rows and queries into data of another kind.
type Shape = fn(usize, Vec<f32>) -> Vec<f32>;

#[test]
fn the_default_finds_ninety_nine_of_a_hundred_whatever_the_data() {
    let shapes: [(&str, Shape); 8] =
        [
            ("as it is", |_, v| v),
            ("one long axis", |_, mut v| {
                v[3] *= 30.0;
                v
            }),
            ("few dimensions matter", |_, v| {
                v.iter().enumerate().map(|(i, x)| x * 0.7f32.powi(i as i32)).collect()
            }),
            ("a third of the rows equal", |at, v| if at % 3 == 0 { vec![0.25; v.len()] } else { v }),
            ("lengths from 1 to 100", |at, v| v.iter().map(|x| x * (1 + at % 100) as f32).collect()),
            ("far from the origin", |_, v| v.iter().map(|x| x + 1_000.0).collect()),
            ("tiny", |_, v| v.iter().map(|x| x * 1e-6).collect()),
            ("one row a million times as long", |at, v| {
                if at == 17 { v.iter().map(|x| x * 1e6).collect() } else { v }
            }),
        ];
    for metric in [Metric::Cosine, Metric::Euclidean, Metric::Dot] {
        for (name, shape) in shapes {
            for count in [3_000, 12_000] {
                let shaped = |vectors: Vec<Vec<f32>>| -> Vec<Vec<f32>> {
                    vectors.into_iter().enumerate().map(|(at, vector)| shape(at, vector)).collect()
                };
                let rows = shaped(clustered(count, 16, 1));
                let database = filled(&config(16, metric), &rows);
                let queries = shaped(clustered(QUERIES, 16, 2));
                let found = recall(&database, &queries, &SearchParams::default());
                assert!(found >= 0.99, "{metric:?}, {count} rows, {name}: {found}");
            }
        }
    }
}

#[test]
fn target_recall_is_met_for_every_number_of_bits_and_every_k() {
    let (rows, queries) = (clustered(12_000, 32, 1), clustered(100, 32, 2));
    for bits in [1, 2, 4] {
        let quantization = Some(Quantization::Rabitq { bits: Some(bits) });
        let database = filled(&Config { quantization, ..config(32, Metric::Cosine) }, &rows);
        for k in [1, 10, 100, 1_000] {
            for target in [0.95, 0.99, 0.999] {
                let found = recall(&database, &queries, &at(target, k));
                // Not to the last digit of an f32.
                assert!(found + 1e-6 >= f64::from(target), "{bits} bits, k {k}, target {target}: {found}");
            }
        }
    }
    let product = Quantization::Product { subspaces: None, k: None };
    let database = filled(&Config { quantization: Some(product), ..config(32, Metric::Cosine) }, &rows);
    let found = recall(&database, &queries, &SearchParams::default());
    assert!(found >= 0.99, "product: {found}");
}

#[test]
fn unclustered_rows_are_found_in_any_number_of_dimensions() {
    for (dimensions, rows) in
        [(1, 2_000), (2, 12_000), (3, 12_000), (4, 2_000), (8, 2_000), (63, 2_000), (300, 2_000)]
    {
        for metric in [Metric::Cosine, Metric::Euclidean] {
            let database = filled(&config(dimensions, metric), &uniform(rows, dimensions, 1));
            let found = recall(&database, &uniform(300, dimensions, 2), &SearchParams::default());
            assert!(found >= 0.99, "{metric:?}, {dimensions} dimensions: {found}");
        }
    }
}

#[test]
fn a_smaller_target_looks_at_less_and_more_bits_estimate_better() {
    let (rows, queries) = (clustered(12_000, 32, 1), clustered(100, 32, 2));
    let with = |bits| {
        let quantization = Some(Quantization::Rabitq { bits: Some(bits) });
        filled(&Config { quantization, ..config(32, Metric::Euclidean) }, &rows)
    };
    let (one, four) = (with(1), with(4));
    assert!(recall(&one, &queries, &at(0.5, 10)) < recall(&one, &queries, &at(0.99, 10)) - 0.01);
    let estimated = SearchParams { rescore: false, ..at(1.0, 10) };
    let exact = SearchParams { exact: true, ..SearchParams::default() };
    let agreement = |database: &Database| -> usize {
        let agree = |query: &Vec<f32>| {
            let truth = ids(database, query, &exact);
            ids(database, query, &estimated).iter().filter(|id| truth.contains(id)).count()
        };
        queries.iter().map(agree).sum()
    };
    assert!(agreement(&four) > agreement(&one) + 100, "{} {}", agreement(&four), agreement(&one));
    let estimates = four.search(&queries[0], &estimated).unwrap().scores().to_vec();
    let scores = four.search(&queries[0], &at(1.0, 10)).unwrap().scores().to_vec();
    assert_ne!(estimates, scores);
    assert!(estimates.iter().zip(&scores).all(|(estimate, score)| (estimate - score).abs() < 0.1));
}

#[test]
fn a_drifting_collection_keeps_its_recall() {
    // Each part lies around other centres than the parts before.
    let mut database = Database::new(&config(16, Metric::Cosine)).unwrap();
    let mut random = Random(3);
    for part in 0..30 {
        let centre: Vec<f32> = (0..16).map(|_| 3.0 * random.real()).collect();
        let mut near = || -> Vec<f32> { centre.iter().map(|x| x + 0.5 * random.real()).collect() };
        let rows: Vec<Vec<f32>> = (0..600).map(|_| near()).collect();
        let queries: Vec<Vec<f32>> = (0..20).map(|_| near()).collect();
        insert(&mut database, part * 600, &rows);
        let found = recall(&database, &queries, &SearchParams::default());
        assert!(found >= 0.98, "after {} rows: {found}", (part + 1) * 600);
    }
    delete(&mut database, (0..18_000).filter(|id| id % 2 == 0));
    let found = recall(&database, &clustered(50, 16, 8), &SearchParams::default());
    assert!(found >= 0.98, "half of the rows deleted: {found}");
}

#[test]
fn single_inserts_upserts_and_deletes_are_found_like_a_batch() {
    let rows = clustered(1_500, 8, 1);
    let mut database = Database::new(&config(8, Metric::Euclidean)).unwrap();
    for round in 0..3 {
        for (id, row) in rows.iter().enumerate() {
            let moved: Vec<f32> = row.iter().map(|x| x + round as f32).collect();
            insert(&mut database, id, &[moved]);
        }
    }
    assert_eq!(database.len(), rows.len());
    let lost = (0..rows.len()).filter(|&id| {
        let vector: Vec<f32> = rows[id].iter().map(|x| x + 2.0).collect();
        let hits = database.search(&vector, &SearchParams { k: 1, ..SearchParams::default() }).unwrap();
        hits.distances()[0] > 1e-6
    });
    assert_eq!(lost.count(), 0);
}

#[test]
fn changing_the_index_and_compacting_lose_nothing() {
    let rows = clustered(3_000, 16, 1);
    let mut database = filled(&config(16, Metric::Cosine), &rows);
    delete(&mut database, 0..900);
    database.insert(r#"[["5",{"n":5}]]"#, &rows[5]).unwrap();
    let query = &rows[1_000];
    let exact = SearchParams { exact: true, k: 50, ..SearchParams::default() };
    let expected = database.search(query, &exact).unwrap().rows_json();
    let before = database.stats().memory.total;
    database.compact().unwrap();
    assert!(database.stats().memory.total < before, "{before}");
    for config in [
        graph(16, Metric::Cosine),
        config(16, Metric::Cosine),
        Config {
            quantization: Some(Quantization::None),
            index: Some(Index::Scan),
            ..config(16, Metric::Cosine)
        },
        Config { quantization: Some(Quantization::Rabitq { bits: Some(1) }), ..config(16, Metric::Cosine) },
    ] {
        database.reindex(&config).unwrap();
        assert_eq!(database.len(), 2_101);
        assert_eq!(database.get("5").unwrap().unwrap().metadata, r#"{"n":5}"#);
        assert_eq!(database.search(query, &exact).unwrap().rows_json(), expected);
        let found = recall(&database, &rows[1_000..1_100], &SearchParams::default());
        assert!(found >= 0.97, "{config:?}: {found}");
        let bytes = database.to_bytes().unwrap();
        assert_eq!(Database::read(&bytes.as_slice(), &config).unwrap().to_bytes().unwrap(), bytes);
    }
    let other = config(17, Metric::Cosine);
    assert_eq!(database.reindex(&other).unwrap_err().code(), "Mismatch");
    let other = config(16, Metric::Dot);
    assert_eq!(database.reindex(&other).unwrap_err().code(), "Mismatch");
}

#[test]
fn many_searches_at_once_are_the_same_as_one_by_one() {
    let (rows, queries) = (clustered(2_000, 16, 1), clustered(40, 16, 2));
    for config in [config(16, Metric::Cosine), graph(16, Metric::Cosine)] {
        let database = filled(&config, &rows);
        let many = database.search_many(&queries.concat(), &SearchParams::default()).unwrap();
        assert_eq!(many.len(), queries.len());
        for (query, hits) in queries.iter().zip(&many) {
            let one = database.search(query, &SearchParams::default()).unwrap();
            assert_eq!((hits.rows_json(), hits.scores()), (one.rows_json(), one.scores()));
        }
        assert!(database.search_many(&[], &SearchParams::default()).unwrap().is_empty());
        let error = database.search_many(&[1.0; 17], &SearchParams::default()).unwrap_err();
        assert_eq!(error.code(), "InvalidArgument");
        let mut bad = queries.concat();
        bad[16 * 7 + 3] = f32::NAN;
        let error = database.search_many(&bad, &SearchParams::default()).unwrap_err();
        assert!(error.to_string().contains('7'), "{error}");
    }
}

#[test]
fn arguments_of_the_other_index_are_refused() {
    let rows = clustered(50, 4, 1);
    let (scan, graph) = (filled(&config(4, Metric::Dot), &rows), filled(&graph(4, Metric::Dot), &rows));
    let with_ef = SearchParams { ef: Some(10), ..SearchParams::default() };
    let both = SearchParams { ef: Some(10), ..at(0.9, 10) };
    for (database, params) in [
        (&scan, &with_ef),
        (&graph, &both),
        (&graph, &at(1.1, 10)),
        (&scan, &at(0.3, 10)),
        (&scan, &at(f32::NAN, 10)),
    ] {
        let error = database.search(&rows[0], params).unwrap_err();
        assert_eq!(error.code(), "InvalidArgument", "{error}");
    }
}

#[test]
fn zero_queries_and_rows_all_equal_give_k_hits() {
    for metric in [Metric::Euclidean, Metric::Dot] {
        let database = filled(&config(8, metric), &clustered(1_500, 8, 1));
        assert_eq!(recall(&database, &[vec![0.0; 8]], &SearchParams::default()), 1.0, "{metric:?}");
        let same = filled(&config(8, metric), &vec![vec![0.5; 8]; 11_000]);
        assert_eq!(
            recall(
                &same,
                &[vec![0.5; 8], vec![-3.0; 8]],
                &SearchParams { k: 100, ..SearchParams::default() }
            ),
            1.0
        );
        let zeros = filled(&config(8, metric), &vec![vec![0.0; 8]; 1_100]);
        assert_eq!(recall(&zeros, &[vec![0.5; 8], vec![0.0; 8]], &SearchParams::default()), 1.0);
    }
}

#[test]
fn a_row_far_larger_than_all_before_is_coded_too() {
    for metric in [Metric::Euclidean, Metric::Dot] {
        let mut database = filled(&config(8, metric), &clustered(2_000, 8, 1));
        let large: Vec<f32> = (0..8).map(|i| 1e12 * (i + 1) as f32).collect();
        insert(&mut database, 5_000, std::slice::from_ref(&large));
        let hits = database.search(&large, &SearchParams { k: 1, ..SearchParams::default() }).unwrap();
        assert_eq!(hits.ids().next(), Some("5000"), "{metric:?}");
        let small = recall(&database, &clustered(20, 8, 2), &SearchParams::default());
        assert!(small >= 0.99, "{metric:?}: {small}");
    }
}

#[test]
fn codes_are_as_small_as_promised() {
    for (dimensions, bits) in [(384, 1), (128, 2), (48, 4)] {
        let rows = clustered(12_000, dimensions, 1);
        let database = filled(&config(dimensions, Metric::Cosine), &rows);
        let centres = 110 * dimensions * 4;
        let bytes = (database.stats().memory.codes - centres) as f64 / rows.len() as f64;
        let most = (dimensions * bits / 8 + 8) as f64;
        assert!(bytes <= most, "{dimensions} dimensions: {bytes} bytes a row, {most} are allowed");
    }
}
