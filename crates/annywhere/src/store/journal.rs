//! The journal: the changes since the segment was written, one frame after the other.
//!
//! A frame carries the checksum of the one before and its own, so that a frame counts only as the continuation of this
//! journal. Reading stops at the first frame that does not; what follows is what a crash tore, and is cut off before
//! anything else is written. A frame also says how many changes were known to be flushed when it was written: a broken
//! frame before that mark is no torn tail but damage, and reported.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::backend::Backend;
use super::operation::{Operation, too_large};
use super::segment::{try_zeroed, u32_at, u64_at};
use crate::error::Error;

const MAGIC: [u8; 12] = *b"\x89ANNJ\r\n\x1a\n\0\0\0";
const VERSION: u32 = 1;
/// No store lives to make more generations or changes, and numbers can be counted up from there.
pub(super) const HIGHEST_NUMBER: u64 = 1 << 62;
pub(super) const HEADER_BYTES: u64 = 128;
const FRAME_BYTES: usize = 40;
const ALIGNMENT: usize = 8;
/// Where a frame's own checksum stands; it covers what is before and the payload.
const CHECK_AT: usize = 32;

/// What a journal says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// That of the superblock and the segment it continues.
    pub(super) generation: u64,
    /// The checksum at which the journal of the generation before ended, if this one continues it too; else 0.
    pub(super) before: u64,
    /// Of the segment.
    pub(super) content_id: u128,
    /// Number of the first change in it.
    pub(super) first: u64,
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER_BYTES as usize] {
        let mut bytes = [0; HEADER_BYTES as usize];
        bytes[0..12].copy_from_slice(&MAGIC);
        bytes[12..16].copy_from_slice(&VERSION.to_le_bytes());
        // Bytes 16..32: the flags, as in a segment; all zero so far.
        bytes[32..40].copy_from_slice(&self.generation.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.before.to_le_bytes());
        bytes[48..64].copy_from_slice(&self.content_id.to_le_bytes());
        bytes[64..72].copy_from_slice(&self.first.to_le_bytes());
        let checksum = xxh3_64(&bytes[..120]);
        bytes[120..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; HEADER_BYTES as usize]) -> Result<Self, Error> {
        if bytes[..12] != MAGIC || u64_at(bytes, 120) != xxh3_64(&bytes[..120]) {
            return Err(Error::corrupt("journal", "its header is damaged"));
        }
        let found = u32_at(bytes, 12);
        if found > VERSION {
            return Err(Error::VersionTooNew { found, supported: VERSION });
        }
        if u32_at(bytes, 16) != 0 {
            return Err(Error::corrupt("journal", "it needs features that this version does not have"));
        }
        if u64_at(bytes, 32).max(u64_at(bytes, 64)) > HIGHEST_NUMBER {
            return Err(Error::corrupt("journal", "its numbers are higher than anybody can have counted"));
        }
        Ok(Self {
            generation: u64_at(bytes, 32),
            before: u64_at(bytes, 40),
            content_id: u128::from_le_bytes(bytes[48..64].try_into().expect("sixteen bytes")),
            first: u64_at(bytes, 64),
        })
    }

    /// What the first frame carries as the checksum before it.
    fn check(self) -> u64 {
        u64_at(&self.to_bytes(), 120)
    }
}

/// A journal that has been read to its end, or made, and can be appended to.
#[derive(Debug)]
pub(super) struct Journal {
    pub(super) name: String,
    pub(super) header: Header,
    /// Where the next frame goes.
    pub(super) end: u64,
    /// Checksum of the last frame, or the header's.
    pub(super) last: u64,
    /// Number of the next change.
    pub(super) next: u64,
    /// Changes before this one are known to be flushed.
    pub(super) flushed: u64,
}

impl Journal {
    /// A journal without frames.
    pub(super) fn begin(name: String, header: Header) -> Self {
        let next = header.first;
        Self { name, header, end: HEADER_BYTES, last: header.check(), next, flushed: next }
    }

    /// Writes the header of a new journal and makes it durable.
    pub(super) fn create<B: Backend>(&self, backend: &mut B) -> Result<(), Error> {
        backend.set_len(&self.name, HEADER_BYTES)?;
        backend.write_at(&self.name, 0, &self.header.to_bytes())?;
        backend.flush(&self.name)
    }

    /// Bytes of frames.
    pub(super) fn bytes(&self) -> u64 {
        self.end - HEADER_BYTES
    }

