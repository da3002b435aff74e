//! From a filter to the slots of the rows that match it.
//!
//! A test is looked up in its field's column: what meets it are stretches of values, and their slots become bits. `And`,
//! `or` and `not` are then those of whole words. The estimate takes the lengths of the same stretches, without the slots.

use super::Bitmap;
use super::parse::{Filter, Scalar, Test};
use crate::fields::Value;
use crate::metadata::{Column, Reading, compare};

/// The slots whose rows match.
pub(crate) fn matching(filter: &Filter, columns: &Reading<'_>) -> Bitmap {
    let live = columns.live();
    match filter {
        Filter::All(filters) => {
            let mut all: Option<Bitmap> = None;
            for filter in filters {
                let next = matching(filter, columns);
                match &mut all {
                    Some(all) => all.and(&next),
                    None => all = Some(next),
                }
            }
            all.unwrap_or_else(|| live.clone())
        }
        Filter::Either(filters) => {
            let mut either = Bitmap::none(live.slots());
            filters.iter().for_each(|filter| either.or(&matching(filter, columns)));
            either
        }
        Filter::Not(filter) => {
            let mut rest = matching(filter, columns);
            rest.complement_in(live);
            rest
        }
        Filter::Field { path, test } => {
            let column = columns.column(path);
            let mut bitmap = Bitmap::none(live.slots());
            stretches(test, column, &mut |from, to| {
                column.slots(from, to).iter().for_each(|&slot| bitmap.insert(slot));
            });
            bitmap
        }
    }
}

/// About how many rows match, at most: what `and` has in common and what `or` has twice is not known.
pub(crate) fn estimate(filter: &Filter, columns: &Reading<'_>, rows: usize) -> usize {
    let estimate = |filter| estimate(filter, columns, rows);
    match filter {
        Filter::All(filters) => filters.iter().map(estimate).min().unwrap_or(rows),
        Filter::Either(filters) => filters.iter().map(estimate).sum::<usize>().min(rows),
        Filter::Not(filter) => rows - estimate(filter),
        Filter::Field { path, test } => {
            let column = columns.column(path);
            let mut entries = 0;
            stretches(test, column, &mut |from, to| entries += column.slots(from, to).len());
            entries.min(rows)
        }
    }
}

/// Hands over the places of a column whose values meet the test, as ranges.
fn stretches(test: &Test, column: &Column, take: &mut dyn FnMut(usize, usize)) {
    let before = |bound: Value<'_>, equal: bool| {
        column.place(|value| {
            let order = compare(value, bound);
            order.is_lt() || equal && order.is_eq()
        })
    };
    match test {
        // The first place is that of every row that has the field.
        Test::Exists => take(0, 1),
        Test::In(values) => {
            for value in values {
                take(before(value.value(), false), before(value.value(), true));
            }
        }
        Test::Above { least, equal } => {
            let end = match least {
                Scalar::Number(_) => before(Value::Text(""), false),
                _ => column.len(),
            };
            take(before(least.value(), !equal), end);
        }
        Test::Below { most, equal } => {
            let start = match most {
                Scalar::Number(_) => before(Value::Number(f64::NEG_INFINITY), false),
                _ => before(Value::Text(""), false),
            };
            take(start, before(most.value(), *equal));
        }
        Test::StartsWith(prefix) => {
            let start = before(Value::Text(prefix), false);
            let end = column.place(|value| match value {
                Value::Text(text) => text < prefix.as_str() || text.starts_with(prefix.as_str()),
                _ => true,
            });
            take(start, end);
        }
        Test::Contains(_) | Test::Element(_) => {
            for place in 1..column.len() {
                if meets(test, column.value(place)) {
                    take(place, place + 1);
                }
            }
        }
    }
}

/// Whether one value meets a test.
fn meets(test: &Test, value: Value<'_>) -> bool {
    let same_kind = |scalar: &Scalar| {
        matches!((scalar, value), (Scalar::Number(_), Value::Number(_)) | (Scalar::Text(_), Value::Text(_)))
    };
    match test {
        Test::Exists => true,
        Test::In(values) => values.iter().any(|scalar| compare(scalar.value(), value).is_eq()),
        Test::Above { least, equal } => {
            let order = compare(value, least.value());
            same_kind(least) && (order.is_gt() || *equal && order.is_eq())
        }
        Test::Below { most, equal } => {
            let order = compare(value, most.value());
            same_kind(most) && (order.is_lt() || *equal && order.is_eq())
        }
        Test::StartsWith(prefix) => matches!(value, Value::Text(text) if text.starts_with(prefix.as_str())),
        Test::Contains(part) => matches!(value, Value::Text(text) if text.contains(part.as_str())),
        Test::Element(filter) => meets_all_of(filter, value),
    }
}

/// Whether one value meets all of a field's operators.
fn meets_all_of(filter: &Filter, value: Value<'_>) -> bool {
    match filter {
        Filter::All(filters) => filters.iter().all(|filter| meets_all_of(filter, value)),
        Filter::Either(filters) => filters.iter().any(|filter| meets_all_of(filter, value)),
        Filter::Not(filter) => !meets_all_of(filter, value),
        Filter::Field { test, .. } => meets(test, value),
    }
}
