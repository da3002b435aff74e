//! Answers that are more than the nearest rows, against what their definitions say: fusion, diversity, groups.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use annywhere::{Config, Database, Error, Hits, Index, Metric, Parts, SearchParams, Source};
use support::Random;

const DIMENSIONS: usize = 8;
/// Enough that a scan codes them.
const ROWS: usize = 1_500;
const METRICS: [Metric; 4] = [Metric::Cosine, Metric::Euclidean, Metric::Dot, Metric::Manhattan];

/// Rows with a vector, a few words, a colour (a tenth has none), several tags and a number.
fn filled(metric: Metric, index: Index) -> Database {
    let text_fields = Some(vec!["text".to_owned()]);
    let mut database =
        Database::new(&Config { text_fields, index: Some(index), ..support::config(DIMENSIONS, metric) })
            .unwrap();
    let mut random = Random(11);
    let mut rows = Vec::new();
    let mut vectors = Vec::new();
    for id in 0..ROWS {
        let words: Vec<String> = (0..random.below(8)).map(|_| format!("w{}", random.below(200))).collect();
        let colour = match random.below(10) {
            0 => String::new(),
            colour => format!(r#","colour":"c{}""#, colour.min(6)),
        };
        let tags: Vec<String> = (0..random.below(4)).map(|_| format!(r#""t{}""#, random.below(9))).collect();
        let text = words.join(" ");
        rows.push(format!(
            r#"["{id}",{{"text":"{text}","tags":[{}],"n":{}{colour}}}]"#,
            tags.join(","),
            id % 5
        ));
        vectors.extend(random.clustered(DIMENSIONS, 0.3));
    }
    database.insert(&format!("[{}]", rows.join(",")), &vectors).unwrap();
    database.delete(&["5", "7", "900"]).unwrap();
    database
}

fn query(seed: u64) -> Vec<f32> {
    Random(seed).clustered(DIMENSIONS, 0.3)
}

fn params(k: usize) -> SearchParams {
    SearchParams { k, exact: true, ..SearchParams::default() }
}

fn ids(hits: &Hits<'_>) -> Vec<String> {
    hits.ids().map(str::to_owned).collect()
}

/// Rank from 1 and score of every row of a list.
fn ranked(hits: &Hits<'_>) -> BTreeMap<String, (u32, f32)> {
    let scores = hits.scores().iter().copied();
    hits.ids().map(str::to_owned).zip((1..).zip(scores)).collect()
}

fn worded(database: &Database, text: &str, k: usize) -> BTreeMap<String, (u32, f32)> {
    let params = SearchParams { k, text: Some(text.to_owned()), ..SearchParams::default() };
    ranked(&database.search(&[], &params).unwrap())
}

#[test]
fn fused_scores_are_those_of_the_two_lists() {
    for (metric, index) in METRICS.into_iter().zip([Index::Scan, Index::Hnsw, Index::Scan, Index::Scan]) {
        let database = filled(metric, index);
        for (seed, text) in
            [(1, "w1 w2 w3"), (2, "w7"), (3, "unknown"), (4, "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12")]
        {
            let query = query(seed);
            for k in [1, 10, 60] {
                let window = (4 * k).max(100);
                let all = ranked(&database.search(&query, &params(ROWS)).unwrap());
                let near = ranked(&database.search(&query, &params(window)).unwrap());
                let every_word = worded(&database, text, ROWS);
                let words = worded(&database, text, window);
                let lowest = near.values().map(|&(_, score)| score).fold(f32::INFINITY, f32::min);
                let best = near.values().map(|&(_, score)| score).fold(f32::NEG_INFINITY, f32::max);
                let most = words.values().map(|&(_, score)| score).fold(0.0, f32::max);
                for (rrf_k, alpha) in
                    [(None, None), (Some(1), None), (None, Some(0.0)), (None, Some(0.3)), (None, Some(1.0))]
                {
                    let wanted = SearchParams { text: Some(text.to_owned()), rrf_k, alpha, ..params(k) };
                    let hits = database.search(&query, &wanted).unwrap();
                    let score = |parts: &Parts| match alpha {
                        None => {
                            let part = |rank: u32| match rank {
                                0 => 0.0,
                                rank => 1.0 / f64::from(rrf_k.unwrap_or(60) + rank),
                            };
                            part(parts.vector_rank) + part(parts.text_rank)
                        }
                        Some(alpha) => {
                            let vector = ((parts.vector_score - lowest) / (best - lowest)).clamp(0.0, 1.0);
                            let text = if most > 0.0 { parts.text_score / most } else { 0.0 };
                            f64::from(alpha) * f64::from(vector) + f64::from(1.0 - alpha) * f64::from(text)
                        }
                    };
                    assert_eq!(hits.len(), k, "every row has a vector, so k rows match");
                    let mut expected: Vec<f64> = near
                        .keys()
                        .chain(words.keys().filter(|id| !near.contains_key(*id)))
                        .map(|id| score(&parts_of(id, &all, &near, &every_word, &words)))
                        .collect();
                    expected.sort_by(|a, b| b.total_cmp(a));
                    for (at, id) in ids(&hits).iter().enumerate() {
                        let parts = parts_of(id, &all, &near, &every_word, &words);
                        assert_eq!(hits.parts()[at], parts, "{id}");
                        let found = f64::from(hits.scores()[at]);
                        assert!((found - score(&parts)).abs() < 1e-5, "{id}: {found} for {parts:?}");
                        assert!(
                            (found - expected[at]).abs() < 1e-5,
                            "{id}: {found}, {} is better",
                            expected[at]
                        );
                    }
                }
            }
        }
    }
}

type Ranked = BTreeMap<String, (u32, f32)>;

fn parts_of(id: &str, all: &Ranked, near: &Ranked, every_word: &Ranked, words: &Ranked) -> Parts {
    Parts {
        vector_score: all[id].1,
        vector_rank: near.get(id).map_or(0, |&(rank, _)| rank),
        text_score: every_word.get(id).map_or(0.0, |&(_, score)| score),
        text_rank: words.get(id).map_or(0, |&(rank, _)| rank),
    }
}

/// The values of a field in the metadata.
fn values(database: &Database, id: &str, field: &str) -> BTreeSet<String> {
    let metadata: serde_json::Value =
        serde_json::from_str(&database.get(id).unwrap().unwrap().metadata).unwrap();
    match &metadata[field] {
        serde_json::Value::Null => BTreeSet::new(),
        serde_json::Value::Array(values) => values.iter().map(ToString::to_string).collect(),
        value => [value.to_string()].into(),
    }
}

#[test]
fn each_diverse_hit_has_the_largest_margin() {
    for metric in METRICS {
        let database = filled(metric, Index::Scan);
        for (lambda, by) in [(0.0, None), (0.5, Some("vector")), (0.7, Some("tags")), (0.2, Some("colour"))] {
            let (query, k) = (query(20), 30);
            let window = database.search(&query, &params(4 * k)).unwrap();
            let (first, last) = (window.scores()[0], *window.scores().last().unwrap());
            let relevance: BTreeMap<String, f64> = ids(&window)
                .into_iter()
                .zip(window.scores())
                .map(|(id, &score)| (id, f64::from((score - last) / (first - last))))
                .collect();
            let alike = |a: &str, b: &str| match by {
                None | Some("vector") => {
                    let vector = |id| database.get(id).unwrap().unwrap().vector.into_owned();
                    let as_scored = if metric == Metric::Dot { Metric::Cosine } else { metric };
                    support::Model::score(as_scored, &vector(a), &vector(b))
                }
                Some(field) => {
                    let (a, b) = (values(&database, a, field), values(&database, b, field));
                    a.intersection(&b).count() as f64 / a.union(&b).count().max(1) as f64
                }
            };
            let wanted =
                SearchParams { lambda: Some(lambda), diversify_by: by.map(str::to_owned), ..params(k) };
            let hits = ids(&database.search(&query, &wanted).unwrap());
            assert_eq!(hits.iter().collect::<BTreeSet<_>>().len(), k, "k different rows");
            let lambda = f64::from(lambda);
            let margin = |id: &str, taken: &[String]| {
                let likeness = taken.iter().map(|other| alike(id, other)).reduce(f64::max).unwrap_or(0.0);
                lambda * relevance[id] - (1.0 - lambda) * likeness
            };
            for at in 0..k {
                let taken = &hits[..at];
                let best = relevance.keys().filter(|id| !taken.contains(id)).map(|id| margin(id, taken));
                let best = best.reduce(f64::max).unwrap();
                assert!(margin(&hits[at], taken) > best - 1e-5, "hit {at} of {metric:?} by {by:?}");
            }
        }
        let plain = ids(&database.search(&query(21), &params(10)).unwrap());
        let wanted = SearchParams { lambda: Some(1.0), ..params(10) };
        assert_eq!(ids(&database.search(&query(21), &wanted).unwrap()), plain, "lambda 1 is nearness alone");
    }
}

#[test]
fn groups_are_filled_from_the_nearest_rows_and_never_overfilled() {
    for (index, exact) in [(Index::Scan, true), (Index::Scan, false), (Index::Hnsw, false)] {
        let database = filled(Metric::Cosine, index);
        for (field, size, k) in
            [("colour", 1, 5), ("colour", 3, 300), ("tags", 2, 40), ("n", 100, 1_000), ("none", 1, 20)]
        {
            for (seed, lambda) in [(30, None), (31, None), (32, Some(0.5))] {
                let (query, base) = (query(seed), SearchParams { exact, ..params(k) });
                let wanted = SearchParams {
                    group_by: Some(field.to_owned()),
                    group_size: Some(size),
                    lambda: lambda.filter(|_| k <= 300),
                    ..base
                };
                let hits = database.search(&query, &wanted).unwrap();
                let found = ids(&hits);
                // What is taken when all rows are gone through from the nearest on.
                let mut filled: BTreeMap<String, usize> = BTreeMap::new();
                let mut expected = Vec::new();
                for id in ids(&database.search(&query, &params(ROWS)).unwrap()) {
                    let values = values(&database, &id, field);
                    if values.iter().all(|value| filled.get(value).copied().unwrap_or(0) < size) {
                        values.iter().for_each(|value| *filled.entry(value.clone()).or_default() += 1);
                        expected.push(id);
                    }
                }
                expected.truncate(k);
                if exact && wanted.lambda.is_none() {
                    assert_eq!(found, expected, "{field} {size} {k}");
                } else if field != "tags" {
                    assert_eq!(found.len(), expected.len(), "as many as there are: {field} {size} {k}");
                }
                let mut held: BTreeMap<String, usize> = BTreeMap::new();
                for id in &found {
                    values(&database, id, field)
                        .into_iter()
                        .for_each(|value| *held.entry(value).or_default() += 1);
                }
                assert!(held.values().all(|&count| count <= size), "{field} {size}: {held:?}");
            }
        }
    }
}

#[test]
fn a_threshold_counts_before_rows_are_chosen() {
    let database = filled(Metric::Cosine, Index::Scan);
    let all = database.search(&query(40), &params(200)).unwrap();
    let threshold = all.scores()[150];
    for wishes in [
        SearchParams { lambda: Some(0.3), ..params(300) },
        SearchParams { group_by: Some("n".to_owned()), group_size: Some(1_000), ..params(300) },
    ] {
        let hits =
            database.search(&query(40), &SearchParams { threshold: Some(threshold), ..wishes }).unwrap();
        assert!(hits.scores().iter().all(|&score| score >= threshold));
        assert_eq!(hits.len(), all.scores().iter().filter(|&&score| score >= threshold).count());
    }
}

#[test]
fn wishes_that_make_no_sense_are_refused() {
    let database = filled(Metric::Cosine, Index::Scan);
    let text = Some("w1".to_owned());
    let field = Some("n".to_owned());
    let good = query(50);
    for (query, wishes) in [
        (&good[..], SearchParams { alpha: Some(0.5), ..params(3) }),
        (&[], SearchParams { alpha: Some(0.5), exact: false, text: text.clone(), ..params(3) }),
        (&[], SearchParams { text: text.clone(), ..params(3) }),
        (&good, SearchParams { alpha: Some(1.5), text: text.clone(), ..params(3) }),
        (&good, SearchParams { alpha: Some(0.5), rrf_k: Some(60), text, ..params(3) }),
        (&good, SearchParams { lambda: Some(-0.1), ..params(3) }),
        (&good, SearchParams { lambda: Some(f32::NAN), ..params(3) }),
        (&good, SearchParams { lambda: Some(0.5), ..params(1_001) }),
        (&good, SearchParams { diversify_by: field.clone(), ..params(3) }),
        (&good, SearchParams { group_by: field.clone(), ..params(3) }),
        (&good, SearchParams { group_by: field, group_size: Some(0), ..params(3) }),
        (&good, SearchParams { group_size: Some(2), ..params(3) }),
    ] {
        assert_eq!(database.search(query, &wishes).unwrap_err().code(), "InvalidArgument", "{wishes:?}");
    }
}

/// Whatever is asked, a filter decides which rows may be hits, and as many come back as match.
#[test]
fn filters_hold_for_words_fused_lists_and_groups() {
    for index in [Index::Scan, Index::Hnsw] {
        let database = filled(Metric::Cosine, index);
        let text = Some("w1 w2 w3 w4 w5 w6".to_owned());
        let holding = worded(&database, "w1 w2 w3 w4 w5 w6", ROWS);
        for (filter, most) in [
            (serde_json::json!({ "n": 3 }), ROWS),
            (serde_json::json!({ "tags": { "$all": ["t1", "t2"] } }), ROWS),
            (serde_json::json!({ "colour": "c3", "n": 1 }), ROWS),
            (serde_json::json!({ "colour": "none" }), 0),
        ] {
            let filter = Some(filter);
            let base = SearchParams { filter, exact: false, ..params(ROWS) };
            let matching = ids(&database.search(&query(60), &base).unwrap());
            assert!(matching.len() <= most && (most == 0 || !matching.is_empty()));
            for k in [3, 25, ROWS] {
                let base = SearchParams { k, ..base.clone() };
                let with_text = SearchParams { text: text.clone(), ..base.clone() };
                let words = ids(&database.search(&[], &with_text).unwrap());
                let mut expected: Vec<&String> =
                    matching.iter().filter(|id| holding.contains_key(*id)).collect();
                expected.sort_by_key(|id| holding[*id].0);
                expected.truncate(k);
                assert_eq!(words.iter().collect::<Vec<_>>(), expected, "in the order of all rows");
                let grouped = SearchParams { group_by: Some("id".to_owned()), group_size: Some(1), ..base };
                for wishes in [with_text.clone(), SearchParams { alpha: Some(0.5), ..with_text }, grouped] {
                    let found = ids(&database.search(&query(61), &wishes).unwrap());
                    assert_eq!(found.len(), k.min(matching.len()), "{wishes:?}");
                    assert!(found.iter().all(|id| matching.contains(id)), "{wishes:?}");
                }
            }
        }
    }
}

/// A file in memory.
struct File(Vec<u8>);

impl Source for File {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        self.0.as_slice().read_at(offset, buffer)
    }
}

#[test]
fn a_file_that_is_only_read_answers_as_memory_does() {
    for (metric, index) in [(Metric::Dot, Index::Scan), (Metric::Cosine, Index::Hnsw)] {
        let database = filled(metric, index);
        let file = Arc::new(File(database.to_bytes().unwrap()));
        let opened = Database::open(file, &support::config(DIMENSIONS, metric)).unwrap();
        let text = Some("w1 w2 w3".to_owned());
        for wishes in [
            SearchParams { text: text.clone(), ..params(10) },
            SearchParams { text, alpha: Some(0.4), lambda: Some(0.5), ..params(10) },
            SearchParams { lambda: Some(0.5), diversify_by: Some("tags".to_owned()), ..params(10) },
            SearchParams { group_by: Some("colour".to_owned()), group_size: Some(2), ..params(10) },
        ] {
            let [expected, found] =
                [&database, &opened].map(|database| database.search(&query(70), &wishes).unwrap());
            assert_eq!(found.rows_json(), expected.rows_json(), "{wishes:?}");
            assert_eq!(found.scores(), expected.scores());
        }
    }
}
