//! Scores that rows have a say in: similarity multiplied by importance and by a half-life decay of age.
//!
//! ```text
//! score = max(0, similarity)^power · weight · 2^(−age / half-life)        age = max(0, now − time)
//! ```
//! `similarity` is the metric's score. `weight`, `time` and `expires` are numbers in a row's metadata, each at a path that the
//! search names; the half-life may depend on a text there, such as a type. A row without one of them is not touched by
//! it: its weight is 1, it does not age, it does not expire. Of several numbers the largest counts. A row with
//! `expires ≤ now` is no hit.
//!
//! The numbers of every row are read from its metadata once and lie by slot (`rows`), so a search weighs a row that its
//! index brings up before it reads the row's vector: what cannot be among the best is not compared. The powers are
//! computed here (`power`), because those of platforms differ in their last bits.

mod power;
mod rows;

use std::sync::Arc;

use serde_json::Value as Json;

use crate::database::Database;
use crate::error::Error;
use crate::metric::Metric;
use crate::scratch::Candidate;
use crate::slots::Slot;
use crate::stored::Stored;

pub(crate) use rows::Weights;

/// How many of the most similar rows a search looks at if it does not say: of 100,000 memories in a scan, ranked by
/// importance and age, it finds 0.993 of the best ten, with 32 as well (`npm run bench -- memory`); a graph needs them.
const CANDIDATES: usize = 128;
const MOST_CANDIDATES: usize = 65_536;
const MOST_POWER: f64 = 16.0;
/// Half-lives that are told apart by a text.
const MOST_HALF_LIVES: usize = 1_000;
/// By how much rounding may move the similarity that a score needs, as a part of it.
const ROUNDING: f64 = 1e-6;

/// Which metadata rows are weighed by.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Fields {
    weight: Option<String>,
    time: Option<String>,
    /// One per half-life, in units of `now` and `time`; 0 for rows that do not age.
    rate: f64,
    /// Where the text stands that has a rate of its own, and these.
    by: Option<String>,
    rates: Vec<(String, f64)>,
    expires: Option<String>,
}

/// What a search says about it, checked.
#[derive(Debug, Clone)]
struct Wanted {
    fields: Fields,
    power: f64,
    now: f64,
    least: f32,
    candidates: usize,
}

/// Gives rows their scores.
#[derive(Debug, Clone)]
pub(crate) struct Weigher {
    pub(crate) weights: Arc<Weights>,
    metric: Metric,
    power: f64,
    now: f64,
    /// Least similarity of a hit.
    least: f32,
    /// How many of the most similar rows are weighed at least.
    pub(crate) candidates: usize,
}

impl Weigher {
    /// The score of a row by its similarity; `None` if it is no hit.
    #[inline(never)]
    fn score(&self, similarity: f32, slot: Slot) -> Option<f32> {
        let row = self.weights.row(slot);
        if similarity < self.least || row.expires <= self.now {
            return None;
        }
        Some((self.base(similarity) * row.factor(self.now)) as f32)
    }

    /// At least what a row can score whose rank is not less than this, without looking at the row.
    #[inline(always)]
    pub(crate) fn bound(&self, rank: f32, slot: Slot) -> f32 {
        let similarity = self.metric.score_and_distance(rank).0;
        (self.base(similarity) * f64::from(self.weights.bound(slot))) as f32
    }

    /// Whether a row with such a bound can have a score of at least `least`.
    pub(crate) fn may_reach(&self, bound: f32, slot: Slot, least: f32) -> bool {
        let row = self.weights.row(slot);
        let part = row.factor(self.now) * (1.0 + ROUNDING) / f64::from(self.weights.bound(slot));
        row.expires > self.now && f64::from(bound) * part >= f64::from(least)
    }

    /// Puts rows, nearest first, in the order of their scores, by which they are ranked then, and drops those that are no hits.
    /// Whether rows farther than these cannot be hits.
    pub(crate) fn weigh(&self, rows: &mut Vec<Candidate>) -> bool {
        let farthest = rows.last().map_or(f32::NEG_INFINITY, |row| row.rank());
        let is_all = self.metric.score_and_distance(farthest).0 < self.least;
        for row in rows.iter_mut() {
            *row = Candidate::new(self.rank(row.rank(), row.slot()), row.slot());
        }
        rows.retain(|row| row.rank() < f32::INFINITY);
        rows.sort_unstable();
        is_all
    }

    /// The similarity below which no row is a hit, as a rank.
    pub(crate) fn farthest(&self) -> f32 {
        if self.least > f32::MIN { self.metric.rank_of_score(self.least) } else { f32::INFINITY }
    }

    /// The same by its rank and as one, infinite if it cannot be a hit.
    pub(crate) fn rank(&self, rank: f32, slot: Slot) -> f32 {
        let similarity = self.metric.score_and_distance(rank).0;
        self.score(similarity, slot).map_or(f32::INFINITY, |score| 0.0 - score)
    }

