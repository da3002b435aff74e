//! What a search did, and how good searches are: for people who ask why.

use serde::Serialize;

use crate::database::{Database, Method, answered};
use crate::error::Error;
use crate::hits::{Hits, SearchParams};
use crate::parallel;
use crate::rng::mix;
use crate::scratch::Work;
use crate::slots::Slot;
use crate::sort::sort;

/// How a search found its rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// `nothing`, `exact` (every row is compared), `matches` (every match is), `codes` (the code of every match is),
    /// `words`, `scan`, `maskedScan`, `graph` or `filteredGraph`.
    pub strategy: &'static str,
    /// Why this one.
    pub reason: &'static str,
    /// The strategy given up for comparing every match, because it took as long or found too few.
    pub gave_up: Option<&'static str>,
    /// Rows of the database.
    pub rows: usize,
    /// How many of them match the filter; all without one.
    pub matches: usize,
    /// The part of the rows that matches.
    pub selectivity: f64,
    /// What columns promised of it before any row was looked at.
    pub estimated_selectivity: f64,
    /// Rows whose codes were scanned, or whose links were followed.
    pub visited: usize,
    /// Rows compared with the query one by one, by their codes in a graph.
    pub distances: usize,
    /// Number of hits.
    pub hits: usize,
    /// Milliseconds of each stage, by the clock given.
    pub milliseconds: Stages,
}

/// Times of the stages of a search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stages {
    /// Reading the filter, looking it up, choosing a strategy.
    pub plan: f64,
    /// Finding and scoring rows.
    pub search: f64,
    /// All together.
    pub total: f64,
}

/// What searches find of what they should, measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recall {
    /// The part of the true neighbours that was found.
    pub recall: f64,
    /// Where the 95 % confidence interval begins, by Wilson's score; all neighbours of one query count as one observation.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// Neighbours per query.
    pub k: usize,
    /// Queries.
    pub samples: usize,
}

/// The number of deviations that hold 95 % of a normal distribution.
const DEVIATIONS: f64 = 1.96;

impl Database {
    /// Searches and tells how. The core has no clock of its own: `clock` says the milliseconds since some moment.
    ///
    /// # Errors
    /// Those of [`search`](Self::search).
    pub fn explain(
        &self,
        query: &[f32],
        params: &SearchParams,
        clock: &dyn Fn() -> f64,
    ) -> Result<Explanation, Error> {
        let begin = clock();
        let plan = self.plan(params)?;
        let planned = clock();
        let mut borrowed = self.scratches.borrow();
        let scratch = &mut borrowed.scratch;
        scratch.work = Work::default();
        let words = params.text.is_some() && query.is_empty();
        let hits = if params.has_wishes() {
            self.answer(query, params, scratch)?
        } else {
            self.stored.vectors.check(query, None)?;
            self.nearest(query, &plan, scratch);
            answered(self.hits(scratch, &plan), scratch)?
        };
        let hits = hits.len();
        let end = clock();
        let rows = self.len();
        let selection = plan.selection.as_deref();
        let matches = selection.map_or(rows, |selection| selection.count);
        let filtered = selection.is_some();
        let (strategy, reason) = match plan.method {
            _ if words => ("words", "there is a text and no vector"),
            Method::Nothing => ("nothing", "no row can be a hit"),
            Method::Exact if filtered && params.exact => ("matches", "exact was asked for"),
            Method::Exact if filtered => ("matches", "so few rows match that comparing them takes no longer"),
            Method::Exact if params.exact => ("exact", "exact was asked for"),
            Method::Exact => ("exact", "so many hits, or so few rows, that an index takes as long"),
            Method::Scan(_) if filtered => {
                ("maskedScan", "many rows match, and blocks without matches are skipped")
            }
            Method::Scan(_) => ("scan", "every row may be a hit"),
            Method::Codes { .. } => {
                ("codes", "some rows match: their codes are compared, and the nearest exactly")
            }
            Method::Graph { .. } if filtered => {
                ("filteredGraph", "many rows match, and others are walked through")
            }
            Method::Graph { .. } => ("graph", "every row may be a hit"),
        };
        let part = |count: usize| if rows == 0 { 0.0 } else { count as f64 / rows as f64 };
        let gave_up = scratch.work.gave_up.then_some(strategy);
        Ok(Explanation {
            strategy: match gave_up {
                Some(_) if filtered => "matches",
                Some(_) => "exact",
                None => strategy,
            },
            reason,
            gave_up,
            rows,
            matches,
            selectivity: part(matches),
            estimated_selectivity: part(selection.map_or(rows, |selection| selection.estimate)),
            visited: scratch.work.visited,
            distances: scratch.work.distances,
            hits,
            milliseconds: Stages { plan: planned - begin, search: end - planned, total: end - begin },
        })
    }

