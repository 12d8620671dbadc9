//! History, time travel, undo, merges and their conflicts, over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::{Value, json};
use understory_testkit::server::TestServer;

const TENANT: &str = "/manage/tenants/acme";
const PROJECT: &str = "/manage/tenants/acme/projects/shop";
const ROUTER: &str = "/manage/tenants/acme/projects/shop/agents/support/sub-agents/router";

fn document(prompt: &str) -> Value {
    let sub_agent = json!({ "id": "router", "name": "Router", "type": "internal", "prompt": prompt,
        "canUse": [{ "toolId": "orders" }] });
    let config = json!({ "type": "mcp", "mcp": { "server": { "url": "https://orders.example.com" } } });
    json!({
        "id": "shop", "name": "Shop", "models": { "base": { "model": "m" } },
        "tools": { "orders": { "id": "orders", "name": "Orders", "config": config } },
        "agents": { "support": { "id": "support", "name": "Support", "defaultSubAgentId": "router",
            "subAgents": { "router": sub_agent } } },
    })
}

async fn start() -> TestServer {
    let server = TestServer::start().await;
    server.write("PUT", &format!("{TENANT}/project-full/shop"), &document("One.\nTwo.\nThree."), 201).await;
    server
}

async fn head(server: &TestServer, branch: &str) -> String {
    let branch = server.get(&format!("{PROJECT}/branches/{branch}")).await;
    branch["data"]["hash"].as_str().unwrap().to_owned()
}

async fn set(server: &TestServer, branch: &str, body: Value) {
    server.write("PATCH", &format!("{ROUTER}?ref={branch}"), &body, 200).await;
}

async fn prompt(server: &TestServer, reference: &str) -> Value {
    server.get(&format!("{ROUTER}?ref={reference}")).await["data"]["prompt"].clone()
}

async fn merge(server: &TestServer, resolutions: Value) -> understory_testkit::server::Answered {
    let pair = json!({ "sourceBranch": "topic", "targetBranch": "main" });
    let preview = server.write("POST", &format!("{PROJECT}/branches/merge/preview"), &pair, 200).await;
    let mut request = pair;
    request["sourceHash"] = preview["data"]["sourceHash"].clone();
    request["targetHash"] = preview["data"]["targetHash"].clone();
    request["resolutions"] = resolutions;
    server.send("POST", &format!("{PROJECT}/branches/merge"), Some(&request)).await
}

#[tokio::test]
async fn refs_are_branches_tags_commits_and_steps_back_from_them() {
    let server = start().await;
    let first = head(&server, "main").await;
    let body = json!({ "name": "v1", "message": "The first" });
    let tag = server.write("POST", &format!("{PROJECT}/tags"), &body, 201).await;
    assert_eq!((&tag["data"]["hash"], &tag["data"]["message"]), (&json!(first), &json!("The first")));
    set(&server, "main", json!({ "prompt": "Changed." })).await;
    let when = server.get(&format!("{PROJECT}/commits")).await["data"][1]["date"].as_str().unwrap().to_owned();
    let at = format!("main@%7B{when}%7D");
    for reference in ["v1", "main~1", "v1~0", &at, &first[..9]] {
        assert_eq!(prompt(&server, reference).await, "One.\nTwo.\nThree.", "{reference}");
        let whole = server.get(&format!("{TENANT}/project-full/shop?ref={reference}")).await;
        assert_eq!(whole["data"]["agents"]["support"]["subAgents"]["router"]["prompt"], "One.\nTwo.\nThree.");
        let path = format!("{ROUTER}?ref={reference}");
        server.send("PATCH", &path, Some(&json!({ "name": "x" }))).await.expect(400, reference);
    }
    let resolved = server.get(&format!("{PROJECT}/refs/resolve?ref=v1")).await;
    assert_eq!(resolved["data"], json!({ "type": "tag", "name": "v1", "hash": first }));
    for (bad, status) in
        [("main~99", 404), ("main@%7B2001-01-01T00:00:00Z%7D", 404), ("main@%7Bnoon%7D", 400), ("v2", 404)]
    {
        server.send("GET", &format!("{ROUTER}?ref={bad}"), None).await.expect(status, bad);
    }
    for (path, name, status) in [
        ("tags", "v1", 409),
        ("tags", "main", 409),
        ("branches", "v1", 409),
        ("tags", "a b", 400),
        ("tags", "merge", 400),
        ("tags", &first, 400),
    ] {
        let made = server.send("POST", &format!("{PROJECT}/{path}"), Some(&json!({ "name": name }))).await;
        made.expect(status, &format!("{path} {name}"));
    }
    for odd in ["a/b.c", "-x", "UPPER", "upper", "v1.0_rc-2", "working"] {
        let tag = server.write("POST", &format!("{PROJECT}/tags"), &json!({ "name": odd, "ref": "main~1" }), 201).await;
        let path = format!("{PROJECT}/tags/{}", odd.replace('/', "%2F"));
        assert_eq!(server.get(&path).await["data"], tag["data"], "{odd}");
        assert_eq!(prompt(&server, &odd.replace('/', "%2F")).await, "One.\nTwo.\nThree.");
    }
    server.send("DELETE", &format!("{PROJECT}/tags/v1"), None).await.expect(204, "the tag goes");
    server.send("GET", &format!("{PROJECT}/tags/v1"), None).await.expect(404, "it is gone");
}

