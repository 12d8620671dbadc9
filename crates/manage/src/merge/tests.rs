mod resolutions;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::json;
use understory_model::{Key, Model, Row, Value, id};

use super::*;
use crate::change::check;
use crate::{Draft, Violation};

static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| Arc::new(Model::built_in().unwrap()));

fn key(parts: &[&str]) -> Key {
    Key::new(["t", "p"].iter().chain(parts).copied())
}

fn row(parts: &[(&str, &str)]) -> Row {
    let scope = [("tenant_id", "t"), ("project_id", "p")];
    scope.iter().chain(parts).fold(Row::new(), |row, (column, value)| row.with(column, *value))
}

fn agent(id: &str) -> Row {
    row(&[("id", id), ("name", id), ("prompt", "one\ntwo\nthree")]).with("execution_mode", "classic")
}

fn sub_agent(agent: &str, id: &str) -> Row {
    row(&[("agent_id", agent), ("id", id), ("name", id)])
}

fn tool(id: &str, config: Value) -> Row {
    row(&[("id", id), ("name", id), ("credential_scope", "project")]).with("config", config).with("is_work_app", false)
}

fn credential(id: &str) -> Row {
    row(&[("id", id), ("name", id), ("type", "memory"), ("credential_store_id", "s")])
}

fn uses_tool(agent: &str, sub_agent: &str, tool: &str) -> Row {
    let id = id::derived_id(["t", "p", agent, sub_agent, tool]);
    row(&[("agent_id", agent), ("sub_agent_id", sub_agent), ("tool_id", tool), ("id", &id)])
}

/// A snapshot after edits to another.
fn edited(base: &Snapshot, edit: impl FnOnce(&mut Draft)) -> Snapshot {
    let mut draft = Draft::new(Arc::clone(&MODEL), Arc::new(base.clone()));
    edit(&mut draft);
    base.after(&draft.finish().unwrap())
}

fn put(draft: &mut Draft, entity: &str, row: Row) -> Key {
    let entity = Arc::clone(MODEL.entity(entity).unwrap());
    draft.put(&entity, row)
}

fn change(draft: &mut Draft, entity: &str, key: &Key, column: &str, value: impl Into<Value>) {
    let row = Row::clone(draft.get(entity, key).unwrap()).with(column, value);
    put(draft, entity, row);
}

/// An agent with two sub-agents, one of which uses a tool with a credential.
fn project() -> Snapshot {
    edited(&Snapshot::default(), |draft| {
        put(draft, "project", row(&[("id", "p"), ("name", "p")]));
        put(draft, "agent", agent("a"));
        put(draft, "sub_agent", sub_agent("a", "s1"));
        put(draft, "sub_agent", sub_agent("a", "s2"));
        put(draft, "credential_reference", credential("c"));
        put(
            draft,
            "tool",
            tool("x", json!({"type": "mcp", "mcp": {"server": {"url": "http://x"}}}))
                .with("credential_reference_id", "c"),
        );
        put(draft, "sub_agent_tool_relation", uses_tool("a", "s1", "x").with("selected_tools", json!(["a", "b"])));
    })
}

fn merged(base: &Snapshot, ours: &Snapshot, theirs: &Snapshot, resolutions: &[Resolution]) -> Snapshot {
    let merge = merge(&MODEL, base, ours, theirs, resolutions).unwrap();
    assert_eq!(merge.conflicts, [], "no conflict is open");
    let result = ours.after(&merge.changes);
    assert_eq!(check(&MODEL, &result), []);
    result
}

fn conflicts(base: &Snapshot, ours: &Snapshot, theirs: &Snapshot) -> Vec<Conflict> {
    let merge = merge(&MODEL, base, ours, theirs, &[]).unwrap();
    assert!(merge.changes.is_empty(), "no changes while a conflict is open");
    merge.conflicts
}

