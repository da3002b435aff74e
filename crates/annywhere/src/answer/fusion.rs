//! One list from two: the rows nearest to a vector and the rows whose words answer a text.
//!
//! - *Reciprocal rank fusion* (Cormack, Clarke and Buettcher, 2009): the sum of `1 / (k + rank)` over the lists that have the
//!   row in their window, ranks counted from 1. It needs no scores that can be compared.
//! - *Weighted*: `alpha · v + (1 − alpha) · t`. Here `v` is where the row's vector score lies between the lowest of the window, 0,
//!   and the best, 1, and `t` is its share of the best text score.
//!
//! Every row gets its exact scores of both kinds, also one that only the other list has. Of equal
//! sums, rows of the vector list come first, in its order.

use super::Found;
use crate::hits::Parts;
use crate::metric::Metric;
use crate::scratch::Candidate;
use crate::slots::Slot;

/// How two lists become one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fusion {
    Rrf { k: u32 },
    Weighted { alpha: f32 },
}

impl Fusion {
    /// The rows of both lists, best first. `near` are those of the vector list, best first; `far` those of the text list that
    /// it does not have. `text` gives score and rank of a slot's words, 0 for none.
    pub(super) fn fuse(
        self,
        metric: Metric,
        near: &[Candidate],
        far: &[Candidate],
        text: impl Fn(Slot) -> (f32, u32),
    ) -> Vec<Found> {
        let score = |candidate: &Candidate| metric.score_and_distance(candidate.rank()).0;
        let best = near.first().map_or(0.0, score);
        let lowest = near.last().map_or(0.0, score);
        let rows = || near.iter().chain(far);
        let best_text = rows().map(|row| text(row.slot()).0).fold(0.0, f32::max);
        let rank = |at: usize| if at < near.len() { at as u32 + 1 } else { 0 };
        let found: Vec<Found> = rows()
            .enumerate()
            .map(|(at, row)| {
                let (vector_score, distance) = metric.score_and_distance(row.rank());
                let (text_score, text_rank) = text(row.slot());
                let parts = Parts { vector_score, vector_rank: rank(at), text_score, text_rank };
                let score = match self {
                    Self::Rrf { k } => reciprocal(k, parts.vector_rank) + reciprocal(k, text_rank),
                    Self::Weighted { alpha } => {
                        let vector = share(vector_score - lowest, best - lowest);
                        let text = if best_text > 0.0 { text_score / best_text } else { 0.0 };
                        alpha * vector + (1.0 - alpha) * text
                    }
                };
                Found { slot: row.slot(), score, distance, parts: Some(parts) }
            })
            .collect();
        let mut order: Vec<Candidate> =
            found.iter().enumerate().map(|(at, found)| Candidate::new(-found.score, at as u32)).collect();
        order.sort_unstable();
        order.iter().map(|place| found[place.slot() as usize]).collect()
    }
}

fn reciprocal(k: u32, rank: u32) -> f32 {
    if rank == 0 { 0.0 } else { 1.0 / (k as f32 + rank as f32) }
}

/// Where a vector score lies in its window; 1 for all rows of a window with one score.
fn share(above: f32, spread: f32) -> f32 {
    if spread > 0.0 { (above / spread).clamp(0.0, 1.0) } else { f32::from(above >= 0.0) }
}
