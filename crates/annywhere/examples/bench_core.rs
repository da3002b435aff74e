//! The core without JavaScript, as a subject of `benches/peers`: it answers the protocol described in the README there.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

use annywhere::{Config, Database, Index, Metric, SearchParams};
use serde_json::{Value, json};

/// What `targetRecall` is set to, one setting each.
const TARGET_RECALLS: [f32; 9] = [0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];

struct Subject {
    dimensions: usize,
    k: usize,
    rows: Vec<f32>,
    queries: Vec<f32>,
    database: Database,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut subject = None;
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let reply = match request["call"].as_str() {
            Some("open") => {
                subject = Some(open(&request)?);
                let settings: Vec<Value> = TARGET_RECALLS
                    .iter()
                    .map(|target| json!({"label": format!("target {target}"), "targetRecall": target}))
                    .collect();
                json!({"version": annywhere::VERSION, "settings": settings})
            }
            Some("build") => build(subject.as_mut().ok_or("open comes first")?)?,
            Some("search") => search(subject.as_ref().ok_or("open comes first")?, &request)?,
            _ => json!({"error": "unknown call"}),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{reply}")?;
        out.flush()?;
    }
    Ok(())
}

fn open(request: &Value) -> Result<Subject, Box<dyn Error>> {
    let data = &request["data"];
    let number = |value: &Value| value.as_u64().map(|number| number as usize).ok_or("a number is missing");
    let dimensions = number(&data["dimensions"])?;
    let distance_metric = match data["metric"].as_str() {
        Some("cosine") => Metric::Cosine,
        _ => Metric::Euclidean,
    };
    let config = Config {
        dimensions,
        distance_metric: Some(distance_metric),
        index: Some(Index::Scan),
        ..Config::default()
    };
    Ok(Subject {
        dimensions,
        k: number(&request["plan"]["k"])?,
        rows: vectors(&data["files"]["rows"], number(&data["rows"])? * dimensions)?,
        queries: vectors(&data["files"]["queries"], number(&data["queries"])? * dimensions)?,
        database: Database::new(&config)?,
    })
}

/// The first `count` little-endian numbers of a file.
fn vectors(path: &Value, count: usize) -> Result<Vec<f32>, Box<dyn Error>> {
    let bytes = std::fs::read(path.as_str().ok_or("a path is missing")?)?;
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(numbers.iter().take(count).map(|&number| f32::from_le_bytes(number)).collect())
}

fn build(subject: &mut Subject) -> Result<Value, Box<dyn Error>> {
    let ids: Vec<String> =
        (0..subject.rows.len() / subject.dimensions).map(|row| format!(r#"["{row}",null]"#)).collect();
    let rows = format!("[{}]", ids.join(","));
    let begin = Instant::now();
    subject.database.insert(&rows, &subject.rows)?;
    let seconds = begin.elapsed().as_secs_f64();
    Ok(json!({"seconds": seconds, "indexBytes": subject.database.stats().memory.total}))
}

fn search(subject: &Subject, request: &Value) -> Result<Value, Box<dyn Error>> {
    let setting = &request["setting"];
    let target = setting["targetRecall"].as_f64().ok_or("a setting has a targetRecall")?;
    let params = SearchParams { k: subject.k, target_recall: Some(target as f32), ..SearchParams::default() };
    let queries = || subject.queries.chunks_exact(subject.dimensions);
    let warm_up = request["warmUp"].as_u64().unwrap_or(0) as usize;
    for query in queries().take(warm_up) {
        subject.database.search(query, &params)?;
    }
    let (mut nanoseconds, mut ids) = (Vec::new(), Vec::new());
    for query in queries() {
        let begin = Instant::now();
        let hits = subject.database.search(query, &params)?;
        nanoseconds.push(begin.elapsed().as_nanos() as u64);
        let found: Result<Vec<u32>, _> = hits.ids().map(str::parse).collect();
        ids.push(found?);
    }
    Ok(json!({"nanoseconds": nanoseconds, "ids": ids}))
}
