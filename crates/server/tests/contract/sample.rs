//! Values that a schema of the contract allows.

use serde_json::{Map, Value, json};

use crate::operations::Operation;

/// A value with every property that its schema names; another variant gives another value where it can.
pub(crate) fn value(document: &Value, schema: &Value, variant: usize) -> Value {
    let schema = Operation::resolved(document, schema);
    if let Some(parts) = schema["allOf"].as_array() {
        let parts: Vec<Value> = parts.iter().map(|part| value(document, part, variant)).collect();
        return match parts.first() {
            Some(first) if !first.is_object() => first.clone(),
            _ => parts
                .iter()
                .filter_map(Value::as_object)
                .flatten()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect::<Map<_, _>>()
                .into(),
        };
    }
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        // "Any JSON" is written as a choice of all types: an object is what such a column holds.
        let object = choices.iter().find(|choice| choice["type"] == "object");
        return value(document, object.unwrap_or(&choices[0]), variant);
    }
    if let Some(choices) = schema["enum"].as_array() {
        return choices[variant % choices.len()].clone();
    }
    match schema["type"].as_str() {
        Some("object") => object(document, schema, variant),
        Some("array") => json!([value(document, &schema["items"], variant)]),
        Some("integer" | "number") => json!(schema["minimum"].as_i64().unwrap_or(0).max(0) + 1 + variant as i64),
        Some("boolean") => json!(variant == 0),
        Some("string") => text(schema, variant).into(),
        _ => json!(format!("anything {variant}")),
    }
}

fn object(document: &Value, schema: &Value, variant: usize) -> Value {
    let named = schema["properties"].as_object().into_iter().flatten();
    let mut object: Map<String, Value> =
        named.map(|(name, schema)| (name.clone(), value(document, schema, variant))).collect();
    if object.is_empty() {
        let inner = Some(&schema["additionalProperties"]).filter(|inner| inner.is_object());
        let inner = inner.map_or_else(|| json!("value"), |inner| value(document, inner, variant));
        object.insert(format!("key{variant}"), inner);
    }
    object.into()
}

fn text(schema: &Value, variant: usize) -> String {
    match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (Some("uri"), _) => format!("https://example.com/{variant}"),
        (Some("date-time"), _) => format!("2024-01-0{}T00:00:00.000Z", variant + 1),
        (_, Some(pattern)) if pattern.starts_with("^[a-z") => format!("id-{variant}"),
        _ => format!("text {variant}"),
    }
}
