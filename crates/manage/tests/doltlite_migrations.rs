//! The DoltLite adapter across versions of the model.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use common::{Fixture, project};
use serde_json::{Value, json};
use tempfile::TempDir;
use understory_manage::doltlite::DoltLite;
use understory_manage::{Applied, BranchName, CommitHash, ConfigStore as _, ProjectId, Snapshot, StoreError};
use understory_model::{Key, Model, ModelFiles, Row, SchemaShape};
use understory_sql::migration::generate::write;
use understory_sql::{Database, Migrations, Store};

const PROJECT: &str = "entity = 'project'\ndoc = 'A project.'\nscope = 'tenant'\nid = 'given'\n";
const OLD: &str = "entity = 'note'\ndoc = 'A note.'\nscope = 'project'\n\
                   [columns.body]\ntype = 'text'\ndoc = 'What it says.'\n\
                   [columns.kind]\ntype = 'string'\nmax = 10\noptional = true\ndoc = 'Which kind.'\n";
const NEW: &str = "entity = 'note'\ndoc = 'A note.'\nscope = 'project'\n\
                   [columns.text]\ntype = 'text'\nwas = 'body'\ndoc = 'What it says.'\n\
                   [columns.kind]\ntype = 'string'\nmax = 20\noptional = true\ndoc = 'Which kind.'\n\
                   [columns.stars]\ntype = 'integer'\ndefault = 3\ndoc = 'How good.'\n\
                   [columns.tags]\ntype = 'json'\noptional = true\ndefault = ['a']\ndoc = 'Tags.'\n\
                   [columns.color]\ntype = 'string'\nmax = 10\noptional = true\ndoc = 'Colour.'\n";
const LABEL: &str = "entity = 'label'\ndoc = 'A label.'\nscope = 'project'\n";

/// An old program and a new one over one directory.
struct Versions {
    old: Fixture,
    new: Fixture,
    _model: TempDir,
}

impl Versions {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let old_model = model(dir.path(), &[("project", PROJECT), ("note", OLD)], "init");
        let new_model = model(dir.path(), &[("project", PROJECT), ("note", NEW), ("label", LABEL)], "more");
        let migrations = Migrations::default().with_dir(dir.path()).unwrap();
        let old = Fixture::with(old_model, migrations.up_to(Store::Manage, "ext/0001_init"));
        let new = old.becomes(new_model, migrations);
        Self { old, new, _model: dir }
    }

    /// A project made by the old program, with two notes.
    async fn project(&self) -> (ProjectId, CommitHash) {
        let mut draft = self.old.draft(Arc::default());
        draft.put(self.old.entity("project"), Row::new().with("tenant_id", "acme").with("id", "demo"));
        for id in ["a", "b"] {
            draft.put(self.old.entity("note"), note(id).with("body", id));
        }
        let changes = draft.finish().unwrap();
        let id = project("p1");
        let commit = self.old.store().project_create(&id, &changes, &self.old.meta("Create")).await.unwrap();
        (id, commit.hash)
    }

    async fn put_new(&self, store: &DoltLite, id: &ProjectId, head: &CommitHash, text: &str) -> Applied {
        let mut draft = self.new.draft(store.read(id, head).await.unwrap());
        draft.put(self.new.entity("note"), note("a").with("text", text).with("stars", 5));
        draft.put(self.new.entity("label"), note("l"));
        let changes = draft.finish().unwrap();
        store.apply(id, &BranchName::main(), head, &changes, None, &self.new.meta("Update")).await.unwrap()
    }
}

fn model(dir: &Path, files: &[(&str, &str)], name: &str) -> Model {
    fs::create_dir_all(dir.join("manage")).unwrap();
    for (entity, text) in files {
        fs::write(dir.join(format!("manage/{entity}.toml")), text).unwrap();
    }
    let model = Model::load(&ModelFiles::of_dir(dir).unwrap()).unwrap();
    let shape = SchemaShape::of_manage(model.entities());
    write(&dir.join("migrations"), Store::Manage, name, &shape).unwrap().unwrap();
    model
}

