//! What the measuring examples have in common.
#![allow(dead_code, reason = "each example uses a part")]

use std::error::Error;

use annywhere::{Config, Database, Index, Metric, SearchParams};

/// An empty database under cosine for the scan and for the graph, or for the one named.
pub fn databases(dimensions: usize, only: Option<&str>) -> Result<Vec<(Index, Database)>, Box<dyn Error>> {
    let mut databases = Vec::new();
    for index in [Index::Scan, Index::Hnsw] {
        if only.is_some_and(|only| only != format!("{index:?}").to_lowercase()) {
            continue;
        }
        let distance_metric = Some(Metric::Cosine);
        let config = Config { dimensions, distance_metric, index: Some(index), ..Config::default() };
        databases.push((index, Database::new(&config)?));
    }
    Ok(databases)
}

/// Vectors of a data set of `benches/peers`.
pub struct Vectors {
    pub dimensions: usize,
    pub metric: Metric,
    pub rows: Vec<f32>,
    pub queries: Vec<f32>,
}

/// The set that the arguments name: `folder dimensions cosine|euclidean`, at most so many rows of it.
pub fn vectors(
    arguments: &mut impl Iterator<Item = String>,
    most_rows: usize,
) -> Result<(String, Vectors), Box<dyn Error>> {
    let folder = arguments.next().ok_or("give the folder of a data set")?;
    let dimensions: usize = arguments.next().ok_or("give the number of dimensions")?.parse()?;
    let metric = match arguments.next().as_deref() {
        Some("cosine") => Metric::Cosine,
        Some("euclidean") => Metric::Euclidean,
        _ => return Err("give cosine or euclidean".into()),
    };
    let read = |name: &str| -> Result<Vec<f32>, Box<dyn Error>> {
        let bytes = std::fs::read(format!("{folder}/{name}"))?;
        Ok(bytes.as_chunks().0.iter().map(|&number| f32::from_le_bytes(number)).collect())
    };
    let (mut rows, queries) = (read("rows.f32")?, read("queries.f32")?);
    rows.truncate(most_rows * dimensions);
    Ok((folder, Vectors { dimensions, metric, rows, queries }))
}

/// Rows `0`, `1`, … without metadata.
pub fn documents(count: usize) -> String {
    let rows: Vec<String> = (0..count).map(|row| format!("[\"{row}\",null]")).collect();
    format!("[{}]", rows.join(","))
}

/// The ids that each query finds.
pub fn answers(
    database: &Database,
    queries: &[f32],
    params: &SearchParams,
) -> Result<Vec<Vec<String>>, Box<dyn Error>> {
    let hits = database.search_many(queries, params)?;
    Ok(hits.iter().map(|hits| hits.ids().map(str::to_owned).collect()).collect())
}
