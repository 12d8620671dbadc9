//! OpenAPI 3.1 component schemas of entities.

use serde_json::{Map, Value, json};

use crate::column::JsonSchema;
use crate::routes::placeholders;
use crate::row::pascal_case;
use crate::{Column, ColumnType, Entity, IdList, IdRule, ListAnswer, Shape};

/// The component that a JSON column's schema becomes: its name and the schema, references within it made absolute.
pub fn shared_schema(schema: &JsonSchema) -> (String, Value) {
    let name = shared_schema_name(schema);
    let mut source = schema.source.clone();
    if let Some(object) = source.as_object_mut() {
        // A component is a part of a document: it has neither a dialect nor a base address of its own.
        object.retain(|key, _| key != "$schema" && key != "$id");
    }
    rebase(&mut source, &component(&name));
    (name, source)
}

/// Makes references to the root of a schema references to `root`.
fn rebase(schema: &mut Value, root: &str) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match value.as_str().filter(|_| key == "$ref").and_then(|target| target.strip_prefix('#')) {
                    Some(rest) if rest.is_empty() || rest.starts_with('/') => *value = format!("{root}{rest}").into(),
                    _ => rebase(value, root),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rebase(item, root)),
        _ => {}
    }
}

/// `tool-config` is `ToolConfigJson`: the suffix keeps apart what entities call their own components.
fn shared_schema_name(schema: &JsonSchema) -> String {
    format!("{}Json", pascal_case(&schema.name.replace('-', "_")))
}

fn component(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

/// The component schemas of an entity: read, create and update form, single answer and list.
pub fn component_schemas(entity: &Entity) -> Vec<(String, Value)> {
    let name = &entity.schema;
    let reference = json!({ "$ref": component(name) });
    vec![
        (name.clone(), wire_schema(entity)),
        (format!("{name}Create"), create_schema(entity)),
        (format!("{name}Update"), update_schema(entity)),
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
                    "pagination": { "$ref": component("Pagination") }
                },
                "required": ["data", "pagination"]
            }),
        ),
    ]
}

/// The schema of a row in answers.
pub fn wire_schema(entity: &Entity) -> Value {
    let mut object = ObjectSchema::default();
    for column in entity.columns.iter().filter(|column| entity.shows(column)) {
        object.add(&column.wire, column_schema(column), true);
    }
    for list in entity.lists.iter().filter(|list| list.answer != ListAnswer::Never) {
        object.add(
            &list.wire,
            json!({ "type": "array", "items": { "type": "string" } }),
            list.answer == ListAnswer::Always,
        );
    }
    let mut schema = object.schema();
    schema["description"] = json!(entity.doc);
    schema
}

/// The body of a create: what the path does not fix and the server does not make.
fn create_schema(entity: &Entity) -> Value {
    let fixed = fixed_on_create(entity);
    let mut object = ObjectSchema::default();
    for column in entity.columns.iter().filter(|column| !fixed.contains(&column.name.as_str())) {
        let (sent, required) = match (column.name.as_str(), &entity.id) {
            ("id", IdRule::Given) => (true, true),
            ("id", rule) => (*rule == IdRule::Optional, false),
            (name, _) if entity.is_scope_column(name) => (true, true),
            _ => (column.write.accepts(true), !column.optional && column.default.is_none()),
        };
        if sent {
            object.add(&column.wire, column_schema(column), required);
        }
    }
    for list in entity.lists.iter().filter(|list| list.write.accepts(true)) {
        object.add(&list.wire, list_schema(list), list.required);
    }
    object.schema()
}

fn update_schema(entity: &Entity) -> Value {
    let mut object = ObjectSchema::default();
    for column in entity.columns.iter().filter(|column| column.write.accepts(false)) {
        object.add(&column.wire, column_schema(column), false);
    }
    for list in entity.lists.iter().filter(|list| list.write.accepts(false)) {
        object.add(&list.wire, list_schema(list), false);
    }
    object.schema()
}

