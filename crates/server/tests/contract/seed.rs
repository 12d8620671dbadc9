//! A project with one of everything.

use serde_json::{Value, json};

use crate::client::{AGENT, Client, PROJECT, TENANT};

/// Ids that the server made.
pub(crate) struct Seed {
    pub(crate) evaluators: [String; 2],
    pub(crate) dataset: String,
    pub(crate) suite: String,
    pub(crate) job: String,
    pub(crate) trigger: String,
}

/// A `SKILL.md` that says this name.
pub(crate) fn skill_md(name: &str, text: &str) -> Value {
    json!({ "filePath": "SKILL.md", "content": format!("---\nname: {name}\ndescription: {text}\n---\n\n# {text}\n") })
}

fn sub_agent(id: &str) -> Value {
    json!({ "id": id, "name": id, "type": "internal", "canUse": [] })
}

/// A whole agent with two sub-agents of which the first hands over to the second.
pub(crate) fn agent(id: &str) -> Value {
    let mut first = sub_agent("s1");
    first["canTransferTo"] = json!(["s2"]);
    json!({ "id": id, "name": id, "defaultSubAgentId": "s1", "subAgents": { "s1": first, "s2": sub_agent("s2") } })
}

/// A whole project.
pub(crate) fn project(id: &str) -> Value {
    let component = |id: &str| {
        let props = json!({ "type": "object", "properties": { "x": { "type": "string", "description": "x" } }, "required": [], "additionalProperties": false });
        json!({ "id": id, "name": id, "props": props })
    };
    let mut own = agent("a");
    own["functionTools"] = json!({ "ft": { "id": "ft", "name": "ft", "functionId": "f" } });
    own["subAgents"]["s1"]["canUse"] = json!([{ "toolId": "t" }, { "toolId": "ft" }]);
    own["subAgents"]["s1"]["canDelegateTo"] = json!([{ "externalAgentId": "ext" }, { "agentId": "b" }]);
    own["subAgents"]["s1"]["dataComponents"] = json!(["dc"]);
    own["subAgents"]["s1"]["artifactComponents"] = json!(["ac"]);
    own["subAgents"]["s1"]["skills"] = json!([{ "id": "sk", "index": 0 }]);
    own["contextConfig"] =
        json!({ "id": "cc", "headersSchema": { "type": "object", "properties": {} }, "contextVariables": {} });
    json!({
        "id": id, "name": "Demo", "models": { "base": { "model": "openai/gpt" } },
        "agents": { "a": own, "b": agent("b") },
        "tools": { "t": { "id": "t", "name": "t", "config": { "type": "mcp", "mcp": { "server": { "url": "https://example.com/mcp" } } } } },
        "functions": { "f": { "id": "f", "executeCode": "() => 1" } },
        "credentialReferences": { "cred": { "id": "cred", "name": "cred", "type": "memory", "credentialStoreId": "memory-default" } },
        "externalAgents": { "ext": { "id": "ext", "name": "ext", "baseUrl": "https://example.com/ext" } },
        "dataComponents": { "dc": component("dc") },
        "artifactComponents": { "ac": component("ac") },
        "skills": { "sk": { "files": [skill_md("sk", "A skill"), { "filePath": "more.md", "content": "more" }] } },
    })
}

/// Makes the project `demo`.
pub(crate) async fn seed(client: &Client) -> Seed {
    client.call("PUT", &format!("{TENANT}/project-full/demo"), Some(&project("demo"))).await;
    let make = async |path: String, body: Value| {
        let made = client.call("POST", &path, Some(&body)).await.body;
        made["data"]["id"].as_str().unwrap().to_owned()
    };
    let evals = format!("{PROJECT}/evals");
    let evaluator =
        |name: &str| json!({ "name": name, "prompt": "p", "schema": { "type": "object" }, "model": { "model": "m" } });
    let first = make(format!("{evals}/evaluators"), evaluator("one")).await;
    let second = make(format!("{evals}/evaluators"), evaluator("two")).await;
    let dataset = make(format!("{evals}/datasets"), json!({ "name": "set" })).await;
    let suite = make(format!("{evals}/evaluation-suite-configs"), json!({ "evaluatorIds": [first] })).await;
    let job = make(format!("{evals}/evaluation-job-configs"), json!({ "evaluatorIds": [first] })).await;
    let trigger = make(format!("{AGENT}/triggers"), json!({ "name": "hook" })).await;
    Seed { evaluators: [first, second], dataset, suite, job, trigger }
}
