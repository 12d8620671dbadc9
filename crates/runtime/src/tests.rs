use std::time::Duration;

use tempfile::TempDir;
use understory_sql::{Database, Engine, Migrations, Open, SqlValue, Store};

use super::*;

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(dir: &TempDir) -> RuntimeStore {
    RuntimeStore::open(dir.path(), &Migrations::embedded().unwrap()).unwrap()
}

async fn create(store: &RuntimeStore, tenant: &str, id: &str) -> ProjectRecord {
    let intent = store.project_creation_begin(tenant, id, &format!("uid-{tenant}-{id}")).await.unwrap();
    store.project_creation_finish(&intent).await.unwrap()
}

fn claim(key: &str, body: &str) -> ClaimRequest {
    ClaimRequest {
        principal: "system".into(),
        key: key.into(),
        request_hash: request_hash("POST", "/x", body.as_bytes()),
        expected_head: Some("head".into()),
    }
}

#[test]
fn the_migrations_make_the_tables_of_the_model() {
    let model = understory_model::Model::built_in().unwrap();
    let wanted = understory_model::SchemaShape::of_runtime(model.runtime_entities());
    assert_eq!(Migrations::embedded().unwrap().shape(Store::Runtime), wanted, "write a migration");
}

#[tokio::test]
async fn a_store_of_a_newer_program_is_refused() {
    let dir = directory();
    let store = open(&dir);
    let newer = "insert into understory_migrations (name, checksum, applied_at) values ('9999_later', 'x', 'y')";
    store.write(move |db| Ok(db.execute(newer, &[])?)).await.unwrap();
    let refused = RuntimeStore::open(dir.path(), &Migrations::embedded().unwrap());
    assert!(matches!(refused, Err(RuntimeError::Schema(error)) if error.name == "9999_later"));
}

#[tokio::test]
async fn tenants_are_made_once_and_listed() {
    let dir = directory();
    let store = open(&dir);
    assert!(!store.tenant_exists("acme").await.unwrap());
    for tenant in ["acme", "zeta", "acme"] {
        store.tenant_ensure(tenant).await.unwrap();
    }
    assert_eq!(store.tenant_list().await.unwrap(), ["acme", "zeta"]);
}

#[tokio::test]
async fn a_created_project_is_found_in_its_tenant_only() {
    let dir = directory();
    let store = open(&dir);
    let record = create(&store, "acme", "shop").await;
    assert_eq!(record.main_branch_name, "acme_shop_main");
    assert_eq!(store.project_get("acme", "shop").await.unwrap(), Some(record));
    assert_eq!(store.project_get("other", "shop").await.unwrap(), None);
    assert_eq!(store.tenant_list().await.unwrap(), ["acme"]);
    assert_eq!(store.intent_list().await.unwrap(), []);
}

