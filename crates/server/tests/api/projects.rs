use serde_json::{Value, json};

use crate::client::{Api, HOME};

async fn create(api: &Api, body: &Value) -> Value {
    api.data("POST", "/api/projects", body, 201).await
}

fn path(project: &Value) -> String {
    format!("/api/projects/{}", project["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_project_is_made_changed_and_deleted() {
    let api = Api::start().await;
    assert_eq!(api.get("/api/projects").await["data"], json!([]));
    let agent = api.data("POST", "/api/agents", &json!({ "name": "Coder" }), 201).await;
    let body = json!({
        "name": "Shop", "repositoryUrl": "git@example.org:shop.git", "localPath": "/src/shop", "framework": "axum",
        "agents": [agent["id"]], "id": "mine",
    });
    let shop = create(&api, &body).await;
    assert_eq!(
        (&shop["language"], &shop["status"], &shop["agents"]),
        (&json!("typescript"), &json!("active"), &body["agents"])
    );
    assert_eq!(shop["id"].as_str().unwrap().len(), 36);
    assert!(shop["createdAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(api.get(&path(&shop)).await["data"], shop);
    let other = create(&api, &json!({ "name": "Blog", "language": "rust" })).await;
    assert_eq!(api.get("/api/projects").await["data"], json!([other, shop]), "the newest first");
    assert_eq!(api.get("/api/projects?limit=1").await["data"], json!([other]));

    let change = json!({ "id": "other", "status": "archived", "framework": null });
    let changed = api.data("PUT", &path(&shop), &change, 200).await;
    for kept in ["id", "name", "repositoryUrl", "agents", "createdAt"] {
        assert_eq!(changed[kept], shop[kept], "{kept}");
    }
    assert_eq!((&changed["status"], &changed["framework"]), (&json!("archived"), &Value::Null));
    assert_eq!(api.get("/api/projects?status=archived").await["data"], json!([changed]));
    let history = api.server.get(&format!("{HOME}/code-projects/{}/history", shop["id"].as_str().unwrap())).await;
    assert_eq!(history["data"].as_array().unwrap().len(), 2);

    api.call("DELETE", &path(&shop), None, 200).await;
    for method in ["GET", "PUT", "DELETE"] {
        let body = (method == "PUT").then(|| json!({ "name": "x" }));
        api.refused(method, &path(&shop), body.as_ref(), 404).await;
    }
}

#[tokio::test]
async fn an_agent_that_goes_leaves_its_projects() {
    let api = Api::start().await;
    let agent = api.data("POST", "/api/agents", &json!({ "name": "Coder" }), 201).await;
    let shop = create(&api, &json!({ "name": "Shop", "agents": [agent["id"]] })).await;
    api.call("DELETE", &format!("/api/agents/{}", agent["id"].as_str().unwrap()), None, 200).await;
    assert_eq!(api.get(&path(&shop)).await["data"]["agents"], json!([]));
}

#[tokio::test]
async fn what_makes_no_project_is_refused_where_it_stands() {
    let api = Api::start().await;
    for (body, pointer) in [
        (json!({}), "/name"),
        (json!([]), ""),
        (json!({ "name": "x", "status": "lost" }), "/status"),
        (json!({ "name": "x", "language": "" }), "/language"),
        (json!({ "name": "x", "agents": "a" }), "/agents"),
        (json!({ "name": "x", "agents": ["nobody"] }), "/agents/0"),
        (json!({ "name": "x", "localPath": "p".repeat(5000) }), "/localPath"),
    ] {
        let told = api.refused("POST", "/api/projects", Some(&body), 400).await;
        assert_eq!(told["errors"][0]["pointer"], pointer, "{told}");
    }
    api.refused("GET", "/api/projects?page=0", None, 400).await;
}