#[tokio::test]
async fn a_log_is_paged_and_filtered() {
    let server = start().await;
    for n in 0..5 {
        set(&server, "main", json!({ "name": format!("n{n}") })).await;
    }
    server.write("PATCH", &format!("{PROJECT}/tools/orders"), &json!({ "name": "Orders 2" }), 200).await;
    let mut path = format!("{PROJECT}/commits?limit=2");
    let mut messages = Vec::new();
    loop {
        let page = server.get(&path).await;
        messages.extend(page["data"].as_array().unwrap().iter().map(|entry| entry["message"].clone()));
        match page["next"].as_str() {
            Some(next) => path = format!("{PROJECT}/commits?limit=2&cursor={next}"),
            None => break,
        }
        // What is committed meanwhile is not in the pages of a log that began before.
        set(&server, "main", json!({ "prompt": format!("{path}") })).await;
    }
    assert_eq!(messages.len(), 8);
    let touched = server.get(&format!("{PROJECT}/commits?entity=tool&key=orders")).await;
    let touched: Vec<_> = touched["data"].as_array().unwrap().iter().map(|entry| &entry["message"]).collect();
    assert_eq!(touched, ["Update tool orders", "Create project shop"]);
    let nobody = server.get(&format!("{PROJECT}/commits?author=nobody")).await;
    assert_eq!(nobody, json!({ "data": [], "next": null }));
}

#[tokio::test]
async fn a_row_has_a_history_and_blame_names_each_line() {
    let server = start().await;
    set(&server, "main", json!({ "prompt": "One.\nTwo, better.\nThree." })).await;
    set(&server, "main", json!({ "name": "Dispatcher" })).await;
    let history = server.get(&format!("{ROUTER}/history")).await;
    let items = history["data"].as_array().unwrap();
    assert_eq!(items.iter().map(|item| &item["kind"]).collect::<Vec<_>>(), ["modified", "modified", "added"]);
    assert_eq!(items[0]["fields"], json!({ "name": { "from": "Router", "to": "Dispatcher" } }));
    let diff = items[1]["fields"]["prompt"]["diff"].as_str().unwrap();
    assert!(diff.contains("-Two.\n") && diff.contains("+Two, better.\n"), "{diff}");
    let blame = server.get(&format!("{ROUTER}/blame")).await["data"].clone();
    let of = |item: &Value| item["commit"]["hash"].clone();
    assert_eq!(blame["name"]["commit"], of(&items[0]));
    let lines = blame["prompt"]["lines"].as_array().unwrap();
    let lines: Vec<_> = lines.iter().map(|line| (line["text"].as_str().unwrap(), line["commit"].clone())).collect();
    let expected = [("One.", of(&items[2])), ("Two, better.", of(&items[1])), ("Three.", of(&items[2]))];
    assert_eq!(lines, expected);
    let own = server.get(&format!("{PROJECT}/blame")).await;
    assert_eq!(own["data"]["name"]["commit"], of(&items[2]));
    assert_eq!(server.get(&format!("{PROJECT}/history")).await["data"].as_array().unwrap().len(), 1);
    server.send("GET", &format!("{PROJECT}/tools/none/history"), None).await.expect(404, "no such tool");
}

