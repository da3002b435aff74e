//! Finding neighbours by scanning codes: partitioned 4-bit fast-scan with an error bound.
//!
//! ```text
//! rows      lie in cells around centres (k-means), each cell sorted by how far its rows are from the centre
//! codes     RaBitQ of the row against its centre, in blocks of 32 rows
//! search    cells in order of promise → a sum of table entries per row → rows whose upper bound reaches the k-th best
//!           exact score so far → exact scores → …
//! ```
//! 1. The tables are made once per query and not per cell, because ⟨q, x⟩ = ⟨q, c⟩ + ⟨q, x − c⟩: only the first term,
//!    which ordering the cells needs anyway, depends on the cell (IVFADC, Jégou et al. 2011, with FastScan, André et al.
//!    2015, and the codes of [`rabitq`](crate::quantize::rabitq)).
//! 2. How many rows are scored exactly is not a setting. A row is skipped only if its estimate and `ε` standard deviations
//!    of the estimate's error do not reach the k-th best exact score.
//! 3. How many cells are visited is not a setting either, nor the same for every query: [`reach`] says when to stop.
//! 4. Slots are places: the row of slot `s` is row `s % 32` of block `s / 32`. [`arrange`](Scan::arrange) decides which
//!    rows lie together and the database moves them. Rows inserted since then are the *tail*, coded around the mean of all
//!    rows. Below [`FEWEST_CODED`] rows nothing is coded and searches are exact.
//!
//! *Similarity* is what is estimated, larger is nearer: the product, under cosine of unit vectors; under euclidean
//! `⟨q, x⟩ − |x|²/2`, both against the mean of all rows, which orders rows as the distance does.

mod blocks;
mod cells;
mod centres;
pub(crate) mod exact;
mod reach;
pub(crate) mod search;

pub(crate) use cells::{FEWEST_CODED, Numbers, Parts, Scan};