#[tokio::test]
async fn pages_of_projects_know_the_total() {
    let dir = directory();
    let store = open(&dir);
    for id in ["c", "a", "b"] {
        create(&store, "acme", id).await;
    }
    create(&store, "other", "x").await;
    let page = async |page, limit| {
        let (projects, total) = store.project_list("acme", page, limit).await.unwrap();
        (projects.into_iter().map(|project| project.id).collect::<Vec<_>>().join(""), total)
    };
    assert_eq!(page(1, 2).await, ("ab".into(), 3));
    assert_eq!(page(2, 2).await, ("c".into(), 3));
    assert_eq!(page(3, 2).await, (String::new(), 3));
    assert_eq!(page(u32::MAX, u32::MAX).await, (String::new(), 3));
    assert_eq!(store.project_list_all().await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_registered_project_is_not_created_again() {
    let dir = directory();
    let store = open(&dir);
    let one = store.project_creation_begin("acme", "shop", "u1").await.unwrap();
    let two = store.project_creation_begin("acme", "shop", "u2").await.unwrap();
    let record = store.project_creation_finish(&one).await.unwrap();
    assert_eq!(store.project_creation_finish(&one).await.unwrap(), record, "done again");
    assert!(matches!(store.project_creation_finish(&two).await, Err(RuntimeError::Exists { .. })));
    assert_eq!(
        store.intent_list().await.unwrap(),
        std::slice::from_ref(&two),
        "the loser's data is still to be removed"
    );
    store.project_creation_abandon(&two).await.unwrap();
    assert!(matches!(
        store.project_creation_begin("acme", "shop", "u3").await,
        Err(RuntimeError::Exists { what }) if what == "project acme/shop"
    ));
    assert_eq!(store.intent_list().await.unwrap(), []);
}

#[tokio::test]
async fn an_abandoned_creation_cannot_be_finished() {
    let dir = directory();
    let store = open(&dir);
    let intent = store.project_creation_begin("acme", "shop", "u1").await.unwrap();
    store.project_creation_abandon(&intent).await.unwrap();
    assert!(matches!(store.project_creation_finish(&intent).await, Err(RuntimeError::Intent { .. })));
    assert_eq!(store.project_get("acme", "shop").await.unwrap(), None);
    assert!(!store.tenant_exists("acme").await.unwrap());
}

#[tokio::test]
async fn intents_survive_a_crash() {
    let dir = directory();
    let intent = open(&dir).project_creation_begin("acme", "shop", "u1").await.unwrap();
    let store = open(&dir);
    assert_eq!(store.intent_list().await.unwrap(), std::slice::from_ref(&intent));
    assert_eq!(store.project_creation_finish(&intent).await.unwrap().uid, "u1");
}

#[tokio::test]
async fn a_deletion_is_committed_when_it_begins() {
    let dir = directory();
    let store = open(&dir);
    assert_eq!(store.project_deletion_begin("acme", "shop").await.unwrap(), None);
    let project = create(&store, "acme", "shop").await;
    let intent = store.project_deletion_begin("acme", "shop").await.unwrap().unwrap();
    assert_eq!(intent.kind, IntentKind::ProjectDeletion { uid: project.uid });
    drop(store);
    let store = open(&dir);
    assert_eq!(store.project_get("acme", "shop").await.unwrap(), None);
    assert_eq!(store.intent_list().await.unwrap(), std::slice::from_ref(&intent));
    assert!(matches!(store.project_creation_abandon(&intent).await, Err(RuntimeError::Intent { .. })));
    assert!(matches!(store.project_creation_finish(&intent).await, Err(RuntimeError::Intent { .. })));
    let again = store.project_creation_begin("acme", "shop", "u2").await.unwrap();
    store.project_creation_finish(&again).await.unwrap();
    for _ in 0..2 {
        store.intent_done(&intent).await.unwrap();
    }
    assert_eq!(store.intent_list().await.unwrap(), []);
    assert_eq!(store.project_get("acme", "shop").await.unwrap().unwrap().uid, "u2");
}

#[tokio::test]
async fn an_intent_that_does_not_read_back_is_damage_not_absence() {
    let dir = directory();
    let store = open(&dir);
    store.project_creation_begin("acme", "shop", "u1").await.unwrap();
    for damage in ["update intents set kind = 'unknown'", "update intents set payload = 'x'"] {
        store.write(move |db| Ok(db.execute(damage, &[])?)).await.unwrap();
        assert!(matches!(store.intent_list().await, Err(RuntimeError::Corrupt { .. })), "{damage}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_claims_at_once_one_is_new() {
    let dir = directory();
    let store = open(&dir);
    let tasks = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.idempotency_claim(claim("k", "body")).await.unwrap() })
    });
    let mut new = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Claim::New => new += 1,
            other => assert_eq!(other, Claim::Running),
        }
    }
    assert_eq!(new, 1);
}

#[tokio::test]
async fn a_finished_request_is_answered_again() {
    let dir = directory();
    let store = open(&dir);
    let answer = StoredAnswer { status: 201, headers: vec![("etag".into(), "\"1\"".into())], body: "{}".into() };
    assert_eq!(store.idempotency_claim(claim("k", "one")).await.unwrap(), Claim::New);
    store.idempotency_finish("system", "k", &answer).await.unwrap();
    store.idempotency_release("system", "k").await.unwrap();
    assert_eq!(store.idempotency_claim(claim("k", "one")).await.unwrap(), Claim::Done(answer));
    assert_eq!(store.idempotency_claim(claim("k", "two")).await.unwrap(), Claim::Mismatch);
    let other = ClaimRequest { principal: "ana".into(), ..claim("k", "two") };
    assert_eq!(store.idempotency_claim(other).await.unwrap(), Claim::New);
}

#[tokio::test]
async fn a_released_claim_is_new_again() {
    let dir = directory();
    let store = open(&dir);
    store.idempotency_claim(claim("k", "one")).await.unwrap();
    store.idempotency_release("system", "k").await.unwrap();
    assert_eq!(store.idempotency_claim(claim("k", "two")).await.unwrap(), Claim::New);
}

#[tokio::test]
async fn a_claim_cut_off_by_a_crash_is_resumed_once() {
    let dir = directory();
    open(&dir).idempotency_claim(claim("k", "one")).await.unwrap();
    let store = open(&dir);
    let repeat = ClaimRequest { expected_head: Some("later".into()), ..claim("k", "one") };
    let resumed = store.idempotency_claim(repeat.clone()).await.unwrap();
    assert_eq!(resumed, Claim::Resumed { expected_head: Some("head".into()) });
    assert_eq!(store.idempotency_claim(repeat).await.unwrap(), Claim::Running);
}

