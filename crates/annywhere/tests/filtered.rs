//! Filtered searches find k rows whenever k match, only rows that match, and nearly all of the nearest, however few match and
//! wherever they lie.

mod support;

use annywhere::{Config, Database, HnswConfig, Index, Metric, Quantization, SearchParams};
use serde_json::{Value, json};
use support::{Random, config};

const ROWS: usize = 12_000;
const DIMENSIONS: usize = 16;
const QUERIES: usize = 40;
const K: usize = 10;
/// Of all rows, those that match.
const PARTS: [f64; 9] = [0.0001, 0.0005, 0.001, 0.01, 0.05, 0.2, 0.5, 0.9, 1.0];

/// Rows around centres; their place along one direction, and a number by chance, stand in the metadata.
struct Rows {
    vectors: Vec<Vec<f32>>,
    documents: String,
    /// Queries by chance, at the beginning of the direction and at its end.
    queries: [Vec<Vec<f32>>; 3],
}

fn along(vector: &[f32]) -> f32 {
    vector[0] + vector[1] - vector[2]
}

fn rows(count: usize) -> Rows {
    let mut random = Random(77);
    let vectors: Vec<Vec<f32>> = (0..count).map(|_| random.clustered(DIMENSIONS, 0.5)).collect();
    let mut by_place: Vec<usize> = (0..count).collect();
    by_place.sort_by(|&a, &b| along(&vectors[a]).total_cmp(&along(&vectors[b])));
    let mut places = vec![0; count];
    by_place.iter().enumerate().for_each(|(place, &row)| places[row] = place);
    let documents: Vec<Value> = (0..count)
        .map(|row| json!([row.to_string(), { "chance": random.below(count), "place": places[row] }]))
        .collect();
    let mut queries: Vec<Vec<f32>> = (0..10 * QUERIES).map(|_| random.clustered(DIMENSIONS, 0.5)).collect();
    queries.sort_by(|a, b| along(a).total_cmp(&along(b)));
    let some = queries.iter().step_by(10).cloned().collect();
    let near = queries[..QUERIES].to_vec();
    let far = queries[queries.len() - QUERIES..].to_vec();
    Rows { vectors, documents: json!(documents).to_string(), queries: [some, near, far] }
}

fn built(config: &Config, rows: &Rows) -> Database {
    let mut database = Database::new(config).unwrap();
    database.insert(&rows.documents, &rows.vectors.concat()).unwrap();
    database
}

/// The part of the nearest matches that is found, over all queries.
fn recall(database: &Database, queries: &[Vec<f32>], field: &str, limit: usize, wanted: usize) -> f64 {
    let params =
        SearchParams { k: K, filter: Some(json!({ field: { "$lt": limit } })), ..SearchParams::default() };
    let exact = SearchParams { exact: true, ..params.clone() };
    let (mut found, mut all) = (0, 0);
    for query in queries {
        let hits = database.search(query, &params).unwrap();
        assert_eq!(hits.len(), wanted.min(K), "{field} < {limit}");
        let fields: Vec<Value> = serde_json::from_str(&hits.rows_json()).unwrap();
        for document in fields.iter().filter(|value| value.is_object()) {
            assert!(document[field].as_u64().unwrap() < limit as u64, "{document} for {field} < {limit}");
        }
        let truth = database.search(query, &exact).unwrap();
        assert_eq!(truth.len(), hits.len());
        let truth: Vec<&str> = truth.ids().collect();
        all += truth.len();
        found += hits.ids().filter(|id| truth.contains(id)).count();
    }
    if all == 0 { 1.0 } else { found as f64 / all as f64 }
}

/// Every band of selectivity, with matches by chance, near the queries and far from them.
fn every_band(config: &Config) {
    let rows = rows(ROWS);
    let database = built(config, &rows);
    for (kind, field) in ["chance", "place", "place"].into_iter().enumerate() {
        for part in PARTS {
            let limit = ((ROWS as f64 * part).round() as usize).max(1);
            let wanted = database.count(&json!({ field: { "$lt": limit } }).to_string()).unwrap();
            let recall = recall(&database, &rows.queries[kind], field, limit, wanted);
            let which = ["by chance", "near", "far"][kind];
            assert!(recall >= 0.95, "{recall} at {part} of the rows, {which}, {:?}", config.index);
        }
    }
}

#[test]
fn a_scan_finds_k_and_nearly_all_of_the_nearest_in_every_band() {
    for metric in [Metric::Cosine, Metric::Euclidean] {
        every_band(&Config { index: Some(Index::Scan), ..config(DIMENSIONS, metric) });
    }
}

/// A graph whose searches keep few candidates.
fn short() -> Config {
    let hnsw = HnswConfig { ef_search: Some(40), ..HnswConfig::default() };
    Config { hnsw_config: Some(hnsw), ..config(DIMENSIONS, Metric::Cosine) }
}

#[test]
fn a_graph_finds_k_and_nearly_all_of_the_nearest_in_every_band() {
    every_band(&Config { index: Some(Index::Hnsw), ..config(DIMENSIONS, Metric::Cosine) });
    // With a shorter list more bands are walked through and fewer compared.
    every_band(&short());
}

#[test]
fn a_coded_graph_compares_codes_where_some_rows_match_and_finds_nearly_all() {
    let config = Config { quantization: Some(Quantization::Scalar), ..short() };
    every_band(&config);
    let rows = rows(ROWS);
    let database = built(&config, &rows);
    for (limit, strategy) in [(12, "matches"), (600, "codes"), (6_000, "codes"), (10_800, "filteredGraph")] {
        let filter = Some(json!({ "place": { "$lt": limit } }));
        let params = SearchParams { k: K, filter, ..SearchParams::default() };
        let explained = database.explain(&rows.queries[0][0], &params, &|| 0.0).unwrap();
        assert_eq!((explained.strategy, explained.gave_up), (strategy, None), "{limit} rows");
        if strategy == "codes" {
            // Each code, and the vectors of the nearest by their codes.
            assert_eq!(explained.distances, limit + 2 * K + 16, "{limit} rows");
        }
    }
}

#[test]
fn equal_rows_of_which_some_match_are_all_found_by_a_graph() {
    let config = Config { dimensions: 4, distance_metric: Some(Metric::Euclidean), ..short() };
    let mut database = Database::new(&config).unwrap();
    let mut random = Random(5);
    // Groups of twenty equal rows: all but one of each are twins of that one.
    let groups: Vec<Vec<f32>> = (0..600).map(|_| (0..4).map(|_| random.real()).collect()).collect();
    let vectors: Vec<f32> = (0..12_000).flat_map(|row| groups[row % 600].clone()).collect();
    let documents: Vec<Value> =
        (0..12_000).map(|row| json!([row.to_string(), { "copy": row / 600 }])).collect();
    database.insert(&json!(documents).to_string(), &vectors).unwrap();
    // Half of the rows match, and the linked one of each group, its first, does not.
    let params =
        SearchParams { k: 10, filter: Some(json!({ "copy": { "$gte": 10 } })), ..SearchParams::default() };
    let explained = database.explain(&groups[7], &params, &|| 0.0).unwrap();
    assert_eq!(explained.strategy, "filteredGraph");
    for (group, vector) in groups.iter().enumerate().take(50) {
        let hits = database.search(vector, &params).unwrap();
        assert!(hits.distances().iter().all(|&distance| distance == 0.0), "{:?}", hits.distances());
        assert!(hits.ids().all(|id| id.parse::<usize>().unwrap() % 600 == group));
    }
}
