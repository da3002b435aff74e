//! How a database answers: window, fusion, threshold, choice.

use super::fusion::Fusion;
use super::{Found, Wishes, window};
use crate::database::{Database, Plan, QUICK_NUMBERS, answered};
use crate::error::Error;
use crate::hits::{Hits, SearchParams};
use crate::kernels;
use crate::scan::exact::Rescore;
use crate::scratch::{Candidate, Scratch};
use crate::slots::Slot;
use crate::sort::sort;
use crate::weigh::{Weigher, candidates_of};
use crate::words::{Question, Words};

impl Database {
    /// Answers a search that asks for more than the nearest rows.
    pub(crate) fn answer(
        &self,
        query: &[f32],
        params: &SearchParams,
        scratch: &mut Scratch,
    ) -> Result<Hits<'_>, Error> {
        let has_vector = !query.is_empty() || params.text.is_none();
        let wishes = Wishes::read(params, has_vector)?;
        let question = wishes.text.map(|text| self.question(text)).transpose()?;
        if has_vector {
            self.stored.vectors.check(query, None)?;
        }
        let mut depth = wishes.window(params.k);
        loop {
            let plan = self.plan(&SearchParams { k: depth, ..params.clone() })?;
            let (mut found, mut is_all) = match &question {
                None => self.near(query, &plan, scratch),
                Some(question) if has_vector => self.fused(query, question, &plan, wishes.fusion, scratch),
                Some(question) => self.worded(question, &plan, scratch),
            };
            if let Some(failure) = scratch.query.fetched.take().failure {
                return Err(failure);
            }
            is_all |= plan.k < depth;
            // Every row that passes the threshold comes before all that do not.
            if let Some(least) = params.threshold {
                let passing = found.partition_point(|found| found.score >= least);
                is_all |= passing < found.len();
                found.truncate(passing);
            }
            let places = wishes.choice.take(&self.stored, &found, params.k, scratch)?;
            if places.len() >= params.k || is_all {
                return answered(self.named(places.iter().map(|&at| &found[at]), &plan), scratch);
            }
            depth = window(depth);
        }
    }

    /// Whether an answer takes as little time as [`is_quick`](Self::is_quick) says.
    pub(crate) fn is_quick_answer(&self, params: &SearchParams) -> bool {
        let compared = match params.lambda {
            Some(_) => window(params.k).saturating_mul(params.k.saturating_mul(self.options().dimensions)),
            None => 0,
        };
        let candidates = params.weigh.as_ref().map_or(0, candidates_of);
        let window = SearchParams {
            k: window(params.k).max(candidates),
            ef: params.ef,
            target_recall: params.target_recall,
            exact: params.exact,
            filter: params.filter.clone(),
            ..SearchParams::default()
        };
        compared <= QUICK_NUMBERS && self.is_quick_text(params) && self.is_quick(&window)
    }

    /// The rows nearest to a vector.
    fn near(&self, query: &[f32], plan: &Plan, scratch: &mut Scratch) -> (Vec<Found>, bool) {
        self.nearest(query, plan, scratch);
        if let Some(weigher) = &plan.weigher {
            let found = self.weighed(weigher, plan, scratch);
            let is_all = found.len() < plan.k;
            return (found, is_all);
        }
        let metric = self.stored.options.distance_metric;
        let found = scratch.sorted.iter().take(plan.k).map(|near| {
            let (score, distance) = metric.score_and_distance(near.rank());
            Found { slot: near.slot(), score, distance, parts: None }
        });
        (found.collect(), false)
    }

    /// The rows of the scratch's `sorted`, which are ranked by their scores, with their distances again.
    fn weighed(&self, weigher: &Weigher, plan: &Plan, scratch: &mut Scratch) -> Vec<Found> {
        scratch.sorted.truncate(plan.k);
        kernels::run(Rescore { vectors: &self.stored.vectors, scratch: &mut *scratch });
        let near = std::mem::take(&mut scratch.sorted);
        let mut order = near.clone();
        weigher.weigh(&mut order);
        let places = places(&near);
        let metric = self.stored.options.distance_metric;
        let found = order.iter().filter_map(|row| {
            let near = near.get(place(&places, row.slot())? as usize)?;
            let (_, distance) = metric.score_and_distance(near.rank());
            Some(Found { slot: row.slot(), score: 0.0 - row.rank(), distance, parts: None })
        });
        found.collect()
    }

    /// The rows whose words answer best. They have no distance.
    fn worded(&self, question: &Question, plan: &Plan, scratch: &mut Scratch) -> (Vec<Found>, bool) {
        self.best_words(question, plan, scratch);
        let found: Vec<Found> = scratch
            .sorted
            .iter()
            .map(|best| Found {
                slot: best.slot(),
                score: 0.0 - best.rank(),
                distance: f32::NAN,
                parts: None,
            })
            .collect();
        let is_all = found.len() < plan.k;
        (found, is_all)
    }

    /// Fills the scratch's `sorted` with the best rows by their words, and `words` with all scores.
    fn best_words<'a>(
        &'a self,
        question: &Question,
        plan: &Plan,
        scratch: &mut Scratch,
    ) -> Option<&'a Words> {
        scratch.sorted.clear();
        let words = self.stored.words.as_deref()?;
        words.score(question, &mut scratch.words);
        let may = |slot| plan.selection.as_ref().is_none_or(|selection| selection.matches.contains(slot));
        words.best(&scratch.words, plan.k, may, &mut scratch.sorted);
        Some(words)
    }

    /// Both lists as one.
    fn fused(
        &self,
        query: &[f32],
        question: &Question,
        plan: &Plan,
        fusion: Fusion,
        scratch: &mut Scratch,
    ) -> (Vec<Found>, bool) {
        let words = self.best_words(question, plan, scratch);
        let text = std::mem::take(&mut scratch.sorted);
        self.nearest(query, plan, scratch);
        scratch.sorted.truncate(plan.k);
        let near = std::mem::take(&mut scratch.sorted);
        let near_places = places(&near);
        scratch.sorted.extend(text.iter().filter(|row| place(&near_places, row.slot()).is_none()));
        kernels::run(Rescore { vectors: &self.stored.vectors, scratch: &mut *scratch });
        let text_places = places(&text);
        let of_text = |slot: Slot| {
            let score = words.map_or(0.0, |words| words.score_of(slot, &scratch.words));
            (score, place(&text_places, slot).map_or(0, |place| place + 1))
        };
        (fusion.fuse(self.stored.options.distance_metric, &near, &scratch.sorted, of_text), false)
    }

    fn named<'f>(&self, found: impl Iterator<Item = &'f Found>, plan: &Plan) -> Hits<'_> {
        let mut hits = self.no_hits(plan);
        for &Found { slot, score, distance, parts } in found {
            hits.push(slot, score, distance);
            hits.push_parts(parts);
        }
        hits
    }
}

/// The rows of a list by slot, with their places in it.
fn places(list: &[Candidate]) -> Vec<u64> {
    let mut places: Vec<u64> =
        list.iter().enumerate().map(|(place, row)| u64::from(row.slot()) << 32 | place as u64).collect();
    sort(&mut places);
    places
}

/// The place of a slot.
fn place(places: &[u64], slot: Slot) -> Option<u32> {
    let found = places.get(places.partition_point(|&place| place >> 32 < u64::from(slot)))?;
    (found >> 32 == u64::from(slot)).then_some(*found as u32)
}
