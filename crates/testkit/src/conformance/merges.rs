use understory_manage::{Applied, BranchName, ChangeSet, Commit, CommitHash, Draft, StoreError};

use super::bench::{assert_same, changes, committed, meta};
use super::{Bench, Checked, Failure, Store};
use crate::samples::{change, key, model, project_id, put_tool};

/// Two lines that differ in the same row, in rows of their own and in a deletion; main's head and the topic's.
async fn diverged(bench: &Bench) -> Result<(CommitHash, CommitHash), Failure> {
    let main = BranchName::main();
    let topic = bench.branch("topic", &main).await?;
    let theirs = bench.edit(&topic, |draft| {
        put_tool(draft, "theirs", "Theirs")?;
        change(draft, "agent", &key(&["helper"]), "name", "Theirs")?;
        change(draft, "sub_agent", &key(&["helper", "router"]), "name", "Theirs")?;
        assert!(draft.delete("tool", &key(&["weather"])));
        Ok(())
    });
    let theirs = theirs.await?.hash;
    let ours = bench.edit(&main, |draft| {
        put_tool(draft, "ours", "Ours")?;
        change(draft, "agent", &key(&["helper"]), "name", "Ours")?;
        change(draft, "tool", &key(&["weather"]), "name", "Ours")?;
        assert!(draft.delete("sub_agent", &key(&["helper", "router"])));
        Ok(())
    });
    Ok((ours.await?.hash, theirs))
}

async fn merge(
    bench: &Bench,
    ours: &CommitHash,
    theirs: &CommitHash,
    edit: impl FnOnce(&mut Draft) -> Checked,
) -> Result<(Commit, ChangeSet), Failure> {
    let changes = changes(bench.rows_at(ours).await?.as_ref(), edit)?;
    let main = BranchName::main();
    let applied = bench.store.apply(&bench.project, &main, ours, &changes, Some(theirs), &meta("Merge")).await?;
    Ok((committed(applied)?, changes))
}

/// A merge has both heads as parents, ours first, and holds exactly what was given, not what the engine would merge.
pub async fn a_merge_has_two_parents_and_the_content_given(store: &Store) -> Checked {
    let bench = Bench::rich(store).await?;
    let (ours, theirs) = diverged(&bench).await?;
    let before = bench.rows_at(&ours).await?;
    let (commit, changes) = merge(&bench, &ours, &theirs, |draft| {
        change(draft, "agent", &key(&["helper"]), "name", "Neither")?;
        put_tool(draft, "third", "Third").map(drop)
    })
    .await?;
    assert_eq!(commit.parents, [ours.clone(), theirs.clone()]);
    assert_eq!(commit.meta, meta("Merge").on(&BranchName::main()));
    assert_eq!(store.commit(&bench.project, &commit.hash).await?.as_ref(), Some(&commit));
    assert_same(bench.rows(&BranchName::main()).await?.as_ref(), &before.after(&changes));
    assert_eq!(bench.tools(&BranchName::main()).await?, ["ours", "third", "weather"]);
    assert_eq!(bench.head(&BranchName::new("topic")?).await?, theirs);
    assert_eq!(store.log(&bench.project, &commit.hash, 99).await?.len(), 5);
    Ok(())
}

/// A merge that takes nothing of theirs is a commit all the same, with our rows.
pub async fn a_merge_of_no_changes_keeps_our_content(store: &Store) -> Checked {
    let bench = Bench::rich(store).await?;
    let (ours, theirs) = diverged(&bench).await?;
    let before = bench.rows_at(&ours).await?;
    let (commit, changes) = merge(&bench, &ours, &theirs, |_| Ok(())).await?;
    assert!(changes.is_empty());
    assert_eq!(commit.parents, [ours, theirs]);
    assert_same(bench.rows(&BranchName::main()).await?.as_ref(), &before);
    Ok(())
}

/// Rows deleted on one side and changed on the other go or stay as given, either way round.
pub async fn a_merge_settles_rows_that_one_side_deleted(store: &Store) -> Checked {
    let bench = Bench::rich(store).await?;
    let (ours, theirs) = diverged(&bench).await?;
    let (before, other) = (bench.rows_at(&ours).await?, bench.rows_at(&theirs).await?);
    let router = key(&["helper", "router"]);
    let back = other.get("sub_agent", &router).ok_or("theirs has the router")?;
    let back = understory_model::Row::clone(back);
    let (_, changes) = merge(&bench, &ours, &theirs, |draft| {
        assert!(draft.delete("tool", &key(&["weather"])));
        let entity = crate::samples::entity("sub_agent")?;
        draft.put(&entity, back);
        Ok(())
    })
    .await?;
    let rows = bench.rows(&BranchName::main()).await?;
    assert_same(&rows, &before.after(&changes));
    assert_eq!(rows.get("sub_agent", &router).and_then(|row| row.text("name")), Some("Theirs"));
    assert!(rows.get("tool", &key(&["weather"])).is_none());
    assert!(rows.table("sub_agent_tool_relation").is_empty());
    Ok(())
}

