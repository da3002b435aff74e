//! What a change of some keys makes of a metadata document.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The keys of an object in their order, with their values as they are written.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    set(&mut fields, pair);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// Sets a key in its place, or as the last one.
fn set<'a>(fields: &mut Vec<(Cow<'a, str>, &'a RawValue)>, pair: (Cow<'a, str>, &'a RawValue)) {
    match fields.iter_mut().find(|field| field.0 == pair.0) {
        Some(field) => field.1 = pair.1,
        None => fields.push(pair),
    }
}

/// A document with the keys of `change` set to its values; the others stay. Both are objects; an empty text is one, too.
///
/// # Errors
/// What is wrong with a text that is not an object.
pub(crate) fn merged(document: &str, change: &str) -> Result<String, serde_json::Error> {
    let Fields(mut kept) = serde_json::from_str(if document.is_empty() { "{}" } else { document })?;
    let Fields(changes) = serde_json::from_str(change)?;
    for pair in changes {
        set(&mut kept, pair);
    }
    let mut text = String::from("{");
    for (key, value) in kept {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&serde_json::to_string(&key)?);
        text.push(':');
        text.push_str(value.get());
    }
    text.push('}');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_sets_its_keys_and_leaves_the_others_as_they_are_written() {
        for (document, change, expected) in [
            (r#"{"b":1.0,"a":{"x":1}}"#, r#"{"a":{"y":2},"c":null}"#, r#"{"b":1.0,"a":{"y":2},"c":null}"#),
            ("", r#"{"__proto__":1}"#, r#"{"__proto__":1}"#),
            (r#"{"a":1}"#, "{}", r#"{"a":1}"#),
            (r#"{"\u0061":1}"#, r#"{"a":1e400}"#, r#"{"a":1e400}"#),
        ] {
            assert_eq!(merged(document, change).unwrap(), expected);
        }
        assert!(merged("{}", "[]").is_err());
        assert!(merged("{}", "{").is_err());
    }
}
