//! The component schemas are good JSON Schema, and they say what the decoders do.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use understory_model::{Model, Row, component_schemas, decode_create, encode, shared_schema};

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::built_in().unwrap_or_else(|error| panic!("{error}")));

/// All components of the built-in model, as a document holds them.
static COMPONENTS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    let mut components = Map::from_iter([("Pagination".to_owned(), json!({ "type": "object" }))]);
    for entity in MODEL.entities() {
        for (name, schema) in component_schemas(entity) {
            assert!(components.insert(name.clone(), schema).is_none(), "two components are called {name}");
        }
        for schema in entity.columns.iter().filter_map(|column| column.schema.as_ref()) {
            let (name, schema) = shared_schema(schema);
            assert!(components.get(&name).is_none_or(|other| *other == schema), "two components are called {name}");
            components.insert(name, schema);
        }
    }
    components
});

fn component(name: &str) -> &'static Value {
    COMPONENTS.get(name).unwrap_or_else(|| panic!("there is no component {name}"))
}

fn required(name: &str) -> Vec<&'static str> {
    let names = component(name)["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    names.iter().map(|name| name.as_str().unwrap()).collect()
}

fn properties(name: &str) -> Vec<&'static str> {
    component(name)["properties"].as_object().unwrap().keys().map(String::as_str).collect()
}

/// A validator of one component, references resolved in the whole document.
fn validator(name: &str) -> jsonschema::Validator {
    let document = json!({
        "$ref": format!("#/components/schemas/{name}"),
        "components": { "schemas": Value::Object(COMPONENTS.clone()) }
    });
    jsonschema::draft202012::new(&document).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_component_is_a_schema_of_2020_12() {
    for (name, schema) in COMPONENTS.iter() {
        jsonschema::draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(schema.get("$schema").is_none() && schema.get("$id").is_none(), "{name}");
        validator(name);
    }
}

#[test]
fn every_reference_is_to_a_component() {
    fn walk(name: &str, value: &Value) {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let path = target.strip_prefix("#/components/schemas/").unwrap_or_else(|| panic!("{name}: {target}"));
            let pointer = format!("/{path}");
            assert!(Value::Object(COMPONENTS.clone()).pointer(&pointer).is_some(), "{name}: {target} leads nowhere");
        }
        match value {
            Value::Object(object) => object.values().for_each(|value| walk(name, value)),
            Value::Array(items) => items.iter().for_each(|value| walk(name, value)),
            _ => {}
        }
    }
    for (name, schema) in COMPONENTS.iter() {
        walk(name, schema);
    }
}

#[test]
fn null_is_allowed_where_a_column_may_be_null() {
    for entity in MODEL.entities() {
        let (_, update) = component_schemas(entity).swap_remove(2);
        let validator = validator(&format!("{}Update", entity.schema));
        for column in entity.columns.iter().filter(|c| update["properties"].get(&c.wire).is_some()) {
            let null = json!({ column.wire.as_str(): null });
            let anything = column.schema.is_none() && column.ty == understory_model::ColumnType::Json;
            assert_eq!(validator.is_valid(&null), column.optional || anything, "{}.{}", entity.name, column.name);
        }
    }
    let relation_type = &component("SubAgentRelationCreate")["properties"]["relationType"];
    assert_eq!(relation_type["anyOf"][1], json!({ "type": "null" }), "an enum would not hold null");
    let mode = &component("AgentCreate")["properties"]["executionMode"];
    assert_eq!(mode["default"], "classic");
}

#[test]
fn a_create_needs_the_scope_that_its_path_does_not_have() {
    assert_eq!(required("SubAgentToolRelationCreate"), ["subAgentId", "toolId"]);
    assert_eq!(required("SubAgentSkillCreate"), ["subAgentId", "skillId"]);
    assert_eq!(required("SubAgentDataComponentCreate"), ["subAgentId", "dataComponentId"]);
    assert_eq!(required("SubAgentTeamAgentRelationCreate"), ["targetAgentId"], "its path has the sub-agent");
    assert!(!properties("SubAgentTeamAgentRelationCreate").contains(&"subAgentId"));
    assert!(!properties("SubAgentToolRelationCreate").contains(&"agentId"), "the path has it");
    assert!(!properties("SubAgentToolRelationUpdate").contains(&"subAgentId"), "the key never changes");
    assert!(properties("SubAgentToolRelation").contains(&"subAgentId"));
}

