//! Weighed searches, against what their definition says.

mod support;

use annywhere::{Config, Database, Index, Metric, SearchParams};
use serde_json::{Value, json};
use support::{Model, Random};

const DIMENSIONS: usize = 16;
/// Enough that a scan codes them.
const ROWS: usize = 1_500;
const NOW: f64 = 1_000.0;
const K: usize = 12;

/// Rows as the definition sees them.
struct Row {
    id: String,
    vector: Vec<f32>,
    metadata: Value,
}

fn config(metric: Metric, index: Index) -> Config {
    Config { index: Some(index), ..support::config(DIMENSIONS, metric) }
}

/// Some rows lack some of the numbers, or have something else in their place.
fn row(random: &mut Random, id: usize) -> Row {
    let kind = ["slow", "fast", "other", "never"][random.below(4)];
    let mut metadata = json!({ "kind": kind });
    match random.below(8) {
        0 => {}
        1 => metadata["importance"] = json!("high"),
        2 => metadata["importance"] = json!([0.1, 0.9]),
        _ => metadata["importance"] = json!(random.below(100) as f64 / 50.0 - 0.1),
    }
    if random.below(10) > 0 {
        metadata["at"] = json!({ "made": NOW + 20.0 - random.below(500) as f64 });
    }
    if random.below(5) == 0 {
        metadata["expires"] = json!(NOW - 50.0 + random.below(100) as f64);
    }
    Row { id: id.to_string(), vector: random.clustered(DIMENSIONS, 0.4), metadata }
}

fn put(database: &mut Database, rows: &[Row]) {
    let texts: Vec<Value> = rows.iter().map(|row| json!([row.id, row.metadata])).collect();
    let vectors: Vec<f32> = rows.iter().flat_map(|row| row.vector.clone()).collect();
    database.insert(&Value::from(texts).to_string(), &vectors).unwrap();
}

fn weigh(now: f64) -> Value {
    json!({
        "power": 2, "weight": "importance", "expires": "expires", "now": now,
        "fade": { "time": "at.made", "halfLife": 90, "by": "kind",
                  "halfLives": { "slow": 300, "fast": 20.5, "never": null } },
    })
}

/// The definition: the score of a row, or nothing if it is no hit.
fn expected(row: &Row, similarity: f64, now: f64, least: f64) -> Option<f64> {
    let number = |value: &Value| match value {
        Value::Array(all) => all.iter().filter_map(Value::as_f64).reduce(f64::max),
        value => value.as_f64(),
    };
    if similarity < least || number(&row.metadata["expires"]).is_some_and(|expires| expires <= now) {
        return None;
    }
    let weight = number(&row.metadata["importance"]).map_or(1.0, |weight| weight.max(0.0));
    let half_life = match row.metadata["kind"].as_str() {
        Some("slow") => 300.0,
        Some("fast") => 20.5,
        Some("never") => f64::INFINITY,
        _ => 90.0,
    };
    let age = number(&row.metadata["at"]["made"]).map_or(0.0, |made| (now - made).max(0.0));
    Some(similarity.max(0.0).powi(2) * weight * 0.5_f64.powf(age / half_life))
}

