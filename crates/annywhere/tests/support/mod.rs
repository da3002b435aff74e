//! What the test suites share: reproducible vectors, and the plain model that defines the right answers.
#![allow(dead_code, reason = "each suite uses a part")]

pub mod disk;
pub mod segment;
pub mod subjects;

use std::collections::BTreeMap;

use annywhere::{Config, Database, Index, Metric, SearchParams};

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Uniform in [-1, 1).
    pub fn real(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// A vector near one of a few hundred centres, as embeddings lie: `spread` is the size of the deviation.
    pub fn clustered(&mut self, dimensions: usize, spread: f32) -> Vec<f32> {
        let mut centre = Random(1_000 + self.next() % 300);
        (0..dimensions).map(|_| centre.real() + spread * self.real()).collect()
    }
}

pub fn config(dimensions: usize, metric: Metric) -> Config {
    Config { dimensions, distance_metric: Some(metric), ..Config::default() }
}

/// The same with a graph.
pub fn graph(dimensions: usize, metric: Metric) -> Config {
    Config { index: Some(Index::Hnsw), ..config(dimensions, metric) }
}

pub fn ids_json<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let rows: Vec<String> = ids.into_iter().map(|id| format!("[{id:?},null]")).collect();
    format!("[{}]", rows.join(","))
}

/// A database with the rows `0`, `1`, … given as vectors.
pub fn filled(config: &Config, vectors: &[Vec<f32>]) -> Database {
    let mut database = Database::new(config).unwrap();
    let ids: Vec<String> = (0..vectors.len()).map(|id| id.to_string()).collect();
    database.insert(&ids_json(ids.iter().map(String::as_str)), &vectors.concat()).unwrap();
    database
}

pub fn ids(database: &Database, query: &[f32], params: &SearchParams) -> Vec<String> {
    database.search(query, params).unwrap().ids().map(str::to_owned).collect()
}

/// The fraction of the exact `k` nearest that the graph finds, over all queries.
pub fn recall(database: &Database, queries: &[Vec<f32>], k: usize, ef: Option<usize>) -> f64 {
    let mut found = 0;
    for query in queries {
        let exact = ids(database, query, &SearchParams { k, exact: true, ..SearchParams::default() });
        let near = ids(database, query, &SearchParams { k, ef, ..SearchParams::default() });
        assert_eq!(near.len(), exact.len(), "k rows come back whenever k rows exist");
        found += near.iter().filter(|id| exact.contains(id)).count();
    }
    found as f64 / (queries.len() * k) as f64
}

/// Rows by id, and scores by plain f64 arithmetic.
#[derive(Default)]
pub struct Model(pub BTreeMap<String, (Vec<f32>, String)>);

impl Model {
    pub fn score(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
        let pairs = || a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        let dot: f64 = pairs().map(|(a, b)| a * b).sum();
        match metric {
            Metric::Dot => dot,
            Metric::Euclidean => 1.0 / (1.0 + pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()),
            Metric::Manhattan => 1.0 / (1.0 + pairs().map(|(a, b)| (a - b).abs()).sum::<f64>()),
            Metric::Cosine => {
                let length = |v: &[f32]| v.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
                dot / (length(a) * length(b))
            }
        }
    }

    /// The scores of the `k` best rows, best first.
    pub fn best_scores(&self, metric: Metric, query: &[f32], k: usize) -> Vec<f64> {
        let mut scores: Vec<f64> =
            self.0.values().map(|(vector, _)| Self::score(metric, query, vector)).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        scores.truncate(k);
        scores
    }
}
