//! From how many rows on which index is ahead: the time of a search of the scan over that of the graph, at equal recall.
//!
//! `cargo run --release --example bench_crossover -- folder dimensions cosine|euclidean`, with vectors of the data sets of
//! `benches/peers`. Both search in turns, the best of several rounds counts; between two settings log of time is linear
//! in recall. One thread.

mod shared;

use std::error::Error;
use std::time::Instant;

use annywhere::{Config, Database, Index, SearchParams};
use shared::{Vectors, answers};

const K: usize = 10;
const ROWS: [usize; 6] = [1_000, 3_000, 10_000, 30_000, 100_000, 200_000];
const RECALLS: [f64; 3] = [0.9, 0.95, 0.99];
const QUERIES: usize = 500;
const ROUNDS: usize = 3;
const LENGTHS: [usize; 9] = [10, 16, 24, 32, 48, 64, 100, 200, 400];
const TARGETS: [f32; 9] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (folder, vectors) = shared::vectors(&mut arguments, ROWS[ROWS.len() - 1])?;
    let Vectors { dimensions, metric, rows: all, mut queries } = vectors;
    queries.truncate(QUERIES * dimensions);
    println!("{folder}: time of the scan / time of the graph\n| rows | at {RECALLS:?} |\n|---|---|");
    // The rows of a set are in an order of their own: every so manieth is taken.
    let available = all.len() / dimensions;
    for count in ROWS.into_iter().filter(|&count| count <= available) {
        let rows: Vec<f32> = (0..count)
            .flat_map(|row| &all[row * available / count * dimensions..][..dimensions])
            .copied()
            .collect();
        let by_targets = TARGETS.map(|target| SearchParams { target_recall: Some(target), ..params() });
        let by_lengths = LENGTHS.map(|ef| SearchParams { ef: Some(ef), ..params() });
        let mut subjects = [(Index::Scan, &by_targets[..]), (Index::Hnsw, &by_lengths[..])]
            .map(|(index, settings)| (index, settings, None, vec![(0.0, f64::INFINITY); settings.len()]));
        for (index, _, database, _) in &mut subjects {
            let config = Config {
                dimensions,
                distance_metric: Some(metric),
                index: Some(*index),
                ..Config::default()
            };
            let mut filled = Database::new(&config)?;
            filled.insert(&shared::documents(count), &rows)?;
            *database = Some(filled);
        }
        let exact = SearchParams { exact: true, ..params() };
        let scan = subjects[0].2.as_ref().ok_or("it was filled")?;
        let truth = answers(scan, &queries, &exact)?;
        for _ in 0..ROUNDS {
            for (_, settings, database, measured) in &mut subjects {
                let database = database.as_ref().ok_or("it was filled")?;
                for (params, (recall, best)) in settings.iter().zip(measured) {
                    let (mut found, mut seconds) = (0, 0.0);
                    for (query, truth) in queries.chunks_exact(dimensions).zip(&truth) {
                        let begin = Instant::now();
                        let hits = database.search(query, params)?;
                        seconds += begin.elapsed().as_secs_f64();
                        found += hits.ids().filter(|id| truth.iter().any(|other| other == id)).count();
                    }
                    *recall = found as f64 / (truth.len() * K) as f64;
                    *best = best.min(seconds);
                }
            }
        }
        let [scan, graph] = &subjects;
        let ratios: Vec<String> = RECALLS
            .iter()
            .map(|&recall| match (time_at(&scan.3, recall), time_at(&graph.3, recall)) {
                (Some(scan), Some(graph)) => format!("{:.2}", scan / graph),
                _ => "-".to_owned(),
            })
            .collect();
        println!("| {count} | {} |", ratios.join(" | "));
    }
    Ok(())
}

fn params() -> SearchParams {
    SearchParams { k: K, ..SearchParams::default() }
}

/// The time at a recall, of settings that find more and more.
fn time_at(measured: &[(f64, f64)], recall: f64) -> Option<f64> {
    let above = measured.iter().position(|&(found, _)| found >= recall)?;
    let (high, slow) = measured[above];
    let Some(&(low, fast)) = above.checked_sub(1).and_then(|below| measured.get(below)) else {
        return Some(slow);
    };
    Some((fast.ln() + (recall - low) / (high - low) * (slow.ln() - fast.ln())).exp())
}