fn note(id: &str) -> Row {
    Row::new().with("tenant_id", "acme").with("project_id", "demo").with("id", id)
}

fn cell<'a>(snapshot: &'a Snapshot, id: &str, column: &str) -> &'a Value {
    snapshot.get("note", &Key::new(["acme", "demo", id])).unwrap().get(column)
}

fn committed(applied: Applied) -> understory_manage::Commit {
    match applied {
        Applied::Commit(commit) => commit,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn old_commits_read_in_todays_shape() {
    let versions = Versions::new();
    let (id, head) = versions.project().await;
    let store = versions.new.store();
    let rows = store.read(&id, &head).await.unwrap();
    assert_eq!(cell(&rows, "b", "text"), "b");
    assert_eq!((cell(&rows, "b", "stars"), cell(&rows, "b", "tags")), (&json!(3), &json!(["a"])));
    assert_eq!((cell(&rows, "b", "color"), cell(&rows, "b", "kind")), (&Value::Null, &Value::Null));
    assert!(rows.table("label").is_empty());
    let main = BranchName::main();
    assert!(store.needs_migration(&id, &main).await.unwrap());
    assert_eq!(store.branch_head(&id, &main).await.unwrap(), Some(head), "reading changes nothing");
}

#[tokio::test]
async fn a_write_migrates_its_branch_first() {
    let versions = Versions::new();
    let (id, head) = versions.project().await;
    let store = versions.new.store();
    let main = BranchName::main();
    let side = BranchName::new("side").unwrap();
    store.branch_create(&id, &side, &head).await.unwrap();
    let before = store.read(&id, &head).await.unwrap();
    let commit = committed(versions.put_new(&store, &id, &head, "new").await);
    let migration = store.commit(&id, &commit.parents[0]).await.unwrap().unwrap();
    assert_eq!(migration.parents, std::slice::from_ref(&head));
    assert_eq!(
        (migration.meta.author.name.as_str(), migration.meta.message.as_str()),
        ("understory", "Migrate to ext/0002_more")
    );
    let fresh = versions.new.store();
    assert_eq!(*fresh.read(&id, &migration.hash).await.unwrap(), *before, "a migration changes no row");
    assert_eq!(fresh.read(&id, &commit.hash).await.unwrap(), store.read(&id, &commit.hash).await.unwrap());
    assert_eq!(cell(&fresh.read(&id, &commit.hash).await.unwrap(), "a", "stars"), &json!(5));
    assert!(!store.needs_migration(&id, &main).await.unwrap());
    assert!(store.needs_migration(&id, &side).await.unwrap());
    assert_eq!(store.branch_head(&id, &side).await.unwrap(), Some(head.clone()));
    // The precondition is about the head before the migration.
    assert_eq!(versions.put_new(&store, &id, &head, "late").await, Applied::HeadMoved(commit.hash));
}

#[tokio::test]
async fn what_writes_nothing_migrates_nothing() {
    let versions = Versions::new();
    let (id, head) = versions.project().await;
    let store = versions.new.store();
    let main = BranchName::main();
    let none = versions.new.draft(store.read(&id, &head).await.unwrap()).finish().unwrap();
    let applied = store.apply(&id, &main, &head, &none, None, &versions.new.meta("x")).await.unwrap();
    assert_eq!(applied, Applied::Nothing);
    assert_eq!(store.branch_head(&id, &main).await.unwrap(), Some(head.clone()));
    let [(branch, migration)] = store.migrate(&id).await.unwrap().try_into().unwrap();
    assert_eq!(branch, main);
    assert_eq!(store.commit(&id, &migration.hash).await.unwrap(), Some(migration.clone()));
    assert_eq!(store.migrate(&id).await.unwrap(), []);
    assert_eq!(store.branch_head(&id, &main).await.unwrap(), Some(migration.hash));
}

#[tokio::test]
async fn branches_merge_whichever_of_them_is_migrated() {
    let versions = Versions::new();
    for migrated in [false, true] {
        let (id, base) = versions.project().await;
        let side = BranchName::new("side").unwrap();
        let old = versions.old.store();
        old.branch_create(&id, &side, &base).await.unwrap();
        let mut draft = versions.old.draft(old.read(&id, &base).await.unwrap());
        for note_id in ["a", "c"] {
            draft.put(versions.old.entity("note"), note(note_id).with("body", "side"));
        }
        let changes = draft.finish().unwrap();
        let mut theirs = versions.old.apply_on(&old, &id, &side, &base, &changes, None).await.hash;
        drop(old);
        let store = versions.new.store();
        if migrated {
            assert_eq!(store.migrate(&id).await.unwrap().len(), 2);
            theirs = store.branch_head(&id, &side).await.unwrap().unwrap();
        }
        let main_head = store.branch_head(&id, &BranchName::main()).await.unwrap().unwrap();
        let ours = committed(versions.put_new(&store, &id, &main_head, "main").await).hash;
        let mut draft = versions.new.draft(store.read(&id, &ours).await.unwrap());
        draft.put(versions.new.entity("note"), note("c").with("text", "both"));
        let changes = draft.finish().unwrap();
        let expected = store.read(&id, &ours).await.unwrap().after(&changes);
        let main = BranchName::main();
        let merged = versions.new.apply_on(&store, &id, &main, &ours, &changes, Some(&theirs)).await;
        assert_eq!(merged.parents, [ours, theirs]);
        assert_eq!(*versions.new.store().read(&id, &merged.hash).await.unwrap(), expected);
        // The other way round the target is the side, migrated by the merge if it was not.
        let head = store.branch_head(&id, &side).await.unwrap().unwrap();
        let mut draft = versions.new.draft(store.read(&id, &head).await.unwrap());
        draft.put(versions.new.entity("note"), note("c").with("text", "back"));
        let changes = draft.finish().unwrap();
        let expected = store.read(&id, &head).await.unwrap().after(&changes);
        let back = versions.new.apply_on(&store, &id, &side, &head, &changes, Some(&merged.hash)).await;
        assert_eq!(back.parents[1], merged.hash);
        assert_eq!(*versions.new.store().read(&id, &back.hash).await.unwrap(), expected);
        store.project_delete(&id).await.unwrap();
    }
}

#[tokio::test]
async fn a_failing_migration_leaves_the_whole_project_as_it_was() {
    let versions = Versions::new();
    let (good, bad) = (versions.project().await.0, project("p2"));
    let store = versions.new.store();
    let copy = versions.new.directory().join("copy.db");
    store.backup(&good, &copy).await.unwrap();
    store.restore(&bad, &copy).await.unwrap();
    let (main, side) = (BranchName::main(), BranchName::new("side").unwrap());
    let head = store.branch_head(&bad, &main).await.unwrap().unwrap();
    store.branch_create(&bad, &side, &head).await.unwrap();
    drop(store);
    // Somebody made the table by hand, on the branch that comes last.
    let db = Database::open_at(&versions.new.file("p2"), "side", false).unwrap();
    db.batch("create table labels (id text primary key)").unwrap();
    db.query("select dolt_commit('-A', '-m', 'by hand')", &[]).unwrap();
    db.close().unwrap();

    let store = versions.new.store();
    let by_hand = store.branch_head(&bad, &side).await.unwrap();
    let error = store.migrate(&bad).await.unwrap_err();
    assert!(matches!(error, StoreError::Engine { .. }), "{error:?}");
    assert_eq!(store.branch_head(&bad, &main).await.unwrap(), Some(head), "main was not migrated either");
    assert_eq!(store.branch_head(&bad, &side).await.unwrap(), by_hand);
    let left: Vec<_> = fs::read_dir(versions.new.directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path| !path.to_string_lossy().contains('~')), "{left:?}");
    assert_eq!(store.migrate(&good).await.unwrap().len(), 1, "the others proceed");
    // Once it is mended the next run goes on.
    drop(store);
    let db = Database::open_at(&versions.new.file("p2"), "side", false).unwrap();
    db.batch("drop table labels").unwrap();
    db.query("select dolt_commit('-A', '-m', 'mended')", &[]).unwrap();
    db.close().unwrap();
    assert_eq!(versions.new.store().migrate(&bad).await.unwrap().len(), 2);
}

#[tokio::test]
async fn changes_between_old_and_new_commits_are_told_in_todays_shape() {
    let versions = Versions::new();
    let (id, old) = versions.project().await;
    let store = versions.new.store();
    let commit = committed(versions.put_new(&store, &id, &old, "new").await);
    let expected = understory_manage::changed_rows(
        &store.read(&id, &old).await.unwrap(),
        &store.read(&id, &commit.hash).await.unwrap(),
    );
    let fresh = versions.new.store();
    assert_eq!(fresh.changes(&id, Some(&old), &commit.hash).await.unwrap(), expected);
    let migration = &commit.parents[0];
    assert_eq!(fresh.changes(&id, Some(&old), migration).await.unwrap(), [], "a migration changes no row");
    let own = fresh.changes(&id, Some(migration), &commit.hash).await.unwrap();
    assert_eq!(own.len(), 2);
    assert_eq!(own[1].before.as_ref().unwrap().get("stars"), &json!(3), "the default, not NULL");
}

#[tokio::test]
async fn changes_of_a_migrated_branch_are_told_while_main_is_not_migrated() {
    let versions = Versions::new();
    let (id, old) = versions.project().await;
    let store = versions.new.store();
    let side = BranchName::new("side").unwrap();
    store.branch_create(&id, &side, &old).await.unwrap();
    let mut draft = versions.new.draft(store.read(&id, &old).await.unwrap());
    draft.put(versions.new.entity("note"), note("a").with("text", "new").with("stars", 5));
    let changes = draft.finish().unwrap();
    let commit = versions.new.apply_on(&store, &id, &side, &old, &changes, None).await;
    let own = versions.new.store().changes(&id, Some(&commit.parents[0]), &commit.hash).await.unwrap();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].after.as_ref().unwrap().get("stars"), &json!(5));
}

