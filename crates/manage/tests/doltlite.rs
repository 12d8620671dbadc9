//! The DoltLite adapter where it is more than the trait: files, foreign hands, crashes.

mod common;

use std::fs;

use common::{Fixture, project, tool};
use understory_manage::{Applied, BranchName, ConfigStore as _, StoreError};
use understory_sql::{Database, Engine, Open};

#[tokio::test]
async fn a_project_is_created_once_and_read_back() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let id = project("p1");
    let changes = fixture.seed().finish().unwrap();
    let commit = store.project_create(&id, &changes, &fixture.meta("Create project")).await.unwrap();
    assert_eq!(commit.parents.len(), 1);
    assert_eq!(store.commit(&id, &commit.hash).await.unwrap(), Some(commit.clone()));
    assert_eq!(store.project_create(&id, &changes, &fixture.meta("Again")).await.unwrap(), commit);
    let cached = store.read(&id, &commit.hash).await.unwrap();
    let reread = fixture.store().read(&id, &commit.hash).await.unwrap();
    assert_eq!(cached, reread);
    assert_eq!(cached.row_count(), 2);
    let log = store.log(&id, &commit.hash, 10).await.unwrap();
    assert_eq!(log.iter().map(|c| c.meta.message.as_str()).collect::<Vec<_>>(), ["Create project", "Create schema"]);
    assert!(log[1].parents.is_empty());
}

#[tokio::test]
async fn every_write_reads_back_as_it_was_remembered() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (id, mut head) = fixture.create(&store, "p1").await;
    for n in 0..5 {
        let mut draft = fixture.draft(store.read(&id, &head).await.unwrap());
        draft.put(fixture.entity("tool"), tool("weather", &format!("name {n}")));
        draft.put(fixture.entity("tool"), tool(&format!("t{n}"), "x"));
        if n > 1 {
            draft.delete("tool", &fixture.entity("tool").key_of(&tool(&format!("t{}", n - 1), "")));
        }
        head = fixture.apply(&store, &id, &head, draft).await;
        let (cached, reread) = (store.read(&id, &head).await, fixture.store().read(&id, &head).await);
        assert_eq!(cached.unwrap(), reread.unwrap());
    }
}

#[tokio::test]
async fn a_merge_has_two_parents_and_exactly_our_rows() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (id, base) = fixture.create(&store, "p1").await;
    let side = BranchName::new("Side/1.0").unwrap();
    store.branch_create(&id, &side, &base).await.unwrap();
    let mut draft = fixture.draft(store.read(&id, &base).await.unwrap());
    let mut other = draft.clone();
    for (draft, name, extra) in [(&mut draft, "ours", "a"), (&mut other, "theirs", "b")] {
        draft.put(fixture.entity("tool"), tool("weather", name));
        draft.put(fixture.entity("tool"), tool(extra, "x"));
    }
    let ours = fixture.apply(&store, &id, &base, draft).await;
    let theirs = fixture.apply_on(&store, &id, &side, &base, &other.finish().unwrap(), None).await;
    // A conflict for the engine; what we decided is that `weather` is "both", `b` comes and `a` goes.
    let mut draft = fixture.draft(store.read(&id, &ours).await.unwrap());
    draft.put(fixture.entity("tool"), tool("weather", "both"));
    draft.put(fixture.entity("tool"), tool("b", "x"));
    draft.delete("tool", &fixture.entity("tool").key_of(&tool("a", "")));
    let changes = draft.finish().unwrap();
    let expected = store.read(&id, &ours).await.unwrap().after(&changes);
    let main = BranchName::main();
    let merged = fixture.apply_on(&store, &id, &main, &ours, &changes, Some(&theirs.hash)).await;
    assert_eq!(merged.parents, [ours.clone(), theirs.hash.clone()]);
    let fresh = fixture.store();
    assert_eq!(*fresh.read(&id, &merged.hash).await.unwrap(), expected);
    assert_eq!(fresh.commit(&id, &merged.hash).await.unwrap(), Some(merged.clone()));
    assert_eq!(fresh.log(&id, &merged.hash, 10).await.unwrap().len(), 5);
    // One that the engine would merge cleanly; we want none of its rows.
    let mut more = fixture.draft(store.read(&id, &theirs.hash).await.unwrap());
    more.put(fixture.entity("tool"), tool("c", "clean"));
    let ahead = fixture.apply_on(&store, &id, &side, &theirs.hash, &more.finish().unwrap(), None).await;
    let nothing = fixture.draft(store.read(&id, &merged.hash).await.unwrap()).finish().unwrap();
    let kept = fixture.apply_on(&store, &id, &main, &merged.hash, &nothing, Some(&ahead.hash)).await;
    assert_eq!(kept.parents, [merged.hash, ahead.hash]);
    assert_eq!(*fixture.store().read(&id, &kept.hash).await.unwrap(), expected);
    // One that the engine would make a fast-forward, with its rows as they are.
    let (behind, next) = (store.read(&id, &theirs.hash).await.unwrap(), store.read(&id, &kept.hash).await.unwrap());
    let behind_branch = BranchName::new("behind").unwrap();
    store.branch_create(&id, &behind_branch, &theirs.hash).await.unwrap();
    let mut draft = fixture.draft(behind);
    draft.put(fixture.entity("tool"), tool("weather", "both"));
    let changes = draft.finish().unwrap();
    let forward = fixture.apply_on(&store, &id, &behind_branch, &theirs.hash, &changes, Some(&kept.hash)).await;
    assert_eq!(forward.parents, [theirs.hash, kept.hash]);
    let forward = fixture.store().read(&id, &forward.hash).await.unwrap();
    assert_eq!(forward.table("tool").keys().collect::<Vec<_>>(), next.table("tool").keys().collect::<Vec<_>>());
}