fn best(rows: &[Row], metric: Metric, query: &[f32], now: f64, least: f64) -> Vec<f64> {
    let score = |row: &Row| expected(row, Model::score(metric, query, &row.vector), now, least);
    let mut scores: Vec<f64> = rows.iter().filter_map(score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.truncate(K);
    scores
}

fn check(
    rows: &[Row],
    database: &Database,
    metric: Metric,
    query: &[f32],
    now: f64,
    least: Option<f32>,
) -> f64 {
    let mut given = weigh(now);
    // A graph looks at these and no more; scores of distances are flat, so the best lie far down.
    given["candidates"] = json!(if database.options().index == Index::Hnsw { 700 } else { 128 });
    let none = f64::NEG_INFINITY;
    if let Some(least) = least {
        given["minSimilarity"] = json!(least);
    }
    let best = best(rows, metric, query, now, least.map_or(none, f64::from));
    let mut found = 0.0;
    for exact in [true, false] {
        let params = SearchParams { k: K, exact, weigh: Some(given.clone()), ..SearchParams::default() };
        let hits = database.search(query, &params).unwrap();
        assert!(hits.scores().is_sorted_by(|a, b| a >= b));
        for (id, (&score, &distance)) in hits.ids().zip(hits.scores().iter().zip(hits.distances())) {
            let row = rows.iter().find(|row| row.id == id).expect("hits are rows that there are");
            let similarity = Model::score(metric, query, &row.vector);
            let right = expected(row, similarity, now, least.map_or(none, |least| f64::from(least) - 1e-4));
            let right = right.expect("hits are neither expired nor too far");
            assert!(
                (f64::from(score) - right).abs() <= 1e-4 * right.abs().max(1e-3),
                "{id}: {score}, {right}"
            );
            let plain = SearchParams { k: ROWS, exact: true, ..SearchParams::default() };
            let all = database.search(query, &plain).unwrap();
            let at = all.ids().position(|other| other == id).unwrap();
            assert_eq!(all.distances()[at], distance, "the distance is that of the vectors");
        }
        if exact {
            assert_eq!(hits.len(), best.len());
            for (&score, right) in hits.scores().iter().zip(&best) {
                assert!((f64::from(score) - right).abs() <= 1e-4 * right.abs().max(1e-3), "{score}, {right}");
            }
        } else {
            let least = best.last().copied().unwrap_or(0.0) * (1.0 - 1e-4);
            let right = hits.scores().iter().filter(|&&score| f64::from(score) >= least).count();
            found = if best.is_empty() { 1.0 } else { right as f64 / best.len() as f64 };
            assert!(least.is_nan() || hits.len() <= best.len());
        }
    }
    found
}

#[test]
fn the_best_by_similarity_importance_and_age_are_found_and_have_those_scores() {
    for (metric, index) in [
        (Metric::Cosine, Index::Scan),
        (Metric::Cosine, Index::Hnsw),
        (Metric::Dot, Index::Scan),
        (Metric::Euclidean, Index::Scan),
        (Metric::Euclidean, Index::Hnsw),
        (Metric::Manhattan, Index::Scan),
    ] {
        let mut random = Random(3);
        let mut rows: Vec<Row> = (0..ROWS).map(|id| row(&mut random, id)).collect();
        let mut database = Database::new(&config(metric, index)).unwrap();
        put(&mut database, &rows);
        let mut found = Vec::new();
        for round in 0..12 {
            let query = random.clustered(DIMENSIONS, 0.4);
            // The clock also goes backwards.
            let now = NOW + f64::from(round % 5) * 40.0 - 60.0;
            found.push(check(&rows, &database, metric, &query, now, None));
            found.push(check(&rows, &database, metric, &query, now, Some(0.3)));
            // Rows change, come and go between searches.
            let at = random.below(rows.len());
            rows[at].metadata["importance"] = json!(f64::from(round) / 4.0);
            let (id, change) =
                (rows[at].id.clone(), json!({ "importance": rows[at].metadata["importance"] }));
            database.update(&id, Some(&change.to_string()), None).unwrap();
            let gone = rows.swap_remove(random.below(rows.len()));
            database.delete(&[&gone.id]).unwrap();
            let new: Vec<Row> = (0..30).map(|id| row(&mut random, ROWS + round as usize * 30 + id)).collect();
            put(&mut database, &new);
            rows.extend(new);
            if round == 6 {
                database.compact().unwrap();
            }
        }
        let recall = found.iter().sum::<f64>() / found.len() as f64;
        assert!(recall > 0.95, "{metric:?} {index:?}: {recall}");
        // A file's rows weigh the same.
        let bytes = database.to_bytes().unwrap();
        let read = Database::read(&bytes.as_slice(), &config(metric, index)).unwrap();
        let query = random.clustered(DIMENSIONS, 0.4);
        let params = SearchParams { weigh: Some(weigh(NOW)), ..SearchParams::default() };
        let answers = [&database, &read].map(|database| {
            let hits = database.search(&query, &params).unwrap();
            (hits.scores().to_vec(), hits.rows_json())
        });
        assert_eq!(answers[0], answers[1]);
    }
}

#[test]
fn earlier_searches_at_other_times_change_nothing() {
    let mut random = Random(5);
    let rows: Vec<Row> = (0..ROWS).map(|id| row(&mut random, id)).collect();
    let [fresh, used] = [0, 1].map(|_| {
        let mut database = Database::new(&config(Metric::Cosine, Index::Scan)).unwrap();
        put(&mut database, &rows);
        database
    });
    let query = random.clustered(DIMENSIONS, 0.4);
    let ask = |database: &Database, now: f64| {
        let params = SearchParams { weigh: Some(weigh(now)), ..SearchParams::default() };
        let hits = database.search(&query, &params).unwrap();
        (hits.scores().to_vec(), hits.rows_json())
    };
    for now in [NOW + 1e6, NOW - 1e6, 0.0, NOW + 0.3] {
        ask(&used, now);
    }
    assert_eq!(ask(&used, NOW), ask(&fresh, NOW));
}

#[test]
fn filters_diversity_and_thresholds_go_with_weighing() {
    let mut random = Random(7);
    let rows: Vec<Row> = (0..ROWS).map(|id| row(&mut random, id)).collect();
    let mut database = Database::new(&config(Metric::Cosine, Index::Scan)).unwrap();
    put(&mut database, &rows);
    let query = random.clustered(DIMENSIONS, 0.4);
    let kind = |kind: &str| Some(json!({ "kind": kind }));
    let params = SearchParams { k: 20, weigh: Some(weigh(NOW)), ..SearchParams::default() };
    let hits = database.search(&query, &SearchParams { filter: kind("slow"), ..params.clone() }).unwrap();
    assert_eq!(hits.len(), 20);
    let slow = |id: &str| rows.iter().any(|row| row.id == id && row.metadata["kind"] == "slow");
    assert!(hits.ids().all(slow));
    // Only a few are left of these: all of them are found, none that has expired.
    let filter = Some(json!({ "expires": { "$gt": NOW - 10.0, "$lte": NOW + 2.0 } }));
    let hits = database.search(&query, &SearchParams { filter, ..params.clone() }).unwrap();
    let left = |row: &&Row| row.metadata["expires"].as_f64().is_some_and(|at| at > NOW && at <= NOW + 2.0);
    assert_eq!(hits.len(), rows.iter().filter(left).count());
    let groups = SearchParams { group_by: Some("kind".to_owned()), group_size: Some(2), ..params.clone() };
    assert_eq!(database.search(&query, &groups).unwrap().len(), 8);
    let all = database.search(&query, &params).unwrap();
    let threshold = Some(all.scores()[7]);
    let above = database.search(&query, &SearchParams { threshold, ..params }).unwrap();
    assert_eq!(above.scores(), &all.scores()[..above.len()]);
    assert_eq!(above.len(), all.scores().iter().filter(|&&score| Some(score) >= threshold).count());
}

#[test]
fn what_is_not_understood_is_refused() {
    let database = support::filled(&support::config(2, Metric::Cosine), &[vec![1.0, 0.0]]);
    for (given, argument) in [
        (json!(1), "weigh"),
        (json!({ "wait": "importance" }), "weigh.wait"),
        (json!({ "power": 0 }), "weigh.power"),
        (json!({ "power": 17 }), "weigh.power"),
        (json!({ "weight": "" }), "weigh.weight"),
        (json!({ "weight": 1 }), "weigh.weight"),
        (json!({ "expires": "at" }), "weigh.now"),
        (json!({ "fade": { "time": "at" } }), "weigh.now"),
        (json!({ "now": "today", "fade": { "time": "at" } }), "weigh.now"),
        (json!({ "now": 1, "fade": {} }), "weigh.fade.time"),
        (json!({ "now": 1, "fade": { "time": "at", "halfLife": 0 } }), "weigh.fade.halfLife"),
        (json!({ "now": 1, "fade": { "time": "at", "half": 0 } }), "weigh.fade.half"),
        (json!({ "now": 1, "fade": { "time": "at", "halfLives": {} } }), "weigh.fade.halfLives"),
        (
            json!({ "now": 1, "fade": { "time": "at", "by": "kind", "halfLives": { "a": -1 } } }),
            "weigh.fade.halfLives.a",
        ),
        (json!({ "minSimilarity": "much" }), "weigh.minSimilarity"),
        (json!({ "candidates": 0 }), "weigh.candidates"),
        (json!({ "candidates": 65_537 }), "weigh.candidates"),
    ] {
        let params = SearchParams { weigh: Some(given.clone()), ..SearchParams::default() };
        let error = database.search(&[1.0, 0.0], &params).unwrap_err();
        assert_eq!(error.code(), "InvalidArgument");
        assert!(error.to_string().starts_with(&format!("argument {argument}:")), "{given}: {error}");
    }
    let text = Some("words".to_owned());
    let params = SearchParams { weigh: Some(json!({})), text, ..SearchParams::default() };
    assert_eq!(database.search(&[1.0, 0.0], &params).unwrap_err().code(), "InvalidArgument");
}
