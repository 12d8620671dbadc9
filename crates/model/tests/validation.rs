//! What bodies the built-in model accepts, what rows come of them, and what is said of the others.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::LazyLock;

use serde_json::{Value, json};
use understory_model::id::{MADE_ID_LENGTH, derived_id};
use understory_model::{Accepted, Entity, FieldError, Model, Row, decode_create, decode_update, encode};

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::built_in().unwrap_or_else(|error| panic!("{error}")));

fn entity(name: &str) -> &'static Entity {
    MODEL.entity(name).unwrap()
}

/// What the path fixes, down to the sub-agent.
fn place(entity: &Entity) -> Row {
    let ids = ["acme", "demo", "a1", "s1"];
    entity.scope.columns().iter().zip(ids).map(|(column, id)| ((*column).to_owned(), Value::from(id))).collect()
}

fn create(name: &str, body: &Value) -> Result<Accepted, Vec<FieldError>> {
    let entity = entity(name);
    decode_create(entity, &place(entity), body)
}

fn created(name: &str, body: &Value) -> Row {
    create(name, body).unwrap_or_else(|errors| panic!("{name} {body}: {errors:?}")).row
}

fn update(name: &str, existing: &Row, body: &Value) -> Result<Accepted, Vec<FieldError>> {
    decode_update(entity(name), existing, body)
}

/// Pointer and reason of each error, in order.
fn faults(result: Result<Accepted, Vec<FieldError>>) -> Vec<(String, &'static str)> {
    let errors = result.expect_err("the body is bad");
    assert!(errors.iter().all(|error| !error.detail.is_empty()));
    errors.into_iter().map(|error| (error.pointer, error.reason)).collect()
}

fn tool(patch: Value) -> Value {
    let config = json!({ "type": "mcp", "mcp": { "server": { "url": "https://example.com/mcp" } } });
    let mut body = json!({ "id": "weather", "name": "Weather", "config": config });
    let (body_keys, Value::Object(patch)) = (body.as_object_mut().unwrap(), patch) else { panic!("an object") };
    body_keys.extend(patch);
    body
}

#[test]
fn a_create_fills_in_what_was_left_out() {
    let row = created("tool", &tool(json!({})));
    assert_eq!(row.text("tenant_id"), Some("acme"));
    assert_eq!(row.text("project_id"), Some("demo"));
    assert_eq!(row.text("id"), Some("weather"));
    assert_eq!(row.get("credential_scope"), "project", "a default");
    assert_eq!(row.get("is_work_app"), false, "a default");
    assert!(row.has("headers") && row.get("headers").is_null(), "an optional column is null");
    assert!(!row.has("created_at"), "timestamps are the store's to set");
}

#[test]
fn each_fault_of_one_value_has_its_reason() {
    let long = "x".repeat(257);
    let cases = [
        ("tool", tool(json!({ "name": long })), "/name", "too_long"),
        ("tool", tool(json!({ "name": "" })), "/name", "too_short"),
        ("tool", tool(json!({ "name": null })), "/name", "required"),
        ("tool", tool(json!({ "name": 5 })), "/name", "type"),
        ("tool", tool(json!({ "name": "a\u{0}b" })), "/name", "pattern"),
        ("tool", tool(json!({ "isWorkApp": "true" })), "/isWorkApp", "type"),
        ("tool", tool(json!({ "id": "a b" })), "/id", "pattern"),
        ("tool", tool(json!({ "id": "" })), "/id", "too_short"),
        ("tool", tool(json!({ "id": "x".repeat(256) })), "/id", "too_long"),
        ("tool", tool(json!({ "id": null })), "/id", "required"),
        ("tool", tool(json!({ "id": 7 })), "/id", "type"),
        ("tool", tool(json!({ "id": "new" })), "/id", "pattern"),
        ("tool", tool(json!({ "id": " new " })), "/id", "pattern"),
        ("tool", tool(json!({ "credentialReferenceId": long })), "/credentialReferenceId", "too_long"),
        ("project", json!({ "id": "Not-Lower", "name": "n" }), "/id", "pattern"),
        ("skill", json!({ "id": "s", "name": "Big", "description": "d", "content": "c" }), "/name", "pattern"),
        ("skill", json!({ "id": "s".repeat(65), "name": "s", "description": "d", "content": "c" }), "/id", "too_long"),
        (
            "skill",
            json!({ "id": "s", "name": "s", "description": "d".repeat(1025), "content": "c" }),
            "/description",
            "too_long",
        ),
        ("agent", json!({ "id": "a", "name": "A", "executionMode": "fast" }), "/executionMode", "enum"),
        ("external_agent", json!({ "id": "e", "name": "E", "baseUrl": "no address" }), "/baseUrl", "format"),
        ("external_agent", json!({ "id": "e", "name": "E", "baseUrl": "/path" }), "/baseUrl", "format"),
        ("trigger", json!({ "name": "t", "dispatchDelayMs": 600_001 }), "/dispatchDelayMs", "range"),
        ("trigger", json!({ "name": "t", "dispatchDelayMs": -1 }), "/dispatchDelayMs", "range"),
        ("trigger", json!({ "name": "t", "dispatchDelayMs": 1.5 }), "/dispatchDelayMs", "type"),
        ("trigger", json!({ "name": "t", "dispatchDelayMs": "5" }), "/dispatchDelayMs", "type"),
        ("evaluation_suite_config", json!({ "sampleRate": "half" }), "/sampleRate", "type"),
    ];
    for (entity, body, pointer, reason) in cases {
        let faults = faults(create(entity, &body));
        assert!(faults.contains(&(pointer.to_owned(), reason)), "{entity} {body}: {faults:?}");
        assert!(faults.iter().all(|fault| fault.0 == pointer), "{entity} {body}: {faults:?}");
    }
}

