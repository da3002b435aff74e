//! Tokenisation and sums on tables small enough to check by hand.

mod common;

use annywhere_encoder::{Encoder, Scratch, TableError, truncate};

const PIECES: [&str; 14] = [
    "un",
    "##aff",
    "##able",
    "hello",
    "world",
    ",",
    "!",
    "a",
    "b",
    "##b",
    "cafe",
    "ab",
    "abcdefghijklmnopqrstuvwx",
    "1",
];

fn encoder() -> Encoder {
    // Row r is r + 1 in the first column and 1 in the second.
    let entry = |row: usize, column| match column {
        0 => i8::try_from(row + 1).unwrap(),
        1 => 1,
        _ => 0,
    };
    Encoder::from_bytes(&common::table(&PIECES, 64, 0, entry), None).unwrap()
}

fn pieces(text: &str) -> Vec<&'static str> {
    let encoder = encoder();
    let mut scratch = Scratch::default();
    encoder.pieces(text, &mut scratch).iter().map(|&row| PIECES[row as usize]).collect()
}

#[test]
fn a_word_falls_into_its_longest_pieces() {
    assert_eq!(pieces("unaffable"), ["un", "##aff", "##able"]);
    assert_eq!(pieces("ab"), ["ab"], "not a, ##b");
    assert_eq!(pieces("abb"), ["ab", "##b"]);
    assert_eq!(pieces("b b"), ["b", "b"], "a word's first piece is not a continuing one");
}

#[test]
fn case_and_accents_do_not_matter() {
    assert_eq!(pieces("HELLO World"), ["hello", "world"]);
    assert_eq!(pieces("Café"), ["cafe"]);
    assert_eq!(pieces("Cafe\u{301}"), ["cafe"]);
    assert_eq!(pieces("ÀB"), ["ab"]);
}

#[test]
fn punctuation_is_a_word_of_its_own() {
    assert_eq!(pieces("hello,world!"), ["hello", ",", "world", "!"]);
    assert_eq!(pieces("hello—world"), ["hello", "world"], "a dash ends the word though no piece matches it");
    assert_eq!(pieces("¡hello!"), ["hello", "!"]);
}

#[test]
fn a_word_with_an_unknown_part_is_skipped_whole() {
    assert_eq!(pieces("unaffablezz hello"), ["hello"]);
    assert_eq!(pieces("unß hello"), ["hello"]);
    assert_eq!(pieces("hello😀 world"), ["world"]);
}

#[test]
fn white_space_ideographs_and_invisible_characters() {
    assert_eq!(pieces("hello\u{a0}world\u{3000}a\tb\r\n"), ["hello", "world", "a", "b"]);
    assert_eq!(pieces("hello東世world"), ["hello", "world"]);
    assert_eq!(pieces("hel\u{ad}lo wor\u{200b}ld\u{feff}"), ["hello", "world"]);
    assert_eq!(pieces(""), [""; 0]);
    assert_eq!(pieces(" \n\t"), [""; 0]);
}

#[test]
fn pieces_have_at_most_24_characters_and_words_100() {
    assert_eq!(pieces("abcdefghijklmnopqrstuvwx"), ["abcdefghijklmnopqrstuvwx"]);
    let longest = format!("a{}", "b".repeat(99));
    assert_eq!(pieces(&longest).len(), 99, "ab and 98 times ##b");
    assert_eq!(pieces(&format!("{longest}b hello")), ["hello"]);
}

#[test]
fn a_word_of_a_million_characters_takes_linear_time() {
    let word = "a".repeat(1_000_000);
    assert_eq!(pieces(&format!("{word} hello")), ["hello"]);
    let marks = "!".repeat(1_000_000);
    assert_eq!(pieces(&marks).len(), 1_000_000);
}

#[test]
fn a_vector_is_the_unit_sum_of_its_rows() {
    let encoder = encoder();
    let mut vector = vec![9.0; 64];
    // hello is (4, 1), a is (8, 1): the sum of hello, a, a is (20, 3).
    assert_eq!(encoder.encode("hello a A", &mut Scratch::default(), &mut vector), 3);
    let length = 409.0f32.sqrt();
    assert_eq!(vector[..3], [20.0 / length, 3.0 / length, 0.0]);
}

#[test]
fn a_text_without_known_pieces_gives_the_zero_vector() {
    let encoder = encoder();
    let mut vector = vec![9.0; 64];
    assert_eq!(encoder.encode("zebra", &mut Scratch::default(), &mut vector), 0);
    assert_eq!(vector, [0.0; 64]);
}

#[test]
fn rows_that_cancel_give_the_zero_vector() {
    let table = common::table(&["yes", "no"], 64, 0, |row, _| if row == 0 { 1 } else { -1 });
    let encoder = Encoder::from_bytes(&table, None).unwrap();
    let mut vector = vec![9.0; 64];
    assert_eq!(encoder.encode("yes no", &mut Scratch::default(), &mut vector), 0);
    assert_eq!(vector, [0.0; 64]);
}

#[test]
fn a_scratch_carries_nothing_from_text_to_text() {
    let (encoder, mut scratch) = (encoder(), Scratch::default());
    encoder.pieces("unß", &mut scratch);
    assert_eq!(encoder.pieces("hello", &mut scratch), [3]);
}

#[test]
fn a_projection_is_centred_cut_and_of_unit_length() {
    let table = common::table(&PIECES, 128, 100, |_, _| 1);
    let encoder = Encoder::from_bytes(&table, Some(64)).unwrap();
    let mut teacher = vec![0.0; 100];
    (teacher[0], teacher[63], teacher[64]) = (3.0, 4.0, 12.0);
    let mut vector = vec![9.0; 64];
    encoder.project(&teacher, &mut vector).unwrap();
    assert!((vector[0] - 0.6).abs() < 1e-6 && (vector[63] - 0.8).abs() < 1e-6);

    teacher[5] = f32::NAN;
    assert_eq!(encoder.project(&teacher, &mut vector), Err(TableError::NotFinite { index: 5 }));
    assert_eq!(encoder.project(&[0.0; 100], &mut vector), Err(TableError::NoDirection));
    assert_eq!(
        encoder.project(&[1.0; 99], &mut vector),
        Err(TableError::VectorLength { expected: 100, received: 99 })
    );
    assert_eq!(
        encoder.project(&[1.0; 100], &mut [0.0; 3]),
        Err(TableError::VectorLength { expected: 64, received: 3 })
    );
    let prefix = Encoder::from_bytes(truncate(&table, 64).unwrap(), None).unwrap();
    assert_eq!(prefix.project(&teacher, &mut vector), Err(TableError::NoProjection));
}
