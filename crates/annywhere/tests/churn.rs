//! What mass replacement and mass deletion must not do to a graph, and odd data not to its recall.

mod support;

use annywhere::{Config, Database, Metric, Quantization, SearchParams};
use support::{Random, config, filled, graph, ids_json, recall};

fn scattered(count: usize, dimensions: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = Random(seed);
    (0..count).map(|_| (0..dimensions).map(|_| random.real()).collect()).collect()
}

fn names(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|id| id.to_string()).collect()
}

fn insert(database: &mut Database, from: usize, vectors: &[Vec<f32>]) {
    let names = names(from, from + vectors.len());
    database.insert(&ids_json(names.iter().map(String::as_str)), &vectors.concat()).unwrap();
}

fn delete(database: &mut Database, ids: &[String]) {
    database.delete(&ids.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
}

/// Rows that a search for their own vector does not find.
fn lost(database: &Database, vectors: &[Vec<f32>]) -> usize {
    let is_lost = |id: usize| {
        let Some(row) = database.get(&id.to_string()).unwrap() else { return false };
        let hits = database.search(&row.vector, &SearchParams { k: 1, ..SearchParams::default() }).unwrap();
        hits.distances()[0] > 1e-3
    };
    (0..vectors.len()).filter(|&id| is_lost(id)).count()
}

#[test]
fn replacing_every_row_in_one_call_leaves_one_graph() {
    for metric in [Metric::Cosine, Metric::Euclidean] {
        for count in [500, 2_000, 3_000] {
            for config in [graph(20, metric), config(20, metric)] {
                let mut database = filled(&config, &scattered(count, 20, 1));
                insert(&mut database, 0, &scattered(count, 20, 2));
                let found = recall(&database, &scattered(50, 20, 3), 10, None);
                assert!(found > 0.95, "{config:?}, {count} rows: {found}");
                database.compact().unwrap();
                let bytes = database.to_bytes().unwrap().len();
                let fresh = filled(&config, &scattered(count, 20, 2)).to_bytes().unwrap().len();
                assert!(bytes < fresh + fresh / 10, "{bytes} bytes where a fresh file has {fresh}");
            }
        }
    }
}

#[test]
fn rows_inserted_after_all_were_deleted_form_one_graph() {
    for first in [1, 11, 40, 63] {
        for one_by_one in [false, true] {
            let rows = scattered(600, 20, 2);
            let mut database = filled(&graph(20, Metric::Euclidean), &scattered(first, 20, 1));
            delete(&mut database, &names(0, first));
            if one_by_one {
                rows.iter()
                    .enumerate()
                    .for_each(|(id, row)| insert(&mut database, id, std::slice::from_ref(row)));
            } else {
                insert(&mut database, 0, &rows);
            }
            assert_eq!(lost(&database, &rows), 0, "{first} rows before, one by one: {one_by_one}");
        }
    }
}

#[test]
fn rows_on_a_line_stay_connected_whatever_part_is_deleted_at_once() {
    let rows: Vec<Vec<f32>> =
        (0..2_000).map(|row| (1..=20).map(|i| i as f32 * row as f32 / 1_000.0).collect()).collect();
    for quantization in [Quantization::None, Quantization::Scalar] {
        for deleted in [30, 50, 70, 90] {
            let config = Config { quantization: Some(quantization), ..graph(20, Metric::Euclidean) };
            let mut database = filled(&config, &rows);
            let mut random = Random(deleted);
            let doomed: Vec<String> =
                names(0, rows.len()).into_iter().filter(|_| random.below(100) < deleted as usize).collect();
            delete(&mut database, &doomed);
            let lost = lost(&database, &rows);
            assert!(lost * 100 <= database.len(), "{quantization:?}, {deleted} % deleted: {lost} lost");
        }
    }
}

#[test]
fn a_shrunken_database_does_not_gather_dead_rows() {
    let mut database = filled(&graph(20, Metric::Cosine), &scattered(3_000, 20, 1));
    delete(&mut database, &names(0, 2_900));
    for round in 0..4 {
        insert(&mut database, 2_900, &scattered(100, 20, round));
        assert!(database.stats().deleted * 4 <= database.len(), "{:?}", database.stats());
    }
}

#[test]
fn nothing_of_replaced_or_deleted_metadata_stays_in_memory_or_files() {
    // Enough other rows that the replaced one stays in the graph.
    let mut database = filled(&graph(2, Metric::Euclidean), &scattered(40, 2, 1));
    database.insert(r#"[["a",{"secret":"hunter2"}],["b",null]]"#, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    database.insert(r#"[["a",null]]"#, &[1.0, 3.0]).unwrap();
    let holds = |bytes: &[u8]| bytes.windows(7).any(|window| window == b"hunter2");
    assert_eq!(database.stats().deleted, 1);
    assert!(!holds(&database.to_bytes().unwrap()));
    let long = format!(r#"[["b",{{"text":"{}"}}]]"#, "x".repeat(1 << 20));
    for _ in 0..20 {
        database.insert(&long, &[1.0, 2.0]).unwrap();
    }
    database.delete(&["a", "b"]).unwrap();
    assert!(database.stats().memory.metadata < 4 << 20, "{:?}", database.stats().memory);
}

#[test]
fn points_far_from_the_origin_are_told_apart() {
    let mut random = Random(4);
    let mut places = |count: usize| -> Vec<Vec<f32>> {
        (0..count).map(|_| vec![48.1 + 0.1 * random.real(), 11.5 + 0.1 * random.real()]).collect()
    };
    let (rows, queries) = (places(3_000), places(50));
    for config in [graph(2, Metric::Euclidean), config(2, Metric::Euclidean)] {
        let found = recall(&filled(&config, &rows), &queries, 10, None);
        assert!(found > 0.95, "{config:?}: {found}");
    }
}

#[test]
fn vectors_of_any_size_are_found() {
    for metric in [Metric::Cosine, Metric::Euclidean, Metric::Dot] {
        for size in [1e-30, 1e-20, 1e-14, 1.0, 1e15] {
            if metric == Metric::Cosine && size < 1e-14 {
                continue; // refused: no direction
            }
            let sized = |vectors: Vec<Vec<f32>>| -> Vec<Vec<f32>> {
                vectors.into_iter().map(|vector| vector.into_iter().map(|x| x * size).collect()).collect()
            };
            let config = Config { quantization: Some(Quantization::Scalar), ..config(20, metric) };
            let database = filled(&config, &sized(scattered(300, 20, 1)));
            // Distances of the smallest underflow to zero, where every row ties.
            if size > 1e-18 {
                let found = recall(&database, &sized(scattered(20, 20, 2)), 10, Some(60));
                assert!(found > 0.9, "{metric:?} at {size}: {found}");
            }
        }
    }
}
