//! What a file says of its vectors.

use annywhere::{Config, Database};

fn config(embedding: Option<&str>) -> Config {
    Config { dimensions: 2, embedding: embedding.map(str::to_owned), ..Config::default() }
}

fn file(embedding: Option<&str>) -> Vec<u8> {
    let mut database = Database::new(&config(embedding)).unwrap();
    database.insert(r#"[["a",null]]"#, &[1.0, 0.0]).unwrap();
    database.to_bytes().unwrap()
}

#[test]
fn a_file_keeps_which_vectors_it_holds_and_refuses_others() {
    let bytes = file(Some("model 1"));
    for asked in [None, Some("model 1")] {
        let mut database = Database::read(&bytes.as_slice(), &config(asked)).unwrap();
        assert_eq!(database.stats().embedding.as_deref(), Some("model 1"));
        database.reindex(&config(Some("another"))).unwrap();
        assert_eq!(database.to_bytes().unwrap(), bytes, "an index changes nothing about the vectors");
    }
    let error = Database::read(&bytes.as_slice(), &config(Some("model 2"))).unwrap_err();
    assert_eq!(error.code(), "Mismatch");
    assert_eq!(
        Database::read(&file(None).as_slice(), &config(Some("model 2"))).unwrap_err().code(),
        "Mismatch"
    );
}

#[test]
fn a_file_without_it_has_no_byte_of_it() {
    let bytes = file(None);
    assert!(!bytes.windows(9).any(|window| window == b"embedding"));
}

#[test]
fn it_has_a_length_within_bounds() {
    for length in [0, 4_097] {
        let error = Database::new(&config(Some(&"x".repeat(length)))).unwrap_err();
        assert_eq!(error.code(), "InvalidOption");
    }
}
