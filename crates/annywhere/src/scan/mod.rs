//! Finding neighbours without a graph.

pub(crate) mod exact;
