//! The shipped table against the Python reference (`pkg-scripts/distill/reference.py` wrote `golden.jsonl`).

mod common;

use annywhere_encoder::{Encoder, Scratch, truncate};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The reference sums in f64 and rounds to six digits.
const TOLERANCE: f32 = 1e-5;

struct Fixture {
    /// The columns of a vector that are in the file.
    columns: Vec<usize>,
    /// 1, −1/2, 1/3, … as a teacher vector, projected.
    projected: Vec<f32>,
    cases: Vec<Case>,
}

struct Case {
    text: String,
    pieces: Vec<u32>,
    values: Vec<f32>,
}

fn fixture() -> Fixture {
    let mut lines =
        include_str!("golden.jsonl").lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let head = lines.next().unwrap();
    Fixture {
        columns: parse(&head["columns"]),
        projected: parse(&head["projected"]),
        cases: lines
            .map(|case| Case {
                text: parse(&case["text"]),
                pieces: parse(&case["pieces"]),
                values: parse(&case["values"]),
            })
            .collect(),
    }
}

fn parse<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}
#[test]
fn pieces_and_vectors_are_those_of_the_reference() {
    let encoder = Encoder::from_bytes(&common::shipped(), None).unwrap();
    let (fixture, mut scratch) = (fixture(), Scratch::default());
    let mut vector = vec![f32::NAN; encoder.dimensions()];
    assert!(fixture.cases.len() >= 50);
    for Case { text, pieces, values } in &fixture.cases {
        assert_eq!(encoder.pieces(text, &mut scratch), pieces, "pieces of {text:?}");
        assert_eq!(encoder.encode(text, &mut scratch, &mut vector), pieces.len(), "{text:?}");
        for (&column, expected) in fixture.columns.iter().zip(values) {
            let received = vector[column];
            assert!(
                (received - expected).abs() <= TOLERANCE,
                "{text:?} [{column}]: {received}, expected {expected}"
            );
        }
    }
}

#[test]
fn a_projected_teacher_vector_is_that_of_the_reference() {
    let encoder = Encoder::from_bytes(&common::shipped(), None).unwrap();
    let fixture = fixture();
    let mut sign = -1.0;
    let teacher: Vec<f32> = (1u16..=384)
        .map(|index| {
            sign = -sign;
            sign / f32::from(index)
        })
        .collect();
    let mut vector = vec![f32::NAN; encoder.dimensions()];
    encoder.project(&teacher, &mut vector).unwrap();
    for (&column, expected) in fixture.columns.iter().zip(&fixture.projected) {
        assert!((vector[column] - expected).abs() <= TOLERANCE);
    }
}

#[test]
fn a_prefix_gives_the_first_columns_renormalised() {
    let file = common::shipped();
    let full = Encoder::from_bytes(&file, None).unwrap();
    let text = "a person who loves books";
    let mut scratch = Scratch::default();
    let mut whole = vec![0.0; full.dimensions()];
    full.encode(text, &mut scratch, &mut whole);
    for dimensions in [64, 128, 192, 256] {
        let prefix = truncate(&file, dimensions).unwrap();
        let encoder = Encoder::from_bytes(prefix, None).unwrap();
        assert_eq!((encoder.dimensions(), encoder.token_count()), (dimensions, full.token_count()));
        assert!(!encoder.has_projection());
        let mut vector = vec![0.0; dimensions];
        encoder.encode(text, &mut scratch, &mut vector);

        let length = whole[..dimensions].iter().map(|entry| entry * entry).sum::<f32>().sqrt();
        for (entry, from_whole) in vector.iter().zip(&whole) {
            assert!((entry - from_whole / length).abs() <= 1e-6);
        }

        // Fewer dimensions of the full file are the same encoder, and keep the projection.
        let cut = Encoder::from_bytes(&file, Some(dimensions)).unwrap();
        let mut again = vec![0.0; dimensions];
        cut.encode(text, &mut scratch, &mut again);
        assert_eq!(vector, again);
        cut.project(&[1.0; 384], &mut again).unwrap();
    }
}

#[test]
fn the_same_bits_on_every_platform() {
    // Recorded on x86-64; the same test runs as WebAssembly.
    const EXPECTED: u64 = 7_303_857_609_573_787_111;
    let encoder = Encoder::from_bytes(&common::shipped(), None).unwrap();
    let (fixture, mut scratch) = (fixture(), Scratch::default());
    let mut vector = vec![0.0; encoder.dimensions()];
    let mut bits = Vec::new();
    for case in &fixture.cases {
        encoder.encode(&case.text, &mut scratch, &mut vector);
        bits.extend(vector.iter().flat_map(|entry| entry.to_le_bytes()));
    }
    encoder.project(&[0.3; 384], &mut vector).unwrap();
    bits.extend(vector.iter().flat_map(|entry| entry.to_le_bytes()));
    assert_eq!(xxhash_rust::xxh3::xxh3_64(&bits), EXPECTED);
}
