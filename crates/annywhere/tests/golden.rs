//! The same operations give the same bytes and the same hits on every platform and with any number of threads.
//!
//! The hashes below were written by one platform and are compared on all: natively with AVX2, on aarch64, and as
//! WebAssembly. A change of the format or of the algorithm changes them on purpose; then the new values are taken from
//! the failing test's message, after it has been seen to print the same ones everywhere.

mod support;

use annywhere::{Config, Database, HnswConfig, Metric, Quantization, SearchParams};
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

/// Inserts enough rows to be coded and enough to lie in cells, replaces, deletes, leaves a tail, and searches.
fn coded_hashes(config: &Config, rows: usize) -> (u64, u64) {
    let mut random = Random(43);
    let mut database = Database::new(config).unwrap();
    let mut answers: Vec<u8> = Vec::new();
    for (from, to) in [(0, rows), (rows / 2, rows / 2 + 300), (rows, rows + 500)] {
        let names: Vec<String> = (from..to).map(|row| row.to_string()).collect();
        let mut vectors: Vec<Vec<f32>> =
            names.iter().map(|_| random.clustered(config.dimensions, 0.5)).collect();
        let equal = vectors[60].clone();
        vectors[61..75].fill(equal);
        database.insert(&ids_json(names.iter().map(String::as_str)), &vectors.concat()).unwrap();
        let doomed: Vec<String> = (from..to).step_by(7).map(|row| row.to_string()).collect();
        database.delete(&doomed.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        let less = config.hnsw_config.is_none().then_some(0.7);
        for (target_recall, rescore) in [(None, true), (less, true), (None, false)] {
            let query = random.clustered(config.dimensions, 0.5);
            let params = SearchParams { target_recall, rescore, ..SearchParams::default() };
            let hits = database.search(&query, &params).unwrap();
            answers.extend(hits.rows_json().as_bytes());
            answers.extend(hits.scores().iter().flat_map(|score| score.to_bits().to_le_bytes()));
        }
    }
    (xxh3_64(&database.to_bytes().unwrap()), xxh3_64(&answers))
}

/// Graphs with codes of few bits, which are made anew in between.
#[test]
fn files_and_hits_of_compact_codes_are_the_same_everywhere() {
    let small = HnswConfig { m: Some(6), ef_construction: Some(40), ef_search: Some(20) };
    let rabitq = |bits| Quantization::Rabitq { bits: Some(bits) };
    let product = |subspaces| Quantization::Product { subspaces: Some(subspaces), k: None };
    let cases = [
        (Metric::Cosine, 70, rabitq(1), COMPACT[0]),
        (Metric::Euclidean, 100, rabitq(2), COMPACT[1]),
        (Metric::Dot, 12, rabitq(4), COMPACT[2]),
        (Metric::Euclidean, 20, product(7), COMPACT[3]),
    ];
    let found: Vec<(u64, u64)> = cases
        .iter()
        .map(|&(metric, dimensions, quantization, _)| {
            let quantization = Some(quantization);
            let config = Config { quantization, hnsw_config: Some(small), ..config(dimensions, metric) };
            coded_hashes(&config, 1_100)
        })
        .collect();
    let expected: Vec<(u64, u64)> = cases.iter().map(|&(.., golden)| golden).collect();
    assert_eq!(found, expected, "{found:#x?}");
}

const COMPACT: [(u64, u64); 4] = [
    (0xca91_11b7_706e_32ea, 0x50af_4951_1901_ba19),
    (0x5b79_79cf_4a96_5e96, 0x3c90_e6a2_ed07_d75a),
    (0xd2e6_47fe_047e_acfc, 0x510f_e7b5_273c_5e72),
    (0x7113_8e7c_c01f_f1fc, 0x247d_a19f_300f_d726),
];

#[test]
fn scanned_files_and_hits_are_the_same_everywhere() {
    let rabitq = |bits| Quantization::Rabitq { bits: Some(bits) };
    let product = Quantization::Product { subspaces: None, k: None };
    let cases = [
        (Metric::Cosine, 33, rabitq(1), 1_500, SCANNED[0]),
        (Metric::Euclidean, 100, rabitq(2), 1_500, SCANNED[1]),
        (Metric::Dot, 12, rabitq(4), 1_500, SCANNED[2]),
        (Metric::Euclidean, 8, rabitq(4), 10_400, SCANNED[3]),
        (Metric::Cosine, 16, product, 1_500, SCANNED[4]),
    ];
    let found: Vec<(u64, u64)> = cases
        .iter()
        .map(|&(metric, dimensions, quantization, rows, _)| {
            let config = Config { quantization: Some(quantization), ..config(dimensions, metric) };
            coded_hashes(&config, rows)
        })
        .collect();
    let expected: Vec<(u64, u64)> = cases.iter().map(|&(.., golden)| golden).collect();
    assert_eq!(found, expected, "{found:#x?}");
}

const SCANNED: [(u64, u64); 5] = [
    (0x7d7f_1ed5_948f_accb, 0x1c95_c77f_186b_1d82),
    (0xa698_2d2c_eb40_282f, 0xcb76_96f1_fcc9_4117),
    (0x7e73_e61f_7a3c_c0ae, 0x34e4_07b9_be39_d039),
    (0x19ce_06ca_9001_5953, 0x8630_dc19_2832_0611),
    (0x35f3_44c8_51de_4725, 0x5b0b_2831_8f5c_fc1e),
];

#[test]
fn files_and_hits_of_words_are_the_same_everywhere() {
    let text_fields = vec!["title".to_owned(), "cast.name".to_owned()];
    let mut random = Random(44);
    let mut database =
        Database::new(&Config { text_fields: Some(text_fields), ..config(4, Metric::Cosine) }).unwrap();
    let mut answers: Vec<u8> = Vec::new();
    for round in 0..3 {
        let rows: Vec<String> = (0..700)
            .map(|row| {
                let mut words = || {
                    let words: Vec<String> =
                        (0..random.below(12)).map(|_| format!("É{}", random.below(50))).collect();
                    words.join(" ")
                };
                let (title, cast) = (words(), words());
                format!(
                    r#"["{}",{{"title":"{title} 東京","cast":[{{"name":"{cast}"}}]}}]"#,
                    round * 500 + row
                )
            })
            .collect();
        let vectors: Vec<f32> = (0..700 * 4).map(|_| random.real()).collect();
        database.insert(&format!("[{}]", rows.join(",")), &vectors).unwrap();
        let doomed: Vec<String> = (0..300).map(|row| (round * 500 + row * 3).to_string()).collect();
        database.delete(&doomed.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        for text in ["é7 é12 é12", "京 é3"] {
            let params = SearchParams { text: Some(text.to_owned()), ..SearchParams::default() };
            let vector = [0.5, -0.25, 0.125, 1.0];
            let fused = SearchParams { alpha: Some(0.25), ..params.clone() };
            let diverse = SearchParams { lambda: Some(0.5), ..params.clone() };
            for (query, params) in
                [(&[][..], params.clone()), (&vector, params), (&vector, fused), (&vector, diverse)]
            {
                let hits = database.search(query, &params).unwrap();
                answers.extend(hits.rows_json().as_bytes());
                answers.extend(hits.scores().iter().flat_map(|score| score.to_bits().to_le_bytes()));
            }
        }
    }
    let found = (xxh3_64(&database.to_bytes().unwrap()), xxh3_64(&answers));
    assert_eq!(found, WORDS, "{found:#x?}");
}

const WORDS: (u64, u64) = (0xc8f6_c191_12d7_a7fb, 0xa1fe_e16d_d214_6f6a);

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
        .map(|&(metric, dimensions, _)| {
            hashes(&Config { hnsw_config: Some(small), ..config(dimensions, metric) })
        })
        .collect();
    let expected: Vec<(u64, u64)> = cases.iter().map(|&(_, _, golden)| golden).collect();
    assert_eq!(found, expected, "{found:#x?}");
}

const GOLDEN: [(u64, u64); 4] = [
    (0xb6c2_b7c7_96ac_b0f6, 0x53e1_cc8b_b46c_7efd),
    (0xd76a_a0b2_3254_ff42, 0x039c_0180_1361_169b),
    (0xcaa3_4b4c_c3a9_9eff, 0x2439_bc6f_fe6a_7eb0),
    (0x154d_7a4a_e639_5d28, 0xdf44_6fa5_23d9_597b),
];
