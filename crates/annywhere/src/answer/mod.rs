//! Answers that are more than the nearest rows: words beside vectors, and lists that do not repeat themselves.
//!
//! A *window* of the best rows is looked at, larger than what is wanted: `fusion` makes one list of those of vectors and of
//! words, `choice` takes the wanted rows from it. If that gives too few, the window grows until there are enough or no more
//! rows. `database` ties it together.

mod choice;
mod database;
mod fusion;

use crate::error::Error;
use crate::hits::{Parts, SearchParams};
use crate::slots::Slot;

use choice::Choice;
use fusion::Fusion;

/// Rows looked at for every row wanted, and at least so many.
const WINDOW: usize = 4;
const LEAST_WINDOW: usize = 100;
/// Each row that is chosen is compared with the whole window, so the work grows with the square of `k`.
const MOST_DIVERSE: usize = 1_000;

/// A row that was found, its score and distance, and what they are made of.
#[derive(Debug, Clone, Copy)]
struct Found {
    slot: Slot,
    score: f32,
    distance: f32,
    parts: Option<Parts>,
}

/// What is asked beside the nearest rows.
struct Wishes<'a> {
    text: Option<&'a str>,
    fusion: Fusion,
    choice: Choice<'a>,
}

impl SearchParams {
    /// Whether more is asked than the nearest rows.
    pub(crate) fn has_wishes(&self) -> bool {
        self.text.is_some()
            || self.rrf_k.is_some()
            || self.alpha.is_some()
            || self.lambda.is_some()
            || self.diversify_by.is_some()
            || self.group_by.is_some()
            || self.group_size.is_some()
            || self.weigh.is_some()
    }
}

impl<'a> Wishes<'a> {
    /// Reads and checks what is asked; `has_vector` says whether that is near to a vector, too.
    fn read(params: &'a SearchParams, has_vector: bool) -> Result<Self, Error> {
        let invalid = |argument: &str, reason: &str| {
            Err(Error::InvalidArgument { argument: argument.to_owned(), reason: reason.to_owned() })
        };
        let fuses = params.rrf_k.is_some() || params.alpha.is_some();
        if fuses && !(has_vector && params.text.is_some()) {
            return invalid("fusion", "is for searches with a vector and a text");
        }
        let fusion = match (params.rrf_k, params.alpha) {
            (Some(_), Some(_)) => return invalid("fusion", "is either 'rrf' or 'weighted'"),
            (None, Some(alpha)) if (0.0..=1.0).contains(&alpha) => Fusion::Weighted { alpha },
            (None, Some(_)) => return invalid("fusion.alpha", "is outside its range, 0 to 1"),
            (k, None) => Fusion::Rrf { k: k.unwrap_or(60) },
        };
        if !has_vector && (params.ef.is_some() || params.target_recall.is_some() || params.exact) {
            return invalid("text", "is found exactly; ef, targetRecall and exact are for vectors");
        }
        if params.weigh.is_some() && params.text.is_some() {
            return invalid("weigh", "is for searches with a vector and without a text");
        }
        match params.lambda {
            Some(lambda) if !(0.0..=1.0).contains(&lambda) => {
                return invalid("diversify.lambda", "is outside its range, 0 to 1");
            }
            Some(_) if params.k > MOST_DIVERSE => {
                let reason = format!("{} is outside its range with diversify, 1 to {MOST_DIVERSE}", params.k);
                return invalid("k", &reason);
            }
            None if params.diversify_by.is_some() => return invalid("diversify.lambda", "is missing"),
            _ => {}
        }
        let group = match (&params.group_by, params.group_size) {
            (Some(field), Some(size)) if size > 0 => Some((field.as_str(), size)),
            (None, None) => None,
            _ => return invalid("groupBy", "needs a field and a size of at least 1"),
        };
        let by = params.diversify_by.as_deref().filter(|&by| by != "vector");
        Ok(Self { text: params.text.as_deref(), fusion, choice: Choice { lambda: params.lambda, by, group } })
    }

    /// Rows to look at first.
    fn window(&self, k: usize) -> usize {
        if self.choice.is_plain() && self.text.is_none() { k } else { window(k) }
    }
}

fn window(k: usize) -> usize {
    k.saturating_mul(WINDOW).max(LEAST_WINDOW)
}
