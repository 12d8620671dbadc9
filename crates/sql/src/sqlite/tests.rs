use std::fs;

use tempfile::TempDir;

use super::*;
use crate::ConstraintKind;

const STOCK: Open = Open { engine: Engine::Stock, create: true, read_only: false };
const DOLTLITE: Open = Open { engine: Engine::DoltLite, create: true, read_only: false };

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn values_round_trip_on_both_engines() {
    let dir = directory();
    for (name, open) in [("stock.db", STOCK), ("dolt.db", DOLTLITE)] {
        let db = Database::open(&dir.path().join(name), open).unwrap();
        db.batch("create table t (a text primary key, b integer, c real, d blob, e text)").unwrap();
        let row: Vec<SqlValue> =
            vec!["ä".into(), true.into(), 1.5.into(), vec![0u8, 255].into(), None::<String>.into()];
        assert_eq!(db.execute("insert into t values (?, ?, ?, ?, ?)", &row).unwrap(), 1);
        assert_eq!(db.query("select * from t", &[]).unwrap(), vec![row.clone()]);
        assert_eq!(db.query_row("select a from t where a = ?", &["ä".into()]).unwrap(), Some(vec!["ä".into()]));
        assert_eq!(db.query_row("select a from t where a = ?", &["b".into()]).unwrap(), None);
    }
}

#[test]
fn a_new_stock_file_is_a_durable_wal_file_with_foreign_keys() {
    let dir = directory();
    let path = dir.path().join("we?ird #%41 name.db");
    let db = Database::open(&path, STOCK).unwrap();
    let pragma = |name: &str| db.query_row(&format!("pragma {name}"), &[]).unwrap().unwrap().remove(0);
    assert_eq!(pragma("journal_mode"), "wal".into());
    assert_eq!(pragma("synchronous"), 2.into());
    assert_eq!(pragma("foreign_keys"), 1.into());
    assert!(path.exists());
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains(".new-")), "{names:?}");
    drop(db);
    Database::open(&path, Open { create: false, read_only: true, ..STOCK }).unwrap();
}

