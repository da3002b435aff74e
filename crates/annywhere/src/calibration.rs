//! How far a graph has to be walked for a recall, measured on rows of the database.
//!
//! ```text
//! sample    rows of the bottom layer only, spread over all slots
//! each      its nearest rows by comparing all, and a walk to them as if it were not there: the reach, and the length of the
//!           list, that finding each of them takes
//! tables    for each part of the neighbours, the reach and the length that find it
//! ```
//! Walks end by their reach; by the length of their list if there is a filter, no least rank ([`Stop`]), or codes of few
//! bits. A part between two in the tables is taken from a straight line. What no walk has found is searched for by comparing
//! every row. Measured when the graph is built anew, and else by the first search that asks; kept, also in files, until
//! there are twice as many rows, or half.

use serde::{Deserialize, Serialize};

use crate::codes::Codes;
use crate::database::Database;
use crate::error::Error;
use crate::graph::Graph;
use crate::graph::rehearsal::{Needed, Rehearsal};
use crate::graph::stop::Stop;
use crate::kernels;
use crate::metric::Metric;
use crate::parallel;
use crate::reach::{LEVELS, Reach};
use crate::scan::exact::{ExactScan, Rescore};
use crate::scratch::{Scratch, Scratches};
use crate::slots::{Slot, Slots};
use crate::sort::sort;
use crate::space::Space;
use crate::stored::{Index, Stored};
use crate::vectors::Vectors;

/// How many neighbours are measured, and for which samples: every one, or every so manieth.
const MEASURED: [(usize, usize); 3] = [(1, 1), (10, 1), (100, 4)];
/// Numbers that may be compared to find the true neighbours of all samples: a second or two.
const NUMBERS: u64 = 1 << 34;
/// Samples that there are however many rows are to be compared with each.
const FEWEST_SAMPLES: u64 = 64;
const MOST_SAMPLES: u64 = 512;
/// Candidates by code among which the nearest neighbours are, beside twice as many as these.
const MARGIN: usize = 16;
/// Whoever wants a larger part found wants all rows compared.
const MOST_FOUND: f32 = 0.999;
/// The rows may become so many times as many, or as few, before the tables are measured anew.
const GROWTH: usize = 2;

/// For each number of neighbours, the reach and the length that find the parts in [`LEVELS`]; shorter where less was found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Calibration {
    rows: usize,
    reaches: [Vec<f32>; MEASURED.len()],
    lengths: [Vec<f32>; MEASURED.len()],
}

impl Calibration {
    /// Measures a graph.
    fn measure(subject: &Subject<'_>, scratches: &Scratches) -> Self {
        let slots = subject.slots;
        let affordable = NUMBERS / (slots.live() as u64 * subject.vectors.width() as u64).max(1);
        let affordable = affordable.clamp(FEWEST_SAMPLES, MOST_SAMPLES) as usize;
        let sample = subject.graph.sample(slots, affordable);
        let needed =
            parallel::map(sample.len(), scratches, |at, scratch| subject.needed(at, sample[at], scratch));
        let [mut reaches, mut lengths] = [const { [const { Vec::new() }; MEASURED.len()] }; 2];
        for (table, &(neighbours, _)) in MEASURED.iter().enumerate() {
            if slots.live() <= neighbours {
                continue;
            }
            let of = |part: fn(&Needed) -> f32| {
                let all = needed.iter().flat_map(|one| one[table].iter().map(part)).collect();
                let found = Reach::of(all).0.into_iter();
                found.take_while(|needed| needed.is_finite()).collect()
            };
            reaches[table] = of(|needed| needed.reach);
            lengths[table] = of(|needed| needed.length);
        }
        Self { rows: slots.live(), reaches, lengths }
    }

    /// The length of the list that finds this part of the `k` nearest; `None` if none was seen to.
    fn length(&self, part: f32, k: usize) -> Option<usize> {
        let length = at_rank(&self.lengths, part, k);
        (length < MOST_LENGTH).then_some((length.ceil() as usize).max(k))
    }

    /// The reach that does.
    fn reach(&self, part: f32, k: usize) -> f32 {
        at_rank(&self.reaches, part, k)
    }

    /// Whether it was measured with about as many rows.
    pub(crate) fn is_for(&self, rows: usize) -> bool {
        rows < self.rows.saturating_mul(GROWTH) && self.rows < rows.saturating_mul(GROWTH)
    }

    /// Whether a measurement can have given this.
    pub(crate) fn is_sound(&self) -> bool {
        let positive = |table: &Vec<f32>| table.iter().all(|needed| needed.is_finite() && *needed >= 0.0);
        let mut tables = self.reaches.iter().chain(&self.lengths);
        tables.all(|table| table.len() <= LEVELS.len() && table.is_sorted() && positive(table))
    }
}

/// Longer lists take longer than comparing every row.
const MOST_LENGTH: f32 = 1e9;

/// What finds a part of the `k` nearest, by straight lines over the square root of their number; infinite if nothing does.
fn at_rank(tables: &[Vec<f32>; MEASURED.len()], part: f32, k: usize) -> f32 {
    if part > MOST_FOUND {
        return f32::INFINITY;
    }
    let needed = |table: usize| {
        let mut levels = [f32::INFINITY; LEVELS.len()];
        levels.iter_mut().zip(&tables[table]).for_each(|(level, &known)| *level = known);
        Reach(levels).covering(part)
    };
    let k = k.max(1);
    let root = |k: usize| (k as f32).sqrt();
    // Beyond the last one the line goes on.
    let above = MEASURED.iter().position(|&(neighbours, _)| k <= neighbours).unwrap_or(MEASURED.len() - 1);
    if k == MEASURED[above].0 {
        return needed(above);
    }
    let below = above - 1;
    let (from, to) = (needed(below), needed(above));
    let share = (root(k) - root(MEASURED[below].0)) / (root(MEASURED[above].0) - root(MEASURED[below].0));
    if from < to { from + share * (to - from) } else { to }
}

