//! Random operations against a plain model: after each of them the database and the model agree.

mod support;

use std::collections::BTreeSet;

use annywhere::{Config, Database, HnswConfig, Index, Metric, Quantization, SearchParams};
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestCaseError};
use support::{Model, Random};

const DIMENSIONS: usize = 6;
/// Few ids, so that upserts and repeated deletes are frequent.
const IDS: usize = 400;
/// Enough rows for a scan to code them, and enough ids that many of them are new.
const BULK: usize = 1_100;
const BULK_IDS: usize = 3_000;

#[derive(Debug, Clone)]
enum Operation {
    /// Inserts this many rows under random ids, new or not.
    Insert {
        rows: usize,
        seed: u64,
    },
    /// Inserts many rows at once.
    Bulk {
        seed: u64,
    },
    /// Builds the index anew, of the other kind.
    Reindex,
    Compact,
    /// Removes this many random ids, present or not.
    Delete {
        ids: usize,
        seed: u64,
    },
    Search {
        k: usize,
        seed: u64,
    },
    /// Writes everything to bytes and goes on with what is read from them.
    Reopen,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (1usize..60, any::<u64>()).prop_map(|(rows, seed)| Operation::Insert { rows, seed }),
        1 => any::<u64>().prop_map(|seed| Operation::Bulk { seed }),
        1 => Just(Operation::Compact),
        1 => Just(Operation::Reindex),
        2 => (1usize..80, any::<u64>()).prop_map(|(ids, seed)| Operation::Delete { ids, seed }),
        4 => (1usize..30, any::<u64>()).prop_map(|(k, seed)| Operation::Search { k, seed }),
        1 => Just(Operation::Reopen),
    ]
}

fn options() -> impl Strategy<Value = Config> {
    let metric = prop_oneof![
        Just(Metric::Cosine),
        Just(Metric::Euclidean),
        Just(Metric::Dot),
        Just(Metric::Manhattan)
    ];
    (metric, any::<bool>(), any::<bool>(), 2usize..10).prop_map(|(metric, scan, plain, m)| {
        if scan { scan_of(metric, [1, 2, 4][m % 3]) } else { graph_of(metric, plain, m) }
    })
}

fn graph_of(metric: Metric, plain: bool, m: usize) -> Config {
    Config {
        dimensions: DIMENSIONS,
        distance_metric: Some(metric),
        quantization: Some(match plain || metric == Metric::Manhattan {
            true => Quantization::None,
            false => Quantization::Scalar,
        }),
        hnsw_config: Some(HnswConfig { m: Some(m), ef_construction: Some(30), ef_search: Some(12) }),
        ..Config::default()
    }
}

fn scan_of(metric: Metric, bits: u8) -> Config {
    Config {
        dimensions: DIMENSIONS,
        distance_metric: Some(metric),
        index: Some(Index::Scan),
        quantization: Some(match metric {
            Metric::Manhattan => Quantization::None,
            _ => Quantization::Rabitq { bits: Some(bits) },
        }),
        ..Config::default()
    }
}

/// Small integers, so that equal vectors and equal scores occur.
fn vector(random: &mut Random) -> Vec<f32> {
    loop {
        let vector: Vec<f32> = (0..DIMENSIONS).map(|_| random.below(9) as f32 - 4.0).collect();
        if vector.iter().any(|&x| x != 0.0) {
            return vector;
        }
    }
}

struct Pair {
    config: Config,
    database: Database,
    model: Model,
}

impl Pair {
    fn metric(&self) -> Metric {
        self.config.distance_metric.unwrap()
    }

    fn apply(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match *operation {
            Operation::Insert { rows, seed } => self.insert(rows, IDS, &mut Random(seed)),
            Operation::Bulk { seed } => self.insert(BULK, BULK_IDS, &mut Random(seed)),
            Operation::Compact => self.database.compact().unwrap(),
            Operation::Reindex => {
                self.config = match self.config.index {
                    Some(Index::Scan) => graph_of(self.metric(), false, 6),
                    _ => scan_of(self.metric(), 4),
                };
                self.database.reindex(&self.config).unwrap();
            }
            Operation::Delete { ids, seed } => self.delete(ids, &mut Random(seed))?,
            Operation::Search { k, seed } => self.search(k, &vector(&mut Random(seed)))?,
            Operation::Reopen => {
                let bytes = self.database.to_bytes().unwrap();
                self.database = Database::read(&bytes.as_slice(), &self.config).unwrap();
                prop_assert_eq!(
                    &self.database.to_bytes().unwrap(),
                    &bytes,
                    "reading and writing changes nothing"
                );
            }
        }
        prop_assert_eq!(self.database.len(), self.model.0.len());
        Ok(())
    }

