//! XXH3-64 of every 64 KiB of a section. It finds damage, not forgery.

use xxhash_rust::xxh3::Xxh3;

/// Bytes under one checksum; the last block of a section is shorter.
pub(super) const BLOCK_BYTES: usize = 64 * 1024;

/// Cuts a stream of bytes into blocks and hands out each block's checksum.
pub(super) struct Blocks {
    hasher: Xxh3,
    filled: usize,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self { hasher: Xxh3::new(), filled: 0 }
    }

    pub(super) fn feed(&mut self, mut bytes: &[u8], mut finished: impl FnMut(u64)) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.filled));
            self.hasher.update(now);
            self.filled += now.len();
            if self.filled == BLOCK_BYTES {
                self.finish(&mut finished);
            }
            bytes = later;
        }
    }

    /// Hands out the checksum of the last, shorter block, if there is one.
    pub(super) fn finish(&mut self, mut finished: impl FnMut(u64)) {
        if self.filled > 0 {
            finished(self.hasher.digest());
            self.hasher.reset();
            self.filled = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn blocks_do_not_depend_on_how_the_bytes_arrive() {
        let bytes: Vec<u8> = (0..200_000u32).map(|i| i as u8).collect();
        let expected: Vec<u64> = bytes.chunks(BLOCK_BYTES).map(xxh3_64).collect();
        for piece in [1_000, BLOCK_BYTES, 65_537, bytes.len()] {
            let (mut blocks, mut hashes) = (Blocks::new(), Vec::new());
            for part in bytes.chunks(piece) {
                blocks.feed(part, |hash| hashes.push(hash));
            }
            blocks.finish(|hash| hashes.push(hash));
            assert_eq!(hashes, expected, "pieces of {piece}");
        }
    }
}
