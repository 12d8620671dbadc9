//! The entities with routes of their own: where they are, and what the contract's bodies need to make sense.

use serde_json::{Value, json};

use crate::client::{AGENT, Client, PROJECT, at};
use crate::seed::{Seed, skill_md};
use crate::steps::Write;

/// Create, read, list, update and delete of an entity.
pub(crate) struct Crud {
    pub(crate) list: String,
    pub(crate) path: String,
    /// Whether clients give the id.
    pub(crate) given: bool,
    /// What must be so in a create; null leaves a key out.
    pub(crate) create: Value,
    /// What must be so in an update; none if there is no update.
    pub(crate) update: Option<Value>,
    pub(crate) not_shown: &'static [&'static str],
}

fn crud(path: String, create: Value, update: Value) -> Crud {
    Crud { list: path.clone(), path, given: create["id"].is_string(), create, update: Some(update), not_shown: &[] }
}

impl Crud {
    fn list(mut self, path: String) -> Self {
        self.list = path;
        self
    }

    fn not_shown(mut self, keys: &'static [&'static str]) -> Self {
        self.not_shown = keys;
        self
    }

    fn without_update(mut self) -> Self {
        self.update = None;
        self
    }
}

/// All of them.
pub(crate) fn entities(seed: &Seed) -> Vec<Crud> {
    let project = |path: &str| format!("{PROJECT}/{path}");
    let agent = |path: &str| format!("{AGENT}/{path}");
    let evals = |path: &str| format!("{PROJECT}/evals/{path}");
    let [first, second] = &seed.evaluators;
    let dataset = &seed.dataset;
    let none = || json!({});
    let props = || json!({ "type": "object", "properties": { "x": { "type": "string", "description": "x" } }, "required": ["x"], "additionalProperties": false });
    let models = || json!({ "base": { "model": "openai/gpt" } });
    let headers = || json!([{ "name": "x-key", "value": "a secret of some length" }]);
    // The id of a relation follows from its ends: the one that clients send means nothing.
    let derived: &[&str] = &["id"];
    vec![
        crud(agent("context-configs"), json!({ "id": "new-one" }), json!({ "id": null })),
        crud(agent("function-tools"), json!({ "id": "new-one", "functionId": "f" }), json!({ "id": null, "agentId": null, "functionId": "f" })),
        crud(
            agent("sub-agents"),
            json!({ "id": "new-one", "models": models(), "stopWhen": { "stepCountIs": 3 }, "conversationHistoryConfig": { "mode": "full" } }),
            json!({ "id": null, "models": models(), "stopWhen": { "stepCountIs": 4 }, "conversationHistoryConfig": { "mode": "none" } }),
        ),
        crud(
            agent("triggers"),
            json!({ "id": "new-one", "signingSecretCredentialReferenceId": "cred", "authentication": { "headers": headers() } }),
            json!({ "id": null, "signingSecretCredentialReferenceId": "cred", "authentication": { "headers": headers() } }),
        )
        .not_shown(&["authentication"]),
        crud(
            project("agents"),
            json!({ "id": "new-one", "contextConfigId": null, "models": models(), "stopWhen": { "transferCountIs": 2 }, "statusUpdates": { "enabled": true } }),
            json!({ "contextConfigId": null, "models": models(), "stopWhen": { "stepCountIs": 2 }, "statusUpdates": { "enabled": false } }),
        ),
        crud(project("artifact-components"), json!({ "id": "new-one", "props": props() }), json!({ "id": null, "props": props() })),
        crud(project("data-components"), json!({ "id": "new-one", "props": props() }), json!({ "id": null, "props": props() })),
        crud(project("credentials"), json!({ "id": "new-one", "toolId": "t" }), json!({ "id": null, "toolId": "t" })),
        crud(
            project("external-agents"),
            json!({ "id": "new-one", "credentialReferenceId": "cred" }),
            json!({ "id": null, "credentialReferenceId": "cred" }),
        ),
        crud(project("functions"), json!({ "id": "new-one" }), json!({ "id": null })),
        crud(
            project("tools"),
            json!({ "id": "new-one", "credentialReferenceId": "cred", "credentialScope": "project" }),
            json!({ "id": null, "credentialReferenceId": "cred", "credentialScope": "user" }),
        ),
        crud(
            project("webhook-destinations"),
            json!({ "id": "new-one", "slackChannelId": null, "agentIds": ["a"], "evaluatorIds": [first] }),
            json!({ "id": null, "slackChannelId": null, "agentIds": ["b"], "evaluatorIds": [second] }),
        ),
        crud(
            project("skills"),
            json!({ "files": [skill_md("new-one", "Another"), { "filePath": "a/b.txt", "content": "text" }] }),
            json!({ "files": [skill_md("new-one", "Otherwise")] }),
        ),
        crud(project("skills/sk/files"), json!({ "filePath": "new.txt" }), none()).list(project("skills/sk")),
        crud(agent("sub-agent-tool-relations"), json!({ "subAgentId": "s2", "toolId": "t" }), json!({ "subAgentId": "s2", "toolId": "t" }))
            .not_shown(derived),
        crud(agent("sub-agents/s2/external-agent-relations"), json!({ "externalAgentId": "ext" }), json!({ "externalAgentId": "ext", "subAgentId": null }))
            .not_shown(derived),
        crud(agent("sub-agents/s2/team-agent-relations"), json!({ "targetAgentId": "b" }), json!({ "targetAgentId": "b", "subAgentId": null }))
            .not_shown(derived),
        crud(
            agent("sub-agent-relations"),
            json!({ "sourceSubAgentId": "s2", "targetSubAgentId": "s1", "relationType": "delegate", "externalSubAgentId": null, "teamSubAgentId": null }),
            none(),
        )
        .not_shown(derived)
        .without_update(),
        crud(evals("evaluators"), json!({ "schema": { "type": "object" } }), json!({ "schema": { "type": "array" } })),
        crud(evals("datasets"), none(), none()),
        crud(evals(&format!("dataset-items/{dataset}/items")), none(), none()).list(evals(&format!("dataset-items/{dataset}"))),
        crud(
            evals("dataset-run-configs"),
            json!({ "datasetId": dataset, "agentIds": ["a"], "evaluatorIds": [first] }),
            json!({ "datasetId": dataset, "agentIds": ["b"], "evaluatorIds": [second] }),
        )
        .list(evals(&format!("dataset-run-configs/by-dataset/{dataset}")))
        .not_shown(&["agentIds", "evaluatorIds"]),
        crud(evals("evaluation-job-configs"), json!({ "evaluatorIds": [first], "jobFilters": { "datasetRunIds": ["x"] } }), none())
            .not_shown(&["evaluatorIds"])
            .without_update(),
        crud(
            evals("evaluation-run-configs"),
            json!({ "suiteConfigIds": [seed.suite] }),
            json!({ "suiteConfigIds": [seed.suite] }),
        ),
        crud(evals("evaluation-suite-configs"), json!({ "evaluatorIds": [first] }), json!({ "evaluatorIds": [second] }))
            .not_shown(&["evaluatorIds"]),
    ]
}

