//! The API description: what the model gives, and the routes written by hand, in one document.

mod handwritten;
mod left_out;
mod operations;
mod people;
mod simple;
mod written;

use serde_json::{Map, Value, json};
use understory::model::{Model, component_schemas, shared_schema};
use understory::{Form, Route, describe};

pub use left_out::LEFT_OUT;

/// The OpenAPI 3.1 document of this server.
pub fn document(model: &Model, routes: &[Route]) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for (path, verb, operation) in handwritten::operations() {
        add(&mut paths, &path, verb, operation);
    }
    for route in routes.iter().filter(|route| !route.twin) {
        add(&mut paths, &format!("/manage{}", route.path), route.verb.as_str(), operations::of_route(model, route));
    }
    permissions(&mut paths, routes);
    paths.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Understory",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The data layer under AI agents. Paths under /manage/tenants are served under /tenants too.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "bearerAuth": [] }, { "apiKey": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas(model),
            "securitySchemes": {
                "bearerAuth": { "type": "http", "scheme": "bearer" },
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            },
        },
    })
}

/// Says of each operation what it needs: `x-permission`.
fn permissions(paths: &mut Map<String, Value>, routes: &[Route]) {
    for ((verb, path), needs) in crate::routes::needs(routes) {
        let operation = paths.get_mut(&path).and_then(|item| item.get_mut(verb.as_str().to_ascii_lowercase()));
        if let Some(operation) = operation {
            operation["x-permission"] = needs.into();
        }
    }
}

fn add(paths: &mut Map<String, Value>, path: &str, verb: &str, operation: Value) {
    let item = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
    item[verb.to_ascii_lowercase()] = operation;
}

fn schemas(model: &Model) -> Map<String, Value> {
    let mut schemas = handwritten::schemas();
    for entity in model.entities() {
        schemas.extend(component_schemas(entity));
        for (suffix, form) in [("", Form::Answer), ("Create", Form::Create), ("Update", Form::Update)] {
            if let Some(schema) = schemas.get_mut(&format!("{}{suffix}", entity.schema)) {
                describe(entity, form, schema);
            }
        }
        for schema in entity.columns.iter().filter_map(|column| column.schema.as_ref()) {
            let (name, schema) = shared_schema(schema);
            schemas.insert(name, schema);
        }
    }
    schemas.sort_keys();
    schemas
}
