//! The superblock: two slots in one file, of which the valid one with the higher generation says what the store is.
//!
//! A new generation is written into the slot that does not hold the present one, so a torn write leaves the present one.

use xxhash_rust::xxh3::xxh3_64;

use super::backend::Backend;
use super::journal::HIGHEST_NUMBER;
use super::segment::{u32_at, u64_at};
use crate::error::Error;

pub(super) const NAME: &str = "superblock";
pub(super) const MAGIC: [u8; 12] = *b"\x89ANNS\r\n\x1a\n\0\0\0";
const VERSION: u32 = 1;
/// Bytes of a slot; less than a sector, which no disk tears.
pub(super) const SLOT_BYTES: usize = 128;
/// Slots are far apart, so that damage to one does not reach the other, and later versions have room for more.
const SLOT_PITCH: u64 = 32 * 1024;
pub(super) const FILE_BYTES: u64 = 2 * SLOT_PITCH;
const CHECKSUM_AT: usize = SLOT_BYTES - 8;

/// What the store is: the number of its state, and the segment it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Superblock {
    pub(super) generation: u64,
    pub(super) segment_bytes: u64,
    pub(super) content_id: u128,
}

/// What stands in one slot.
#[derive(Debug)]
pub(super) enum Slot {
    /// Only zeros, or no bytes at all.
    Empty,
    Valid {
        superblock: Superblock,
        /// False if a newer version has added what a reader may ignore but a writer may not.
        writable: bool,
    },
    /// Its checksum is right, and a newer version wrote it.
    Newer(Error),
    /// Beside an empty slot: a part of what is written into a new superblock.
    Torn,
    Damaged,
}

impl Superblock {
    fn to_bytes(self) -> [u8; SLOT_BYTES] {
        let mut bytes = [0; SLOT_BYTES];
        bytes[0..12].copy_from_slice(&MAGIC);
        bytes[12..16].copy_from_slice(&VERSION.to_le_bytes());
        // Bytes 16..32: the flags, as in a segment; all zero so far.
        bytes[32..40].copy_from_slice(&self.generation.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.segment_bytes.to_le_bytes());
        bytes[48..64].copy_from_slice(&self.content_id.to_le_bytes());
        let checksum = xxh3_64(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Writes the slot of this generation and makes it durable.
    pub(super) fn publish<B: Backend>(self, backend: &mut B) -> Result<(), Error> {
        self.publish_in(self.generation & 1, backend)
    }

    /// Overwrites the other slot too, because what that names is no way back.
    pub(super) fn publish_twice<B: Backend>(self, backend: &mut B) -> Result<(), Error> {
        self.publish(backend)?;
        self.publish_in((self.generation + 1) & 1, backend)
    }

    fn publish_in<B: Backend>(self, slot: u64, backend: &mut B) -> Result<(), Error> {
        backend.write_at(NAME, slot * SLOT_PITCH, &self.to_bytes())?;
        backend.flush(NAME)
    }
}

impl Slot {
    fn from_bytes(bytes: &[u8; SLOT_BYTES]) -> Self {
        if *bytes == [0; SLOT_BYTES] {
            return Self::Empty;
        }
        if bytes[..12] != MAGIC || u64_at(bytes, CHECKSUM_AT) != xxh3_64(&bytes[..CHECKSUM_AT]) {
            return Self::Damaged;
        }
        if u64_at(bytes, 32) > HIGHEST_NUMBER {
            return Self::Damaged;
        }
        let found = u32_at(bytes, 12);
        if found > VERSION {
            return Self::Newer(Error::VersionTooNew { found, supported: VERSION });
        }
        if u32_at(bytes, 16) != 0 {
            let reason = "it needs features that this version does not have";
            return Self::Newer(Error::corrupt("superblock", reason));
        }
        let superblock = Superblock {
            generation: u64_at(bytes, 32),
            segment_bytes: u64_at(bytes, 40),
            content_id: u128::from_le_bytes(bytes[48..64].try_into().expect("sixteen bytes")),
        };
        Self::Valid { superblock, writable: u32_at(bytes, 20) == 0 }
    }
}

/// Both slots; empty ones if there is no file.
pub(super) fn read<B: Backend>(backend: &B) -> Result<[Slot; 2], Error> {
    let there = backend.size(NAME)?.unwrap_or(0);
    let slot = |index: u64| -> Result<Slot, Error> {
        let begin = index * SLOT_PITCH;
        let mut bytes = [0; SLOT_BYTES];
        let whole = (SLOT_BYTES as u64).min(there.saturating_sub(begin));
        if whole > 0 {
            backend.read_at(NAME, begin, &mut bytes[..whole as usize])?;
        }
        Ok(Slot::from_bytes(&bytes))
    };
    // A new superblock gets its second slot first.
    match [slot(0)?, slot(1)?] {
        [Slot::Empty, Slot::Damaged] if there == FILE_BYTES && is_part(backend)? => {
            Ok([Slot::Empty, Slot::Torn])
        }
        slots => Ok(slots),
    }
}

/// Whether the second slot begins as one does, or not at all.
fn is_part<B: Backend>(backend: &B) -> Result<bool, Error> {
    let mut start = MAGIC;
    backend.read_at(NAME, SLOT_PITCH, &mut start)?;
    Ok(start == MAGIC || start == [0; MAGIC.len()])
}
