//! The library face: drafts, refs, races, intents, documents.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use serde_json::{Value, json};
use understory::model::{Entity, Row};
use understory::{Error, Options, Permission, Principal, Project, Understory, WriteOptions};

struct Home {
    app: Understory,
    dir: tempfile::TempDir,
}

impl Home {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let app = Understory::open(Options::new(dir.path())).await.unwrap();
        Self { app, dir }
    }

    async fn project(&self, id: &str) -> Project {
        let body = json!({ "id": id, "name": id, "models": { "base": { "model": "m" } } });
        let created = self.app.project_create(&Principal::system(), "acme", body, WriteOptions::default()).await;
        created.unwrap().value
    }

    /// Closes and opens again, as a restart does.
    async fn reopen(self) -> Self {
        let Self { app, dir } = self;
        drop(app);
        let app = Understory::open(Options::new(dir.path())).await.unwrap();
        Self { app, dir }
    }
}

fn tool(entity: &Entity, project: &str, id: &str) -> Row {
    let place = Row::new().with("tenant_id", "acme").with("project_id", project);
    let body = json!({ "id": id, "name": id, "config": { "type": "mcp", "mcp": { "server": { "url": "http://x" } } } });
    understory::model::decode_create(entity, &place, &body).unwrap().row
}

fn tool_entity(app: &Understory) -> Arc<Entity> {
    Arc::clone(app.model().entity("tool").unwrap())
}

#[tokio::test]
async fn several_changes_are_one_commit_with_author_and_message() {
    let home = Home::new().await;
    let project = home.project("p").await;
    let entity = tool_entity(&home.app);
    let written = project
        .with_ref("main", "Add tools", |draft| {
            for id in ["a", "b"] {
                draft.put(&entity, tool(&entity, "p", id));
            }
            Ok(())
        })
        .await
        .unwrap();
    let commit = written.commit.unwrap();
    assert_eq!((commit.meta.message.as_str(), commit.meta.author.name.as_str()), ("Add tools", "system"));
    assert_eq!(project.log("main", 10).await.unwrap().len(), 3);
    assert_eq!(project.view("main").await.unwrap().snapshot.table("tool").len(), 2);
}

#[tokio::test]
async fn a_failed_edit_leaves_no_trace() {
    let home = Home::new().await;
    let project = home.project("p").await;
    let before = project.resolve("main").await.unwrap().hash;
    let entity = tool_entity(&home.app);
    let refused = project
        .with_ref("main", "Never", |draft| {
            draft.put(&entity, tool(&entity, "p", "a"));
            Err::<(), _>("on second thoughts".into())
        })
        .await;
    assert!(matches!(refused, Err(Error::Unprocessable(_))));
    assert_eq!(project.resolve("main").await.unwrap().hash, before);
}

