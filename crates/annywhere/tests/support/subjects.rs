//! What files of strangers are made from, and what every one of them has to stand: for mutations and for fuzzing.
#![allow(dead_code, reason = "each suite uses a part")]

use annywhere::{
    Access, Config, Database, HnswConfig, MemoryBackend, Metric, Quantization, SearchParams, Store,
};
use xxhash_rust::xxh3::xxh3_64;

use super::{Random, config};

pub const DIMENSIONS: usize = 5;
/// Where a superblock has its two slots, and how much of each is covered by the checksum behind it.
pub const SLOTS: [usize; 2] = [0, 32_768];
const SLOT_BYTES: usize = 120;

pub struct Subject {
    pub config: Config,
    pub bytes: Vec<u8>,
}

/// Files of every index, with words, columns, dead and replaced rows.
pub fn subjects() -> Vec<Subject> {
    let hnsw_config = Some(HnswConfig { m: Some(4), ef_construction: Some(20), ef_search: Some(20) });
    let base = |metric| Config { text_fields: Some(vec!["t".to_owned()]), ..config(DIMENSIONS, metric) };
    let coded = |quantization, metric| Config { quantization: Some(quantization), ..base(metric) };
    let configs = [
        (Config { hnsw_config, ..base(Metric::Cosine) }, 300),
        (Config { hnsw_config, ..coded(Quantization::None, Metric::Dot) }, 200),
        (coded(Quantization::Rabitq { bits: Some(2) }, Metric::Euclidean), 1_100),
        (Config { hnsw_config, ..coded(Quantization::Rabitq { bits: Some(4) }, Metric::Euclidean) }, 1_100),
        (coded(Quantization::Product { subspaces: Some(4), k: None }, Metric::Cosine), 1_100),
        (base(Metric::Manhattan), 60),
    ];
    configs.map(|(config, rows)| Subject { bytes: filled(&config, rows).to_bytes().unwrap(), config }).into()
}

fn filled(config: &Config, rows: usize) -> Database {
    let mut random = Random(4);
    let mut database = Database::new(config).unwrap();
    let texts: Vec<String> = (0..rows)
        .map(|row| format!(r#"["{row}",{{"t":"often w{} é{row}","n":{}}}]"#, row % 17, random.below(9)))
        .collect();
    let vectors: Vec<f32> = (0..rows * DIMENSIONS).map(|_| random.below(7) as f32 - 2.9).collect();
    database.insert(&format!("[{}]", texts.join(",")), &vectors).unwrap();
    database.delete(&["3", "11", "40"]).unwrap();
    database.count(r#"{"n":{"$gte":3}}"#).unwrap();
    if config.hnsw_config.is_some() {
        let params = SearchParams { target_recall: Some(0.9), ..SearchParams::default() };
        database.search(&[1.0; DIMENSIONS], &params).unwrap();
    }
    database
}

/// A store with a checkpoint and changes behind it.
pub fn store() -> (Config, MemoryBackend) {
    let config = config(DIMENSIONS, Metric::Cosine);
    let (mut store, mut database) = Store::open(MemoryBackend::default(), &config, Access::Write).unwrap();
    let mut random = Random(5);
    for round in 0..4 {
        let rows: Vec<String> =
            (0..20).map(|row| format!(r#"["{}",{{"n":{row}}}]"#, round * 7 + row)).collect();
        let vectors: Vec<f32> = (0..20 * DIMENSIONS).map(|_| random.real()).collect();
        store.insert(&mut database, &format!("[{}]", rows.join(",")), &vectors).unwrap();
        store.delete(&mut database, &["8"]).unwrap();
        if round == 1 {
            store.checkpoint(&database).unwrap();
        }
    }
    store.flush().unwrap();
    (config, store.into_backend())
}

/// Header and frames of a journal with right checksums, as far as lengths lead.
pub fn seal_journal(journal: &mut [u8]) {
    const HEADER: usize = 128;
    const FRAME: usize = 40;
    let Some(header) = journal.get_mut(..HEADER) else { return };
    let mut previous = xxh3_64(&header[..HEADER - 8]);
    header[HEADER - 8..].copy_from_slice(&previous.to_le_bytes());
    let mut at = HEADER;
    while at + FRAME <= journal.len() {
        let length = u32::from_le_bytes(journal[at..at + 4].try_into().unwrap()) as usize;
        let end = at + FRAME + length;
        if end > journal.len() {
            return;
        }
        journal[at + 24..at + 32].copy_from_slice(&previous.to_le_bytes());
        previous = xxh3_64(&[&journal[at..at + 32], &journal[at + FRAME..end]].concat());
        journal[at + 32..at + FRAME].copy_from_slice(&previous.to_le_bytes());
        at = end.next_multiple_of(8);
    }
}

/// The slots of a superblock with right checksums.
pub fn seal_slots(superblock: &mut [u8]) {
    for slot in SLOTS {
        let Some(slot) = superblock.get_mut(slot..slot + SLOT_BYTES + 8) else { return };
        let checksum = xxh3_64(&slot[..SLOT_BYTES]);
        slot[SLOT_BYTES..].copy_from_slice(&checksum.to_le_bytes());
    }
}

/// The database in a file; nothing for a file that is refused.
pub fn read(file: &[u8], config: &Config) -> Option<Database> {
    match Database::read(&file, config) {
        Ok(database) => Some(database),
        Err(error) => {
            assert!(matches!(error.code(), "Corrupt" | "VersionTooNew" | "Mismatch"), "{error}");
            None
        }
    }
}

pub fn search_in_all_ways(database: &Database, query: &[f32]) {
    let all = SearchParams { k: 10, ..SearchParams::default() };
    let ways = [
        all.clone(),
        SearchParams { k: 1_000, ..all.clone() },
        SearchParams { target_recall: Some(0.9), ..all.clone() },
        SearchParams { filter: Some(serde_json::json!({ "n": { "$gte": 3 } })), ..all.clone() },
        SearchParams { text: Some("often w3".to_owned()), ..all },
    ];
    for params in &ways {
        let hits = database.search(query, params).unwrap();
        assert!(hits.scores().iter().all(|score| !score.is_nan()));
        assert!(hits.len() <= params.k);
    }
}

/// Whether a store opens; if it does, it can be written to and opens again.
pub fn opens_twice(config: &Config, disk: MemoryBackend) -> bool {
    match Store::open(disk, config, Access::Write) {
        Ok((mut store, mut database)) => {
            store.insert(&mut database, r#"[["new",null]]"#, &[1.0; DIMENSIONS]).unwrap();
            store.flush().unwrap();
            let (_, again) = Store::open(store.into_backend(), config, Access::Write).unwrap();
            assert_eq!(again.len(), database.len());
            true
        }
        Err(error) => {
            let known = matches!(error.code(), "Corrupt" | "VersionTooNew" | "Mismatch" | "OutOfMemory");
            assert!(known, "{error}");
            false
        }
    }
}
