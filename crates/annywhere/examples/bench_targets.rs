//! Recall that is asked for against recall that is found, on vectors of the data sets of `benches/peers`.
//!
//! `cargo run --release --example bench_targets -- folder dimensions [scan or hnsw]`. Two kinds of queries: rows that were kept
//! out of the database, and the queries of the set, which need not be like its rows.

mod shared;

use std::error::Error;
use std::time::Instant;

use annywhere::SearchParams;
use shared::answers;

const KS: [usize; 3] = [1, 10, 100];
/// Rows of the set that are taken.
const MOST_ROWS: usize = 200_000;
const HELD_OUT: usize = 1_000;
const TARGETS: [f32; 5] = [0.8, 0.9, 0.95, 0.99, 0.999];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("give the folder of a data set")?;
    let dimensions: usize = arguments.next().ok_or("give the number of dimensions")?.parse()?;
    let only = arguments.next();
    let read = |name: &str| -> Result<Vec<f32>, Box<dyn Error>> {
        let bytes = std::fs::read(format!("{folder}/{name}"))?;
        Ok(bytes.chunks_exact(4).map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]])).collect())
    };
    let (mut all, others) = (read("rows.f32")?, read("queries.f32")?);
    all.truncate(MOST_ROWS * dimensions);
    let step = all.len() / dimensions / HELD_OUT;
    let (mut rows, mut held_out) = (Vec::new(), Vec::new());
    for (at, row) in all.chunks_exact(dimensions).enumerate() {
        if at % step == step / 2 { held_out.extend(row) } else { rows.extend(row) }
    }
    let count = rows.len() / dimensions;
    let documents = shared::documents(count);
    for (index, mut database) in shared::databases(dimensions, only.as_deref())? {
        let begin = Instant::now();
        database.insert(&documents, &rows)?;
        println!("{folder}, {index:?}: {count} x {dimensions} in {:.1} s", begin.elapsed().as_secs_f64());
        let begin = Instant::now();
        let first = SearchParams { target_recall: Some(0.9), ..SearchParams::default() };
        database.search(&held_out[..dimensions], &first)?;
        println!("first search with a target: {:.1} ms", begin.elapsed().as_secs_f64() * 1e3);
        for (name, queries) in [("rows kept out", &held_out), ("queries of the set", &others)] {
            let exact = SearchParams { k: KS[KS.len() - 1], exact: true, ..SearchParams::default() };
            let truth = answers(&database, queries, &exact)?;
            let columns = KS.map(|k| format!(" recall@{k} | us |")).concat();
            println!("| {name}: target |{columns}\n|---{}|", "|---".repeat(2 * KS.len()));
            for target in TARGETS.map(Some).into_iter().chain([None]) {
                let mut line = target.map_or("default".to_owned(), |target| target.to_string());
                for k in KS {
                    let params = SearchParams { k, target_recall: target, ..SearchParams::default() };
                    let found = answers(&database, queries, &params)?;
                    let shared: usize = found
                        .iter()
                        .zip(&truth)
                        .map(|(found, truth)| found.iter().filter(|id| truth[..k].contains(id)).count())
                        .sum();
                    let begin = Instant::now();
                    for query in queries.chunks_exact(dimensions) {
                        database.search(query, &params)?;
                    }
                    let queries = queries.len() / dimensions;
                    let micros = begin.elapsed().as_secs_f64() * 1e6 / queries as f64;
                    let recall = shared as f64 / (queries * k) as f64;
                    line += &format!(" | {recall:.4} | {micros:.0}");
                }
                println!("| {line} |");
            }
        }
    }
    Ok(())
}
