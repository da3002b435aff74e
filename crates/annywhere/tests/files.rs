//! Files: they come back whole, and no damaged or foreign bytes do harm.

mod support;

use annywhere::{Config, Database, Error, Index, Metric, Quantization, SearchParams, Source};
use support::{Random, config, filled, graph, ids};

fn small(quantization: Quantization) -> (Config, Database) {
    let config = Config { quantization: Some(quantization), ..graph(5, Metric::Euclidean) };
    let mut random = Random(3);
    let vectors: Vec<Vec<f32>> = (0..40).map(|_| (0..5).map(|_| random.real()).collect()).collect();
    let mut database = filled(&config, &vectors);
    database.insert(r#"[["7",{"title":"größer"}],["new",{"a":[1,2]}]]"#, &[0.5; 10]).unwrap();
    database.delete(&["3", "11"]).unwrap();
    (config, database)
}

fn everything(database: &Database) -> Vec<String> {
    ids(
        database,
        &[0.1, 0.2, 0.3, 0.4, 0.5],
        &SearchParams { k: 100, exact: true, ..SearchParams::default() },
    )
}

/// Enough rows that a scan codes them.
fn scanned(quantization: Quantization) -> (Config, Database) {
    let config = Config { quantization: Some(quantization), ..config(5, Metric::Euclidean) };
    let mut random = Random(4);
    let vectors: Vec<Vec<f32>> = (0..1_200).map(|_| (0..5).map(|_| random.real()).collect()).collect();
    let mut database = filled(&config, &vectors);
    database.insert(r#"[["7",{"title":"größer"}],["new",{"a":[1,2]}]]"#, &[0.5; 10]).unwrap();
    database.delete(&["3", "11"]).unwrap();
    (config, database)
}

const RABITQ: Quantization = Quantization::Rabitq { bits: Some(4) };
const PRODUCT: Quantization = Quantization::Product { subspaces: Some(4), k: Some(16) };

#[test]
fn a_scanned_file_gives_the_database_back_and_goes_on_as_the_original() {
    for quantization in [RABITQ, PRODUCT] {
        let (config, mut database) = scanned(quantization);
        let bytes = database.to_bytes().unwrap();
        let mut reopened = Database::read(&bytes.as_slice(), &config).unwrap();
        assert_eq!(reopened.to_bytes().unwrap(), bytes);
        assert_eq!(everything(&reopened), everything(&database));
        let mut random = Random(9);
        for round in 0..40 {
            let vectors: Vec<f32> = (0..100).map(|_| random.real()).collect();
            let names: Vec<String> = (0..20).map(|row| format!("{round}-{row}")).collect();
            for database in [&mut database, &mut reopened] {
                database.insert(&support::ids_json(names.iter().map(String::as_str)), &vectors).unwrap();
                database.delete(&[(round * 7 % 40).to_string().as_str()]).unwrap();
            }
        }
        assert_eq!(reopened.to_bytes().unwrap(), database.to_bytes().unwrap());
    }
}

#[test]
fn damage_to_a_scanned_file_does_not_go_unnoticed() {
    for quantization in [RABITQ, PRODUCT] {
        let (config, database) = scanned(quantization);
        let bytes = database.to_bytes().unwrap();
        let mut damaged = bytes.clone();
        for at in (0..bytes.len()).step_by(61) {
            damaged[at] ^= 0x10;
            match Database::read(&damaged.as_slice(), &config) {
                Ok(_) => assert_eq!(bytes[at], 0, "byte {at} matters"),
                Err(error) => assert!(matches!(error.code(), "Corrupt" | "VersionTooNew"), "{at}: {error}"),
            }
            damaged[at] = bytes[at];
        }
    }
}

#[test]
fn a_file_gives_the_database_back() {
    for quantization in [Quantization::None, Quantization::Scalar] {
        let (config, database) = small(quantization);
        let bytes = database.to_bytes().unwrap();
        let reopened = Database::read(&bytes.as_slice(), &config).unwrap();
        assert_eq!(everything(&reopened), everything(&database));
        assert_eq!(reopened.get("7").unwrap().unwrap().metadata, r#"{"title":"größer"}"#);
        assert_eq!(*reopened.get("7").unwrap().unwrap().vector, [0.5; 5]);
        assert!(reopened.get("3").unwrap().is_none());
        assert_eq!(reopened.stats().deleted, database.stats().deleted);
    }
}

#[test]
fn an_empty_database_has_a_file_too() {
    let config = config(9, Metric::Cosine);
    let bytes = Database::new(&config).unwrap().to_bytes().unwrap();
    let mut reopened = Database::read(&bytes.as_slice(), &config).unwrap();
    reopened.insert(r#"[["a",null]]"#, &[1.0; 9]).unwrap();
    assert_eq!(reopened.len(), 1);
}

#[test]
fn a_reopened_database_goes_on_exactly_as_the_original() {
    let (config, mut database) = small(Quantization::Scalar);
    let mut reopened = Database::read(&database.to_bytes().unwrap().as_slice(), &config).unwrap();
    let mut random = Random(8);
    for round in 0..30 {
        let vector: Vec<f32> = (0..5).map(|_| random.real()).collect();
        for database in [&mut database, &mut reopened] {
            database.insert(&format!(r#"[["{round}",null]]"#), &vector).unwrap();
            database.delete(&[(round * 7 % 40).to_string().as_str()]).unwrap();
        }
    }
    assert_eq!(reopened.to_bytes().unwrap(), database.to_bytes().unwrap());
}

#[test]
fn options_that_contradict_the_file_are_refused() {
    let (_, database) = small(Quantization::Scalar);
    let bytes = database.to_bytes().unwrap();
    for asked in [
        config(6, Metric::Euclidean),
        config(5, Metric::Cosine),
        Config { quantization: Some(Quantization::None), ..config(5, Metric::Euclidean) },
        Config { index: Some(Index::Scan), ..config(5, Metric::Euclidean) },
    ] {
        assert_eq!(Database::read(&bytes.as_slice(), &asked).unwrap_err().code(), "Mismatch");
    }
    let silent = Config { dimensions: 5, ..Config::default() };
    let reopened = Database::read(&bytes.as_slice(), &silent).unwrap();
    assert_eq!(
        reopened.options().distance_metric,
        Metric::Euclidean,
        "what is not asked for comes from the file"
    );
}

/// Damage is found: every shorter file and every flipped bit that matters is an error; gaps between sections are the
/// only bytes that nobody reads.
#[test]
fn no_truncation_and_no_flipped_byte_goes_unnoticed_or_does_harm() {
    for quantization in [Quantization::None, Quantization::Scalar] {
        let (config, database) = small(quantization);
        let (bytes, expected) = (database.to_bytes().unwrap(), everything(&database));
        for length in (0..bytes.len()).step_by(97).chain(bytes.len() - 70..bytes.len()) {
            let error = Database::read(&&bytes[..length], &config).unwrap_err();
            assert!(matches!(error, Error::Corrupt { .. }), "{length}: {error}");
        }
        let mut damaged = bytes.clone();
        for at in 0..bytes.len() {
            damaged[at] ^= 0x10;
            match Database::read(&damaged.as_slice(), &config) {
                Ok(read) => {
                    assert_eq!(everything(&read), expected, "byte {at}");
                    assert_eq!(bytes[at], 0, "byte {at} matters");
                }
                Err(error) => assert!(matches!(error.code(), "Corrupt" | "VersionTooNew"), "{at}: {error}"),
            }
            damaged[at] = bytes[at];
        }
    }
}

#[test]
fn foreign_bytes_are_refused() {
    for bytes in [&b""[..], b"SQLite format 3\0", &[0; 10_000], &[0xFF; 200]] {
        let error = Database::read(&bytes, &config(5, Metric::Cosine)).unwrap_err();
        assert_eq!(error.code(), "Corrupt", "{error}");
    }
}

/// A source that claims to be endless: sizes in the file must not be believed before they are compared with it.
struct Endless(Vec<u8>);

impl Source for Endless {
    fn len(&self) -> u64 {
        u64::MAX
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        buffer.fill(0);
        let start = (offset as usize).min(self.0.len());
        let end = (start + buffer.len()).min(self.0.len());
        buffer[..end - start].copy_from_slice(&self.0[start..end]);
        Ok(())
    }
}

#[test]
fn a_source_of_another_length_than_the_file_is_refused() {
    let (config, database) = small(Quantization::Scalar);
    let error = Database::read(&Endless(database.to_bytes().unwrap()), &config).unwrap_err();
    assert_eq!(error.code(), "Corrupt");
}
