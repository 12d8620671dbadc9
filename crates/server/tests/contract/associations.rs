//! Relations without rows of their own on the wire, and questions about them.

use serde_json::{Value, json};

use crate::client::{AGENT, Client, PROJECT};
use crate::seed::Seed;
use crate::steps::Write;

/// Associates, asks and dissociates, for every kind of association.
pub(crate) async fn run(client: &Client, seed: &Seed) {
    pairs(client).await;
    skills(client).await;
    trigger_users(client, seed).await;
    nested(client, seed).await;
    questions(client, seed).await;
}

async fn write(client: &Client, verb: &str, path: &str, body: Option<Value>, probe: &str) {
    Write::new(verb, path, body, probe).run(client).await;
}

/// Components and function tools of a sub-agent.
async fn pairs(client: &Client) {
    let kinds = [
        ("sub-agent-artifact-components", "agent", "component", "agents", "artifactComponentId", "ac"),
        ("sub-agent-data-components", "agent", "component", "agents", "dataComponentId", "dc"),
        ("sub-agent-function-tools", "sub-agent", "function-tool", "sub-agents", "functionToolId", "ft"),
    ];
    for (path, left, right, users, key, id) in kinds {
        let base = format!("{AGENT}/{path}");
        let own = format!("{base}/{left}/s2");
        let pair = format!("{own}/{right}/{id}");
        let mut body = json!({ "agentId": "a", "subAgentId": "s2", key: id });
        if key == "functionToolId" {
            body = json!({ "subAgentId": "s2", key: id, "toolPolicies": { "*": { "needsApproval": true } } });
        }
        Write::new("POST", &base, body, &format!("{pair}/exists"))
            .not_shown(&["agentId", "subAgentId", key, "toolPolicies"])
            .run(client)
            .await;
        assert_eq!(client.get(&format!("{pair}/exists")).await, json!({ "exists": true }));
        let owned = client.get(&own).await;
        assert_eq!(owned["data"][0]["id"], id);
        let used = client.get(&format!("{base}/{right}/{id}/{users}")).await;
        assert_eq!(used["data"].as_array().unwrap().len(), 2, "{used}");
        write(client, "DELETE", &pair, None, &format!("{pair}/exists")).await;
        assert_eq!(client.get(&format!("{pair}/exists")).await, json!({ "exists": false }));
    }
}

async fn skills(client: &Client) {
    let base = format!("{AGENT}/sub-agent-skills");
    let own = format!("{base}/agent/s2");
    let body = client.body("POST", &base, 0, &json!({ "agentId": "a", "subAgentId": "s2", "skillId": "sk" }));
    Write::new("POST", &base, body, &own).not_shown(&["agentId", "skillId"]).run(client).await;
    let skills = client.get(&own).await;
    assert_eq!((&skills["data"][0]["id"], &skills["data"][0]["index"]), (&json!("sk"), &json!(1)));
    write(client, "DELETE", &format!("{own}/skill/sk"), None, &own).await;
}

async fn trigger_users(client: &Client, seed: &Seed) {
    let users = format!("{AGENT}/triggers/{}/users", seed.trigger);
    let steps = [
        ("POST", users.clone(), Some(json!({ "userId": "ana" })), json!(["ana"])),
        ("PUT", users.clone(), Some(json!({ "userIds": ["ben", "cem"] })), json!(["ben", "cem"])),
        ("DELETE", format!("{users}/ben"), None, json!(["cem"])),
    ];
    for (verb, path, body, left) in steps {
        Write::new(verb, &path, body, &users).not_shown(&["userId", "userIds"]).run(client).await;
        assert!(client.get(&users).await.to_string().contains(&left.to_string()), "{verb} {path}");
    }
}

/// Members whose ids are in the path.
async fn nested(client: &Client, seed: &Seed) {
    let [first, second] = &seed.evaluators;
    let members = [
        (format!("datasets/{}/agents", seed.dataset), "a"),
        (format!("evaluators/{first}/agents"), "a"),
        (format!("evaluation-suite-configs/{}/evaluators", seed.suite), second),
        (format!("evaluation-job-configs/{}/evaluators", seed.job), second),
    ];
    for (path, id) in members {
        let list = format!("{PROJECT}/evals/{path}");
        let one = format!("{list}/{id}");
        write(client, "POST", &one, None, &list).await;
        assert!(client.get(&list).await.to_string().contains(id));
        write(client, "DELETE", &one, None, &list).await;
    }
    let items = format!("{PROJECT}/evals/dataset-items/{}", seed.dataset);
    let body =
        json!([{ "input": { "messages": ["one"] } }, { "input": { "messages": ["two"] }, "expectedOutput": ["x"] }]);
    Write::new("POST", &format!("{items}/items/bulk"), body, &items).many().run(client).await;
    let read = client.get(&items).await;
    assert_eq!(read["data"].as_array().unwrap().len(), 2);
}

/// Reads that no write stands beside.
async fn questions(client: &Client, seed: &Seed) {
    let [first, second] = &seed.evaluators;
    let related = client.get(&format!("{AGENT}/sub-agents/s1/related")).await;
    assert_eq!(related["data"][0]["id"], "s2");
    let status = client.get(&format!("{AGENT}/tool-status?status=unknown")).await;
    assert_eq!(status["data"][0]["id"], "t");
    let users = client.get(&format!("{AGENT}/sub-agent-tool-relations/tool/t/sub-agents?limit=5")).await;
    assert_eq!(users["data"][0]["subAgentId"], "s1");
    client.get(&format!("{AGENT}/full")).await;
    let ids = json!({ "evaluatorIds": [first, second, "no-such"] });
    let evaluators = client.call("POST", &format!("{PROJECT}/evals/evaluators/batch"), Some(&ids)).await.body;
    assert_eq!(evaluators["data"].as_array().unwrap().len(), 2);
    let scopes = client.call("POST", &format!("{PROJECT}/evals/evaluators/batch-agent-scopes"), Some(&ids)).await.body;
    assert_eq!(scopes["data"][first.as_str()], json!([]));
}

/// Relations between sub-agents have an id that follows from their ends: an update can only say them again.
pub(crate) async fn relation_update(client: &Client) {
    let list = client.get(&format!("{AGENT}/sub-agent-relations")).await;
    let relation = &list["data"][0];
    let one = format!("{AGENT}/sub-agent-relations/{}", relation["id"].as_str().unwrap());
    let head = client.head("main").await;
    let same = json!({ "relationType": relation["relationType"], "sourceSubAgentId": relation["sourceSubAgentId"] });
    client.call("PATCH", &one, Some(&same)).await;
    assert_eq!(client.head("main").await, head, "nothing changed");
}
