//! Several processes, each with a data directory of its own, share the two databases.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use understory::manage::StoreError;
use understory::sql::postgres::{Pool, ServerUrl};
use understory::{Error, MixedStores, Options, Permission, Principal, RuntimeError, Understory, WriteOptions};
use understory_testkit::servers::{FreshDatabase, TestServer, shared_doltgres};

struct Shared {
    database: FreshDatabase,
    manage: ServerUrl,
    directories: [TempDir; 2],
}

impl Shared {
    fn options(&self, replica: usize) -> Options {
        Options {
            manage_url: Some(self.manage.clone()),
            runtime_url: Some(self.database.url()),
            pool_size: 4,
            migrate_servers: true,
            ..Options::new(self.directories[replica].path())
        }
    }

    async fn open(&self, replica: usize) -> Understory {
        Understory::open(self.options(replica)).await.unwrap()
    }

    async fn both(&self) -> [Understory; 2] {
        [self.open(0).await, self.open(1).await]
    }

    /// The first value of the first row.
    async fn ask(&self, sql: &str) -> Option<String> {
        let pool = Pool::new(&self.database.url(), 1, false).unwrap();
        let rows = pool.connection().await.unwrap().texts(sql).await.unwrap();
        rows.into_iter().next()?.into_iter().next()?
    }

    /// Waits until a query answers this.
    async fn becomes(&self, sql: &str, expected: &str) {
        let asked = async { while self.ask(sql).await.as_deref() != Some(expected) {} };
        tokio::time::timeout(Duration::from_secs(20), asked).await.unwrap_or_else(|_| panic!("{sql}: not {expected}"));
    }
}

/// A database on each PostgreSQL that is there for tests, beside one on DoltGres.
async fn shared(test: &str) -> Vec<Shared> {
    let test = format!("replicas, {test}");
    let mut shared = Vec::new();
    let Some(manage) = shared_doltgres(&test).await.unwrap() else { return shared };
    for server in [TestServer::Postgres, TestServer::Postgres16] {
        if let Some(database) = server.database(&test).await.unwrap() {
            let manage = manage.url();
            shared.push(Shared {
                database,
                manage,
                directories: [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()],
            });
        }
    }
    shared
}

