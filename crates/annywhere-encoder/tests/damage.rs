//! No bytes make the reader panic, and no damage goes unnoticed.

mod common;

use annywhere_encoder::{Encoder, Scratch, Section, TableError, truncate};
use common::{HEADER, seal, table};
use xxhash_rust::xxh3::xxh3_64;

const PIECES: [&str; 5] = ["one", "two", "##three", "four", "!"];

fn small() -> Vec<u8> {
    table(&PIECES, 192, 3, |row, column| i8::try_from(row + column % 32).unwrap())
}

/// Offset and checksum field of every section of the small table.
fn sections(file: &[u8]) -> Vec<(std::ops::Range<usize>, usize)> {
    let vocabulary = HEADER..HEADER + u32_at(file, 28);
    let scales = vocabulary.end..vocabulary.end + 4 * PIECES.len();
    let mut all = vec![(vocabulary, 40), (scales.clone(), 48)];
    for panel in 0..3 {
        let start = scales.end + panel * 64 * PIECES.len();
        all.push((start..start + 64 * PIECES.len(), 56 + 8 * panel));
    }
    all.push((all.last().unwrap().0.end..file.len(), 104));
    all
}

fn u32_at(file: &[u8], offset: usize) -> usize {
    u32::from_le_bytes(file[offset..offset + 4].try_into().unwrap()) as usize
}

/// Makes every checksum match again, as far as the sections are where they were.
fn forge(file: &mut [u8], layout: &[(std::ops::Range<usize>, usize)]) {
    for (range, field) in layout {
        let checksum = xxh3_64(&file[range.clone()]);
        file[*field..field + 8].copy_from_slice(&checksum.to_le_bytes());
    }
    seal(file);
}

/// Uses whatever was accepted.
fn exercise(file: &[u8]) -> Result<(), TableError> {
    let _ = truncate(file, 64);
    let encoder = Encoder::from_bytes(file, None)?;
    let mut vector = vec![0.0; encoder.dimensions()];
    encoder.encode("one twothree, four! onetwo", &mut Scratch::default(), &mut vector);
    assert!(vector.iter().all(|entry| entry.is_finite()));
    let _ = encoder.project(&[0.5; 3], &mut vector);
    Ok(())
}

#[test]
fn only_whole_files_and_whole_panels_are_accepted() {
    let file = small();
    let layout = sections(&file);
    let accepted: Vec<usize> = (0..=file.len()).filter(|&length| exercise(&file[..length]).is_ok()).collect();
    let panel_ends: Vec<usize> = layout[2..5].iter().map(|(range, _)| range.end).collect();
    assert_eq!(accepted, [panel_ends, vec![file.len()]].concat());

    let longer = [file.as_slice(), &[0]].concat();
    let expected = file.len() as u64;
    assert_eq!(exercise(&longer), Err(TableError::Length { received: expected + 1, expected }));
}

#[test]
fn every_flipped_bit_is_noticed() {
    let file = small();
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << bit;
            assert!(exercise(&damaged).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn bytes_with_forged_checksums_never_panic() {
    let file = small();
    let layout = sections(&file);
    for at in 0..file.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, file[at] ^ 1, file[at].wrapping_add(1)] {
            let mut forged = file.clone();
            forged[at] = value;
            forge(&mut forged, &layout);
            let _ = exercise(&forged);
        }
    }
    // Four bytes at once: huge counts, NaN and infinity among the scales and axes.
    for at in (0..file.len() - 4).step_by(2) {
        for word in [u32::MAX, 0x7fff_ffff, 0x8000_0000, 0x7f80_0000, 0x0001_0000] {
            let mut forged = file.clone();
            forged[at..at + 4].copy_from_slice(&word.to_le_bytes());
            forge(&mut forged, &layout);
            let _ = exercise(&forged);
            seal(&mut forged);
            let _ = exercise(&forged);
        }
    }
}

#[test]
fn an_error_says_what_is_wrong() {
    let file = small();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = file.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let forged = |at: usize, bytes: &[u8]| {
        let mut changed = with(at, bytes);
        forge(&mut changed, &sections(&file));
        changed
    };
    let refusal = |file: &[u8]| Encoder::from_bytes(file, None).unwrap_err();

    assert_eq!(refusal(b""), TableError::NotATable);
    assert_eq!(refusal(&file[..50]), TableError::Length { received: 50, expected: 128 });
    assert_eq!(refusal(&with(8, &[2])), TableError::Version { received: 2, supported: 1 });
    assert_eq!(refusal(&with(12, &[9])), TableError::Checksum(Section::Header));
    for (number, section) in [Section::Vocabulary, Section::Scales, Section::Panel(0)].into_iter().enumerate()
    {
        let at = sections(&file)[number].0.start;
        assert_eq!(refusal(&with(at, &[99])), TableError::Checksum(section));
    }
    let rule = |file: &[u8]| match refusal(file) {
        TableError::Malformed { section, rule } => (section, rule),
        other => panic!("{other}"),
    };
    assert_eq!(rule(&forged(16, &100u32.to_le_bytes())).0, Section::Header);
    assert_eq!(rule(&forged(20, &[32])), (Section::Header, "the panel width is not 64"));
    assert_eq!(rule(&forged(HEADER, &[0])).1, "a piece has no characters or more than 24");
    assert_eq!(rule(&forged(HEADER + 5, b"\xc3")).1, "a character is not printable ASCII");
    assert_eq!(rule(&forged(HEADER + 5, b"twotwo")).1, "a piece occurs twice");
    let scales = sections(&file)[1].0.start;
    assert_eq!(rule(&forged(scales, &f32::NAN.to_le_bytes())).0, Section::Scales);
    let projection = sections(&file)[5].0.start;
    assert_eq!(rule(&forged(projection, &f32::INFINITY.to_le_bytes())).0, Section::Projection);

    assert_eq!(
        TableError::Dimensions { requested: 100, available: 192 }.to_string(),
        "The encoder table has 192 dimensions; asked for 100. Choose a multiple of 64 up to 192."
    );
}

#[test]
fn dimensions_are_multiples_of_64_that_the_file_has() {
    let file = small();
    for requested in [0, 1, 63, 65, 100, 256, usize::MAX] {
        let refused = TableError::Dimensions { requested, available: 192 };
        assert_eq!(Encoder::from_bytes(&file, Some(requested)).unwrap_err(), refused);
        assert_eq!(truncate(&file, requested).unwrap_err(), refused);
    }
    assert!(Encoder::from_bytes(truncate(&file, 64).unwrap(), Some(128)).is_err());
}
