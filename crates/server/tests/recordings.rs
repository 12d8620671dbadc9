//! Recorded requests of real clients are answered as those clients need.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::{Value, json};
use understory_testkit::contract;
use understory_testkit::server::{Answered, TestServer};

const SIMPLE: &str = "/manage/tenants/acme/projects/simple-project";

/// Replays a recording: each request is built as the client would build it from the answers before.
struct Replay {
    server: TestServer,
    pulled: Option<String>,
    preview: Value,
    sent: Vec<(Value, Answered)>,
}

impl Replay {
    async fn start() -> Self {
        Self { server: TestServer::start().await, pulled: None, preview: Value::Null, sent: Vec::new() }
    }

    async fn run(&mut self, name: &str) {
        for request in contract::recording(name).iter().filter(|line| line.get("mark").is_none()) {
            self.send(request.clone()).await;
        }
    }

    async fn send(&mut self, mut request: Value) {
        self.substitute(&mut request);
        let text = |key: &str| request[key].as_str().unwrap().to_owned();
        let headers = request["headers"].as_object().unwrap();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
        let body = Some(&request["body"]).filter(|body| !body.is_null());
        let answer = self.server.send_with(&text("method"), &text("url"), &headers, body).await;
        let expected = request["status"].as_u64().unwrap() / 100;
        assert_eq!(
            u64::from(answer.status.as_u16()) / 100,
            expected,
            "{} {}: {}",
            text("method"),
            text("url"),
            answer.text
        );
        self.check(&request, &answer);
        self.sent.push((request, answer));
    }

    /// Puts this server's hashes where the recording has those of the recorded one.
    fn substitute(&self, request: &mut Value) {
        let Some(body) = request.get_mut("body").and_then(Value::as_object_mut) else { return };
        if body.contains_key("fromCommit") {
            body.insert("fromCommit".into(), self.pulled.clone().unwrap().into());
        }
        for (key, value) in [("sourceHash", &self.preview["sourceHash"]), ("targetHash", &self.preview["targetHash"])] {
            if body.contains_key(key) {
                body.insert(key.into(), value.clone());
            }
        }
    }

    /// Every field that the clients read.
    fn check(&mut self, request: &Value, answer: &Answered) {
        let (method, url) = (request["method"].as_str().unwrap(), request["url"].as_str().unwrap());
        let data = &answer.body["data"];
        match (method, url) {
            ("GET", url) if url.ends_with("/branches/main") => {
                let hash = data["hash"].as_str().unwrap();
                assert!(hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'v').contains(&b)));
                self.pulled.get_or_insert_with(|| hash.to_owned());
            }
            ("POST", url) if url.ends_with("/branches") => {
                assert_eq!(data["baseName"], request["body"]["name"]);
                assert_eq!(data["hash"].as_str(), self.pulled.as_deref());
            }
            ("POST", url) if url.ends_with("/merge/preview") => {
                assert!(data["hasConflicts"].is_boolean() && data["conflicts"].is_array());
                self.preview = data.clone();
            }
            ("POST", url) if url.ends_with("/merge") => assert_eq!(data["status"], "success"),
            ("PUT", _) => assert!(data.is_object(), "{}", answer.text),
            ("GET", url) if url.contains("/project-full/") => self.check_document(data),
            ("GET", url) if url.contains("/agents?") || url.contains("/projects?") => {
                assert!(!data.as_array().unwrap().is_empty());
                assert_eq!(answer.body["pagination"]["total"], data.as_array().unwrap().len());
            }
            _ => {}
        }
    }

    /// The clients refuse a sub-agent with `type` or with `outputContract: null`.
    fn check_document(&self, data: &Value) {
        for agent in data["agents"].as_object().unwrap().values() {
            for sub_agent in agent["subAgents"].as_object().unwrap().values() {
                assert!(sub_agent.get("type").is_none() && sub_agent.get("outputContract").is_none());
            }
        }
    }

    fn last_body(&self, method: &str, url: &str) -> Value {
        let sent = self.sent.iter().rev().find(|(r, _)| r["method"] == method && r["url"] == url);
        sent.unwrap().0["body"].clone()
    }

    async fn messages(&self, tenant: &str, project: &str) -> Vec<String> {
        let principal = understory::Principal::system();
        let project = self.server.app.project(&principal, understory::Permission::View, tenant, project).await.unwrap();
        project.log("main", 100).await.unwrap().into_iter().map(|entry| entry.message).collect()
    }

    async fn branches(&self, base: &str) -> Vec<String> {
        let list = self.server.get(&format!("{base}/branches")).await;
        list["data"].as_array().unwrap().iter().map(|b| b["baseName"].as_str().unwrap().to_owned()).collect()
    }
}

/// Whether every field that was sent reads back, but those that mean nothing or are shown another way.
fn assert_reads_back(sent: &Value, read: &Value, path: &str) {
    const NOT_SHOWN: [&str; 6] = ["createdAt", "updatedAt", "type", "usedBy", "triggers", "agentId"];
    match (sent, read) {
        (Value::Object(sent), Value::Object(read)) => {
            for (key, value) in sent.iter().filter(|(key, _)| !NOT_SHOWN.contains(&key.as_str())) {
                let path = format!("{path}/{key}");
                if path == "/functionTools" {
                    continue;
                }
                let empty = value.as_object().is_some_and(serde_json::Map::is_empty);
                match read.get(key) {
                    Some(found) => assert_reads_back(value, found, &path),
                    None => assert!(empty || value.is_null(), "{path} is lost"),
                }
            }
        }
        (Value::Array(sent), Value::Array(read)) => {
            assert_eq!(sent.len(), read.len(), "{path}");
            for (index, (sent, read)) in sent.iter().zip(read).enumerate() {
                assert_reads_back(sent, read, &format!("{path}/{index}"));
            }
        }
        _ => assert_eq!(sent, read, "{path}"),
    }
}

