//! Stores: a kept database is at every moment what a database in memory is after the same calls, and damaged or forged
//! files are refused or do no harm.

mod support;

use std::collections::BTreeSet;

use annywhere::{
    Access, Backend, Config, Database, Error, Index, MemoryBackend, Metric, Quantization, Store,
};
use proptest::prelude::*;
use support::disk::{bytes_of, newest, with};
use support::{Random, config};
use xxhash_rust::xxh3::xxh3_64;

const DIMENSIONS: usize = 4;
const IDS: usize = 300;
// WebAssembly under WASI is slower, and the same code.
const CASES: u32 = if cfg!(target_family = "wasm") { 60 } else { 300 };
const FORGERIES: u64 = if cfg!(target_family = "wasm") { 2_000 } else { 20_000 };

#[derive(Debug, Clone)]
enum Step {
    Insert {
        rows: usize,
        seed: u64,
    },
    Delete {
        ids: usize,
        seed: u64,
    },
    Flush,
    Checkpoint,
    /// A checkpoint in slices of so many bytes.
    Sliced {
        bytes: u64,
    },
    Compact,
    Reindex,
    /// The process is killed: what was written is there, nothing is told to the store.
    Kill,
    /// A refused call.
    Refused,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1usize..80, any::<u64>()).prop_map(|(rows, seed)| Step::Insert { rows, seed }),
        1 => any::<u64>().prop_map(|seed| Step::Insert { rows: 280, seed }),
        3 => (1usize..60, any::<u64>()).prop_map(|(ids, seed)| Step::Delete { ids, seed }),
        1 => Just(Step::Flush),
        1 => Just(Step::Checkpoint),
        1 => (1u64..20_000).prop_map(|bytes| Step::Sliced { bytes }),
        1 => Just(Step::Compact),
        1 => Just(Step::Reindex),
        3 => Just(Step::Kill),
        1 => Just(Step::Refused),
    ]
}

fn configs() -> [Config; 2] {
    let scan = Config {
        quantization: Some(Quantization::Rabitq { bits: Some(4) }),
        ..config(DIMENSIONS, Metric::Cosine)
    };
    let graph = Config { index: Some(Index::Hnsw), ..config(DIMENSIONS, Metric::Cosine) };
    [scan, graph]
}

/// A kept database, the same calls on one in memory, and a plain list of ids.
struct Pair {
    at: usize,
    store: Store<MemoryBackend>,
    database: Database,
    twin: Database,
    ids: BTreeSet<String>,
}

impl Pair {
    fn new(at: usize) -> Self {
        let config = &configs()[at];
        let (store, database) = Store::open(MemoryBackend::default(), config, Access::Write).unwrap();
        Self { at, store, database, twin: Database::new(config).unwrap(), ids: BTreeSet::new() }
    }

