//! What is said of bad values: ranges read well, and no value is repeated.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;

use serde_json::{Value, json};
use understory_model::{Column, FieldError, Model, ModelFiles, check_value};

const THING: &str = r#"
entity = "thing"
doc    = "A thing."
scope  = "tenant"

[columns.least]
type = "integer"
min  = 0

[columns.most]
type = "number"
max  = 5

[columns.both]
type = "number"
min  = 0.5
max  = 5

[columns.free]
type = "integer"

[columns.settings]
type   = "json"
schema = "settings"
"#;

const SETTINGS: &str = r#"{
  "type": "object",
  "properties": {
    "port": { "type": "integer" },
    "mode": { "enum": ["a-long-choice-of-forty-characters-000001", "a-long-choice-of-forty-characters-000002",
      "a-long-choice-of-forty-characters-000003", "a-long-choice-of-forty-characters-000004",
      "a-long-choice-of-forty-characters-000005", "a-long-choice-of-forty-characters-000006",
      "a-long-choice-of-forty-characters-000007", "a-long-choice-of-forty-characters-000008",
      "a-long-choice-of-forty-characters-000009", "a-long-choice-of-forty-characters-000010"] },
    "names": { "propertyNames": { "maxLength": 3 } },
    "closed": { "additionalProperties": false },
    "either": { "anyOf": [{ "type": "integer" }, { "type": "boolean" }] },
    "ports": { "items": { "type": "integer" } }
  }
}"#;

fn column(name: &str) -> Column {
    let dir = tempfile::tempdir().unwrap();
    for (folder, file, text) in [("manage", "thing.toml", THING), ("schemas", "settings.json", SETTINGS)] {
        fs::create_dir(dir.path().join(folder)).unwrap();
        fs::write(dir.path().join(folder).join(file), text).unwrap();
    }
    let model = Model::load(&ModelFiles::of_dir(dir.path()).unwrap()).unwrap_or_else(|error| panic!("{error}"));
    model.entity("thing").unwrap().column(name).unwrap().clone()
}

fn errors(name: &str, value: &Value) -> Vec<FieldError> {
    check_value(&column(name), value)
}

fn said(name: &str, value: &Value) -> (&'static str, String) {
    let errors = errors(name, value);
    assert_eq!(errors.len(), 1, "{name} {value}: {errors:?}");
    (errors[0].reason, errors[0].detail.clone())
}

#[test]
fn a_range_tells_the_bounds_there_are() {
    assert_eq!(said("least", &json!(-1)), ("range", "least must be at least 0".into()));
    assert_eq!(said("most", &json!(5.5)), ("range", "most must be at most 5".into()));
    assert_eq!(said("both", &json!(0)), ("range", "both must be 0.5 to 5".into()));
}

#[test]
fn integers_are_of_32_bits() {
    for fits in [i32::MIN, -1, 0, i32::MAX] {
        assert_eq!(errors("free", &json!(fits)), []);
    }
    let bounds = "free must be -2147483648 to 2147483647";
    for outside in [json!(i64::from(i32::MIN) - 1), json!(i64::from(i32::MAX) + 1), json!(u64::MAX), json!(1e300)] {
        assert_eq!(said("free", &outside), ("range", bounds.into()));
    }
    assert_eq!(said("least", &json!(3_000_000_000_u32)), ("range", "least must be 0 to 2147483647".into()));
    assert_eq!(said("free", &json!(0.5)), ("type", "free must be an integer".into()));
}

#[test]
fn schema_errors_do_not_repeat_the_value() {
    let secret = "hunter2-hunter2";
    for value in [
        json!(secret),
        json!([secret]),
        json!({ "port": secret }),
        json!({ "mode": secret }),
        json!({ "names": { secret: 1 } }),
        json!({ "closed": { secret: 1 } }),
        json!({ "either": secret }),
    ] {
        let (reason, detail) = said("settings", &value);
        assert_eq!(reason, "schema");
        assert!(detail.starts_with("settings does not match the schema: "), "{detail}");
        assert!(!detail.contains("hunter2"), "{detail}");
        assert!(detail.chars().count() <= 301, "{detail}");
    }
    let (_, detail) = said("settings", &json!({ "port": secret }));
    assert_eq!(detail, "settings does not match the schema: the value is not of type \"integer\"");
}

#[test]
fn the_same_mistake_in_many_items_is_not_told_of_each() {
    let ports: Vec<Value> = (0..1000).map(|_| json!("no port")).collect();
    assert_eq!(errors("settings", &json!({ "ports": ports })).len(), 100);
}