impl Database {
    /// The length of a graph's list for a recall, and what ends walks without a filter sooner; any length for other indexes,
    /// the longest where every row is to be compared.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it is not known and rows are in a file.
    pub(crate) fn list_for(&self, target_recall: f32, k: usize) -> Result<(usize, Option<Stop>), Error> {
        let Stored { index: Index::Graph { graph, codes }, options, slots, .. } = &self.stored else {
            return Ok((k, None));
        };
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
        let Some(calibration) = graph.calibration.get() else { return Ok((usize::MAX, None)) };
        let length = calibration.length(target_recall, k);
        let reach = calibration.reach(target_recall, k);
        let stop = Stop::new(reach, k, options.distance_metric, slots).filter(|_| !codes.are_rough());
        Ok((length.unwrap_or(usize::MAX), stop))
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
        let Stored { index: Index::Graph { graph, codes }, options, vectors, slots, .. } = &self.stored
        else {
            return;
        };
        if graph.calibration.get().is_none() {
            let subject = Subject { graph, codes, vectors, slots, metric: options.distance_metric };
            let calibration = Calibration::measure(&subject, &self.scratches);
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
    metric: Metric,
}

impl Subject<'_> {
    /// What it takes to find the neighbours of a sample, for each number of them.
    fn needed(&self, at: usize, slot: Slot, scratch: &mut Scratch) -> [Vec<Needed>; MEASURED.len()] {
        let &Self { graph, vectors, slots, metric, .. } = self;
        let is_measured =
            |&(neighbours, every): &(usize, usize)| neighbours < slots.live() && at.is_multiple_of(every);
        let most = MEASURED.iter().filter(|measured| is_measured(measured)).map(|measured| measured.0).max();
        let nearest = self.nearest(slot, most.unwrap_or(0), scratch);
        let space = self.codes.space(vectors);
        space.aim_at_vector(vectors.get(slot), &mut scratch.query);
        MEASURED.map(|measured| {
            if !is_measured(&measured) {
                return Vec::new();
            }
            let mut neighbours = nearest[..measured.0].to_vec();
            sort(&mut neighbours);
            // With all replaced, 0.04 less than asked for were found of nearest rows.
            let is_replaced = measured.0 > 1 || at.is_multiple_of(2);
            let stop = Stop::new(f32::INFINITY, measured.0, metric, slots);
            let stop = stop.filter(|_| !self.codes.are_rough());
            kernels::run(Rehearsal {
                graph,
                space,
                slots,
                without: slot,
                is_replaced,
                stop,
                neighbours: &neighbours,
                scratch,
            })
        })
    }

    /// The nearest rows to a row, nearest first.
    fn nearest(&self, slot: Slot, neighbours: usize, scratch: &mut Scratch) -> Vec<Slot> {
        let &Self { vectors, slots, .. } = self;
        let space = self.codes.links_space(vectors);
        space.aim_at_vector(vectors.get(slot), &mut scratch.query);
        kernels::run(ExactScan {
            space,
            slots,
            mask: None,
            weigher: None,
            k: 2 * neighbours + MARGIN,
            scratch,
        });
        vectors.aim_at_slot(slot, &mut scratch.query);
        kernels::run(Rescore { vectors, scratch });
        let others = scratch.sorted.iter().map(|near| near.slot()).filter(|&near| near != slot);
        others.take(neighbours).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_lies_on_lines_between_what_was_measured() {
        let table = |first: f32| (0..11).map(|level| first + level as f32).collect::<Vec<f32>>();
        let lengths = [table(1.0), table(10.0), table(100.0)];
        let calibration = Calibration { rows: 1_000, reaches: lengths.clone(), lengths };
        let length = |part, k| calibration.length(part, k);
        assert_eq!([length(0.5, 1), length(0.6, 1), length(0.7, 10)], [Some(1), Some(2), Some(11)]);
        assert_eq!([length(0.5, 100), length(0.999, 100), length(0.9991, 100)], [Some(100), Some(110), None]);
        assert!(calibration.reach(0.5, 4) > 4.0 && calibration.reach(0.5, 4) < 6.0);
        assert!(calibration.reach(0.5, 200) > 140.0 && length(0.5, 200) == Some(200));
        assert!(calibration.is_sound() && calibration.is_for(1_900) && !calibration.is_for(2_000));
        assert!(!calibration.is_for(500) && !calibration.is_for(0));
        for bad in
            [vec![f32::NAN], vec![0.5, 0.4], vec![-1.0], vec![f32::INFINITY], vec![0.5; LEVELS.len() + 1]]
        {
            let reaches = [bad.clone(), Vec::new(), Vec::new()];
            assert!(
                !Calibration { reaches: reaches.clone(), ..Calibration::default() }.is_sound(),
                "{bad:?}"
            );
            assert!(!Calibration { lengths: reaches, ..Calibration::default() }.is_sound(), "{bad:?}");
        }
        assert_eq!(Calibration::default().length(0.5, 10), None);
    }
}
