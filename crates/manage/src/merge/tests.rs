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
fn a_field_changed_twice_is_resolved_by_side_or_value() {
    let base = project();
    let a = key(&["a"]);
    let ours = edited(&base, |d| {
        change(d, "agent", &a, "name", "ours");
        change(d, "agent", &a, "description", "kept");
    });
    let theirs = edited(&base, |d| change(d, "agent", &a, "name", "theirs"));
    let found = conflicts(&base, &ours, &theirs);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, ConflictKind::Fields(vec!["name".into()]));
    assert_eq!((found[0].our_diff, found[0].their_diff), (DiffKind::Modified, DiffKind::Modified));
    let name = |resolution: Resolution| {
        let result = merged(&base, &ours, &theirs, &[resolution]);
        let row = result.get("agent", &a).unwrap();
        assert_eq!(row.text("description"), Some("kept"), "a lone edit stays whatever is picked");
        row.text("name").unwrap().to_owned()
    };
    let pick = |side| Resolution::pick("agent", a.clone(), side);
    let choose = |choice| Resolution { columns: BTreeMap::from([("name".into(), choice)]), ..pick(Side::Ours) };
    assert_eq!(name(pick(Side::Ours)), "ours");
    assert_eq!(name(pick(Side::Theirs)), "theirs");
    assert_eq!(name(choose(Choice::Side(Side::Theirs))), "theirs");
    assert_eq!(name(choose(Choice::Value("third".into()))), "third");
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
fn deleted_against_edited_is_resolved_with_all_that_went_along() {
    let base = project();
    let a = key(&["a"]);
    let deleted = edited(&base, |d| assert!(d.delete("agent", &a)));
    let changed = edited(&base, |d| {
        change(d, "agent", &a, "name", "edited");
        put(d, "sub_agent", sub_agent("a", "s3"));
    });
    let found = conflicts(&base, &changed, &deleted);
    assert_eq!(found[0].kind, ConflictKind::DeleteEdit);
    assert_eq!((found[0].our_diff, found[0].their_diff), (DiffKind::Modified, DiffKind::Removed));
    for (ours, theirs, editor, deleter) in
        [(&changed, &deleted, Side::Ours, Side::Theirs), (&deleted, &changed, Side::Theirs, Side::Ours)]
    {
        let kept = merged(&base, ours, theirs, &[Resolution::pick("agent", a.clone(), editor)]);
        assert_eq!(crate::diff(&kept, &changed), [], "keeping brings everything back");
        let gone = merged(&base, ours, theirs, &[Resolution::pick("agent", a.clone(), deleter)]);
        assert_eq!(crate::diff(&gone, &deleted), [], "deleting takes everything along");
        let columns = BTreeMap::from([("name".to_owned(), Choice::Value("n".into()))]);
        let bad = Resolution { columns, ..Resolution::pick("agent", a.clone(), editor) };
        assert!(matches!(merge(&MODEL, &base, ours, theirs, &[bad]), Err(ResolutionError::DeletedRow { .. })));
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
fn a_reference_to_a_deleted_row_is_cleared_or_its_target_kept() {
    let base = project();
    let (c, y) = (key(&["c"]), key(&["y"]));
    let deleted = edited(&base, |d| assert!(d.delete("credential_reference", &c)));
    assert!(deleted.get("tool", &key(&["x"])).unwrap().get("credential_reference_id").is_null());
    let added = edited(&base, |d| {
        put(
            d,
            "tool",
            tool("y", json!({"type": "mcp", "mcp": {"server": {"url": "http://y"}}}))
                .with("credential_reference_id", "c"),
        );
    });
    let cleared = merged(&base, &added, &deleted, &[Resolution::pick("tool", y.clone(), Side::Theirs)]);
    assert!(cleared.get("tool", &y).unwrap().get("credential_reference_id").is_null());
    let kept = merged(&base, &added, &deleted, &[Resolution::pick("tool", y.clone(), Side::Ours)]);
    assert_eq!(crate::diff(&kept, &added), [], "the tool that had lost its credential has it again");
    let value = |value: Value| Resolution {
        columns: BTreeMap::from([("credential_reference_id".to_owned(), Choice::Value(value))]),
        ..Resolution::pick("tool", y.clone(), Side::Ours)
    };
    let given = merged(&base, &added, &deleted, &[value(Value::Null)]);
    assert!(given.get("tool", &y).unwrap().get("credential_reference_id").is_null());
    let bad = merge(&MODEL, &base, &added, &deleted, &[value("nobody".into())]);
    assert!(matches!(bad, Err(ResolutionError::InvalidValue { column, .. }) if column == "credential_reference_id"));
}

#[test]
fn a_given_null_stays_where_another_resolution_keeps_the_target() {
    let base = project();
    let (c, x) = (key(&["c"]), key(&["x"]));
    let deleted = edited(&base, |d| {
        assert!(d.delete("credential_reference", &c));
        change(d, "tool", &x, "name", "ours");
    });
    let changed = edited(&base, |d| {
        change(d, "credential_reference", &c, "name", "theirs");
        change(d, "tool", &x, "name", "theirs");
    });
    let columns = BTreeMap::from([("credential_reference_id".to_owned(), Choice::Value(Value::Null))]);
    let keep = Resolution::pick("credential_reference", c.clone(), Side::Theirs);
    let pick = Resolution::pick("tool", x.clone(), Side::Theirs);
    let credential = |resolution: Resolution| {
        let result = merged(&base, &deleted, &changed, &[keep.clone(), resolution]);
        result.get("tool", &x).unwrap().get("credential_reference_id").clone()
    };
    assert_eq!(credential(pick.clone()), Value::from("c"));
    assert_eq!(credential(Resolution { columns, ..pick }), Value::Null);
}

#[test]
fn a_given_value_holds_where_another_resolution_answers_the_law() {
    let base = project();
    let (c, y) = (key(&["c"]), key(&["y"]));
    let deleted = edited(&base, |d| assert!(d.delete("credential_reference", &c)));
    let added = edited(&base, |d| {
        change(d, "credential_reference", &c, "name", "theirs");
        put(d, "tool", tool("y", json!({"type": "mcp"})).with("credential_reference_id", "c"));
    });
    let columns = BTreeMap::from([("credential_reference_id".to_owned(), Choice::Value(Value::Null))]);
    let resolutions = [
        Resolution::pick("credential_reference", c.clone(), Side::Theirs),
        Resolution { columns, ..Resolution::pick("tool", y.clone(), Side::Theirs) },
    ];
    let result = merged(&base, &deleted, &added, &resolutions);
    assert!(result.get("credential_reference", &c).is_some());
    assert!(result.get("tool", &y).unwrap().get("credential_reference_id").is_null());
}

#[test]
fn a_resolution_does_not_make_a_relation_another() {
    let base = project();
    let relation = MODEL.entity("sub_agent_tool_relation").unwrap().key_of(&uses_tool("a", "s1", "x"));
    let headers = |name: &str| {
        edited(&base, |d| change(d, "sub_agent_tool_relation", &relation, "headers", json!({ "h": name })))
    };
    let (ours, theirs) = (headers("ours"), headers("theirs"));
    for column in ["tool_id", "sub_agent_id"] {
        let columns = BTreeMap::from([(column.to_owned(), Choice::Value("s2".into()))]);
        let pick = Resolution::pick("sub_agent_tool_relation", relation.clone(), Side::Ours);
        let refused = merge(&MODEL, &base, &ours, &theirs, &[Resolution { columns, ..pick }]);
        assert!(matches!(refused, Err(ResolutionError::UnknownColumn { .. })), "{column}: {refused:?}");
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
fn keeping_a_row_keeps_all_that_it_hangs_under() {
    let base = project();
    let deleted = edited(&base, |d| assert!(d.delete("agent", &key(&["a"]))));
    let added = edited(&base, |d| {
        put(d, "sub_agent_tool_relation", uses_tool("a", "s2", "x"));
    });
    let found = conflicts(&base, &added, &deleted);
    assert_eq!((found.len(), found[0].entity.as_str()), (1, "sub_agent_tool_relation"));
    let pick = |side| Resolution::pick("sub_agent_tool_relation", found[0].key.clone(), side);
    assert_eq!(crate::diff(&merged(&base, &added, &deleted, &[pick(Side::Ours)]), &added), []);
    assert_eq!(crate::diff(&merged(&base, &deleted, &added, &[pick(Side::Theirs)]), &added), []);
    assert_eq!(crate::diff(&merged(&base, &added, &deleted, &[pick(Side::Theirs)]), &deleted), []);
}

#[test]
fn keeping_wins_over_deleting() {
    let base = project();
    let a = key(&["a"]);
    let deleted = edited(&base, |d| assert!(d.delete("agent", &a)));
    let changed = edited(&base, |d| {
        change(d, "agent", &a, "name", "edited");
        change(d, "sub_agent", &key(&["a", "s1"]), "name", "edited");
        change(d, "sub_agent", &key(&["a", "s2"]), "name", "edited");
    });
    let picks = [
        Resolution::pick("agent", a.clone(), Side::Ours),
        Resolution::pick("sub_agent", key(&["a", "s1"]), Side::Theirs),
        Resolution::pick("sub_agent", key(&["a", "s2"]), Side::Ours),
    ];
    let result = merged(&base, &deleted, &changed, &picks);
    assert_eq!(result.get("agent", &a).unwrap().text("name"), Some("edited"));
    assert_eq!(result.table("sub_agent").keys().map(Key::id).collect::<Vec<_>>(), ["s1"]);
}

#[test]
fn bad_resolutions_are_named() {
    let base = project();
    let a = key(&["a"]);
    let ours = edited(&base, |d| change(d, "agent", &a, "name", "ours"));
    let theirs = edited(&base, |d| change(d, "agent", &a, "name", "theirs"));
    let refused = |resolutions: &[Resolution]| merge(&MODEL, &base, &ours, &theirs, resolutions).unwrap_err();
    let pick = |entity: &str, id: &str| Resolution::pick(entity, key(&[id]), Side::Ours);
    assert!(matches!(refused(&[pick("tool", "x")]), ResolutionError::UnknownConflict { .. }));
    assert!(matches!(refused(&[pick("nothing", "x")]), ResolutionError::UnknownConflict { .. }));
    assert!(matches!(refused(&[pick("agent", "a"), pick("agent", "a")]), ResolutionError::Repeated { .. }));
    let column = |column: &str, choice| Resolution {
        columns: BTreeMap::from([(column.to_owned(), choice)]),
        ..pick("agent", "a")
    };
    for name in ["nothing", "id", "created_at"] {
        let error = refused(&[column(name, Choice::Side(Side::Ours))]);
        assert!(matches!(error, ResolutionError::UnknownColumn { column, .. } if column == name));
    }
    let too_long = refused(&[column("name", Choice::Value("x".repeat(300).into()))]);
    assert!(matches!(too_long, ResolutionError::InvalidValue { .. }));
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
