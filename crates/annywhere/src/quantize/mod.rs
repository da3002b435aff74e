//! Vectors in fewer bytes, one scheme per file.

pub(crate) mod codec;
pub(crate) mod kmeans;
pub(crate) mod product;
pub(crate) mod rabitq;
pub(crate) mod rotate;
pub(crate) mod scalar;
pub(crate) mod tables;