/// Merging what is already part of the line is a commit with two parents, not a fast-forward or an error.
pub async fn a_merge_with_an_ancestor_is_a_commit(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let old = bench.head(&main).await?;
    let topic = bench.branch("topic", &main).await?;
    let ahead = bench.put_tool(&topic, "ahead").await?.hash;
    // Theirs has all of ours: a plain engine would move the branch without a commit.
    let (commit, _) = merge(&bench, &old, &ahead, |draft| put_tool(draft, "ahead", "ahead").map(drop)).await?;
    assert_eq!(commit.parents, [old.clone(), ahead.clone()]);
    assert_eq!(bench.tools(&main).await?, ["ahead"]);
    // Ours has all of theirs.
    let (again, _) = merge(&bench, &commit.hash, &ahead, |_| Ok(())).await?;
    assert_eq!(again.parents, [commit.hash, ahead]);
    // Ours is theirs.
    bench.rows_at(&again.hash).await?;
    let (itself, _) = merge(&bench, &again.hash, &again.hash, |_| Ok(())).await?;
    assert_eq!(itself.parents, [again.hash.clone(), again.hash]);
    assert_eq!(bench.tools(&main).await?, ["ahead"]);
    Ok(())
}

/// A merge with a commit that is not there writes nothing; so does one onto a moved head.
pub async fn a_merge_with_an_unknown_commit_is_refused(store: &Store) -> Checked {
    let bench = Bench::rich(store).await?;
    let (ours, theirs) = diverged(&bench).await?;
    let main = BranchName::main();
    let (nobody, none) = (CommitHash::from_bytes(&[9; 20]), ChangeSet::default());
    let applied = store.apply(&bench.project, &main, &ours, &none, Some(&nobody), &meta("Merge")).await;
    assert!(matches!(applied, Err(StoreError::UnknownCommit(hash)) if hash == nobody));
    let applied = store.apply(&bench.project, &main, &theirs, &none, Some(&theirs), &meta("Merge")).await?;
    assert_eq!(applied, Applied::HeadMoved(ours.clone()));
    assert_eq!(bench.head(&main).await?, ours);
    Ok(())
}

/// Where nothing happened on our side, a merge is a commit all the same: two parents, all of their rows, our words.
pub async fn a_merge_of_what_builds_on_ours_is_a_commit_of_its_own(store: &Store) -> Checked {
    let bench = Bench::rich(store).await?;
    let main = BranchName::main();
    let ours = bench.head(&main).await?;
    let topic = bench.branch("topic", &main).await?;
    bench.put_tool(&topic, "one").await?;
    let relation = key(&["helper", "router"]);
    bench.edit(&topic, |draft| draft.delete("sub_agent", &relation).then_some(()).ok_or("no router".into())).await?;
    let theirs = bench.put_tool(&topic, "two").await?.hash;
    let (before, wanted) = (bench.rows_at(&ours).await?, bench.rows_at(&theirs).await?);
    let edits = understory_manage::changed_rows(&before, &wanted);
    let edits = edits.into_iter().map(|change| ((change.entity, change.key), change.after)).collect();
    let all = understory_manage::change::settle(&model(), &before, edits);
    let all = all.map_err(|broken| format!("{broken:?}"))?;
    let mut said = meta("Merge topic\n\nbecause");
    said.committer = Some("somebody".into());
    said.idempotency_key = Some("k-1".into());
    let merge = committed(store.apply(&bench.project, &main, &ours, &all, Some(&theirs), &said).await?)?;
    assert_eq!(merge.parents, [ours, theirs]);
    assert_eq!(merge.meta, said.on(&main));
    assert_eq!(store.commit(&bench.project, &merge.hash).await?.as_ref(), Some(&merge));
    assert_eq!(bench.head(&main).await?, merge.hash);
    // A copy has nothing in memory.
    let home = tempfile::tempdir()?;
    let copy = Bench { store: Store::clone(store), project: project_id("copy") };
    store.backup(&bench.project, &home.path().join("copy")).await?;
    store.restore(&copy.project, &home.path().join("copy")).await?;
    assert_same(&*copy.rows_at(&merge.hash).await?, &wanted);
    bench.put_tool(&main, "after").await?;
    assert_eq!(bench.tools(&main).await?, ["after", "one", "two", "weather"]);
    Ok(())
}
