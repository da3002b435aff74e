//! BM25: how well the words of a row answer the words of a query (Robertson and Zaragoza, 2009).
//!
//! ```text
//! score = Σ q · ln(1 + (N − n + ½) / (n + ½)) · t · (k1 + 1) / (t + k1 · (1 − b + b · length / mean length))
//! ```
//! over the different words of the query, each standing `q` times in it, in `n` of the `N` rows that have words, and `t`
//! times in the row. All fields of a row count as one text. The sum runs in `f64`, in the order in which the query has the
//! words, so it is the same everywhere. A row has a score if it holds one of the words.

use super::index::{NONE, Words};
use crate::scratch::Candidate;
use crate::slots::Slot;

/// How soon more occurrences of a word stop counting.
const K1: f64 = 1.2;
/// How much longer texts are held back.
const B: f64 = 0.75;
/// Lengths whose share in the formula is computed once per search; longer texts compute it each time.
const TABLED: usize = 256;
/// Candidates gathered beyond twice the wanted ones before all but the best are dropped.
const GATHERED: usize = 256;

/// The different words of a query that the index knows, in their order, and how often each stands in it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Question(Vec<(u32, u32)>);

/// Scores of one search, by document; what it needs and a next one can use again.
#[derive(Debug, Default)]
pub(crate) struct Scores {
    by_document: Vec<f64>,
    /// Documents with a score.
    scored: Vec<u32>,
}

impl Words {
    /// Reads the words of a query.
    pub(crate) fn ask(&self, text: &str) -> Question {
        let mut question: Vec<(u32, u32)> = Vec::new();
        self.split(text, &mut |word| {
            let Some(term) = self.terms.find(word) else { return };
            match question.iter_mut().find(|(known, _)| *known == term) {
                Some((_, times)) => *times += 1,
                None => question.push((term, 1)),
            }
        });
        Question(question)
    }

    /// Number of postings that scoring goes through.
    pub(crate) fn effort(&self, question: &Question) -> usize {
        question.0.iter().map(|&(term, _)| self.postings[term as usize].count()).sum()
    }

    /// Scores every row that holds a word of the query.
    pub(crate) fn score(&self, question: &Question, scores: &mut Scores) {
        scores.reset(self.slots.len());
        let mean = self.total as f64 / self.live as f64;
        let share = |length: u32| K1 * (1.0 - B + B * f64::from(length) / mean);
        let shares: [f64; TABLED] = std::array::from_fn(|length| share(length as u32));
        let is_live = |document: u32| self.slots.get(document as usize) != NONE;
        let all_live = self.removed() == 0;
        for &(term, asked) in &question.0 {
            let postings = &self.postings[term as usize];
            let holding = match all_live {
                true => postings.count(),
                false => {
                    let mut holding = 0;
                    postings.each(&mut |document, _| holding += usize::from(is_live(document)));
                    holding
                }
            };
            let rarity = (self.live as f64 - holding as f64 + 0.5) / (holding as f64 + 0.5);
            let weight = f64::from(asked) * ln(1.0 + rarity) * (K1 + 1.0);
            for (document, times) in postings.iter() {
                if !all_live && !is_live(document) {
                    continue;
                }
                let length = self.lengths.get(document as usize);
                let share = shares.get(length as usize).copied().unwrap_or_else(|| share(length));
                scores.add(document, weight * f64::from(times) / (f64::from(times) + share));
            }
        }
    }

    /// The score of a row; 0 if it holds no word of the query.
    pub(crate) fn score_of(&self, slot: Slot, scores: &Scores) -> f32 {
        match self.documents.get(slot as usize) {
            NONE => 0.0,
            document => scores.by_document[document as usize] as f32,
        }
    }

    /// Fills `best` with the `k` rows of the highest scores, best first, of those that are allowed. The rank of a candidate is
    /// its negated score.
    pub(crate) fn best(
        &self,
        scores: &Scores,
        k: usize,
        is_allowed: impl Fn(Slot) -> bool,
        best: &mut Vec<Candidate>,
    ) {
        best.clear();
        if k == 0 {
            return;
        }
        let mut bound = f32::INFINITY;
        for &document in &scores.scored {
            let rank = -(scores.by_document[document as usize] as f32);
            if rank > bound {
                continue;
            }
            let slot = self.slots.get(document as usize);
            if is_allowed(slot) {
                best.push(Candidate::new(rank, slot));
            }
            if best.len() >= k.saturating_mul(2).saturating_add(GATHERED) {
                let (_, last, _) = best.select_nth_unstable(k - 1);
                bound = last.rank();
                best.truncate(k);
            }
        }
        best.sort_unstable();
        best.truncate(k);
    }
}

impl Scores {
    fn reset(&mut self, documents: usize) {
        let Self { by_document, scored } = self;
        for document in scored.drain(..) {
            by_document[document as usize] = 0.0;
        }
        by_document.resize(documents, 0.0);
    }

    #[inline]
    fn add(&mut self, document: u32, part: f64) {
        let score = &mut self.by_document[document as usize];
        // Parts are positive, so a score of zero has none yet.
        if *score == 0.0 {
            self.scored.push(document);
        }
        *score += part;
    }
}

/// The natural logarithm of a number from 1 on. Libraries differ in its last bits; this uses what IEEE 754 defines exactly.
fn ln(x: f64) -> f64 {
    const MANTISSA_BITS: u32 = 52;
    const EXPONENT_OF_ONE: u64 = 1_023;
    let bits = x.to_bits();
    let mut exponent = (bits >> MANTISSA_BITS) as f64 - EXPONENT_OF_ONE as f64;
    let mut mantissa = f64::from_bits(bits & ((1 << MANTISSA_BITS) - 1) | EXPONENT_OF_ONE << MANTISSA_BITS);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    // ln m = 2 · artanh((m − 1) / (m + 1)); the argument is below 0.172, so twelve terms reach the last bit.
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let square = t * t;
    let series = (0..12).rev().fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    exponent * std::f64::consts::LN_2 + 2.0 * t * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_right_to_the_last_bits() {
        for at in 0..20_000 {
            let x = 1.0 + f64::from(at) * f64::from(at) * 0.003;
            let error = (ln(x) - x.ln()).abs();
            assert!(
                error <= 4.0 * f64::EPSILON * x.ln().max(f64::MIN_POSITIVE),
                "ln({x}) is off by {error:e}"
            );
        }
        assert_eq!(ln(1.0), 0.0);
    }
}
