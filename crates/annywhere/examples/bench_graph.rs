//! The graph with each kind of codes, on vectors of the data sets of `benches/peers`.
//!
//! `cargo run --release --example bench_graph -- folder dimensions cosine|euclidean [quantization as JSON ...]`. Recall@10 against
//! the exact scan, time of a search and rows compared for each length of the list. The list of coarse codes is longer
//! than what was asked for; the column `list` says how long.

mod shared;

use std::error::Error;
use std::time::Instant;

use annywhere::{Config, Database, HnswConfig, Index, Quantization, SearchParams};
use shared::{Vectors, answers};

const K: usize = 10;
/// Rows of the set that are taken.
const MOST_ROWS: usize = 200_000;
const LENGTHS: [usize; 6] = [16, 32, 64, 100, 200, 400];
const ALL: [&str; 6] = [
    r#"{"type":"none"}"#,
    r#"{"type":"scalar"}"#,
    r#"{"type":"rabitq","bits":4}"#,
    r#"{"type":"rabitq","bits":2}"#,
    r#"{"type":"rabitq","bits":1}"#,
    r#"{"type":"product"}"#,
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (folder, vectors) = shared::vectors(&mut arguments, MOST_ROWS)?;
    let Vectors { dimensions, metric, rows, queries } = vectors;
    let mut quantizations: Vec<String> = arguments.collect();
    if quantizations.is_empty() {
        quantizations = ALL.map(str::to_owned).to_vec();
    }
    let count = rows.len() / dimensions;
    let documents = shared::documents(count);
    let mut truth = Vec::new();
    for text in quantizations {
        let quantization: Quantization = serde_json::from_str(&text)?;
        let config = Config {
            dimensions,
            distance_metric: Some(metric),
            index: Some(Index::Hnsw),
            hnsw_config: Some(HnswConfig::default()),
            quantization: Some(quantization),
            ..Config::default()
        };
        let mut database = Database::new(&config)?;
        let begin = Instant::now();
        database.insert(&documents, &rows)?;
        let seconds = begin.elapsed().as_secs_f64();
        if truth.is_empty() {
            let exact = SearchParams { k: K, exact: true, ..SearchParams::default() };
            truth = answers(&database, &queries, &exact)?;
        }
        let memory = database.stats().memory;
        let per_row = |bytes: usize| bytes as f64 / count as f64;
        println!(
            "{folder}, {text}: {count} x {dimensions} in {seconds:.1} s; bytes per row: codes {:.1}, graph {:.1}, ids {:.1}, file without vectors {:.1}",
            per_row(memory.codes),
            per_row(memory.graph),
            per_row(memory.ids),
            per_row(database.to_bytes()?.len()) - (4 * dimensions.next_multiple_of(8)) as f64,
        );
        println!("| ef | list | recall@{K} | us | compared |\n|---|---|---|---|---|");
        for ef in LENGTHS {
            let params = SearchParams { k: K, ef: Some(ef), ..SearchParams::default() };
            let found = answers(&database, &queries, &params)?;
            let shared: usize = found
                .iter()
                .zip(&truth)
                .map(|(found, truth)| found.iter().filter(|id| truth.contains(id)).count())
                .sum();
            let mut best = f64::INFINITY;
            for _ in 0..3 {
                let begin = Instant::now();
                for query in queries.chunks_exact(dimensions) {
                    database.search(query, &params)?;
                }
                best = best.min(begin.elapsed().as_secs_f64());
            }
            let explained = database.explain(&queries[..dimensions], &params, &|| 0.0)?;
            println!(
                "| {ef} | {} | {:.4} | {:.1} | {} |",
                explained.visited,
                shared as f64 / (truth.len() * K) as f64,
                best * 1e6 / truth.len() as f64,
                explained.distances,
            );
        }
    }
    Ok(())
}