#[test]
fn edits_in_different_places_of_one_row_meet() {
    let base = project();
    let a = key(&["a"]);
    let ours = edited(&base, |d| {
        change(d, "agent", &a, "prompt", "ONE\ntwo\nthree");
        change(d, "agent", &a, "models", json!({"base": {"model": "m"}}));
    });
    let theirs = edited(&base, |d| {
        change(d, "agent", &a, "prompt", "one\ntwo\nthree\nfour");
        change(d, "agent", &a, "models", json!({"summarizer": {"model": "s"}}));
        change(d, "agent", &a, "name", "A");
    });
    let result = merged(&base, &ours, &theirs, &[]);
    let row = result.get("agent", &a).unwrap();
    assert_eq!(row.text("prompt"), Some("ONE\ntwo\nthree\nfour"));
    assert_eq!(row.get("models"), &json!({"base": {"model": "m"}, "summarizer": {"model": "s"}}));
    assert_eq!(row.text("name"), Some("A"));
    assert_eq!(result, merged(&base, &theirs, &ours, &[]));
}

#[test]
fn timestamps_alone_are_no_change() {
    let base = project();
    let a = key(&["a"]);
    let stamped = |created: &str, updated: &str| {
        let row = Row::clone(base.get("agent", &a).unwrap()).with("created_at", created).with("updated_at", updated);
        base.with_edits(&[(("agent".to_owned(), a.clone()), Some(Arc::new(row)))].into())
    };
    let (older, newer) = (stamped("2026-01-02", "2026-01-03"), stamped("2026-01-01", "2026-01-04"));
    let result = merged(&base, &older, &newer, &[]);
    let row = result.get("agent", &a).unwrap();
    assert_eq!((row.text("created_at"), row.text("updated_at")), (Some("2026-01-01"), Some("2026-01-04")));
    let deleted = edited(&base, |d| assert!(d.delete("agent", &a)));
    assert!(merged(&base, &deleted, &newer, &[]).get("agent", &a).is_none());
    assert!(merged(&base, &newer, &deleted, &[]).get("agent", &a).is_none());
}

#[test]
fn the_same_relation_made_on_both_sides_is_one() {
    let base = project();
    let add = |tools: Value| {
        edited(&base, |d| {
            put(d, "sub_agent_tool_relation", uses_tool("a", "s2", "x").with("selected_tools", tools));
        })
    };
    assert_eq!(merged(&base, &add(json!(["q"])), &add(json!(["q"])), &[]).table("sub_agent_tool_relation").len(), 2);
    let both = merged(&base, &add(json!(["q"])), &add(json!(["p"])), &[]);
    let relation = both.get(
        "sub_agent_tool_relation",
        &MODEL.entity("sub_agent_tool_relation").unwrap().key_of(&uses_tool("a", "s2", "x")),
    );
    assert_eq!(relation.unwrap().get("selected_tools"), &json!(["p", "q"]));
}

#[test]
fn what_one_side_leaves_open_in_a_row_that_both_added_is_a_conflict() {
    let base = project();
    let add = |tools: Value| {
        edited(&base, |d| {
            put(d, "sub_agent_tool_relation", uses_tool("a", "s2", "x").with("selected_tools", tools));
        })
    };
    let (all, one) = (add(Value::Null), add(json!(["q"])));
    for (ours, theirs) in [(&all, &one), (&one, &all)] {
        assert_eq!(conflicts(&base, ours, theirs)[0].kind, ConflictKind::Fields(vec!["selected_tools".into()]));
    }
}

