//! Choosing links: the paper's SELECT-NEIGHBORS-HEURISTIC (algorithm 4), without its optional extensions.
//!
//! A candidate becomes a neighbour only if it is nearer to the new row than to every neighbour chosen before it; so
//! links point in different directions, and a cluster is entered through its nearest member.

use super::Space;
use crate::kernels::Kernels;
use crate::scratch::{Candidate, Query};
use crate::slots::Slot;

/// Chooses up to `most` of the candidates, which come nearest first.
#[inline(always)]
pub(super) fn select<K: Kernels, S: Space>(
    kernels: K,
    space: S,
    candidates: impl Iterator<Item = Candidate>,
    most: usize,
    query: &mut Query,
    chosen: &mut Vec<Slot>,
) {
    chosen.clear();
    for candidate in candidates {
        if chosen.len() == most {
            break;
        }
        space.aim_at_slot(candidate.slot(), query);
        let rank = candidate.rank();
        let crowded = chosen.chunks(4).any(|group| {
            let last = group.len() - 1;
            let four = [
                group[0],
                group[last.min(1)],
                group[last.min(2)],
                group[last],
            ];
            space
                .ranks(kernels, query, four)
                .iter()
                .any(|&other| other < rank)
        });
        if !crowded {
            chosen.push(candidate.slot());
        }
    }
}
