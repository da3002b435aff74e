//! Taking files apart and putting them together again, beside the engine's own code.
#![allow(dead_code, reason = "each suite uses a part")]

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

const BLOCK_BYTES: usize = 64 * 1024;
/// Bytes of a header and of a footer.
pub const END_BYTES: usize = 64;
/// Bytes of an entry of the section table: kind, flags, offset, length, first block, blocks.
pub const ENTRY_BYTES: usize = 40;

/// Kind and bytes of each section.
pub type Sections = Vec<(u32, Vec<u8>)>;

pub fn number(bytes: &[u8], at: usize) -> usize {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize
}

/// The sections of a file.
pub fn take_apart(file: &[u8]) -> Sections {
    let footer = &file[file.len() - 64..];
    let table = number(footer, 0) + number(footer, 8);
    let section = |entry: &[u8]| {
        let (offset, length) = (number(entry, 8), number(entry, 16));
        (u32::from_le_bytes(entry[..4].try_into().unwrap()), file[offset..offset + length].to_vec())
    };
    file[table..table + number(footer, 16)].chunks(40).map(section).collect()
}

/// Puts the right checksum into a header or footer.
pub fn seal(bytes: &mut [u8]) {
    let checksum = xxh3_64(&bytes[..56]);
    bytes[56..64].copy_from_slice(&checksum.to_le_bytes());
}

/// The file of these sections, with right checksums.
pub fn put_together(sections: &Sections) -> Vec<u8> {
    let mut file = vec![0; 64];
    let (mut hashes, mut table): (Vec<u8>, Vec<u8>) = Default::default();
    for (kind, bytes) in sections {
        file.resize(file.len().next_multiple_of(4_096), 0);
        let first = hashes.len() / 8;
        hashes.extend(bytes.chunks(BLOCK_BYTES).flat_map(|block| xxh3_64(block).to_le_bytes()));
        table.extend(u64::from(*kind).to_le_bytes());
        for part in [file.len(), bytes.len(), first, hashes.len() / 8 - first] {
            table.extend((part as u64).to_le_bytes());
        }
        file.extend(bytes);
    }
    file.resize(file.len().next_multiple_of(64), 0);
    let directory_at = file.len() as u64;
    let directory = [hashes.as_slice(), table.as_slice()].concat();
    file.extend(&directory);
    file.resize(file.len().next_multiple_of(64), 0);
    let (content_id, total) = (xxh3_128(&directory).to_le_bytes(), file.len() as u64 + 64);
    let mut footer = [0; 64];
    for (at, part) in [(0, directory_at), (8, hashes.len() as u64), (16, table.len() as u64), (48, total)] {
        footer[at..at + 8].copy_from_slice(&part.to_le_bytes());
    }
    footer[32..48].copy_from_slice(&content_id);
    seal(&mut footer);
    file.extend(footer);
    file[..12].copy_from_slice(b"\x89ANNW\r\n\x1a\n\0\0\0");
    file[12] = 1;
    file[32..48].copy_from_slice(&content_id);
    file[48..56].copy_from_slice(&total.to_le_bytes());
    seal(&mut file[..64]);
    file
}

/// Where the section table lies, according to the footer.
pub fn table_of(file: &[u8]) -> std::ops::Range<usize> {
    let footer = &file[file.len() - END_BYTES..];
    let start = number(footer, 0) + number(footer, 8);
    start..start + number(footer, 16)
}

/// Changes the section table, and puts right checksums around it.
pub fn with_table(file: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut file = file.to_vec();
    let table = table_of(&file);
    change(&mut file[table.clone()]);
    let directory = number(&file[file.len() - END_BYTES..], 0);
    let content_id = xxh3_128(&file[directory..table.end]).to_le_bytes();
    let footer = file.len() - END_BYTES;
    for end in [0, footer] {
        file[end + 32..end + 48].copy_from_slice(&content_id);
        seal(&mut file[end..end + END_BYTES]);
    }
    file
}
