//! Defects that loaders of other vector indexes had, each forged into a file of ours whose checksums are right.
//!
//! | defect | known from |
//! |---|---|
//! | two sizes that disagree | hnswlib 673: `max_elements_` below `cur_element_count` |
//! | a product of sizes that overflows | faiss 5313 |
//! | a size that the file has not the bytes for | faiss 5312, chroma 7011 (90 bytes that ask for 16 GB) |
//! | a difference of sizes below zero, a check after the use | USearch 776 |
//! | header and quantizer that do not fit each other | faiss 5485 |
//! | a link to a row that is not there | chroma 7002 |
//! | rows that lead back to themselves, a file that was added to | redb's changelog |

mod support;

use annywhere::{Config, Database, HnswConfig, Metric, Quantization, SearchParams};
use support::segment::{END_BYTES, ENTRY_BYTES, Sections, put_together, seal, take_apart, with_table};
use support::{Random, config, filled};

const DIMENSIONS: usize = 5;
const M: usize = 4;
const ROWS: usize = 200;
const STATE: u32 = 1;
const SLOT_STATES: u32 = 2;
const ID_LENGTHS: u32 = 3;
const VECTORS: u32 = 7;
const CODES: u32 = 8;
const LINKS: u32 = 17;
/// A graph of so few rows with so many links has one layer only.
const WIDE_M: usize = 256;
const WIDE_ROWS: usize = 60;

fn graph() -> (Config, Vec<u8>) {
    graph_of(ROWS, M)
}

fn graph_of(rows: usize, m: usize) -> (Config, Vec<u8>) {
    let hnsw_config = HnswConfig { m: Some(m), ef_construction: Some(m.max(20)), ef_search: Some(20) };
    let quantization = Some(Quantization::Scalar);
    let config =
        Config { hnsw_config: Some(hnsw_config), quantization, ..config(DIMENSIONS, Metric::Euclidean) };
    let mut random = Random(1);
    let rows: Vec<Vec<f32>> = (0..rows).map(|_| (0..DIMENSIONS).map(|_| random.real()).collect()).collect();
    let file = filled(&config, &rows).to_bytes().unwrap();
    (config, file)
}

fn bytes_of(sections: &mut Sections, kind: u32) -> &mut Vec<u8> {
    &mut sections.iter_mut().find(|(found, _)| *found == kind).unwrap().1
}

/// A graph's file with a change of its sections.
fn forged(change: impl FnOnce(&mut Sections)) -> Vec<u8> {
    let mut sections = take_apart(&graph().1);
    let before = sections.clone();
    change(&mut sections);
    assert!(before != sections, "something is forged");
    put_together(&sections)
}

/// A wide graph with these links, coded as the format says.
fn linked(lists: &[Vec<u32>]) -> (Config, Vec<u8>) {
    let mut bits: Vec<bool> = Vec::new();
    for links in lists {
        let count_bits = usize::BITS - (2 * WIDE_M).leading_zeros();
        bits.extend((0..count_bits).map(|bit| links.len() >> bit & 1 == 1));
        let mut next = 0;
        for &link in links {
            let low = (WIDE_ROWS / links.len()).max(1).ilog2();
            let gap = link - next;
            bits.extend((0..low).map(|bit| gap >> bit & 1 == 1));
            bits.extend((0..gap >> low).map(|_| false).chain([true]));
            next = link + 1;
        }
    }
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
    let (config, file) = graph_of(WIDE_ROWS, WIDE_M);
    let mut sections = take_apart(&file);
    *bytes_of(&mut sections, LINKS) = bits.chunks(8).map(byte).collect();
    (config, put_together(&sections))
}

/// The state with another text in place of one.
fn restated(from: &str, to: &str) -> Vec<u8> {
    forged(|sections| {
        let state = bytes_of(sections, STATE);
        let text = String::from_utf8(state.clone()).unwrap();
        assert!(text.contains(from), "{text}");
        *state = text.replacen(from, to, 1).into_bytes();
    })
}

#[track_caller]
fn refused(file: &[u8], reason: &str) {
    // Whoever opens it says nothing of quantization.
    let config = Config { quantization: None, ..graph().0 };
    let Err(error) = Database::read(&file, &config) else { panic!("it was accepted") };
    assert_eq!(error.code(), "Corrupt", "{error}");
    assert!(error.to_string().contains(reason), "{error}");
}

