//! One text per slot: ids, and metadata as JSON. An append-only heap with an entry per slot.
//!
//! A replaced text leaves its bytes behind; once those are more than half of the heap, the heap is written anew.

use std::borrow::Cow;

use crate::chunks::Chunks;
use crate::error::Error;
use crate::fixed_texts::FixedTexts;

/// Size up to which a heap block takes further texts, and below which replaced bytes are not worth collecting.
const BLOCK_BYTES: usize = 1 << 20;

/// Where a text lies: block, start, length.
type Entry = [u32; 3];

#[derive(Debug)]
pub(crate) struct Texts {
    blocks: Vec<Vec<u8>>,
    entries: Chunks<Entry>,
    /// Bytes of texts in use.
    used: usize,
    /// Bytes of texts that were replaced.
    replaced: usize,
    /// Stands for all of the above in a database that is only read.
    fixed: Option<FixedTexts>,
}

impl Texts {
    pub(crate) fn new() -> Self {
        Self { blocks: Vec::new(), entries: Chunks::new(1), used: 0, replaced: 0, fixed: None }
    }

    /// Texts that do not change.
    pub(crate) fn fixed(fixed: FixedTexts) -> Self {
        Self { fixed: Some(fixed), ..Self::new() }
    }

    pub(crate) fn is_fixed(&self) -> bool {
        self.fixed.is_some()
    }

    /// The text of a slot, wherever it lies.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for a text in a file that is not UTF-8, or whatever the file reports.
    pub(crate) fn read(&self, slot: usize) -> Result<Cow<'_, str>, Error> {
        match &self.fixed {
            Some(fixed) => fixed.text(slot),
            None => Ok(Cow::Borrowed(self.get(slot))),
        }
    }

    /// The text of a slot, which lies in memory; empty where none was set.
    pub(crate) fn get(&self, slot: usize) -> &str {
        if let Some(fixed) = &self.fixed {
            return fixed.get(slot);
        }
        let bytes = self.bytes_of(self.entries.get(slot));
        std::str::from_utf8(bytes).expect("only whole texts enter the heap")
    }

    fn bytes_of(&self, [block, start, length]: Entry) -> &[u8] {
        match length {
            0 => &[],
            _ => &self.blocks[block as usize][start as usize..][..length as usize],
        }
    }

    /// Makes room for `slots` slots and `bytes` more bytes of text, so that setting them cannot fail.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; all texts are then as before.
    pub(crate) fn reserve(&mut self, slots: usize, bytes: usize) -> Result<(), Error> {
        self.collect_if_due();
        self.entries.grow(slots, [0; 3])?;
        let out_of_memory = |_| Error::OutOfMemory { bytes };
        match self.blocks.last_mut() {
            Some(open) if open.len() + bytes <= BLOCK_BYTES => open.try_reserve(bytes).map_err(out_of_memory),
            _ if u32::try_from(bytes).is_err() => Err(Error::OutOfMemory { bytes }),
            _ => {
                let mut block = Vec::new();
                block.try_reserve_exact(bytes).map_err(out_of_memory)?;
                self.blocks.push(block);
                Ok(())
            }
        }
    }

    /// Forgets the slots from `slots` on, which hold no text yet.
    pub(crate) fn shrink(&mut self, slots: usize) {
        self.entries.shrink(slots);
    }

    /// Moves the texts about: slot `i` takes what slot `order[i]` held.
    pub(crate) fn permute(&mut self, order: &[u32]) {
        self.entries.permute(order);
    }

    /// Sets the text of a slot; `reserve` has made the room.
    pub(crate) fn set(&mut self, slot: usize, text: &str) {
        let before = self.entries.get(slot)[2] as usize;
        self.used = self.used - before + text.len();
        self.replaced += before;
        let mut entry = [0; 3];
        if !text.is_empty() {
            let block = self.blocks.len() - 1;
            let heap = &mut self.blocks[block];
            entry = [block as u32, heap.len() as u32, text.len() as u32];
            heap.extend_from_slice(text.as_bytes());
        }
        self.entries.set(slot, entry);
    }

    /// Writes the heap anew if more than half of it is replaced texts. Without memory for that it stays as it is.
    pub(crate) fn collect_if_due(&mut self) {
        if self.replaced > self.used.max(BLOCK_BYTES)
            && let Ok(fresh) = self.collected()
        {
            *self = fresh;
        }
    }

    fn collected(&self) -> Result<Self, Error> {
        let mut fresh = Self::new();
        let slots = self.entries.len();
        fresh.entries.grow(slots, [0; 3])?;
        for slot in 0..slots {
            let text = self.get(slot);
            fresh.reserve(slots, text.len())?;
            fresh.set(slot, text);
        }
        Ok(fresh)
    }

    /// Every text, by slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.entries.len()).map(|slot| self.get(slot))
    }

    /// Length of each text in bytes, by slot.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = u32> {
        (0..self.entries.len()).map(|slot| self.entries.get(slot)[2])
    }

    /// Puts texts together from their lengths; `read` fills each buffer with the bytes that follow, in slot order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if a text is not UTF-8, [`Error::OutOfMemory`], or whatever `read` reports.
    pub(crate) fn from_parts(
        section: &str,
        lengths: &Chunks<u32>,
        mut read: impl FnMut(&mut [u8]) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut texts = Self::new();
        texts.entries.grow(lengths.len(), [0; 3])?;
        let mut slot = 0;
        while slot < lengths.len() {
            let (mut end, mut bytes) = (slot, 0);
            while end < lengths.len() && (end == slot || bytes + lengths.get(end) as usize <= BLOCK_BYTES) {
                bytes += lengths.get(end) as usize;
                end += 1;
            }
            let mut block: Vec<u8> = Vec::new();
            block.try_reserve_exact(bytes).map_err(|_| Error::OutOfMemory { bytes })?;
            block.resize(bytes, 0);
            read(&mut block)?;
            let mut start = 0;
            for slot in slot..end {
                let length = lengths.get(slot);
                if std::str::from_utf8(&block[start..start + length as usize]).is_err() {
                    return Err(Error::corrupt(section, format!("the text of slot {slot} is not UTF-8")));
                }
                texts.entries.set(slot, [texts.blocks.len() as u32, start as u32, length]);
                start += length as usize;
            }
            texts.used += bytes;
            texts.blocks.push(block);
            slot = end;
        }
        Ok(texts)
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let fixed = self.fixed.as_ref().map_or(0, FixedTexts::bytes);
        fixed + self.entries.bytes() + self.blocks.iter().map(Vec::capacity).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_texts_are_collected_and_the_rest_survives() {
        let mut texts = Texts::new();
        texts.reserve(2, 4).unwrap();
        texts.set(0, "kept");
        let long = "x".repeat(10_000);
        for _ in 0..1_000 {
            texts.reserve(2, long.len()).unwrap();
            texts.set(1, &long);
        }
        assert_eq!((texts.get(0), texts.get(1)), ("kept", long.as_str()));
        assert!(texts.bytes() < 4 * BLOCK_BYTES, "{} bytes for one long text", texts.bytes());
    }

    #[test]
    fn a_text_longer_than_a_block_is_kept_whole() {
        let mut texts = Texts::new();
        let long = "é".repeat(BLOCK_BYTES);
        texts.reserve(3, long.len()).unwrap();
        texts.set(2, &long);
        assert_eq!((texts.get(2), texts.get(0)), (long.as_str(), ""));
    }
}
