//! Values inside metadata, by dotted path: `a.b` is the property `b` of the object at `a`.
//!
//! Arrays stand for their elements, also on the way: with `{"a":[{"b":1},{"b":2}]}` the path `a.b` leads to 1 and 2. Objects
//! are no values. A value more than 120 levels deep is not seen.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    /// The path leads somewhere; what it leads to follows.
    Present,
    Null,
    Bool(bool),
    Number(f64),
    Text(&'a str),
}

/// Calls `each` with every value that `path` leads to in the JSON text of an object, in the order of the text.
pub(crate) fn visit(json: &str, path: &str, each: &mut dyn FnMut(Value<'_>)) {
    // The text has been checked; what fails is only nesting deeper than the reader goes.
    let _ = At { path: Some(path), each }.deserialize(&mut serde_json::Deserializer::from_str(json));
}

/// A place in the text, and the path that remains from there; `None` at the end of the path.
struct At<'a> {
    path: Option<&'a str>,
    each: &'a mut dyn FnMut(Value<'_>),
}

impl At<'_> {
    fn take(self, value: Value<'_>) {
        if self.path.is_none() {
            (self.each)(value);
        }
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.take(Value::Text(text));
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.take(Value::Number(number));
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.take(Value::Number(number as f64));
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.take(Value::Number(number as f64));
        Ok(())
    }

    fn visit_bool<E>(self, bool: bool) -> Result<(), E> {
        self.take(Value::Bool(bool));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.take(Value::Null);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(At { path: self.path, each: self.each })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut properties: A) -> Result<(), A::Error> {
        // An object at the end of a path has no property of the empty name that counts.
        let (name, rest) = match self.path {
            Some(path) => path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest))),
            None => {
                while properties.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(());
            }
        };
        while let Some(is_it) = properties.next_key_seed(Is(name))? {
            if is_it {
                if rest.is_none() {
                    (self.each)(Value::Present);
                }
                properties.next_value_seed(At { path: rest, each: self.each })?;
            } else {
                properties.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Whether a property has this name.
struct Is<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_through_objects_and_arrays() {
        let json =
            r#"{"a":{"b":["x",{"c":"deep"},["\u00e9"]]},"n":-1.5,"t":true,"z":null,"a.b":"no","":{"":"e"}}"#;
        for (path, expected) in [
            ("a.b", r#"[Present, Text("x"), Text("é")]"#),
            ("a.b.c", r#"[Present, Text("deep")]"#),
            ("n", "[Present, Number(-1.5)]"),
            ("t", "[Present, Bool(true)]"),
            ("z", "[Present, Null]"),
            ("a", "[Present]"),
            ("a.c", "[]"),
            ("n.x", "[]"),
            (".", r#"[Present, Text("e")]"#),
        ] {
            let mut found = Vec::new();
            visit(json, path, &mut |value| found.push(format!("{value:?}")));
            assert_eq!(format!("[{}]", found.join(", ")), expected, "{path}");
        }
    }
}