    /// Searches for the neighbours of `samples` rows that are in the database, without the rows themselves, and compares
    /// with an exact search. Of `params`, `k`, `ef`, `target_recall` and `filter` count. Which rows is decided by a hash, so the same database gives the same answer.
    ///
    /// # Errors
    /// Those of [`search`](Self::search); [`Error::InvalidArgument`] if `samples` is zero.
    pub fn measure_recall(&self, samples: usize, params: &SearchParams) -> Result<Recall, Error> {
        if samples == 0 {
            let reason = "0 is outside its range, 1 and more".to_owned();
            return Err(Error::InvalidArgument { argument: "samples".to_owned(), reason });
        }
        let k = params.k;
        // The sample itself is a hit that every search finds.
        let params = SearchParams {
            k: k.saturating_add(1),
            ef: params.ef,
            target_recall: params.target_recall,
            filter: params.filter.clone(),
            ..SearchParams::default()
        };
        let exact = SearchParams { exact: true, ..params.clone() };
        let mut live: Vec<(u64, Slot)> =
            self.stored.slots.live_slots().map(|slot| (mix(u64::from(slot)), slot)).collect();
        sort(&mut live);
        live.truncate(samples);
        let measured = parallel::map(live.len(), &self.scratches, |at, _| {
            let slot = live[at].1;
            let query = self.stored.vectors.read(slot)?;
            let neighbours = |params: &SearchParams| -> Result<Vec<Slot>, Error> {
                let mut found = Hits::slots(&self.search(&query, params)?).to_vec();
                found.retain(|&near| near != slot);
                found.truncate(k);
                Ok(found)
            };
            let truth = neighbours(&exact)?;
            let found = neighbours(&params)?;
            Ok((truth.iter().filter(|near| found.contains(near)).count(), truth.len()))
        });
        let (mut found, mut wanted, mut counted) = (0, 0, 0);
        for one in measured {
            let (near, all): (usize, usize) = one?;
            found += near;
            wanted += all;
            counted += usize::from(all > 0);
        }
        let recall = if wanted == 0 { 1.0 } else { found as f64 / wanted as f64 };
        let (low, high) = interval(recall, counted as f64);
        Ok(Recall { recall, low, high, k, samples: counted })
    }
}

/// Wilson's interval for a part seen in so many observations.
fn interval(part: f64, observations: f64) -> (f64, f64) {
    if observations == 0.0 {
        return (0.0, 1.0);
    }
    let square = DEVIATIONS * DEVIATIONS / observations;
    let middle = part + square / 2.0;
    let spread = (square * (part * (1.0 - part) + square / 4.0)).sqrt();
    ((middle - spread) / (1.0 + square), (middle + spread) / (1.0 + square))
}

#[cfg(test)]
mod tests {
    use super::interval;

    #[test]
    fn the_interval_is_wilsons() {
        // Values of Wilson's formula for 8 of 10 and for 10 of 10.
        let (low, high) = interval(0.8, 10.0);
        assert!((low - 0.4902).abs() < 1e-4 && (high - 0.9433).abs() < 1e-4, "{low} {high}");
        let (low, high) = interval(1.0, 10.0);
        assert!((low - 0.7225).abs() < 1e-4 && (high - 1.0).abs() < 1e-9, "{low} {high}");
    }
}