#[tokio::test]
async fn an_older_program_says_what_it_does_not_know() {
    let versions = Versions::new();
    let (id, head) = versions.project().await;
    let commit = committed(versions.put_new(&versions.new.store(), &id, &head, "new").await);
    let old = versions.old.store();
    let mut draft = versions.old.draft(old.read(&id, &head).await.unwrap());
    draft.put(versions.old.entity("note"), note("a").with("body", "old"));
    let changes = draft.finish().unwrap();
    let main = BranchName::main();
    let refused = |error: StoreError| match error {
        StoreError::Migration { name, .. } => assert_eq!(name, "ext/0002_more"),
        other => panic!("{other:?}"),
    };
    refused(old.read(&id, &commit.hash).await.unwrap_err());
    refused(old.needs_migration(&id, &main).await.unwrap_err());
    refused(old.migrate(&id).await.unwrap_err());
    refused(old.apply(&id, &main, &commit.hash, &changes, None, &versions.old.meta("x")).await.unwrap_err());
    assert_eq!(old.branch_head(&id, &main).await.unwrap(), Some(commit.hash));
}

#[test]
fn a_model_that_no_migration_makes_is_refused() {
    let versions = Versions::new();
    let (model, migrations) = (Arc::clone(&versions.new.model), Arc::clone(&versions.old.migrations));
    let error = DoltLite::open(versions.new.directory(), model, migrations).unwrap_err().to_string();
    assert!(error.contains("understory model migration"), "{error}");
}