#[tokio::test]
async fn of_two_writers_on_one_head_one_is_told_that_it_moved() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (id, head) = fixture.create(&store, "p1").await;
    let writer = |n: usize| {
        let (store, id, head, fixture) = (store.clone(), id.clone(), head.clone(), fixture.clone());
        tokio::spawn(async move {
            let mut draft = fixture.draft(store.read(&id, &head).await.unwrap());
            draft.put(fixture.entity("tool"), tool(&format!("t{n}"), "x"));
            let changes = draft.finish().unwrap();
            store.apply(&id, &BranchName::main(), &head, &changes, None, &fixture.meta("race")).await.unwrap()
        })
    };
    let writers: Vec<_> = (0..8).map(writer).collect();
    let (mut made, mut moved) = (Vec::new(), Vec::new());
    for writer in writers {
        match writer.await.unwrap() {
            Applied::Commit(commit) => made.push(commit.hash),
            Applied::HeadMoved(head) => moved.push(head),
            Applied::Nothing => panic!("nothing"),
        }
    }
    assert_eq!(made.len(), 1);
    assert_eq!(moved, vec![made[0].clone(); 7]);
}

#[tokio::test]
async fn writers_of_one_project_take_turns() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (id, head) = fixture.create(&store, "p1").await;
    let mut writers = Vec::new();
    for n in 0..4 {
        let branch = BranchName::new(&format!("b{n}")).unwrap();
        store.branch_create(&id, &branch, &head).await.unwrap();
        let (store, id, fixture, mut head) = (store.clone(), id.clone(), fixture.clone(), head.clone());
        writers.push(tokio::spawn(async move {
            for k in 0..5 {
                let mut draft = fixture.draft(store.read(&id, &head).await.unwrap());
                draft.put(fixture.entity("tool"), tool(&format!("t{k}"), "x"));
                head = fixture.apply_on(&store, &id, &branch, &head, &draft.finish().unwrap(), None).await.hash;
            }
            store.read(&id, &head).await.unwrap().row_count()
        }));
    }
    for writer in writers {
        assert_eq!(writer.await.unwrap(), 7);
    }
}

