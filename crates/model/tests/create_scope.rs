//! A create whose path does not fix all of the scope takes the rest from the body.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::LazyLock;

use serde_json::{Value, json};
use understory_model::id::derived_id;
use understory_model::{Accepted, Entity, FieldError, Model, Row, decode_create, decode_update};

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::built_in().unwrap_or_else(|error| panic!("{error}")));

fn entity(name: &str) -> &'static Entity {
    MODEL.entity(name).unwrap()
}

/// What a path down to the agent fixes.
fn agent() -> Row {
    Row::new().with("tenant_id", "acme").with("project_id", "demo").with("agent_id", "a1")
}

fn create(name: &str, body: &Value) -> Result<Accepted, Vec<FieldError>> {
    decode_create(entity(name), &agent(), body)
}

fn fault(name: &str, body: &Value) -> (String, &'static str) {
    let errors = create(name, body).expect_err("the body is bad");
    assert_eq!(errors.len(), 1, "{errors:?}");
    (errors[0].pointer.clone(), errors[0].reason)
}

#[test]
fn the_sub_agent_comes_from_the_body_and_into_the_id() {
    for (name, column) in [
        ("sub_agent_tool_relation", "toolId"),
        ("sub_agent_function_tool_relation", "functionToolId"),
        ("sub_agent_skill", "skillId"),
        ("sub_agent_data_component", "dataComponentId"),
    ] {
        let body = json!({ "subAgentId": "s1", "agentId": "other", column: "t1" });
        let accepted = create(name, &body).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        assert_eq!(accepted.row.text("sub_agent_id"), Some("s1"));
        assert_eq!(accepted.row.text("agent_id"), Some("a1"), "the path wins over the body");
        assert_eq!(accepted.row.text("id"), Some(derived_id(["acme", "demo", "a1", "s1", "t1"]).as_str()));
        assert!(accepted.unknown.is_empty(), "{:?}", accepted.unknown);
    }
}

#[test]
fn a_place_that_is_full_already_wins() {
    let entity = entity("sub_agent_tool_relation");
    let place = agent().with("sub_agent_id", "s1");
    let row = decode_create(entity, &place, &json!({ "subAgentId": "s2", "toolId": "t1" })).unwrap().row;
    assert_eq!(row.text("sub_agent_id"), Some("s1"));
}

#[test]
fn a_scope_column_is_required_and_checked() {
    let name = "sub_agent_tool_relation";
    assert_eq!(fault(name, &json!({ "toolId": "t" })), ("/subAgentId".into(), "required"));
    assert_eq!(fault(name, &json!({ "toolId": "t", "subAgentId": null })), ("/subAgentId".into(), "required"));
    assert_eq!(fault(name, &json!({ "toolId": "t", "subAgentId": 5 })), ("/subAgentId".into(), "type"));
    assert_eq!(fault(name, &json!({ "toolId": "t", "subAgentId": "" })), ("/subAgentId".into(), "too_short"));
    let long = "s".repeat(257);
    assert_eq!(fault(name, &json!({ "toolId": "t", "subAgentId": long })), ("/subAgentId".into(), "too_long"));
}

#[test]
fn an_update_never_moves_a_row_to_another_scope() {
    let row = create("sub_agent_tool_relation", &json!({ "subAgentId": "s1", "toolId": "t1" })).unwrap().row;
    let body = json!({ "subAgentId": "s2" });
    let accepted = decode_update(entity("sub_agent_tool_relation"), &row, &body).unwrap();
    assert_eq!(accepted.row, row);
    assert!(accepted.unknown.is_empty());
}

#[test]
fn the_names_of_lists_are_known() {
    let entity = entity("evaluation_run_config");
    let place = Row::new().with("tenant_id", "acme").with("project_id", "demo");
    let accepted =
        decode_create(entity, &place, &json!({ "name": "n", "suiteConfigIds": ["s"], "suites": [] })).unwrap();
    assert_eq!(accepted.unknown, ["suites"]);
    let accepted = decode_update(entity, &accepted.row, &json!({ "suiteConfigIds": ["t"], "suites": [] })).unwrap();
    assert_eq!(accepted.unknown, ["suites"]);
}
