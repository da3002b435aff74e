//! Texts that do not change any more, one per slot, in as little memory as they need.
//!
//! ```text
//! starts    u64 for every 32nd slot: where its text begins
//! lengths   of every text, in memory or in the file
//! heap      the texts one after the other, in memory or in the file
//! ```

use std::borrow::Cow;

use crate::chunks::Chunks;
use crate::error::Error;
use crate::store::Section;

/// Slots per start.
const GROUP: usize = 32;
/// A length of this many bytes or more stands in `long`.
const LONG: u32 = u8::MAX as u32;

#[derive(Debug)]
pub(crate) struct FixedTexts {
    name: &'static str,
    starts: Vec<u64>,
    heap: Heap,
}

#[derive(Debug)]
enum Heap {
    Memory {
        lengths: Vec<u8>,
        /// Lengths that do not fit a byte, as `(slot, length)` in the order of the slots.
        long: Vec<(u32, u32)>,
        bytes: Vec<u8>,
    },
    File {
        lengths: Section,
        texts: Section,
    },
}

impl FixedTexts {
    /// Texts in memory; `bytes` holds as many as `lengths` say, and all are UTF-8.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a text is not UTF-8.
    pub(crate) fn in_memory(
        name: &'static str,
        lengths: &Chunks<u32>,
        bytes: Vec<u8>,
    ) -> Result<Self, Error> {
        let texts = Self {
            name,
            starts: starts(lengths),
            heap: Heap::Memory {
                lengths: (0..lengths.len()).map(|slot| lengths.get(slot).min(LONG) as u8).collect(),
                long: (0..lengths.len())
                    .map(|slot| (slot as u32, lengths.get(slot)))
                    .filter(|&(_, length)| length >= LONG)
                    .collect(),
                bytes,
            },
        };
        for slot in 0..lengths.len() {
            texts.text(slot)?;
        }
        Ok(texts)
    }

    /// Texts that stay in the file. `lengths` are those of the section `stored`.
    pub(crate) fn in_file(
        name: &'static str,
        lengths: &Chunks<u32>,
        stored: Section,
        texts: Section,
    ) -> Self {
        let heap = Heap::File { lengths: stored, texts };
        Self { name, starts: starts(lengths), heap }
    }

    /// The text of a slot that lies in memory.
    pub(crate) fn get(&self, slot: usize) -> &str {
        match self.text(slot) {
            Ok(Cow::Borrowed(text)) => text,
            _ => panic!("texts that are borrowed lie in memory"),
        }
    }

    /// The text of a slot.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is not UTF-8, or whatever its file reports.
    pub(crate) fn text(&self, slot: usize) -> Result<Cow<'_, str>, Error> {
        let group = slot / GROUP * GROUP;
        let mut start = self.starts[slot / GROUP];
        let not_text = |_| Error::corrupt(self.name, format!("the text of slot {slot} is not UTF-8"));
        match &self.heap {
            Heap::Memory { lengths, long, bytes } => {
                let mut length = 0;
                for (at, &short) in lengths[group..=slot].iter().enumerate() {
                    start += length;
                    length = u64::from(short);
                    if u32::from(short) == LONG {
                        let place = long.partition_point(|&(slot, _)| (slot as usize) < group + at);
                        length = u64::from(long[place].1);
                    }
                }
                let text = &bytes[start as usize..][..length as usize];
                std::str::from_utf8(text).map(Cow::Borrowed).map_err(not_text)
            }
            Heap::File { texts, .. } if texts.len() == 0 => Ok(Cow::Borrowed("")),
            Heap::File { lengths, texts } => {
                let mut read = [0u32; GROUP];
                let read = &mut read[..=slot - group];
                lengths.read_at((group * size_of::<u32>()) as u64, bytemuck::cast_slice_mut(read))?;
                let (&length, before) = read.split_last().expect("a group has a slot");
                start += before.iter().map(|&length| u64::from(length)).sum::<u64>();
                let mut bytes = Vec::new();
                bytes
                    .try_reserve_exact(length as usize)
                    .map_err(|_| Error::OutOfMemory { bytes: length as usize })?;
                bytes.resize(length as usize, 0);
                // A file that changes under the reader may claim other lengths now than when it was opened.
                if start + u64::from(length) > texts.len() {
                    return Err(Error::corrupt(self.name, format!("the text of slot {slot} ends outside")));
                }
                if length > 0 {
                    texts.read_at(start, &mut bytes)?;
                }
                String::from_utf8(bytes).map(Cow::Owned).map_err(|error| not_text(error.utf8_error()))
            }
        }
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let heap = match &self.heap {
            Heap::Memory { lengths, long, bytes } => {
                lengths.capacity() + long.capacity() * size_of::<(u32, u32)>() + bytes.capacity()
            }
            Heap::File { lengths, texts } => lengths.bytes() + texts.bytes(),
        };
        heap + self.starts.capacity() * size_of::<u64>()
    }
}

/// Where the text of every 32nd slot begins.
fn starts(lengths: &Chunks<u32>) -> Vec<u64> {
    let mut start = 0;
    let mut starts = Vec::with_capacity(lengths.len().div_ceil(GROUP));
    for slot in 0..lengths.len() {
        if slot.is_multiple_of(GROUP) {
            starts.push(start);
        }
        start += u64::from(lengths.get(slot));
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_found_whatever_its_length() {
        let texts: Vec<String> = (0..200).map(|slot| "é".repeat(slot * 7 % 300)).collect();
        let mut lengths = Chunks::new(1);
        lengths.grow(texts.len(), 0u32).unwrap();
        (0..texts.len()).for_each(|slot| lengths.set(slot, texts[slot].len() as u32));
        let fixed = FixedTexts::in_memory("ids", &lengths, texts.concat().into_bytes()).unwrap();
        assert!((0..texts.len()).all(|slot| fixed.get(slot) == texts[slot]));
        let split = FixedTexts::in_memory("ids", &lengths, "é".repeat(30_000).into_bytes()[1..].to_vec());
        assert_eq!(split.unwrap_err().code(), "Corrupt");
    }
}