#[tokio::test]
async fn rows_written_behind_our_back_are_refused_and_kept() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (id, head) = fixture.create(&store, "p1").await;
    let foreign = Database::open_at(&fixture.file("p1"), "main", false).unwrap();
    foreign.batch("update tools set name = 'by hand'").unwrap();
    let mut draft = fixture.draft(store.read(&id, &head).await.unwrap());
    draft.put(fixture.entity("tool"), tool("new", "x"));
    let changes = draft.finish().unwrap();
    let main = BranchName::main();
    let refused = store.apply(&id, &main, &head, &changes, None, &fixture.meta("x")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Dirty(branch) if branch == main));
    assert_eq!(store.branch_head(&id, &main).await.unwrap(), Some(head.clone()));
    let rows = foreign.query("select id from tools where name = 'by hand'", &[]).unwrap();
    assert_eq!(rows.len(), 1, "what was there is neither lost nor committed");
    assert_eq!(fixture.store().read(&id, &head).await.unwrap(), store.read(&id, &head).await.unwrap());
    foreign.batch("update tools set name = 'Weather'").unwrap();
    fixture.apply_on(&store, &id, &main, &head, &changes, None).await;
}

#[tokio::test]
async fn empty_and_foreign_files_are_damage_not_absence() {
    let fixture = Fixture::new();
    let (id, head) = fixture.create(&fixture.store(), "p1").await;
    let stock = fixture.directory().join("stock.db");
    let open = Open { engine: Engine::Stock, create: true, read_only: false };
    Database::open(&stock, open).unwrap().close().unwrap();
    let stock = fs::read(&stock).unwrap();
    for content in [&b""[..], b"something else", &stock] {
        fs::write(fixture.file("p1"), content).unwrap();
        let store = fixture.store();
        let error = store.branches(&id).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        let error = store.read(&id, &head).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        let created = store.project_create(&id, &fixture.seed().finish().unwrap(), &fixture.meta("x")).await;
        assert!(matches!(created, Err(StoreError::Corrupt { .. })), "{created:?}");
        assert_eq!(fs::read(fixture.file("p1")).unwrap(), content);
    }
    for absent in ["absent", "../p1", ""] {
        let error = fixture.store().branches(&project(absent)).await.unwrap_err();
        assert!(matches!(error, StoreError::UnknownProject(_)), "{error:?}");
    }
}

#[tokio::test]
async fn what_a_crash_leaves_behind_is_removed_at_the_start() {
    let fixture = Fixture::new();
    let (id, head) = fixture.create(&fixture.store(), "p1").await;
    let left = [".~new-1-0.db", "..~new-1-0.db-lock"];
    for name in left {
        fs::write(fixture.directory().join(name), "half").unwrap();
    }
    let store = fixture.store();
    for name in left {
        assert!(!fixture.directory().join(name).exists(), "{name}");
    }
    assert!(!store.project_exists(&project("p2")).await.unwrap());
    assert_eq!(store.branch_head(&id, &BranchName::main()).await.unwrap(), Some(head));
}

#[tokio::test]
async fn a_deleted_project_is_gone_and_its_place_free() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (id, head) = fixture.create(&store, "p1").await;
    store.project_delete(&id).await.unwrap();
    store.project_delete(&id).await.unwrap();
    assert_eq!(fs::read_dir(fixture.directory()).unwrap().count(), 0);
    assert!(matches!(store.read(&id, &head).await, Err(StoreError::UnknownProject(_))));
    fixture.create(&store, "p1").await;
}

#[tokio::test]
async fn many_projects_need_few_open_files() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let ours = || {
        let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
        open.filter(|target| target.starts_with(fixture.directory())).count()
    };
    for n in 0..100 {
        let (id, head) = fixture.create(&store, &format!("p{n}")).await;
        let mut draft = fixture.draft(store.read(&id, &head).await.unwrap());
        draft.put(fixture.entity("tool"), tool("new", "x"));
        fixture.apply(&store, &id, &head, draft).await;
    }
    assert!(ours() <= 64, "{} files are open", ours());
}