#[test]
fn files_that_are_not_ours_are_refused_and_left_alone() {
    let dir = directory();
    let path = dir.path().join("x.db");
    for content in [&b""[..], b"hello", b"SQLite format 3"] {
        fs::write(&path, content).unwrap();
        for open in [STOCK, DOLTLITE] {
            let error = Database::open(&path, open).unwrap_err();
            assert!(matches!(error, SqlError::NotOurs { .. }), "{error:?}");
        }
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    fs::remove_file(&path).unwrap();
    let stock = dir.path().join("stock.db");
    drop(Database::open(&stock, STOCK).unwrap());
    assert!(matches!(Database::open(&stock, DOLTLITE), Err(SqlError::NotOurs { .. })));
    assert!(matches!(Database::open(&path, Open { create: false, ..STOCK }), Err(SqlError::Missing { .. })));
    assert!(matches!(Database::open_at(&path, "main", false), Err(SqlError::Missing { .. })));
}

#[test]
fn errors_are_typed() {
    let dir = directory();
    for (name, open) in [("stock.db", STOCK), ("dolt.db", DOLTLITE)] {
        let db = Database::open(&dir.path().join(name), open).unwrap();
        db.batch("create table t (a text, b text not null, primary key (a, b))").unwrap();
        db.execute("insert into t values ('x', 'y')", &[]).unwrap();
        match db.execute("insert into t values ('x', 'y')", &[]).unwrap_err() {
            SqlError::Constraint { kind: ConstraintKind::Unique, columns, .. } => assert_eq!(columns, ["t.a", "t.b"]),
            other => panic!("{other:?}"),
        }
        match db.execute("insert into t values ('x', null)", &[]).unwrap_err() {
            SqlError::Constraint { kind: ConstraintKind::NotNull, columns, .. } => assert_eq!(columns, ["t.b"]),
            other => panic!("{other:?}"),
        }
        let missing = db.query("select * from nowhere", &[]).unwrap_err();
        assert!(matches!(&missing, SqlError::MissingTable { table, .. } if table == "nowhere"), "{missing:?}");
        let missing = db.query("select \"nothing\" from t", &[]).unwrap_err();
        assert!(matches!(&missing, SqlError::MissingColumn { .. }), "{missing:?}");
    }
}

#[test]
fn a_transaction_is_all_or_nothing() {
    let dir = directory();
    for (name, open) in [("stock.db", STOCK), ("dolt.db", DOLTLITE)] {
        let db = Database::open(&dir.path().join(name), open).unwrap();
        db.batch("create table t (a integer primary key)").unwrap();
        let count = || db.query_row("select count(*) from t", &[]).unwrap().unwrap()[0].integer().unwrap();
        let failed: Result<(), SqlError> = db.transaction(|db| {
            db.execute("insert into t values (1)", &[])?;
            db.execute("insert into t values (1)", &[])?;
            Ok(())
        });
        assert!(failed.unwrap_err().is_unique());
        assert!(!db.in_transaction());
        assert_eq!(count(), 0);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            db.transaction(|db| -> Result<(), SqlError> {
                db.execute("insert into t values (1)", &[])?;
                panic!("on purpose")
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(count(), 0);
        db.transaction(|db| db.execute("insert into t values (1)", &[])).unwrap();
        assert_eq!(count(), 1);
    }
}

#[test]
fn a_second_writer_is_told_busy() {
    let dir = directory();
    let path = dir.path().join("stock.db");
    let one = Database::open(&path, STOCK).unwrap();
    let two = Database::open(&path, STOCK).unwrap();
    two.batch("pragma busy_timeout = 10").unwrap();
    one.batch("create table t (a integer primary key); begin immediate").unwrap();
    assert!(two.batch("begin immediate").unwrap_err().is_retryable());
}

const BOUNDS: QueryLimits = QueryLimits { rows: 2, time: std::time::Duration::from_millis(200) };

#[test]
fn written_queries_are_answered_within_bounds() {
    let dir = directory();
    let path = dir.path().join("d.db");
    let db = Database::open(&path, DOLTLITE).unwrap();
    db.batch("create table t (a text primary key, b integer)").unwrap();
    db.batch("insert into t values ('x', 1), ('y', 2), ('z', 3)").unwrap();
    db.query("select dolt_commit('-A', '-m', 'one')", &[]).unwrap();
    drop(db);
    let ask = |query: &str| {
        Database::open(&path, Open { create: false, read_only: true, ..DOLTLITE }).unwrap().answer(query, BOUNDS)
    };
    let answer = ask("select a, b as n from t where b < 3 order by a -- and no more;").unwrap();
    assert_eq!((answer.columns, answer.more), (vec!["a".to_owned(), "n".to_owned()], false));
    assert_eq!(answer.rows, [[SqlValue::from("x"), 1.into()], ["y".into(), 2.into()]]);
    assert!(ask("select * from t").unwrap().more);
    for good in [
        "with x as (select 1) select * from x;",
        "values (1)",
        "explain query plan select * from t",
        "pragma table_info(t)",
        "select * from pragma_table_info('t')",
        "select message from dolt_log",
        "select count(*), max(upper(a)) from t",
        "select dolt_version()",
    ] {
        assert!(ask(good).is_ok(), "{good}: {:?}", ask(good));
    }
    let elsewhere = dir.path().join("elsewhere.db");
    for bad in [
        "",
        "selec",
        "select * from nowhere",
        "select 1; select 2",
        "delete from t",
        "pragma journal_mode = delete",
        "begin",
        "create temp table u (a)",
        "select dolt_branch('other')",
        "select \"DOLT_COMMIT\"('-A', '-m', 'x')",
        "select load_extension('x')",
        &format!("attach '{}' as e", elsewhere.display()),
        &format!("vacuum into '{}'", elsewhere.display()),
        "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n",
    ] {
        let answer = ask(bad);
        assert!(matches!(answer, Err(SqlError::Query { .. })), "{bad}: {answer:?}");
    }
    assert!(!elsewhere.exists());
}
