//! Lower case of single characters. The library's table takes 12 KB of WebAssembly; most of it says that a run of characters,
//! or every second one of a run, moves by the same distance, and `case_table.rs` says it so.

use super::case_table::RUNS;
use super::postings::take;

/// Characters from `first` to `last` of which every `step`-th moves by `distance`.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u32,
    last: u32,
    step: u32,
    distance: i32,
}

/// The unpacked table.
#[derive(Debug)]
pub(super) struct LowerCase(Vec<Run>);

impl LowerCase {
    pub(super) fn new() -> Self {
        let (mut runs, mut at, mut end) = (Vec::new(), 0, 0);
        let mut number = || take(&RUNS, &mut at).map(|number| number as u32);
        // Gap from the run before; number of steps, doubled, plus 1 if every second character moves; distance with its sign
        // in the lowest bit.
        while let (Some(gap), Some(steps), Some(distance)) = (number(), number(), number()) {
            let (first, step) = (end + gap, 1 + (steps & 1));
            end = first + (steps >> 1) * step;
            let distance = (distance >> 1) as i32 ^ -((distance & 1) as i32);
            runs.push(Run { first, last: end, step, distance });
        }
        Self(runs)
    }

    /// The lower case of a character beyond ASCII; `İ`, which has two characters, stays.
    pub(super) fn of(&self, char: char) -> char {
        let code = u32::from(char);
        let next = self.0.partition_point(|run| run.first <= code);
        match next.checked_sub(1).map(|at| self.0[at]) {
            Some(run) if code <= run.last && (code - run.first).is_multiple_of(run.step) => {
                char::from_u32(code.wrapping_add_signed(run.distance)).unwrap_or(char)
            }
            _ => char,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oracle(char: char) -> char {
        let mut lower = char.to_lowercase();
        match (lower.next(), lower.next()) {
            (Some(lower), None) => lower,
            _ => char,
        }
    }

    #[test]
    fn every_character_becomes_what_the_library_makes_of_it() {
        let cases = LowerCase::new();
        for char in '\u{80}'..=char::MAX {
            assert_eq!(cases.of(char), oracle(char), "U+{:04X}", u32::from(char));
        }
    }

    /// Prints `case_table.rs` for the Unicode version of the library.
    #[test]
    #[ignore = "a generator: cargo test -p annywhere print_the_case_table -- --ignored --nocapture"]
    fn print_the_case_table() {
        let moved = ('\u{80}'..=char::MAX).filter(|&char| oracle(char) != char);
        let mut runs: Vec<Run> = Vec::new();
        for char in moved {
            let (code, distance) =
                (u32::from(char), u32::from(oracle(char)).wrapping_sub(char.into()) as i32);
            match runs.last_mut() {
                Some(run)
                    if run.distance == distance
                        && (code - run.last == run.step || run.first == run.last && code - run.last == 2) =>
                {
                    run.step = code - run.last;
                    run.last = code;
                }
                _ => runs.push(Run { first: code, last: code, step: 1, distance }),
            }
        }
        let (mut bytes, mut end): (Vec<u8>, u32) = Default::default();
        for Run { first, last, step, distance } in runs {
            let steps = (last - first) / step;
            let sign = (distance << 1 ^ distance >> 31) as u32;
            for mut number in [first - end, steps << 1 | (step - 1), sign] {
                while number > 0x7f {
                    bytes.push(number as u8 | 0x80);
                    number >>= 7;
                }
                bytes.push(number as u8);
            }
            end = last;
        }
        println!("pub(super) static RUNS: [u8; {}] = {bytes:?};", bytes.len());
    }
}