    /// Writes the frame of a change.
    pub(super) fn append<B: Backend>(&mut self, backend: &mut B, change: Operation<'_>) -> Result<(), Error> {
        let mut frame = vec![0; FRAME_BYTES];
        change.encode(&mut frame)?;
        let payload = frame.len() - FRAME_BYTES;
        let length = u32::try_from(payload).map_err(|_| too_large(payload))?;
        frame[0..4].copy_from_slice(&length.to_le_bytes());
        frame[4] = change.kind();
        for (at, number) in [(8, self.next), (16, self.flushed), (24, self.last)] {
            frame[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        let check = check_of(&frame, &frame[FRAME_BYTES..]);
        frame[CHECK_AT..FRAME_BYTES].copy_from_slice(&check.to_le_bytes());
        frame.resize(frame.len().next_multiple_of(ALIGNMENT), 0);
        backend.write_at(&self.name, self.end, &frame)?;
        self.end += frame.len() as u64;
        self.last = check;
        self.next += 1;
        Ok(())
    }

    /// Makes all frames durable.
    pub(super) fn flush<B: Backend>(&mut self, backend: &mut B) -> Result<(), Error> {
        if self.flushed < self.next {
            backend.flush(&self.name)?;
            self.flushed = self.next;
        }
        Ok(())
    }

    /// Reads a journal and hands every frame that counts to `apply`, as kind and payload.
    ///
    /// `None` if there is no such file, or none whose header was ever whole.
    pub(super) fn read<B: Backend>(
        backend: &B,
        name: String,
        mut apply: impl FnMut(u8, &[u8]) -> Result<(), Error>,
    ) -> Result<Option<Self>, Error> {
        let length = backend.size(&name)?.unwrap_or(0);
        if length < HEADER_BYTES {
            return Ok(None);
        }
        let header = Self::header(backend, &name)?;
        let mut journal = Self::begin(name, header);
        let mut frame = Vec::new();
        while let Some(found) = journal.frame_at(backend, journal.end, length, &mut frame)? {
            let continues = found.previous == journal.last && found.number == journal.next;
            if !continues || found.flushed > found.number {
                break;
            }
            apply(found.kind, &frame[FRAME_BYTES..])?;
            journal.end += found.bytes;
            journal.last = found.check;
            journal.next += 1;
        }
        journal.refuse_damage(backend, length)?;
        journal.flushed = journal.header.first;
        Ok(Some(journal))
    }

    /// Reads the header of a journal that has the bytes for one.
    pub(super) fn header<B: Backend>(backend: &B, name: &str) -> Result<Header, Error> {
        let mut header = [0; HEADER_BYTES as usize];
        backend.read_at(name, 0, &mut header)?;
        Header::from_bytes(&header)
    }

    /// Reads the frame at an offset into `frame`, without its padding; `None` if there is none with a right checksum.
    fn frame_at<B: Backend>(
        &self,
        backend: &B,
        at: u64,
        length: u64,
        frame: &mut Vec<u8>,
    ) -> Result<Option<Found>, Error> {
        if length.saturating_sub(at) < FRAME_BYTES as u64 {
            return Ok(None);
        }
        let mut start = [0; FRAME_BYTES];
        backend.read_at(&self.name, at, &mut start)?;
        let payload = u64::from(u32_at(&start, 0));
        let whole = FRAME_BYTES as u64 + payload;
        let padded = whole.next_multiple_of(ALIGNMENT as u64);
        if start[4] == 0 || start[5..8] != [0; 3] || padded > length - at {
            return Ok(None);
        }
        if frame.len() < whole as usize {
            *frame = try_zeroed(whole as usize)?;
        }
        frame.truncate(whole as usize);
        frame[..FRAME_BYTES].copy_from_slice(&start);
        backend.read_at(&self.name, at + FRAME_BYTES as u64, &mut frame[FRAME_BYTES..])?;
        let check = u64_at(&start, CHECK_AT);
        if check_of(&start, &frame[FRAME_BYTES..]) != check {
            return Ok(None);
        }
        Ok(Some(Found {
            kind: start[4],
            number: u64_at(&start, 8),
            flushed: u64_at(&start, 16),
            previous: u64_at(&start, 24),
            check,
            bytes: padded,
        }))
    }

    /// Looks behind the end for a frame which proves that the broken one at the end had been flushed.
    ///
    /// A crash may leave later frames whole behind a torn one, if none of them was flushed: those prove nothing.
    fn refuse_damage<B: Backend>(&self, backend: &B, length: u64) -> Result<(), Error> {
        let tail = length - self.end;
        let mut bytes =
            try_zeroed(usize::try_from(tail).map_err(|_| Error::OutOfMemory { bytes: usize::MAX })?)?;
        backend.read_at(&self.name, self.end, &mut bytes)?;
        // Hashing is bounded: a forged tail must not take longer to refuse than an honest one to read.
        let mut budget = 4 * tail + 4_096;
        for at in (0..bytes.len()).step_by(ALIGNMENT) {
            let rest = &bytes[at..];
            if rest.len() < FRAME_BYTES || rest[4] == 0 || rest[5..8] != [0; 3] {
                continue;
            }
            let (whole, number, flushed) =
                (FRAME_BYTES as u64 + u64::from(u32_at(rest, 0)), u64_at(rest, 8), u64_at(rest, 16));
            if number <= self.next || flushed <= self.next || whole > rest.len() as u64 || whole > budget {
                continue;
            }
            budget -= whole;
            if check_of(rest, &rest[FRAME_BYTES..whole as usize]) == u64_at(rest, CHECK_AT) {
                let reason = format!(
                    "the frame of change {} is damaged, and that of change {number} behind it is whole",
                    self.next
                );
                return Err(Error::corrupt("journal", reason));
            }
        }
        Ok(())
    }
}

/// A frame whose checksum is right.
struct Found {
    kind: u8,
    number: u64,
    flushed: u64,
    previous: u64,
    check: u64,
    /// With padding.
    bytes: u64,
}

fn check_of(start: &[u8], payload: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(&start[..CHECK_AT]);
    hasher.update(payload);
    hasher.digest()
}

#[cfg(test)]
mod tests {
    use super::super::backend::{Backend, MemoryBackend};
    use super::super::operation::Operation;
    use super::super::superblock;
    use super::*;

    /// A journal taken apart by what `FORMAT.md` says, and its words for the constants.
    #[test]
    fn a_journal_has_the_bytes_that_the_document_describes() {
        let header = Header { generation: 7, before: 8, content_id: 9, first: 10 };
        let mut journal = Journal::begin("journal".to_owned(), header);
        let mut backend = MemoryBackend::default();
        journal.create(&mut backend).unwrap();
        journal.append(&mut backend, Operation::Insert { rows: "[[]]", vectors: &[1.5] }).unwrap();
        journal.append(&mut backend, Operation::Delete { ids: &["x"] }).unwrap();
        let mut bytes = vec![0; backend.size("journal").unwrap().unwrap() as usize];
        backend.read_at("journal", 0, &mut bytes).unwrap();
        let numbers: Vec<u64> = [32, 40, 48, 64].iter().map(|&at| u64_at(&bytes, at)).collect();
        assert_eq!(numbers, [7, 8, 9, 10]);
        let frame = &bytes[128..];
        assert_eq!((u32_at(frame, 0), frame[4], u64_at(frame, 8), u64_at(frame, 16)), (12, 1, 10, 10));
        assert_eq!(u64_at(frame, 24), xxh3_64(&bytes[..120]), "the first frame continues the header");
        assert_eq!(u64_at(frame, 32), xxh3_64(&[&frame[..32], &frame[40..52]].concat()));
        assert_eq!(frame[40..56], [&[4, 0, 0, 0], &b"[[]]"[..], &1.5f32.to_le_bytes(), &[0; 4]].concat());
        let second = &frame[56..];
        assert_eq!((u32_at(second, 0), second[4], u64_at(second, 8)), (5, 2, 11));
        assert_eq!(u64_at(second, 24), u64_at(frame, 32));
        assert_eq!(&second[40..45], br#"["x"]"#);
        assert_eq!(second.len(), 48);
        let document = include_str!("FORMAT.md");
        let text =
            |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ");
        for magic in [MAGIC, superblock::MAGIC] {
            assert!(document.contains(&text(&magic)));
        }
        assert!(document.contains("65,536 bytes; slots at 0 and 32,768, of which 128 bytes are used"));
        assert_eq!((superblock::FILE_BYTES, superblock::SLOT_BYTES), (65_536, 128));
        assert!(document.contains(&format!("A header of {HEADER_BYTES} bytes, then frames")));
    }
}
