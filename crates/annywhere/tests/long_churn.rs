//! Ten rounds of replacing a fifth of 50,000 rows, as `npm run test:full` runs them: recall, reachability and memory stay those
//! of a database that is built at once, and filters go on telling the truth.

mod support;

use annywhere::{Config, Database, Index, Metric, SearchParams};
use serde_json::{Value, json};
use support::{Random, config, recall};

const ROWS: usize = 50_000;
const ROUNDS: usize = 10;
const DIMENSIONS: usize = 32;

fn insert(database: &mut Database, rows: &[(usize, Vec<f32>)], round: usize) {
    let documents: Vec<Value> =
        rows.iter().map(|(id, _)| json!([id.to_string(), { "round": round, "id": id }])).collect();
    let vectors: Vec<f32> = rows.iter().flat_map(|row| row.1.iter().copied()).collect();
    database.insert(&json!(documents).to_string(), &vectors).unwrap();
}

fn churn(config: &Config) {
    let mut random = Random(9);
    let mut next = || random.clustered(DIMENSIONS, 0.5);
    let mut rows: Vec<(usize, Vec<f32>)> = (0..ROWS).map(|id| (id, next())).collect();
    let mut database = Database::new(config).unwrap();
    insert(&mut database, &rows, 0);
    assert_eq!(database.count(r#"{"round":0}"#).unwrap(), ROWS);
    for round in 1..=ROUNDS {
        // The oldest fifth goes, in small steps, and as many new ones come.
        let gone: Vec<String> = rows.drain(..ROWS / 5).map(|(id, _)| id.to_string()).collect();
        for step in gone.chunks(1_000) {
            let removed = database.delete(&step.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
            assert_eq!(removed, step.len());
        }
        let new: Vec<(usize, Vec<f32>)> =
            (0..ROWS / 5).map(|at| (ROWS + round * ROWS / 5 + at, next())).collect();
        for step in new.chunks(1_000) {
            insert(&mut database, step, round);
        }
        rows.extend(new);
        let filter = format!(r#"{{"round":{round}}}"#);
        assert_eq!(database.count(&filter).unwrap(), ROWS / 5);
    }
    let queries: Vec<Vec<f32>> = (0..200).map(|_| next()).collect();
    let mut fresh = Database::new(config).unwrap();
    insert(&mut fresh, &rows, 0);
    let (churned, built) = (recall(&database, &queries, 10, None), recall(&fresh, &queries, 10, None));
    assert!(churned >= built - 0.01, "recall {churned} after churn, {built} of a fresh build");
    let mut lost = 0;
    // What a normal search misses, a thorough one must find: what it does not find cannot be reached.
    let is_scan = config.index == Some(Index::Scan);
    let usual = SearchParams { k: 1, ..SearchParams::default() };
    let thorough = SearchParams {
        target_recall: is_scan.then_some(1.0),
        ef: (!is_scan).then_some(5_000),
        ..usual.clone()
    };
    for (id, vector) in &rows {
        let finds = |params| {
            let hits = database.search(vector, params).unwrap();
            hits.ids().next() == Some(id.to_string().as_str())
        };
        lost += usize::from(!finds(&usual) && !finds(&thorough));
    }
    fresh.count(r#"{"round":0}"#).unwrap();
    let memory = |database: &Database| database.stats().memory.total as f64;
    let grown = memory(&database) / memory(&fresh);
    println!("{:?}: recall {churned} and {built} fresh, {lost} rows lost, memory x {grown:.2}", config.index);
    assert_eq!(lost, 0, "rows that a search for their own vector does not find");
    assert!(grown <= 1.3, "{grown} times the memory of a fresh build");
    let (before, bytes) = (memory(&database), database.to_bytes().unwrap().len());
    database.compact().unwrap();
    assert!(memory(&database) <= before);
    // The links of a graph that is built anew are others, and what was measured of it is in the file.
    let compacted = database.to_bytes().unwrap().len();
    assert!(compacted as f64 <= 1.05 * bytes as f64, "{compacted} bytes after compacting, {bytes} before");
}

#[test]
#[ignore = "takes a minute or two"]
fn a_graph_stays_as_good_as_a_fresh_one() {
    churn(&Config { index: Some(Index::Hnsw), ..config(DIMENSIONS, Metric::Cosine) });
}

#[test]
#[ignore = "takes a minute or two"]
fn a_scan_stays_as_good_as_a_fresh_one() {
    churn(&Config { index: Some(Index::Scan), ..config(DIMENSIONS, Metric::Cosine) });
}