/// What all the forgeries begin with is a file that opens.
#[test]
fn the_file_itself_opens() {
    let (config, file) = graph();
    let database = Database::read(&file.as_slice(), &config).unwrap();
    assert_eq!(database.len(), ROWS);
    assert_eq!(with_table(&file, |_| ()), file);
}

#[test]
fn two_sizes_that_disagree() {
    for slots in ["199", "201", "0"] {
        refused(&restated("\"slots\":200", &format!("\"slots\":{slots}")), "");
    }
    // More rows live than the vectors are there for, and the reverse.
    refused(&forged(|sections| bytes_of(sections, VECTORS).truncate(199 * 8 * 4)), "");
    refused(&forged(|sections| bytes_of(sections, SLOT_STATES).push(1)), "");
    refused(&forged(|sections| bytes_of(sections, LINKS).extend([0; 8])), "");
}

#[test]
fn a_product_of_sizes_that_overflows() {
    // In 64 bits, and in the 32 bits of WebAssembly, where n · stride is 0 again.
    for slots in [u64::MAX, 1 << 63, 1 << 61, 1 << 32, 1 << 29, 1 << 27] {
        let error =
            Database::read(&restated("\"slots\":200", &format!("\"slots\":{slots}")).as_slice(), &graph().0)
                .unwrap_err();
        assert!(matches!(error.code(), "Corrupt" | "VersionTooNew"), "{slots}: {error}");
    }
    // Lengths of ids whose sum is small again in 32 bits.
    refused(
        &forged(|sections| {
            let lengths = bytes_of(sections, ID_LENGTHS);
            for row in [0, 1] {
                let old = u32::from_le_bytes(lengths[4 * row..4 * row + 4].try_into().unwrap());
                lengths[4 * row..4 * row + 4].copy_from_slice(&(old ^ 1 << 31).to_le_bytes());
            }
        }),
        "",
    );
}

#[test]
fn a_size_that_the_file_has_not_the_bytes_for() {
    let (_, file) = graph();
    for length in [file.len() as u64 + 1, 16 << 30, u64::MAX, u64::MAX - 4_095] {
        for place in [8, 16, 32] {
            refused(
                &with_table(&file, |table| table[place..place + 8].copy_from_slice(&length.to_le_bytes())),
                "",
            );
        }
    }
    // 128 bytes, header and footer with right checksums, that promise 16 GB.
    let mut small = [&file[..END_BYTES], &file[file.len() - END_BYTES..]].concat();
    for length in [128_u64, 16 << 30] {
        for end in [0, END_BYTES] {
            small[end + 48..end + 56].copy_from_slice(&length.to_le_bytes());
            small[END_BYTES + 16..END_BYTES + 24].copy_from_slice(&(16_u64 << 30).to_le_bytes());
            seal(&mut small[end..end + END_BYTES]);
        }
        refused(&small, "");
    }
}

#[test]
fn a_difference_of_sizes_below_zero() {
    let (config, file) = graph();
    for length in (0..2 * END_BYTES + 10).chain([4_096, file.len() - END_BYTES, file.len() - 1]) {
        let error = Database::read(&&file[..length], &config).unwrap_err();
        assert_eq!(error.code(), "Corrupt", "{length} bytes: {error}");
    }
    // A directory that begins behind the footer, and a table longer than what lies before it.
    let footer = file.len() - END_BYTES;
    for (place, part) in [(0, file.len() as u64), (0, u64::MAX), (8, footer as u64), (16, u64::MAX - 7)] {
        let mut forged = file.clone();
        forged[footer + place..footer + place + 8].copy_from_slice(&part.to_le_bytes());
        seal(&mut forged[footer..]);
        refused(&forged, "");
    }
    // Sections over each other and over the header.
    let second = file.clone();
    let offset = with_table(&second, |table| {
        let first: [u8; 8] = table[8..16].try_into().unwrap();
        table[ENTRY_BYTES + 8..ENTRY_BYTES + 16].copy_from_slice(&first);
    });
    refused(&offset, "");
    refused(&with_table(&file, |table| table[8..16].fill(0)), "");
}

