//! One bit per slot. Slots are dense, so a plain array of words is the smallest and fastest set of many of them.

use std::ops::Range;

use crate::kernels::BLOCK_ROWS;
use crate::slots::Slot;

const WORD_BITS: usize = u64::BITS as usize;
const BLOCKS_PER_WORD: usize = WORD_BITS / BLOCK_ROWS;

/// A set of slots below a limit. Bits from the limit on are zero.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
    slots: usize,
}

impl Bitmap {
    /// No slot of so many.
    pub(crate) fn none(slots: usize) -> Self {
        Self { words: vec![0; slots.div_ceil(WORD_BITS)], slots }
    }

    /// The limit.
    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    #[inline(always)]
    pub(crate) fn insert(&mut self, slot: Slot) {
        self.words[slot as usize / WORD_BITS] |= 1 << (slot as usize % WORD_BITS);
    }

    #[inline(always)]
    pub(crate) fn remove(&mut self, slot: Slot) {
        self.words[slot as usize / WORD_BITS] &= !(1 << (slot as usize % WORD_BITS));
    }

    #[inline(always)]
    pub(crate) fn contains(&self, slot: Slot) -> bool {
        self.words[slot as usize / WORD_BITS] >> (slot as usize % WORD_BITS) & 1 == 1
    }

    /// The bits of the 32 slots of a block; zeros beyond the limit.
    #[inline(always)]
    pub(crate) fn block(&self, number: usize) -> u32 {
        let word = self.words.get(number / BLOCKS_PER_WORD).copied().unwrap_or(0);
        (word >> (number % BLOCKS_PER_WORD * BLOCK_ROWS)) as u32
    }

    pub(crate) fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    pub(crate) fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    /// Turns the set into what `all` holds beside it.
    pub(crate) fn complement_in(&mut self, all: &Self) {
        self.words.iter_mut().zip(&all.words).for_each(|(a, all)| *a = all & !*a);
    }

    pub(crate) fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Number of slots of the set in a range.
    pub(crate) fn count_in(&self, range: Range<Slot>) -> usize {
        let (start, end) = (range.start as usize, (range.end as usize).min(self.slots));
        let (first, last) = (start / WORD_BITS, end.div_ceil(WORD_BITS));
        let mut count = 0;
        for number in first..last {
            let mut word = self.words[number];
            if number == first {
                word &= u64::MAX << (start % WORD_BITS);
            }
            if number + 1 == last && !end.is_multiple_of(WORD_BITS) {
                word &= (1 << (end % WORD_BITS)) - 1;
            }
            count += word.count_ones() as usize;
        }
        count
    }

    /// The slots in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Slot> {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some((at * WORD_BITS) as Slot + bit)
            })
        })
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(slots: usize, members: &[Slot]) -> Bitmap {
        let mut bitmap = Bitmap::none(slots);
        members.iter().for_each(|&slot| bitmap.insert(slot));
        bitmap
    }

    #[test]
    fn sets_are_combined_slot_by_slot() {
        let (low, high) = (of(130, &[0, 31, 64, 129]), of(130, &[31, 65, 129]));
        let (mut both, mut either, mut rest) = (low.clone(), low.clone(), low.clone());
        both.and(&high);
        either.or(&high);
        rest.complement_in(&high);
        let slots = |bitmap: &Bitmap| bitmap.iter().collect::<Vec<_>>();
        assert_eq!(slots(&both), [31, 129]);
        assert_eq!(slots(&either), [0, 31, 64, 65, 129]);
        assert_eq!(slots(&rest), [65]);
        assert_eq!((low.count(), low.contains(64), low.contains(63)), (4, true, false));
    }

    #[test]
    fn blocks_are_their_32_bits_and_none_beyond_the_end() {
        let bitmap = of(100, &[0, 33, 95, 99]);
        let blocks: Vec<u32> = (0..6).map(|number| bitmap.block(number)).collect();
        assert_eq!(blocks, [1, 2, 1 << 31, 1 << 3, 0, 0]);
        for (from, to, count) in
            [(0, 100, 4), (1, 99, 2), (33, 95, 1), (96, 99, 0), (99, 300, 1), (100, 100, 0), (34, 34, 0)]
        {
            assert_eq!(bitmap.count_in(from..to), count, "{from}..{to}");
        }
    }
}