#[tokio::test]
async fn a_commit_is_reverted_picked_and_conflicts_are_told() {
    let server = start().await;
    server.write("POST", &format!("{PROJECT}/branches"), &json!({ "name": "topic" }), 201).await;
    set(&server, "topic", json!({ "prompt": "One.\nTwo.\nThree, more." })).await;
    let picked = head(&server, "topic").await;
    set(&server, "main", json!({ "prompt": "One, first.\nTwo.\nThree." })).await;
    let reverted = head(&server, "main").await;

    let brought =
        server.send("POST", &format!("{PROJECT}/commits/{picked}/cherry-pick"), None).await.expect(200, "pick");
    assert_eq!(prompt(&server, "main").await, "One, first.\nTwo.\nThree, more.");
    assert_eq!(brought["data"]["commit"], head(&server, "main").await.as_str());
    assert!(brought["data"]["changes"]["subAgent"]["support/router"]["fields"]["prompt"]["diff"].is_string());
    let again =
        server.send("POST", &format!("{PROJECT}/commits/{picked}/cherry-pick"), None).await.expect(200, "again");
    assert_eq!(again["data"]["commit"], Value::Null, "there is nothing to bring");

    server.send("POST", &format!("{PROJECT}/commits/{reverted}/revert"), None).await.expect(200, "revert");
    assert_eq!(prompt(&server, "main").await, "One.\nTwo.\nThree, more.");

    set(&server, "main", json!({ "prompt": "Something else." })).await;
    let path = format!("{PROJECT}/commits/{picked}/revert");
    let refused = server.send("POST", &path, None).await.expect(409, "both changed the prompt");
    let conflict = &refused["conflicts"][0];
    assert_eq!((&conflict["entity"], &conflict["key"]), (&json!("subAgent"), &json!("support/router")));
    assert_eq!(conflict["fields"][0]["ours"], "Something else.");
    assert!(conflict["reason"].as_str().unwrap().contains("both sides changed prompt"), "{conflict}");
    let given = json!({ "entity": "subAgent", "key": "support/router", "pick": "ours",
        "fields": { "prompt": { "value": "By hand." } } });
    server.write("POST", &path, &json!({ "resolutions": [given] }), 200).await;
    assert_eq!(prompt(&server, "main").await, "By hand.");
    let root =
        server.get(&format!("{PROJECT}/commits?limit=100")).await["data"].as_array().unwrap().last().unwrap()["hash"]
            .clone();
    let first = format!("{PROJECT}/commits/{}/revert", root.as_str().unwrap());
    server.send("POST", &first, None).await.expect(409, "the project stays");
}

