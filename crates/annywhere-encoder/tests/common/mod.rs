//! The shipped table, small tables made on the spot, and the header checksum that a forger would fix.

#![allow(dead_code, reason = "every test file uses its own part")]

use xxhash_rust::xxh3::xxh3_64;

pub const HEADER: usize = 128;

pub fn shipped() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../npm/encoder-en/table.bin");
    std::fs::read(path).expect("npm/encoder-en/table.bin is committed")
}

/// A full table file. Row r of `pieces` is filled by `entry(r, column)`; all scales are 1.
pub fn table(
    pieces: &[&str],
    dimensions: usize,
    teacher: usize,
    entry: impl Fn(usize, usize) -> i8,
) -> Vec<u8> {
    let bare = |piece: &str| piece.strip_prefix("##").unwrap_or(piece).to_owned();
    let mut vocabulary: Vec<u8> = pieces
        .iter()
        .map(|piece| {
            u8::try_from(bare(piece).len()).unwrap() | if piece.starts_with("##") { 0x80 } else { 0 }
        })
        .collect();
    vocabulary.extend(pieces.iter().flat_map(|piece| bare(piece).into_bytes()));
    let scales = [1.0f32.to_le_bytes()].concat().repeat(pieces.len());
    let panels: Vec<Vec<u8>> = (0..dimensions / 64)
        .map(|panel| {
            (0..pieces.len())
                .flat_map(|row| (0..64).map(move |column| (row, 64 * panel + column)))
                .map(|(row, column)| entry(row, column).cast_unsigned())
                .collect()
        })
        .collect();
    // m = 0 and U = the first axes.
    let mut projection = vec![0.0f32; teacher];
    projection
        .extend((0..teacher * dimensions).map(|at| f32::from(u8::from(at / dimensions == at % dimensions))));
    let projection: Vec<u8> = projection.into_iter().flat_map(f32::to_le_bytes).collect();

    let mut file = b"\x89ANNE\r\n\x1a".to_vec();
    for number in [1, pieces.len(), dimensions, 64, teacher, vocabulary.len()] {
        file.extend(u32::try_from(number).unwrap().to_le_bytes());
    }
    let sections = [&vocabulary, &scales].into_iter().chain(&panels);
    let total = HEADER + sections.clone().map(Vec::len).sum::<usize>() + projection.len();
    file.extend((total as u64).to_le_bytes());
    for section in sections.clone() {
        file.extend(xxh3_64(section).to_le_bytes());
    }
    file.resize(104, 0);
    file.extend(if teacher > 0 { xxh3_64(&projection) } else { 0 }.to_le_bytes());
    file.resize(HEADER, 0);
    seal(&mut file);
    file.extend(sections.flatten());
    file.extend(projection);
    file
}

/// Writes the header's own checksum.
pub fn seal(file: &mut [u8]) {
    let checksum = xxh3_64(&file[..120]);
    file[120..128].copy_from_slice(&checksum.to_le_bytes());
}