/// Columns that the path of a create binds. Rows without routes of their own are made with their place known.
fn fixed_on_create(entity: &Entity) -> Vec<&str> {
    let (path, bind) = match (&entity.crud, &entity.association) {
        (Some(crud), _) => (&crud.path, &crud.bind),
        // Both sides are in the path, and there is no body.
        (None, Some(association)) if association.shape == Shape::Nested => {
            return association.bind.values().map(String::as_str).collect();
        }
        (None, Some(association)) => (&association.path, &association.bind),
        (None, None) => return entity.scope.columns().to_vec(),
    };
    placeholders(path).filter_map(|param| bind.get(param)).map(String::as_str).collect()
}

/// An object schema under construction.
#[derive(Default)]
struct ObjectSchema {
    properties: Map<String, Value>,
    required: Vec<String>,
}

impl ObjectSchema {
    fn add(&mut self, name: &str, schema: Value, required: bool) {
        self.properties.insert(name.to_owned(), schema);
        if required {
            self.required.push(name.to_owned());
        }
    }

    fn schema(self) -> Value {
        let mut schema = json!({ "type": "object", "properties": self.properties });
        if !self.required.is_empty() {
            schema["required"] = json!(self.required);
        }
        schema
    }
}

/// A list of ids in a body; one that a create needs is never emptied either.
fn list_schema(list: &IdList) -> Value {
    let mut schema = json!({ "type": "array", "items": { "type": "string" } });
    if list.required {
        schema["minItems"] = json!(1);
    }
    schema
}

fn column_schema(column: &Column) -> Value {
    let mut schema = match column.ty {
        ColumnType::Integer => number_schema("integer", column),
        ColumnType::Number | ColumnType::Numeric => number_schema("number", column),
        ColumnType::Boolean => json!({ "type": "boolean" }),
        ColumnType::Json => match &column.schema {
            Some(schema) => json!({ "$ref": component(&shared_schema_name(schema)) }),
            None => json!({}),
        },
        _ => text_schema(column),
    };
    if column.optional {
        schema = or_null(schema);
    }
    // After `or_null`, which may wrap the schema: both are of the value as a whole.
    if let Some(default) = &column.default {
        schema["default"] = default.clone();
    }
    if !column.doc.is_empty() {
        schema["description"] = json!(column.doc);
    }
    schema
}

fn text_schema(column: &Column) -> Value {
    let mut schema = json!({ "type": "string" });
    if let Some(max) = column.longest() {
        schema["maxLength"] = whole(max);
    }
    if let Some(min) = column.min {
        schema["minLength"] = whole(min);
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
    schema
}

fn number_schema(ty: &str, column: &Column) -> Value {
    let mut schema = json!({ "type": ty });
    if let Some(min) = column.min {
        schema["minimum"] = whole(min);
    }
    if let Some(max) = column.max {
        schema["maximum"] = whole(max);
    }
    schema
}

/// A number without `.0` where it has no fraction.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 { json!(number as i64) } else { json!(number) }
}

/// The same schema, or null. An empty one takes null already.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_within_a_schema_follow_it_into_the_document() {
        let mut schema = json!({
            "properties": {
                "a": { "$ref": "#/$defs/a" },
                "again": [{ "$ref": "#" }],
                "$ref": { "type": "string" },
                "other": { "$ref": "https://example.com/b#/c", "const": "#/$defs/a" }
            }
        });
        rebase(&mut schema, "#/components/schemas/TreeJson");
        let properties = &schema["properties"];
        assert_eq!(properties["a"]["$ref"], "#/components/schemas/TreeJson/$defs/a");
        assert_eq!(properties["again"][0]["$ref"], "#/components/schemas/TreeJson");
        assert_eq!(properties["$ref"], json!({ "type": "string" }), "a property of that name");
        assert_eq!(properties["other"], json!({ "$ref": "https://example.com/b#/c", "const": "#/$defs/a" }));
    }
}
