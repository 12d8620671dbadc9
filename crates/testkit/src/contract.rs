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
/// union with null first. Its patterns write the character 0 as `\0`, which our expressions write `\x00`.
pub fn validator(openapi: &Value, schema: &Value) -> jsonschema::Validator {
    let mut components = openapi["components"].clone();
    let mut schema = schema.clone();
    adapt(&mut components);
    adapt(&mut schema);
    let document = json!({ "allOf": [schema], "components": components });
    jsonschema::draft202012::new(&document).unwrap_or_else(|error| panic!("the contract's schema: {error}"))
}

fn adapt(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(adapt),
        Value::Object(object) => {
            // `allOf: [X, {nullable: true}]` is how it writes "X or null" where X is a reference.
            let nullable = json!({ "nullable": true });
            if let Some(Value::Array(parts)) = object.get_mut("allOf")
                && parts.contains(&nullable)
            {
                parts.retain(|part| *part != nullable);
                object.insert("nullable".into(), Value::Bool(true));
            }
            object.values_mut().for_each(adapt);
            if let Some(Value::String(pattern)) = object.get_mut("pattern") {
                *pattern = pattern.replace("\\0", "\\x00");
            }
            if object.remove("nullable") == Some(Value::Bool(true)) && !object.is_empty() {
                let inner = Value::Object(std::mem::take(object));
                object.insert("anyOf".into(), json!([inner, { "type": "null" }]));
            }
        }
        _ => {}
    }
}