    fn apply(&mut self, step: &Step) {
        let Self { store, database, twin, ids, .. } = self;
        match *step {
            Step::Insert { rows, seed } => {
                let mut random = Random(seed);
                let names: BTreeSet<String> = (0..rows).map(|_| random.below(IDS).to_string()).collect();
                let texts: Vec<String> =
                    names.iter().map(|id| format!(r#"["{id}",{{"of":"{id}"}}]"#)).collect();
                let rows = format!("[{}]", texts.join(","));
                let vectors: Vec<f32> = (0..names.len() * DIMENSIONS).map(|_| random.real()).collect();
                store.insert(database, &rows, &vectors).unwrap();
                twin.insert(&rows, &vectors).unwrap();
                ids.extend(names);
            }
            Step::Delete { ids: count, seed } => {
                let mut random = Random(seed);
                let names: Vec<String> = (0..count).map(|_| random.below(IDS).to_string()).collect();
                let present: BTreeSet<&str> =
                    names.iter().map(String::as_str).filter(|&id| ids.contains(id)).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                assert_eq!(store.delete(database, &names).unwrap(), present.len());
                if !present.is_empty() {
                    twin.delete(&names).unwrap();
                }
                for id in names {
                    ids.remove(id);
                }
            }
            Step::Flush => store.flush().unwrap(),
            Step::Checkpoint => store.checkpoint(database).unwrap(),
            Step::Sliced { bytes } => {
                store.begin_checkpoint(database, true).unwrap();
                assert!(matches!(store.delete(database, &["1"]), Err(Error::Locked { .. })));
                while !store.continue_checkpoint(database, bytes).unwrap() {}
            }
            Step::Compact => {
                database.compact().unwrap();
                twin.compact().unwrap();
                store.replace(database).unwrap();
            }
            Step::Reindex => {
                self.at = 1 - self.at;
                let config = &configs()[self.at];
                database.reindex(config).unwrap();
                twin.reindex(config).unwrap();
                store.replace(database).unwrap();
            }
            Step::Kill => self.kill(),
            Step::Refused => {
                let error = store.insert(database, r#"[["a",null],["a",null]]"#, &[1.0; 8]).unwrap_err();
                assert_eq!(error.code(), "DuplicateId");
                assert_eq!(store.delete(database, &["nobody"]).unwrap(), 0);
            }
        }
    }

    fn kill(&mut self) {
        let disk = self.store.backend().clone();
        let config = Config { dimensions: DIMENSIONS, ..Config::default() };
        for access in [Access::Read, Access::Write] {
            let (store, database) = Store::open(disk.clone(), &config, access).unwrap();
            assert_eq!(
                database.to_bytes().unwrap(),
                self.twin.to_bytes().unwrap(),
                "reopened is as if never closed"
            );
            assert_eq!(database.len(), self.ids.len());
            assert!(self.ids.iter().all(|id| database.contains(id)));
            if access == Access::Write {
                (self.store, self.database) = (store, database);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_kept_database_is_the_same_as_one_in_memory(at in 0usize..2, steps in prop::collection::vec(step(), 1..30)) {
        let mut pair = Pair::new(at);
        for step in &steps {
            pair.apply(step);
        }
        pair.kill();
    }
}

fn tiny() -> Config {
    Config { quantization: Some(Quantization::None), ..config(2, Metric::Euclidean) }
}

/// A store with two checkpoints and three frames behind the second.
fn small() -> MemoryBackend {
    let (mut store, mut database) = Store::open(MemoryBackend::default(), &tiny(), Access::Write).unwrap();
    for (number, id) in ["a", "b", "c", "d", "e"].iter().enumerate() {
        store
            .insert(&mut database, &format!(r#"[["{id}",{{"n":{number}}}]]"#), &[number as f32, 1.0])
            .unwrap();
        store.flush().unwrap();
        if number < 2 {
            store.checkpoint(&database).unwrap();
        }
    }
    store.delete(&mut database, &["a"]).unwrap();
    store.flush().unwrap();
    store.into_backend()
}

#[test]
fn damage_before_the_last_frame_is_reported_and_never_taken_for_a_torn_end() {
    let disk = small();
    let name = newest(&disk, "journal");
    let whole = bytes_of(&disk, &name);
    let frames: Vec<usize> = frames_of(&whole);
    assert_eq!(frames.len(), 4);
    for at in 128..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 4;
        let opened = Store::open(with(&disk, &name, &damaged), &tiny(), Access::Write);
        match opened {
            Err(error) => assert_eq!(error.code(), "Corrupt", "byte {at}"),
            // Padding, or the last frame, which may be torn.
            Ok((_, database)) => {
                let padding = database.len() == 4 && !database.contains("a");
                assert!(at >= frames[3] || padding, "byte {at} of {frames:?}");
            }
        }
    }
}

fn frames_of(journal: &[u8]) -> Vec<usize> {
    let (mut frames, mut at) = (Vec::new(), 128);
    while at < journal.len() {
        frames.push(at);
        let length = u32::from_le_bytes(journal[at..at + 4].try_into().unwrap()) as usize;
        at += (40 + length).next_multiple_of(8);
    }
    frames
}

#[test]
fn no_flipped_byte_and_no_truncation_of_any_file_loses_anything_unnoticed() {
    let disk = small();
    for name in disk.list().unwrap() {
        let whole = bytes_of(&disk, &name);
        let step = if whole.len() > 10_000 { 61 } else { 1 };
        let journal = name == newest(&disk, "journal");
        let check = |changed: &[u8], what: String| match Store::open(
            with(&disk, &name, changed),
            &tiny(),
            Access::Write,
        ) {
            Err(error) => {
                assert!(matches!(error.code(), "Corrupt" | "VersionTooNew"), "{name} {what}: {error}");
            }
            Ok((_, database)) => {
                let complete = database.len() == 4 && !database.contains("a");
                // Of the journal's end, only what a crash could have torn.
                assert!(complete || journal, "{name} {what}");
            }
        };
        let mut changed = whole.clone();
        for at in (0..whole.len()).step_by(step) {
            changed[at] ^= 0x20;
            check(&changed, format!("byte {at}"));
            changed[at] = whole[at];
        }
        for length in (0..whole.len()).step_by(step * 7) {
            check(&whole[..length], format!("cut at {length}"));
        }
    }
}

/// Frames whose checksums are right and whose content is anything.
#[test]
fn forged_frames_are_refused_or_behave() {
    let disk = small();
    let name = newest(&disk, "journal");
    let whole = bytes_of(&disk, &name);
    let frames = frames_of(&whole);
    let (mut accepted, mut refused) = (0u64, 0u64);
    for seed in 0..FORGERIES {
        let mut random = Random(seed);
        let mut forged = whole.clone();
        let mut frames = frames.clone();
        frames.truncate(1 + random.below(frames.len()));
        let chosen = frames[random.below(frames.len())];
        let length = u32::from_le_bytes(forged[chosen..chosen + 4].try_into().unwrap()) as usize;
        for _ in 0..1 + random.below(3) {
            match random.below(4) {
                0 => forged[chosen + 4] = random.below(6) as u8,
                1 => forged[chosen + 40..chosen + 44].copy_from_slice(&(random.next() as u32).to_le_bytes()),
                2 => forged[chosen] = forged[chosen].wrapping_add(random.below(9) as u8),
                _ => forged[chosen + 40 + random.below(length)] = random.next() as u8,
            }
        }
        seal_frames(&mut forged);
        match Store::open(with(&disk, &name, &forged), &tiny(), Access::Write) {
            Err(error) => {
                assert!(matches!(error.code(), "Corrupt" | "OutOfMemory"), "seed {seed}: {error}");
                refused += 1;
            }
            Ok((mut store, mut database)) => {
                store.insert(&mut database, r#"[["new",null]]"#, &[1.0, 2.0]).unwrap();
                store.checkpoint(&database).unwrap();
                let length = database.len();
                let (_, again) = Store::open(store.into_backend(), &tiny(), Access::Write).unwrap();
                assert_eq!(again.len(), length);
                accepted += 1;
            }
        }
    }
    println!("{accepted} of {FORGERIES} forged journals were accepted and behaved, {refused} were refused");
    assert!(accepted > FORGERIES / 40 && refused > FORGERIES / 40);
}

/// Puts right checksums into every frame that the lengths lead to.
fn seal_frames(journal: &mut [u8]) {
    let mut previous = u64::from_le_bytes(journal[120..128].try_into().unwrap());
    let mut at = 128;
    while at + 40 <= journal.len() {
        let length = u32::from_le_bytes(journal[at..at + 4].try_into().unwrap()) as usize;
        let Some(end) = at.checked_add(40 + length).filter(|&end| end <= journal.len()) else { return };
        journal[at + 24..at + 32].copy_from_slice(&previous.to_le_bytes());
        let covered = [&journal[at..at + 32], &journal[at + 40..end]].concat();
        previous = xxh3_64(&covered);
        journal[at + 32..at + 40].copy_from_slice(&previous.to_le_bytes());
        at = end.next_multiple_of(8);
    }
}

#[test]
fn newer_formats_are_refused_and_not_replaced() {
    let disk = small();
    let mut superblock = bytes_of(&disk, "superblock");
    for begin in [0, 32_768] {
        superblock[begin + 12] = 2;
        let checksum = xxh3_64(&superblock[begin..begin + 120]);
        superblock[begin + 120..begin + 128].copy_from_slice(&checksum.to_le_bytes());
    }
    let newer = with(&disk, "superblock", &superblock);
    assert_eq!(Store::open(newer, &tiny(), Access::Write).unwrap_err().code(), "VersionTooNew");
    // What only writers must know: reading is allowed.
    let mut superblock = bytes_of(&disk, "superblock");
    for begin in [0, 32_768] {
        superblock[begin + 20] = 1;
        let checksum = xxh3_64(&superblock[begin..begin + 120]);
        superblock[begin + 120..begin + 128].copy_from_slice(&checksum.to_le_bytes());
    }
    let newer = with(&disk, "superblock", &superblock);
    assert_eq!(Store::open(newer.clone(), &tiny(), Access::Write).unwrap_err().code(), "Corrupt");
    assert_eq!(Store::open(newer, &tiny(), Access::Read).unwrap().1.len(), 4);
}

/// The first version of the format, kept for ever: `offset: bytes` of each file, without lines of zeros.
#[test]
fn a_store_of_the_first_version_opens() {
    let text = include_str!("fixtures/store-1.txt");
    if std::env::var_os("ANNYWHERE_WRITE_FIXTURE").is_some() {
        std::fs::write("tests/fixtures/store-1.txt", to_text(&small())).unwrap();
        return;
    }
    let disk = from_text(text);
    let (mut store, mut database) = Store::open(disk, &tiny(), Access::Write).unwrap();
    assert_eq!(database.len(), 4);
    assert_eq!(database.get("c").unwrap().unwrap().metadata, r#"{"n":2}"#);
    assert_eq!(*database.get("e").unwrap().unwrap().vector, [4.0, 1.0]);
    assert!(!database.contains("a"));
    store.insert(&mut database, r#"[["new",null]]"#, &[1.0, 2.0]).unwrap();
    store.checkpoint(&database).unwrap();
    assert_eq!(Store::open(store.into_backend(), &tiny(), Access::Write).unwrap().1.len(), 5);
}

fn to_text(disk: &MemoryBackend) -> String {
    let mut text = String::new();
    for name in disk.list().unwrap() {
        let bytes = bytes_of(disk, &name);
        text += &format!("{name} {}\n", bytes.len());
        for (row, part) in bytes.chunks(32).enumerate().filter(|(_, part)| part.iter().any(|&byte| byte != 0))
        {
            let hex: String = part.iter().map(|byte| format!("{byte:02x}")).collect();
            text += &format!("{:x}: {hex}\n", row * 32);
        }
    }
    text
}

fn from_text(text: &str) -> MemoryBackend {
    let mut disk = MemoryBackend::default();
    let mut name = "";
    for line in text.lines() {
        if let Some((offset, hex)) = line.split_once(": ") {
            let bytes: Vec<u8> = (0..hex.len() / 2)
                .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
                .collect();
            disk.write_at(name, u64::from_str_radix(offset, 16).unwrap(), &bytes).unwrap();
        } else {
            let (file, bytes) = line.split_once(' ').unwrap();
            name = file;
            disk.set_len(name, bytes.parse().unwrap()).unwrap();
        }
    }
    disk
}