#[test]
fn lengths_count_characters_not_bytes() {
    created("tool", &tool(json!({ "name": "ü".repeat(256) })));
    assert_eq!(faults(create("tool", &tool(json!({ "name": "ü".repeat(257) })))), [("/name".into(), "too_long")]);
}

#[test]
fn all_faults_of_a_body_are_told_at_once() {
    let body = json!({ "id": "a b", "name": "", "config": { "type": "mcp" }, "isWorkApp": 1 });
    let mut faults = faults(create("tool", &body));
    faults.sort();
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.0.as_str()).collect();
    assert_eq!(pointers, ["/config", "/id", "/isWorkApp", "/name"]);
}

#[test]
fn missing_required_values_are_named() {
    assert_eq!(
        faults(create("tool", &json!({ "id": "weather" }))),
        [("/name".into(), "required"), ("/config".into(), "required")]
    );
    assert_eq!(faults(create("tool", &json!({ "name": "n", "config": null }))).len(), 2);
}

#[test]
fn a_body_is_an_object() {
    for body in [json!([]), json!("text"), json!(null), json!(1)] {
        assert_eq!(faults(create("tool", &body)), [(String::new(), "type")]);
    }
}

#[test]
fn json_schema_errors_point_into_the_value() {
    let server = json!({ "type": "mcp", "mcp": { "server": { "url": 5 } } });
    assert_eq!(
        faults(create("tool", &tool(json!({ "config": server })))),
        [("/config/mcp/server/url".into(), "schema")]
    );
    let transport = json!({ "type": "mcp", "mcp": {
        "server": { "url": "https://example.com" }, "transport": { "type": "pigeon" }
    } });
    assert_eq!(
        faults(create("tool", &tool(json!({ "config": transport })))),
        [("/config/mcp/transport/type".into(), "schema")]
    );
    let address = json!({ "type": "mcp", "mcp": { "server": { "url": "no address" } } });
    assert_eq!(
        faults(create("tool", &tool(json!({ "config": address })))),
        [("/config/mcp/server/url".into(), "schema")],
        "formats count"
    );
    assert_eq!(
        faults(create("tool", &tool(json!({ "headers": { "x-a": "1", "a/b": 2 } })))),
        [("/headers/a~1b".into(), "schema")],
        "as JSON pointers escape it"
    );
    assert_eq!(faults(create("tool", &tool(json!({ "headers": ["x"] })))), [("/headers".into(), "schema")]);
}

#[test]
fn unknown_keys_are_listed_and_the_servers_own_are_not() {
    let body = tool(json!({ "colour": "red", "agent_id": "a", "createdAt": "2026-01-01", "tenantId": "other" }));
    let accepted = create("tool", &body).unwrap();
    assert_eq!(accepted.unknown, ["colour", "agent_id"]);
    assert_eq!(accepted.row.text("tenant_id"), Some("acme"), "the path wins over the body");
    assert!(!accepted.row.has("created_at") && !accepted.row.has("colour"));
    let accepted = update("tool", &accepted.row, &json!({ "colour": "red" })).unwrap();
    assert_eq!(accepted.unknown, ["colour"]);
}

#[test]
fn ids_are_given_made_or_derived() {
    assert_eq!(created("tool", &tool(json!({ "id": "  weather " }))).text("id"), Some("weather"), "trimmed");

    let body = json!({ "name": "Dataset" });
    let made = created("dataset", &body);
    assert_eq!(made.text("id").unwrap().len(), MADE_ID_LENGTH);
    assert_ne!(made.text("id"), created("dataset", &body).text("id"));
    assert_eq!(created("dataset", &json!({ "id": "mine", "name": "Dataset" })).text("id"), Some("mine"));
    assert_eq!(faults(create("dataset", &json!({ "id": "new", "name": "n" }))), [("/id".into(), "pattern")]);

    let expected = derived_id(["acme", "demo", "a1", "s1", "d1"]);
    let body = json!({ "id": "ignored", "dataComponentId": "d1" });
    assert_eq!(created("sub_agent_data_component", &body).text("id"), Some(expected.as_str()));

    let body = json!({ "sourceSubAgentId": "s1", "targetSubAgentId": "s2", "relationType": "transfer" });
    let expected = derived_id(["acme", "demo", "a1", "s1", "s2", "transfer"]);
    assert_eq!(created("sub_agent_relation", &body).text("id"), Some(expected.as_str()));

    let body = json!({ "id": "ignored", "triggerId": "t1", "userId": "u1" });
    let row = created("trigger_user", &body);
    assert!(!row.has("id"));
    assert_eq!(entity("trigger_user").key_of(&row).parts(), ["acme", "demo", "a1", "t1", "u1"]);
}

