//! What the conformance suite in `testkit` cannot see from outside: statements, and transactions that fail.

use tempfile::TempDir;
use understory_sql::postgres::{POOL_SIZE, Pool};
use understory_sql::{Database, Engine, Migrations, Open, SqlValue, Store};
use understory_testkit::servers::{FreshDatabase, TestServer};

use super::*;

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(dir: &TempDir) -> RuntimeStore {
    RuntimeStore::open(dir.path(), &Migrations::embedded().unwrap()).unwrap()
}

/// A store on each server that is there for tests.
async fn on_servers(test: &str) -> Vec<(FreshDatabase, RuntimeStore)> {
    let mut stores = Vec::new();
    for server in [TestServer::Postgres, TestServer::Postgres16] {
        let Some(database) = server.database(&format!("runtime, {test}")).await.unwrap() else { continue };
        let migrations = Migrations::embedded().unwrap();
        let store = RuntimeStore::connect(&database.url(), POOL_SIZE, &migrations, Migrate::Run).await.unwrap();
        stores.push((database, store));
    }
    stores
}

fn statements() -> Vec<&'static str> {
    let intents = [intent::SQL, intent::REF_CHANGE_SQL].concat();
    let registry = [tenant::SQL, project::SQL, &intents, key::SQL, idempotency::SQL, setting::SQL].concat();
    let chat =
        [&conversation::sql()[..], message::SQL, event::SQL, generation::SQL, feedback::SQL, audit::SQL, task::SQL]
            .concat();
    let people = [user::SQL, user_profile::SQL, membership::SQL, invitation::SQL, session::SQL, api_key::SQL].concat();
    [&registry, replica::SQL, alias::SQL, &chat, &people, agent_status::SQL].concat()
}

#[test]
fn the_migrations_make_the_tables_of_the_model() {
    let model = understory_model::Model::built_in().unwrap();
    let wanted = understory_model::SchemaShape::of_runtime(model.runtime_entities());
    assert_eq!(Migrations::embedded().unwrap().shape(Store::Runtime), wanted, "write a migration");
}

#[test]
fn hashes_of_requests_tell_their_parts_apart() {
    assert_eq!(request_hash("POST", "/a", b"b"), request_hash("POST", "/a", b"b"));
    assert_ne!(request_hash("POST", "/a", b"b"), request_hash("POST", "/ab", b""));
    assert_ne!(request_hash("PUT", "/a", b"b"), request_hash("POST", "/a", b"b"));
}

