//! What the measuring examples have in common.

use annywhere::{Config, Database, Index, Metric};

/// An empty database under cosine for the scan and for the graph, or for the one named.
pub fn databases(
    dimensions: usize,
    only: Option<&str>,
) -> Result<Vec<(Index, Database)>, Box<dyn std::error::Error>> {
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
