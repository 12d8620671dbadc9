use serde_json::{Value, json};
use understory_manage::{BranchName, Draft, Snapshot};
use understory_model::{Column, ColumnType, Entity, Row};

use super::bench::{assert_same, changes, committed, meta};
use super::{Bench, Checked, Store};
use crate::samples::{self, change, key, model, put, put_tool};

/// A row of every entity of the model comes back as it was put, every column filled.
pub async fn rows_of_every_entity_come_back(store: &Store) -> Checked {
    every_entity(store, |column| Some(filled(column))).await
}

/// A row of every entity comes back with null wherever the model allows it.
pub async fn rows_with_nothing_optional_come_back(store: &Store) -> Checked {
    every_entity(store, |column| (!column.optional).then(|| filled(column))).await
}

async fn every_entity(store: &Store, value: impl Fn(&Column) -> Option<Value>) -> Checked {
    let rows = |draft: &mut Draft| {
        for entity in model().entities() {
            draft.put(entity, sample_row(entity, &value));
        }
        Ok(())
    };
    let changes = changes(&Snapshot::default(), rows)?;
    let bench = Bench { store: Store::clone(store), project: samples::project_id("every") };
    store.project_create(&bench.project, &changes, &meta("All")).await?;
    let found = bench.rows(&BranchName::main()).await?;
    assert_eq!(found.tables().count(), model().entities().count());
    assert_same(&found, &Snapshot::default().after(&changes));
    Ok(())
}

/// A row whose key and references name the sample rows of the other entities.
fn sample_row(entity: &Entity, value: &impl Fn(&Column) -> Option<Value>) -> Row {
    let named = |column: &str| {
        let reference = entity.references.iter().find(|reference| reference.column == column);
        let scope = ["project_id", "agent_id", "sub_agent_id"].iter().find(|scope| **scope == column);
        match (reference, scope) {
            (Some(reference), _) => Some(json!(format!("{}-1", reference.entity))),
            (None, Some(scope)) => Some(json!(format!("{}-1", scope.trim_end_matches("_id")))),
            (None, None) if column == "tenant_id" => Some(json!(samples::TENANT)),
            (None, None) if column == "id" => Some(json!(format!("{}-1", entity.name))),
            _ => None,
        }
    };
    let own = |column: &Column| named(&column.name).or_else(|| value(column)).unwrap_or_default();
    entity.columns.iter().map(|column| (column.name.clone(), own(column))).collect()
}

/// A value at the edge of what a column takes.
fn filled(column: &Column) -> Value {
    if let Some(choice) = column.choices.iter().flatten().next() {
        return json!(choice);
    }
    match column.ty {
        ColumnType::String(_) | ColumnType::Id(_) => json!("x-1_y.Z"),
        ColumnType::Text => json!("Ünïcode 日本語 🌲\n\"quotes\" 'single' \\ % _ ; -- \t end "),
        ColumnType::Integer => json!(i32::MAX),
        ColumnType::Number => json!(-0.1),
        ColumnType::Numeric => json!(12.5),
        ColumnType::Boolean => json!(true),
        ColumnType::Json => nested(),
        ColumnType::Timestamp | ColumnType::TimestampTz => json!("2026-11-21 03:08:08.303"),
    }
}

fn nested() -> Value {
    json!({
        "text": "é 🌲 \" \\ \n \u{1}", "": "empty key", "zero": 0, "minus": -1, "big": 9_007_199_254_740_993_u64,
        "max": i64::MAX, "min": i64::MIN, "float": 0.1, "tiny": 1.5e-7, "yes": true, "no": false, "none": null,
        "list": [1, "two", null, [], {}], "deep": { "deep": { "deep": { "a b": ["'", "`"] } } }, "object": {},
    })
}

/// Empty text, null, and text that looks like null are three things.
pub async fn empty_text_is_not_null(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let texts = [json!(""), json!(null), json!("null"), json!("NULL"), json!(" "), json!("0"), json!("false")];
    bench
        .edit(&main, |draft| {
            for (n, text) in texts.iter().enumerate() {
                let key = put_tool(draft, &format!("t{n}"), "t")?;
                change(draft, "tool", &key, "description", text.clone())?;
            }
            Ok(())
        })
        .await?;
    let rows = bench.rows(&main).await?;
    for (n, text) in texts.iter().enumerate() {
        let row = rows.get("tool", &key(&[&format!("t{n}")])).ok_or("no row")?;
        assert_eq!(row.get("description"), text);
    }
    Ok(())
}

