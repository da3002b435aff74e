//! What a search is asked and what it answers.

use std::borrow::Cow;

use serde::Deserialize;

use crate::error::Error;
use crate::rows;
use crate::scratch::{BorrowedLists, HitLists, Scratches};
use crate::slots::{Slot, Slots};
use crate::texts::Texts;

/// How to search.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SearchParams {
    /// Number of hits wanted, at least 1. Fewer come back only if fewer rows exist or pass the threshold.
    pub k: usize,
    /// Length of the graph's candidate list for this search instead of `efSearch`; at least `k` is used.
    pub ef: Option<usize>,
    /// Part of the true neighbours that this search aims to find, 0.5 to 1, in place of what the options say. A graph whose
    /// lists were not measured yet is measured first, which takes up to a few seconds.
    pub target_recall: Option<f32>,
    /// Whether candidates are ranked with their original vectors. If not, scores are estimates from codes.
    pub rescore: bool,
    /// Rank every row with its original vector.
    pub exact: bool,
    /// Most work of the search, in comparisons of a row with the query, at least 1; a row that a scan only estimates counts
    /// as a 32nd. It ends there with the best found so far, maybe fewer than `k`, and [`Hits::is_complete`] says so. For
    /// searches by a vector alone.
    pub budget: Option<usize>,
    /// Least score of a hit.
    pub threshold: Option<f32>,
    /// Whether [`Hits::rows_json`] has the rows' metadata; if not, `{}` stands for it.
    pub metadata: bool,
    /// Words to search for in the `text_fields` of [`Config`](crate::Config).
    pub text: Option<String>,
    /// Which rows may be hits; see the language in `filter/mod.rs`.
    pub filter: Option<serde_json::Value>,
    /// How soon later ranks count less when a vector and a text are searched together, by reciprocal rank fusion; 60.
    pub rrf_k: Option<u32>,
    /// Instead, the weight of the vector's score beside the text's, 0 to 1.
    pub alpha: Option<f32>,
    /// How much nearness counts against likeness among the hits, 0 to 1; if absent, only nearness does.
    pub lambda: Option<f32>,
    /// The metadata field by whose values hits are alike; if absent, or `vector`, their vectors.
    pub diversify_by: Option<String>,
    /// A metadata field of which no value is in more than `group_size` hits.
    pub group_by: Option<String>,
    /// See `group_by`.
    pub group_size: Option<usize>,
    /// Multiplies similarities by what rows say about themselves; see `weigh/mod.rs`.
    pub weigh: Option<serde_json::Value>,
}

impl Default for SearchParams {
    fn default() -> Self {
        Self {
            k: 10,
            ef: None,
            target_recall: None,
            rescore: true,
            exact: false,
            budget: None,
            threshold: None,
            metadata: true,
            text: None,
            filter: None,
            rrf_k: None,
            alpha: None,
            lambda: None,
            diversify_by: None,
            group_by: None,
            group_size: None,
            weigh: None,
        }
    }
}

impl SearchParams {
    /// Reads parameters from JSON text; what is absent takes its default.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when the text is not an object of known names with values of the right type.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| Error::InvalidArgument {
            argument: "search".to_owned(),
            reason: error.to_string(),
        })
    }
}

/// The rows found, nearest first; equal scores in a fixed order.
#[derive(Debug)]
pub struct Hits<'a> {
    rows: &'a Slots,
    /// `None` if it is not wanted.
    metadata: Option<&'a Texts>,
    found: BorrowedLists<'a>,
    /// Metadata that was read from a file.
    fetched: Vec<Cow<'a, str>>,
    parts: Vec<Parts>,
    is_complete: Option<bool>,
}

/// What the score of a hit is made of when a vector and a text were searched together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parts {
    /// Score by the vector.
    pub vector_score: f32,
    /// Rank by the vector, from 1; 0 if the row was not among those that the vector brought.
    pub vector_rank: u32,
    /// Score by the text, 0 if the row holds none of its words.
    pub text_score: f32,
    /// Rank by the text, from 1; 0 if the row was not among those that the text brought.
    pub text_rank: u32,
}

impl<'a> Hits<'a> {
    pub(crate) fn new(rows: &'a Slots, metadata: Option<&'a Texts>, scratches: &'a Scratches) -> Self {
        let found = scratches.borrow_lists();
        Self { rows, metadata, found, fetched: Vec::new(), parts: Vec::new(), is_complete: None }
    }

    /// Of a search with a budget, whether it came to its own end.
    #[must_use]
    pub fn is_complete(&self) -> Option<bool> {
        self.is_complete
    }