#[tokio::test]
async fn old_records_are_pruned_but_not_running_ones() {
    let dir = directory();
    let store = open(&dir);
    let answer = StoredAnswer { status: 200, headers: Vec::new(), body: String::new() };
    store.idempotency_claim(claim("done", "x")).await.unwrap();
    store.idempotency_finish("system", "done", &answer).await.unwrap();
    store.idempotency_claim(claim("running", "x")).await.unwrap();
    assert_eq!(store.idempotency_prune(Duration::from_secs(3600)).await.unwrap(), 0);
    // A record made in this very millisecond is not older than now.
    let made = understory_model::now();
    while understory_model::now() == made {
        std::hint::spin_loop();
    }
    assert_eq!(store.idempotency_prune(Duration::ZERO).await.unwrap(), 1);
    assert_eq!(store.idempotency_claim(claim("running", "x")).await.unwrap(), Claim::Running);
    assert_eq!(store.idempotency_claim(claim("done", "x")).await.unwrap(), Claim::New);
    assert_eq!(store.idempotency_prune(Duration::MAX).await.unwrap(), 0);
}

#[test]
fn hashes_of_requests_tell_their_parts_apart() {
    assert_eq!(request_hash("POST", "/a", b"b"), request_hash("POST", "/a", b"b"));
    assert_ne!(request_hash("POST", "/a", b"b"), request_hash("POST", "/ab", b""));
    assert_ne!(request_hash("PUT", "/a", b"b"), request_hash("POST", "/a", b"b"));
}

#[tokio::test]
async fn settings_are_kept_and_replaced() {
    let dir = directory();
    let store = open(&dir);
    assert_eq!(store.setting_get("a").await.unwrap(), None);
    for value in ["1", "2"] {
        store.setting_set("a", value).await.unwrap();
    }
    drop(store);
    assert_eq!(open(&dir).setting_get("a").await.unwrap().as_deref(), Some("2"));
}

#[tokio::test]
async fn a_failed_write_leaves_nothing() {
    let dir = directory();
    let store = open(&dir);
    let failed: RuntimeResult<()> = store
        .write(|db| {
            db.execute("insert into tenants (tenant_id, created_at) values ('a', 'x')", &[])?;
            Err(RuntimeError::corrupt("on purpose"))
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(store.tenant_list().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_backup_is_a_whole_store_of_the_same_format() {
    let (dir, copy) = (directory(), directory());
    let store = open(&dir);
    create(&store, "acme", "shop").await;
    let to = copy.path().join(RUNTIME_FILE);
    store.backup(&to).await.unwrap();
    create(&store, "acme", "later").await;
    assert!(store.backup(&to).await.is_err(), "a backup replaces nothing");
    Database::open(&to, Open { engine: Engine::Stock, create: false, read_only: true }).unwrap();
    let restored = open(&copy);
    assert_eq!(restored.project_list_all().await.unwrap().len(), 1);
    assert_eq!(restored.integrity_check().await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_table_is_an_error() {
    let dir = directory();
    let store = open(&dir);
    store.write(|db| Ok(db.batch("drop table project_metadata")?)).await.unwrap();
    assert!(matches!(store.project_get("acme", "shop").await, Err(RuntimeError::Storage(_))));
}

/// Queries that look for claims or serve the whole server, and so begin with no tenant and may read a whole table.
const OF_ALL_TENANTS: &[&str] = &[
    "from tenants order by",
    "from project_metadata order by",
    "from intents where done_at is null",
    "from keys order by",
];

#[tokio::test]
async fn every_statement_is_prepared_begins_with_the_tenant_and_uses_an_index() {
    let dir = directory();
    let store = open(&dir);
    let intents = [intent::SQL, intent::REF_CHANGE_SQL].concat();
    let all = [tenant::SQL, project::SQL, &intents, key::SQL, idempotency::SQL, setting::SQL].concat();
    for sql in all {
        let parameters = vec![SqlValue::Null; sql.matches('?').count()];
        let explain = move |db: &Database| Ok(db.query(&format!("explain query plan {sql}"), &parameters)?);
        let plan = store.write(explain).await.unwrap();
        let scans = plan.iter().filter_map(|row| row.last()?.text()).any(|step| step.starts_with("SCAN"));
        let of_all = OF_ALL_TENANTS.iter().any(|part| sql.contains(part));
        assert_eq!(scans, of_all, "{sql}: {plan:?}");
        let of_tenants = ["project_metadata", "intents"].iter().any(|table| sql.contains(table));
        let tenant_first = sql.contains("where tenant_id = ?") || sql.contains("(tenant_id, id, ");
        assert!(!of_tenants || of_all || tenant_first, "{sql}");
    }
}