#[test]
fn a_row_added_below_a_deleted_one_is_a_conflict_that_names_both() {
    let base = project();
    let (a, s3) = (key(&["a"]), key(&["a", "s3"]));
    let deleted = edited(&base, |d| assert!(d.delete("agent", &a)));
    let added = edited(&base, |d| {
        put(d, "sub_agent", sub_agent("a", "s3"));
    });
    for (ours, theirs, adder, deleter) in
        [(&added, &deleted, Side::Ours, Side::Theirs), (&deleted, &added, Side::Theirs, Side::Ours)]
    {
        let found = conflicts(&base, ours, theirs);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].entity.as_str(), &found[0].key), ("sub_agent", &s3));
        let ConflictKind::Law(laws) = &found[0].kind else { panic!("{found:?}") };
        let (Violation::Dangling { target_key, .. } | Violation::Restricted { target_key, .. }) = &laws[0] else {
            panic!("{laws:?}")
        };
        assert_eq!(target_key, &a);
        let diffs = if adder == Side::Ours {
            (DiffKind::Added, DiffKind::Removed)
        } else {
            (DiffKind::Removed, DiffKind::Added)
        };
        assert_eq!((found[0].our_diff, found[0].their_diff), diffs);
        let kept = merged(&base, ours, theirs, &[Resolution::pick("sub_agent", s3.clone(), adder)]);
        assert_eq!(crate::diff(&kept, &added), []);
        let gone = merged(&base, ours, theirs, &[Resolution::pick("sub_agent", s3.clone(), deleter)]);
        assert_eq!(crate::diff(&gone, &deleted), []);
    }
}

#[test]
fn two_rows_with_what_must_be_unique_conflict() {
    let base = project();
    let with_owner = |id: &str| {
        edited(&base, |d| {
            put(d, "credential_reference", credential(id).with("tool_id", "x").with("user_id", "u"));
        })
    };
    let (ours, theirs) = (with_owner("o"), with_owner("n"));
    let found = conflicts(&base, &ours, &theirs);
    assert_eq!((found.len(), found[0].key.id()), (1, "n"));
    assert_eq!((found[0].our_diff, found[0].their_diff), (DiffKind::Added, DiffKind::Added));
    let pick = |side| merged(&base, &ours, &theirs, &[Resolution::pick("credential_reference", key(&["n"]), side)]);
    assert_eq!(crate::diff(&pick(Side::Ours), &ours), []);
    assert_eq!(crate::diff(&pick(Side::Theirs), &theirs), []);
    let columns = BTreeMap::from([("user_id".to_owned(), Choice::Value("v".into()))]);
    let other = Resolution { columns, ..Resolution::pick("credential_reference", key(&["n"]), Side::Ours) };
    assert_eq!(merged(&base, &ours, &theirs, &[other]).table("credential_reference").len(), 3);
}

#[test]
fn what_a_column_accepts_only_apart_is_a_conflict() {
    let base = project();
    let a = key(&["a"]);
    let long = "x".repeat(120_000);
    let ours = edited(&base, |d| change(d, "agent", &a, "prompt", format!("{long}\none\ntwo\nthree")));
    let theirs = edited(&base, |d| change(d, "agent", &a, "prompt", format!("one\ntwo\nthree\n{long}")));
    assert_eq!(conflicts(&base, &ours, &theirs)[0].kind, ConflictKind::Fields(vec!["prompt".into()]));
}

#[test]
fn a_virtual_base_keeps_the_older_value_where_sides_differ() {
    let base = project();
    let a = key(&["a"]);
    let ours = edited(&base, |d| {
        change(d, "agent", &a, "name", "ours");
        change(d, "agent", &a, "description", "d");
    });
    let theirs = edited(&base, |d| change(d, "agent", &a, "name", "theirs"));
    let result = merge_virtual(&MODEL, &base, &ours, &theirs);
    let row = result.get("agent", &a).unwrap();
    assert_eq!((row.text("name"), row.text("description")), (Some("a"), Some("d")));
    let deleted = edited(&base, |d| assert!(d.delete("agent", &a)));
    assert_eq!(merge_virtual(&MODEL, &base, &deleted, &ours).get("agent", &a), base.get("agent", &a));
    let added = |tools: Value| {
        edited(&base, |d| {
            put(d, "sub_agent_tool_relation", uses_tool("a", "s2", "x").with("selected_tools", tools));
        })
    };
    assert_eq!(merge_virtual(&MODEL, &base, &added(Value::Null), &added(json!(["q"]))), base, "neither is older");
}
