//! Searches that end when their budget is used up, and say so.

mod support;

use annywhere::{Config, Index, Metric, Quantization, SearchParams};
use serde_json::json;
use support::{Random, config, filled, ids};

const DIMENSIONS: usize = 32;
const ROWS: usize = 12_000;

fn vectors(count: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut random = Random(seed);
    (0..count).map(|_| random.clustered(DIMENSIONS, 0.9)).collect()
}

#[test]
fn a_budget_limits_the_work_on_every_index_and_what_is_found_says_whether_it_was_enough() {
    let queries = vectors(20, 2);
    for (index, quantization) in [
        (Index::Scan, Quantization::Rabitq { bits: Some(2) }),
        (Index::Scan, Quantization::None),
        (Index::Hnsw, Quantization::Scalar),
        (Index::Hnsw, Quantization::Rabitq { bits: Some(1) }),
    ] {
        let kind = format!("{index:?} {quantization:?}");
        let config = Config {
            index: Some(index),
            quantization: Some(quantization),
            ..config(DIMENSIONS, Metric::Cosine)
        };
        let database = filled(&config, &vectors(ROWS, 1));
        for query in &queries {
            let plain = ids(&database, query, &SearchParams::default());
            let within = |budget| SearchParams { budget: Some(budget), ..SearchParams::default() };
            let ample = database.search(query, &within(1_000_000)).unwrap();
            assert_eq!(ample.is_complete(), Some(true), "{kind}");
            assert_eq!(ample.ids().collect::<Vec<_>>(), plain, "{kind}: an ample budget changes nothing");
            assert!(ample.rows_json().ends_with(",true]"));
            drop(ample);
            let scarce = database.search(query, &within(30)).unwrap();
            assert_eq!(scarce.is_complete(), Some(false), "{kind}");
            assert!(scarce.rows_json().ends_with("false]"));
            drop(scarce);
            let work = |params| {
                let explained = database.explain(query, params, &|| 0.0).unwrap();
                let estimated = if index == Index::Scan { explained.visited / 32 } else { 0 };
                explained.distances + estimated
            };
            let (all, some) = (work(&SearchParams::default()), work(&within(30)));
            assert!(some < all, "{kind}: {some} of {all}");
            // Nothing of a budget is left for the next search.
            assert_eq!(ids(&database, query, &SearchParams::default()), plain, "{kind}");
            assert_eq!(database.search(query, &SearchParams::default()).unwrap().is_complete(), None);
        }
    }
}

#[test]
fn a_larger_budget_finds_more() {
    let database =
        filled(&Config { index: Some(Index::Hnsw), ..config(DIMENSIONS, Metric::Cosine) }, &vectors(ROWS, 1));
    let queries = vectors(50, 2);
    let found = |budget| {
        let params = SearchParams { budget: Some(budget), ..SearchParams::default() };
        let exact = SearchParams { exact: true, ..SearchParams::default() };
        let shared = |query: &Vec<f32>| {
            let truth = ids(&database, query, &exact);
            ids(&database, query, &params).iter().filter(|id| truth.contains(id)).count()
        };
        queries.iter().map(shared).sum::<usize>()
    };
    let (little, more, enough) = (found(150), found(400), found(100_000));
    assert!(little < more && more < enough, "{little} {more} {enough}");
}

#[test]
fn a_budget_that_means_nothing_is_refused() {
    let database = filled(&config(DIMENSIONS, Metric::Cosine), &vectors(10, 1));
    let query = &vectors(1, 2)[0];
    let refused = |params: SearchParams| database.search(query, &params).unwrap_err().to_string();
    let none = SearchParams { budget: Some(0), ..SearchParams::default() };
    assert!(refused(none).contains("budget"));
    let diverse = SearchParams { budget: Some(9), lambda: Some(0.5), ..SearchParams::default() };
    assert!(refused(diverse).contains("budget"));
    let filtered =
        SearchParams { budget: Some(9), filter: Some(json!({ "a": 1 })), ..SearchParams::default() };
    assert_eq!(database.search(query, &filtered).unwrap().is_complete(), Some(true), "nothing is soon found");
}
