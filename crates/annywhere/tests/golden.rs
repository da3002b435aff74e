//! The same operations give the same bytes and the same hits on every platform and with any number of threads.
//!
//! The hashes below were written by one platform and are compared on all: natively with AVX2, on aarch64, and as
//! WebAssembly. A change of the format or of the algorithm changes them on purpose; then the new values are taken from
//! the failing test's message, after it has been seen to print the same ones everywhere.

mod support;

use annywhere::{Config, Database, HnswConfig, Metric, SearchParams};
use support::{Random, config, ids_json};
use xxhash_rust::xxh3::xxh3_64;

/// Inserts in batches and singly, replaces, deletes until the graph is relinked, and searches.
fn hashes(config: &Config) -> (u64, u64) {
    let mut random = Random(42);
    let mut database = Database::new(config).unwrap();
    let mut answers: Vec<u8> = Vec::new();
    for round in 0..6 {
        let rows: Vec<String> = (0..150).map(|row| (round * 100 + row).to_string()).collect();
        let mut vectors: Vec<Vec<f32>> =
            rows.iter().map(|_| random.clustered(config.dimensions, 0.5)).collect();
        // A run of equal rows, some of which will be removed.
        let equal = vectors[60].clone();
        vectors[61..75].fill(equal);
        database.insert(&ids_json(rows.iter().map(String::as_str)), &vectors.concat()).unwrap();
        database.insert(r#"[["single",{"é":1}]]"#, &random.clustered(config.dimensions, 0.5)).unwrap();
        let doomed: Vec<String> = (0..40).map(|row| (round * 90 + row * 2).to_string()).collect();
        database.delete(&doomed.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        for exact in [false, true] {
            let query = random.clustered(config.dimensions, 0.5);
            let hits = database.search(&query, &SearchParams { exact, ..SearchParams::default() }).unwrap();
            answers.extend(hits.rows_json().as_bytes());
            answers.extend(hits.scores().iter().flat_map(|score| score.to_bits().to_le_bytes()));
        }
    }
    (xxh3_64(&database.to_bytes().unwrap()), xxh3_64(&answers))
}

#[test]
fn files_and_hits_are_the_same_everywhere() {
    let small = HnswConfig { m: Some(6), ef_construction: Some(40), ef_search: Some(20) };
    let cases = [
        (Metric::Cosine, 33, GOLDEN[0]),
        (Metric::Euclidean, 100, GOLDEN[1]),
        (Metric::Dot, 8, GOLDEN[2]),
        (Metric::Manhattan, 17, GOLDEN[3]),
    ];
    let found: Vec<(u64, u64)> = cases
        .iter()
        .map(|&(metric, dimensions, _)| hashes(&Config { hnsw_config: small, ..config(dimensions, metric) }))
        .collect();
    let expected: Vec<(u64, u64)> = cases.iter().map(|&(_, _, golden)| golden).collect();
    assert_eq!(found, expected, "{found:#x?}");
}

const GOLDEN: [(u64, u64); 4] = [
    (0x9cba_749c_d947_8e51, 0xe8f5_443c_f69e_e4a9),
    (0x7fa1_5508_0021_f878, 0xd88c_15e7_e5c3_b0bb),
    (0xc134_2372_5f54_e10d, 0xa0e0_33cd_07db_c566),
    (0xd6dc_5bf7_e31c_836a, 0xb433_555c_f7fa_d89c),
];
