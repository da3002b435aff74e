//! Codes in blocks of 32 rows, one layout in memory, in files and for every instruction set.
//!
//! ```text
//! 32 × bytes   codes: byte after byte of a row, each for all 32 rows
//! 32 × bf16    factor of each row, rounded up
//! 32 × bf16    shift of each row, rounded down (euclidean only)
//! f32 × 3      largest factor, smallest factor, smallest shift: what no row of the block is outside of
//! u32          which rows are live, one bit each
//! 16           zeros
//! ```
//! A row of slot `s` is row `s % 32` of block `s / 32`. Factors stand in the block because a row that passes the first
//! comparison would otherwise cost a cache miss in another array. They have the range of an f32, so that rows of any length
//! can lie side by side; rounding makes rows seem nearer by up to 1/128 of the factor's part, never farther, and costs a few
//! more exact scores.

use bytemuck::{Pod, Zeroable};
use half::bf16;

use crate::chunks::Chunks;
use crate::error::Error;
use crate::kernels::BLOCK_ROWS;
use crate::slots::Slot;

/// What blocks are made of: the bytes of an AVX2 register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(32))]
pub(crate) struct Line([u8; 32]);

const LINE_BYTES: usize = size_of::<Line>();
const HALVES_BYTES: usize = BLOCK_ROWS * size_of::<bf16>();

/// A row's code with the numbers beside it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Coded {
    pub(crate) code: Vec<u8>,
    pub(crate) factor: f32,
    pub(crate) shift: f32,
}

/// What holds for every row of a block, and which of them exist.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Tail {
    pub(crate) largest: f32,
    pub(crate) smallest: f32,
    pub(crate) least_shift: f32,
    pub(crate) live: u32,
    zeros: [u32; 4],
}

/// One block, read.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) codes: &'a [u8],
    factors: &'a [bf16],
    shifts: &'a [bf16],
    pub(crate) tail: Tail,
}

impl Block<'_> {
    /// Factor and shift of a row.
    #[inline(always)]
    pub(crate) fn numbers(&self, row: usize) -> (f32, f32) {
        let shift = if self.shifts.is_empty() { 0.0 } else { self.shifts[row].to_f32() };
        (self.factors[row].to_f32(), shift)
    }
}

/// The next number up that 16 bits can hold, of a positive one.
fn rounded_up(x: f32) -> bf16 {
    bf16::from_bits(((x.to_bits() + 0xFFFF) >> 16) as u16)
}

/// The next number down that 16 bits can hold.
fn rounded_down(x: f32) -> bf16 {
    if x < 0.0 { -rounded_up(-x) } else { bf16::from_bits((x.to_bits() >> 16) as u16) }
}

#[derive(Debug)]
pub(crate) struct Blocks {
    lines: Chunks<Line>,
    code_bytes: usize,
    with_shifts: bool,
}

impl Blocks {
    pub(crate) fn new(code_bytes: usize, with_shifts: bool) -> Self {
        let halves = if with_shifts { 2 } else { 1 } * HALVES_BYTES;
        let bytes = code_bytes * BLOCK_ROWS + halves + size_of::<Tail>();
        Self { lines: Chunks::new(bytes.div_ceil(LINE_BYTES)), code_bytes, with_shifts }
    }

    /// Number of slots that there is room for.
    pub(crate) fn slots(&self) -> usize {
        self.lines.len() * BLOCK_ROWS
    }

    pub(crate) fn reserve(&mut self, slots: usize) -> Result<(), Error> {
        self.lines.grow(slots.div_ceil(BLOCK_ROWS), Line([0; LINE_BYTES]))
    }

    /// Forgets the slots from `slots` on, which hold no rows.
    pub(crate) fn shrink(&mut self, slots: usize) {
        self.lines.shrink(slots.div_ceil(BLOCK_ROWS));
    }

