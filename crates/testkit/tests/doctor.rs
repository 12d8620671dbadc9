//! `doctor` finds what is wrong on every engine, and mends what can be mended.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::json;
use tempfile::TempDir;
use understory::sql::{Database, Engine, Open};
use understory::{Diagnosis, FindingKind, Options, Permission, Principal, Understory, WriteOptions};
use understory_testkit::servers::{FreshDatabase, TestServer};

/// Both stores, and ways to reach them past the program.
struct Place {
    home: TempDir,
    /// DoltGres and PostgreSQL; files if there are none.
    servers: Option<[FreshDatabase; 2]>,
}

impl Place {
    fn in_files() -> Self {
        Self { home: tempfile::tempdir().unwrap(), servers: None }
    }

    async fn on_servers(test: &str) -> Option<Self> {
        let test = format!("doctor, {test}");
        let manage = TestServer::DoltGres.database(&test).await.unwrap()?;
        let runtime = TestServer::Postgres.database(&test).await.unwrap()?;
        Some(Self { home: tempfile::tempdir().unwrap(), servers: Some([manage, runtime]) })
    }

    async fn open(&self) -> Understory {
        let mut options = Options::new(self.home.path());
        if let Some([manage, runtime]) = &self.servers {
            options.manage_url = Some(manage.url());
            options.runtime_url = Some(runtime.url());
            options.pool_size = 4;
            options.migrate_servers = true;
        }
        Understory::open(options).await.unwrap()
    }

    /// With one project, `acme/shop`; its uid.
    async fn open_with_project(&self) -> (Understory, String) {
        let app = self.open().await;
        let body = json!({ "id": "shop", "name": "Shop", "models": { "base": { "model": "m" } } });
        app.project_create(&Principal::system(), "acme", body, WriteOptions::default()).await.unwrap();
        let uid = app.project(&Principal::system(), Permission::Edit, "acme", "shop").await.unwrap().id().uid.clone();
        (app, uid)
    }

    /// Runs statements on the runtime store.
    async fn runtime(&self, sql: &str) {
        match &self.servers {
            Some([_, runtime]) => runtime.batch(sql).await.unwrap(),
            None => {
                let open = Open { engine: Engine::Stock, create: false, read_only: false };
                Database::open(&self.home.path().join("runtime.db"), open).unwrap().batch(sql).unwrap();
            }
        }
    }

    /// Runs statements on a branch of a project of the versioned store.
    async fn manage(&self, uid: &str, sql: &str) {
        match &self.servers {
            Some([manage, _]) => {
                let branch = format!("use \"{}/acme_shop_{uid}_main\"", manage.url().database());
                manage.batch(&format!("{branch}; {sql}")).await.unwrap();
            }
            None => {
                let file = self.home.path().join("projects").join(format!("{uid}.db"));
                Database::open_at(&file, "main", false).unwrap().batch(sql).unwrap();
            }
        }
    }

    /// Copies a project's data under another uid.
    async fn copy_data(&self, uid: &str, to: &str) {
        match &self.servers {
            Some([manage, _]) => {
                let copy = format!("select dolt_branch('acme_shop_{to}_main', 'acme_shop_{uid}_main')");
                manage.batch(&copy).await.unwrap();
            }
            None => {
                let file = |uid: &str| self.home.path().join("projects").join(format!("{uid}.db"));
                std::fs::copy(file(uid), file(to)).unwrap();
            }
        }
    }

    async fn drop_data(&self, uid: &str) {
        match &self.servers {
            Some([manage, _]) => {
                manage.batch(&format!("select dolt_branch('-D', 'acme_shop_{uid}_main')")).await.unwrap();
            }
            None => std::fs::remove_file(self.home.path().join("projects").join(format!("{uid}.db"))).unwrap(),
        }
    }
}

/// What was found, without what is only said.
fn found(diagnosis: &Diagnosis) -> Vec<(FindingKind, bool, &str)> {
    let findings = diagnosis.findings.iter();
    findings.map(|finding| (finding.kind, finding.fault, finding.place.as_str())).collect()
}

