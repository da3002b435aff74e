//! A section that stays in its file: rows and texts are read when they are needed.
//!
//! A block is compared with its checksum when it is touched for the first time in a version of its source, so opening costs
//! nothing, damage is found, and later reads take no more than the bytes asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use xxhash_rust::xxh3::xxh3_64;

use super::SharedSource;
use super::checksum::BLOCK_BYTES;
use super::segment::try_zeroed;
use crate::error::Error;

#[derive(Debug)]
pub(crate) struct Section {
    source: Arc<dyn SharedSource>,
    /// Number in the file's section table, for messages.
    kind: u32,
    offset: u64,
    length: u64,
    hashes: Vec<u64>,
    /// One more than the version of the source in which a block was last compared with its checksum; 0 for never.
    compared: Vec<AtomicU32>,
}

impl Section {
    /// A section whose place and number of checksums have been checked.
    pub(super) fn new(
        source: Arc<dyn SharedSource>,
        kind: u32,
        offset: u64,
        length: u64,
        hashes: Vec<u64>,
    ) -> Self {
        let compared = hashes.iter().map(|_| AtomicU32::new(0)).collect();
        Self { source, kind, offset, length, hashes, compared }
    }

    /// Number of bytes.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Fills the buffer with the bytes from `at` on, which lie inside the section.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a block that does not match its checksum, or whatever the source reports.
    pub(crate) fn read_at(&self, at: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let end = at + buffer.len() as u64;
        assert!(end <= self.length, "bytes that are read lie inside the section");
        let (first, last) = (block_of(at), block_of(end.max(at + 1) - 1));
        let version = self.source.version().wrapping_add(1);
        for block in first..=last {
            if self.compared[block].load(Ordering::Relaxed) != version {
                self.compare(block)?;
                self.compared[block].store(version, Ordering::Relaxed);
            }
        }
        self.source.read_at(self.offset + at, buffer)
    }

    fn compare(&self, block: usize) -> Result<(), Error> {
        let start = block as u64 * BLOCK_BYTES as u64;
        let mut bytes = try_zeroed((self.length - start).min(BLOCK_BYTES as u64) as usize)?;
        self.source.read_at(self.offset + start, &mut bytes)?;
        if xxh3_64(&bytes) != self.hashes[block] {
            let reason = format!("the checksum of its block {block} does not match");
            return Err(Error::corrupt(&format!("section {}", self.kind), reason));
        }
        Ok(())
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.hashes.as_slice()) + size_of_val(self.compared.as_slice())
    }
}

fn block_of(at: u64) -> usize {
    usize::try_from(at / BLOCK_BYTES as u64)
        .expect("a section's checksums are in memory, so its blocks can be counted")
}