    #[inline(always)]
    pub(crate) fn get(&self, block: usize) -> Block<'_> {
        let bytes: &[u8] = bytemuck::cast_slice(self.lines.row(block));
        let (codes, rest) = bytes.split_at(self.code_bytes * BLOCK_ROWS);
        let (factors, rest) = rest.split_at(HALVES_BYTES);
        let (shifts, rest) = rest.split_at(if self.with_shifts { HALVES_BYTES } else { 0 });
        let tail = bytemuck::pod_read_unaligned(&rest[..size_of::<Tail>()]);
        Block { codes, factors: bytemuck::cast_slice(factors), shifts: bytemuck::cast_slice(shifts), tail }
    }

    /// Stores a row and makes it live.
    pub(crate) fn set(&mut self, slot: Slot, coded: &Coded) {
        let (block, row) = (slot as usize / BLOCK_ROWS, slot as usize % BLOCK_ROWS);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(self.lines.row_mut(block));
        let (codes, rest) = bytes.split_at_mut(self.code_bytes * BLOCK_ROWS);
        for (place, &byte) in codes[row..].iter_mut().step_by(BLOCK_ROWS).zip(&coded.code) {
            *place = byte;
        }
        let (factors, rest) = rest.split_at_mut(HALVES_BYTES);
        let (shifts, rest) = rest.split_at_mut(if self.with_shifts { HALVES_BYTES } else { 0 });
        let mut tail: Tail = bytemuck::pod_read_unaligned(&rest[..size_of::<Tail>()]);
        let first = tail.live == 0;
        let factor = rounded_up(coded.factor);
        bytemuck::cast_slice_mut(factors)[row] = factor;
        let factor = factor.to_f32();
        if first || factor > tail.largest {
            tail.largest = factor;
        }
        if first || factor < tail.smallest {
            tail.smallest = factor;
        }
        if self.with_shifts {
            let shift = rounded_down(coded.shift);
            bytemuck::cast_slice_mut(shifts)[row] = shift;
            let shift = shift.to_f32();
            if first || shift < tail.least_shift {
                tail.least_shift = shift;
            }
        }
        tail.live |= 1 << row;
        rest[..size_of::<Tail>()].copy_from_slice(bytemuck::bytes_of(&tail));
    }

    /// Takes a row out of all searches.
    pub(crate) fn remove(&mut self, slot: Slot) {
        let (block, row) = (slot as usize / BLOCK_ROWS, slot as usize % BLOCK_ROWS);
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(self.lines.row_mut(block));
        let at = self.code_bytes * BLOCK_ROWS + if self.with_shifts { 2 } else { 1 } * HALVES_BYTES;
        let mut tail: Tail = bytemuck::pod_read_unaligned(&bytes[at..at + size_of::<Tail>()]);
        tail.live &= !(1 << row);
        bytes[at..at + size_of::<Tail>()].copy_from_slice(bytemuck::bytes_of(&tail));
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.lines.bytes()
    }

    /// The blocks, as a file holds them.
    pub(crate) fn lines(&self) -> &Chunks<Line> {
        &self.lines
    }

    /// Lines per block.
    pub(crate) fn stride(&self) -> usize {
        let halves = if self.with_shifts { 2 } else { 1 } * HALVES_BYTES;
        (self.code_bytes * BLOCK_ROWS + halves + size_of::<Tail>()).div_ceil(LINE_BYTES)
    }

    /// Puts the blocks of a file in the place of these. `is_live` says which slots hold a row.
    ///
    /// # Errors
    /// What is wrong, if numbers are not finite, bounds do not hold or live rows do not agree.
    pub(crate) fn replace(
        &mut self,
        lines: Chunks<Line>,
        is_live: impl Fn(usize) -> bool,
    ) -> Result<(), String> {
        self.lines = lines;
        for number in 0..self.lines.len() {
            let block = self.get(number);
            for row in 0..BLOCK_ROWS {
                let slot = number * BLOCK_ROWS + row;
                if (block.tail.live >> row & 1 == 1) != is_live(slot) {
                    return Err(format!("slot {slot} is not coded as its state says"));
                }
                if !is_live(slot) {
                    continue;
                }
                let (factor, shift) = block.numbers(row);
                let sound = factor.is_finite()
                    && shift.is_finite()
                    && factor >= block.tail.smallest
                    && factor <= block.tail.largest
                    && shift >= block.tail.least_shift;
                if !sound || block.tail.smallest < 0.0 {
                    return Err(format!("slot {slot} has numbers outside of its block's"));
                }
            }
        }
        Ok(())
    }
}
