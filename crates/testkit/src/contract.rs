//! The contract's facts, kept in `crates/testkit/contract/`.

use serde_json::{Value, json};

/// The text of a file of the contract.
pub fn text(name: &str) -> String {
    let path = format!("{}/contract/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A JSON file of the contract.
pub fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The lines of a recording: requests, and marks that say which command followed.
pub fn recording(name: &str) -> Vec<Value> {
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}"));
    text(&format!("recordings/{name}.jsonl")).lines().map(read).collect()
}

/// A validator for a schema of the contract's description.
///
/// The description writes `nullable: true` as OpenAPI 3.0 did, which JSON Schema does not know: it is turned into a
/// union with null first.
pub fn validator(openapi: &Value, schema: &Value) -> jsonschema::Validator {
    let mut components = openapi["components"].clone();
    let mut schema = schema.clone();
    allow_null(&mut components);
    allow_null(&mut schema);
    let document = json!({ "allOf": [schema], "components": components });
    jsonschema::draft202012::new(&document).unwrap_or_else(|error| panic!("the contract's schema: {error}"))
}

fn allow_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(allow_null),
        Value::Object(object) => {
            object.values_mut().for_each(allow_null);
            if object.remove("nullable") == Some(Value::Bool(true)) && !object.is_empty() {
                let inner = Value::Object(std::mem::take(object));
                object.insert("anyOf".into(), json!([inner, { "type": "null" }]));
            }
        }
        _ => {}
    }
}