/// JSON of every shape comes back equal, and a column without any is null.
pub async fn json_comes_back_as_given(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let values = [
        nested(),
        json!({}),
        json!([]),
        json!(""),
        json!("text"),
        json!("null"),
        json!("{}"),
        json!(0),
        json!(-1.5),
        json!(false),
        json!(true),
        json!([null]),
        json!({ "a": null }),
        json!([[[[]]]]),
        Value::Null,
    ];
    for round in 0..2 {
        // The second round moves every value to another row, so that each is also an update.
        let at = |n: usize| format!("t{}", (n + round) % values.len());
        bench
            .edit(&main, |draft| {
                for (n, value) in values.iter().enumerate() {
                    let key = put_tool(draft, &at(n), "t")?;
                    change(draft, "tool", &key, "capabilities", value.clone())?;
                }
                Ok(())
            })
            .await?;
        let rows = bench.rows(&main).await?;
        for (n, value) in values.iter().enumerate() {
            let row = rows.get("tool", &key(&[&at(n)])).ok_or("no row")?;
            assert_eq!(row.get("capabilities"), value);
        }
    }
    Ok(())
}

/// Text comes back to the character, and texts that only look alike stay different.
pub async fn texts_of_every_kind_come_back(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let texts = [
        "a",
        "A",
        "a ",
        " a",
        "á",
        "a\u{301}",
        "ａ",
        "a\r\n",
        "a\n",
        "a\t",
        "👩‍👩‍👧‍👦",
        "\u{feff}a",
        "مرحبا",
        "'; DROP TABLE tools; --",
        "\\",
        "\\n",
        "%s ? $1 :name @x",
        "{\"json\": true}",
        "\u{7f}\u{1}",
        "-1",
        "1e5",
        "0x10",
        "2026-01-01",
    ];
    bench
        .edit(&main, |draft| {
            for (n, text) in texts.iter().enumerate() {
                let key = put_tool(draft, &format!("t{n}"), text)?;
                change(draft, "tool", &key, "description", *text)?;
            }
            Ok(())
        })
        .await?;
    let rows = bench.rows(&main).await?;
    for (n, text) in texts.iter().enumerate() {
        let row = rows.get("tool", &key(&[&format!("t{n}")])).ok_or("no row")?;
        assert_eq!((row.text("name"), row.text("description")), (Some(*text), Some(*text)));
    }
    Ok(())
}

/// Ids that differ in case, or in a trailing dot or dash, are different rows.
pub async fn ids_that_differ_in_case_are_different_rows(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let mut ids = ["Tool", "tool", "TOOL", "tool.", "tool-", "tool_", "1", "01", "1.0", "-", ".", "_"];
    bench.edit(&main, |draft| ids.iter().try_for_each(|id| put_tool(draft, id, id).map(drop))).await?;
    ids.sort_unstable();
    assert_eq!(bench.tools(&main).await?, ids);
    bench
        .edit(&main, |draft| {
            assert!(draft.delete("tool", &key(&["Tool"])));
            Ok(())
        })
        .await?;
    let rows = bench.rows(&main).await?;
    assert_eq!(rows.table("tool").len(), ids.len() - 1);
    assert_eq!(rows.get("tool", &key(&["tool"])).and_then(|row| row.text("name")), Some("tool"));
    Ok(())
}

/// Long prompts and large JSON come back whole.
pub async fn long_texts_come_back(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let prompt = "A line of a prompt, with a 🌲.\n".repeat(6_000);
    let large: Value = (0..20_000).map(|n| json!({ "id": n, "text": "some words" })).collect();
    bench
        .edit(&main, |draft| {
            put(draft, "agent", &[], &json!({ "id": "a", "name": "a", "prompt": prompt }))?;
            let tool = put_tool(draft, "t", "t")?;
            change(draft, "tool", &tool, "capabilities", large.clone())
        })
        .await?;
    let rows = bench.rows(&main).await?;
    assert_eq!(rows.get("agent", &key(&["a"])).and_then(|row| row.text("prompt")), Some(prompt.as_str()));
    assert_eq!(rows.get("tool", &key(&["t"])).map(|row| row.get("capabilities")), Some(&large));
    Ok(())
}

/// A thousand rows are one commit like any other.
pub async fn a_thousand_rows_are_one_commit(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let before = bench.rows(&main).await?;
    let many = changes(&before, |draft| (0..1_000).try_for_each(|n| put_tool(draft, &format!("t{n}"), "t").map(drop)))?;
    let head = bench.head(&main).await?;
    let commit = committed(store.apply(&bench.project, &main, &head, &many, None, &meta("Many")).await?)?;
    assert_eq!(commit.parents, [head]);
    assert_same(bench.rows(&main).await?.as_ref(), &before.after(&many));
    Ok(())
}
