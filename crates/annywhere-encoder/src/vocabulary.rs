//! The pieces of the table, and the greedy longest match over them.
//!
//! An open-addressing hash table from piece to row, built at load. The hash of every prefix of a word falls out
//! of one pass over it, so a match costs one pass and, mostly, one look at the table.

use crate::error::{Section, TableError};

/// Longest piece, in characters.
pub(crate) const MAX_PIECE: usize = 24;

/// Bit 7 of a length byte marks a piece that continues a word.
const CONTINUES: u8 = 0x80;

/// FNV-1a, 32 bits.
const FNV_OFFSET: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

/// Slots per piece are between this and twice this.
const SLOTS_PER_PIECE: usize = 2;

/// Slots looked at before a table is refused. The shipped one needs 16 at most, 1.4 on average; without the bound
/// a hostile one could make loading quadratic.
const MAX_PROBES: usize = 256;

const EMPTY: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// Characters of all pieces, in row order.
    characters: Box<[u8]>,
    /// Row r's characters lie at starts[r]..starts[r + 1].
    starts: Box<[u32]>,
    /// Length byte of each row, as in the file.
    lengths: Box<[u8]>,
    /// Rows by hash.
    slots: Box<[u32]>,
    longest: usize,
}

impl Vocabulary {
    pub(crate) fn parse(section: &[u8], tokens: usize) -> Result<Self, TableError> {
        let malformed = |rule| TableError::Malformed { section: Section::Vocabulary, rule };
        let (lengths, characters) =
            section.split_at_checked(tokens).ok_or(malformed("there are fewer lengths than tokens"))?;
        let mut starts = Vec::with_capacity(tokens + 1);
        let mut end = 0u32;
        let mut longest = 0;
        for &length in lengths {
            let length = length & !CONTINUES;
            if length == 0 || usize::from(length) > MAX_PIECE {
                return Err(malformed("a piece has no characters or more than 24"));
            }
            starts.push(end);
            end += u32::from(length);
            longest = longest.max(usize::from(length));
        }
        starts.push(end);
        if end as usize != characters.len() {
            return Err(malformed("the lengths do not add up to the number of characters"));
        }
        if !characters.iter().all(u8::is_ascii_graphic) {
            return Err(malformed("a character is not printable ASCII"));
        }
        let slots = vec![EMPTY; (tokens * SLOTS_PER_PIECE).next_power_of_two()];
        let mut vocabulary = Self {
            characters: characters.into(),
            starts: starts.into(),
            lengths: lengths.into(),
            slots: slots.into(),
            longest,
        };
        for row in 0..tokens {
            vocabulary.insert(row).map_err(malformed)?;
        }
        Ok(vocabulary)
    }

    fn insert(&mut self, row: usize) -> Result<(), &'static str> {
        let (piece, continues) = self.piece(row);
        let hash = piece.iter().fold(seed(continues), |hash, &byte| step(hash, byte));
        let mut slot = self.home(hash);
        for _ in 0..MAX_PROBES {
            match self.slots[slot] {
                EMPTY => {
                    self.slots[slot] = u32::try_from(row).expect("the header counts tokens in 32 bits");
                    return Ok(());
                }
                other if self.piece(other as usize) == (piece, continues) => {
                    return Err("a piece occurs twice");
                }
                _ => slot = self.after(slot),
            }
        }
        Err("too many pieces share a hash")
    }

    /// Characters of a row, and whether it continues a word.
    fn piece(&self, row: usize) -> (&[u8], bool) {
        let characters = &self.characters[self.starts[row] as usize..self.starts[row + 1] as usize];
        (characters, self.lengths[row] & CONTINUES != 0)
    }

    /// Appends the rows of a word's pieces to `rows`; appends nothing if a part of the word matches no piece.
    pub(crate) fn match_word(&self, word: &[u8], rows: &mut Vec<u32>) {
        let before = rows.len();
        let mut rest = word;
        while !rest.is_empty() {
            let Some((row, length)) = self.longest_match(rest, rows.len() > before) else {
                rows.truncate(before);
                return;
            };
            rows.push(row);
            rest = &rest[length..];
        }
    }

    /// Row and length of the longest piece that `text` begins with.
    fn longest_match(&self, text: &[u8], continues: bool) -> Option<(u32, usize)> {
        let mut hashes = [0; MAX_PIECE];
        let limit = text.len().min(self.longest);
        let mut hash = seed(continues);
        for (slot, &byte) in hashes[..limit].iter_mut().zip(text) {
            hash = step(hash, byte);
            *slot = hash;
        }
        (1..=limit)
            .rev()
            .find_map(|length| Some((self.find(&text[..length], continues, hashes[length - 1])?, length)))
    }

    fn find(&self, piece: &[u8], continues: bool, hash: u32) -> Option<u32> {
        let mut slot = self.home(hash);
        // Ends: at most half of the slots are taken.
        loop {
            match self.slots[slot] {
                EMPTY => return None,
                row if self.piece(row as usize) == (piece, continues) => return Some(row),
                _ => slot = self.after(slot),
            }
        }
    }

    fn home(&self, hash: u32) -> usize {
        // FNV's low bits are its weak ones.
        (hash ^ (hash >> 15)) as usize & (self.slots.len() - 1)
    }

    fn after(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }
}

fn seed(continues: bool) -> u32 {
    if continues { step(FNV_OFFSET, b'#') } else { FNV_OFFSET }
}

fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(FNV_PRIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_made_to_collide_are_refused_before_loading_gets_slow() {
        const TOKENS: usize = 512;
        let mask = (TOKENS * SLOTS_PER_PIECE - 1) as u32;
        let home = |piece: &str| {
            let hash = piece.bytes().fold(seed(false), step);
            (hash ^ (hash >> 15)) & mask
        };
        let same_home = (0..).map(|number: u32| format!("{number:08}")).filter(|piece| home(piece) == 0);
        let pieces: Vec<String> = same_home.take(TOKENS).collect();
        let mut section = vec![8; TOKENS];
        section.extend(pieces.concat().bytes());

        let refusal = Vocabulary::parse(&section, TOKENS).unwrap_err();
        let rule = "too many pieces share a hash";
        assert_eq!(refusal, TableError::Malformed { section: Section::Vocabulary, rule });
        let fewer = [vec![8; MAX_PROBES], pieces[..MAX_PROBES].concat().into_bytes()].concat();
        assert!(Vocabulary::parse(&fewer, MAX_PROBES).is_ok());
    }
}
