//! Filters against a naive evaluator: plain loops over JSON values define what a filter means.

mod support;

use std::cmp::Ordering;

use annywhere::{Config, Database, FilterLimits, Metric, SearchParams};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Random, config, graph};

/// Documents by id.
type Model = std::collections::BTreeMap<String, Value>;

/// The values that a path leads to; `None` if it leads nowhere.
fn values<'a>(json: &'a Value, path: &[&str]) -> Option<Vec<&'a Value>> {
    match (json, path) {
        (Value::Array(elements), _) => {
            let mut all: Option<Vec<&Value>> = if path.is_empty() { Some(Vec::new()) } else { None };
            for found in elements.iter().filter_map(|element| values(element, path)) {
                all.get_or_insert_default().extend(found);
            }
            all
        }
        (Value::Object(fields), [key, rest @ ..]) => fields.get(*key).and_then(|inner| values(inner, rest)),
        (Value::Object(_), []) => Some(Vec::new()),
        (scalar, []) => Some(vec![scalar]),
        _ => None,
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        _ => None,
    }
}

/// Whether a field with these values meets one operator.
fn meets(operator: &str, operand: &Value, field: Option<&[&Value]>) -> bool {
    let any =
        |test: &dyn Fn(&Value) -> bool| field.is_some_and(|values| values.iter().any(|value| test(value)));
    let list = || operand.as_array().unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match operator {
        "$eq" => any(&|value| equal(value, operand)),
        "$ne" => !any(&|value| equal(value, operand)),
        "$in" => any(&|value| list().iter().any(|one| equal(value, one))),
        "$nin" => !any(&|value| list().iter().any(|one| equal(value, one))),
        "$gt" => any(&|value| order(value, operand).is_some_and(Ordering::is_gt)),
        "$gte" => any(&|value| order(value, operand).is_some_and(Ordering::is_ge)),
        "$lt" => any(&|value| order(value, operand).is_some_and(Ordering::is_lt)),
        "$lte" => any(&|value| order(value, operand).is_some_and(Ordering::is_le)),
        "$exists" => field.is_some() == operand.as_bool().unwrap(),
        "$startsWith" => {
            any(&|value| text(value).is_some_and(|text| text.starts_with(operand.as_str().unwrap())))
        }
        "$contains" => any(&|value| text(value).is_some_and(|text| text.contains(operand.as_str().unwrap()))),
        "$all" => list().iter().all(|one| any(&|value| equal(value, one))),
        "$any" if operand.is_array() => meets("$in", operand, field),
        "$any" => any(&|value| {
            operand
                .as_object()
                .unwrap()
                .iter()
                .all(|(operator, inner)| meets(operator, inner, Some(&[value])))
        }),
        "$not" => !operand.as_object().unwrap().iter().all(|(operator, inner)| meets(operator, inner, field)),
        other => panic!("{other} is not in the language"),
    }
}

fn matches(filter: &Value, document: &Value) -> bool {
    filter.as_object().unwrap().iter().all(|(key, value)| match key.as_str() {
        "$and" => value.as_array().unwrap().iter().all(|filter| matches(filter, document)),
        "$or" => value.as_array().unwrap().iter().any(|filter| matches(filter, document)),
        "$not" => !matches(value, document),
        path => {
            let path: Vec<&str> = path.split('.').collect();
            let found = values(document, &path);
            match value {
                Value::Object(operators) => {
                    operators.iter().all(|(operator, operand)| meets(operator, operand, found.as_deref()))
                }
                bare => meets("$eq", bare, found.as_deref()),
            }
        }
    })
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..4).prop_map(Value::from),
        prop_oneof![Just(0.5), Just(-0.0), Just(1e300), Just(2.0)].prop_map(Value::from),
        "[ab]{0,3}".prop_map(Value::from),
        prop_oneof![Just("2024-01-05"), Just("é"), Just("\u{1F600}")].prop_map(Value::from),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    let value = scalar().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[xyz]", inner, 0..3).prop_map(|map| json!(map)),
        ]
    });
    prop::collection::btree_map("[xyz]", value, 0..4).prop_map(|map| json!(map))
}