#[tokio::test]
async fn a_commit_that_no_ref_reaches_is_unknown() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (id, base) = fixture.create(&store, "p1").await;
    let branch = BranchName::new("side").unwrap();
    store.branch_create(&id, &branch, &base).await.unwrap();
    let mut draft = fixture.draft(store.read(&id, &base).await.unwrap());
    draft.put(fixture.entity("tool"), tool("new", "x"));
    let lost = fixture.apply_on(&store, &id, &branch, &base, &draft.finish().unwrap(), None).await.hash;
    let prefix = &lost.as_str()[..7];
    assert_eq!(store.commits_by_prefix(&id, prefix).await.unwrap(), std::slice::from_ref(&lost));
    store.branch_delete(&id, &branch, &lost).await.unwrap();
    store.keep_drop(&id, &lost).await.unwrap();
    assert_eq!(store.commit(&id, &lost).await.unwrap(), None);
    assert_eq!(store.commits_by_prefix(&id, prefix).await.unwrap(), []);
    assert!(matches!(store.read(&id, &lost).await, Err(StoreError::UnknownCommit(_))));
    assert!(matches!(store.log(&id, &lost, 1).await, Err(StoreError::UnknownCommit(_))));
    assert!(matches!(store.branch_create(&id, &branch, &lost).await, Err(StoreError::UnknownCommit(_))));
    assert!(store.commit(&id, &base).await.unwrap().is_some());
}

#[tokio::test]
async fn names_that_engines_stumble_over_are_branches_like_others() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (id, head) = fixture.create(&store, "p1").await;
    let long = "L".repeat(255);
    let names = ["Side", "side", "-x", "working", "a/.b.lock", "a", "a/b", "v1.0", &long];
    for name in names {
        let name = BranchName::new(name).unwrap();
        store.branch_create(&id, &name, &head).await.unwrap();
        let mut draft = fixture.draft(store.read(&id, &head).await.unwrap());
        draft.put(fixture.entity("tool"), tool("new", name.as_str()));
        let commit = fixture.apply_on(&store, &id, &name, &head, &draft.finish().unwrap(), None).await;
        assert_eq!(store.branch_head(&id, &name).await.unwrap(), Some(commit.hash));
        let again = store.branch_create(&id, &name, &head).await;
        assert!(matches!(again, Err(StoreError::RefExists(_))), "{again:?}");
    }
    let branches = store.branches(&id).await.unwrap();
    assert_eq!(branches.len(), names.len() + 1);
    assert!(branches.is_sorted_by(|a, b| a.name < b.name));
    assert_eq!(branches.iter().filter(|branch| branch.head == head).count(), 1, "only main stayed");
}

#[tokio::test]
async fn backups_hold_the_history_and_restore_it() {
    let fixture = Fixture::new();
    let store = fixture.store();
    let (id, first) = fixture.create(&store, "p1").await;
    let backup = fixture.directory().join("backup.db");
    store.backup(&id, &backup).await.unwrap();
    assert!(store.backup(&id, &backup).await.is_err(), "a backup replaces nothing");
    let mut draft = fixture.draft(store.read(&id, &first).await.unwrap());
    draft.put(fixture.entity("tool"), tool("new", "x"));
    let second = fixture.apply(&store, &id, &first, draft).await;
    store.gc(&id).await.unwrap();
    assert!(store.size(&id).await.unwrap() > 0);
    store.restore(&id, &backup).await.unwrap();
    assert_eq!(store.branch_head(&id, &BranchName::main()).await.unwrap(), Some(first.clone()));
    assert!(matches!(store.read(&id, &second).await, Err(StoreError::UnknownCommit(_))));
    assert_eq!(store.read(&id, &first).await.unwrap().row_count(), 2);
    for damaged in ["CTLD and then nothing of use", ""] {
        fs::write(&backup, damaged).unwrap();
        assert!(store.restore(&id, &backup).await.is_err());
    }
    assert_eq!(store.branch_head(&id, &BranchName::main()).await.unwrap(), Some(first), "a bad copy changes nothing");
    let left: Vec<_> = fs::read_dir(fixture.directory()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains('~')), "{left:?}");
}
