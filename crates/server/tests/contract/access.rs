//! Ways in: keys, tenants, refs, and second ways to call the same thing.

use serde_json::json;
use understory_testkit::server::ADMIN_KEY;

use crate::client::{Client, PROJECT, TENANT};
use crate::entities::entities;
use crate::seed::{agent, project, seed};

#[tokio::test]
async fn what_belongs_to_another_tenant_or_project_is_not_there() {
    let client = Client::start().await;
    seed(&client).await;
    let theirs = "/manage/tenants/theirs";
    let mut document = project("demo");
    document["tools"]["secret"] = document["tools"]["t"].clone();
    document["tools"]["secret"]["id"] = json!("secret");
    client.call("PUT", &format!("{theirs}/project-full/demo"), Some(&document)).await;
    let hash =
        client.get(&format!("{theirs}/projects/demo/branches/main")).await["data"]["hash"].as_str().unwrap().to_owned();

    for path in [
        format!("{PROJECT}/tools/secret"),
        format!("{PROJECT}/tools/t?ref={hash}"),
        format!("{PROJECT}/refs/resolve?ref={hash}"),
    ] {
        client.refused("GET", &path, None, &[404]).await;
    }
    for (verb, path) in [("PATCH", "tools/secret"), ("DELETE", "tools/secret")] {
        client.refused(verb, &format!("{PROJECT}/{path}"), Some(&json!({ "name": "x" })), &[404]).await;
    }
    let branch = json!({ "name": "stolen", "fromCommit": hash });
    client.refused("POST", &format!("{PROJECT}/branches"), Some(&branch), &[404]).await;
    let relation = json!({ "subAgentId": "s2", "toolId": "secret" });
    client.refused("POST", &format!("{PROJECT}/agents/a/sub-agent-tool-relations"), Some(&relation), &[400]).await;
    for name in ["theirs_demo_main", "theirs_demo_"] {
        client.refused("GET", &format!("{PROJECT}/branches/{name}"), None, &[404]).await;
    }
    // A body cannot say that it belongs elsewhere.
    let tool = json!({ "id": "mine", "name": "x", "config": document["tools"]["t"]["config"], "tenantId": "theirs", "projectId": "other" });
    client.call("POST", &format!("{PROJECT}/tools"), Some(&tool)).await;
    client.refused("GET", &format!("{theirs}/projects/demo/tools/mine"), None, &[404]).await;
    assert_eq!(client.get(&format!("{PROJECT}/tools/mine")).await["data"]["tenantId"], "acme");
}

#[tokio::test]
async fn a_key_comes_either_way() {
    let client = Client::start().await;
    seed(&client).await;
    let bearer = format!("Bearer {ADMIN_KEY}");
    let lower = format!("bearer {ADMIN_KEY}");
    for headers in [("authorization", bearer.as_str()), ("authorization", lower.as_str()), ("x-api-key", ADMIN_KEY)] {
        let answer = client.server.send_with("GET", &format!("{PROJECT}/tools/t"), &[headers], None).await;
        assert_eq!(answer.status.as_u16(), 200, "{headers:?}");
    }
    for open in ["/health", "/ready", "/openapi.json", "/docs"] {
        let answer = client.server.send_with("GET", open, &[], None).await;
        assert!(answer.status.is_success(), "{open}: {}", answer.status);
    }
}

#[tokio::test]
async fn the_ref_comes_either_way_and_the_query_wins() {
    let client = Client::start().await;
    seed(&client).await;
    for name in ["one", "two"] {
        client.call("POST", &format!("{PROJECT}/branches"), Some(&json!({ "name": name }))).await;
        let body = json!({ "name": name });
        client.call("PATCH", &format!("{PROJECT}/tools/t?ref={name}"), Some(&body)).await;
    }
    let read = async |query: &str, header: &str| {
        let headers = [("x-api-key", ADMIN_KEY), ("x-inkeep-ref", header)];
        let answer = client.server.send_with("GET", &format!("{PROJECT}/tools/t{query}"), &headers, None).await;
        answer.body["data"]["name"].clone()
    };
    assert_eq!(read("", "one").await, "one");
    assert_eq!(read("?ref=two", "one").await, "two");
    assert_eq!(read("?ref=acme_demo_two", "").await, "two");
    assert_eq!(read("?ref=main", "one").await, "t");
    let headers = [("x-api-key", ADMIN_KEY), ("x-inkeep-ref", "one")];
    let body = json!({ "name": "again" });
    let main = client.head("main").await;
    client.server.send_with("PATCH", &format!("{PROJECT}/tools/t"), &headers, Some(&body)).await;
    assert_eq!((read("", "one").await, client.head("main").await), (json!("again"), main));
}

#[tokio::test]
async fn put_and_patch_are_twins_and_older_paths_work() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    for entity in entities(&seed) {
        let Some(update) = &entity.update else { continue };
        let body = client.body("POST", &entity.path, 0, &entity.create);
        let created = client.call("POST", &entity.path, Some(&body)).await.body;
        let one = entity.one(created["data"]["id"].as_str().unwrap());
        let body = client.body("PATCH", &one, 1, update);
        let alias = one.strip_prefix("/manage").unwrap();
        let put = client.server.write("PUT", alias, &body, 200).await;
        let head = client.head("main").await;
        assert_eq!(client.call("PATCH", &one, Some(&body)).await.body, put);
        assert_eq!(client.head("main").await, head, "{one}: PATCH says what PUT said");
    }
    client.server.write("PATCH", &format!("{PROJECT}/agent/a"), &agent("a"), 200).await;
    client.server.write("PATCH", &format!("{TENANT}/project-full/demo"), &project("demo"), 200).await;
    client.server.write("PUT", &format!("{TENANT}/projects/demo"), &json!({ "name": "n" }), 200).await;
    client.server.write("PATCH", &format!("{TENANT}/project-full/fresh"), &project("fresh"), 201).await;
}

#[tokio::test]
async fn a_project_goes_only_from_main() {
    let client = Client::start().await;
    seed(&client).await;
    client.call("POST", &format!("{PROJECT}/branches"), Some(&json!({ "name": "work" }))).await;
    for path in [format!("{TENANT}/projects/demo?ref=work"), format!("{TENANT}/project-full/demo?ref=work")] {
        client.refused("DELETE", &path, None, &[400]).await;
    }
    client.refused("DELETE", &format!("{PROJECT}/branches/main"), None, &[403]).await;
    client.refused("DELETE", &format!("{PROJECT}/branches/main?force=true"), None, &[403]).await;
    let answer =
        client.server.send("PUT", &format!("{TENANT}/project-full/other?ref=work"), Some(&project("other"))).await;
    crate::problem::problem("a new project on a branch", &answer, 404);
    let both = json!({ "name": "b", "fromBranch": "main", "fromCommit": client.head("main").await });
    client.refused("POST", &format!("{PROJECT}/branches"), Some(&both), &[400]).await;
    for missing in [json!({ "name": "b", "fromBranch": "none" }), json!({ "name": "b", "fromCommit": "0".repeat(32) })]
    {
        client.refused("POST", &format!("{PROJECT}/branches"), Some(&missing), &[404]).await;
    }
    for method in ["PUT", "DELETE"] {
        let answer = client.server.send(method, &format!("{PROJECT}/tools"), Some(&json!({}))).await;
        crate::problem::problem(method, &answer, 405);
    }
    client.refused("GET", &format!("{PROJECT}/nowhere"), None, &[404]).await;
}