#[test]
fn a_create_does_not_take_what_its_path_has() {
    assert_eq!(required("DatasetItemCreate"), ["input"]);
    assert!(!properties("DatasetItemCreate").contains(&"datasetId"));
    assert_eq!(required("DatasetRunConfigCreate"), ["name", "datasetId"], "only the path of its list has the dataset");
    assert_eq!(properties("AgentDatasetRelationCreate"), [""; 0], "both ids are in the path");
}

#[test]
fn lists_are_in_bodies_and_answers() {
    assert!(required("EvaluationRunConfigCreate").contains(&"suiteConfigIds"));
    let list = &component("EvaluationRunConfigCreate")["properties"]["suiteConfigIds"];
    assert_eq!(*list, json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }));
    assert!(properties("EvaluationRunConfigUpdate").contains(&"suiteConfigIds"));
    assert!(required("EvaluationRunConfig").contains(&"suiteConfigIds"), "always answered");

    assert!(properties("WebhookDestinationCreate").contains(&"agentIds"));
    assert!(!required("WebhookDestinationCreate").contains(&"agentIds"));

    assert!(properties("DatasetRunConfig").contains(&"agentIds"));
    assert!(!required("DatasetRunConfig").contains(&"agentIds"), "only where one row is read");

    assert!(required("EvaluationJobConfigCreate").contains(&"evaluatorIds"));
    assert!(!properties("EvaluationJobConfigUpdate").contains(&"evaluatorIds"), "fixed at creation");
    assert!(!properties("EvaluationJobConfig").contains(&"evaluatorIds"), "never answered");
    assert!(!properties("DatasetCreate").contains(&"agentIds"), "written elsewhere");
}

#[test]
fn what_is_accepted_and_answered_matches_the_schemas() {
    let config = json!({ "type": "mcp", "mcp": { "server": { "url": "https://example.com" } } });
    let cases = [
        ("tool", json!({ "id": "t", "name": "T", "config": config, "imageUrl": null })),
        ("trigger", json!({ "name": "t", "dispatchDelayMs": 5, "runAsUserIds": ["u"] })),
        ("sub_agent_tool_relation", json!({ "subAgentId": "s", "toolId": "t", "selectedTools": ["a"] })),
        ("sub_agent_relation", json!({ "sourceSubAgentId": "a", "targetSubAgentId": null, "relationType": null })),
        ("agent", json!({ "id": "a", "name": "A", "models": { "base": { "model": "m" } } })),
        ("data_component", json!({ "id": "d", "name": "D", "props": { "type": "object", "properties": {} } })),
    ];
    for (name, body) in cases {
        let entity = MODEL.entity(name).unwrap();
        let place = Row::new().with("tenant_id", "acme").with("project_id", "demo").with("agent_id", "a");
        let row = decode_create(entity, &place, &body).unwrap_or_else(|errors| panic!("{name}: {errors:?}")).row;
        assert!(validator(&format!("{}Create", entity.schema)).is_valid(&body), "{name} {body}");
        let mut answer = encode(entity, &row.with("created_at", "now").with("updated_at", "now"), false);
        answer.extend(entity.lists.iter().map(|list| (list.wire.clone(), json!(["u"]))));
        let answer = json!({ "data": answer });
        if let Err(error) = validator(&format!("{}Response", entity.schema)).validate(&answer) {
            panic!("{name}: {error}");
        }
    }
    assert!(!validator("ToolCreate").is_valid(&json!({ "id": "t", "name": "T", "config": { "type": "rest" } })));
}
