//! Choosing links: the paper's SELECT-NEIGHBORS-HEURISTIC (algorithm 4), without its optional extensions.
//!
//! A candidate becomes a neighbour only if it is nearer to the new row than to every neighbour chosen before it; so
//! links point in different directions, and a cluster is entered through its nearest member.

use crate::kernels::Kernels;
use crate::scratch::Candidate;
use crate::slots::Slot;
use crate::space::{Query, Space, four};

/// Chooses up to `most` of the candidates, which come nearest first. Inlined as [`search_layer`] is.
///
/// [`search_layer`]: super::search::search_layer
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
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
        // A loop and not `any`: kernels inside a closure are compiled without the processor's features.
        let mut crowded = false;
        for group in chosen.chunks(4) {
            let [a, b, c, d] = space.ranks(kernels, query, four(group));
            crowded = a < rank || b < rank || c < rank || d < rank;
            if crowded {
                break;
            }
        }
        if !crowded {
            chosen.push(candidate.slot());
        }
    }
}
