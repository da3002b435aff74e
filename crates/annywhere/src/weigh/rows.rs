//! The numbers by which rows are weighed, by slot.

use std::ops::Range;

use super::{Fields, power};
use crate::error::Error;
use crate::fields::{self, Value};
use crate::filter::Bitmap;
use crate::rows;
use crate::slots::Slot;
use crate::texts::Texts;

/// Weights beyond this are cut: their product with a score is still far from infinite.
const MOST_WEIGHT: f64 = 1e6;
/// Bounds are those of the beginning of a stretch of time, in which the fastest rows fade by this.
const MOST_HALVINGS: f64 = 1.0 / 16.0;
/// Bounds between a factor and its half: the 256 steps reach down to 1 / 2^32 of the largest weight.
const STEPS: f64 = 8.0;
/// More than the rounding of a factor to 32 bits.
const ROUNDING: f64 = 1e-6;

/// The numbers of one row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight {
    time: f64,
    pub(super) expires: f64,
    weight: f32,
    /// Halvings per unit of time.
    rate: f32,
}

impl Weight {
    /// What a similarity is multiplied by at a time.
    pub(super) fn factor(&self, now: f64) -> f64 {
        let halvings = self.halvings(now);
        let faded = if halvings > 0.0 { power::exp2(-halvings) } else { 1.0 };
        f64::from(self.weight) * faded
    }

    fn halvings(&self, now: f64) -> f64 {
        (now - self.time).max(0.0) * f64::from(self.rate)
    }
}

/// Those of all rows for one choice of fields.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    fields: Fields,
    rows: Vec<Weight>,
    /// Upper bounds of factors as places in `steps`, in one byte, so that they are at hand where rows are scanned. They are of
    /// some time; factors only get smaller after it.
    bounds: Vec<u8>,
    bounds_at: f64,
    steps: Vec<f32>,
    /// No row has a larger weight.
    pub(super) most: f32,
}

impl Weights {
    pub(crate) fn are_of(&self, fields: &Fields) -> bool {
        self.fields == *fields
    }

    /// Reads the numbers of the rows of `live`.
    ///
    /// # Errors
    /// Of metadata that have to be read from a file and cannot be.
    pub(crate) fn read(fields: Fields, now: f64, live: &Bitmap, metadata: &Texts) -> Result<Self, Error> {
        let mut weights = Self {
            fields,
            rows: Vec::new(),
            bounds: Vec::new(),
            bounds_at: 0.0,
            steps: Vec::new(),
            most: 0.0,
        };
        weights.bounds_at = weights.begin_of(now);
        weights.take(live, live, metadata)?;
        Ok(weights)
    }

    /// Reads the numbers of the rows of `changed` again.
    pub(crate) fn take(&mut self, live: &Bitmap, changed: &Bitmap, metadata: &Texts) -> Result<(), Error> {
        self.rows.resize(live.slots(), NOTHING);
        self.bounds.resize(live.slots(), u8::MAX);
        for slot in changed.iter() {
            let row = if live.contains(slot) {
                of(&self.fields, &rows::read_metadata(metadata, slot)?)
            } else {
                NOTHING
            };
            self.rows[slot as usize] = row;
        }
        let most = self.rows.iter().fold(f32::MIN_POSITIVE, |most, row| most.max(row.weight));
        if most != self.most {
            self.most = most;
            self.renew_bounds();
        } else {
            for slot in changed.iter() {
                self.bounds[slot as usize] = self.bound_of(self.rows[slot as usize]);
            }
        }
        Ok(())
    }

    /// Reads the numbers of all rows again.
    pub(crate) fn renew(&mut self, live: &Bitmap, metadata: &Texts) -> Result<(), Error> {
        *self = Self::read(std::mem::take(&mut self.fields), self.bounds_at, live, metadata)?;
        Ok(())
    }

