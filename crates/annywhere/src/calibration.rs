//! How long a graph's list of candidates has to be for a recall, measured on rows of the database.
//!
//! ```text
//! sample    rows of the bottom layer only, spread over all slots
//! each      its nearest rows by comparing all, and by walking the graph past the row itself, as if it were not there,
//!           with longer and longer lists until all are found
//! table     for each length, the part of the neighbours found on average
//! ```
//! A length between two measured ones is taken from a straight line. What no length measured has found is searched for by
//! comparing every row. Measured when the graph is built anew, and else by the first search that asks; kept, also in
//! files, until there are twice as many rows, or half.

use serde::{Deserialize, Serialize};

use crate::codes::{CodeSpace, Codes};
use crate::database::Database;
use crate::error::Error;
use crate::graph::Graph;
use crate::graph::search::Search;
use crate::kernels;
use crate::parallel;
use crate::scan::exact::{ExactScan, Rescore};
use crate::scratch::{Scratch, Scratches};
use crate::slots::{Slot, Slots};
use crate::space::Space;
use crate::stored::{Index, Stored};
use crate::vectors::Vectors;

/// How many neighbours are measured, and of how many rows at most.
const MEASURED: [(usize, usize); 2] = [(10, 256), (100, 64)];
/// Numbers that may be compared to find the true neighbours of all samples: a few seconds.
const NUMBERS: u64 = 1 << 33;
/// Samples that there are however many rows are to be compared with each.
const FEWEST_SAMPLES: u64 = 32;
const MOST_SAMPLES: u64 = 256;
/// Lengths that are measured, in tenths of the number of neighbours.
const LENGTHS: [usize; 17] =
    [10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480, 640, 960, 1_280, 1_920, 2_560];
/// Lists that find this part are long enough for whoever does not want all rows compared.
const MOST_FOUND: f32 = 0.999;
/// The rows may become so many times as many, or as few, before the table is measured anew.
const GROWTH: usize = 2;

/// The part of the neighbours found with each of [`LENGTHS`], for each number of neighbours; shorter where enough were found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Calibration {
    rows: usize,
    recall: [Vec<f32>; MEASURED.len()],
}

impl Calibration {
    /// Measures a graph.
    pub(crate) fn measure(
        graph: &Graph,
        codes: &Codes,
        vectors: &Vectors,
        slots: &Slots,
        scratches: &Scratches,
    ) -> Self {
        let affordable = NUMBERS / (slots.live() as u64 * vectors.width() as u64).max(1);
        let affordable = affordable.clamp(FEWEST_SAMPLES, MOST_SAMPLES) as usize;
        let subject = Subject { graph, codes, vectors, slots };
        let recall = MEASURED.map(|(neighbours, most)| {
            if slots.live() <= neighbours {
                return Vec::new();
            }
            let sample = graph.sample(slots, most.min(affordable));
            let farthest = parallel::map(sample.len(), scratches, |at, scratch| {
                subject.farthest(sample[at], neighbours, scratch)
            });
            let mut missing: Vec<(Slot, f32)> = sample.iter().copied().zip(farthest).collect();
            let mut table = Vec::new();
            for length in LENGTHS {
                let ef = length * neighbours / LENGTHS[0];
                let found = parallel::map(missing.len(), scratches, |at, scratch| {
                    let (slot, farthest) = missing[at];
                    subject.found(slot, farthest, ef, scratch).min(neighbours)
                });
                let lacking: usize = found.iter().map(|found| neighbours - found).sum();
                let part = 1.0 - lacking as f32 / (sample.len() * neighbours).max(1) as f32;
                table.push(table.last().map_or(part, |before: &f32| part.max(*before)));
                if sample.is_empty() || table[table.len() - 1] >= MOST_FOUND || ef >= slots.live() {
                    break;
                }
                let mut at = 0;
                missing.retain(|_| {
                    at += 1;
                    found[at - 1] < neighbours
                });
            }
            table
        });
        Self { rows: slots.live(), recall }
    }

    /// The length that finds this part of the `k` nearest; `None` if none was seen to.
    pub(crate) fn length(&self, part: f32, k: usize) -> Option<usize> {
        let [few, many] = MEASURED.map(|(neighbours, _)| neighbours);
        let (at_few, at_many) = (lengths(&self.recall[0], few, part), lengths(&self.recall[1], many, part));
        if k <= few {
            return Some(at_few?.max(k));
        }
        let at_many = at_many?;
        if k >= many {
            return Some(at_many.saturating_mul(k) / many);
        }
        let at_few = at_few?.min(at_many);
        Some((at_few + (at_many - at_few) * (k - few) / (many - few)).max(k))
    }

    /// Whether it was measured with about as many rows.
    pub(crate) fn is_for(&self, rows: usize) -> bool {
        rows < self.rows.saturating_mul(GROWTH) && self.rows < rows.saturating_mul(GROWTH)
    }

    /// Whether a measurement can have given this.
    pub(crate) fn is_sound(&self) -> bool {
        let parts = |table: &Vec<f32>| table.iter().all(|part| (0.0..=1.0).contains(part));
        self.recall.iter().all(|table| table.len() <= LENGTHS.len() && table.is_sorted() && parts(table))
    }
}

