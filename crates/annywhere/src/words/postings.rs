//! The documents that hold one word: numbers in ascending order, and how often the word stands in each, in few bytes.
//!
//! Each posting is the distance from the document before, doubled, plus 1 if a count follows because it is not 1. Both are
//! written with seven bits per byte, lowest first, and the highest bit set in all bytes but the last. Most postings take one
//! or two bytes.

use crate::error::Error;

/// Bytes of the longest posting: 33 bits and 32 bits.
const LONGEST: usize = 10;

/// The postings of one word.
#[derive(Debug, Default)]
pub(super) struct Postings {
    bytes: Vec<u8>,
    count: u32,
    last: u32,
}

impl Postings {
    /// Number of postings.
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// Adds a document, which comes after all others.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; nothing is added then.
    #[inline(never)]
    pub(super) fn push(&mut self, document: u32, times: u32) -> Result<(), Error> {
        let (posting, length) = encode(document - self.last, times);
        self.bytes.try_reserve(length).map_err(|_| Error::OutOfMemory { bytes: length })?;
        self.bytes.extend_from_slice(&posting[..length]);
        (self.last, self.count) = (document, self.count + 1);
        Ok(())
    }

    /// Documents, and how often the word stands in them; for loops that must be fast.
    #[inline(always)]
    pub(super) fn iter(&self) -> Iter<'_> {
        Iter { bytes: &self.bytes, at: 0, document: 0 }
    }

    /// The same for loops that need not be, in less code.
    #[inline(never)]
    pub(super) fn each(&self, each: &mut dyn FnMut(u32, u32)) {
        self.iter().for_each(|(document, times)| each(document, times));
    }

    /// Renumbers the documents, which keep their order and get no larger numbers, and drops those that get none.
    pub(super) fn renumber(&mut self, number: &dyn Fn(u32) -> Option<u32>) {
        let Self { bytes, count, last } = self;
        (*count, *last) = (0, 0);
        let (mut written, mut rest) = (0, Iter { bytes, at: 0, document: 0 });
        while let Some((document, times)) = rest.next() {
            let (at, document_read) = (rest.at, rest.document);
            if let Some(number) = number(document) {
                // In place: a distance between kept documents takes no more bytes than those it is the sum of.
                let (posting, length) = encode(number - *last, times);
                bytes[written..written + length].copy_from_slice(&posting[..length]);
                written += length;
                (*last, *count) = (number, *count + 1);
            }
            rest = Iter { bytes, at, document: document_read };
        }
        bytes.truncate(written);
        bytes.shrink_to_fit();
    }

    /// Bytes allocated.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

/// Postings being read.
pub(super) struct Iter<'a> {
    bytes: &'a [u8],
    at: usize,
    document: u32,
}

impl Iterator for Iter<'_> {
    type Item = (u32, u32);

    #[inline(always)]
    fn next(&mut self) -> Option<(u32, u32)> {
        // Nearly all postings are one byte.
        let first = *self.bytes.get(self.at)?;
        if first & 0x81 == 0 {
            self.at += 1;
            self.document = self.document.wrapping_add(u32::from(first >> 1));
            return Some((self.document, 1));
        }
        let (distance, times) = take_posting(self.bytes, &mut self.at)?;
        self.document = self.document.wrapping_add(distance as u32);
        Some((self.document, times))
    }
}

/// Reads one posting: distance and count. `None` where the bytes end early, or a number is longer than any that is written.
#[inline(never)]
pub(super) fn take_posting(bytes: &[u8], at: &mut usize) -> Option<(u64, u32)> {
    let first = take(bytes, at)?;
    let times = if first & 1 == 0 { 1 } else { u32::try_from(take(bytes, at)?).ok()? };
    Some((first >> 1, times))
}

/// One posting: bytes, of which the first so many count.
#[inline(never)]
pub(super) fn encode(distance: u32, times: u32) -> ([u8; LONGEST], usize) {
    let (mut posting, mut length) = ([0; LONGEST], 0);
    let mut put = |mut number: u64| {
        while number > 0x7f {
            posting[length] = number as u8 | 0x80;
            length += 1;
            number >>= 7;
        }
        posting[length] = number as u8;
        length += 1;
    };
    put(u64::from(distance) << 1 | u64::from(times > 1));
    if times > 1 {
        put(times.into());
    }
    (posting, length)
}

/// Reads a number of up to 35 bits; `None` where the bytes end before it does, or it is longer.
#[inline]
pub(super) fn take(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0;
    for shift in [0, 7, 14, 21, 28] {
        let byte = *bytes.get(*at)?;
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postings_keep_documents_and_counts_and_can_be_renumbered_in_place() {
        let mut postings = Postings::default();
        let given: Vec<(u32, u32)> = (0..2_000_u32)
            .map(|at| (at * at * 500 + at, if at % 3 == 0 { 1 } else { at * 1_000 }))
            .chain([(u32::MAX, u32::MAX)])
            .collect();
        for &(document, times) in &given {
            postings.push(document, times.max(1)).unwrap();
        }
        let given: Vec<(u32, u32)> =
            given.iter().map(|&(document, times)| (document, times.max(1))).collect();
        assert_eq!(postings.iter().collect::<Vec<_>>(), given);
        let number = |document: u32| (document % 7 != 3).then_some(document / 2);
        postings.renumber(&number);
        let kept: Vec<(u32, u32)> =
            given.iter().filter_map(|&(document, times)| Some((number(document)?, times))).collect();
        assert_eq!((postings.iter().collect::<Vec<_>>(), postings.count()), (kept.clone(), kept.len()));
        postings.push(u32::MAX, 1).unwrap();
        assert_eq!(postings.iter().last(), Some((u32::MAX, 1)));
    }

    #[test]
    fn numbers_that_end_early_or_never_are_not_read() {
        for bytes in [&[][..], &[0x80], &[0x80; 5], &[0xff; 9]] {
            assert_eq!(take(bytes, &mut 0), None, "{bytes:?}");
        }
    }
}
