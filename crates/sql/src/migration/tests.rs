use std::fs;

use serde_json::{Value, json};
use understory_model::{ColumnShape, SchemaShape, TableShape};

use super::generate::{GenerateError, check, drop_last, pending, release, write};
use super::*;
use crate::{Database, Engine, Open};

fn table(columns: &[(&str, &str, Option<Value>)]) -> TableShape {
    let column = |(name, ty, default): &(&str, &str, Option<Value>)| ColumnShape {
        name: (*name).into(),
        ty: (*ty).into(),
        optional: *name != "id" && default.is_none(),
        default: default.clone(),
        was: None,
    };
    TableShape {
        columns: columns.iter().map(column).collect(),
        key: vec!["id".into()],
        unique: vec![],
        indexes: vec![],
    }
}

fn shape(tables: &[(&str, TableShape)]) -> SchemaShape {
    SchemaShape { tables: tables.iter().map(|(name, table)| ((*name).to_owned(), table.clone())).collect() }
}

fn one() -> SchemaShape {
    shape(&[("a", table(&[("id", "id(255)", None), ("n", "string(10)", None)]))])
}

fn two() -> SchemaShape {
    let a = table(&[("id", "id(255)", None), ("n", "string(20)", None), ("on", "boolean", Some(json!(true)))]);
    shape(&[("a", a), ("b", table(&[("id", "id(255)", None)]))])
}

#[test]
fn the_built_in_migrations_load() {
    let embedded = Migrations::embedded().unwrap();
    assert_eq!(embedded.of(Store::Manage).first().map(|first| first.name.as_str()), Some("0001_init"));
}

#[test]
fn statements_end_with_a_semicolon_at_the_end_of_a_line() {
    let sql = "-- a; comment;\n-- more\ncreate table t (a text default 'x;y');\n\n-- only a comment\ndrop table t;\n";
    assert_eq!(statements(sql).collect::<Vec<_>>(), ["create table t (a text default 'x;y')", "drop table t"]);
    assert_eq!(statements("-- nothing to do\n").count(), 0);
}

#[test]
fn writing_dropping_and_releasing() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("migrations");
    let changelog = || fs::read_to_string(root.path().join("CHANGELOG.md")).unwrap();
    let first = write(&dir, Store::Manage, "init", &one()).unwrap().unwrap();
    assert_eq!(first.name, "0001_init");
    assert!(write(&dir, Store::Manage, "again", &one()).unwrap().is_none());
    assert!(pending(&dir, Store::Manage, &one()).unwrap().is_empty());
    assert_eq!(pending(&dir, Store::Manage, &two()).unwrap().changes.len(), 3);
    write(&dir, Store::Manage, "more", &two()).unwrap().unwrap();
    let before = "# Changelog\n\n## Unreleased\n\n- minor: `manage/0001_init`: new table a (2 columns)\n";
    let lines = "- patch: `manage/0002_more`: column a.n is now string(20)\n\
                 - patch: `manage/0002_more`: new column a.on (boolean)\n\
                 - minor: `manage/0002_more`: new table b (1 columns)\n";
    assert_eq!(changelog(), format!("{before}{lines}"));
    let applied = drop_last(&dir, Store::Manage, &["0002_more".into()]).unwrap_err();
    assert!(matches!(applied, GenerateError::InUse { .. }), "{applied}");
    assert_eq!(drop_last(&dir, Store::Manage, &["0001_init".into()]).unwrap(), "0002_more");
    assert_eq!(changelog(), before);
    assert_eq!(release(&dir).unwrap(), ["manage/0001_init"]);
    assert!(release(&dir).unwrap().is_empty());
    check(&dir).unwrap();
    let released = drop_last(&dir, Store::Manage, &[]).unwrap_err();
    assert!(matches!(released, GenerateError::InUse { .. }), "{released}");
    fs::write(first.path.join("sqlite.sql"), "select 1;\n").unwrap();
    assert!(check(&dir).unwrap_err().problem.contains("changed after its release"));
    fs::remove_dir_all(first.path).unwrap();
    assert!(check(&dir).unwrap_err().problem.contains("missing"));
}