/// Nothing is locked while a draft is open: writing the same branch from inside one goes through, and the outer edit
/// runs again on what the inner one made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_draft_inside_one_cannot_deadlock() {
    let home = Home::new().await;
    let project = home.project("p").await;
    let entity = tool_entity(&home.app);
    let inner_once = std::sync::Once::new();
    let written = project
        .with_ref("main", "Outer", |draft| {
            inner_once.call_once(|| {
                let inner = project.with_ref("main", "Inner", |draft| {
                    draft.put(&entity, tool(&entity, "p", "inner"));
                    Ok(())
                });
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(inner)).unwrap();
            });
            draft.put(&entity, tool(&entity, "p", "outer"));
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(written.snapshot.table("tool").len(), 2);
    let messages: Vec<String> = project.log("main", 2).await.unwrap().into_iter().map(|entry| entry.message).collect();
    assert_eq!(messages, ["Outer", "Inner"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_on_one_branch_all_succeed_and_keep_apart() {
    let home = Home::new().await;
    let project = home.project("p").await;
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let (project, entity) = (project.clone(), tool_entity(&home.app));
        tasks.spawn(async move {
            for round in 0..4 {
                let id = format!("t{writer}-{round}");
                let edit = |draft: &mut understory::manage::Draft| {
                    draft.put(&entity, tool(&entity, "p", &id));
                    Ok(())
                };
                project.with_ref("main", id.clone(), edit).await.unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let log = project.log("main", 100).await.unwrap();
    assert_eq!(log.len(), 2 + 32);
    for entry in log.iter().filter(|entry| entry.message.starts_with('t')) {
        let (_, changes) = project.show(&entry.hash).await.unwrap();
        let keys: Vec<&String> = changes["tool"].keys().collect();
        assert_eq!((changes.len(), keys), (1, vec![&entry.message]), "a commit holds its own writer's row only");
    }
}

#[tokio::test]
async fn a_draft_written_on_a_branch_leaves_main_alone() {
    let home = Home::new().await;
    let project = home.project("p").await;
    project.branch_create("side", None, None).await.unwrap();
    let entity = tool_entity(&home.app);
    let edit = |draft: &mut understory::manage::Draft| {
        draft.put(&entity, tool(&entity, "p", "a"));
        Ok(())
    };
    project.with_ref("side", "Side", edit).await.unwrap();
    assert!(project.view("main").await.unwrap().snapshot.table("tool").is_empty());
    assert_eq!(project.view("acme_p_side").await.unwrap().snapshot.table("tool").len(), 1);
}

#[tokio::test]
async fn projects_outlive_restarts_and_deleted_ones_do_not() {
    let home = Home::new().await;
    home.project("kept").await;
    home.project("gone").await;
    home.app.project_delete(&Principal::system(), "acme", "gone").await.unwrap();
    let home = home.reopen().await;
    assert_eq!(home.app.projects().await.unwrap(), [("acme".to_owned(), "kept".to_owned())]);
    let again = home.project("gone").await;
    assert_eq!(again.log("main", 10).await.unwrap().len(), 2, "a project created again is another project");
}

/// A crash between the intent and the project's file drops the project; one after the file completes it.
#[tokio::test]
async fn creations_interrupted_by_a_crash_are_settled_at_start() {
    let home = Home::new().await;
    home.project("whole").await;
    let (data, registry) = (home.dir.path().to_owned(), home.dir.path().join("runtime.db"));
    let file = std::fs::read_dir(data.join("projects")).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.')).unwrap();
    let uid = file.file_stem().unwrap().to_string_lossy().into_owned();
    let Home { app, dir } = home;
    drop(app);
    let open = understory_sql::Open { engine: understory_sql::Engine::Stock, create: false, read_only: false };
    let db = understory_sql::Database::open(&registry, open).unwrap();
    db.batch("delete from project_metadata").unwrap();
    for (id, uid) in [("whole", uid.as_str()), ("nothing", "u0")] {
        let payload = json!({ "uid": uid }).to_string();
        let sql = "insert into intents (tenant_id, id, kind, project_id, payload, created_at) \
                   values ('acme', ?, 'project_creation', ?, ?, '2026-01-01 00:00:00.000')";
        db.execute(sql, &[uid.into(), id.into(), payload.as_str().into()]).unwrap();
    }
    db.close().unwrap();
    let app = Understory::open(Options::new(dir.path())).await.unwrap();
    assert_eq!(app.projects().await.unwrap(), [("acme".to_owned(), "whole".to_owned())]);
}

#[tokio::test]
async fn a_second_process_is_told_who_holds_the_directory() {
    let home = Home::new().await;
    let refused = Understory::open(Options::new(home.dir.path())).await.err().unwrap();
    let source = std::error::Error::source(&refused).unwrap().to_string();
    assert!(source.contains(&format!("process {}", std::process::id())), "{source}");
}

#[tokio::test]
async fn backups_restore_and_damage_is_found() {
    let home = Home::new().await;
    let project = home.project("p").await;
    let entity = tool_entity(&home.app);
    let edit = |draft: &mut understory::manage::Draft| {
        draft.put(&entity, tool(&entity, "p", "a"));
        Ok(())
    };
    project.with_ref("main", "Add", edit).await.unwrap();
    let (backup, restored) = (home.dir.path().join("backup"), home.dir.path().join("restored"));
    home.app.backup(&backup).await.unwrap();
    understory::restore(&backup, &restored).unwrap();
    let again = Understory::open(Options::new(&restored)).await.unwrap();
    let project = again.project(&Principal::system(), Permission::Edit, "acme", "p").await.unwrap();
    assert_eq!(project.log("main", 10).await.unwrap().len(), 3);

    let file = backup.join("runtime.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let refused = understory::restore(&backup, &home.dir.path().join("other")).err().unwrap();
    assert!(refused.to_string().contains("runtime.db is damaged"), "{refused}");
}

#[tokio::test]
async fn deleting_a_sub_agent_by_document_takes_its_relations_and_the_diff_says_so() {
    let home = Home::new().await;
    let sub = |id: &str, transfers: Value| json!({ "id": id, "name": id, "type": "internal", "canUse": [], "canTransferTo": transfers });
    let document = |subs: Value| {
        json!({
            "id": "p", "name": "P", "models": { "base": { "model": "m" } }, "tools": {},
            "agents": { "a": { "id": "a", "name": "A", "subAgents": subs } },
        })
    };
    let both = document(json!({ "one": sub("one", json!(["two"])), "two": sub("two", json!([])) }));
    let created =
        home.app.project_full_create(&Principal::system(), "acme", both.clone(), WriteOptions::default()).await;
    let project = created.unwrap().value;
    let first = project.resolve("main").await.unwrap().hash.to_string();
    let mut again = both;
    again["createdAt"] = json!("2020-01-01T00:00:00Z");
    let same = project.full_put(&again, &WriteOptions::default()).await.unwrap();
    assert!(same.commit.is_none(), "timestamps sent by clients count for nothing");

    let one = document(json!({ "one": sub("one", json!([])) }));
    project.full_put(&one, &WriteOptions::default()).await.unwrap();
    let diff = project.diff(&first, "main", None).await.unwrap();
    let removed = diff.iter().map(|(entity, rows)| {
        (entity.as_str(), rows.values().all(|row| row.kind == understory::manage::DiffKind::Removed))
    });
    let removed: Vec<(&str, bool)> = removed.collect();
    assert_eq!(removed, [("subAgent", true), ("subAgentRelation", true)]);
}

#[tokio::test]
async fn what_only_an_agent_repeats_is_kept_up_to_date() {
    let home = Home::new().await;
    let document = |code: &str| {
        let function = json!({ "id": "f", "executeCode": code });
        let function_tool = json!({ "id": "ft", "name": "ft", "functionId": "f" });
        let sub_agent = json!({ "id": "s", "name": "S", "type": "internal", "canUse": [{ "toolId": "ft" }] });
        let agent = json!({
            "id": "a", "name": "A", "subAgents": { "s": sub_agent },
            "functions": { "f": function }, "functionTools": { "ft": function_tool },
        });
        json!({ "id": "p", "name": "P", "models": { "base": { "model": "m" } }, "tools": {}, "agents": { "a": agent } })
    };
    let created =
        home.app.project_full_create(&Principal::system(), "acme", document("1"), WriteOptions::default()).await;
    let project = created.unwrap().value;
    assert!(project.full_put(&document("1"), &WriteOptions::default()).await.unwrap().commit.is_none());
    let written = project.full_put(&document("2"), &WriteOptions::default()).await.unwrap();
    let read = project.document(&written.snapshot, false).unwrap();
    assert_eq!(read["functions"]["f"]["executeCode"], "2");
    let again = project.full_put(&read, &WriteOptions::default()).await.unwrap();
    assert!(again.commit.is_none(), "writing back what was read changes nothing");
}