/// The length at which a table reaches a part.
fn lengths(table: &[f32], neighbours: usize, part: f32) -> Option<usize> {
    let ef = |at: usize| LENGTHS[at] * neighbours / LENGTHS[0];
    let above = table.iter().position(|&found| found >= part)?;
    let Some(below) = above.checked_sub(1) else {
        return Some(ef(0));
    };
    let share = (part - table[below]) / (table[above] - table[below]);
    Some(ef(below) + (share * (ef(above) - ef(below)) as f32).ceil() as usize)
}

impl Database {
    /// The length of a graph's list for a recall; any for other indexes, the longest where every row is to be compared.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is not known and rows are in a file.
    pub(crate) fn length_for(&self, target_recall: f32, k: usize) -> Result<usize, Error> {
        let Index::Graph { graph, .. } = &self.stored.index else { return Ok(k) };
        if !self.is_calibrated() {
            if self.refuse_read_only().is_err() {
                let reason = "the file does not say how long a list that takes; compact() makes it so";
                return Err(Error::InvalidArgument {
                    argument: "targetRecall".to_owned(),
                    reason: reason.to_owned(),
                });
            }
            self.calibrate();
        }
        let length = graph.calibration.get().and_then(|calibration| calibration.length(target_recall, k));
        Ok(length.unwrap_or(usize::MAX))
    }

    /// Whether the length of a graph's list is known for every recall.
    pub(crate) fn is_calibrated(&self) -> bool {
        match &self.stored.index {
            Index::Graph { graph, .. } => graph.calibration.get().is_some(),
            _ => true,
        }
    }

    /// Measures the graph, if there is one that was not.
    pub(crate) fn calibrate(&self) {
        let Stored { index: Index::Graph { graph, codes }, vectors, slots, .. } = &self.stored else {
            return;
        };
        if graph.calibration.get().is_none() {
            let calibration = Calibration::measure(graph, codes, vectors, slots, &self.scratches);
            // Two searches that measure at once find the same.
            let _ = graph.calibration.set(calibration);
        }
    }

    /// Forgets what was measured with many fewer rows or many more.
    pub(crate) fn forget_calibration(&mut self) {
        if let Stored { index: Index::Graph { graph, .. }, slots, .. } = &mut self.stored {
            graph.forget_calibration(slots);
        }
    }
}

/// What is measured.
struct Subject<'a> {
    graph: &'a Graph,
    codes: &'a Codes,
    vectors: &'a Vectors,
    slots: &'a Slots,
}

impl Subject<'_> {
    /// The rank of the last of a row's true neighbours.
    fn farthest(&self, slot: Slot, neighbours: usize, scratch: &mut Scratch) -> f32 {
        let &Self { vectors, slots, .. } = self;
        vectors.aim_at_slot(slot, &mut scratch.query);
        // The row itself is among the nearest.
        kernels::run(ExactScan {
            space: CodeSpace::Vectors(vectors),
            slots,
            mask: None,
            weigher: None,
            k: neighbours + 1,
            scratch,
        });
        let others = scratch.sorted.iter().filter(|near| near.slot() != slot);
        others.take(neighbours).last().map_or(f32::INFINITY, |last| last.rank())
    }

    /// How many rows that near are found without the row itself.
    fn found(&self, slot: Slot, farthest: f32, ef: usize, scratch: &mut Scratch) -> usize {
        let &Self { graph, vectors, slots, .. } = self;
        let space = self.codes.space(vectors);
        space.aim_at_vector(vectors.get(slot), &mut scratch.query);
        kernels::run(Search { graph, space, slots, ef, without: Some(slot), scratch });
        graph.take_found(slots, None, scratch);
        vectors.aim_at_slot(slot, &mut scratch.query);
        kernels::run(Rescore { vectors, scratch });
        scratch.sorted.iter().take_while(|near| near.rank() <= farthest).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_lie_on_lines_between_those_measured() {
        let calibration =
            Calibration { rows: 1_000, recall: [vec![0.5, 0.75, 1.0], vec![0.25, 0.5, 0.75, 0.999]] };
        let length = |part, k| calibration.length(part, k);
        assert_eq!([length(0.5, 10), length(0.625, 10), length(0.75, 3)], [Some(10), Some(13), Some(15)]);
        assert_eq!([length(0.5, 100), length(0.5, 200), length(0.5, 55)], [Some(150), Some(300), Some(80)]);
        assert_eq!([length(1.0, 10), length(1.0, 11), length(1.0, 1_000)], [Some(20), None, None]);
        assert_eq!([length(0.1, 1), length(0.1, 12)], [Some(10), Some(12)]);
        assert!(calibration.is_sound() && calibration.is_for(1_900) && !calibration.is_for(2_000));
        assert!(!calibration.is_for(500) && !calibration.is_for(0));
        for table in [vec![f32::NAN], vec![0.5, 0.4], vec![1.5], vec![0.5; LENGTHS.len() + 1]] {
            assert!(!Calibration { rows: 1, recall: [table, Vec::new()] }.is_sound());
        }
        assert_eq!(Calibration::default().length(0.5, 10), None);
    }
}