#[tokio::test]
async fn a_row_or_the_whole_project_is_restored() {
    let server = start().await;
    server.write("POST", &format!("{PROJECT}/tags"), &json!({ "name": "good" }), 201).await;
    server.send("DELETE", &format!("{PROJECT}/agents/support"), None).await.expect(204, "the agent goes");
    server.write("PATCH", &format!("{PROJECT}/tools/orders"), &json!({ "name": "Later" }), 200).await;
    let restored =
        server.write("POST", &format!("{PROJECT}/agents/support/restore"), &json!({ "from": "good" }), 200).await;
    let entities: Vec<&String> = restored["data"]["changes"].as_object().unwrap().keys().collect();
    assert_eq!(entities, ["agent", "subAgent", "subAgentToolRelation"]);
    assert_eq!(prompt(&server, "main").await, "One.\nTwo.\nThree.");
    assert_eq!(server.get(&format!("{PROJECT}/tools/orders")).await["data"]["name"], "Later", "it alone");
    server.write("POST", &format!("{PROJECT}/restore"), &json!({ "from": "good" }), 200).await;
    assert_eq!(server.get(&format!("{PROJECT}/diff?from=good&to=main")).await["data"], json!({}));
    let last = head(&server, "main").await;
    server.write("PATCH", &format!("{PROJECT}/tools/orders"), &json!({ "name": "Later" }), 200).await;
    server.write("PATCH", &format!("{PROJECT}/tools/orders"), &json!({ "name": "Orders" }), 200).await;
    let same =
        server.send("POST", &format!("{PROJECT}/commits/{last}/cherry-pick"), None).await.expect(200, "the same");
    assert_eq!(same["data"]["commit"], Value::Null, "timestamps alone are nothing to bring");
    let nothing = server.write("POST", &format!("{PROJECT}/restore"), &json!({ "from": "good" }), 200).await;
    assert_eq!(nothing["data"]["commit"], Value::Null);
    for (body, status) in
        [(json!({}), 400), (json!({ "from": "nowhere" }), 404), (json!({ "from": "good", "x": 1 }), 400)]
    {
        server.send("POST", &format!("{PROJECT}/restore"), Some(&body)).await.expect(status, "a bad body");
    }
    // A tool that is still used by a row that is gone cannot leave that row's reference dangling.
    server.send("DELETE", &format!("{PROJECT}/tools/orders"), None).await.expect(204, "with what uses it");
    let relation = server.get(&format!("{PROJECT}/diff?from=good&to=main")).await;
    assert!(relation["data"]["subAgentToolRelation"].is_object());
    server.write("POST", &format!("{PROJECT}/tools/orders/restore"), &json!({ "from": "good" }), 200).await;
    assert_eq!(server.get(&format!("{PROJECT}/diff?from=good&to=main")).await["data"], json!({}), "and its use too");
}