#[test]
fn lines_go_to_the_unreleased_section() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("migrations");
    let path = root.path().join("CHANGELOG.md");
    fs::write(&path, "# Changes\n\n## 1.0.0\n\n- old\n").unwrap();
    write(&dir, Store::Runtime, "init", &one()).unwrap();
    let line = "- minor: `runtime/0001_init`: new table a (2 columns)\n";
    let expected = format!("# Changes\n\n## Unreleased\n\n{line}\n## 1.0.0\n\n- old\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    write(&dir, Store::Manage, "init", &one()).unwrap();
    let more = line.replace("runtime", "manage");
    let expected = format!("# Changes\n\n## Unreleased\n\n{line}{more}\n## 1.0.0\n\n- old\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn what_is_refused_writes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("migrations");
    for name in ["", "Add", "a-b", "../x"] {
        assert!(matches!(write(&dir, Store::Manage, name, &one()), Err(GenerateError::Name(_))), "{name}");
    }
    write(&dir, Store::Manage, "init", &two()).unwrap();
    let refused = write(&dir, Store::Manage, "less", &one()).unwrap_err();
    assert!(matches!(refused, GenerateError::Refused(_)), "{refused}");
    assert_eq!(fs::read_dir(dir.join("manage")).unwrap().count(), 1);
}

#[test]
fn a_users_migrations_run_after_the_built_in_ones() {
    let root = tempfile::tempdir().unwrap();
    write(&root.path().join("migrations"), Store::Manage, "init", &one()).unwrap();
    let built_in = Migrations::of_shapes(&shape(&[("z", table(&[("id", "id(255)", None)]))]), &shape(&[])).unwrap();
    let all = built_in.clone().with_dir(root.path()).unwrap();
    let names: Vec<_> = all.of(Store::Manage).iter().map(|migration| migration.name.as_str()).collect();
    assert_eq!(names, ["0001_init", "ext/0001_init"]);
    assert_eq!(all.shape(Store::Manage).tables.into_keys().collect::<Vec<_>>(), ["a", "z"]);
    assert_ne!(all.fingerprint(Store::Manage), built_in.fingerprint(Store::Manage));
    assert_eq!(all.up_to(Store::Manage, "0001_init").of(Store::Manage).len(), 1);
    fs::rename(root.path().join("migrations/manage/0001_init"), root.path().join("migrations/manage/0003_x")).unwrap();
    assert!(built_in.with_dir(root.path()).unwrap_err().problem.contains("0001_"));
}

#[test]
fn migrating_fills_the_ledger_and_refuses_one_from_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let open = Open { engine: Engine::Stock, create: true, read_only: false };
    let db = Database::open(&dir.path().join("x.db"), open).unwrap();
    let old = Migrations::of_shapes(&shape(&[]), &one()).unwrap();
    assert_eq!(migrated(&db, &old, Store::Runtime).unwrap(), ["0001_init"]);
    assert_eq!(migrated(&db, &old, Store::Runtime).unwrap(), [""; 0]);
    assert_eq!(ledger(&db).unwrap()[0].name, "0001_init");
    db.execute("insert into a values ('x', 'y')", &[]).unwrap();
    let other = Migrations::of_shapes(&shape(&[]), &two()).unwrap();
    let error = migrated(&db, &other, Store::Runtime).unwrap_err().to_string();
    assert!(error.contains("0001_init") && error.contains("another content"), "{error}");
    let error = migrated(&db, &Migrations::default(), Store::Runtime).unwrap_err().to_string();
    assert!(error.contains("newer program"), "{error}");
}

#[test]
fn checksums_tell_parts_apart() {
    assert_ne!(checksum(["ab", "c"]), checksum(["a", "bc"]));
}

fn migrated(db: &Database, migrations: &Migrations, store: Store) -> Result<Vec<String>, MigrateError> {
    db.transaction(|db| migrate_in_txn(db, migrations, store))
}
