//! Every operation is refused once for each reason that it can be refused for.

use serde_json::json;

use crate::client::{Client, at};
use crate::operations::Operation;
use crate::problem::problem;
use crate::seed::{Seed, seed};
use crate::validators::{CONTRACT, OURS};

/// Our operations below `/manage`.
fn operations() -> impl Iterator<Item = &'static Operation> {
    OURS.operations.values().filter(|operation| operation.path.starts_with("/manage/"))
}

/// A path to what is there.
pub(crate) fn filled(path: &str, seed: &Seed) -> String {
    let value = |segment: &str, before: &str| match (segment, before) {
        ("{tenantId}", _) => "acme".to_owned(),
        ("{projectId}", _) | ("{id}", "projects") => "demo".to_owned(),
        ("{agentId}", _) | ("{id}", "agents") => "a".to_owned(),
        ("{subAgentId}", _) | ("{id}", "sub-agents") => "s1".to_owned(),
        ("{branchName}" | "{commit}", _) => "main".to_owned(),
        ("{datasetId}", _) => seed.dataset.clone(),
        ("{evaluatorId}", _) => seed.evaluators[0].clone(),
        ("{id}", "triggers") => seed.trigger.clone(),
        ("{id}", "skills") => "sk".to_owned(),
        ("{id}" | "{toolId}", "tools" | "tool") => "t".to_owned(),
        (segment, _) if segment.starts_with('{') => "no-such".to_owned(),
        (segment, _) => segment.to_owned(),
    };
    let segments: Vec<&str> = path.split('/').collect();
    let befores = std::iter::once("").chain(segments.iter().copied());
    segments.iter().zip(befores).map(|(segment, before)| value(segment, before)).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn without_a_key() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    for operation in operations() {
        let path = filled(&operation.path, &seed);
        // Older clients know the contract's routes without the prefix.
        let alias = path.strip_prefix("/manage").filter(|_| CONTRACT.operations.contains_key(&operation.place()));
        for path in [Some(path.as_str()), alias].into_iter().flatten() {
            for headers in [
                &[][..],
                &[("authorization", "Bearer wrong")],
                &[("x-api-key", "wrong")],
                &[("authorization", "Basic x")],
            ] {
                let answer = client.server.send_with(&operation.verb, path, headers, Some(&json!({}))).await;
                problem(&format!("{} {path}", operation.verb), &answer, 401);
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            }
        }
    }
}

#[tokio::test]
async fn of_an_unknown_tenant_or_project() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    let of_project = |path: &str| path.contains("{projectId}") || path.contains("/projects/{id}");
    for operation in operations().filter(|operation| of_project(&operation.path)) {
        // A PUT of a whole project creates it.
        let creates = ["update-full-project", "put-files"].contains(&operation.id.as_str());
        let expected: &[u16] = if creates { &[400] } else { &[404] };
        let path = filled(&operation.path, &seed);
        let foreign = path.replace("/tenants/acme/", "/tenants/other/");
        let nowhere = path.replacen("demo", "nowhere", 1);
        for path in [foreign, nowhere] {
            client.refused(&operation.verb, &path, Some(&json!({})), expected).await;
        }
    }
}

#[tokio::test]
async fn at_an_unknown_ref_and_of_a_commit() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    let head = client.head("main").await;
    let takes_ref = |operation: &&Operation| operation.query().contains(&"ref");
    let reads = ["get-evaluators-batch", "batch-get-evaluator-agent-scopes", "query-sql"];
    for operation in operations().filter(takes_ref) {
        let path = filled(&operation.path, &seed);
        let body = operation.request().map(|_| match operation.id.as_str() {
            "batch" => json!({ "operations": [{ "method": "DELETE", "path": "/tools/t" }] }),
            "query-sql" => json!({ "query": "select 1" }),
            "put-files" => json!({ "files": { "project.json": "{\"name\": \"Demo\", \"models\": {\"base\": {\"model\": \"m\"}}}" } }),
            id if id.starts_with("restore-") => json!({ "from": "main" }),
            _ => json!({}),
        });
        for reference in ["no-such", "00000000000000000000000000000000", "0123456", "bad%20name!"] {
            client.refused(&operation.verb, &at(&path, reference), body.as_ref(), &[404]).await;
        }
        if operation.verb != "GET" && !reads.contains(&operation.id.as_str()) {
            for commit in [&head, &head[..12]] {
                client.refused(&operation.verb, &at(&path, commit), body.as_ref(), &[400]).await;
            }
        }
    }
}

#[tokio::test]
async fn of_what_is_not_there() {
    let client = Client::start().await;
    let seed = seed(&client).await;
    for operation in operations() {
        // The last thing that the path names, if it is a row of the project.
        let named = ["{tenantId}", "{projectId}"];
        let last = operation.path.split('/').rfind(|s| s.starts_with('{') && !named.contains(s));
        let (Some(last), false) = (last, operation.path.ends_with("/projects/{id}")) else { continue };
        if operation.path.ends_with("/exists")
            || ["update-full-agent", "list-branches-for-agent"].contains(&operation.id.as_str())
        {
            continue;
        }
        let index = operation.path.rfind(last).unwrap();
        let (before, after) = operation.path.split_at(index);
        let path = format!("{}missing{}", filled(before, &seed), filled(&after[last.len()..], &seed));
        let body = operation.request().map(|schema| match operation.id.as_str() {
            id if id.starts_with("restore-") => json!({ "from": "main" }),
            _ if schema["type"] == "array" => json!([{}]),
            _ => json!({}),
        });
        client.refused(&operation.verb, &path, body.as_ref(), &[404]).await;
    }
}
