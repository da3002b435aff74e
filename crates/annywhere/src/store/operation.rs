//! What a frame of the journal says: a change as it was asked for, never what it did to the index.
//!
//! Replaying a frame is making the same call again. The same calls give the same database, so a reopened store goes on as
//! if it had never been closed. A new kind of change is a new variant here, and a line in `FORMAT.md`.

use crate::database::Database;
use crate::error::Error;

/// A change of a database. The numbers of the kinds are part of the format.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operation<'a> {
    /// Kind 1: u32 length of the rows' text, the text, zeros up to a multiple of 4, then the vectors as f32.
    Insert { rows: &'a str, vectors: &'a [f32] },
    /// Kind 2: the ids as a JSON array.
    Delete { ids: &'a [&'a str] },
}

const INSERT: u8 = 1;
const DELETE: u8 = 2;

impl Operation<'_> {
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Insert { .. } => INSERT,
            Self::Delete { .. } => DELETE,
        }
    }

    /// Appends the payload of the frame.
    pub(super) fn encode(&self, frame: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Insert { rows, vectors } => {
                let vectors: &[u8] = bytemuck::cast_slice(vectors);
                let bytes = rows.len() + vectors.len() + 8;
                frame.try_reserve_exact(bytes).map_err(|_| Error::OutOfMemory { bytes })?;
                let text = u32::try_from(rows.len()).map_err(|_| too_large(rows.len()))?;
                frame.extend_from_slice(&text.to_le_bytes());
                frame.extend_from_slice(rows.as_bytes());
                frame.resize(frame.len() + rows.len().next_multiple_of(4) - rows.len(), 0);
                frame.extend_from_slice(vectors);
            }
            Self::Delete { ids } => {
                let ids = serde_json::to_vec(ids).expect("strings always become JSON");
                frame.extend_from_slice(&ids);
            }
        }
        Ok(())
    }
}

/// Makes the change that a frame says.
pub(super) fn replay(kind: u8, payload: &[u8], database: &mut Database) -> Result<(), Error> {
    let damaged = || Error::corrupt("journal", "a frame's checksum is right and its content is not");
    match kind {
        INSERT => {
            let (length, rest) = payload.split_first_chunk().ok_or_else(damaged)?;
            let length = u32::from_le_bytes(*length) as usize;
            let (rows, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
            let vectors = rest.get(length.next_multiple_of(4) - length..).ok_or_else(damaged)?;
            let rows = str::from_utf8(rows).map_err(|_| damaged())?;
            if !vectors.len().is_multiple_of(4) {
                return Err(damaged());
            }
            // Frames are as large as batches: where there is no room for one, that is an error and no abort.
            let mut numbers: Vec<f32> = Vec::new();
            let bytes = vectors.len();
            numbers.try_reserve_exact(bytes / 4).map_err(|_| Error::OutOfMemory { bytes })?;
            numbers.resize(bytes / 4, 0.0);
            bytemuck::cast_slice_mut(&mut numbers).copy_from_slice(vectors);
            database.insert(rows, &numbers).map_err(refused)
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
