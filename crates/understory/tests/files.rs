//! Projects as files, in and out of a data directory.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::json;
use understory::manage::DiffKind;
use understory::{Error, Options, Principal, Project, Understory, WriteOptions};

struct Home {
    app: Understory,
    _dir: tempfile::TempDir,
}

impl Home {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let app = Understory::open(Options::new(dir.path())).await.unwrap();
        Self { app, _dir: dir }
    }

    /// A project with an agent that answers by a tool.
    async fn shop(&self) -> Project {
        let router = json!({
            "id": "router", "name": "Router", "type": "internal", "prompt": "Be helpful.\r\n",
            "canUse": [{ "toolId": "weather", "toolSelection": ["today"] }],
        });
        let config = json!({ "type": "mcp", "mcp": { "server": { "url": "https://x.io" } } });
        let body = json!({
            "id": "shop", "name": "Shop",
            "models": { "base": { "model": "m", "providerOptions": { "temperature": 0.1 } } },
            "tools": { "weather": { "id": "weather", "name": "Weather", "config": config } },
            "agents": { "support": {
                "id": "support", "name": "Support", "defaultSubAgentId": "router", "subAgents": { "router": router },
            } },
        });
        let created = self.app.project_full_create(&Principal::system(), "acme", body, WriteOptions::default()).await;
        created.unwrap().value
    }
}

const PROMPT: &str = "agents/support/sub-agents/router.prompt.md";

#[tokio::test]
async fn a_project_becomes_another_through_files() {
    let home = Home::new().await;
    let shop = home.shop().await;
    let (files, at) = shop.files("main").await.unwrap();
    assert_eq!(files[PROMPT], "Be helpful.\r\n");
    assert_eq!(at.hash, shop.resolve("main").await.unwrap().hash);

    let system = Principal::system();
    let options = WriteOptions::default();
    let copy = home.app.project_files_create(&system, "other", "copy", &files, options.clone()).await.unwrap().value;
    assert_eq!(copy.files("").await.unwrap().0, files);
    let again = home.app.project_files_create(&system, "other", "copy", &files, options).await;
    assert!(matches!(again, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn a_plan_writes_nothing_and_putting_does_what_it_says() {
    let home = Home::new().await;
    let shop = home.shop().await;
    let (mut files, before) = shop.files("main").await.unwrap();
    assert!(shop.files_plan(&files, "main").await.unwrap().0.is_empty());
    files.insert(PROMPT.into(), "Be brief.".into());
    files.insert("tools/rain.json".into(), files["tools/weather.json"].clone());

    let (plan, _) = shop.files_plan(&files, "main").await.unwrap();
    assert_eq!(plan.keys().collect::<Vec<_>>(), ["subAgent", "tool"]);
    assert_eq!(plan["subAgent"]["support/router"].kind, DiffKind::Modified);
    assert_eq!(plan["tool"]["rain"].kind, DiffKind::Added);
    assert_eq!(shop.resolve("main").await.unwrap().hash, before.hash);

    let written = shop.files_put(&files, &WriteOptions::to("main", "From files")).await.unwrap();
    assert_eq!((written.commit.unwrap().meta.message.as_str(), written.value), ("From files", plan));
    assert_eq!(shop.files("main").await.unwrap().0, files);
    let again = shop.files_put(&files, &WriteOptions::default()).await.unwrap();
    assert!(again.commit.is_none() && again.head == written.head, "the same files change nothing");
    assert_eq!(shop.files(before.hash.as_str()).await.unwrap().0[PROMPT], "Be helpful.\r\n");
}

#[tokio::test]
async fn faulty_files_are_refused_whole() {
    let home = Home::new().await;
    let shop = home.shop().await;
    let (mut files, before) = shop.files("main").await.unwrap();
    files.insert(PROMPT.into(), "Be brief.".into());
    files.remove("tools/weather.json");
    let refused = shop.files_put(&files, &WriteOptions::default()).await;
    let Err(Error::Invalid(faults)) = refused else { panic!("{refused:?}") };
    let pointer = "/files/agents~1support~1sub-agents~1router.json/subAgentToolRelations/0/toolId";
    assert_eq!((faults.len(), faults[0].pointer.as_str(), faults[0].reason), (1, pointer, "reference"));
    assert!(matches!(shop.files_plan(&files, "main").await, Err(Error::Invalid(_))));
    assert_eq!(shop.resolve("main").await.unwrap().hash, before.hash);
}

#[tokio::test]
async fn if_match_knows_the_files_as_they_are() {
    let home = Home::new().await;
    let shop = home.shop().await;
    let (mut files, _) = shop.files("main").await.unwrap();
    let tag = understory::etag_of(&json!({ "data": files }));
    files.insert(PROMPT.into(), "Be brief.".into());
    let options = WriteOptions { if_match: Some(tag), ..WriteOptions::default() };
    assert!(shop.files_put(&files, &options).await.unwrap().commit.is_some());
    assert!(matches!(shop.files_put(&files, &options).await, Err(Error::PreconditionFailed { .. })));
}

#[tokio::test]
async fn a_commit_before_there_was_anything_has_no_files() {
    let home = Home::new().await;
    let shop = home.shop().await;
    let first = shop.log("main", 10).await.unwrap().pop().unwrap().hash;
    assert!(matches!(shop.files(&first).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn what_requests_refuse_beyond_the_model_is_refused_in_files() {
    let home = Home::new().await;
    let project = home.shop().await;
    let (mut files, _) = project.files("").await.unwrap();
    let both =
        r#"{ "name": "Both", "url": "https://x.io", "slackChannelId": "C1", "eventTypes": ["conversation.created"] }"#;
    files.insert("webhook-destinations/both.json".to_owned(), both.to_owned());
    let refused = project.files_put(&files, &WriteOptions::default()).await.unwrap_err();
    let Error::Invalid(faults) = refused else { panic!("{refused:?}") };
    assert_eq!(faults[0].pointer, "/files/webhook-destinations~1both.json/url", "{faults:?}");
    assert!(faults[0].detail.contains("exactly one"), "{faults:?}");
    assert!(project.files_plan(&files, "").await.is_err(), "the plan says so too");
}
