//! Reading a filter from JSON: the operators, and what is refused.
//!
//! Nothing that is not understood is passed over: a filter either means exactly what it says or is an error that names the
//! place.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::error::Error;
use crate::fields::Value;

/// How large filters may be, so that one from outside cannot cost more than a search. What is absent takes its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilterLimits {
    /// Levels of operators in each other, 1 to 50. Default 16.
    pub depth: Option<usize>,
    /// Conditions in all. Default 256.
    pub conditions: Option<usize>,
    /// Values in all lists together. Default 10,000.
    pub values: Option<usize>,
    /// Fields that keep a column; filters on others read the documents each time. Default 64.
    pub fields: Option<usize>,
}

/// The JSON reader goes no deeper than 128 levels; a level of operators takes one, or two with a list.
const DEEPEST: usize = 50;

impl FilterLimits {
    fn depth(self) -> usize {
        self.depth.unwrap_or(16)
    }

    fn conditions(self) -> usize {
        self.conditions.unwrap_or(256)
    }

    fn values(self) -> usize {
        self.values.unwrap_or(10_000)
    }

    pub(crate) fn fields(self) -> usize {
        self.fields.unwrap_or(64)
    }

    /// # Errors
    /// [`Error::InvalidOption`].
    pub(crate) fn check(self) -> Result<Self, Error> {
        if (1..=DEEPEST).contains(&self.depth()) {
            return Ok(self);
        }
        let reason = format!("{} is outside its range, 1 to {DEEPEST}", self.depth());
        Err(Error::InvalidOption { option: "filterLimits.depth".to_owned(), reason })
    }
}

/// A filter that has been checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    /// Every one of these; with none, every row.
    All(Vec<Filter>),
    /// One of these.
    Either(Vec<Filter>),
    Not(Box<Filter>),
    /// One value at the path meets the test.
    Field {
        path: String,
        test: Test,
    },
}

/// What a value is tested for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    Exists,
    In(Vec<Scalar>),
    /// Larger than this, or as large if `equal`.
    Above {
        least: Scalar,
        equal: bool,
    },
    /// Smaller than this, or as small if `equal`.
    Below {
        most: Scalar,
        equal: bool,
    },
    StartsWith(String),
    Contains(String),
    /// The same value meets all of this; paths do not count in it.
    Element(Box<Filter>),
}

/// A value in a filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
}

impl Scalar {
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text),
        }
    }
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// [`Error::InvalidFilter`] with the place and the reason.
    pub(crate) fn parse(json: &Json, limits: FilterLimits) -> Result<Self, Error> {
        let mut reader = Reader { limits, conditions: 0, values: 0, place: Vec::new() };
        reader.filter(json, 1)
    }

    /// The paths of all fields, some more than once.
    pub(crate) fn paths<'a>(&'a self, paths: &mut Vec<&'a str>) {
        match self {
            Self::All(filters) | Self::Either(filters) => {
                filters.iter().for_each(|filter| filter.paths(paths));
            }
            Self::Not(filter) => filter.paths(paths),
            Self::Field { path, .. } => paths.push(path),
        }
    }
}

struct Reader {
    limits: FilterLimits,
    conditions: usize,
    values: usize,
    /// The keys and list places on the way to what is being read.
    place: Vec<String>,
}

const OPERATORS: &str =
    "$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $startsWith, $contains, $any, $all, $not";

impl Reader {
    fn fail<T>(&self, reason: impl Into<String>) -> Result<T, Error> {
        Err(Error::InvalidFilter { path: self.place.join("."), reason: reason.into() })
    }