macro_rules! on_every_engine {
    ($($test:ident)+) => { $(
        mod $test {
            #[tokio::test(flavor = "multi_thread")]
            async fn files() {
                super::$test(&super::Place::in_files()).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn servers() {
                if let Some(place) = super::Place::on_servers(stringify!($test)).await {
                    super::$test(&place).await;
                }
            }
        }
    )+ };
}

on_every_engine! {
    healthy_data_have_no_findings
    missing_data_are_a_fault
    data_of_nobody_are_found_and_deleted
    data_are_kept_where_the_registry_knows_none_of_them
    changes_that_nobody_committed_are_found
    rows_that_break_a_law_are_found
    unfinished_work_is_noted_and_what_is_left_is_settled
}

async fn healthy_data_have_no_findings(place: &Place) {
    let (app, _) = place.open_with_project().await;
    let project = app.project(&Principal::system(), Permission::Edit, "acme", "shop").await.unwrap();
    project.branch_create("topic", None, None).await.unwrap();
    for fix in [false, true] {
        let diagnosis = app.doctor(fix).await.unwrap();
        assert_eq!((diagnosis.healthy, diagnosis.projects, diagnosis.branches), (true, 1, 2));
        assert_eq!(found(&diagnosis), []);
    }
}

async fn missing_data_are_a_fault(place: &Place) {
    let (app, uid) = place.open_with_project().await;
    drop(app);
    place.drop_data(&uid).await;
    let diagnosis = place.open().await.doctor(true).await.unwrap();
    assert!(!diagnosis.healthy);
    assert_eq!(found(&diagnosis), [(FindingKind::DataMissing, true, "acme/shop")]);
}

async fn data_of_nobody_are_found_and_deleted(place: &Place) {
    let (app, uid) = place.open_with_project().await;
    place.copy_data(&uid, "u9").await;
    assert_eq!(found(&app.doctor(false).await.unwrap()), [(FindingKind::DataOrphaned, true, "data u9")]);
    let mended = app.doctor(true).await.unwrap();
    assert_eq!((mended.healthy, found(&mended)), (true, vec![(FindingKind::Mended, false, "data u9")]));
    let after = app.doctor(false).await.unwrap();
    assert_eq!((found(&after), after.branches), (vec![], 1));
}

async fn data_are_kept_where_the_registry_knows_none_of_them(place: &Place) {
    let (app, _) = place.open_with_project().await;
    place.runtime("delete from project_metadata").await;
    for fix in [true, false] {
        let diagnosis = app.doctor(fix).await.unwrap();
        assert!(matches!(found(&diagnosis)[..], [(FindingKind::DataOrphaned, true, _)]), "{diagnosis:?}");
    }
}

async fn changes_that_nobody_committed_are_found(place: &Place) {
    let (app, uid) = place.open_with_project().await;
    place.manage(&uid, "update projects set name = 'by hand'").await;
    let diagnosis = app.doctor(true).await.unwrap();
    assert_eq!(found(&diagnosis), [(FindingKind::BranchDirty, true, "acme/shop main")]);
    place.manage(&uid, "update projects set name = 'Shop'").await;
    assert!(app.doctor(false).await.unwrap().healthy);
}

async fn rows_that_break_a_law_are_found(place: &Place) {
    let (app, uid) = place.open_with_project().await;
    let sub_agent = "insert into sub_agents (tenant_id, project_id, agent_id, id, name, created_at, updated_at) \
        values ('acme', 'shop', 'nobody', 's', 's', '2026-01-01 00:00:00.000', '2026-01-01 00:00:00.000')";
    place.manage(&uid, &format!("{sub_agent}; select dolt_commit('-A', '-m', 'by hand')")).await;
    let diagnosis = app.doctor(true).await.unwrap();
    assert_eq!(found(&diagnosis), [(FindingKind::LawBroken, true, "acme/shop main")]);
    assert!(diagnosis.findings[0].what.contains("nobody"), "{diagnosis:?}");
}

async fn unfinished_work_is_noted_and_what_is_left_is_settled(place: &Place) {
    let (app, _) = place.open_with_project().await;
    // Not noticed as dead before the test has ended.
    let alive = "insert into replicas (id, beats, name, created_at, updated_at) values ('r1', 1, 'host:1', '2026-01-01 00:00:00', '2026-01-01 00:00:00')";
    let intent = |id: &str, owner: &str| {
        format!(
            "insert into intents (tenant_id, id, kind, project_id, payload, created_at, owner) values \
             ('acme', '{id}', 'project_creation', '{id}', '{{\"uid\":\"{id}\"}}', '2026-01-01 00:00:00.000', '{owner}')"
        )
    };
    place.runtime(alive).await;
    place.runtime(&intent("doing", "r1")).await;
    assert_eq!(found(&app.doctor(false).await.unwrap()), [(FindingKind::IntentOpen, false, "acme/doing")]);
    // On servers it may be settled before it is seen.
    place.runtime(&intent("left", "dead")).await;
    let diagnosis = app.doctor(false).await.unwrap();
    assert!(diagnosis.healthy || found(&diagnosis).contains(&(FindingKind::IntentOpen, true, "acme/left")));
    let mended = app.doctor(true).await.unwrap();
    assert!(mended.healthy && found(&mended).contains(&(FindingKind::IntentOpen, false, "acme/doing")));
    assert!(place.servers.is_some() || found(&mended).contains(&(FindingKind::Mended, false, "acme/left")));
    assert_eq!(found(&app.doctor(false).await.unwrap()), [(FindingKind::IntentOpen, false, "acme/doing")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_left_aside_are_noted() {
    let Some(place) = Place::on_servers("branches_left_aside").await else { return };
    let (app, uid) = place.open_with_project().await;
    let [manage, _] = place.servers.as_ref().unwrap();
    manage.batch(&format!("select dolt_branch('acme_shop_{uid}_=50', 'main')")).await.unwrap();
    let diagnosis = app.doctor(true).await.unwrap();
    let name = format!("acme_shop_{uid}_=50");
    assert_eq!((diagnosis.healthy, found(&diagnosis)), (true, vec![(FindingKind::BranchLeftOver, false, &name[..])]));
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_are_found() {
    let place = Place::in_files();
    let (app, uid) = place.open_with_project().await;
    drop(app);
    std::fs::write(place.home.path().join("projects").join(format!("{uid}.db")), "something else").unwrap();
    let diagnosis = place.open().await.doctor(true).await.unwrap();
    assert!(found(&diagnosis).iter().all(|finding| *finding == (FindingKind::DataDamaged, true, "acme/shop")));
    assert!(!diagnosis.healthy);
}
