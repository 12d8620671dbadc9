//! Whole agents, whole projects, and a project's own fields.

use serde_json::json;

use crate::client::{Client, PROJECT, TENANT, at};
use crate::seed::{agent, project};
use crate::steps::Write;

pub(crate) async fn run(client: &Client) {
    agents(client).await;
    projects(client).await;
    own_fields(client).await;
}

async fn agents(client: &Client) {
    let full = |id: &str| format!("{PROJECT}/agent/{id}");
    // Written with a `type`, read without one.
    let shown_otherwise: &[&str] = &["subAgents"];
    let create = Write::new("POST", &format!("{PROJECT}/agent"), agent("c"), &full("c"))
        .not_shown(shown_otherwise)
        .run(client)
        .await;
    assert_eq!(create.status.as_u16(), 201);
    let mut changed = agent("c");
    changed["description"] = json!("changed");
    changed["subAgents"].as_object_mut().unwrap().remove("s2");
    changed["subAgents"]["s1"]["canTransferTo"] = json!([]);
    let put = Write::new("PUT", &full("c"), changed, &full("c")).not_shown(shown_otherwise).run(client).await;
    assert_eq!(put.status.as_u16(), 200);
    let read = client.get(&full("c")).await;
    assert_eq!(read["data"]["subAgents"].as_object().unwrap().len(), 1);
    let put = Write::new("PUT", &full("d"), agent("d"), &full("d")).not_shown(shown_otherwise).run(client).await;
    assert_eq!(put.status.as_u16(), 201, "a PUT of an agent that is not there creates it");
    Write::new("DELETE", &full("d"), None, &full("d")).run(client).await;
}

async fn projects(client: &Client) {
    let full = |id: &str| format!("{TENANT}/project-full/{id}");
    // Collections are written in part and read in full; agents, see above.
    let shown_otherwise: &[&str] = &["agents", "skills", "functionTools"];
    let mut changed = project("demo");
    changed["name"] = json!("Changed");
    changed["tools"]["t"]["name"] = json!("changed");
    changed["agents"].as_object_mut().unwrap().remove("d");
    Write::new("PUT", &full("demo"), changed, &full("demo")).not_shown(shown_otherwise).run(client).await;
    let document = client.get(&full("demo")).await;
    let head = client.head("main").await;
    client.call("PUT", &full("demo"), Some(&writable(document["data"].clone()))).await;
    assert_eq!(client.head("main").await, head, "what was read, written again, is no commit");
    let with_ids = client.get(&format!("{}/with-relation-ids", full("demo"))).await;
    let target = &with_ids["data"]["agents"]["a"]["subAgents"]["s1"]["canTransferTo"][0];
    assert!(target["subAgentSubAgentRelationId"].is_string(), "{target}");

    let created = client.call("POST", &format!("{TENANT}/project-full"), Some(&project("second"))).await;
    assert_eq!(created.body, client.get(&full("second")).await);
    let commit = created.header("x-understory-commit").unwrap();
    assert_eq!(created.body, client.get(&at(&full("second"), commit)).await);
    client.call("DELETE", &full("second"), None).await;
    assert_eq!(client.server.send("GET", &full("second"), None).await.status.as_u16(), 404);
}

/// A document as the contract lets it be written: sub-agents with their type, nothing that may only be read.
fn writable(mut document: serde_json::Value) -> serde_json::Value {
    for agent in document["agents"].as_object_mut().unwrap().values_mut() {
        for sub_agent in agent["subAgents"].as_object_mut().unwrap().values_mut() {
            sub_agent["type"] = json!("internal");
        }
    }
    strip_null(&mut document);
    document
}

fn strip_null(value: &mut serde_json::Value) {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
        object.values_mut().for_each(strip_null);
    }
    if let Some(items) = value.as_array_mut() {
        items.iter_mut().for_each(strip_null);
    }
}

async fn own_fields(client: &Client) {
    let own = |id: &str| format!("{TENANT}/projects/{id}");
    let list = format!("{TENANT}/projects");
    let body = client.body("POST", &list, 0, &json!({ "id": "third" }));
    let created = client.call("POST", &list, Some(&body)).await.body;
    assert_eq!(created, client.get(&own("third")).await);
    assert_eq!(created["data"]["stopWhen"], body["stopWhen"]);
    let listed = client.get(&format!("{list}?include=agents&limit=100")).await;
    assert_eq!(listed["pagination"]["total"], 2);
    assert!(listed["data"].as_array().unwrap().contains(&{
        let mut with_agents = created["data"].clone();
        with_agents["agents"] = json!([]);
        with_agents
    }));
    client.call("DELETE", &own("third"), None).await;
    assert_eq!(client.server.send("GET", &own("third"), None).await.status.as_u16(), 404);
    let change = client.body("PATCH", &own("demo"), 1, &json!({ "id": null }));
    Write::new("PATCH", &own("demo"), change, &own("demo")).run(client).await;
}
