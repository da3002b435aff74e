//! A graph's links in a file: sorted lists as a stream of bits, in some 45 bytes per row instead of 128 (m = 16).
//!
//! ```text
//! for each slot, for each of its layers from the bottom up:
//!     count of links     as many bits as the largest count has
//!     each link          its gap: how many slots lie between it and the link before (or the first slot);
//!                        the gap's lowest r bits, then the rest in unary, r = ⌊log₂(slots / count)⌋
//! ```
//! The links of a row are spread evenly over all slots, so gaps are distributed geometrically; for that Rice's code is within
//! 0.03 bits of the entropy (Rice & Plaunt 1971). Bits fill bytes from the lowest one up; what is left of the last byte is 0.

use super::Graph;
use crate::slots::Slot;

/// Bits of the largest number that fits into one step of writing or reading.
const STEP_BITS: u32 = 32;

/// Bits gathered to bytes.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    gathered: u64,
    count: u32,
}

impl Writer {
    /// Adds the lowest bits of a number, [`STEP_BITS`] at most.
    fn add(&mut self, number: u32, bits: u32) {
        self.gathered |= u64::from(number) << self.count;
        self.count += bits;
        while self.count >= 8 {
            self.bytes.push(self.gathered as u8);
            self.gathered >>= 8;
            self.count -= 8;
        }
    }

    /// Adds zeros and a one.
    fn add_unary(&mut self, mut zeros: u32) {
        while zeros >= STEP_BITS - 1 {
            self.add(0, STEP_BITS - 1);
            zeros -= STEP_BITS - 1;
        }
        self.add(1 << zeros, zeros + 1);
    }

    fn finish(mut self) -> Vec<u8> {
        self.add(0, 7);
        self.bytes
    }
}

/// Bits taken out of bytes. Behind the end they are zeros.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    gathered: u64,
    count: u32,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, gathered: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count < 56 {
            let byte = self.bytes.get(self.at).copied().unwrap_or(0);
            self.gathered |= u64::from(byte) << self.count;
            self.at += 1;
            self.count += 8;
        }
    }

    fn take(&mut self, bits: u32) -> u32 {
        self.fill();
        let number = self.gathered & ((1 << bits) - 1);
        self.gathered >>= bits;
        self.count -= bits;
        number as u32
    }

    /// Zeros up to a one, which is taken too; `None` if there are more than `most`.
    fn take_unary(&mut self, most: u32) -> Option<u32> {
        let mut zeros = 0;
        loop {
            self.fill();
            let here = self.gathered.trailing_zeros().min(self.count);
            zeros += here;
            if zeros > most {
                return None;
            }
            self.gathered >>= here;
            self.count -= here;
            if self.count > 0 {
                self.gathered >>= 1;
                self.count -= 1;
                return Some(zeros);
            }
        }
    }

    /// Whether all bytes were taken, and only zeros of the last.
    fn is_at_end(&self) -> bool {
        let unread = self.count / 8;
        self.at as u64 == self.bytes.len() as u64 + u64::from(unread) && self.gathered == 0
    }
}

/// Bits that a count of at most `capacity` takes.
fn count_bits(capacity: usize) -> u32 {
    usize::BITS - capacity.leading_zeros()
}

/// The lowest bits of a gap that are not written in unary.
fn low_bits(slots: usize, count: usize) -> u32 {
    (slots / count.max(1)).max(1).ilog2()
}

impl Graph {
    /// All links, as a file holds them.
    pub(crate) fn links_to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        let slots = self.bottom.len();
        for slot in 0..slots as Slot {
            for level in 0..=self.level(slot) {
                let links = self.links(slot, level);
                writer.add(links.len() as u32, count_bits(self.capacity(level)));
                let low = low_bits(slots, links.len());
                let mut next = 0;
                for &link in links {
                    let gap = link - next;
                    writer.add(gap & ((1 << low) - 1), low);
                    writer.add_unary(gap >> low);
                    next = link + 1;
                }
            }
        }
        writer.finish()
    }

    /// Takes the links of a file over; room has been made. False if nothing can have written these bytes.
    pub(super) fn read_links(&mut self, bytes: &[u8]) -> bool {
        let mut reader = Reader::new(bytes);
        let slots = self.bottom.len();
        let mut links = Vec::new();
        for slot in 0..slots as Slot {
            for level in 0..=self.level(slot) {
                let count = reader.take(count_bits(self.capacity(level))) as usize;
                if count > self.capacity(level) {
                    return false;
                }
                links.clear();
                let low = low_bits(slots, count);
                let mut next = 0;
                for _ in 0..count {
                    let gap = reader.take(low);
                    let Some(high) = reader.take_unary(slots as u32 >> low) else { return false };
                    let link = u64::from(next) + u64::from(high << low | gap);
                    if link >= slots as u64 {
                        return false;
                    }
                    links.push(link as Slot);
                    next = link as Slot + 1;
                }
                self.set_links(slot, level, &links);
            }
        }
        reader.is_at_end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_nothing_else_is_at_the_end() {
        let numbers: Vec<u32> =
            (0..2_000u32).map(|at| (at * at).wrapping_mul(2_654_435_761) >> (at % 33).min(31)).collect();
        let mut writer = Writer::default();
        for &number in &numbers {
            writer.add(number, u32::BITS);
            writer.add_unary(number % 100);
        }
        let mut bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        for &number in &numbers {
            assert_eq!((reader.take(u32::BITS), reader.take_unary(99)), (number, Some(number % 100)));
        }
        assert!(reader.is_at_end());
        assert_eq!(reader.take_unary(1_000), None);
        bytes.push(0);
        let mut reader = Reader::new(&bytes);
        for _ in &numbers {
            reader.take(u32::BITS);
            reader.take_unary(99);
        }
        assert!(!reader.is_at_end(), "a byte too many");
    }
}
