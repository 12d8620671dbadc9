//! OpenAPI operations of the simple API.

use super::written::{Written, written};

/// All of them.
pub(super) fn operations() -> Vec<Written> {
    [health(), agents(), projects()].into_iter().flatten().collect()
}

const PAGE: &[(&str, &str)] = &[("page", "integer"), ("limit", "integer")];

fn health() -> Vec<Written> {
    vec![
        written("/api/health".into(), "GET", "api-health", "Health")
            .open()
            .answer(200, "ApiHealthResponse")
            .answer(503, "ApiHealthFailure"),
    ]
}

fn agents() -> Vec<Written> {
    let (all, one) = ("/api/agents", "/api/agents/{id}");
    let tag = "Simple agents";
    vec![
        written(all.into(), "GET", "api-list-agents", tag).query(PAGE).answer(200, "ApiAgentListResponse"),
        written(all.into(), "POST", "api-create-agent", tag).body("ApiAgentCreate").answer(201, "ApiAgentResponse"),
        written(one.into(), "GET", "api-get-agent", tag).answer(200, "ApiAgentResponse"),
        written(one.into(), "PUT", "api-replace-agent", tag).body("ApiAgentUpdate").answer(200, "ApiAgentResponse"),
        written(one.into(), "DELETE", "api-delete-agent", tag).answer(200, "ApiDone"),
    ]
}

fn projects() -> Vec<Written> {
    let (all, one) = ("/api/projects", "/api/projects/{id}");
    let list: &[(&str, &str)] = &[("page", "integer"), ("limit", "integer"), ("status", "string")];
    let tag = "Simple projects";
    vec![
        written(all.into(), "GET", "api-list-projects", tag).query(list).answer(200, "ApiProjectListResponse"),
        written(all.into(), "POST", "api-create-project", tag)
            .body("CodeProjectCreate")
            .answer(201, "ApiProjectResponse"),
        written(one.into(), "GET", "api-get-project", tag).answer(200, "ApiProjectResponse"),
        written(one.into(), "PUT", "api-replace-project", tag)
            .body("CodeProjectUpdate")
            .answer(200, "ApiProjectResponse"),
        written(one.into(), "DELETE", "api-delete-project", tag).answer(200, "ApiDone"),
    ]
}
