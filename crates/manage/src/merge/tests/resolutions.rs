use super::*;

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
fn deleted_against_edited_is_resolved_with_all_that_went_along() {
    let base = project();
    let a = key(&["a"]);
    let deleted = edited(&base, |d| assert!(d.delete("agent", &a)));
    let changed = edited(&base, |d| {
        change(d, "agent", &a, "name", "edited");
        put(d, "sub_agent", sub_agent("a", "s3"));
        put(d, "sub_agent_tool_relation", uses_tool("a", "s3", "x"));
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
fn a_row_to_be_kept_outlives_the_deletion_of_what_it_hangs_under() {
    let base = project();
    let (a, s3) = (key(&["a"]), key(&["a", "s3"]));
    let deleted = edited(&base, |d| assert!(d.delete("agent", &a)));
    let changed = edited(&base, |d| {
        change(d, "agent", &a, "name", "edited");
        put(d, "sub_agent", sub_agent("a", "s3"));
    });
    let picks = [Resolution::pick("agent", a, Side::Ours), Resolution::pick("sub_agent", s3, Side::Theirs)];
    assert_eq!(crate::diff(&merged(&base, &deleted, &changed, &picks), &changed), []);
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