    fn insert(&mut self, rows: usize, most: usize, random: &mut Random) {
        let mut ids = BTreeSet::new();
        while ids.len() < rows {
            ids.insert(random.below(most));
        }
        let (mut texts, mut vectors) = (Vec::new(), Vec::new());
        for id in ids {
            let (vector, metadata) = (vector(random), format!(r#"{{"n":{}}}"#, random.below(100)));
            texts.push(format!(r#"["{id}",{metadata}]"#));
            vectors.extend_from_slice(&vector);
            self.model.0.insert(id.to_string(), (vector, metadata));
        }
        self.database.insert(&format!("[{}]", texts.join(",")), &vectors).unwrap();
    }

    fn delete(&mut self, count: usize, random: &mut Random) -> Result<(), TestCaseError> {
        let ids: Vec<String> = (0..count).map(|_| random.below(IDS).to_string()).collect();
        let expected = ids.iter().filter(|&id| self.model.0.remove(id).is_some()).count();
        let borrowed: Vec<&str> = ids.iter().map(String::as_str).collect();
        prop_assert_eq!(self.database.delete(&borrowed).unwrap(), expected);
        for id in &ids {
            prop_assert!(self.database.get(id).unwrap().is_none());
        }
        Ok(())
    }

    fn search(&self, k: usize, query: &[f32]) -> Result<(), TestCaseError> {
        let expected = self.model.best_scores(self.metric(), query, k);
        for exact in [true, false] {
            let hits =
                self.database.search(query, &SearchParams { k, exact, ..SearchParams::default() }).unwrap();
            prop_assert_eq!(hits.len(), expected.len(), "k rows come back whenever k rows exist");
            prop_assert!(hits.scores().is_sorted_by(|a, b| a >= b));
            let ids: Vec<&str> = hits.ids().collect();
            prop_assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "no id comes back twice");
            for (id, &score) in ids.iter().zip(hits.scores()) {
                let row = self.model.0.get(*id);
                prop_assert!(row.is_some(), "{} was removed or never inserted", id);
                let (vector, metadata) = row.unwrap();
                near(score, Model::score(self.metric(), query, vector))?;
                let stored = self.database.get(id).unwrap().unwrap();
                prop_assert_eq!((&*stored.vector, &*stored.metadata), (vector.as_slice(), metadata.as_str()));
            }
            if exact {
                for (&score, &expected) in hits.scores().iter().zip(&expected) {
                    near(score, expected)?;
                }
            }
        }
        self.threshold(query, expected)
    }

    fn threshold(&self, query: &[f32], expected: Vec<f64>) -> Result<(), TestCaseError> {
        let Some(&middle) = expected.get(expected.len() / 2) else {
            return Ok(());
        };
        // Half a step below the score, so that rounding does not decide.
        let threshold = middle as f32 - 1e-4;
        let k = expected.len();
        let params = SearchParams { k, exact: true, threshold: Some(threshold), ..SearchParams::default() };
        let hits = self.database.search(query, &params).unwrap();
        prop_assert!(hits.scores().iter().all(|&score| score >= threshold));
        let passing = expected.iter().filter(|&&score| score as f32 >= threshold).count();
        prop_assert_eq!(hits.len(), passing);
        Ok(())
    }
}

fn near(score: f32, expected: f64) -> Result<(), TestCaseError> {
    let tolerance = 1e-5 * expected.abs().max(1.0);
    prop_assert!((f64::from(score) - expected).abs() <= tolerance, "score {} against {}", score, expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None::<Box<FileFailurePersistence>>.map(|persistence| persistence as _),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_database_agrees_with_the_model_after_every_operation(
        config in options(),
        operations in prop::collection::vec(operation(), 1..40),
    ) {
        let database = Database::new(&config).unwrap();
        let mut pair = Pair { config, database, model: Model::default() };
        for operation in &operations {
            pair.apply(operation)?;
        }
    }
}

#[test]
fn every_row_finds_itself_after_heavy_churn() {
    let mut random = Random(5);
    let config = support::graph(16, Metric::Cosine);
    let mut database = Database::new(&config).unwrap();
    let mut model = Model::default();
    for round in 0..20 {
        let rows: Vec<(String, Vec<f32>)> = (0..150)
            .map(|_| (random.below(1_500).to_string(), (0..16).map(|_| random.real()).collect()))
            .collect();
        for (id, vector) in rows {
            database.insert(&format!(r#"[["{id}",{{"round":{round}}}]]"#), &vector).unwrap();
            model.0.insert(id, (vector, String::new()));
        }
        let doomed: Vec<String> = (0..80).map(|_| random.below(1_500).to_string()).collect();
        database.delete(&doomed.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        doomed.iter().for_each(|id| drop(model.0.remove(id)));
    }
    assert_eq!(database.len(), model.0.len());
    assert!(database.stats().deleted * 4 < database.len(), "removed rows are taken out of the graph");
    let lost: Vec<&String> = model
        .0
        .iter()
        .filter(|(id, (vector, _))| {
            let hits = database.search(vector, &SearchParams { k: 1, ..SearchParams::default() }).unwrap();
            hits.ids().next() != Some(id.as_str())
        })
        .map(|(id, _)| id)
        .collect();
    assert!(
        lost.len() * 200 <= model.0.len(),
        "{} of {} rows do not find themselves",
        lost.len(),
        model.0.len()
    );
}
