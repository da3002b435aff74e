//! Files made by somebody who knows the checksums: they are refused, or they behave like any other file.
//!
//! A valid file is taken apart, bytes of its sections are changed, and it is put together again with right checksums,
//! so that what is tested is the reader's own checks and not the hashes.

mod support;

use std::collections::BTreeSet;

use annywhere::{Config, Database, FilterLimits, HnswConfig, Metric, Quantization, SearchParams};
use serde_json::json;
use support::segment::{Sections, put_together, take_apart};
use support::{Random, config, filled, ids_json};

const FORGERIES: usize = 10_000;
const DIMENSIONS: usize = 5;
/// Kinds of sections that hold 4-byte numbers: lengths, vectors, twins, centres, cells, codebooks, columns, words per row.
const NUMBERS: [u32; 11] = [3, 5, 7, 11, 13, 14, 15, 19, 20, 24, 32];
/// Conditions on every kind of value that the files with columns have.
const CONDITIONS: [&str; 9] = [
    r#"{"n":{"$gte":3}}"#,
    r#"{"n":{"$lt":2.5}}"#,
    r#"{"n":{"$in":[1,4,"t",null]}}"#,
    r#"{"tag":"é2"}"#,
    r#"{"tag":{"$startsWith":"é"}}"#,
    r#"{"tag":{"$contains":"1"}}"#,
    r#"{"of.flag":true}"#,
    r#"{"of.flag":null}"#,
    r#"{"other":{"$exists":true}}"#,
];