#[test]
fn null_means_null_where_it_may_and_the_default_where_it_may_not() {
    let agent = |mode: Value| json!({ "id": "a", "name": "A", "executionMode": mode });
    assert_eq!(created("agent", &agent(Value::Null)).get("execution_mode"), "classic");
    assert!(created("agent", &json!({ "id": "a", "name": "A", "prompt": null })).get("prompt").is_null());

    let history = "conversation_history_config";
    let absent = created("sub_agent", &json!({ "id": "s", "name": "S" }));
    assert_eq!(absent.get(history)["limit"], 50, "left out: the default");
    let null = created("sub_agent", &json!({ "id": "s", "name": "S", "conversationHistoryConfig": null }));
    assert!(null.get(history).is_null(), "an explicit null stays");

    let durable = created("agent", &agent("durable".into()));
    let row = update("agent", &durable, &json!({ "executionMode": null })).unwrap().row;
    assert_eq!(row.get("execution_mode"), "classic");
}

#[test]
fn equal_numbers_have_one_form() {
    let trigger = |delay: Value| json!({ "name": "t", "dispatchDelayMs": delay });
    for delay in [json!(5), json!(5.0), json!(5e0)] {
        assert_eq!(created("trigger", &trigger(delay)).get("dispatch_delay_ms").to_string(), "5");
    }
    let suite = |rate: Value| json!({ "sampleRate": rate });
    for rate in [json!(1), json!(1.0)] {
        assert_eq!(created("evaluation_suite_config", &suite(rate)).get("sample_rate").to_string(), "1.0");
    }
    let skill = |index: Value| json!({ "skillId": "s", "index": index });
    assert_eq!(created("sub_agent_skill", &skill(json!(2.0))).get("index").to_string(), "2");
    assert_eq!(created("sub_agent_skill", &skill(json!(2.5))).get("index").to_string(), "2.5");
    assert_eq!(faults(create("sub_agent_skill", &skill(json!(-1)))), [("/index".into(), "range")]);
}

#[test]
fn an_update_changes_what_it_names_and_never_the_key() {
    let mut existing = created("tool", &tool(json!({ "imageUrl": "https://example.com/a.png" })));
    existing.set("created_at", "2026-01-01 00:00:00.000");
    let body = json!({
        "id": "other", "projectId": "other", "createdAt": "2027-01-01", "name": "Rain", "imageUrl": null
    });
    let row = update("tool", &existing, &body).unwrap().row;
    assert_eq!(row.text("name"), Some("Rain"));
    assert!(row.get("image_url").is_null());
    let same = row.clone().with("name", "Weather").with("image_url", "https://example.com/a.png");
    assert_eq!(same, existing, "nothing else changed");
    assert_eq!(update("tool", &existing, &json!({})).unwrap().row, existing);

    assert_eq!(faults(update("tool", &existing, &json!({ "name": null }))), [("/name".into(), "required")]);
    assert_eq!(
        faults(update("tool", &existing, &json!({ "name": "", "config": { "type": "rest" } })))
            .iter()
            .map(|fault| fault.1)
            .collect::<Vec<_>>(),
        ["too_short", "schema", "schema"]
    );
}

#[test]
fn a_column_fixed_at_creation_stays() {
    let body = json!({ "skillId": "s", "filePath": "a.md", "content": "one" });
    let file = created("skill_file", &body);
    let row = update("skill_file", &file, &json!({ "filePath": "b.md", "content": "two" })).unwrap().row;
    assert_eq!((row.text("file_path"), row.text("content")), (Some("a.md"), Some("two")));
}

#[test]
fn answers_carry_camel_case_and_only_the_scope_that_is_shown() {
    let wire = |name: &str, row: &Row, full: bool| Value::Object(encode(entity(name), row, full));
    let agent = created("agent", &json!({ "id": "a", "name": "A" }));
    let shown = wire("agent", &agent, false);
    assert_eq!(shown["executionMode"], "classic");
    assert!(shown.get("tenantId").is_none() && shown.get("execution_mode").is_none());
    assert_eq!(wire("agent", &agent, true)["tenantId"], "acme");
    assert_eq!(wire("tool", &created("tool", &tool(json!({}))), false)["projectId"], "demo", "tools expose it");
}
