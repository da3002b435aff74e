//! When a search may stop looking, measured on sampled rows.
//!
//! What is looked at in the order of its similarity `s₀ ≥ s₁ ≥ …` with the query, cells of a scan or rows of a graph, is
//! looked at up to the `p`-th one with
//!
//! ```text
//! √p (s₀ − s_p) ≤ reach · (s_max − s_k)
//! ```
//! where `s_k` is the similarity of the k-th best row so far and `s_max` the largest that a row can have; under euclidean
//! that is half the squared distance of the k-th best. What is hardly less promising than the first one, and a query
//! whose neighbours are far away, take more looking than others. The table says which reach covers which part of the
//! sampled rows' true neighbours.

use crate::sort::sort;

/// Parts of the true neighbours in a table.
pub(crate) const LEVELS: [f32; 12] = [0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0];

/// The reach that it takes to look at the `place`-th, which is `behind` less similar than the first one, when the k-th best
/// row so far is `missing` less similar than a row can be.
#[inline(always)]
pub(crate) fn needed_reach(place: f32, behind: f32, missing: f32) -> f32 {
    let product = place.sqrt() * behind;
    if missing > 0.0 {
        product / missing
    } else if product > 0.0 {
        // No row can be better than those found.
        f32::MAX
    } else {
        0.0
    }
}

/// For each level in turn, the reach that covers it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Reach(pub(crate) [f32; LEVELS.len()]);

impl Reach {
    /// Of the reaches that the true neighbours of sampled rows needed.
    pub(crate) fn of(mut needed: Vec<f32>) -> Self {
        sort(&mut needed);
        let at = |level: f32| {
            let rank = (level * needed.len() as f32).ceil() as usize;
            needed.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
        };
        Self(LEVELS.map(at))
    }

    /// The reach that covers this part of the neighbours, in between by straight lines.
    pub(crate) fn covering(&self, part: f32) -> f32 {
        let above = LEVELS.iter().position(|&level| level >= part).unwrap_or(LEVELS.len() - 1);
        let Some(below) = above.checked_sub(1) else {
            return self.0[0];
        };
        let share = (part - LEVELS[below]) / (LEVELS[above] - LEVELS[below]);
        self.0[below] + share * (self.0[above] - self.0[below])
    }
}
