//! Shorter forms of the rows, for the walk through the graph. Hits are always rescored with the original vectors.

pub(crate) mod scalar;
