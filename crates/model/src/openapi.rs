//! OpenAPI 3.1 component schemas of entities.

use serde_json::{Map, Value, json};

use crate::entity::JsonSchema;
use crate::load::pascal_case;
use crate::{Column, ColumnType, Entity, IdRule, WriteRule};

/// The component that a JSON column's schema becomes: its name and the schema, references within it made absolute.
pub fn shared_schema(schema: &JsonSchema) -> (String, Value) {
    let name = shared_schema_name(schema);
    let text = schema.source.to_string().replace("\"#/$defs/", &format!("\"#/components/schemas/{name}/$defs/"));
    (name, serde_json::from_str(&text).unwrap_or_default())
}

fn shared_schema_reference(schema: &JsonSchema) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", shared_schema_name(schema)) })
}

/// `tool-config` is `ToolConfigJson`: the suffix keeps apart what entities call their own components.
fn shared_schema_name(schema: &JsonSchema) -> String {
    format!("{}Json", pascal_case(&schema.name.replace('-', "_")))
}

/// The component schemas of an entity: read, create and update form, single answer and list.
pub fn component_schemas(entity: &Entity) -> Vec<(String, Value)> {
    let name = &entity.schema;
    let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
    vec![
        (name.clone(), wire_schema(entity)),
        (format!("{name}Create"), input_schema(entity, true)),
        (format!("{name}Update"), input_schema(entity, false)),
        (
            format!("{name}Response"),
            json!({ "type": "object", "properties": { "data": reference }, "required": ["data"] }),
        ),
        (
            format!("{name}ListResponse"),
            json!({
                "type": "object",
                "properties": {
                    "data": { "type": "array", "items": reference },
                    "pagination": { "$ref": "#/components/schemas/Pagination" }
                },
                "required": ["data", "pagination"]
            }),
        ),
    ]
}

/// The schema of a row in answers.
pub fn wire_schema(entity: &Entity) -> Value {
    let shown: Vec<&Column> = entity
        .columns
        .iter()
        .filter(|c| !c.hidden && (!entity.is_scope_column(&c.name) || entity.expose.contains(&c.name)))
        .collect();
    let properties: Map<String, Value> = shown.iter().map(|c| (c.wire.clone(), column_schema(c))).collect();
    let required: Vec<&str> = shown.iter().map(|c| c.wire.as_str()).collect();
    json!({ "type": "object", "description": entity.doc, "properties": properties, "required": required })
}

fn input_schema(entity: &Entity, create: bool) -> Value {
    let accepted = |column: &&Column| {
        let writable = match column.write {
            WriteRule::Always => true,
            WriteRule::Create => create,
            WriteRule::Never => false,
        };
        let in_body = !entity.is_scope_column(&column.name) || entity.expose.contains(&column.name);
        let id = column.name != "id" || matches!(entity.id, IdRule::Given | IdRule::Optional);
        writable && in_body && id
    };
    let columns: Vec<&Column> = entity.columns.iter().filter(accepted).collect();
    let properties: Map<String, Value> = columns.iter().map(|c| (c.wire.clone(), column_schema(c))).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    let bound =
        |column: &Column| entity.crud.as_ref().is_some_and(|crud| crud.bind.values().any(|name| *name == column.name));
    let required: Vec<&str> = columns
        .iter()
        .filter(|c| create && !c.optional && c.default.is_none() && !bound(c))
        .filter(|c| c.name != "id" || entity.id == IdRule::Given)
        .map(|c| c.wire.as_str())
        .collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn column_schema(column: &Column) -> Value {
    let mut schema = match column.ty {
        ColumnType::Integer => json!({ "type": "integer" }),
        ColumnType::Number | ColumnType::Numeric => json!({ "type": "number" }),
        ColumnType::Boolean => json!({ "type": "boolean" }),
        ColumnType::Json => column.schema.as_ref().map_or_else(|| json!({}), |schema| shared_schema_reference(schema)),
        _ => json!({ "type": "string" }),
    };
    let text = matches!(schema["type"].as_str(), Some("string")) && column.ty != ColumnType::Json;
    let number = matches!(schema["type"].as_str(), Some("integer" | "number")) && column.ty != ColumnType::Json;
    let longest = column.max.or(column.ty.max_length().map(f64::from));
    if text && let Some(max) = longest {
        schema["maxLength"] = json!(max as u64);
    }
    if text && let Some(min) = column.min {
        schema["minLength"] = json!(min as u64);
    }
    if number && let Some(min) = column.min {
        schema["minimum"] = json!(min);
    }
    if number && let Some(max) = column.max {
        schema["maximum"] = json!(max);
    }
    if let Some(pattern) = &column.pattern {
        schema["pattern"] = json!(pattern.text);
    }
    if let Some(choices) = &column.choices {
        schema["enum"] = json!(choices);
    }
    if let Some(format) = &column.format {
        schema["format"] = json!(format);
    }
    if let Some(default) = &column.default {
        schema["default"] = default.clone();
    }
    if column.optional {
        schema = or_null(schema);
    }
    if !column.doc.is_empty() {
        schema["description"] = json!(column.doc);
    }
    schema
}

/// The same schema, or null.
fn or_null(mut schema: Value) -> Value {
    if schema.as_object().is_some_and(Map::is_empty) {
        return schema;
    }
    match schema["type"].as_str().map(str::to_owned) {
        Some(ty) if schema.get("enum").is_none() => {
            schema["type"] = json!([ty, "null"]);
            schema
        }
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}