fn condition() -> impl Strategy<Value = Value> {
    let ordered = prop_oneof![(-3i64..4).prop_map(Value::from), "[ab]{0,2}".prop_map(Value::from)];
    let list = prop::collection::vec(scalar(), 0..4).prop_map(Value::from);
    let few = prop::collection::vec(scalar(), 1..3).prop_map(Value::from);
    let one = prop_oneof![
        (prop_oneof![Just("$eq"), Just("$ne")], scalar()),
        (prop_oneof![Just("$gt"), Just("$gte"), Just("$lt"), Just("$lte")], ordered),
        (prop_oneof![Just("$in"), Just("$nin"), Just("$any")], list),
        (Just("$all"), few),
        (Just("$exists"), any::<bool>().prop_map(Value::from)),
        (prop_oneof![Just("$startsWith"), Just("$contains")], "[ab]{0,2}".prop_map(Value::from)),
    ];
    let one = one.prop_map(|(operator, operand)| json!({ operator: operand }));
    let two = (one.clone(), one.clone()).prop_map(|(mut a, b)| {
        a.as_object_mut().unwrap().extend(b.as_object().unwrap().clone());
        a
    });
    let inner = prop_oneof![one.clone(), two.clone()];
    prop_oneof![
        2 => scalar(),
        3 => one,
        1 => two,
        1 => inner.clone().prop_map(|inner| json!({ "$not": inner })),
        1 => inner.prop_map(|inner| json!({ "$any": inner })),
    ]
}

fn filter() -> impl Strategy<Value = Value> {
    let path = prop_oneof![3 => "[xyz]", 1 => "[xyz]\\.[xyz]", 1 => "[xyz]\\.[xyz]\\.[xyz]"];
    let fields = prop::collection::btree_map(path, condition(), 0..3).prop_map(|map| json!(map));
    fields.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(|list| json!({ "$and": list })),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|list| json!({ "$or": list })),
            inner.prop_map(|inner| json!({ "$not": inner })),
        ]
    })
}

/// The rows of a model that match, by id.
fn expected(model: &Model, filter: &Value) -> Vec<String> {
    model.iter().filter(|(_, document)| matches(filter, document)).map(|(id, _)| id.clone()).collect()
}

/// The rows of a database that match, found by a search for all of them.
fn found(database: &Database, filter: &Value) -> Vec<String> {
    let params = SearchParams { k: 1_000, filter: Some(filter.clone()), ..SearchParams::default() };
    let hits = database.search(&[1.0, 0.5], &params).unwrap();
    let mut ids: Vec<String> = hits.ids().map(str::to_owned).collect();
    ids.sort_unstable();
    ids
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn columns_answer_as_the_documents_do(
        documents in prop::collection::vec(document(), 1..40),
        filters in prop::collection::vec(filter(), 1..6),
        changes in prop::collection::vec((0usize..50, document(), any::<bool>()), 0..20),
        walks in any::<bool>(),
    ) {
        let config = if walks { graph(2, Metric::Euclidean) } else { config(2, Metric::Euclidean) };
        let mut database = Database::new(&config).unwrap();
        let mut model = Model::new();
        let insert = |database: &mut Database, id: String, document: Value, model: &mut Model| {
            let place = model.len() as f32;
            database.insert(&json!([[id, document]]).to_string(), &[place, 1.0]).unwrap();
            model.insert(id, document);
        };
        for (row, document) in documents.into_iter().enumerate() {
            insert(&mut database, format!("{row}"), document, &mut model);
        }
        for filter in &filters {
            prop_assert_eq!(found(&database, filter), expected(&model, filter), "{}", filter);
        }
        for (step, (row, document, removes)) in changes.into_iter().enumerate() {
            let id = row.to_string();
            if removes {
                database.delete(&[id.as_str()]).unwrap();
                model.remove(&id);
            } else {
                insert(&mut database, id, document, &mut model);
            }
            if step % 7 == 6 {
                database.compact().unwrap();
            }
            let filter = &filters[step % filters.len()];
            prop_assert_eq!(found(&database, filter), expected(&model, filter), "{}", filter);
        }
        let bytes = database.to_bytes().unwrap();
        let opened = Database::read(&bytes.as_slice(), &config).unwrap();
        prop_assert_eq!(opened.to_bytes().unwrap(), bytes);
        for filter in &filters {
            prop_assert_eq!(opened.count(&filter.to_string()).unwrap(), expected(&model, filter).len());
        }
        let doomed = expected(&model, &filters[0]);
        prop_assert_eq!(database.delete_matching(&filters[0].to_string()).unwrap(), doomed.len());
        prop_assert_eq!(database.len(), model.len() - doomed.len());
        prop_assert_eq!(database.count(&filters[0].to_string()).unwrap(), 0);
    }
}

