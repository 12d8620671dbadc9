//! Branches, merges and refs.

use serde_json::json;

use crate::client::{AGENT, Client, PROJECT, at};

pub(crate) async fn run(client: &Client) {
    let branches = format!("{PROJECT}/branches");
    let start = client.head("main").await;
    let body = json!({ "name": "work/one", "fromCommit": start });
    let created = client.call("POST", &branches, Some(&body)).await.body;
    assert_eq!(created["data"], json!({ "baseName": "work/one", "fullName": "acme_demo_work/one", "hash": start }));
    client.call("POST", &branches, Some(&json!({ "name": "two", "fromBranch": "work/one" }))).await;
    assert_eq!(client.get(&branches).await["data"].as_array().unwrap().len(), 3);

    let new = json!({ "id": "late", "name": "late" });
    client.call("POST", &at(&format!("{PROJECT}/agents"), "two"), Some(&new)).await;
    let with_agent = client.get(&format!("{branches}/agents/late")).await;
    assert_eq!(with_agent["data"].as_array().unwrap().len(), 1);
    assert_eq!(with_agent["data"][0]["baseName"], "two");

    let head = client.head("two").await;
    for (reference, kind, name, hash) in [
        ("main", "branch", "main", &start),
        ("acme_demo_two", "branch", "two", &head),
        (head.as_str(), "commit", head.as_str(), &head),
        (&start[..10], "commit", start.as_str(), &start),
    ] {
        let resolved = client.get(&format!("{PROJECT}/refs/resolve?ref={reference}")).await;
        assert_eq!(resolved["data"], json!({ "type": kind, "name": name, "hash": hash }));
    }
    merge(client).await;
    for name in ["two", "work%2Fone"] {
        client.call("DELETE", &format!("{branches}/{name}?force=true"), None).await;
    }
    assert_eq!(client.get(&branches).await["data"].as_array().unwrap().len(), 1);
}

/// One conflict, decided by column, and a fast look at what is hash-pinned.
async fn merge(client: &Client) {
    let sub_agent = format!("{AGENT}/sub-agents/s2");
    client.call("PATCH", &sub_agent, Some(&json!({ "prompt": "main", "name": "main" }))).await;
    client.call("PATCH", &at(&sub_agent, "two"), Some(&json!({ "prompt": "two", "name": "two" }))).await;
    let pair = json!({ "sourceBranch": "two", "targetBranch": "main" });
    let preview = client.call("POST", &format!("{PROJECT}/branches/merge/preview"), Some(&pair)).await.body;
    let data = &preview["data"];
    assert_eq!(data["conflicts"].as_array().unwrap().len(), 1, "{preview:#}");
    let conflict = &data["conflicts"][0];
    assert_eq!((&conflict["ours"]["prompt"], &conflict["theirs"]["prompt"]), (&json!("main"), &json!("two")));
    let resolution = json!({
        "table": conflict["table"], "primaryKey": conflict["primaryKey"], "rowDefaultPick": "ours",
        "columns": { "prompt": "theirs" },
    });
    let before = client.head("main").await;
    let request = json!({
        "sourceBranch": "two", "targetBranch": "main", "sourceHash": data["sourceHash"],
        "targetHash": data["targetHash"], "message": "Merge two", "resolutions": [resolution],
    });
    let merged = client.call("POST", &format!("{PROJECT}/branches/merge"), Some(&request)).await.body;
    assert_eq!(merged["data"]["mergeCommitHash"], client.head("main").await);
    let read = client.get(&sub_agent).await;
    assert_eq!((&read["data"]["name"], &read["data"]["prompt"]), (&json!("main"), &json!("two")));
    client.get(&format!("{PROJECT}/agents/late")).await;
    let old = client.server.send("GET", &at(&format!("{PROJECT}/agents/late"), &before), None).await;
    assert_eq!(old.status.as_u16(), 404);
}