    /// The largest rank at which a row can still get such a score.
    pub(crate) fn needed_rank(&self, score: f32) -> f32 {
        let least = power::pow(f64::from(score / self.weights.most), 1.0 / self.power) * (1.0 - ROUNDING);
        self.metric.rank_of_score((least as f32).max(self.least))
    }

    #[inline(always)]
    fn base(&self, similarity: f32) -> f64 {
        power::pow(f64::from(similarity.max(0.0)), self.power)
    }
}

impl Database {
    /// What weighs the rows of a search.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]; those of reading metadata from a file.
    pub(crate) fn weigher(&self, given: &Json) -> Result<Weigher, Error> {
        let Wanted { fields, power, now, least, candidates } = Wanted::read(given)?;
        let Stored { columns, slots, metadata, options, .. } = &self.stored;
        let weights = columns.weights(fields, now, slots, metadata)?;
        Ok(Weigher { weights, metric: options.distance_metric, power, now, least, candidates })
    }
}

/// How many rows a search looks at, if it says so.
pub(crate) fn candidates_of(given: &Json) -> usize {
    given.get("candidates").and_then(Json::as_u64).map_or(CANDIDATES, |candidates| candidates as usize)
}

fn invalid(name: &str, reason: String) -> Error {
    Error::InvalidArgument { argument: format!("weigh{name}"), reason }
}

impl Wanted {
    fn read(given: &Json) -> Result<Self, Error> {
        let names = ["power", "weight", "fade", "expires", "now", "minSimilarity", "candidates"];
        let part = Part::of(".", given, &names)?;
        let mut fields =
            Fields { weight: part.path("weight")?, expires: part.path("expires")?, ..Fields::default() };
        if let Some(fade) = part.get("fade") {
            let part = Part::of(".fade.", fade, &["time", "halfLife", "by", "halfLives"])?;
            fields.time = Some(part.path("time")?.ok_or_else(|| part.error("time", "is missing"))?);
            fields.rate =
                part.number("halfLife", f64::MIN_POSITIVE, f64::MAX)?.map_or(0.0, |days| 1.0 / days);
            fields.by = part.path("by")?;
            if let Some(half_lives) = part.get("halfLives") {
                let part = Part::of(".fade.halfLives.", half_lives, &[])?;
                if part.0.len() > MOST_HALF_LIVES || fields.by.is_none() {
                    return Err(invalid(
                        ".fade.halfLives",
                        format!("needs `by` and at most {MOST_HALF_LIVES} texts"),
                    ));
                }
                for text in part.0.keys() {
                    let rate = part.number(text, f64::MIN_POSITIVE, f64::MAX)?.map_or(0.0, |days| 1.0 / days);
                    fields.rates.push((text.clone(), rate));
                }
            }
        }
        let now = part.number("now", f64::MIN, f64::MAX)?;
        if now.is_none() && (fields.time.is_some() || fields.expires.is_some()) {
            return Err(part.error("now", "is missing"));
        }
        let candidates = part.number("candidates", 1.0, MOST_CANDIDATES as f64)?;
        Ok(Self {
            fields,
            power: part.number("power", 1.0 / MOST_POWER, MOST_POWER)?.unwrap_or(1.0),
            now: now.unwrap_or(0.0),
            least: part
                .number("minSimilarity", f64::from(f32::MIN), f64::from(f32::MAX))?
                .map_or(f32::MIN, |least| least as f32),
            candidates: candidates.map_or(CANDIDATES, |candidates| candidates as usize),
        })
    }
}

/// An object of what was given, and where it stands.
struct Part<'a>(&'a serde_json::Map<String, Json>, &'static str);

impl<'a> Part<'a> {
    /// Refuses names that are not `known`, if some are.
    fn of(place: &'static str, given: &'a Json, known: &[&str]) -> Result<Self, Error> {
        let Some(object) = given.as_object() else {
            return Err(invalid(place.trim_end_matches('.'), "must be an object".to_owned()));
        };
        let part = Self(object, place);
        match object.keys().find(|name| !known.is_empty() && !known.contains(&name.as_str())) {
            Some(name) => Err(part.error(name, "is unknown")),
            None => Ok(part),
        }
    }

    fn error(&self, name: &str, reason: &str) -> Error {
        invalid(&format!("{}{name}", self.1), reason.to_owned())
    }

    /// What is there; `null` counts as absent.
    fn get(&self, name: &str) -> Option<&'a Json> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn path(&self, name: &str) -> Result<Option<String>, Error> {
        match self.get(name) {
            None => Ok(None),
            Some(Json::String(path)) if !path.is_empty() => Ok(Some(path.clone())),
            Some(_) => Err(self.error(name, "must be a path into the metadata")),
        }
    }

    fn number(&self, name: &str, least: f64, most: f64) -> Result<Option<f64>, Error> {
        match self.get(name).map(|value| (value, value.as_f64())) {
            None => Ok(None),
            Some((_, Some(number))) if (least..=most).contains(&number) => Ok(Some(number)),
            Some((value, _)) => {
                Err(self.error(name, &format!("{value} is not a number in its range, {least} to {most}")))
            }
        }
    }
}
