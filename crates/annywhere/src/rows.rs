//! Rows as they come from a shell: JSON text `[["id", {metadata}], ["id", null], …]`, checked before anything changes.

use std::borrow::Cow;

use hashbrown::HashTable;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::Error;
use crate::slots::Slot;
use crate::texts::Texts;

/// Longest id in UTF-8 bytes.
const LONGEST_ID: usize = 65_535;
/// Metadata of a row without any; not stored.
const NO_METADATA: &str = "{}";

/// One row without its vector: an id, and metadata as the JSON text that was given.
#[derive(Debug, Deserialize)]
pub(crate) struct Row<'a>(#[serde(borrow)] Cow<'a, str>, #[serde(borrow)] Option<&'a RawValue>);

impl Row<'_> {
    pub(crate) fn id(&self) -> &str {
        &self.0
    }

    /// The metadata's text, empty if there is none.
    pub(crate) fn metadata(&self) -> &str {
        match self.1.map(RawValue::get) {
            Some(NO_METADATA) | None => "",
            Some(text) => text,
        }
    }
}

/// Stored metadata as users see it: a row without any has an empty object.
pub(crate) fn metadata_or_empty(stored: &str) -> &str {
    if stored.is_empty() { NO_METADATA } else { stored }
}

/// The metadata of a slot as users see it.
///
/// # Errors
/// [`Error::Corrupt`] if it is read from a file and is not a JSON object, or whatever the file reports.
pub(crate) fn read_metadata(stored: &Texts, slot: Slot) -> Result<Cow<'_, str>, Error> {
    match stored.read(slot as usize)? {
        Cow::Borrowed(text) => Ok(Cow::Borrowed(metadata_or_empty(text))),
        Cow::Owned(text) if text.is_empty() => Ok(Cow::Borrowed(NO_METADATA)),
        Cow::Owned(text) if is_json_object(&text) => Ok(Cow::Owned(text)),
        Cow::Owned(_) => Err(Error::corrupt("metadata", format!("that of slot {slot} is not a JSON object"))),
    }
}

/// Whether the text is one JSON object, as metadata must be.
pub(crate) fn is_json_object(text: &str) -> bool {
    text.starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Reads and checks the rows of a batch.
///
/// # Errors
/// [`Error::InvalidArgument`] if the text has another shape; [`Error::InvalidId`], [`Error::InvalidMetadata`] and
/// [`Error::DuplicateId`] with the row's index.
pub(crate) fn parse(text: &str) -> Result<Vec<Row<'_>>, Error> {
    let rows: Vec<Row<'_>> = serde_json::from_str(text)
        .map_err(|error| Error::InvalidArgument { argument: "rows".to_owned(), reason: error.to_string() })?;
    let mut seen: HashTable<usize> = HashTable::with_capacity(rows.len());
    let hash = |row: usize| xxh3_64(rows[row].id().as_bytes());
    for (index, row) in rows.iter().enumerate() {
        let length = row.id().len();
        if length == 0 {
            return Err(Error::InvalidId { row: index, reason: "is empty".to_owned() });
        }
        if length > LONGEST_ID {
            let reason = format!("has {length} bytes, more than {LONGEST_ID}");
            return Err(Error::InvalidId { row: index, reason });
        }
        if row.1.is_some_and(|metadata| !metadata.get().starts_with('{')) {
            return Err(Error::InvalidMetadata { row: index, reason: "is not a JSON object".to_owned() });
        }
        if let Some(&first) = seen.find(hash(index), |&other| rows[other].id() == row.id()) {
            return Err(Error::DuplicateId { id: row.id().to_owned(), first, second: index });
        }
        seen.insert_unique(hash(index), index, |&other| hash(other));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_bad_ones_named() {
        let rows = parse(r#"[["a",{"x":[1,{"__proto__":2}]}],["b\u0041",null],["c",{}]]"#).unwrap();
        let parts: Vec<_> = rows.iter().map(|row| (row.id(), row.metadata())).collect();
        assert_eq!(parts, [("a", r#"{"x":[1,{"__proto__":2}]}"#), ("bA", ""), ("c", "")]);
        for (text, code) in [
            ("[", "InvalidArgument"),
            (r#"[["a"]]"#, "InvalidArgument"),
            (r#"[["a",null,1]]"#, "InvalidArgument"),
            (r#"[[1,null]]"#, "InvalidArgument"),
            (r#"[["",null]]"#, "InvalidId"),
            (r#"[["a",[1]]]"#, "InvalidMetadata"),
            (r#"[["a",null],["b",null],["\u0061",{}]]"#, "DuplicateId"),
        ] {
            assert_eq!(parse(text).unwrap_err().code(), code, "{text}");
        }
        let long = format!(r#"[["{}",null]]"#, "x".repeat(LONGEST_ID + 1));
        assert_eq!(parse(&long).unwrap_err().code(), "InvalidId");
    }
}
