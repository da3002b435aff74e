//! Taking rows from a window so that they do not repeat each other.
//!
//! - *Maximal marginal relevance* (Carbonell and Goldstein, 1998): each time the row with the largest
//!   `lambda · relevance − (1 − lambda) · likeness` is taken. Relevance is where the row's score lies between those of the
//!   last row of the window, 0, and of the first, 1; likeness is that to the most alike row taken before, 0 at first.
//!   Rows are alike by their vectors, as the metric scores them (under dot by the cosine), or by a field: the share of
//!   values that both have among those that one of them has.
//! - *Groups*: of rows with the same value of a field at most so many are taken. A row with several values counts for each.
//!
//! A row without values, or with `null` alone, is like no other and in no group. Of equal rows the earlier is taken.

use super::Found;
use crate::error::Error;
use crate::fields::{self, Value};
use crate::kernels::{self, Kernels, Task};
use crate::metric::Metric;
use crate::rows;
use crate::scratch::Scratch;
use crate::slots::Slot;
use crate::space::{Query, Space, rank_all};
use crate::stored::Stored;
use crate::words::Terms;

/// What is wanted of the rows taken.
pub(super) struct Choice<'a> {
    pub(super) lambda: Option<f32>,
    /// The field by which rows are alike; by their vectors if `None`.
    pub(super) by: Option<&'a str>,
    /// A field, and how many rows of one value are taken.
    pub(super) group: Option<(&'a str, usize)>,
}

/// The values of a field, as numbers that are equal where the values are.
type Values = Vec<Vec<u32>>;

impl Choice<'_> {
    /// Whether the first rows are taken as they come.
    pub(super) fn is_plain(&self) -> bool {
        self.lambda.is_none() && self.group.is_none()
    }

    /// Up to `k` places of the rows that are taken, in the order in which they are.
    pub(super) fn take(
        &self,
        stored: &Stored,
        found: &[Found],
        k: usize,
        scratch: &mut Scratch,
    ) -> Result<Vec<usize>, Error> {
        let mut groups = match self.group {
            Some((field, size)) => Groups::new(values(stored, field, found)?, size),
            None => Groups::new(Vec::new(), 0),
        };
        let mut taken: Vec<usize> = Vec::new();
        let Some(lambda) = self.lambda else {
            for at in 0..found.len() {
                if taken.len() == k {
                    break;
                }
                if groups.has_room(at) {
                    taken.push(at);
                    groups.fill(at);
                }
            }
            return Ok(taken);
        };
        let relevance = relevance(found);
        let mut likeness = vec![0.0_f32; found.len()];
        let mut rest: Vec<usize> = (0..found.len()).collect();
        let compare = match self.by {
            Some(field) => Compare::Values(values(stored, field, found)?),
            None => Compare::vectors(stored, found, scratch)?,
        };
        while taken.len() < k {
            rest.retain(|&at| groups.has_room(at));
            let margin = |at: usize| lambda * relevance[at] - (1.0 - lambda) * likeness[at];
            let best = (0..rest.len())
                .reduce(|best, other| if margin(rest[other]) > margin(rest[best]) { other } else { best });
            let Some(best) = best else { break };
            let at = rest.remove(best);
            let is_first = taken.is_empty();
            taken.push(at);
            groups.fill(at);
            compare.with(stored, found, at, &rest, scratch, &mut |other, alike| {
                likeness[other] = if is_first { alike } else { likeness[other].max(alike) };
            })?;
        }
        Ok(taken)
    }
}

/// Where the score of each row lies between those of the last and the first; 1 for all if these are the same.
fn relevance(found: &[Found]) -> Vec<f32> {
    let first = found.first().map_or(0.0, |found| found.score);
    let last = found.last().map_or(0.0, |found| found.score);
    let spread = first - last;
    found.iter().map(|found| if spread > 0.0 { (found.score - last) / spread } else { 1.0 }).collect()
}

/// How many rows of each value are taken.
struct Groups {
    /// Of every row; nothing if rows are not grouped.
    values: Values,
    filled: Vec<usize>,
    size: usize,
}

impl Groups {
    fn new(values: Values, size: usize) -> Self {
        let most = values.iter().flatten().max().map_or(0, |&most| most as usize + 1);
        Self { values, filled: vec![0; most], size }
    }

    fn has_room(&self, at: usize) -> bool {
        let values = self.values.get(at).map_or(&[][..], Vec::as_slice);
        values.iter().all(|&value| self.filled[value as usize] < self.size)
    }

