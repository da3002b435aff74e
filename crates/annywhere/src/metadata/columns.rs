//! The columns of a database: which there are, and how they follow its rows.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::column::{Column, compare};
use crate::error::Error;
use crate::fields::{self, Value};
use crate::filter::Bitmap;
use crate::rows;
use crate::slots::{Slot, Slots};
use crate::texts::Texts;
use crate::weigh::{Fields, Weights};

/// Columns are made anew instead of changed once this part of the rows has been touched.
const TOUCHED_FRACTION: usize = 2;

/// Choices of fields that rows are weighed by whose numbers are kept; a database seldom has more than one.
const KEPT_WEIGHTS: usize = 2;

/// Columns of the fields that filters have named. Searches share them and may add to them, therefore the lock.
///
/// A panic leaves no column half made: each is put in its place when it is whole.
#[derive(Debug, Default)]
pub(crate) struct Columns(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    by_path: BTreeMap<String, Column>,
    /// The numbers that searches weigh rows by, the last used ones at the end.
    weights: Vec<Arc<Weights>>,
    /// Which slots hold rows.
    live: Bitmap,
    /// Slots whose rows may have changed since the columns were last in step with them.
    touched: Vec<Slot>,
    /// Whether so much has changed that only the names of the columns are still right.
    stale: bool,
}

/// Columns in step with the rows.
pub(crate) struct Reading<'a> {
    state: RwLockReadGuard<'a, State>,
    /// Columns that are not kept.
    beyond: BTreeMap<String, Column>,
}

/// A value that owns its text, on its way into a column.
enum Owned {
    Other(Value<'static>),
    Text(Box<str>),
}

impl Owned {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Other(value) => *value,
            Self::Text(text) => Value::Text(text),
        }
    }
}

impl Columns {
    /// The columns of a file, which are in step with its rows.
    pub(super) fn of(by_path: BTreeMap<String, Column>, slots: &Slots) -> Self {
        let live = live_of(slots);
        Self(RwLock::new(State { by_path, live, ..State::default() }))
    }

    fn shared(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&mut self) -> &mut State {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes down that the row of a slot is new, has changed or is gone.
    pub(crate) fn touch(&mut self, slot: Slot) {
        let state = self.state();
        if state.stale || state.is_empty() {
            return;
        }
        state.touched.push(slot);
        if state.touched.len() > state.live.slots() {
            state.touched = Vec::new();
            state.stale = true;
        }
    }

    /// Gives every row its new slot: slot `i` takes the row of slot `order[i]`, the first `live` ones hold rows.
    pub(crate) fn permute(&mut self, order: &[Slot], live: usize, slots: &Slots, metadata: &Texts) {
        let state = self.state();
        if state.is_empty() {
            return;
        }
        state.refresh(slots, metadata);
        let mut numbers = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            numbers[old as usize] = new as Slot;
        }
        for column in state.by_path.values_mut() {
            column.renumber(|slot| numbers[slot as usize]);
        }
        for weights in &mut state.weights {
            Arc::make_mut(weights).permute(order, live);
        }
        state.live = Bitmap::none(live);
        (0..live as Slot).for_each(|slot| state.live.insert(slot));
    }

    /// The columns of these paths, made where they are missing; at most `kept` stay for the next time.
    ///
    /// # Errors
    /// Of metadata that have to be read from a file and cannot be.
    pub(crate) fn read(
        &self,
        paths: &[&str],
        kept: usize,
        slots: &Slots,
        metadata: &Texts,
    ) -> Result<Reading<'_>, Error> {
        let mut beyond = BTreeMap::new();
        let state = self.shared();
        if state.is_fresh(slots) && paths.iter().all(|&path| state.by_path.contains_key(path)) {
            return Ok(Reading { state, beyond });
        }
        drop(state);
        let mut state = self.exclusive();
        state.refresh(slots, metadata);
        for &path in paths {
            if state.by_path.contains_key(path) || beyond.contains_key(path) {
                continue;
            }
            let column = made(path, &state.live, metadata)?;
            let place = if state.by_path.len() < kept { &mut state.by_path } else { &mut beyond };
            place.insert(path.to_owned(), column);
        }
        drop(state);
        Ok(Reading { state: self.shared(), beyond })
    }

    /// The numbers that these fields weigh rows by, made where they are missing, with bounds for this time.
    ///
    /// # Errors
    /// Of metadata that have to be read from a file and cannot be.
    pub(crate) fn weights(
        &self,
        fields: Fields,
        now: f64,
        slots: &Slots,
        metadata: &Texts,
    ) -> Result<Arc<Weights>, Error> {
        let state = self.shared();
        let find = |state: &State| state.weights.iter().position(|weights| weights.are_of(&fields));
        if state.is_fresh(slots)
            && let Some(at) = find(&state)
            && state.weights[at].has_bounds(now)
        {
            return Ok(Arc::clone(&state.weights[at]));
        }
        drop(state);
        let mut state = self.exclusive();
        state.refresh(slots, metadata);
        let weights = match find(&state) {
            Some(at) => {
                let mut weights = state.weights.remove(at);
                if !weights.has_bounds(now) {
                    Arc::make_mut(&mut weights).aim_bounds(now);
                }
                weights
            }
            None => Arc::new(Weights::read(fields, now, &state.live, metadata)?),
        };
        if state.weights.len() == KEPT_WEIGHTS {
            state.weights.remove(0);
        }
        state.weights.push(Arc::clone(&weights));
        Ok(weights)
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        let state = self.shared();
        let weights: usize = state.weights.iter().map(|weights| weights.bytes()).sum();
        let columns: usize = state.by_path.iter().map(|(path, column)| path.len() + column.bytes()).sum();
        columns + weights + state.live.bytes() + state.touched.capacity() * size_of::<Slot>()
    }

    /// Every column that is kept, by its path.
    pub(super) fn each(&self, slots: &Slots, metadata: &Texts, mut take: impl FnMut(&str, &Column)) {
        let reading = self.read(&[], 0, slots, metadata).expect(IN_MEMORY);
        reading.state.by_path.iter().for_each(|(path, column)| take(path, column));
    }
}

