//! Mutated files whose checksums are right: opening and searching them ends soon, in a refusal or as ever, and takes no more
//! memory than twice the file and a little.
//!
//! The quick suite tries a few hundred mutations of each kind, the full one as many as a minute allows; seeds count up
//! from zero, and the last one printed is that of a failure: `ANNYWHERE_SEED` tries it again alone.

#![cfg(not(target_family = "wasm"))]

mod support;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use annywhere::{Backend, Config, MemoryBackend};
use peak_alloc::PeakAlloc;
use support::Random;
use support::disk::{bytes_of, newest, with};
use support::segment::{END_BYTES, ENTRY_BYTES, put_together, seal, take_apart, with_table};
use support::subjects::{
    DIMENSIONS, SLOTS, Subject, opens_twice, read, seal_journal, seal_slots, search_in_all_ways, store,
    subjects,
};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;
/// One test at a time, because allocations are counted for all.
static ALONE: Mutex<()> = Mutex::new(());

/// What may be allocated beside twice the file.
const CAP_BYTES: usize = 16 << 20;
/// Longer than any file of these sizes takes, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(10);
const QUICK: u64 = 400;
const MINUTE: Duration = Duration::from_secs(60);

/// Numbers at which sizes, slots and offsets go wrong.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    31,
    255,
    256,
    65_535,
    65_536,
    i32::MAX as u64,
    1 << 31,
    u32::MAX as u64,
    1 << 32,
    i64::MAX as u64,
    u64::MAX,
];

/// Changes some bytes as files go wrong: other numbers, other lengths, parts elsewhere.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let at = random.below(bytes.len());
    match random.below(8) {
        0 => bytes[at] = random.next() as u8,
        1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes.truncate(at),
        3 => bytes.extend_from_within(at..),
        4 => {
            let from = random.below(bytes.len());
            let length = random.below(64).min(bytes.len() - at.max(from));
            bytes.copy_within(from..from + length, at);
        }
        5 if bytes.first() == Some(&b'{') => another_number(bytes, random),
        width => {
            let width = if width % 2 == 0 { 4 } else { 8 };
            let number =
                NUMBERS[random.below(NUMBERS.len())].wrapping_add(random.below(3) as u64).wrapping_sub(1);
            let at = at - at % width;
            let end = (at + width).min(bytes.len());
            bytes[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
        }
    }
}

/// Another number in a JSON text.
fn another_number(bytes: &mut Vec<u8>, random: &mut Random) {
    let digits: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at].is_ascii_digit()).collect();
    let Some(&start) = digits.get(random.below(digits.len().max(1))) else { return };
    let end = (start..bytes.len()).find(|&at| !bytes[at].is_ascii_digit()).unwrap_or(bytes.len());
    let number = match random.below(4) {
        0 => "-1".to_owned(),
        1 => "1e38".to_owned(),
        _ => NUMBERS[random.below(NUMBERS.len())].to_string(),
    };
    bytes.splice(start..end, number.into_bytes());
}

/// A file with mutated sections, section table or ends, and right checksums.
fn mutated_segment(file: &[u8], random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        0 => {
            let mut file = file.to_vec();
            let end = if random.below(2) == 0 { 0 } else { file.len() - END_BYTES };
            let place = end + 8 * random.below(7);
            let number = NUMBERS[random.below(NUMBERS.len())];
            file[place..place + 8].copy_from_slice(&number.to_le_bytes());
            seal(&mut file[end..end + END_BYTES]);
            file
        }
        1 | 2 => with_table(file, |table| {
            let place = random.below(table.len() / 8) * 8;
            let other = random.below(table.len() / ENTRY_BYTES) * ENTRY_BYTES + place % ENTRY_BYTES;
            let number = match random.below(3) {
                0 => u64::from_le_bytes(table[other..other + 8].try_into().unwrap()),
                1 => u64::from_le_bytes(table[place..place + 8].try_into().unwrap()) ^ 1 << random.below(64),
                _ => NUMBERS[random.below(NUMBERS.len())],
            };
            table[place..place + 8].copy_from_slice(&number.to_le_bytes());
        }),
        _ => {
            let mut sections = take_apart(file);
            for _ in 0..1 + random.below(3) {
                let section = random.below(sections.len());
                match random.below(16) {
                    0 => drop(sections.remove(section)),
                    1 => sections.push(sections[section].clone()),
                    2 => sections[section].0 = random.below(40) as u32,
                    // The state decides about all the others.
                    3..6 => another_number(&mut sections[0].1, random),
                    _ => mutate(&mut sections[section].1, random),
                }
            }
            put_together(&sections)
        }
    }
}