    fn fill(&mut self, at: usize) {
        for &value in self.values.get(at).into_iter().flatten() {
            self.filled[value as usize] += 1;
        }
    }
}

/// Reads the values of a field of every row, each value of a row once.
fn values(stored: &Stored, field: &str, found: &[Found]) -> Result<Values, Error> {
    let mut names = Terms::new();
    let mut failed = None;
    let mut all = Vec::new();
    for found in found {
        let mut of_row: Vec<u32> = Vec::new();
        fields::visit(&rows::read_metadata(&stored.metadata, found.slot)?, field, &mut |value| {
            // The kind comes first, so that a text and a number are never the same.
            let name = match value {
                Value::Text(text) => format!("t{text}"),
                Value::Number(number) => format!("n{:x}", (number + 0.0).to_bits()),
                Value::Bool(bool) => format!("b{}", u8::from(bool)),
                Value::Present | Value::Null => return,
            };
            match names.find(&name).map_or_else(|| names.add(&name), Ok) {
                Ok(number) if of_row.contains(&number) => {}
                Ok(number) => of_row.push(number),
                Err(error) => failed = Some(error),
            }
        });
        all.push(of_row);
    }
    failed.map_or(Ok(all), Err)
}

/// By what rows are alike.
enum Compare {
    Values(Values),
    /// Lengths of the rows' vectors, under dot.
    Vectors {
        lengths: Vec<f32>,
    },
}

impl Compare {
    fn vectors(stored: &Stored, found: &[Found], scratch: &mut Scratch) -> Result<Self, Error> {
        let mut lengths = Vec::new();
        if stored.options.distance_metric == Metric::Dot {
            for found in found {
                let mut square = 0.0;
                rank(stored, found.slot, &[found.slot], &mut scratch.other, &mut |_, rank| {
                    square = 0.0 - rank;
                })?;
                lengths.push(square.sqrt());
            }
        }
        Ok(Self::Vectors { lengths })
    }

    /// Calls `each` with how much each of the `rest` is like the row at `at`, from 0 to 1, by vectors from −1 to 1.
    fn with(
        &self,
        stored: &Stored,
        found: &[Found],
        at: usize,
        rest: &[usize],
        scratch: &mut Scratch,
        each: &mut dyn FnMut(usize, f32),
    ) -> Result<(), Error> {
        match self {
            Self::Values(values) => {
                for &other in rest {
                    each(other, shared(&values[at], &values[other]));
                }
                Ok(())
            }
            Self::Vectors { lengths } => {
                let metric = stored.options.distance_metric;
                let Scratch { other: query, fresh, .. } = scratch;
                fresh.clear();
                fresh.extend(rest.iter().map(|&other| found[other].slot));
                rank(stored, found[at].slot, fresh, query, &mut |place, rank| {
                    let other = rest[place];
                    let score = metric.score_and_distance(rank).0;
                    let alike = match lengths.get(other) {
                        Some(length) if length * lengths[at] > 0.0 => score / (length * lengths[at]),
                        Some(_) => 0.0,
                        None => score,
                    };
                    each(other, alike);
                })
            }
        }
    }
}

/// The share of values that both have among those that one has.
fn shared(a: &[u32], b: &[u32]) -> f32 {
    let both = a.iter().filter(|value| b.contains(value)).count();
    let any = a.len() + b.len() - both;
    if any == 0 { 0.0 } else { both as f32 / any as f32 }
}

/// Calls `each` with the place and the rank of each row as seen from one of them.
fn rank(
    stored: &Stored,
    from: Slot,
    slots: &[Slot],
    query: &mut Query,
    each: &mut dyn FnMut(usize, f32),
) -> Result<(), Error> {
    stored.vectors.aim_at_vector(&stored.vectors.read(from)?, query);
    kernels::run(RankRows { stored, query, slots, each });
    query.fetched.take().failure.map_or(Ok(()), Err)
}

/// Calls a function with the place and the rank of each row.
struct RankRows<'a> {
    stored: &'a Stored,
    query: &'a Query,
    slots: &'a [Slot],
    each: &'a mut dyn FnMut(usize, f32),
}

impl Task for RankRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<K: Kernels>(self, kernels: K) {
        let Self { stored, query, slots, each } = self;
        let mut place = 0;
        rank_all(kernels, &stored.vectors, query, slots, |rank, _| {
            each(place, rank);
            place += 1;
        });
    }
}
