//! Pages of lists.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::{AGENT, Client, PROJECT, TENANT};
use crate::seed::seed;
use crate::validators::CONTRACT;

fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn walking_the_pages_covers_every_row_once() {
    let client = Client::start().await;
    seed(&client).await;
    let path = format!("{PROJECT}/functions");
    for index in 0..24 {
        client.call("POST", &path, Some(&json!({ "id": format!("n{index:02}"), "executeCode": "x" }))).await;
    }
    let all: Vec<String> = ids(&client.get(&format!("{path}?limit=100")).await);
    assert_eq!(all.len(), 25);
    let first = client.get(&path).await;
    assert_eq!(first["pagination"], json!({ "page": 1, "limit": 10, "total": 25, "pages": 3 }));
    for limit in [1, 7, 10, 25, 100] {
        let mut seen = Vec::new();
        for page in 1.. {
            let list = client.get(&format!("{path}?page={page}&limit={limit}")).await;
            let pages = list["pagination"]["pages"].as_u64().unwrap();
            assert_eq!(list["pagination"]["total"], 25);
            if page > pages {
                assert_eq!(list["data"], json!([]));
                break;
            }
            seen.extend(ids(&list));
        }
        assert_eq!(seen, all, "limit {limit}");
    }
    let unique: BTreeSet<&String> = all.iter().collect();
    assert_eq!(unique.len(), 25);
}

#[tokio::test]
async fn projects_have_pages_too() {
    let client = Client::start().await;
    let path = format!("{TENANT}/projects");
    for id in ["c", "a", "b"] {
        client
            .call("POST", &path, Some(&json!({ "id": id, "name": id, "models": { "base": { "model": "m" } } })))
            .await;
    }
    let mut seen = Vec::new();
    for page in 1..=2 {
        let list = client.get(&format!("{path}?page={page}&limit=2")).await;
        assert_eq!(list["pagination"], json!({ "page": page, "limit": 2, "total": 3, "pages": 2 }));
        seen.extend(ids(&list));
    }
    seen.sort();
    assert_eq!(seen, ["a", "b", "c"]);
    assert_eq!(client.get("/manage/tenants/empty/projects").await["data"], json!([]));
}

#[tokio::test]
async fn bad_pages_are_refused_by_every_list() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    let paged = CONTRACT.operations.values().filter(|operation| operation.query().contains(&"limit"));
    let mut lists = 0;
    for operation in paged.filter(|operation| crate::validators::OURS.operations.contains_key(&operation.place())) {
        // A conversation is shown with its last messages, which are no pages.
        if operation.id == "get-conversation" {
            continue;
        }
        let path = crate::refusals::filled(&operation.path, &seed);
        client.get(&path).await;
        // Conversations have longer pages than other lists.
        let too_many = if path.ends_with("/conversations") { "limit=201" } else { "limit=101" };
        for query in
            ["page=0", "page=-1", "page=x", "page=1.5", "limit=0", too_many, "limit=", "limit=99999999999999999999"]
        {
            let pointers = client.refused("GET", &format!("{path}?{query}"), None, &[400]).await;
            assert_eq!(pointers, [format!("/{}", query.split('=').next().unwrap())], "{path}?{query}");
        }
        lists += 1;
    }
    assert_eq!(lists, 21);
}

#[tokio::test]
async fn filters_leave_out_what_does_not_fit() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    let relations = format!("{AGENT}/sub-agent-relations");
    let total = async |path: String| client.get(&path).await["pagination"]["total"].as_u64().unwrap();
    assert_eq!(total(format!("{relations}?sourceSubAgentId=s1")).await, 1);
    assert_eq!(total(format!("{relations}?sourceSubAgentId=s2")).await, 0);
    assert_eq!(total(format!("{relations}?externalSubAgentId=ext")).await, 0);
    assert_eq!(total(format!("{AGENT}/sub-agent-tool-relations?toolId=t&subAgentId=s1")).await, 1);
    assert_eq!(total(format!("{AGENT}/sub-agent-tool-relations?toolId=no-such")).await, 0);
    assert_eq!(total(format!("{PROJECT}/tools?status=unknown&skipDiscovery=true")).await, 1);
    assert_eq!(total(format!("{PROJECT}/tools?status=healthy")).await, 0);
    client.refused("GET", &format!("{PROJECT}/tools?status=nonsense"), None, &[400]).await;
    let evaluators = format!("{PROJECT}/evals/evaluators");
    assert_eq!(total(format!("{evaluators}?agentId=a")).await, 0);
    client.call("POST", &format!("{evaluators}/{}/agents/a", seed.evaluators[0]), None).await;
    assert_eq!(total(format!("{evaluators}?agentId=a")).await, 1);
}