/// Runs something on a file of so many bytes, and panics if it takes too long or too much memory.
fn within_bounds<R>(seed: u64, bytes: usize, run: impl FnOnce() -> R) -> R {
    ALLOCATED.reset_peak_usage();
    let (before, begin) = (ALLOCATED.current_usage(), Instant::now());
    let result = run();
    let (most, took) = (ALLOCATED.peak_usage().saturating_sub(before), begin.elapsed());
    assert!(most <= 2 * bytes + CAP_BYTES, "seed {seed}: {most} bytes were allocated for a file of {bytes}");
    assert!(took < LIMIT, "seed {seed}: it took {took:?}");
    result
}

/// Tries mutations, and says how many were accepted.
fn tried(name: &str, most: u64, limit: Duration, mut accepts: impl FnMut(u64, &mut Random) -> bool) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let replayed = std::env::var("ANNYWHERE_SEED").ok().map(|seed| seed.parse().unwrap());
    let begin = Instant::now();
    let (mut count, mut accepted) = (0, 0);
    for seed in replayed.map_or(0..most, |seed: u64| seed..seed + 1) {
        if begin.elapsed() >= limit {
            break;
        }
        println!("{name}, seed {seed}");
        accepted += u64::from(accepts(seed, &mut Random(seed)));
        count += 1;
    }
    println!("{name}: {accepted} of {count} mutations were accepted and behaved");
    let is_test = replayed.is_some() || (accepted > count / 100 && accepted < count);
    assert!(is_test, "{name}: {accepted} of {count} accepted, the mutations test nothing");
}

fn segments_open(most: u64, limit: Duration) {
    let subjects = subjects();
    tried("segment", most, limit, |seed, random| {
        let Subject { config, bytes } = &subjects[random.below(subjects.len())];
        let file = mutated_segment(bytes, random);
        within_bounds(seed, file.len(), || read(&file, config).is_some())
    });
}

fn mutated_files_are_searched(most: u64, limit: Duration) {
    let subjects = subjects();
    tried("search", most, limit, |seed, random| {
        let Subject { config, bytes } = &subjects[random.below(subjects.len())];
        let file = mutated_segment(bytes, random);
        let queries: Vec<Vec<f32>> =
            (0..3).map(|_| (0..DIMENSIONS).map(|_| random.real()).collect()).collect();
        within_bounds(seed, file.len(), || {
            let Some(database) = read(&file, config) else { return false };
            queries.iter().for_each(|query| search_in_all_ways(&database, query));
            true
        })
    });
}

fn superblocks_open(most: u64, limit: Duration) {
    let (config, disk) = store();
    let whole = bytes_of(&disk, "superblock");
    tried("superblock", most, limit, |seed, random| {
        let mut superblock = whole.clone();
        for _ in 0..1 + random.below(3) {
            // Behind the magic of either slot, and before the checksum.
            let place = SLOTS[random.below(2)] + 12 + 4 * random.below(26);
            let number = NUMBERS[random.below(NUMBERS.len())];
            let width = if place.is_multiple_of(8) { 8 } else { 4 };
            superblock[place..place + width].copy_from_slice(&number.to_le_bytes()[..width]);
        }
        seal_slots(&mut superblock);
        opens(seed, &config, with(&disk, "superblock", &superblock))
    });
}

fn journals_open(most: u64, limit: Duration) {
    let (config, disk) = store();
    let name = newest(&disk, "journal");
    let whole = bytes_of(&disk, &name);
    tried("journal", most, limit, |seed, random| {
        let mut journal = whole.clone();
        for _ in 0..1 + random.below(3) {
            mutate(&mut journal, random);
        }
        seal_journal(&mut journal);
        opens(seed, &config, with(&disk, &name, &journal))
    });
}

/// Whether a store opens; if it does, it can be written to and opens again.
fn opens(seed: u64, config: &Config, disk: MemoryBackend) -> bool {
    let bytes = disk.list().unwrap().iter().map(|name| disk.size(name).unwrap().unwrap() as usize).sum();
    within_bounds(seed, bytes, || opens_twice(config, disk))
}

#[test]
fn mutated_segments_stores_and_journals_are_refused_or_behave_within_bounds() {
    for target in [segments_open, mutated_files_are_searched, superblocks_open, journals_open] {
        target(QUICK, MINUTE);
    }
}

#[test]
#[ignore = "takes four minutes"]
fn a_minute_of_mutations_of_each_kind_is_refused_or_behaves_within_bounds() {
    for target in [segments_open, mutated_files_are_searched, superblocks_open, journals_open] {
        target(u64::MAX, MINUTE);
    }
}
