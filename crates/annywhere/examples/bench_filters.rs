//! Filtered searches against searches without a filter: time, recall, and what was done, over selectivities.
//!
//! `npm run bench -- filters --made [rows] [dimensions] [index]`. Rows lie as embeddings do: around centres, with far fewer
//! directions than dimensions. In place of the number of rows a folder with `rows.f32` and `queries.f32` may stand, as
//! `npm run bench -- peers` makes them; the place of a row is its first component then. Filters are by chance, or by place:
//! then matches lie where the queries are (near) or are not (far).

mod shared;

use std::error::Error;
use std::time::Instant;

use annywhere::{Database, SearchParams};
use serde_json::{Value, json};

const LATENT: usize = 24;
const CENTRES: usize = 200;
const QUERIES: usize = 200;
const K: usize = 10;
/// Times are the least of so many passes.
const PASSES: usize = 3;
/// Rows of a folder that are taken.
const MOST_ROWS: usize = 200_000;
const SELECTIVITIES: [f64; 9] = [1.0, 0.9, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001, 0.0001];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// About normal: the sum of four uniform numbers.
    fn real(&mut self) -> f32 {
        (0..4).map(|_| (self.next() >> 40) as f32 / (1u64 << 24) as f32 - 0.5).sum::<f32>() * 1.7
    }
}

/// Vectors from a mixture in a few directions, and the place of each along the first of them.
struct Source {
    random: Random,
    centres: Vec<f32>,
    directions: Vec<f32>,
    dimensions: usize,
}

impl Source {
    fn new(dimensions: usize) -> Self {
        let mut random = Random(7);
        let centres = (0..CENTRES * LATENT).map(|_| random.real()).collect();
        let directions = (0..LATENT * dimensions).map(|_| random.real()).collect();
        Self { random, centres, directions, dimensions }
    }

    fn next(&mut self) -> (Vec<f32>, f32) {
        let centre = self.random.next() as usize % CENTRES * LATENT;
        let latent: Vec<f32> =
            (0..LATENT).map(|axis| self.centres[centre + axis] + 0.6 * self.random.real()).collect();
        let mut vector = vec![0.0; self.dimensions];
        for (row, x) in self.directions.chunks_exact(self.dimensions).zip(&latent) {
            vector.iter_mut().zip(row).for_each(|(sum, direction)| *sum += x * direction);
        }
        vector.iter_mut().for_each(|x| *x += 0.3 * self.random.real());
        (vector, latent[0])
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().unwrap_or("100000".to_owned());
    let folder = first.parse::<usize>().is_err().then(|| first.clone());
    let mut rows: usize = first.parse().unwrap_or_default();
    let dimensions: usize = arguments.next().map_or(Ok(384), |text| text.parse())?;
    let only = arguments.next();
    let mut source = Source::new(dimensions);
    let (mut vectors, mut places, mut queries) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(folder) = folder {
        vectors = read(&format!("{folder}/rows.f32"))?;
        rows = (vectors.len() / dimensions).min(MOST_ROWS);
        vectors.truncate(rows * dimensions);
        places.extend(vectors.chunks_exact(dimensions).map(|row| row[0]));
        let read = read(&format!("{folder}/queries.f32"))?;
        queries.extend(read.chunks_exact(dimensions).map(|query| (query.to_vec(), query[0])));
    } else {
        for _ in 0..rows {
            let (vector, place) = source.next();
            vectors.extend_from_slice(&vector);
            places.push(place);
        }
        queries.extend((0..20 * QUERIES).map(|_| source.next()));
    }
    let mut by_place: Vec<usize> = (0..rows).collect();
    by_place.sort_by(|&a, &b| places[b].total_cmp(&places[a]));
    let mut place_of = vec![0; rows];
    by_place.iter().enumerate().for_each(|(place, &row)| place_of[row] = place);
    let documents: Vec<Value> = (0..rows)
        .map(|row| {
            let chance = source.random.next() as usize % rows;
            json!([row.to_string(), { "chance": chance, "place": place_of[row], "tag": format!("t{}", row % 97) }])
        })
        .collect();
    let documents = serde_json::to_string(&documents)?;
    queries.sort_by(|a, b| b.1.total_cmp(&a.1));
    let some: Vec<&[f32]> =
        queries.iter().step_by(queries.len() / QUERIES).map(|query| query.0.as_slice()).collect();
    let near: Vec<&[f32]> = queries[..QUERIES].iter().map(|query| query.0.as_slice()).collect();
    let far: Vec<&[f32]> =
        queries[queries.len() - QUERIES..].iter().map(|query| query.0.as_slice()).collect();

    for (index, mut database) in shared::databases(dimensions, only.as_deref())? {
        let begin = Instant::now();
        database.insert(&documents, &vectors)?;
        println!("{index:?}: {rows} x {dimensions} built in {:.1} s", begin.elapsed().as_secs_f64());
        let begin = Instant::now();
        database.count(r#"{"chance":0,"place":0}"#)?;
        let columns = begin.elapsed().as_secs_f64() * 1e3;
        let bytes = database.stats().memory.columns;
        println!("two columns in {columns:.0} ms, {:.1} bytes a row", bytes as f64 / rows as f64);
        println!(
            "| queries | matches | recall@{K} | us | x | us, new filter | x |\n|---|---|---|---|---|---|---|"
        );
        for (name, field, queries) in
            [("any", "chance", &some), ("near", "place", &near), ("far", "place", &far)]
        {
            let mut unfiltered = f64::NAN;
            for part in SELECTIVITIES {
                let limit = ((rows as f64 * part) as usize).max(1);
                let filter = (part < 1.0).then(|| json!({ field: { "$lt": limit } }));
                let params = SearchParams { k: K, filter: filter.clone(), ..SearchParams::default() };
                let (recall, micros) = measure(&database, queries, &params)?;
                if part >= 1.0 {
                    unfiltered = micros;
                }
                let fresh = if part < 1.0 { fresh(&database, queries, field, limit)? } else { micros };
                let times = micros / unfiltered;
                println!(
                    "| {name} | {:.2} % | {recall:.3} | {micros:.0} | {times:.2} | {fresh:.0} | {:.2} |",
                    part * 100.0,
                    fresh / unfiltered
                );
            }
        }
    }
    Ok(())
}

fn read(path: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.chunks_exact(4).map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]])).collect())
}