fn project(id: &str) -> serde_json::Value {
    json!({ "id": id, "name": id, "models": { "base": { "model": "m" } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_admin_key_is_made_and_is_good_everywhere() {
    for place in shared("one_admin_key_is_made").await {
        let (one, two) = tokio::join!(place.open(0), place.open(1));
        let made: Vec<String> = [&one, &two].into_iter().filter_map(Understory::new_admin_key).collect();
        assert_eq!(made.len(), 1);
        for app in [&one, &two] {
            assert_eq!(app.authenticate(&made[0]).await.unwrap(), Principal::system());
        }
        let session = one.keys().session_key().reveal().to_owned();
        assert!(one.authenticate(&session).await.is_ok());
        assert!(two.authenticate(&session).await.is_err(), "a session is of one process");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_or_revoked_on_one_counts_on_the_other_at_once() {
    for place in shared("a_key_made_or_revoked").await {
        let [one, two] = place.both().await;
        let made = one.keys().key_create("ci").await.unwrap();
        let secret = made.secret.reveal();
        for app in [&two, &one, &two] {
            assert_eq!(app.authenticate(secret).await.unwrap().name, "ci");
        }
        let used = two.keys().key_list().await.unwrap()[0].last_used_at.clone();
        assert!(used.is_some());
        one.keys().key_revoke("ci").await.unwrap();
        assert!(matches!(two.authenticate(secret).await, Err(Error::Unauthorized)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_deleted_on_one_is_gone_on_the_other_at_once() {
    for place in shared("a_project_deleted").await {
        let [one, two] = place.both().await;
        let ana = Principal::system();
        one.project_create(&ana, "acme", project("shop"), WriteOptions::default()).await.unwrap();
        for _ in 0..2 {
            two.project(&ana, Permission::View, "acme", "shop").await.unwrap();
        }
        let again = two.project_create(&ana, "acme", project("shop"), WriteOptions::default()).await;
        assert!(matches!(again, Err(Error::Conflict(_))));
        one.project_delete(&ana, "acme", "shop").await.unwrap();
        assert!(matches!(two.project(&ana, Permission::View, "acme", "shop").await, Err(Error::NotFound { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_process_left_is_settled_by_a_running_one() {
    for place in shared("what_a_dead_process_left").await {
        let [_one, two] = place.both().await;
        two.leave().await;
        let left = "insert into intents (tenant_id, id, kind, project_id, payload, created_at, owner) values \
            ('acme', 'i1', 'project_creation', 'shop', '{\"uid\":\"u1\"}', '2020-01-01 00:00:00', 'dead')";
        place.database.batch(left).await.unwrap();
        place.becomes("select count(*) from intents", "0").await;
        assert_eq!(place.ask("select count(*) from replicas").await.as_deref(), Some("1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_living_process_does_is_not_settled_by_another_that_starts() {
    for place in shared("what_a_living_process_does").await {
        place.open(0).await.leave().await;
        let doing = "insert into replicas (id, beats, name, created_at, updated_at) values ('r1', 1, 'r1', '2020-01-01 00:00:00', '2020-01-01 00:00:00'); \
            insert into intents (tenant_id, id, kind, project_id, payload, created_at, owner) values \
            ('acme', 'i1', 'project_creation', 'shop', '{\"uid\":\"u1\"}', '2020-01-01 00:00:00', 'r1')";
        place.database.batch(doing).await.unwrap();
        let two = place.open(1).await;
        assert_eq!(place.ask("select count(*) from intents").await.as_deref(), Some("1"));
        two.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stops_lets_go_of_its_directory() {
    for place in shared("a_process_that_stops").await {
        for _ in 0..3 {
            let app = place.open(0).await;
            let pools = app.pools();
            assert_eq!(pools.len(), 4);
            assert!(pools.iter().all(|(name, pool)| pool.open > 0 || name.ends_with("ers")), "{pools:?}");
            app.leave().await;
            assert_eq!(place.ask("select count(*) from replicas").await.as_deref(), Some("0"));
        }
        place.open(0).await.leave().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_migrated_only_when_asked_for() {
    for place in shared("a_server_is_migrated_only").await {
        let cause = |refused| match refused {
            Err(Error::Internal(cause)) => cause,
            other => panic!("{:?}", other.err()),
        };
        let refused = cause(Understory::open(Options { migrate_servers: false, ..place.options(0) }).await);
        let manage = matches!(refused.downcast_ref(), Some(StoreError::Behind { .. }));
        // Another test may have migrated the versioned store, which all of them share.
        assert!(manage || matches!(refused.downcast_ref(), Some(RuntimeError::Behind { .. })), "{refused}");
        place.open(0).await;
        Understory::open(Options { migrate_servers: false, ..place.options(1) }).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_told_and_no_file_stands_in_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let absent = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = ServerUrl::parse(&format!("postgresql://me:secret@{absent}/d?sslmode=disable")).unwrap();
    let away = Options { manage_url: Some(url.clone()), runtime_url: Some(url), ..Options::new(dir.path()) };
    assert!(matches!(Understory::open(away.clone()).await.err(), Some(Error::Unavailable(_))));
    if let Some(manage) = shared_doltgres("replicas, a_server_that_is_away").await.unwrap() {
        let away = Options { manage_url: Some(manage.url()), migrate_servers: true, ..away };
        assert!(matches!(Understory::open(away).await.err(), Some(Error::Unavailable(_))));
    }
    assert!(!dir.path().join("runtime.db").exists() && !dir.path().join("projects").exists());
}

#[tokio::test]
async fn one_store_on_a_server_and_the_other_in_files_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let url = || Some(ServerUrl::parse("postgresql://127.0.0.1:1/d").unwrap());
    let options = || Options::new(dir.path().join("data"));
    for (options, missing) in [
        (Options { manage_url: url(), ..options() }, MixedStores::NoRuntimeUrl),
        (Options { runtime_url: url(), ..options() }, MixedStores::NoManageUrl),
    ] {
        let refused = Understory::open(options).await.err().unwrap();
        let Error::Internal(cause) = refused else { panic!("{refused:?}") };
        assert_eq!(cause.downcast_ref(), Some(&missing));
    }
    assert!(!dir.path().join("data").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_servers_is_refused_before_it_makes_anything() {
    for place in shared("a_backup_of_servers").await {
        let to = place.directories[1].path().join("copy");
        let refused = place.open(0).await.backup(&to).await.unwrap_err();
        assert!(matches!(&refused, Error::BadRequest(said) if said.contains("pg_dump")), "{refused:?}");
        assert!(!to.exists());
    }
}