#[tokio::test]
async fn every_operation_is_on_record_and_can_be_undone() {
    let server = start().await;
    server.write("POST", &format!("{PROJECT}/branches"), &json!({ "name": "topic" }), 201).await;
    set(&server, "topic", json!({ "name": "Topic" })).await;
    let own = head(&server, "topic").await;
    server.write("PATCH", &format!("{PROJECT}/branches/topic"), &json!({ "name": "work" }), 200).await;
    server.write("POST", &format!("{PROJECT}/tags"), &json!({ "name": "v1", "ref": "work" }), 201).await;
    server.send("DELETE", &format!("{PROJECT}/tags/v1"), None).await.expect(204, "tag");
    server.send("DELETE", &format!("{PROJECT}/branches/work"), None).await.expect(204, "branch");
    let log = server.get(&format!("{PROJECT}/operations")).await;
    let kinds: Vec<_> = log["data"].as_array().unwrap().iter().map(|operation| &operation["kind"]).collect();
    let all = ["branch_delete", "tag_delete", "tag_create", "branch_rename", "commit", "branch_create", "commit"];
    assert_eq!(kinds, all);
    assert_eq!((&log["data"][0]["ref"], &log["data"][0]["from"]), (&json!("work"), &json!(own)));
    assert_eq!(log["data"][4]["ref"], "topic", "where it was made");

    // A kept commit is still there to be read.
    assert_eq!(server.get(&format!("{ROUTER}?ref={own}")).await["data"]["name"], "Topic");
    let undo = async |id: &Value, status| {
        let path = format!("{PROJECT}/operations/{}/undo", id.as_str().unwrap());
        server.send("POST", &path, None).await.expect(status, &path)
    };
    let undone = undo(&log["data"][0]["id"], 200).await;
    assert_eq!((&undone["data"]["ref"], &undone["data"]["head"]), (&json!("work"), &json!(own)));
    undo(&log["data"][0]["id"], 409).await;
    assert_eq!(undo(&log["data"][1]["id"], 200).await["data"]["ref"], "v1");
    assert_eq!(server.get(&format!("{PROJECT}/tags/v1")).await["data"]["hash"], own.as_str());
    undo(&log["data"][3]["id"], 200).await;
    server.write("PATCH", &format!("{PROJECT}/branches/topic"), &json!({ "name": "again" }), 200).await;
    let undone = undo(&log["data"][4]["id"], 200).await;
    assert_eq!(undone["data"]["commit"], head(&server, "again").await.as_str(), "a new commit, no step back");
    assert_eq!(server.get(&format!("{ROUTER}?ref=again")).await["data"]["name"], "Router");
    undo(&log["data"][5]["id"], 409).await;
    undo(&json!("00000000000000000000000000000000"), 404).await;
    undo(&json!("nothing"), 404).await;

    let mut path = format!("{PROJECT}/operations?limit=3");
    let mut ids = Vec::new();
    loop {
        let page = server.get(&path).await;
        ids.extend(page["data"].as_array().unwrap().iter().map(|operation| operation["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("{PROJECT}/operations?limit=3&cursor={next}");
    }
    let whole = server.get(&format!("{PROJECT}/operations?limit=1000")).await;
    let expected: Vec<_> = whole["data"].as_array().unwrap().iter().map(|operation| operation["id"].clone()).collect();
    assert_eq!(ids, expected);
    assert_eq!(ids.len(), 12);
}

#[tokio::test]
async fn conflicts_are_readable_and_resolved_by_row_by_field_or_by_value() {
    let server = start().await;
    server.write("POST", &format!("{PROJECT}/branches"), &json!({ "name": "topic" }), 201).await;
    set(&server, "topic", json!({ "prompt": "Theirs.", "name": "Theirs" })).await;
    set(&server, "main", json!({ "prompt": "Ours.", "name": "Ours" })).await;
    let open = merge(&server, json!([])).await.expect(409, "two fields");
    let conflict = &open["conflicts"][0];
    assert_eq!(conflict["reason"], "subAgent support/router: both sides changed name and prompt");
    let field = json!({ "field": "prompt", "base": "One.\nTwo.\nThree.", "ours": "Ours.", "theirs": "Theirs." });
    assert_eq!(conflict["fields"][1], field);
    let row = |pick: &str, fields: Value| json!({ "entity": "subAgent", "key": "support/router", "pick": pick, "fields": fields });
    for (resolutions, status, text) in [
        (json!([{ "entity": "tool", "key": "orders", "pick": "ours" }]), 409, "tool orders is not in conflict"),
        (json!([row("ours", json!({ "nothing": "ours" }))]), 400, "no field 'nothing'"),
        (json!([row("ours", json!({ "name": { "value": 7 } }))]), 400, "name"),
        (json!([row("ours", json!({})), row("ours", json!({}))]), 400, "resolved twice"),
        (json!([{ "entity": "subAgent", "key": "router", "pick": "ours" }]), 400, "no key of subAgent"),
        (json!([{ "entity": "subAgent", "key": "support/router" }]), 400, "pick is required"),
    ] {
        let said = merge(&server, resolutions).await.expect(status, text);
        assert!(said["detail"].as_str().unwrap().contains(text), "{text}: {said}");
    }
    let fields = json!({ "name": "ours", "prompt": { "value": "Both." } });
    merge(&server, json!([row("theirs", fields)])).await.expect(200, "resolved");
    let merged = server.get(ROUTER).await;
    assert_eq!((&merged["data"]["name"], &merged["data"]["prompt"]), (&json!("Ours"), &json!("Both.")));
    let stray = merge(&server, json!([row("ours", json!({}))])).await;
    stray.expect(409, "nothing is left to resolve");
    merge(&server, json!([])).await.expect(200, "nothing to bring");
}

#[tokio::test]
async fn a_dangling_reference_names_both_sides_and_moved_heads_are_told() {
    let server = start().await;
    let tool = json!({ "id": "extra", "name": "Extra", "config": document("")["tools"]["orders"]["config"] });
    server.write("POST", &format!("{PROJECT}/tools"), &tool, 201).await;
    server.write("POST", &format!("{PROJECT}/branches"), &json!({ "name": "topic" }), 201).await;
    let relation = json!({ "subAgentId": "router", "toolId": "extra" });
    let path = format!("{PROJECT}/agents/support/sub-agent-tool-relations?ref=topic");
    server.write("POST", &path, &relation, 201).await;
    server.send("DELETE", &format!("{PROJECT}/tools/extra"), None).await.expect(204, "ours");
    let refused = merge(&server, json!([])).await.expect(409, "theirs uses what ours deleted");
    let reason = refused["conflicts"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("toolId") && reason.contains("tool extra") && reason.contains("deleted"), "{reason}");

    let (source, target) = (head(&server, "topic").await, head(&server, "main").await);
    set(&server, "main", json!({ "name": "Moved" })).await;
    let stale = json!({ "sourceBranch": "topic", "targetBranch": "main", "sourceHash": source, "targetHash": target });
    let moved = server.send("POST", &format!("{PROJECT}/branches/merge"), Some(&stale)).await.expect(409, "moved");
    assert_eq!((&moved["sourceHash"], &moved["targetHash"]), (&json!(source), &json!(head(&server, "main").await)));
}

#[tokio::test]
async fn projects_whose_display_names_agree_are_apart() {
    let server = TestServer::start().await;
    for (tenant, project) in [("a_b", "c"), ("a", "b")] {
        let mut body = document("x");
        body["id"] = json!(project);
        server.write("PUT", &format!("/manage/tenants/{tenant}/project-full/{project}"), &body, 201).await;
    }
    let branches = server.get("/manage/tenants/a_b/projects/c/branches").await;
    assert_eq!(branches["data"][0]["fullName"], "a_b_c_main");
    let other = server.get("/manage/tenants/a_b/projects/c/branches/main").await["data"]["hash"].clone();
    let theirs = "/manage/tenants/a/projects/b";
    let path = format!("{theirs}/refs/resolve?ref={}", other.as_str().unwrap());
    server.send("GET", &path, None).await.expect(404, "a commit of another project");
    let path = format!("{theirs}/refs/resolve?ref=a_b_c_main");
    server.send("GET", &path, None).await.expect(404, "its display name");
    // The same display name, and another branch.
    server.write("POST", &format!("{theirs}/branches"), &json!({ "name": "c_main" }), 201).await;
    let resolved = server.get(&path).await;
    assert_eq!(resolved["data"]["name"], "c_main");
    assert_ne!(resolved["data"]["hash"], other);
}

#[tokio::test]
async fn branches_are_limited_and_housekeeping_forgets_what_nobody_can_undo() {
    let server = TestServer::start_with(|options| options.max_branches = 2).await;
    server.write("PUT", &format!("{TENANT}/project-full/shop"), &document("x"), 201).await;
    server.write("POST", &format!("{PROJECT}/branches"), &json!({ "name": "topic" }), 201).await;
    let full = server.write("POST", &format!("{PROJECT}/branches"), &json!({ "name": "more" }), 422).await;
    assert!(full["detail"].as_str().unwrap().contains("may have 2 branches"), "{full}");
    set(&server, "topic", json!({ "name": "Lost" })).await;
    let lost = head(&server, "topic").await;
    server.send("DELETE", &format!("{PROJECT}/branches/topic"), None).await.expect(204, "deleted");

    let stats = server.get("/manage/stats").await["data"][0].clone();
    assert_eq!((&stats["branches"], &stats["deletedBranches"], &stats["rows"]), (&json!(1), &json!(1), &json!(5)));
    let kept = server.send("POST", &format!("{PROJECT}/gc"), None).await.expect(200, "gc");
    assert_eq!(kept["data"]["dropped"], 0, "it can be undone for a while");
    server.get(&format!("{ROUTER}?ref={lost}")).await;
    server.app.keep_house(understory::UNDO_KEPT).await;
    server.get(&format!("{ROUTER}?ref={lost}")).await;
    let gone = server.write("POST", &format!("{PROJECT}/gc"), &json!({ "undoDays": 0 }), 200).await;
    assert_eq!(gone["data"]["dropped"], 1);
    server.send("GET", &format!("{ROUTER}?ref={lost}"), None).await.expect(404, "nothing needs it");
    assert_eq!(server.get("/manage/stats").await["data"][0]["deletedBranches"], 0);
    // The server does the same by itself.
    server.write("POST", &format!("{PROJECT}/branches"), &json!({ "name": "topic" }), 201).await;
    set(&server, "topic", json!({ "name": "Lost" })).await;
    server.send("DELETE", &format!("{PROJECT}/branches/topic"), None).await.expect(204, "deleted");
    server.app.keep_house(std::time::Duration::ZERO).await;
    assert_eq!(server.get("/manage/stats").await["data"][0]["deletedBranches"], 0);
}

#[tokio::test]
async fn a_project_travels_as_files_and_as_a_bundle() {
    let server = start().await;
    server.write("POST", &format!("{PROJECT}/tags"), &json!({ "name": "v1" }), 201).await;
    set(&server, "main", json!({ "prompt": "Later." })).await;
    let files = server.get(&format!("{PROJECT}/files")).await["data"].clone();
    let prompt_file = files.as_object().unwrap().iter().find(|(_, text)| *text == "Later.").unwrap().0.clone();
    let mut changed = files.clone();
    changed[&prompt_file] = json!("By file.");
    let path = format!("{PROJECT}/files");
    let plan = server.write("PUT", &format!("{path}?dryRun=true"), &json!({ "files": changed }), 200).await;
    assert_eq!((&plan["data"]["commit"], &prompt(&server, "main").await), (&Value::Null, &json!("Later.")));
    let done = server.write("PUT", &path, &json!({ "files": changed }), 200).await;
    assert_eq!(done["data"]["changes"], plan["data"]["changes"]);
    assert_eq!(prompt(&server, "main").await, "By file.");
    let copy = format!("{TENANT}/projects/copy/files");
    server.write("PUT", &copy, &json!({ "files": changed }), 201).await;
    assert_eq!(server.get(&copy).await["data"], changed, "export, import, export");

    let bundle = server.send("GET", &format!("{PROJECT}/bundle"), None).await.text;
    let elsewhere = TestServer::start().await;
    let apply = async |to: &TestServer, bundle: &str, status| {
        let headers = [("authorization", format!("Bearer {}", understory_testkit::server::ADMIN_KEY))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        to.send_raw("POST", &format!("{TENANT}/bundles"), &headers, bundle.to_owned().into())
            .await
            .expect(status, "apply")
    };
    let applied = apply(&elsewhere, &bundle, 201).await;
    assert_eq!(applied["data"]["commits"], 3);
    assert_eq!(prompt(&elsewhere, "main").await, "By file.");
    assert_eq!(prompt(&elsewhere, "v1").await, "One.\nTwo.\nThree.");
    let again = apply(&elsewhere, &bundle, 200).await;
    assert_eq!(again["data"], json!({ "project": "shop", "commits": 0, "refs": [] }));

    // What came since travels alone, and moves the branch forward.
    let since = head(&server, "main").await;
    set(&server, "main", json!({ "prompt": "Since." })).await;
    server.write("POST", &format!("{PROJECT}/branches"), &json!({ "name": "topic" }), 201).await;
    let part = server.send("GET", &format!("{PROJECT}/bundle?since={since}"), None).await.text;
    assert!(part.len() < bundle.len());
    let applied = apply(&elsewhere, &part, 200).await;
    assert_eq!((&applied["data"]["commits"], applied["data"]["refs"].as_array().unwrap().len()), (&json!(1), 2));
    assert_eq!(prompt(&elsewhere, "topic").await, "Since.");
    let operations = elsewhere.get(&format!("{PROJECT}/operations")).await;
    assert_eq!(
        (&operations["data"][0]["kind"], &operations["data"][0]["ref"]),
        (&json!("branch_create"), &json!("topic"))
    );

    // Cut short, altered, or built on what is not there: nothing is taken.
    let third = TestServer::start().await;
    apply(&third, &part, 409).await;
    for damaged in
        [&bundle[..bundle.len() - 10], &bundle[..bundle.len() / 2], &bundle.replace("Shop", "Shup"), "", "{}\n"]
    {
        apply(&third, damaged, 400).await;
    }
    third.send("GET", PROJECT, None).await.expect(404, "nothing was taken");
    // A branch that went another way is not moved.
    set(&elsewhere, "main", json!({ "prompt": "Another way." })).await;
    set(&server, "main", json!({ "prompt": "One way." })).await;
    let newer = server.send("GET", &format!("{PROJECT}/bundle"), None).await.text;
    apply(&elsewhere, &newer, 409).await;
    assert_eq!(prompt(&elsewhere, "main").await, "Another way.");
}