#[test]
fn the_rules_of_missing_values_and_types_are_as_written() {
    let mut database = Database::new(&config(1, Metric::Dot)).unwrap();
    let rows = json!([
        ["none", null],
        ["null", { "a": null }],
        ["empty", { "a": [] }],
        ["object", { "a": { "b": 1 } }],
        ["one", { "a": 1 }],
        ["text", { "a": "1" }],
        ["list", { "a": [1, 9, [4]] }],
        ["many", { "a": [{ "b": 1 }, { "b": 2 }] }],
        ["day", { "a": "2024-03-01T00:00:00.000Z" }]
    ]);
    database.insert(&rows.to_string(), &[1.0; 9]).unwrap();
    for (filter, expected) in [
        (json!({ "a": null }), "null"),
        (json!({ "a": { "$exists": false } }), "none"),
        (json!({ "a": { "$exists": true, "$nin": [null, 1, "1"] } }), "empty object many day"),
        (json!({ "a": { "$ne": 1 } }), "none null empty object text many day"),
        (json!({ "a": 1 }), "one list"),
        (json!({ "a": "1" }), "text"),
        (json!({ "a": { "$gt": 3, "$lt": 5 } }), "list"),
        (json!({ "a": { "$gt": 1, "$lt": 9 } }), "list"),
        (json!({ "a": { "$any": { "$gt": 4, "$lt": 9 } } }), ""),
        (json!({ "a": { "$all": [1, 9] } }), "list"),
        (json!({ "a.b": 2 }), "many"),
        (json!({ "a.b": { "$exists": true } }), "object many"),
        (json!({ "a": { "$gte": "2024-02-01", "$lt": "2024-04-01" } }), "day"),
        (json!({ "a": { "$gte": 0 } }), "one list"),
        (json!({ "$not": { "a": { "$gte": 0 } } }), "none null empty object text many day"),
        (json!({}), "none null empty object one text list many day"),
    ] {
        let params = SearchParams { k: 9, filter: Some(filter.clone()), ..SearchParams::default() };
        let hits = database.search(&[1.0], &params).unwrap();
        let found: Vec<&str> = hits.ids().collect();
        assert_eq!(found.join(" "), expected, "{filter}");
    }
}

#[test]
fn a_bad_filter_is_an_error_and_never_a_search_without_one() {
    let limits = FilterLimits { conditions: Some(2), ..FilterLimits::default() };
    let config = Config { filter_limits: Some(limits), ..config(1, Metric::Dot) };
    let mut database = Database::new(&config).unwrap();
    database.insert(r#"[["a",{"n":1}]]"#, &[1.0]).unwrap();
    for bad in ["{", "5", r#"{"n":{"$foo":1}}"#, r#"{"n":{"$gt":1,"$lt":3},"m":1}"#] {
        assert_eq!(database.count(bad).unwrap_err().code(), "InvalidFilter", "{bad}");
        assert_eq!(database.delete_matching(bad).unwrap_err().code(), "InvalidFilter", "{bad}");
    }
    let params = SearchParams { filter: Some(json!({ "n": { "$foo": 1 } })), ..SearchParams::default() };
    assert_eq!(database.search(&[1.0], &params).unwrap_err().code(), "InvalidFilter");
    assert_eq!(database.search_many(&[1.0], &params).unwrap_err().code(), "InvalidFilter");
    assert_eq!(database.len(), 1);
    let deep = Config { filter_limits: Some(FilterLimits { depth: Some(1_000), ..limits }), ..config };
    assert_eq!(Database::new(&deep).unwrap_err().code(), "InvalidOption");
}

#[test]
fn columns_cost_memory_that_the_statistics_show_and_no_more_fields_than_allowed_keep_one() {
    let limits = FilterLimits { fields: Some(1), ..FilterLimits::default() };
    let mut database =
        Database::new(&Config { filter_limits: Some(limits), ..config(1, Metric::Dot) }).unwrap();
    let rows: Vec<Value> = (0..1_000).map(|n| json!([n.to_string(), { "n": n, "m": n % 2 }])).collect();
    database.insert(&json!(rows).to_string(), &[1.0; 1_000]).unwrap();
    assert_eq!(database.stats().memory.columns, 0);
    assert_eq!(database.count(r#"{"n":{"$lt":10}}"#).unwrap(), 10);
    let one = database.stats().memory.columns;
    assert!(one > 8_000, "{one} bytes");
    assert_eq!(database.count(r#"{"m":1}"#).unwrap(), 500);
    // What the last filters selected is kept, too: a bit a row.
    assert!(database.stats().memory.columns < one + 1_000, "{} bytes", database.stats().memory.columns);
    assert!(database.stats().memory.total > one);
}

#[test]
fn damaged_columns_are_refused() {
    let mut database = Database::new(&config(1, Metric::Dot)).unwrap();
    database.insert(r#"[["a",{"n":1,"t":"x"}],["b",{"n":[2,3]}]]"#, &[1.0, 2.0]).unwrap();
    database.count(r#"{"n":1,"t":"x"}"#).unwrap();
    let bytes = database.to_bytes().unwrap();
    let mut random = Random(5);
    for _ in 0..500 {
        let mut damaged = bytes.clone();
        let at = random.below(bytes.len());
        damaged[at] ^= 1 << random.below(8);
        if damaged[..64] != bytes[..64] || at > 4_096 {
            // Padding between sections is nobody's.
            if let Ok(opened) = Database::read(&damaged.as_slice(), &config(1, Metric::Dot)) {
                assert_eq!(opened.to_bytes().unwrap(), bytes);
            }
        }
    }
}
