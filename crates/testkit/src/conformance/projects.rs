use understory_manage::{BranchName, ChangeSet, CommitHash, Draft, ProjectId, Signature, Snapshot, StoreError};

use super::bench::{assert_same, changes, meta};
use super::{Bench, Checked, Store};
use crate::samples;

/// A new project's `main` is a root without rows, then one commit with the rows given.
pub async fn a_project_begins_with_a_root_and_a_first_commit(store: &Store) -> Checked {
    let project = samples::project_id("new");
    assert!(!store.project_exists(&project).await?);
    let rows = changes(&Snapshot::default(), samples::put_rich_project)?;
    let commit = store.project_create(&project, &rows, &meta("Begin")).await?;
    assert!(store.project_exists(&project).await?);
    let branches = store.branches(&project).await?;
    assert_eq!(branches.len(), 1);
    assert_eq!((&branches[0].name, &branches[0].head), (&BranchName::main(), &commit.hash));
    assert_eq!(commit.meta, meta("Begin").on(&BranchName::main()));
    assert_same(store.read(&project, &commit.hash).await?.as_ref(), &Snapshot::default().after(&rows));
    let [root] = commit.parents.as_slice() else { panic!("one parent: {commit:?}") };
    let root = store.commit(&project, root).await?.ok_or("no root")?;
    assert_eq!(root.parents, []);
    assert_eq!((&root.meta.author, root.meta.message.as_str()), (&Signature::understory(), "Create schema"));
    assert_eq!(store.read(&project, &root.hash).await?.row_count(), 0);
    assert_eq!(store.log(&project, &commit.hash, 10).await?, [commit, root]);
    Ok(())
}

/// Creating what is there answers its head and leaves it as it is, so that a creation may be repeated.
pub async fn creating_a_project_twice_changes_nothing(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let first = bench.head(&main).await?;
    let none = ChangeSet::default();
    assert_eq!(store.project_create(&bench.project, &none, &meta("Again")).await?.hash, first);
    let second = bench.put_tool(&main, "later").await?;
    let other = changes(&Snapshot::default(), samples::put_rich_project)?;
    assert_eq!(store.project_create(&bench.project, &other, &meta("Again")).await?, second);
    assert_eq!(bench.tools(&main).await?, ["later"]);
    assert_eq!(store.log(&bench.project, &second.hash, 10).await?.len(), 3);
    Ok(())
}

/// Projects are apart, also where joining tenant and id would make them one.
pub async fn projects_know_nothing_of_each_other(store: &Store) -> Checked {
    let id = |tenant: &str, id: &str| ProjectId {
        tenant: tenant.into(),
        id: id.into(),
        uid: samples::project_id("apart").uid,
    };
    let main = BranchName::main();
    let with_tool = |id: &'static str| {
        move |draft: &mut Draft| {
            samples::put_project(draft)?;
            samples::put_tool(draft, id, id).map(drop)
        }
    };
    let (one, _) = Bench::with(store, id("a_b", "c"), with_tool("one")).await?;
    let (two, _) = Bench::with(store, id("a", "b_c"), with_tool("two")).await?;
    let topic = one.branch("topic", &main).await?;
    let commit = one.put_tool(&topic, "more").await?;
    assert_eq!(two.store.branch_head(&two.project, &topic).await?, None);
    assert_eq!(two.store.commit(&two.project, &commit.hash).await?, None);
    assert!(matches!(store.read(&two.project, &commit.hash).await, Err(StoreError::UnknownCommit(_))));
    two.branch("topic", &main).await?;
    assert_eq!(two.tools(&topic).await?, ["two"]);
    assert_eq!(one.tools(&topic).await?, ["more", "one"]);
    store.project_delete(&one.project).await?;
    assert_eq!(two.tools(&main).await?, ["two"]);
    Ok(())
}

/// Nothing can be done with a project that is not there, and no answer looks like an empty one.
pub async fn a_project_that_is_not_there_is_an_error(store: &Store) -> Checked {
    let project = samples::project_id("nowhere");
    let (main, hash) = (BranchName::main(), CommitHash::from_bytes(&[7; 20]));
    let file = tempfile::tempdir()?;
    let unknown =
        |error: Option<StoreError>| assert!(matches!(error, Some(StoreError::UnknownProject(_))), "{error:?}");
    unknown(store.branches(&project).await.err());
    unknown(store.branch_head(&project, &main).await.err());
    unknown(store.branch_create(&project, &main, &hash).await.err());
    unknown(store.branch_delete(&project, &main, &hash).await.err());
    unknown(store.commit(&project, &hash).await.err());
    unknown(store.commits_by_prefix(&project, "0123456").await.err());
    unknown(store.log(&project, &hash, 1).await.err());
    unknown(store.read(&project, &hash).await.err());
    unknown(store.apply(&project, &main, &hash, &ChangeSet::default(), None, &meta("No")).await.err());
    unknown(store.migrate(&project).await.err());
    unknown(store.branch_rename(&project, &main, &main).await.err());
    unknown(store.kept(&project).await.err());
    unknown(store.keep_drop(&project, &hash).await.err());
    unknown(store.tags(&project).await.err());
    unknown(store.tag_delete(&project, &main).await.err());
    unknown(store.changes(&project, None, &hash).await.err());
    unknown(store.needs_migration(&project, &main).await.err());
    unknown(store.size(&project).await.err());
    unknown(store.gc(&project).await.err());
    unknown(store.backup(&project, &file.path().join("copy")).await.err());
    assert!(!store.project_exists(&project).await?);
    store.project_delete(&project).await?;
    Ok(())
}

/// A deleted project is gone with its history; one made again under its id has nothing of it.
pub async fn a_deleted_project_is_gone(store: &Store) -> Checked {
    let bench = Bench::rich(store).await?;
    let head = bench.head(&BranchName::main()).await?;
    store.answers().await?;
    assert!(store.stored().await?.contains(&bench.project.uid));
    store.project_delete(&bench.project).await?;
    assert!(!store.stored().await?.contains(&bench.project.uid));
    assert!(!store.project_exists(&bench.project).await?);
    assert!(matches!(store.read(&bench.project, &head).await, Err(StoreError::UnknownProject(_))));
    store.project_delete(&bench.project).await?;
    let again = Bench::new(store).await?;
    assert_eq!(again.rows(&BranchName::main()).await?.row_count(), 1);
    assert_eq!(store.commit(&again.project, &head).await?, None);
    Ok(())
}

/// What is made today has today's schema, on every branch.
pub async fn a_new_project_needs_no_migration(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let topic = bench.branch("topic", &main).await?;
    for branch in [main, topic] {
        let head = bench.head(&branch).await?;
        assert!(!store.needs_migration(&bench.project, &branch).await?);
        assert_eq!(store.migrate(&bench.project).await?, []);
        assert_eq!(bench.head(&branch).await?, head);
    }
    let nowhere = BranchName::new("nowhere")?;
    assert!(matches!(store.needs_migration(&bench.project, &nowhere).await, Err(StoreError::UnknownBranch(_))));
    Ok(())
}