impl Crud {
    pub(crate) fn one(&self, id: &str) -> String {
        format!("{}/{id}", self.path)
    }

    /// Creates a row, reads, lists, changes and deletes it.
    pub(crate) async fn run(&self, client: &Client) {
        let body = client.body("POST", &self.path, 0, &self.create);
        let list = at_most_100(client, &self.list);
        // Where the server makes the id, the list tells; a skill's id is in its SKILL.md.
        let known = self.given || self.path.ends_with("/skills");
        let probe = if known { self.one("new-one") } else { list.clone() };
        // A new file shows among the files of its skill.
        let files: &[&str] = &["filePath", "content"];
        let not_shown = if self.path.ends_with("/files") { files } else { self.not_shown };
        let created = Write::new("POST", &self.path, body, &probe).not_shown(not_shown).run(client).await.body;
        let id = created["data"]["id"].as_str().expect("a created row has an id").to_owned();
        let one = self.one(&id);
        let read = client.get(&one).await;
        assert_eq!(created, read, "{one}: created and read differ");
        client.get(&self.list).await;
        if let Some(update) = &self.update {
            let body = client.body("PATCH", &one, 1, update);
            let updated = Write::new("PATCH", &one, body, &one).not_shown(self.not_shown).run(client).await.body;
            assert_eq!(updated, client.get(&one).await, "{one}: updated and read differ");
        }
        Write::new("DELETE", &one, None, &one).run(client).await;
        let head = client.head("main").await;
        let gone = client.server.send("GET", &at(&one, &head), None).await;
        assert_eq!(gone.status.as_u16(), 404, "{one}");
    }
}

/// A list's path with as many rows as it gives at once, where it has pages.
fn at_most_100(client: &Client, list: &str) -> String {
    let paged = client.operation("GET", list).query().contains(&"limit");
    if paged { format!("{list}?limit=100") } else { list.to_owned() }
}