#[test]
fn header_and_quantizer_that_do_not_fit_each_other() {
    let (_, file) = graph();
    // Codes without a quantizer are not looked at: answers come from the vectors.
    let uncoded = restated("\"type\":\"scalar\"", "\"type\":\"none\"");
    let unsaid = Config { quantization: None, ..graph().0 };
    let [coded, uncoded] = [&file, &uncoded].map(|file| {
        let database = Database::read(&file.as_slice(), &unsaid).unwrap();
        database.search(&[0.5; DIMENSIONS], &SearchParams::default()).unwrap().rows_json()
    });
    assert_eq!(coded, uncoded);
    // A quantizer without codes, and codes of other dimensions.
    refused(&forged(|sections| sections.retain(|(kind, _)| *kind != CODES)), "");
    let wider = restated("\"dimensions\":5", "\"dimensions\":4096");
    let config = Config { dimensions: 4_096, ..graph().0 };
    assert_eq!(Database::read(&wider.as_slice(), &config).unwrap_err().code(), "Corrupt");
    // Bits that the blocks of a scan were not coded with.
    let scan = Config {
        quantization: Some(Quantization::Rabitq { bits: Some(4) }),
        ..support::config(DIMENSIONS, Metric::Cosine)
    };
    let mut random = Random(2);
    let rows: Vec<Vec<f32>> = (0..1_100).map(|_| random.clustered(DIMENSIONS, 0.5)).collect();
    let mut sections = take_apart(&filled(&scan, &rows).to_bytes().unwrap());
    let state = bytes_of(&mut sections, STATE);
    let text = String::from_utf8(state.clone()).unwrap();
    assert!(text.contains("\"bits\":4"), "{text}");
    *state = text.replace("\"bits\":4", "\"bits\":1").into_bytes();
    let one = Config { quantization: Some(Quantization::Rabitq { bits: Some(1) }), ..scan };
    assert_eq!(Database::read(&put_together(&sections).as_slice(), &one).unwrap_err().code(), "Corrupt");
    assert!(Database::read(&file.as_slice(), &one).is_err(), "a graph is not a scan");
}

/// Each row linked to the one before and the one after it.
fn chain() -> Vec<Vec<u32>> {
    let last = WIDE_ROWS as u32 - 1;
    (0..=last)
        .map(|row| [row.checked_sub(1), (row < last).then_some(row + 1)].into_iter().flatten().collect())
        .collect()
}

#[test]
fn a_link_to_a_row_that_is_not_there() {
    let (config, file) = linked(&chain());
    assert!(Database::read(&file.as_slice(), &config).is_ok(), "the chain itself is a graph");
    for link in [WIDE_ROWS as u32, 1_000] {
        let mut lists = chain();
        lists[7].push(link);
        let (config, file) = linked(&lists);
        let Err(error) = Database::read(&file.as_slice(), &config) else { panic!("{link} was accepted") };
        assert_eq!(error.code(), "Corrupt", "{error}");
    }
    refused(&restated("\"entry\":", "\"entry\":1000000000,\"x\":"), "");
    // To a row that was freed.
    refused(&forged(|sections| bytes_of(sections, SLOT_STATES)[7] = 0), "");
}

#[test]
fn rows_that_lead_in_circles() {
    // A row that links to itself is refused.
    let mut lists = chain();
    lists[7] = vec![7];
    let (config, file) = linked(&lists);
    assert_eq!(Database::read(&file.as_slice(), &config).err().map(|error| error.code()), Some("Corrupt"));
    // Pairs that link to each other only are a graph that finds less, and searches end.
    let pairs: Vec<Vec<u32>> = (0..WIDE_ROWS as u32).map(|row| vec![row ^ 1]).collect();
    let (config, file) = linked(&pairs);
    let database = Database::read(&file.as_slice(), &config).unwrap();
    for (k, target_recall) in [(1, None), (50, None), (10, Some(0.9)), (10, Some(1.0))] {
        let params = SearchParams { k, target_recall, ..SearchParams::default() };
        let hits = database.search(&[0.5; DIMENSIONS], &params).unwrap();
        assert_eq!(hits.len(), k, "k rows come back whenever k rows exist");
    }
}

#[test]
fn a_file_that_was_added_to() {
    let (_, file) = graph();
    for more in [1, 64, 4_096, 70_000] {
        refused(&[file.as_slice(), &vec![0; more]].concat(), "");
        refused(&[file.as_slice(), &file[file.len() - more.min(file.len())..]].concat(), "");
    }
}
