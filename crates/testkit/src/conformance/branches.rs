use understory_manage::{BranchName, CommitHash, StoreError};

use super::bench::tool_ids;
use super::{Bench, Checked, Store};

/// A branch begins at the commit given, the head of another or an older one, and from there goes its own way.
pub async fn a_branch_begins_at_the_commit_given(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let old = bench.put_tool(&main, "one").await?.hash;
    let new = bench.put_tool(&main, "two").await?.hash;
    for (name, at) in [("old", &old), ("new", &new)] {
        let name = BranchName::new(name)?;
        store.branch_create(&bench.project, &name, at).await?;
        assert_eq!(&bench.head(&name).await?, at);
    }
    let branches = store.branches(&bench.project).await?;
    let found: Vec<_> = branches.iter().map(|branch| (branch.name.as_str(), &branch.head)).collect();
    assert_eq!(found, [("main", &new), ("new", &new), ("old", &old)]);
    let line = BranchName::new("old")?;
    bench.put_tool(&line, "three").await?;
    assert_eq!(bench.tools(&line).await?, ["one", "three"]);
    assert_eq!(bench.tools(&main).await?, ["one", "two"]);
    assert_eq!(bench.head(&main).await?, new);
    Ok(())
}

/// A name is given once, and only to a commit that is there.
pub async fn a_branch_is_made_once_and_at_a_commit_that_is_there(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let head = bench.head(&main).await?;
    let topic = bench.branch("topic", &main).await?;
    for taken in [&main, &topic] {
        let again = store.branch_create(&bench.project, taken, &head).await;
        assert!(matches!(again, Err(StoreError::RefExists(name)) if name == *taken));
    }
    let (nowhere, nobody) = (BranchName::new("nowhere")?, CommitHash::from_bytes(&[3; 20]));
    let lost = store.branch_create(&bench.project, &nowhere, &nobody).await;
    assert!(matches!(lost, Err(StoreError::UnknownCommit(hash)) if hash == nobody));
    assert_eq!(store.branch_head(&bench.project, &nowhere).await?, None);
    assert_eq!(store.branches(&bench.project).await?.len(), 2);
    Ok(())
}

/// Names that differ in case only are different branches.
pub async fn branches_that_differ_in_case_are_apart(store: &Store) -> Checked {
    each_has_its_own_rows(store, &["topic", "Topic", "TOPIC", "tOPIC", "Main", "MAIN"]).await
}

/// Every name that the rules allow is a branch that can be written and read.
pub async fn branch_names_of_every_kind_work(store: &Store) -> Checked {
    let long = "l".repeat(255);
    let names = [
        "a",
        "a/b",
        "a/b/c",
        "a.b",
        "a_b",
        "a-b",
        "_",
        "-x",
        "--force",
        ".hidden",
        "1",
        "0123456",
        "x.lock",
        "con",
        "feature/UPPER_case-1.2",
        "dolt_branches",
        "temp-cli-pull_1795230797292_pa5358",
        "a_ub",
        "a-2fb",
        "keep/1",
        "refs/heads/main",
        "tool",
        &long,
    ];
    each_has_its_own_rows(store, &names).await
}

async fn each_has_its_own_rows(store: &Store, names: &[&str]) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let mut expected = vec![(main.clone(), bench.head(&main).await?)];
    for (n, name) in names.iter().enumerate() {
        let branch = bench.branch(name, &main).await?;
        let commit = bench.put_tool(&branch, &format!("t{n}")).await?;
        expected.push((branch, commit.hash));
    }
    for (n, name) in names.iter().enumerate() {
        assert_eq!(bench.tools(&BranchName::new(name)?).await?, [format!("t{n}")], "{name}");
    }
    assert!(bench.tools(&main).await?.is_empty());
    expected.sort();
    let found: Vec<_> = store.branches(&bench.project).await?.into_iter().map(|b| (b.name, b.head)).collect();
    assert_eq!(found, expected);
    bench.delete_branch(&BranchName::new(names[0])?).await?;
    assert_eq!(store.branches(&bench.project).await?.len(), names.len());
    for name in &names[1..] {
        assert!(store.branch_head(&bench.project, &BranchName::new(name)?).await?.is_some(), "{name}");
    }
    Ok(())
}

/// Once a deleted branch is kept no longer, commits that only it reached are gone, and nothing else.
pub async fn a_lost_branch_takes_only_its_own_commits(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let base = bench.head(&main).await?;
    let (topic, kept) = (bench.branch("topic", &main).await?, bench.branch("kept", &main).await?);
    let shared = bench.put_tool(&topic, "shared").await?.hash;
    let heir = BranchName::new("heir")?;
    store.branch_create(&bench.project, &heir, &shared).await?;
    let own = bench.put_tool(&topic, "own").await?.hash;
    bench.lose_branch(&topic).await?;
    assert_eq!(store.branch_head(&bench.project, &topic).await?, None);
    assert_eq!(store.commit(&bench.project, &own).await?, None);
    assert_eq!(bench.tools(&heir).await?, ["shared"]);
    for (branch, head) in [(&main, &base), (&kept, &base), (&heir, &shared)] {
        assert_eq!(&bench.head(branch).await?, head);
        assert!(store.commit(&bench.project, head).await?.is_some());
    }
    let again = store.branch_delete(&bench.project, &topic, &own).await;
    assert!(matches!(again, Err(StoreError::UnknownBranch(name)) if name == topic));
    Ok(())
}

/// A branch made again under an old name is at the commit given, also for readers that knew the old one.
pub async fn a_branch_made_again_has_nothing_of_the_old_one(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    for round in ["one", "two", "three"] {
        let topic = bench.branch("topic", &main).await?;
        assert!(bench.tools(&topic).await?.is_empty());
        let head = bench.put_tool(&topic, round).await?.hash;
        assert_eq!(bench.head(&topic).await?, head);
        assert_eq!(tool_ids(bench.rows_at(&head).await?.as_ref()), [round]);
        bench.delete_branch(&topic).await?;
    }
    assert!(bench.tools(&main).await?.is_empty());
    Ok(())
}