    pub(crate) fn set_complete(&mut self, is_complete: bool) {
        self.is_complete = Some(is_complete);
    }

    pub(crate) fn push(&mut self, slot: Slot, score: f32, distance: f32) {
        let HitLists { slots, scores, distances } = &mut self.found.lists;
        slots.push(slot);
        scores.push(score);
        distances.push(distance);
    }

    /// Reads the metadata of all hits, where it has to be read.
    pub(crate) fn fetch_metadata(&mut self) -> Result<(), Error> {
        if let Some(metadata) = self.metadata.filter(|texts| texts.is_fixed()) {
            // All are read before the first failure is told: a source may have to bring them from far.
            let texts: Vec<_> =
                self.found.lists.slots.iter().map(|&slot| rows::read_metadata(metadata, slot)).collect();
            self.fetched = texts.into_iter().collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    pub(crate) fn push_parts(&mut self, parts: Option<Parts>) {
        self.parts.extend(parts);
    }

    /// What each score is made of; empty unless a vector and a text were searched together.
    #[must_use]
    pub fn parts(&self) -> &[Parts] {
        &self.parts
    }

    /// Number of hits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.lists.slots.len()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.lists.slots.is_empty()
    }

    /// Larger is nearer; see [`Metric`](crate::Metric).
    #[must_use]
    pub fn scores(&self) -> &[f32] {
        &self.found.lists.scores
    }

    /// Smaller is nearer; see [`Metric`](crate::Metric).
    #[must_use]
    pub fn distances(&self) -> &[f32] {
        &self.found.lists.distances
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.found.lists.slots
    }

    /// Ids in rank order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.found.lists.slots.iter().map(|&slot| self.rows.id(slot))
    }

    /// Ids and metadata as one JSON text, `["id",{metadata},"id2",{..},…]`: the form in which hits cross into JavaScript.
    /// Behind the metadata of hits with parts stands an array of these, at the end of hits with a budget whether they are
    /// complete.
    #[must_use]
    pub fn rows_json(&self) -> String {
        let texts = self.found.lists.slots.iter().enumerate().map(|(rank, &slot)| {
            let metadata = match (self.fetched.get(rank), self.metadata) {
                (Some(fetched), _) => fetched,
                (None, Some(metadata)) => metadata.get(slot as usize),
                (None, None) => "",
            };
            (self.rows.id(slot), metadata)
        });
        // Quotes and commas of a row, and `{}` where there is no metadata.
        const AROUND: usize = 6;
        let bytes: usize = texts.clone().map(|(id, metadata)| id.len() + metadata.len() + AROUND).sum();
        let mut json = String::with_capacity(2 + bytes);
        json.push('[');
        for (at, (id, metadata)) in texts.enumerate() {
            if json.len() > 1 {
                json.push(',');
            }
            push_string(&mut json, id);
            json.push(',');
            json.push_str(rows::metadata_or_empty(metadata));
            if let Some(parts) = self.parts.get(at) {
                let Parts { vector_score, vector_rank, text_score, text_rank } = parts;
                json.push_str(&format!(",[{vector_score},{vector_rank},{text_score},{text_rank}]"));
            }
        }
        if let Some(is_complete) = self.is_complete {
            let comma = if self.is_empty() { "" } else { "," };
            json.push_str(&format!("{comma}{is_complete}"));
        }
        json.push(']');
        json
    }

    /// Copies scores to the first half of `out` and distances to the second, each from its start, as little-endian
    /// 32-bit floats. False, and nothing copied, if a half is too short.
    #[must_use]
    pub fn copy_numbers(&self, out: &mut [u8]) -> bool {
        let (scores, distances) = out.split_at_mut(out.len() / 2);
        let fits = scores.len() >= self.len() * size_of::<f32>();
        if fits {
            for (half, numbers) in
                [(scores, &self.found.lists.scores), (distances, &self.found.lists.distances)]
            {
                for (bytes, number) in half.chunks_exact_mut(size_of::<f32>()).zip(numbers) {
                    bytes.copy_from_slice(&number.to_le_bytes());
                }
            }
        }
        fits
    }
}

/// Appends a text as a JSON string.
fn push_string(json: &mut String, text: &str) {
    // What has nothing to escape, as most ids, is copied without a string of its own.
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

/// A stored row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// The vector as it was given.
    pub vector: Cow<'a, [f32]>,
    /// The metadata as JSON text; `{}` if there is none.
    pub metadata: Cow<'a, str>,
}