async fn a_failed_write_leaves_nothing(store: &RuntimeStore) {
    let failed: RuntimeResult<()> = store
        .write(|db| {
            db.execute("insert into tenants (tenant_id, created_at) values ('a', '2020-01-01 00:00:00.000')", &[])?;
            Err(RuntimeError::corrupt("on purpose"))
        })
        .await;
    assert!(matches!(failed, Err(RuntimeError::Corrupt { .. })));
    assert_eq!(store.tenant_list().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_failed_write_leaves_nothing_on_any_engine() {
    a_failed_write_leaves_nothing(&open(&directory())).await;
    for (_database, store) in on_servers("a_failed_write_leaves_nothing").await {
        a_failed_write_leaves_nothing(&store).await;
    }
}

#[tokio::test]
async fn a_backup_is_a_whole_store_of_the_same_format() {
    let (dir, copy) = (directory(), directory());
    let store = open(&dir);
    store.tenant_ensure("acme").await.unwrap();
    let to = copy.path().join(RUNTIME_FILE);
    store.backup(&to).await.unwrap();
    store.tenant_ensure("later").await.unwrap();
    assert!(store.backup(&to).await.is_err(), "a backup replaces nothing");
    Database::open(&to, Open { engine: Engine::Stock, create: false, read_only: true }).unwrap();
    let restored = open(&copy);
    assert_eq!(restored.tenant_list().await.unwrap(), ["acme"]);
    assert_eq!(restored.integrity_check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_is_no_postgresql_is_refused() {
    let Some(address) = TestServer::DoltGres.address("runtime, a_server_that_is_no_postgresql_is_refused") else {
        return;
    };
    let url = understory_sql::postgres::ServerUrl::parse(&address).unwrap();
    let refused = RuntimeStore::connect(&url, 1, &Migrations::embedded().unwrap(), Migrate::Run).await;
    let told = refused.err().unwrap().to_string();
    assert!(told.starts_with("the runtime store wants PostgreSQL; this is DoltGres "), "{told}");
}

/// Clocks of replicas differ. Times that they wrote are compared only to forget what is days old.
#[test]
fn times_of_clocks_decide_nothing_but_what_is_old() {
    for sql in statements() {
        let condition = sql.split_once(" where ").map_or("", |(_, after)| after);
        // A place in the order in which conversations are listed is no decision.
        let condition = condition.split(" order by ").next().unwrap_or_default().replace("(updated_at, id) <", "");
        // Nor is the span of time that somebody asks for.
        let condition = condition.replace("created_at between ? and ?", "");
        let reads_a_clock = condition.contains("created_at") || condition.contains("updated_at");
        assert_eq!(reads_a_clock, sql.starts_with("delete from") && condition.contains("created_at < ?"), "{sql}");
    }
}

/// Queries that serve the whole server, and so read a whole table.
const WHOLE_TABLES: &[&str] = &[
    "from tenants order by",
    "from project_metadata order by",
    "from keys order by",
    "from \"user\" order by",
    "from \"user\" limit 1",
    "from replicas order by",
    "from replicas where id <> ?",
    "from generations where not exists",
];

/// Queries that serve the whole server though their table is split by tenants.
const OF_ALL_TENANTS: &[&str] = &["from project_metadata order by", "from intents where done_at is null"];

#[tokio::test]
async fn every_statement_is_prepared_begins_with_the_tenant_and_uses_an_index() {
    let dir = directory();
    let store = open(&dir);
    for sql in statements() {
        let parameters = vec![SqlValue::Null; sql.matches('?').count()];
        let explain =
            move |db: &dyn understory_sql::Statements| Ok(db.query(&format!("explain query plan {sql}"), &parameters)?);
        let plan = store.write(explain).await.unwrap();
        let scans = plan.iter().filter_map(|row| row.last()?.text()).any(|step| step.starts_with("SCAN"));
        let one_of = |parts: &[&str]| parts.iter().any(|part| sql.contains(part));
        assert_eq!(scans, one_of(WHOLE_TABLES), "{sql}: {plan:?}");
        let of_tenants = ["project_metadata", "intents", "commit_aliases"].iter().any(|table| sql.contains(table));
        let tenant_first = one_of(&["where tenant_id = ?", "(tenant_id, id, ", "(tenant_id, project_id, "]);
        assert!(!of_tenants || one_of(OF_ALL_TENANTS) || tenant_first, "{sql}");
    }
}

#[tokio::test]
async fn every_statement_is_prepared_on_servers() {
    for (database, _store) in on_servers("every_statement_is_prepared").await {
        let pool = Pool::new(&database.url(), 1, true).unwrap();
        let connection = pool.connection().await.unwrap();
        connection.begin(understory_sql::postgres::Isolation::Serializable).await.unwrap();
        for sql in statements() {
            connection.batch("savepoint before").await.unwrap();
            // With nulls alone an insert breaks a rule: the statement itself was understood.
            let parameters = vec![SqlValue::Null; sql.matches('?').count()];
            let answer = connection.query(sql, &parameters).await;
            let understood = matches!(answer, Ok(_) | Err(understory_sql::SqlError::Constraint { .. }));
            assert!(understood, "{sql}: {answer:?}");
            connection.batch("rollback to savepoint before").await.unwrap();
        }
    }
}
