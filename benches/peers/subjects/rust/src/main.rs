//! hnsw_rs and instant-distance as subjects of `benches/peers`: they answer the protocol described in the README there.
//!
//! `rust-graphs hnsw_rs|instant-distance`. Compiled for the processor it runs on (see `install.mjs`). The list length of
//! instant-distance is fixed when a graph is built, so it has one setting.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

use hnsw_rs::anndists::dist::{DistDot, DistL2};
use hnsw_rs::hnsw::Hnsw;
use instant_distance::{Builder, HnswMap, Point, Search};
use serde_json::{Value, json};

type Failure = Box<dyn Error>;

const VERSIONS: [(&str, &str); 2] = [("hnsw_rs", "0.3.5"), ("instant-distance", "0.6.1")];
/// The list length of instant-distance.
const FIXED_LENGTH: usize = 100;
const LAYERS: usize = 16;

struct Task {
    dimensions: usize,
    euclidean: bool,
    k: usize,
    m: usize,
    ef_construction: usize,
    rows: Vec<f32>,
    queries: Vec<f32>,
    graph: Graph,
}

enum Graph {
    None,
    HnswRsDot(Hnsw<'static, f32, DistDot>),
    HnswRsL2(Hnsw<'static, f32, DistL2>),
    InstantDistance(HnswMap<Row, u32>),
}

/// A row of instant-distance. Distances that order rows alike are enough for it.
#[derive(Clone)]
struct Row {
    euclidean: bool,
    values: Vec<f32>,
}

impl Point for Row {
    fn distance(&self, other: &Self) -> f32 {
        let term = |a: f32, b: f32| if self.euclidean { (a - b) * (a - b) } else { a * b };
        let (left, left_rest) = self.values.as_chunks::<16>();
        let (right, right_rest) = other.values.as_chunks::<16>();
        let mut lanes = [0.0; 16];
        for (a, b) in left.iter().zip(right) {
            for lane in 0..16 {
                lanes[lane] += term(a[lane], b[lane]);
            }
        }
        let rest: f32 = left_rest.iter().zip(right_rest).map(|(&a, &b)| term(a, b)).sum();
        let sum = lanes.iter().sum::<f32>() + rest;
        if self.euclidean { sum } else { 1.0 - sum }
    }
}

fn main() -> Result<(), Failure> {
    let name = std::env::args().nth(1).ok_or("give the name of a library")?;
    let version = VERSIONS.iter().find(|(known, _)| *known == name).ok_or("no such library")?.1;
    let mut task = None;
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let reply = match request["call"].as_str() {
            Some("open") => {
                task = Some(open(&request)?);
                let efs = request["plan"]["efSearch"].as_array().ok_or("a plan has list lengths")?;
                let mut efs: Vec<u64> = efs.iter().filter_map(Value::as_u64).collect();
                if name == "instant-distance" {
                    efs = vec![FIXED_LENGTH as u64];
                }
                let settings: Vec<Value> =
                    efs.iter().map(|ef| json!({"label": format!("ef {ef}"), "ef": ef})).collect();
                json!({"version": version, "settings": settings})
            }
            Some("build") => build(&name, task.as_mut().ok_or("open comes first")?),
            Some("search") => search(task.as_ref().ok_or("open comes first")?, &request)?,
            _ => json!({"error": "unknown call"}),
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{reply}")?;
        out.flush()?;
    }
    Ok(())
}

fn open(request: &Value) -> Result<Task, Failure> {
    let (data, plan) = (&request["data"], &request["plan"]);
    let number = |value: &Value| value.as_u64().map(|number| number as usize).ok_or("a number is missing");
    let dimensions = number(&data["dimensions"])?;
    Ok(Task {
        dimensions,
        euclidean: data["metric"] == "euclidean",
        k: number(&plan["k"])?,
        m: number(&plan["m"])?,
        ef_construction: number(&plan["efConstruction"])?,
        rows: vectors(&data["files"]["rows"], number(&data["rows"])? * dimensions)?,
        queries: vectors(&data["files"]["queries"], number(&data["queries"])? * dimensions)?,
        graph: Graph::None,
    })
}

/// The first `count` little-endian numbers of a file.
fn vectors(path: &Value, count: usize) -> Result<Vec<f32>, Failure> {
    let bytes = std::fs::read(path.as_str().ok_or("a path is missing")?)?;
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(numbers.iter().take(count).map(|&number| f32::from_le_bytes(number)).collect())
}

fn build(name: &str, task: &mut Task) -> Value {
    let &mut Task { dimensions, euclidean, m, ef_construction, .. } = task;
    let rows: Vec<&[f32]> = task.rows.chunks_exact(dimensions).collect();
    let begin = Instant::now();
    task.graph = if name == "instant-distance" {
        let points = rows.iter().map(|row| Row { euclidean, values: row.to_vec() }).collect();
        let numbers = (0..rows.len() as u32).collect();
        let builder = Builder::default().ef_construction(ef_construction).ef_search(FIXED_LENGTH);
        Graph::InstantDistance(builder.build(points, numbers))
    } else if euclidean {
        let graph = Hnsw::new(m, rows.len(), LAYERS, ef_construction, DistL2 {});
        rows.iter().enumerate().for_each(|(number, row)| graph.insert((*row, number)));
        Graph::HnswRsL2(graph)
    } else {
        let graph = Hnsw::new(m, rows.len(), LAYERS, ef_construction, DistDot {});
        rows.iter().enumerate().for_each(|(number, row)| graph.insert((*row, number)));
        Graph::HnswRsDot(graph)
    };
    json!({"seconds": begin.elapsed().as_secs_f64()})
}

fn search(task: &Task, request: &Value) -> Result<Value, Failure> {
    let ef = request["setting"]["ef"].as_u64().ok_or("a setting has a length")? as usize;
    let queries: Vec<&[f32]> = task.queries.chunks_exact(task.dimensions).collect();
    let points: Vec<Row> =
        queries.iter().map(|query| Row { euclidean: task.euclidean, values: query.to_vec() }).collect();
    let mut state = Search::default();
    let mut one = |at: usize| -> Vec<usize> {
        match &task.graph {
            Graph::None => Vec::new(),
            Graph::HnswRsDot(graph) => {
                graph.search(queries[at], task.k, ef).iter().map(|found| found.d_id).collect()
            }
            Graph::HnswRsL2(graph) => {
                graph.search(queries[at], task.k, ef).iter().map(|found| found.d_id).collect()
            }
            Graph::InstantDistance(map) => {
                map.search(&points[at], &mut state).take(task.k).map(|item| *item.value as usize).collect()
            }
        }
    };
    let warm_up = request["warmUp"].as_u64().unwrap_or(0) as usize;
    (0..warm_up.min(queries.len())).for_each(|at| drop(one(at)));
    let (mut nanoseconds, mut ids) = (Vec::new(), Vec::new());
    for at in 0..queries.len() {
        let begin = Instant::now();
        let found = one(at);
        nanoseconds.push(begin.elapsed().as_nanos() as u64);
        ids.push(found);
    }
    Ok(json!({"nanoseconds": nanoseconds, "ids": ids}))
}
