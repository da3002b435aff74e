//! What a frame of the journal says: a change as it was asked for, never what it did to the index.
//!
//! Replaying a frame is making the same call again. The same calls give the same database, so a reopened store goes on as
//! if it had never been closed. A new kind of change is a new variant here, and a line in `FORMAT.md`.

use serde_json::value::RawValue;

use crate::database::Database;
use crate::error::Error;

/// A change of a database. The numbers of the kinds are part of the format.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operation<'a> {
    /// Kind 1: u32 length of the rows' text, the text, zeros up to a multiple of 4, then the vectors as f32.
    Insert { rows: &'a str, vectors: &'a [f32] },
    /// Kind 2: the ids as a JSON array.
    Delete { ids: &'a [&'a str] },
    /// Kind 3: u32 length of a text, the JSON array of the id and, if it changes, the metadata's change; the text, zeros up to a
    /// multiple of 4, then the vector as f32 if it changes.
    Update { id: &'a str, metadata: Option<&'a str>, vector: Option<&'a [f32]> },
}

const INSERT: u8 = 1;
const DELETE: u8 = 2;
const UPDATE: u8 = 3;

impl Operation<'_> {
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Insert { .. } => INSERT,
            Self::Delete { .. } => DELETE,
            Self::Update { .. } => UPDATE,
        }
    }

    /// Appends the payload of the frame.
    pub(super) fn encode(&self, frame: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Insert { rows, vectors } => encode_text_and_numbers(rows, vectors, frame)?,
            Self::Update { id, metadata, vector } => {
                let id = serde_json::to_string(id).expect("strings always become JSON");
                let text = match metadata {
                    Some(change) => format!("[{id},{change}]"),
                    None => format!("[{id}]"),
                };
                encode_text_and_numbers(&text, vector.unwrap_or_default(), frame)?;
            }
            Self::Delete { ids } => {
                let ids = serde_json::to_vec(ids).expect("strings always become JSON");
                frame.extend_from_slice(&ids);
            }
        }
        Ok(())
    }
}

fn encode_text_and_numbers(text: &str, numbers: &[f32], frame: &mut Vec<u8>) -> Result<(), Error> {
    let numbers: &[u8] = bytemuck::cast_slice(numbers);
    let bytes = text.len() + numbers.len() + 8;
    frame.try_reserve_exact(bytes).map_err(|_| Error::OutOfMemory { bytes })?;
    let length = u32::try_from(text.len()).map_err(|_| too_large(text.len()))?;
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(text.as_bytes());
    frame.resize(frame.len() + text.len().next_multiple_of(4) - text.len(), 0);
    frame.extend_from_slice(numbers);
    Ok(())
}

/// `None` for a payload that is not a text with numbers behind it.
fn decode_text_and_numbers(payload: &[u8]) -> Option<Result<(&str, Vec<f32>), Error>> {
    let (length, rest) = payload.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    let (text, rest) = rest.split_at_checked(length)?;
    let bytes = rest.get(length.next_multiple_of(4) - length..)?;
    let text = str::from_utf8(text).ok()?;
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    // Frames are as large as batches: where there is no room for one, that is an error and no abort.
    let mut numbers: Vec<f32> = Vec::new();
    if numbers.try_reserve_exact(bytes.len() / 4).is_err() {
        return Some(Err(Error::OutOfMemory { bytes: bytes.len() }));
    }
    numbers.resize(bytes.len() / 4, 0.0);
    bytemuck::cast_slice_mut(&mut numbers).copy_from_slice(bytes);
    Some(Ok((text, numbers)))
}

/// Makes the change that a frame says.
pub(super) fn replay(kind: u8, payload: &[u8], database: &mut Database) -> Result<(), Error> {
    let damaged = || Error::corrupt("journal", "a frame's checksum is right and its content is not");
    match kind {
        INSERT => {
            let (rows, numbers) = decode_text_and_numbers(payload).ok_or_else(damaged)??;
            database.insert(rows, &numbers).map_err(refused)
        }
        UPDATE => {
            let (text, vector) = decode_text_and_numbers(payload).ok_or_else(damaged)??;
            let parts: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| damaged())?;
            let id: String =
                parts.first().and_then(|id| serde_json::from_str(id.get()).ok()).ok_or_else(damaged)?;
            let metadata = parts.get(1).map(|change| change.get());
            let vector = Some(vector.as_slice()).filter(|vector| !vector.is_empty());
            database.update(&id, metadata, vector).map_err(refused).map(|_| ())
        }
        DELETE => {
            let ids: Vec<String> = serde_json::from_slice(payload).map_err(|_| damaged())?;
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            database.delete(&ids).map_err(refused).map(|_| ())
        }
        _ => {
            let reason = format!("a frame has the kind {kind}, which only a newer version knows");
            Err(Error::corrupt("journal", reason))
        }
    }
}

/// What the database accepted once it accepts again, if the frame is genuine.
fn refused(error: Error) -> Error {
    match error {
        Error::OutOfMemory { .. } => error,
        other => Error::corrupt("journal", format!("a frame's change is refused: {other}")),
    }
}

pub(super) fn too_large(bytes: usize) -> Error {
    let reason = format!("{bytes} bytes are more than one change may have, 4 GiB; use several batches");
    Error::InvalidArgument { argument: "rows".to_owned(), reason }
}
