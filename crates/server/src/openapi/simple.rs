//! OpenAPI operations of the simple API.

use super::written::{EVENTS, Written, written};

/// All of them.
pub(super) fn operations() -> Vec<Written> {
    [health(), agents(), chat(), conversations(), messages(), projects()].into_iter().flatten().collect()
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

fn chat() -> Vec<Written> {
    let tag = "Simple agents";
    vec![
        written("/api/agents/chat".into(), "POST", "api-ask-an-agent", tag)
            .body("ApiQuestionToAgent")
            .answer(201, "ApiAnswerResponse"),
        written("/api/agents/{id}/chat".into(), "POST", "api-ask-agent", tag)
            .body("ApiQuestion")
            .answer(201, "ApiAnswerResponse"),
        written("/api/agents/{id}/tasks".into(), "POST", "api-task-agent", tag)
            .body("ApiTask")
            .answer(201, "ApiTaskResponse"),
    ]
}

fn conversations() -> Vec<Written> {
    const LIST: &[(&str, &str)] =
        &[("page", "integer"), ("limit", "integer"), ("cursor", "string"), ("agentId", "string"), ("status", "string")];
    let (all, one) = ("/api/conversations", "/api/conversations/{id}");
    let tag = "Simple conversations";
    vec![
        written(all.into(), "GET", "api-list-conversations", tag)
            .query(LIST)
            .answer(200, "ApiConversationListResponse"),
        written(format!("{all}/agent/{{agentId}}"), "GET", "api-list-conversations-of-agent", tag)
            .query(LIST)
            .answer(200, "ApiConversationListResponse"),
        written(all.into(), "POST", "api-create-conversation", tag)
            .body("ApiConversationCreate")
            .answer(201, "ApiConversationResponse"),
        written(one.into(), "GET", "api-get-conversation", tag).answer(200, "ApiConversationResponse"),
        written(one.into(), "PATCH", "api-update-conversation", tag)
            .body("ApiConversationUpdate")
            .answer(200, "ApiConversationResponse"),
        written(one.into(), "DELETE", "api-archive-conversation", tag).answer(200, "ApiDone"),
        written(format!("{one}/events"), "GET", "api-follow-conversation", tag)
            .query(&[("after", "integer")])
            .text(200, EVENTS),
    ]
}

fn messages() -> Vec<Written> {
    let all = "/api/conversations/{id}/messages";
    let one = format!("{all}/{{messageId}}");
    let tag = "Simple conversations";
    vec![
        written(all.into(), "GET", "api-list-messages", tag)
            .query(&[("limit", "integer"), ("before", "integer"), ("after", "integer")])
            .answer(200, "ApiMessageListResponse"),
        written(all.into(), "POST", "api-create-message", tag)
            .body("ApiMessageCreate")
            .answer(201, "ApiMessageResponse")
            .or_text(200, EVENTS),
        written(one.clone(), "GET", "api-get-message", tag).answer(200, "ApiMessageResponse"),
        written(format!("{one}/configuration"), "GET", "api-get-message-configuration", tag)
            .answer(200, "ApiConfigurationResponse"),
        written(format!("{one}/stop"), "POST", "api-stop-message", tag).answer(200, "ApiDone"),
        written(format!("{one}/feedback"), "PATCH", "api-rate-message", tag)
            .body("ApiFeedback")
            .answer(200, "ApiMessageResponse"),
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