    /// Slot `i` takes the row of slot `order[i]`.
    pub(crate) fn permute(&mut self, order: &[Slot], live: usize) {
        self.rows = order[..live].iter().map(|&slot| self.rows[slot as usize]).collect();
        self.renew_bounds();
    }

    /// Whether the bounds are those of a time.
    pub(crate) fn has_bounds(&self, now: f64) -> bool {
        self.bounds_at == self.begin_of(now)
    }

    pub(crate) fn aim_bounds(&mut self, now: f64) {
        self.bounds_at = self.begin_of(now);
        self.renew_bounds();
    }

    /// The beginning of the stretch of time that has the same bounds. It depends on nothing but the fields and the time: bounds
    /// decide in which order rows are compared, so they must not depend on earlier searches.
    fn begin_of(&self, now: f64) -> f64 {
        let fastest =
            self.fields.rates.iter().fold(self.fields.rate, |fastest, &(_, rate)| fastest.max(rate));
        if fastest == 0.0 {
            return 0.0;
        }
        let stretch = MOST_HALVINGS / fastest;
        // Far from zero, times of short stretches are rounded.
        ((now / stretch).floor() * stretch).min(now)
    }

    fn renew_bounds(&mut self) {
        let step =
            |step: u32| power::exp2(-f64::from(step) / STEPS) * f64::from(self.most) * (1.0 + ROUNDING);
        self.steps = (0..=u32::from(u8::MAX)).map(|place| step(place) as f32).collect();
        self.bounds = self.rows.iter().map(|&row| self.bound_of(row)).collect();
    }

    /// The place of the smallest step that is not less than the row's factor.
    fn bound_of(&self, row: Weight) -> u8 {
        if row.weight < f32::MIN_POSITIVE {
            return u8::MAX;
        }
        let halvings = power::log2(f64::from(self.most / row.weight)) + row.halvings(self.bounds_at);
        // Rounded towards larger factors.
        (halvings * STEPS - ROUNDING) as u8
    }

    /// Not less than the row's factor.
    #[inline(always)]
    pub(crate) fn bound(&self, slot: Slot) -> f32 {
        self.steps[usize::from(self.bounds[slot as usize])]
    }

    /// The bounds of slots that lie together, to be asked for ahead.
    #[inline(always)]
    pub(crate) fn bounds(&self, slots: Range<Slot>) -> &[u8] {
        &self.bounds[slots.start as usize..slots.end as usize]
    }

    #[inline(always)]
    pub(crate) fn row(&self, slot: Slot) -> &Weight {
        &self.rows[slot as usize]
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Weight>() + self.bounds.capacity()
    }
}

/// No row.
const NOTHING: Weight = Weight { time: 0.0, expires: f64::NEG_INFINITY, weight: 0.0, rate: 0.0 };

/// A row that says nothing about itself.
const NEUTRAL: Weight = Weight { time: 0.0, expires: f64::INFINITY, weight: 1.0, rate: 0.0 };

fn of(fields: &Fields, json: &str) -> Weight {
    let largest = |path: &Option<String>| {
        let mut largest: Option<f64> = None;
        if let Some(path) = path {
            fields::visit(json, path, &mut |value| {
                if let Value::Number(number) = value {
                    largest = Some(largest.map_or(number, |before| before.max(number)));
                }
            });
        }
        largest
    };
    let mut row = NEUTRAL;
    if let Some(weight) = largest(&fields.weight) {
        row.weight = weight.clamp(0.0, MOST_WEIGHT) as f32;
    }
    if let Some(expires) = largest(&fields.expires) {
        row.expires = expires;
    }
    if let Some(time) = largest(&fields.time) {
        let mut rate = None;
        if let Some(by) = &fields.by {
            fields::visit(json, by, &mut |value| {
                if let Value::Text(text) = value {
                    let own = fields.rates.iter().find(|(name, _)| name == text);
                    rate = rate.or(own.map(|&(_, rate)| rate));
                }
            });
        }
        row.time = time;
        row.rate = rate.unwrap_or(fields.rate) as f32;
    }
    row
}