/// Recall against a comparison with every match, and microseconds per search.
fn measure(
    database: &Database,
    queries: &[&[f32]],
    params: &SearchParams,
) -> Result<(f64, f64), Box<dyn Error>> {
    let exact = SearchParams { exact: true, ..params.clone() };
    let (mut found, mut wanted) = (0, 0);
    for query in queries {
        let truth = database.search(query, &exact)?;
        let truth: Vec<&str> = truth.ids().collect();
        let hits = database.search(query, params)?;
        assert_eq!(hits.len(), truth.len(), "k rows come back whenever k rows match");
        wanted += truth.len();
        found += hits.ids().filter(|id| truth.contains(id)).count();
    }
    let mut least = f64::INFINITY;
    for _ in 0..PASSES {
        let begin = Instant::now();
        for query in queries {
            database.search(query, params)?;
        }
        least = least.min(begin.elapsed().as_secs_f64() * 1e6 / queries.len() as f64);
    }
    Ok((found as f64 / wanted as f64, least))
}

/// Microseconds per search if no filter comes twice.
fn fresh(database: &Database, queries: &[&[f32]], field: &str, limit: usize) -> Result<f64, Box<dyn Error>> {
    let params = |tag: usize| SearchParams {
        k: K,
        filter: Some(json!({ field: { "$lt": limit }, "tag": { "$ne": format!("no {tag}") } })),
        ..SearchParams::default()
    };
    let params: Vec<SearchParams> = (0..queries.len()).map(params).collect();
    database.search(queries[0], &params[0])?;
    let mut least = f64::INFINITY;
    for _ in 0..PASSES {
        let begin = Instant::now();
        for (query, params) in queries.iter().zip(&params) {
            database.search(query, params)?;
        }
        least = least.min(begin.elapsed().as_secs_f64() * 1e6 / queries.len() as f64);
    }
    Ok(least)
}
