//! Columns as a file holds them; `store/FORMAT.md` describes the bytes.

use std::collections::BTreeMap;

use super::column::{Column, MARKS};
use super::columns::Columns;
use crate::error::Error;
use crate::fields::Value;
use crate::slots::{Slot, Slots};
use crate::texts::Texts;

impl Columns {
    /// All columns, in step with the rows; empty if there is none.
    pub(crate) fn to_bytes(&self, slots: &Slots, metadata: &Texts) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.each(slots, metadata, |path, column| column.write(path, &mut bytes));
        bytes
    }

    /// The columns of a file.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for bytes that `to_bytes` does not write for any rows in these slots.
    pub(crate) fn from_bytes(bytes: &[u8], slots: &Slots) -> Result<Self, Error> {
        let corrupt = |reason: String| Error::corrupt("columns", reason);
        let mut rest = bytes;
        let mut by_path: BTreeMap<String, Column> = BTreeMap::new();
        while !rest.is_empty() {
            let (path, column) = read(&mut rest, slots).ok_or_else(|| {
                corrupt(format!("the column at byte {} is not one", bytes.len() - rest.len()))
            })?;
            if by_path.last_key_value().is_some_and(|(last, _)| *last >= path) {
                return Err(corrupt(format!("the column of {path:?} is not in its place")));
            }
            by_path.insert(path, column);
        }
        Ok(Self::of(by_path, slots))
    }
}

impl Column {
    fn write(&self, path: &str, bytes: &mut Vec<u8>) {
        let mut number = |number: usize| {
            let number = u32::try_from(number).expect("no part of a column has 2^32 members");
            bytes.extend_from_slice(&number.to_le_bytes());
        };
        let (numbers, ends) = (self.numbers(), self.ends());
        number(path.len());
        number(numbers.len());
        number(ends.len());
        (0..self.len()).for_each(|place| number(self.slots(place, place + 1).len()));
        (0..ends.len())
            .for_each(|text| number(ends[text] - text.checked_sub(1).map_or(0, |before| ends[before])));
        bytes.extend_from_slice(path.as_bytes());
        bytes.extend_from_slice(bytemuck::cast_slice(numbers));
        bytes.extend_from_slice(self.texts().as_bytes());
        bytes.extend_from_slice(bytemuck::cast_slice(self.slots(0, self.len())));
    }
}

/// Takes so many bytes off the front.
fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (front, back) = rest.split_at_checked(bytes)?;
    *rest = back;
    Some(front)
}

fn take_numbers(rest: &mut &[u8], count: usize) -> Option<Vec<u32>> {
    let bytes = take(rest, count.checked_mul(4)?)?;
    Some(bytes.as_chunks::<4>().0.iter().map(|&number| u32::from_le_bytes(number)).collect())
}

/// Takes one column; `None` if there is none that rows in these slots can have.
fn read(rest: &mut &[u8], slots: &Slots) -> Option<(String, Column)> {
    let [path, numbers, texts] = take_numbers(rest, 3)?.try_into().ok()?;
    let places = MARKS.len().checked_add(numbers as usize)?.checked_add(texts as usize)?;
    let counts = take_numbers(rest, places)?;
    let lengths = take_numbers(rest, texts as usize)?;
    let path = std::str::from_utf8(take(rest, path as usize)?).ok()?;
    let numbers = take(rest, (numbers as usize).checked_mul(8)?)?.as_chunks::<8>().0;
    let mut numbers = numbers.iter().map(|&number| f64::from_le_bytes(number));
    let mut lengths = lengths.into_iter();
    let bytes =
        lengths.as_slice().iter().try_fold(0usize, |sum, &length| sum.checked_add(length as usize))?;
    let mut text = std::str::from_utf8(take(rest, bytes)?).ok()?;

    let mut column = Column::default();
    for (place, &count) in counts.iter().enumerate() {
        let value = if let Some(&mark) = MARKS.get(place) {
            mark
        } else if let Some(number) = numbers.next() {
            let sound = number.is_finite() && (number != 0.0 || number.is_sign_positive());
            Value::Number(Some(number).filter(|_| sound)?)
        } else {
            let (front, back) = text.split_at_checked(lengths.next()? as usize)?;
            text = back;
            Value::Text(front)
        };
        let is_mark = place < MARKS.len();
        let ascends = place <= MARKS.len() || super::compare(column.value(place - 1), value).is_lt();
        if !ascends || (count == 0 && !is_mark) {
            return None;
        }
        let mut last: Option<Slot> = None;
        for slot in take_numbers(rest, count as usize)? {
            let known = (slot as usize) < slots.len() && slots.is_live(slot) && last < Some(slot);
            if !known || (place > 0 && column.slots(0, 1).binary_search(&slot).is_err()) {
                return None;
            }
            column.push(value, slot);
            last = Some(slot);
        }
    }
    (!path.is_empty()).then(|| (path.to_owned(), column))
}