/// A file with everything in it: free and dead slots, twins, upper layers, metadata.
fn original(quantization: Quantization, metric: Metric, m: usize) -> (Config, Sections) {
    let hnsw_config = HnswConfig { m: Some(m), ef_construction: Some(10), ef_search: Some(5) };
    let config = Config {
        quantization: Some(quantization),
        hnsw_config: Some(hnsw_config),
        ..config(DIMENSIONS, metric)
    };
    let mut random = Random(3);
    let vectors: Vec<Vec<f32>> =
        (0..200).map(|_| (0..DIMENSIONS).map(|_| random.below(3) as f32 - 0.9).collect()).collect();
    let mut database = filled(&config, &vectors);
    let doomed: Vec<String> = (0..70).map(|id| (id * 2).to_string()).collect();
    database.delete(&doomed.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    database.insert(r#"[["7",{"t":"größer"}],["n",{"a":[1,2]}]]"#, &[0.5; 2 * DIMENSIONS]).unwrap();
    database.delete(&["3", "11"]).unwrap();
    let file = database.to_bytes().unwrap();
    let sections = take_apart(&file);
    assert_eq!(put_together(&sections), file, "the parts make the same file again");
    (config, sections)
}

/// A file of a scan with coded rows, dead slots and a tail, or of a graph with codes of few bits.
fn coded(quantization: Quantization, metric: Metric, hnsw_config: Option<HnswConfig>) -> (Config, Sections) {
    let config = Config { quantization: Some(quantization), hnsw_config, ..config(DIMENSIONS, metric) };
    let mut random = Random(5);
    let mut vectors = |count: usize| -> Vec<Vec<f32>> {
        (0..count).map(|_| (0..DIMENSIONS).map(|_| random.below(5) as f32 - 1.9).collect()).collect()
    };
    let mut database = filled(&config, &vectors(1_030));
    let more: Vec<String> = (0..20).map(|row| format!("t{row}")).collect();
    database.insert(&ids_json(more.iter().map(String::as_str)), &vectors(20).concat()).unwrap();
    database.delete(&["0", "9", "t3"]).unwrap();
    let file = database.to_bytes().unwrap();
    let sections = take_apart(&file);
    assert_eq!(put_together(&sections), file, "the parts make the same file again");
    (config, sections)
}

/// A file of rows with words: frequent and rare ones, repeated ones, rows without any, removed rows.
fn worded() -> (Config, Sections) {
    let fields = vec!["t".to_owned()];
    let config = Config { text_fields: Some(fields), ..support::graph(DIMENSIONS, Metric::Euclidean) };
    let mut random = Random(7);
    let mut database = Database::new(&config).unwrap();
    for id in 0..200 {
        let words: Vec<String> = (0..id % 5).map(|_| format!("w{}", random.below(40))).collect();
        let row = format!(r#"[["{id}",{{"t":"{} often often é{id}"}}]]"#, words.join(" "));
        let row = if id % 7 == 0 { format!(r#"[["{id}",null]]"#) } else { row };
        database.insert(&row, &[random.real(), 1.0, 0.0, 0.5, random.real()]).unwrap();
    }
    database.delete(&["3", "11", "150"]).unwrap();
    let file = database.to_bytes().unwrap();
    let sections = take_apart(&file);
    assert_eq!(put_together(&sections), file, "the parts make the same file again");
    (config, sections)
}

/// A file with columns of numbers, texts, marks and lists of them.
fn columned(index: Option<HnswConfig>) -> (Config, Sections) {
    let limits = Some(FilterLimits::default());
    let config =
        Config { hnsw_config: index, filter_limits: limits, ..config(DIMENSIONS, Metric::Euclidean) };
    let mut random = Random(8);
    let mut database = Database::new(&config).unwrap();
    let rows: Vec<_> = (0..160)
        .map(|row| {
            let numbers: Vec<f64> = (0..random.below(4)).map(|_| random.below(12) as f64 / 2.0).collect();
            let flag = [json!(true), json!(false), json!(null), json!({})][random.below(4)].clone();
            let tag = format!("é{}", random.below(20));
            json!([row.to_string(), { "n": numbers, "tag": tag, "of": { "flag": flag } }])
        })
        .collect();
    let vectors: Vec<f32> = (0..160 * DIMENSIONS).map(|_| random.below(5) as f32 - 1.9).collect();
    database.insert(&json!(rows).to_string(), &vectors).unwrap();
    database.delete(&["0", "9", "77"]).unwrap();
    for condition in CONDITIONS {
        database.count(condition).unwrap();
    }
    let file = database.to_bytes().unwrap();
    let sections = take_apart(&file);
    assert!(sections.iter().any(|(kind, bytes)| *kind == 24 && bytes.len() > 1_000), "there are columns");
    assert_eq!(put_together(&sections), file, "the parts make the same file again");
    (config, sections)
}

fn forge(sections: &mut Sections, random: &mut Random) {
    forge_section(random.below(sections.len()), sections, random);
}

fn forge_section(section: usize, sections: &mut Sections, random: &mut Random) {
    let slots = sections[1].1.len();
    let (kind, bytes) = &mut sections[section];
    if bytes.len() < 4 {
        return;
    }
    match (*kind, random.below(6)) {
        // The beginning of searches, in the JSON of the state.
        (1, choice) => {
            let text = String::from_utf8(bytes.clone()).unwrap();
            if !text.contains("\"entry\":") {
                // A scan says other numbers in its place.
                let digits: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at].is_ascii_digit()).collect();
                bytes[digits[random.below(digits.len())]] = b'0' + random.below(10) as u8;
                return;
            }
            let start = text.find("\"entry\":").unwrap() + 8;
            let end = start + text[start..].find([',', '}']).unwrap();
            let entry = if choice == 0 { "null".to_owned() } else { random.below(slots + 2).to_string() };
            *bytes = [&text[..start], &entry, &text[end..]].concat().into_bytes();
        }
        (2, _) => bytes[random.below(slots)] = random.below(4) as u8,
        (_, 0) => bytes.truncate(random.below(bytes.len())),
        (kind, 1) if NUMBERS.contains(&kind) => {
            for number in bytes.chunks_exact_mut(4) {
                if random.below(4) == 0 {
                    number.copy_from_slice(&(random.below(slots) as u32).to_le_bytes());
                }
            }
        }
        // One more or less: another value, text, slot or count that is still possible.
        (24, 2..) => {
            let at = random.below(bytes.len());
            bytes[at] =
                if random.below(2) == 0 { bytes[at].wrapping_add(1) } else { bytes[at].wrapping_sub(1) };
        }
        (11, 2) => {
            let pair = random.below(slots) as u64 | (random.below(slots) as u64) << 32;
            bytes.extend(pair.to_le_bytes());
        }
        (kind, 2..=4) if NUMBERS.contains(&kind) => {
            let at = random.below(bytes.len() / 4) * 4;
            bytes[at..at + 4].copy_from_slice(&(random.below(slots) as u32).to_le_bytes());
        }
        _ => {
            let at = random.below(bytes.len());
            bytes[at] = random.next() as u8;
        }
    }
}

/// Searches, inserts, deletes and writes; panics on anything that no honest file shows. False if the file is refused.
fn behaves(file: &[u8], config: &Config, random: &mut Random) -> bool {
    let Ok(mut database) = Database::read(&file, config) else { return false };
    for round in 0..3 {
        for (k, exact) in [(1, false), (10, false), (1_000, false), (10, true)] {
            let query: Vec<f32> = (0..DIMENSIONS).map(|_| random.real()).collect();
            let hits =
                database.search(&query, &SearchParams { k, exact, ..SearchParams::default() }).unwrap();
            assert_eq!(hits.len(), k.min(database.len()));
            assert_eq!(hits.ids().collect::<BTreeSet<_>>().len(), hits.len(), "no row comes back twice");
            assert!(hits.scores().iter().all(|score| !score.is_nan()));
            serde_json::from_str::<serde_json::Value>(&hits.rows_json()).unwrap();
        }
        if config.text_fields.is_some() {
            for text in ["often", "w1 w2 w3 é9", "rare"] {
                let params =
                    SearchParams { k: 1_000, text: Some(text.to_owned()), ..SearchParams::default() };
                let hits = database.search(&[], &params).unwrap();
                assert_eq!(hits.ids().collect::<BTreeSet<_>>().len(), hits.len(), "no row comes back twice");
                assert!(hits.scores().iter().all(|&score| score > 0.0));
            }
        }
        if config.filter_limits.is_some() {
            filters_agree(&database, random);
        }
        let names: Vec<String> = (0..40).map(|row| format!("{round}-{row}")).collect();
        let vectors: Vec<f32> = (0..40 * DIMENSIONS).map(|_| random.below(4) as f32 - 1.7).collect();
        database.insert(&ids_json(names.iter().map(String::as_str)), &vectors).unwrap();
        let doomed: Vec<String> = (0..25).map(|_| random.below(200).to_string()).chain(names).collect();
        database.delete(&doomed[..50].iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    }
    let written = database.to_bytes().unwrap();
    Database::read(&written.as_slice(), config).expect("what was written can be read");
    true
}

/// Whatever columns say, what they say is said of rows that exist, by every way of asking.
fn filters_agree(database: &Database, random: &mut Random) {
    for condition in CONDITIONS {
        let filter: serde_json::Value = serde_json::from_str(condition).unwrap();
        let matching = database.ids_matching(condition).unwrap();
        let unique: BTreeSet<&str> = matching.iter().map(String::as_str).collect();
        assert_eq!(unique.len(), matching.len(), "no row matches twice");
        assert!(matching.iter().all(|id| database.contains(id)), "only rows match");
        assert_eq!(database.count(condition).unwrap(), matching.len());
        let others = json!({ "$not": filter }).to_string();
        assert_eq!(database.count(&others).unwrap(), database.len() - matching.len());
        let query: Vec<f32> = (0..DIMENSIONS).map(|_| random.real()).collect();
        for k in [1, 1_000] {
            let params = SearchParams { k, filter: Some(filter.clone()), ..SearchParams::default() };
            let hits = database.search(&query, &params).unwrap();
            assert_eq!(hits.len(), k.min(matching.len()));
            assert!(hits.ids().all(|id| unique.contains(id)), "what is found is what matches");
        }
    }
}

#[test]
fn forged_files_are_refused_or_behave() {
    let few_links = HnswConfig { m: Some(3), ef_construction: Some(10), ef_search: Some(5) };
    let originals = [
        original(Quantization::None, Metric::Euclidean, 4),
        original(Quantization::Scalar, Metric::Cosine, 2),
        original(Quantization::Scalar, Metric::Dot, 3),
        original(Quantization::Scalar, Metric::Euclidean, 16),
        coded(Quantization::Rabitq { bits: Some(4) }, Metric::Euclidean, None),
        coded(Quantization::Rabitq { bits: Some(1) }, Metric::Cosine, None),
        coded(Quantization::Product { subspaces: Some(4), k: None }, Metric::Dot, None),
        coded(Quantization::Rabitq { bits: Some(2) }, Metric::Euclidean, Some(few_links)),
        coded(Quantization::Product { subspaces: Some(3), k: None }, Metric::Cosine, Some(few_links)),
    ];
    try_forgeries(&originals, FORGERIES);
}

#[test]
fn forged_words_are_refused_or_behave() {
    try_forgeries(&[worded()], FORGERIES / 4);
}

#[test]
fn forged_columns_are_refused_or_behave() {
    let graph = HnswConfig { m: Some(3), ef_construction: Some(10), ef_search: Some(5) };
    let originals = [columned(None), columned(Some(graph))].map(|(config, sections)| {
        // Columns alone are forged: the others are not looked at again.
        let place = sections.iter().position(|(kind, _)| *kind == 24).unwrap();
        (config, sections, place)
    });
    let mut accepted = 0;
    const COUNT: usize = FORGERIES / 4;
    for seed in 0..COUNT as u64 {
        let mut random = Random(seed);
        let (config, sections, place) = &originals[random.below(originals.len())];
        let mut forged = sections.clone();
        for _ in 0..1 + random.below(2) {
            forge_section(*place, &mut forged, &mut random);
        }
        println!("seed {seed}");
        accepted += usize::from(behaves(&put_together(&forged), config, &mut random));
    }
    println!("{accepted} of {COUNT} forgeries were accepted and behaved");
    assert!(accepted > COUNT / 50 && accepted < COUNT / 2, "{accepted}: the forgeries test nothing");
}

fn try_forgeries(originals: &[(Config, Sections)], count: usize) {
    let mut accepted = 0;
    for seed in 0..count as u64 {
        let mut random = Random(seed);
        let (config, sections) = &originals[random.below(originals.len())];
        let mut forged = sections.clone();
        for _ in 0..1 + random.below(4) {
            forge(&mut forged, &mut random);
        }
        println!("seed {seed}");
        accepted += usize::from(behaves(&put_together(&forged), config, &mut random));
    }
    println!("{accepted} of {count} forgeries were accepted and behaved");
    assert!(accepted > count / 50 && accepted < count / 2, "{accepted}: the forgeries test nothing");
}