impl State {
    /// Without a column nothing is taken down, so nothing is known.
    fn is_fresh(&self, slots: &Slots) -> bool {
        let in_step = self.touched.is_empty() && !self.stale && self.live.slots() == slots.len();
        in_step && !self.is_empty()
    }

    /// Whether nothing is kept that has to follow the rows.
    fn is_empty(&self) -> bool {
        self.by_path.is_empty() && self.weights.is_empty()
    }

    /// Takes all changes in.
    fn refresh(&mut self, slots: &Slots, metadata: &Texts) {
        if self.is_fresh(slots) {
            return;
        }
        let touched = std::mem::take(&mut self.touched);
        self.live = live_of(slots);
        if self.stale || touched.len() * TOUCHED_FRACTION > slots.live() {
            self.stale = false;
            for (path, column) in &mut self.by_path {
                *column = made(path, &self.live, metadata).expect(IN_MEMORY);
            }
            for weights in &mut self.weights {
                Arc::make_mut(weights).renew(&self.live, metadata).expect(IN_MEMORY);
            }
            return;
        }
        let mut changed = Bitmap::none(slots.len());
        touched.iter().for_each(|&slot| changed.insert(slot));
        let mut again = changed.clone();
        again.and(&self.live);
        for (path, column) in &mut self.by_path {
            let entries = entries(path, &again, metadata).expect(IN_MEMORY);
            let entries: Vec<_> = entries.iter().map(|(value, slot)| (value.value(), *slot)).collect();
            column.merge(|slot| changed.contains(slot), &entries);
        }
        for weights in &mut self.weights {
            Arc::make_mut(weights).take(&self.live, &changed, metadata).expect(IN_MEMORY);
        }
    }
}

impl Reading<'_> {
    pub(crate) fn column(&self, path: &str) -> &Column {
        let column = self.state.by_path.get(path).or_else(|| self.beyond.get(path));
        column.expect("the columns of a filter are read with all of its paths")
    }

    /// Which slots hold rows.
    pub(crate) fn live(&self) -> &Bitmap {
        &self.state.live
    }
}

/// Why columns that exist can be kept in step without reading a file.
const IN_MEMORY: &str = "metadata of rows that change lie in memory";

fn live_of(slots: &Slots) -> Bitmap {
    let mut live = Bitmap::none(slots.len());
    slots.live_slots().for_each(|slot| live.insert(slot));
    live
}

/// A column of the rows of `live`.
fn made(path: &str, live: &Bitmap, metadata: &Texts) -> Result<Column, Error> {
    let mut column = Column::default();
    for (value, slot) in &entries(path, live, metadata)? {
        column.push(value.value(), *slot);
    }
    Ok(column)
}

/// What the path leads to in these rows, in the order of a column.
fn entries(path: &str, chosen: &Bitmap, metadata: &Texts) -> Result<Vec<(Owned, Slot)>, Error> {
    let mut entries = Vec::new();
    for slot in chosen.iter() {
        fields::visit(&rows::read_metadata(metadata, slot)?, path, &mut |value| {
            let owned = match value {
                Value::Text(text) => Owned::Text(text.into()),
                // Adding zero turns -0 into 0.
                Value::Number(number) => Owned::Other(Value::Number(number + 0.0)),
                Value::Present => Owned::Other(Value::Present),
                Value::Null => Owned::Other(Value::Null),
                Value::Bool(value) => Owned::Other(Value::Bool(value)),
            };
            entries.push((owned, slot));
        });
    }
    entries.sort_by(|a, b| compare(a.0.value(), b.0.value()).then(a.1.cmp(&b.1)));
    Ok(entries)
}
