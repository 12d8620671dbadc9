use std::collections::BTreeSet;

use understory_manage::{BranchName, ChangeSet, Commit, CommitHash, StoreError};

use super::bench::{assert_same, committed, meta, tool_ids};
use super::{Bench, Checked, Store};

/// The log names each commit once and before its parents, and its beginning is the same whatever the limit.
pub async fn the_log_has_children_before_parents(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    for round in 0..3 {
        let topic = bench.branch(&format!("topic{round}"), &main).await?;
        bench.put_tool(&topic, &format!("a{round}")).await?;
        let theirs = bench.put_tool(&topic, &format!("b{round}")).await?.hash;
        let ours = bench.put_tool(&main, &format!("m{round}")).await?.hash;
        let none = ChangeSet::default();
        committed(store.apply(&bench.project, &main, &ours, &none, Some(&theirs), &meta("Merge")).await?)?;
    }
    let head = bench.head(&main).await?;
    let log = store.log(&bench.project, &head, 100).await?;
    // The root, the first commit, and four in each round.
    assert_eq!(log.len(), 14);
    assert_eq!(log[0].hash, head);
    let mut seen = BTreeSet::new();
    for commit in &log {
        assert!(seen.insert(&commit.hash), "each commit once");
        assert!(commit.parents.iter().all(|parent| !seen.contains(parent)), "a child before its parents");
    }
    assert!(log.iter().flat_map(|commit| &commit.parents).all(|parent| seen.contains(parent)));
    for limit in [0, 1, 5, 14] {
        assert_eq!(store.log(&bench.project, &head, limit).await?, log[..limit]);
    }
    for (skip, limit) in [(0, 3), (3, 4), (12, 9), (14, 9), (99, 1)] {
        let page = store.log_page(&bench.project, &head, skip, limit).await?;
        assert_eq!(page, log[skip.min(14)..(skip + limit).min(14)], "{limit} after {skip}");
    }
    Ok(())
}

/// A log holds what its commit was made from: nothing later, and nothing of other lines.
pub async fn the_log_of_a_line_is_its_own_past(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let old = bench.put_tool(&main, "one").await?;
    let topic = bench.branch("topic", &main).await?;
    let new = bench.put_tool(&main, "two").await?;
    let other = bench.put_tool(&topic, "three").await?;
    let hashes = |log: Vec<Commit>| log.into_iter().map(|commit| commit.hash).collect::<Vec<_>>();
    let past = hashes(store.log(&bench.project, &old.hash, 99).await?);
    assert_eq!(past[0], old.hash);
    for commit in [new, other] {
        let log = hashes(store.log(&bench.project, &commit.hash, 99).await?);
        assert_eq!(log, [&[commit.hash], past.as_slice()].concat());
    }
    for skip in past.len()..past.len() + 3 {
        assert_eq!(
            store.log_page(&bench.project, &old.hash, skip, 9).await?,
            [],
            "after its beginning there is nothing"
        );
    }
    let nobody = CommitHash::from_bytes(&[5; 20]);
    let log = store.log(&bench.project, &nobody, 9).await;
    assert!(matches!(log, Err(StoreError::UnknownCommit(hash)) if hash == nobody));
    Ok(())
}

/// A commit is found by its hash, and by a beginning of it that is long enough.
pub async fn a_commit_is_found_by_hash_and_prefix(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let commit = bench.put_tool(&main, "one").await?;
    bench.put_tool(&main, "two").await?;
    let (project, hash) = (&bench.project, commit.hash.as_str());
    assert_eq!(store.commit(project, &commit.hash).await?.as_ref(), Some(&commit));
    for length in [12, 31, 32] {
        let found = store.commits_by_prefix(project, &hash[..length]).await?;
        assert_eq!(found, std::slice::from_ref(&commit.hash), "{length} characters");
    }
    assert_eq!(store.commits_by_prefix(project, "").await?.len(), 2, "several are told as two");
    let other: String = hash.chars().rev().collect();
    for not_it in [&other[..12], "not a hash", "%%%%%%%", "_______", &format!("{hash}0")] {
        assert_eq!(store.commits_by_prefix(project, not_it).await?, [], "{not_it}");
    }
    Ok(())
}

/// A hash of no commit is told as unknown, never as an empty project.
pub async fn a_commit_that_no_ref_reaches_is_unknown(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let topic = bench.branch("topic", &BranchName::main()).await?;
    let lost = bench.put_tool(&topic, "lost").await?.hash;
    bench.lose_branch(&topic).await?;
    let nobody = CommitHash::from_bytes(&[1; 20]);
    for hash in [&lost, &nobody] {
        assert_eq!(store.commit(&bench.project, hash).await?, None);
        assert_eq!(store.commits_by_prefix(&bench.project, &hash.as_str()[..20]).await?, []);
        let made = store.branch_create(&bench.project, &BranchName::new("again")?, hash).await;
        assert!(matches!(made, Err(StoreError::UnknownCommit(_))), "{made:?}");
    }
    let read = store.read(&bench.project, &nobody).await;
    assert!(matches!(read, Err(StoreError::UnknownCommit(hash)) if hash == nobody));
    Ok(())
}

/// A commit reads as it was, however many came after it, and after branches went and space was given back.
pub async fn old_commits_read_as_they_were(store: &Store) -> Checked {
    let bench = Bench::rich(store).await?;
    let main = BranchName::main();
    let mut past = vec![(bench.head(&main).await?, bench.rows(&main).await?)];
    let topic = bench.branch("topic", &main).await?;
    bench.put_tool(&topic, "elsewhere").await?;
    for n in 0..8 {
        let commit = bench.put_tool(&main, &format!("t{n}")).await?;
        past.push((commit.hash, bench.rows(&main).await?));
    }
    bench.lose_branch(&topic).await?;
    store.gc(&bench.project).await?;
    for (n, (hash, rows)) in past.iter().enumerate() {
        assert_same(bench.rows_at(hash).await?.as_ref(), rows);
        assert_eq!(tool_ids(rows).len(), n + 1);
    }
    Ok(())
}