    /// Reads what stands at a key.
    fn at<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.place.push(key.to_owned());
        let result = read(self)?;
        self.place.pop();
        Ok(result)
    }

    fn object<'a>(&self, json: &'a Json, depth: usize) -> Result<&'a Map<String, Json>, Error> {
        let Json::Object(fields) = json else {
            return self.fail(format!("must be an object, not {}", kind(json)));
        };
        let most = self.limits.depth();
        if depth > most {
            return self.fail(format!("is nested deeper than {most} levels"));
        }
        Ok(fields)
    }

    fn condition(&mut self) -> Result<(), Error> {
        self.conditions += 1;
        let most = self.limits.conditions();
        if self.conditions > most {
            return self.fail(format!("has more than {most} conditions"));
        }
        Ok(())
    }

    fn filter(&mut self, json: &Json, depth: usize) -> Result<Filter, Error> {
        let fields = self.object(json, depth)?;
        let mut all = Vec::with_capacity(fields.len());
        for (key, value) in fields {
            all.push(self.at(key, |reader| match key.as_str() {
                "$and" => Ok(Filter::All(reader.filters(value, depth)?)),
                "$or" => Ok(Filter::Either(reader.filters(value, depth)?)),
                "$not" => Ok(Filter::Not(Box::new(reader.filter(value, depth + 1)?))),
                _ if key.starts_with('$') => reader.fail(
                    "is not an operator for rows; known are $and, $or, $not, and inside a field others",
                ),
                _ if key.split('.').any(str::is_empty) => {
                    reader.fail("is not a path: names between dots must not be empty")
                }
                _ => reader.field(key, value, depth),
            })?);
        }
        Ok(all_of(all))
    }

    fn filters(&mut self, json: &Json, depth: usize) -> Result<Vec<Filter>, Error> {
        let Json::Array(filters) = json else {
            return self.fail(format!("must be an array of filters, not {}", kind(json)));
        };
        if filters.is_empty() {
            return self.fail("must have at least one filter");
        }
        let mut read = Vec::with_capacity(filters.len());
        for (index, filter) in filters.iter().enumerate() {
            self.condition()?;
            read.push(self.at(&index.to_string(), |reader| reader.filter(filter, depth + 1))?);
        }
        Ok(read)
    }

    fn field(&mut self, path: &str, json: &Json, depth: usize) -> Result<Filter, Error> {
        if json.is_object() {
            return self.operators(path, json, depth + 1);
        }
        self.condition()?;
        let test = Test::In(vec![self.scalar(json)?]);
        Ok(Filter::Field { path: path.to_owned(), test })
    }

    /// Reads an object of operators for a field.
    fn operators(&mut self, path: &str, json: &Json, depth: usize) -> Result<Filter, Error> {
        let operators = self.object(json, depth)?;
        if operators.is_empty() {
            return self.fail(format!("has no operator; known are {OPERATORS}"));
        }
        let mut all = Vec::with_capacity(operators.len());
        for (key, value) in operators {
            self.condition()?;
            all.push(self.at(key, |reader| reader.operator(path, key, value, depth))?);
        }
        Ok(all_of(all))
    }

    fn operator(&mut self, path: &str, operator: &str, json: &Json, depth: usize) -> Result<Filter, Error> {
        let is = |test| Filter::Field { path: path.to_owned(), test };
        let is_not = |test| Filter::Not(Box::new(is(test)));
        Ok(match operator {
            "$eq" => is(Test::In(vec![self.scalar(json)?])),
            "$ne" => is_not(Test::In(vec![self.scalar(json)?])),
            "$in" => is(Test::In(self.scalars(json)?)),
            "$nin" => is_not(Test::In(self.scalars(json)?)),
            "$gt" => is(Test::Above { least: self.ordered(json)?, equal: false }),
            "$gte" => is(Test::Above { least: self.ordered(json)?, equal: true }),
            "$lt" => is(Test::Below { most: self.ordered(json)?, equal: false }),
            "$lte" => is(Test::Below { most: self.ordered(json)?, equal: true }),
            "$startsWith" => is(Test::StartsWith(self.text(json)?)),
            "$contains" => is(Test::Contains(self.text(json)?)),
            "$exists" => match json {
                Json::Bool(true) => is(Test::Exists),
                Json::Bool(false) => is_not(Test::Exists),
                _ => return self.fail(format!("must be true or false, not {}", kind(json))),
            },
            // A list is short for `{ $in: list }`.
            "$any" if json.is_array() => is(Test::In(self.scalars(json)?)),
            "$any" => is(Test::Element(Box::new(self.operators(path, json, depth + 1)?))),
            "$all" => {
                let values = self.scalars(json)?;
                if values.is_empty() {
                    return self.fail("must have at least one value");
                }
                all_of(values.into_iter().map(|value| is(Test::In(vec![value]))).collect())
            }
            "$not" => Filter::Not(Box::new(self.operators(path, json, depth + 1)?)),
            _ if operator.starts_with('$') => {
                return self.fail(format!("is not an operator; known are {OPERATORS}"));
            }
            _ => {
                return self
                    .fail("is not an operator; a field inside an object is named by a path, 'outer.inner'");
            }
        })
    }

    fn scalar(&mut self, json: &Json) -> Result<Scalar, Error> {
        self.values += 1;
        let most = self.limits.values();
        if self.values > most {
            return self.fail(format!("has more than {most} values"));
        }
        Ok(match json {
            Json::Null => Scalar::Null,
            Json::Bool(value) => Scalar::Bool(*value),
            // Adding zero turns -0 into 0.
            Json::Number(number) => Scalar::Number(number.as_f64().unwrap_or_default() + 0.0),
            Json::String(text) => Scalar::Text(text.clone()),
            Json::Array(_) => {
                return self.fail("must be one value, not an array; $in, $any and $all take arrays");
            }
            Json::Object(_) => return self.fail("must be one value, not an object"),
        })
    }

    fn scalars(&mut self, json: &Json) -> Result<Vec<Scalar>, Error> {
        let Json::Array(values) = json else {
            return self.fail(format!("must be an array of values, not {}", kind(json)));
        };
        values.iter().map(|value| self.scalar(value)).collect()
    }

    fn ordered(&mut self, json: &Json) -> Result<Scalar, Error> {
        match self.scalar(json)? {
            scalar @ (Scalar::Number(_) | Scalar::Text(_)) => Ok(scalar),
            _ => self.fail(format!("must be a number or a string, not {}", kind(json))),
        }
    }

    fn text(&mut self, json: &Json) -> Result<String, Error> {
        match self.scalar(json)? {
            Scalar::Text(text) => Ok(text),
            _ => self.fail(format!("must be a string, not {}", kind(json))),
        }
    }
}

