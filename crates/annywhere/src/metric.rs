//! How near two vectors are, as users see it: `score` (larger is nearer) and `distance` (smaller is nearer).

use serde::{Deserialize, Serialize};

/// The measure by which rows are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Cosine of the angle. Score in [-1, 1], distance `1 - score`. Zero vectors are refused.
    #[default]
    Cosine,
    /// Straight-line distance (L2). Score `1 / (1 + distance)` in (0, 1].
    Euclidean,
    /// Dot product, not normalised. Score is the product itself, distance its negation.
    Dot,
    /// Sum of absolute differences (L1). Score `1 / (1 + distance)` in (0, 1].
    Manhattan,
}

impl Metric {
    /// Score and distance of a rank value: the exact quantity by which candidates are ordered, smaller is nearer.
    ///
    /// Ranks are: the negated cosine, the squared L2 distance, the negated dot product, the L1 distance. A rank is
    /// subtracted from zero and not negated, so that a score is never `-0`.
    pub(crate) fn score_and_distance(self, rank: f32) -> (f32, f32) {
        match self {
            Self::Cosine => {
                let score = (0.0 - rank).clamp(-1.0, 1.0);
                (score, 1.0 - score)
            }
            Self::Euclidean => {
                let distance = rank.sqrt();
                (1.0 / (1.0 + distance), distance)
            }
            Self::Dot => (0.0 - rank, rank),
            Self::Manhattan => (1.0 / (1.0 + rank), rank),
        }
    }

    /// The rank that has this score, but for rounding.
    pub(crate) fn rank_of_score(self, score: f32) -> f32 {
        // Distances of scores that no row can have are infinite.
        let distance = if score > 0.0 { (1.0 / score - 1.0).max(0.0) } else { f32::INFINITY };
        match self {
            Self::Cosine | Self::Dot => 0.0 - score,
            Self::Euclidean => distance * distance,
            Self::Manhattan => distance,
        }
    }
}
