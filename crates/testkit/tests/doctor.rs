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
    rows_that_name_what_is_not_there_are_found_and_deleted
    rows_are_kept_where_the_registry_knows_no_data
    a_message_that_nobody_makes_is_interrupted
    commits_that_are_not_there_are_told
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

const AT: &str = "'2026-01-01 00:00:00.000', '2026-01-01 00:00:00.000'";

fn conversation(project: &str) -> String {
    let columns =
        "(tenant_id, project_id, id, agent_id, active_sub_agent_id, messages, events, created_at, updated_at)";
    format!("insert into conversations {columns} values ('acme', '{project}', 'c', 'a', 's', 1, 1, {AT})")
}

fn message(conversation: &str, status: &str, commit: &str) -> String {
    let columns = "(tenant_id, project_id, id, conversation_id, position, role, content, visibility, message_type, metadata, \
        status, commit_hash, created_at, updated_at)";
    let said = r#"'{"text":""}', 'user-facing', 'chat', '{"streaming":true}'"#;
    let row = format!("'acme', 'shop', 'm', '{conversation}', 1, 'agent', {said}, '{status}', '{commit}', {AT}");
    format!("insert into messages {columns} values ({row})")
}

async fn head(app: &Understory) -> String {
    let project = app.project(&Principal::system(), Permission::Edit, "acme", "shop").await.unwrap();
    project.resolve("").await.unwrap().hash.to_string()
}

async fn rows_that_name_what_is_not_there_are_found_and_deleted(place: &Place) {
    let (app, _) = place.open_with_project().await;
    place.runtime(&conversation("shop")).await;
    place.runtime(&conversation("gone")).await;
    place.runtime(&message("gone", "complete", &head(&app).await)).await;
    let expected = [(FindingKind::RowsOrphaned, true, "acme/gone"), (FindingKind::RowsOrphaned, true, "acme/shop")];
    let diagnosis = app.doctor(false).await.unwrap();
    assert_eq!(found(&diagnosis), expected);
    let what: Vec<&str> = diagnosis.findings.iter().map(|finding| finding.what.as_str()).collect();
    let messages = "1 row of messages whose conversation is not there";
    assert_eq!(what, ["1 row of conversations whose project is not there", messages]);
    let mended = app.doctor(true).await.unwrap();
    let expected = expected.map(|(_, _, place)| (FindingKind::Mended, false, place));
    assert_eq!((mended.healthy, found(&mended)), (true, expected.to_vec()));
    assert_eq!(found(&app.doctor(false).await.unwrap()), []);
    let shop = app.project(&Principal::system(), Permission::Edit, "acme", "shop").await.unwrap();
    assert_eq!(shop.conversation("c").await.unwrap().messages, 1);
}

async fn rows_are_kept_where_the_registry_knows_no_data(place: &Place) {
    let (app, _) = place.open_with_project().await;
    place.runtime(&conversation("shop")).await;
    place.runtime("delete from project_metadata").await;
    for fix in [true, false] {
        let diagnosis = app.doctor(fix).await.unwrap();
        let place = (FindingKind::RowsOrphaned, true, "acme/shop");
        assert!(
            matches!(found(&diagnosis)[..], [(FindingKind::DataOrphaned, true, _), rows] if rows == place),
            "{diagnosis:?}"
        );
    }
}

async fn a_message_that_nobody_makes_is_interrupted(place: &Place) {
    let (app, _) = place.open_with_project().await;
    let commit = head(&app).await;
    place.runtime(&conversation("shop")).await;
    place.runtime(&message("c", "streaming", &commit)).await;
    let delta = r#"{"type":"delta","messageId":"m","text":"Hel"}"#;
    let columns = "(tenant_id, project_id, conversation_id, idx, data, is_final, created_at)";
    let zero = if place.servers.is_some() { "false" } else { "0" };
    let row = format!("('acme', 'shop', 'c', 1, '{delta}', {zero}, '2026-01-01 00:00:00.000')");
    place.runtime(&format!("insert into stream_chunks {columns} values {row}")).await;
    assert_eq!(found(&app.doctor(false).await.unwrap()), [(FindingKind::AnswerUnattended, true, "acme/shop")]);
    let mended = app.doctor(true).await.unwrap();
    assert_eq!((mended.healthy, found(&mended)), (true, vec![(FindingKind::Mended, false, "acme/shop")]));
    let shop = app.project(&Principal::system(), Permission::Edit, "acme", "shop").await.unwrap();
    let message = shop.message("m").await.unwrap();
    assert_eq!((message.status.as_str(), message.content), ("interrupted", json!({ "text": "Hel" })));
    assert_eq!(message.metadata.unwrap()["streaming"], false);
    assert_eq!(shop.conversation("c").await.unwrap().events, 2);
}

async fn commits_that_are_not_there_are_told(place: &Place) {
    let (app, _) = place.open_with_project().await;
    let commit = head(&app).await;
    place.runtime(&conversation("shop")).await;
    place.runtime(&message("c", "complete", &commit)).await;
    assert!(app.doctor(false).await.unwrap().healthy);
    for missing in ["00000000000000000000000000000000", "no hash"] {
        place.runtime(&format!("update messages set commit_hash = '{missing}'")).await;
        let diagnosis = app.doctor(true).await.unwrap();
        assert_eq!(found(&diagnosis), [(FindingKind::CommitMissing, true, "acme/shop")]);
        assert!(diagnosis.findings[0].what.contains(missing), "{diagnosis:?}");
    }
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
