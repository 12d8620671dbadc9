use understory_manage::{BranchName, StoreError};

use super::bench::assert_same;
use super::{Bench, Checked, Failure, Store};
use crate::samples;

/// A project with two branches that went their own ways.
async fn branched(store: &Store) -> Result<Bench, Failure> {
    let bench = Bench::rich(store).await?;
    let main = BranchName::main();
    let topic = bench.branch("Topic/x", &main).await?;
    bench.put_tool(&topic, "theirs").await?;
    bench.put_tool(&main, "ours").await?;
    Ok(bench)
}

/// Asserts that `copy` has the branches, logs and rows of `original`.
async fn assert_copy(original: &Bench, copy: &Bench) -> Checked {
    let branches = original.store.branches(&original.project).await?;
    assert_eq!(copy.store.branches(&copy.project).await?, branches);
    for branch in branches {
        let log = original.store.log(&original.project, &branch.head, 99).await?;
        assert_eq!(copy.store.log(&copy.project, &branch.head, 99).await?, log);
        for commit in log {
            assert_same(copy.rows_at(&commit.hash).await?.as_ref(), original.rows_at(&commit.hash).await?.as_ref());
        }
    }
    Ok(())
}

/// A copy taken back has every branch, commit and row, and what came after the copy is gone.
pub async fn a_copy_has_the_history_and_the_branches(store: &Store) -> Checked {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("copy");
    let bench = branched(store).await?;
    let main = BranchName::main();
    store.backup(&bench.project, &file).await?;
    let (head, rows) = (bench.head(&main).await?, bench.rows(&main).await?);
    let later = bench.put_tool(&main, "later").await?.hash;
    store.restore(&bench.project, &file).await?;
    assert_eq!(bench.head(&main).await?, head);
    assert_same(bench.rows(&main).await?.as_ref(), &rows);
    assert_eq!(store.commit(&bench.project, &later).await?, None);
    assert_eq!(bench.tools(&BranchName::new("Topic/x")?).await?, ["theirs", "weather"]);
    bench.put_tool(&main, "after").await?;
    assert_eq!(bench.tools(&main).await?, ["after", "ours", "weather"]);
    Ok(())
}

/// A copy taken as the data of another project is that project, whatever becomes of the first.
pub async fn a_copy_can_be_taken_as_another_project(store: &Store) -> Checked {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("copy");
    let bench = branched(store).await?;
    store.backup(&bench.project, &file).await?;
    let copy = Bench { store: Store::clone(store), project: samples::project_id("copy") };
    store.restore(&copy.project, &file).await?;
    assert!(store.project_exists(&copy.project).await?);
    assert_copy(&bench, &copy).await?;
    let main = BranchName::main();
    copy.put_tool(&main, "only-here").await?;
    assert_eq!(bench.tools(&main).await?, ["ours", "weather"]);
    store.project_delete(&bench.project).await?;
    assert_eq!(copy.tools(&main).await?, ["only-here", "ours", "weather"]);
    let nowhere = samples::project_id("nowhere");
    assert!(store.restore(&nowhere, &dir.path().join("no such file")).await.is_err());
    assert!(!store.project_exists(&nowhere).await?);
    std::fs::write(&file, "this is no copy of a project")?;
    assert!(store.restore(&nowhere, &file).await.is_err());
    assert!(!store.project_exists(&nowhere).await?);
    assert!(matches!(store.read(&nowhere, &copy.head(&main).await?).await, Err(StoreError::UnknownProject(_))));
    Ok(())
}

/// Giving back space takes nothing that a branch reaches, and the project goes on.
pub async fn collecting_keeps_all_that_branches_reach(store: &Store) -> Checked {
    let dir = tempfile::tempdir()?;
    let bench = branched(store).await?;
    let main = BranchName::main();
    let copy = Bench { store: Store::clone(store), project: samples::project_id("copy") };
    store.backup(&bench.project, &dir.path().join("copy")).await?;
    store.restore(&copy.project, &dir.path().join("copy")).await?;
    let gone = bench.branch("gone", &main).await?;
    bench.put_tool(&gone, "gone").await?;
    bench.lose_branch(&gone).await?;
    assert!(store.size(&bench.project).await? > 0);
    store.gc(&bench.project).await?;
    store.gc(&bench.project).await?;
    assert_copy(&copy, &bench).await?;
    bench.put_tool(&main, "after").await?;
    assert_eq!(bench.tools(&main).await?, ["after", "ours", "weather"]);
    Ok(())
}