#[tokio::test]
async fn push_and_pull_with_state() {
    let mut replay = Replay::start().await;
    replay.run("push-pull-with-state").await;
    let full = "/manage/tenants/acme/project-full/simple-project";
    let read = replay.server.get(full).await;
    assert_reads_back(&replay.last_body("PUT", full), &read["data"], "");
    assert_eq!(replay.branches(SIMPLE).await, ["main"]);
    let messages = replay.messages("acme", "simple-project").await;
    assert_eq!(messages, ["Create project simple-project", "Create schema"], "every push said the same");
}

#[tokio::test]
async fn push_and_pull_with_a_conflict() {
    let mut replay = Replay::start().await;
    let lines = contract::recording("push-pull-conflict");
    for request in lines.iter().filter(|line| line.get("mark").is_none()) {
        let mut request = request.clone();
        let url = request["url"].as_str().unwrap().to_owned();
        let method = request["method"].as_str().unwrap().to_owned();
        // A change on main and another in the client's own state, both to the agent's description.
        if method == "POST" && request["body"]["name"].as_str().is_some_and(|name| name.starts_with("temp-cli-pull")) {
            let body = json!({ "description": "main" });
            replay.server.write("PATCH", &format!("{SIMPLE}/agents/a1"), &body, 200).await;
        }
        if method == "PUT" && url.contains("temp-cli-pull") {
            request["body"]["agents"]["a1"]["description"] = json!("local");
        }
        if method == "POST" && url.ends_with("/merge") {
            let conflicts = replay.preview["conflicts"].as_array().unwrap();
            assert_eq!(conflicts.len(), 1, "{conflicts:?}");
            let conflict = &conflicts[0];
            assert_eq!(conflict["table"], "agent");
            assert_eq!(conflict["primaryKey"]["id"], "a1");
            assert_eq!(
                (&conflict["base"]["description"], &conflict["ours"]["description"]),
                (&json!("x"), &json!("local"))
            );
            assert_eq!(conflict["theirs"]["description"], "main");
            let resolution = json!({
                "table": conflict["table"], "primaryKey": conflict["primaryKey"], "rowDefaultPick": "theirs"
            });
            request["body"]["resolutions"] = json!([resolution]);
        }
        replay.send(request).await;
    }
    let merged = replay.sent.iter().rev().find(|(r, _)| r["url"].as_str().unwrap().contains("?ref=temp-cli-pull"));
    assert_eq!(merged.unwrap().1.body["data"]["agents"]["a1"]["description"], "main");
    assert_eq!(replay.branches(SIMPLE).await, ["main"]);
    let messages = replay.messages("acme", "simple-project").await;
    assert_eq!(messages, ["Update agent a1", "Create project simple-project", "Create schema"]);
}

#[tokio::test]
async fn rich_push() {
    let mut replay = Replay::start().await;
    replay.run("push-rich").await;
    let full = "/manage/tenants/acme/project-full/demo-project";
    let read = replay.server.get(full).await;
    assert_reads_back(&replay.last_body("PUT", full), &read["data"], "");
    let messages = replay.messages("acme", "demo-project").await;
    assert_eq!(messages, ["Create project demo-project", "Create schema"], "pushing the same again makes no commit");
}

#[tokio::test]
async fn an_old_client() {
    let mut replay = Replay::start().await;
    replay.run("push-pull-old-client").await;
    let read = replay.server.get("/tenants/acme/project-full/demo-project").await;
    assert_reads_back(&replay.last_body("PUT", "/tenants/acme/project-full/demo-project"), &read["data"], "");
}

/// Takes out what differs by nature: timestamps, and a null `outputContract`, which is left out here.
fn comparable(mut document: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.retain(|key, value| {
                    key != "createdAt" && key != "updatedAt" && !(key == "outputContract" && value.is_null())
                });
                object.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut document);
    document
}

#[tokio::test]
async fn the_rich_documents_are_those_recorded() {
    let server = TestServer::start().await;
    let (body, documents) =
        (contract::json("recordings/push-rich-body.json"), contract::json("recordings/push-rich-documents.json"));
    let full = "/manage/tenants/acme/project-full/demo-project";
    let created = server.write("PUT", full, &body, 201).await;
    let updated = server.write("PUT", full, &body, 200).await;
    let read = server.get(full).await;
    let with_ids = server.get(&format!("{full}/with-relation-ids")).await;
    let head = server.get("/manage/tenants/acme/projects/demo-project/branches/main").await;
    server.write("PUT", full, &read["data"], 200).await;
    let same = server.get("/manage/tenants/acme/projects/demo-project/branches/main").await;
    assert_eq!(head, same, "writing back what was read makes no commit");
    for (name, document) in [("created", created), ("updated", updated), ("get", read), ("withRelationIds", with_ids)] {
        let (ours, theirs) = (comparable(document["data"].clone()), comparable(documents[name].clone()));
        assert_eq!(
            ours,
            theirs,
            "{name}:\n{}\n{}",
            serde_json::to_string_pretty(&ours).unwrap(),
            serde_json::to_string_pretty(&theirs).unwrap()
        );
    }
}
