//! The values of one field and, for each, the slots that have it.
//!
//! Values are in order and each once, so equal values, ranges and prefixes are stretches of them, and the slots of a stretch
//! lie one after the other. A row with several values, an array, stands at each of them.

use std::cmp::Ordering;

use crate::fields::Value;
use crate::slots::Slot;
use crate::sort::sort;

/// A value's kind: the first thing that decides its place in a column.
fn kind(value: Value<'_>) -> u8 {
    match value {
        Value::Present => 0,
        Value::Null => 1,
        Value::Bool(false) => 2,
        Value::Bool(true) => 3,
        Value::Number(_) => 4,
        Value::Text(_) => 5,
    }
}

/// The order of values in a column. Numbers are finite, and never -0.
pub(crate) fn compare(a: Value<'_>, b: Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.total_cmp(&b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        _ => kind(a).cmp(&kind(b)),
    }
}

/// Values that need no text or number: their places in every column.
pub(super) const MARKS: [Value<'static>; 4] =
    [Value::Present, Value::Null, Value::Bool(false), Value::Bool(true)];

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    numbers: Vec<f64>,
    /// All texts, one after the other, and where each ends.
    texts: String,
    ends: Vec<usize>,
    /// Where the slots of each value begin, and where the last ones end: of the marks, the numbers, the texts.
    starts: Vec<usize>,
    slots: Vec<Slot>,
}

impl Default for Column {
    fn default() -> Self {
        Self {
            numbers: Vec::new(),
            texts: String::new(),
            ends: Vec::new(),
            starts: vec![0; MARKS.len() + 1],
            slots: Vec::new(),
        }
    }
}

impl Column {
    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    pub(crate) fn value(&self, place: usize) -> Value<'_> {
        if let Some(&mark) = MARKS.get(place) {
            return mark;
        }
        let place = place - MARKS.len();
        if let Some(&number) = self.numbers.get(place) {
            return Value::Number(number);
        }
        let text = place - self.numbers.len();
        let start = text.checked_sub(1).map_or(0, |before| self.ends[before]);
        Value::Text(&self.texts[start..self.ends[text]])
    }

    /// The first place whose value is not `before`, which holds for the lower values.
    pub(crate) fn place(&self, before: impl Fn(Value<'_>) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if before(self.value(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The slots at the places `from..to`, a slot once for each value it has there.
    pub(crate) fn slots(&self, from: usize, to: usize) -> &[Slot] {
        if from < to { &self.slots[self.starts[from]..self.starts[to]] } else { &[] }
    }

    /// Appends a slot to the last value, or to a greater one. Slots of one value come in ascending order; the same again is
    /// passed over.
    pub(super) fn push(&mut self, value: Value<'_>, slot: Slot) {
        let is_new = match value {
            Value::Number(_) | Value::Text(_) => {
                self.len() == MARKS.len() || self.value(self.len() - 1) != value
            }
            _ => false,
        };
        if is_new {
            match value {
                Value::Text(text) => {
                    self.texts.push_str(text);
                    self.ends.push(self.texts.len());
                }
                Value::Number(number) => self.numbers.push(number),
                _ => {}
            }
            self.starts.push(self.slots.len());
        }
        let place = match value {
            Value::Number(_) | Value::Text(_) => self.len() - 1,
            mark => usize::from(kind(mark)),
        };
        if self.slots(place, place + 1).last() != Some(&slot) {
            self.slots.push(slot);
            // The places of marks that are still empty move along.
            self.starts[place + 1..].fill(self.slots.len());
        }
    }

    /// Replaces what `gone` slots had by `new` entries, which are in order.
    pub(super) fn merge(&mut self, gone: impl Fn(Slot) -> bool, new: &[(Value<'_>, Slot)]) {
        let mut merged = Self::default();
        merged.slots.reserve(self.slots.len() + new.len());
        let mut rest = new;
        for place in 0..self.len() {
            let value = self.value(place);
            let smaller = rest.iter().take_while(|entry| compare(entry.0, value).is_lt()).count();
            let (before, after) = rest.split_at(smaller);
            before.iter().for_each(|&(value, slot)| merged.push(value, slot));
            let equal = after.iter().take_while(|entry| compare(entry.0, value).is_eq()).count();
            let (mut same, after) = after.split_at(equal);
            rest = after;
            for &slot in self.slots(place, place + 1) {
                let lower = same.iter().take_while(|entry| entry.1 < slot).count();
                same[..lower].iter().for_each(|&(value, slot)| merged.push(value, slot));
                same = &same[lower..];
                if !gone(slot) {
                    merged.push(value, slot);
                }
            }
            same.iter().for_each(|&(value, slot)| merged.push(value, slot));
        }
        rest.iter().for_each(|&(value, slot)| merged.push(value, slot));
        *self = merged;
    }

    /// Gives every slot its new number.
    pub(super) fn renumber(&mut self, number: impl Fn(Slot) -> Slot) {
        self.slots.iter_mut().for_each(|slot| *slot = number(*slot));
        for place in 0..self.len() {
            sort(&mut self.slots[self.starts[place]..self.starts[place + 1]]);
        }
    }

    /// All numbers, ascending.
    pub(super) fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    /// All texts, one after the other in ascending order.
    pub(super) fn texts(&self) -> &str {
        &self.texts
    }

    /// Where each text ends.
    pub(super) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Bytes allocated.
    pub(crate) fn bytes(&self) -> usize {
        self.numbers.capacity() * size_of::<f64>()
            + self.texts.capacity()
            + (self.ends.capacity() + self.starts.capacity()) * size_of::<usize>()
            + self.slots.capacity() * size_of::<Slot>()
    }
}
