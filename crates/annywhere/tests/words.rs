//! Searching for words: scores against a plain implementation of BM25, after any operations, and what a file keeps.

mod support;

use std::collections::BTreeMap;

use annywhere::{Config, Database, Index, SearchParams};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use support::{Random, ids_json};

const TITLES: [&str; 8] = [
    "The red fox",
    "Red, red wine",
    "A fox and a hound",
    "The hound of the Baskervilles",
    "Wine and dine",
    "L’été — une saison",
    "東京物語",
    "",
];

fn config(fields: &[&str]) -> Config {
    let fields = fields.iter().map(|&field| field.to_owned()).collect();
    Config { dimensions: 2, text_fields: Some(fields), ..Config::default() }
}

fn insert(database: &mut Database, id: &str, metadata: &str) {
    database.insert(&format!("[[{id:?},{metadata}]]"), &[1.0, 0.5]).unwrap();
}

fn titled() -> Database {
    let mut database = Database::new(&config(&["title"])).unwrap();
    for (id, title) in TITLES.iter().enumerate() {
        insert(&mut database, &id.to_string(), &format!(r#"{{"title":{title:?},"other":"fox"}}"#));
    }
    database
}

fn search(database: &Database, text: &str, k: usize) -> Vec<(String, f32)> {
    let params = SearchParams { k, text: Some(text.to_owned()), ..SearchParams::default() };
    let hits = database.search(&[], &params).unwrap();
    assert!(hits.distances().iter().all(|distance| distance.is_nan()), "words have no distance");
    hits.ids().map(str::to_owned).zip(hits.scores().iter().copied()).collect()
}

/// BM25 as it is written in books, over texts that are already words: every row with a score above zero, best first.
fn reference(texts: &BTreeMap<String, Vec<String>>, query: &[&str]) -> Vec<(String, f64)> {
    let with_words: Vec<(&String, &Vec<String>)> =
        texts.iter().filter(|(_, words)| !words.is_empty()).collect();
    let count = with_words.len() as f64;
    let mean = with_words.iter().map(|(_, words)| words.len() as f64).sum::<f64>() / count;
    let mut scores: Vec<(String, f64)> = Vec::new();
    for (id, words) in &with_words {
        let mut score = 0.0;
        for word in query {
            let holding =
                with_words.iter().filter(|(_, words)| words.iter().any(|other| other == word)).count() as f64;
            let times = words.iter().filter(|other| other == word).count() as f64;
            let rarity = (1.0 + (count - holding + 0.5) / (holding + 0.5)).ln();
            let length = words.len() as f64 / mean;
            score += rarity * times * 2.2 / (times + 1.2 * (0.25 + 0.75 * length));
        }
        if score > 0.0 {
            scores.push(((*id).clone(), score));
        }
    }
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    scores
}

/// Computed from the formula by a few lines of Python: seven titles have words, 26 in all.
const GOLDEN: &[(&str, &[(&str, f64)])] = &[
    ("fox", &[("0", 1.262471088), ("2", 1.018870235)]),
    ("Red WINE", &[("1", 2.953251934), ("0", 1.262471088), ("4", 1.262471088)]),
    (
        "the hound and the fox",
        &[("3", 3.933754192), ("0", 3.787413263), ("2", 3.056610704), ("4", 1.262471088)],
    ),
    ("l'été", &[("5", 1.816915598)]),
    ("京都", &[("6", 1.622905966)]),
    ("unknown", &[]),
];

#[test]
fn scores_of_a_golden_corpus_are_those_computed_elsewhere() {
    let database = titled();
    for (query, expected) in GOLDEN {
        let found = search(&database, query, 10);
        let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, expected.iter().map(|&(id, _)| id).collect::<Vec<_>>(), "{query}");
        for ((_, score), &(id, expected)) in found.iter().zip(*expected) {
            assert!((f64::from(*score) - expected).abs() < 1e-6, "{query}: {id} has {score}, not {expected}");
        }
    }
}

#[test]
fn chosen_fields_are_searched_wherever_they_lie_and_no_others() {
    let mut database = Database::new(&config(&["title", "cast.name", "tags"])).unwrap();
    insert(
        &mut database,
        "a",
        r#"{"title":"Alien","cast":[{"name":"Weaver"},{"name":"Hurt","role":"Kane"}]}"#,
    );
    insert(&mut database, "b", r#"{"title":7,"tags":["Space Opera",["nested"]],"cast":{"name":"Ford"}}"#);
    insert(&mut database, "c", "null");
    let ids = |text| search(&database, text, 10).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    for (text, expected) in [
        ("weaver hurt", "a"),
        ("ford", "b"),
        ("opera", "b"),
        ("nested", "b"),
        ("kane", ""),
        ("7", ""),
        ("!?", ""),
    ] {
        assert_eq!(ids(text).join(","), expected, "{text}");
    }
}

#[test]
fn a_threshold_is_a_least_score_and_k_cuts() {
    let database = titled();
    let all = search(&database, "the red fox", 10);
    assert_eq!(all.len(), 4);
    assert_eq!(search(&database, "the red fox", 2), all[..2]);
    let params = SearchParams {
        threshold: Some(all[1].1),
        text: Some("the red fox".to_owned()),
        ..SearchParams::default()
    };
    assert_eq!(database.search(&[], &params).unwrap().len(), 2);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let plain = Database::new(&Config { dimensions: 2, ..Config::default() }).unwrap();
    let text = |text: String| SearchParams { text: Some(text), ..SearchParams::default() };
    assert_eq!(plain.search(&[], &text("fox".to_owned())).unwrap_err().code(), "InvalidArgument");
    let long = "x ".repeat(40_000);
    assert_eq!(titled().search(&[], &text(long)).unwrap_err().code(), "InvalidArgument");
    for fields in [vec![""], vec!["a", "a"], vec!["x"; 33]] {
        assert_eq!(Database::new(&config(&fields)).unwrap_err().code(), "InvalidOption", "{fields:?}");
    }
}

#[test]
fn a_file_keeps_the_words_and_must_agree_on_the_fields() {
    let mut database = titled();
    database.delete(&["1"]).unwrap();
    let bytes = database.to_bytes().unwrap();
    for asked in [config(&["title"]), Config { dimensions: 2, ..Config::default() }] {
        let reopened = Database::read(&bytes.as_slice(), &asked).unwrap();
        assert_eq!(search(&reopened, "red hound", 9), search(&database, "red hound", 9));
        assert_eq!(reopened.to_bytes().unwrap(), bytes);
    }
    for asked in [config(&["title", "other"]), config(&[])] {
        let error = Database::read(&bytes.as_slice(), &asked).unwrap_err();
        assert_eq!(error.code(), "Mismatch", "{error}");
    }
    database.reindex(&config(&["other"])).unwrap();
    assert_eq!(search(&database, "fox", 9).len(), 7);
    database.reindex(&Config { dimensions: 2, ..Config::default() }).unwrap();
    assert_eq!(search(&database, "fox", 9).len(), 7, "another index leaves the words alone");
    database.reindex(&config(&[])).unwrap();
    assert!(database.stats().text_fields.is_empty());
}

#[test]
fn damage_to_words_in_a_file_does_not_go_unnoticed() {
    let bytes = titled().to_bytes().unwrap();
    let mut damaged = bytes.clone();
    for at in 0..bytes.len() {
        damaged[at] ^= 0x10;
        match Database::read(&damaged.as_slice(), &config(&["title"])) {
            Ok(_) => assert_eq!(bytes[at], 0, "byte {at} matters"),
            Err(error) => assert!(matches!(error.code(), "Corrupt" | "VersionTooNew"), "{at}: {error}"),
        }
        damaged[at] = bytes[at];
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Insert { rows: usize, seed: u64 },
    Delete { ids: usize, seed: u64 },
    Search { seed: u64 },
    Compact,
    Reindex,
    Reopen,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (1usize..80, any::<u64>()).prop_map(|(rows, seed)| Operation::Insert { rows, seed }),
        1 => (1_000usize..1_400, any::<u64>()).prop_map(|(rows, seed)| Operation::Insert { rows, seed }),
        2 => (1usize..300, any::<u64>()).prop_map(|(ids, seed)| Operation::Delete { ids, seed }),
        4 => any::<u64>().prop_map(|seed| Operation::Search { seed }),
        1 => Just(Operation::Compact),
        1 => Just(Operation::Reindex),
        1 => Just(Operation::Reopen),
    ]
}

const IDS: usize = 2_000;

struct Pair {
    config: Config,
    database: Database,
    texts: BTreeMap<String, Vec<String>>,
}

impl Pair {
    /// Few words, some of them frequent; a third of the rows has none.
    fn words(random: &mut Random) -> Vec<String> {
        let length = random.below(9).saturating_sub(2);
        let word = |random: &mut Random| {
            let most = 1 + random.below(60);
            format!("w{}", random.below(most))
        };
        (0..length).map(|_| word(random)).collect()
    }

    fn apply(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match *operation {
            Operation::Insert { rows, seed } => {
                let mut random = Random(seed);
                let batch: BTreeMap<String, Vec<String>> =
                    (0..rows).map(|_| (random.below(IDS).to_string(), Self::words(&mut random))).collect();
                let json: Vec<String> = batch
                    .iter()
                    .map(|(id, words)| format!(r#"[{id:?},{{"text":{:?}}}]"#, words.join(" ").to_uppercase()))
                    .collect();
                let vectors: Vec<f32> = (0..batch.len() * 2).map(|_| random.real() + 1.5).collect();
                self.database.insert(&format!("[{}]", json.join(",")), &vectors).unwrap();
                self.texts.extend(batch);
            }
            Operation::Delete { ids, seed } => {
                let mut random = Random(seed);
                let ids: Vec<String> = (0..ids).map(|_| random.below(IDS).to_string()).collect();
                self.database.delete(&ids.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
                ids.iter().for_each(|id| drop(self.texts.remove(id)));
            }
            Operation::Search { seed } => self.search(&mut Random(seed))?,
            Operation::Compact => self.database.compact().unwrap(),
            Operation::Reindex => {
                let other = match self.config.index {
                    Some(Index::Hnsw) => Index::Scan,
                    _ => Index::Hnsw,
                };
                self.config.index = Some(other);
                self.database.reindex(&Config { text_fields: None, ..self.config.clone() }).unwrap();
            }
            Operation::Reopen => {
                let bytes = self.database.to_bytes().unwrap();
                self.database = Database::read(&bytes.as_slice(), &self.config).unwrap();
                prop_assert_eq!(&self.database.to_bytes().unwrap(), &bytes);
            }
        }
        Ok(())
    }

    fn search(&self, random: &mut Random) -> Result<(), TestCaseError> {
        let words = Self::words(random);
        let query: Vec<&str> = words.iter().map(String::as_str).collect();
        let expected = reference(&self.texts, &query);
        for k in [1, 10, usize::MAX] {
            let found = search(&self.database, &words.join(" "), k);
            prop_assert_eq!(found.len(), k.min(expected.len()), "k rows come back whenever k rows match");
            for ((id, score), (_, best)) in found.iter().zip(&expected) {
                let same = expected.iter().find(|(other, _)| other == id).map(|(_, score)| *score);
                prop_assert!(same.is_some(), "{} holds no word of {:?}", id, words);
                for expected in [*best, same.unwrap()] {
                    let error = (f64::from(*score) - expected).abs();
                    prop_assert!(error <= 2e-6 * expected, "{} scores {}, not {}", id, score, expected);
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scores_are_those_of_a_plain_implementation_after_every_operation(
        operations in prop::collection::vec(operation(), 1..40),
    ) {
        let config = config(&["text"]);
        let database = Database::new(&config).unwrap();
        let mut pair = Pair { config, database, texts: BTreeMap::new() };
        for operation in &operations {
            pair.apply(operation)?;
        }
        pair.search(&mut Random(1))?;
    }
}

#[test]
fn removed_words_give_their_memory_back() {
    let mut database = Database::new(&config(&["t"])).unwrap();
    let mut largest = 0;
    for round in 0..40 {
        let ids: Vec<String> = (0..500).map(|row| (round * 500 + row).to_string()).collect();
        let rows: Vec<String> =
            ids.iter().map(|id| format!(r#"[{id:?},{{"t":"common unique{id}"}}]"#)).collect();
        database.insert(&format!("[{}]", rows.join(",")), &[1.0; 1_000]).unwrap();
        if round == 4 {
            largest = database.stats().memory.words;
        }
        database.delete(&ids.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    }
    assert_eq!(search(&database, "common", 5), []);
    let bytes = database.stats().memory.words;
    assert!(bytes < 2 * largest, "{bytes} bytes for no rows after {largest} for 2,500");
    database.insert(&ids_json(["x"]), &[1.0, 1.0]).unwrap();
    assert_eq!(search(&database, "common", 5), []);
}
