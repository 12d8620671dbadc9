//! OpenAPI operations of the simple API.

use super::written::{Written, written};

/// All of them.
pub(super) fn operations() -> Vec<Written> {
    [health(), agents()].into_iter().flatten().collect()
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