/// All of these, or the only one.
fn all_of(mut filters: Vec<Filter>) -> Filter {
    if filters.len() == 1 { filters.remove(0) } else { Filter::All(filters) }
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> (String, String) {
        let json: Json = serde_json::from_str(text).unwrap();
        match Filter::parse(&json, FilterLimits::default()) {
            Err(Error::InvalidFilter { path, reason }) => (path, reason),
            other => panic!("{text} is read as {other:?}"),
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_place() {
        for (text, path, reason) in [
            ("[]", "", "an array"),
            ("null", "", "null"),
            (r#"{"a":{"$regex":"x"}}"#, "a.$regex", "$startsWith"),
            (r#"{"a":{"b":1}}"#, "a.b", "outer.inner"),
            (r#"{"a":{}}"#, "a", "no operator"),
            (r#"{"a":[1]}"#, "a", "an array"),
            (r#"{"a":{"$eq":{}}}"#, "a.$eq", "an object"),
            (r#"{"a":{"$gt":true}}"#, "a.$gt", "a boolean"),
            (r#"{"a":{"$lt":null}}"#, "a.$lt", "null"),
            (r#"{"a":{"$in":1}}"#, "a.$in", "a number"),
            (r#"{"a":{"$in":[[1]]}}"#, "a.$in", "an array"),
            (r#"{"a":{"$all":[]}}"#, "a.$all", "at least one"),
            (r#"{"a":{"$exists":1}}"#, "a.$exists", "a number"),
            (r#"{"a":{"$contains":1}}"#, "a.$contains", "a number"),
            (r#"{"a":{"$not":5}}"#, "a.$not", "a number"),
            (r#"{"a":{"$not":{}}}"#, "a.$not", "no operator"),
            (r#"{"$or":[]}"#, "$or", "at least one"),
            (r#"{"$and":{"a":1}}"#, "$and", "an object"),
            (r#"{"$or":[{"a":1},{"b":{"$gte":[]}}]}"#, "$or.1.b.$gte", "an array"),
            (r#"{"$nor":[{"a":1}]}"#, "$nor", "$and"),
            (r#"{"a..b":1}"#, "a..b", "empty"),
            (r#"{"":1}"#, "", "empty"),
            (r#"{"a":{"$any":{"$size":1}}}"#, "a.$any.$size", "known are"),
        ] {
            let (found, why) = refusal(text);
            assert_eq!(found, path, "{text}: {why}");
            assert!(why.contains(reason), "{text}: {why}");
        }
    }

    #[test]
    fn limits_end_what_is_too_deep_or_too_large() {
        let deep = (0..16).fold(r#"{"a":1}"#.to_owned(), |inner, _| format!(r#"{{"$not":{inner}}}"#));
        assert!(refusal(&deep).1.contains("deeper than 16"));
        let wide = format!(r#"{{"$or":[{}]}}"#, vec![r#"{"a":1}"#; 200].join(","));
        assert!(refusal(&wide).1.contains("more than 256 conditions"));
        let long = format!(r#"{{"a":{{"$in":[{}]}}}}"#, vec!["1"; 10_001].join(","));
        assert!(refusal(&long).1.contains("more than 10000 values"));
        let raised = FilterLimits { values: Some(10_001), ..FilterLimits::default() };
        assert!(Filter::parse(&serde_json::from_str(&long).unwrap(), raised).is_ok());
        assert!(FilterLimits { depth: Some(51), ..raised }.check().is_err());
    }
}
