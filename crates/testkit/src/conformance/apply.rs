use serde_json::json;
use understory_manage::{Applied, BranchName, ChangeSet, CommitMeta, Signature, StoreError};

use super::bench::{assert_same, changes, committed, meta};
use super::{Bench, Checked, Store};
use crate::samples::{change, key, put, put_tool};

/// A set of changes is one commit on top of the head, and becomes the head.
pub async fn changes_become_one_commit(store: &Store) -> Checked {
    let bench = Bench::rich(store).await?;
    let main = BranchName::main();
    let (head, before) = (bench.head(&main).await?, bench.rows(&main).await?);
    let changes = changes(&before, |draft| {
        put_tool(draft, "news", "News")?;
        change(draft, "agent", &key(&["helper"]), "name", "Changed")?;
        assert!(draft.delete("sub_agent", &key(&["helper", "router"])));
        Ok(())
    })?;
    let applied = store.apply(&bench.project, &main, &head, &changes, None, &meta("Three things")).await?;
    let commit = committed(applied)?;
    assert_eq!(commit.parents, [head]);
    assert_eq!(bench.head(&main).await?, commit.hash);
    assert_eq!(store.commit(&bench.project, &commit.hash).await?.as_ref(), Some(&commit));
    assert_same(bench.rows(&main).await?.as_ref(), &before.after(&changes));
    assert_eq!(store.log(&bench.project, &commit.hash, 99).await?.len(), 3);
    Ok(())
}

/// Changes made to what is no longer the head write nothing, and the answer names the head.
pub async fn changes_to_a_moved_head_write_nothing(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let (head, before) = (bench.head(&main).await?, bench.rows(&main).await?);
    let late = changes(&before, |draft| put_tool(draft, "late", "Late").map(drop))?;
    let moved = bench.put_tool(&main, "early").await?.hash;
    for late in [&late, &ChangeSet::default()] {
        let applied = store.apply(&bench.project, &main, &head, late, None, &meta("Late")).await?;
        assert_eq!(applied, Applied::HeadMoved(moved.clone()));
    }
    assert_eq!(bench.head(&main).await?, moved);
    assert_eq!(bench.tools(&main).await?, ["early"]);
    Ok(())
}

/// No changes make no commit; neither does putting a row that says the same as before.
pub async fn no_changes_make_no_commit(store: &Store) -> Checked {
    let bench = Bench::rich(store).await?;
    let main = BranchName::main();
    let head = bench.head(&main).await?;
    let none = ChangeSet::default();
    assert_eq!(store.apply(&bench.project, &main, &head, &none, None, &meta("Nothing")).await?, Applied::Nothing);
    let same = bench.try_edit(&main, "The same", |draft| put_tool(draft, "weather", "Weather").map(drop)).await?;
    assert_eq!(same, Applied::Nothing);
    assert_eq!(bench.head(&main).await?, head);
    Ok(())
}

/// A branch that is not there is an error, whatever is to be written.
pub async fn changes_to_no_branch_are_refused(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let head = bench.head(&BranchName::main()).await?;
    let nowhere = BranchName::new("nowhere")?;
    let applied = store.apply(&bench.project, &nowhere, &head, &ChangeSet::default(), None, &meta("No")).await;
    assert!(matches!(applied, Err(StoreError::UnknownBranch(name)) if name == nowhere));
    assert_eq!(store.branch_head(&bench.project, &nowhere).await?, None);
    Ok(())
}

/// Rows live through every change there is, alone and with their whole table.
pub async fn rows_are_added_changed_deleted_and_added_again(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    bench.put_tool(&main, "a").await?;
    bench.put_tool(&main, "b").await?;
    bench.edit(&main, |draft| change(draft, "tool", &key(&["a"]), "description", "changed")).await?;
    let rows = bench.rows(&main).await?;
    let described = |id: &str| rows.get("tool", &key(&[id])).map(|row| row.get("description").clone());
    assert_eq!((described("a"), described("b")), (Some(json!("changed")), Some(json!(null))));
    bench
        .edit(&main, |draft| {
            assert!(draft.delete("tool", &key(&["a"])) && draft.delete("tool", &key(&["b"])));
            Ok(())
        })
        .await?;
    assert!(bench.tools(&main).await?.is_empty());
    bench.put_tool(&main, "a").await?;
    let again = bench.rows(&main).await?;
    assert!(again.get("tool", &key(&["a"])).is_some_and(|row| row.get("description").is_null()));
    bench
        .edit(&main, |draft| {
            put(draft, "agent", &[], &json!({ "id": "x", "name": "x" }))?;
            assert!(draft.delete("agent", &key(&["x"])));
            put_tool(draft, "c", "c").map(drop)
        })
        .await?;
    assert_eq!(bench.tools(&main).await?, ["a", "c"]);
    Ok(())
}

/// Author, message and trailers come back as given, whatever characters they hold.
pub async fn who_and_why_come_back_as_given(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let signed = |name: &str, email: &str, message: &str| CommitMeta::new(Signature::new(name, email), message);
    let with_trailers = CommitMeta {
        committer: Some("key ci (k-7)".into()),
        idempotency_key: Some("5f0c-é'\"".into()),
        ..signed("Ada", "ada@example.com", "With trailers\n\nand a body")
    };
    let long = "why ".repeat(2_000);
    let metas = [
        signed("Zoë Ångström 🌲", "zoe+tag@example.com", "Größer, 日本語, 🌳"),
        signed("O'Brien \"Bob\" <bob>", "<o'brien@example.com>", "it's \"quoted\"; DROP TABLE tools; -- \\ % _ $1 ?"),
        signed(
            "key deploy",
            "key:01hq@keys.understory",
            "First line\n\nSecond paragraph\n- a list\nLike-A-Trailer: yes",
        ),
        signed("x", "x", "-m --author=evil"),
        signed("x", "x", long.trim()),
        with_trailers,
    ];
    for (n, meta) in metas.into_iter().enumerate() {
        let head = bench.head(&main).await?;
        let changes = changes(bench.rows(&main).await?.as_ref(), |d| put_tool(d, &format!("t{n}"), "t").map(drop))?;
        let commit = committed(store.apply(&bench.project, &main, &head, &changes, None, &meta).await?)?;
        assert_eq!(commit.meta, meta.on(&main));
        let read = bench.store.commit(&bench.project, &commit.hash).await?.ok_or("no commit")?;
        assert_eq!(read, commit);
        assert_eq!(bench.store.log(&bench.project, &commit.hash, 1).await?.first(), Some(&commit));
        assert!(commit.date.ends_with('Z') && commit.date.contains('T'), "{}", commit.date);
    }
    Ok(())
}
