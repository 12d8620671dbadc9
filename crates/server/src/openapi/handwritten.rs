//! OpenAPI operations of routes that no entity file gives.

use serde_json::{Map, Value};

use super::written::{EVENTS, Written, written};
use super::{people, simple};

const TENANT: &str = "/manage/tenants/{tenantId}";
const PROJECT: &str = "/manage/tenants/{tenantId}/projects/{projectId}";

/// All of them: path, verb, operation.
pub(super) fn operations() -> Vec<(String, &'static str, Value)> {
    let of_projects = [projects(), branches(), tags(), history(), undo(), files()];
    let others = [conversations(), messages(), feedback(), admin(), open(), simple::operations(), people::operations()];
    let all = of_projects.into_iter().chain(others).flatten();
    all.map(|written| (written.path.clone(), written.verb, written.operation())).collect()
}

fn projects() -> Vec<Written> {
    const REF: &[(&str, &str)] = &[("ref", "string")];
    let full = format!("{TENANT}/project-full/{{projectId}}");
    let own = format!("{TENANT}/projects/{{id}}");
    let list: &[(&str, &str)] = &[("page", "integer"), ("limit", "integer"), ("include", "string")];
    let tag = "Projects";
    vec![
        written(format!("{TENANT}/projects"), "GET", "list-projects", tag)
            .query(list)
            .answer(200, "ProjectListResponse"),
        written(format!("{TENANT}/projects"), "POST", "create-project", tag)
            .body("ProjectCreate")
            .answer(201, "ProjectResponse"),
        written(own.clone(), "GET", "get-project-by-id", tag).query(REF).answer(200, "ProjectResponse"),
        written(own.clone(), "PATCH", "update-project", tag)
            .query(REF)
            .body("ProjectUpdate")
            .answer(200, "ProjectResponse"),
        written(own, "DELETE", "delete-project", tag).empty(204),
        written(format!("{TENANT}/project-full"), "POST", "create-full-project", tag)
            .body("FullProjectDefinition")
            .answer(201, "FullProjectResponse"),
        written(full.clone(), "GET", "get-full-project", tag).query(REF).answer(200, "FullProjectResponse"),
        written(full.clone(), "PUT", "update-full-project", tag)
            .query(REF)
            .body("FullProjectDefinition")
            .answer(200, "FullProjectResponse")
            .answer(201, "FullProjectResponse"),
        written(full.clone(), "DELETE", "delete-full-project", tag).empty(204),
        written(format!("{full}/with-relation-ids"), "GET", "get-full-project-with-relation-ids", tag)
            .query(REF)
            .answer(200, "FullProjectResponse"),
        written(format!("{PROJECT}/batch"), "POST", "batch", tag).query(REF).body("Batch").answer(200, "BatchResponse"),
    ]
}

fn branches() -> Vec<Written> {
    let one = format!("{PROJECT}/branches/{{branchName}}");
    let tag = "Branches";
    vec![
        written(format!("{PROJECT}/branches"), "GET", "list-branches", tag).answer(200, "BranchListResponse"),
        written(format!("{PROJECT}/branches"), "POST", "create-branch", tag)
            .body("CreateBranchRequest")
            .answer(201, "BranchResponse"),
        written(one.clone(), "GET", "get-branch", tag).answer(200, "BranchResponse"),
        written(one.clone(), "PATCH", "rename-branch", tag).body("RenameBranchRequest").answer(200, "BranchResponse"),
        written(one, "DELETE", "delete-branch", tag).query(&[("force", "boolean")]).empty(204),
        written(format!("{PROJECT}/branches/agents/{{agentId}}"), "GET", "list-branches-for-agent", tag)
            .answer(200, "BranchListResponse"),
        written(format!("{PROJECT}/branches/merge/preview"), "POST", "merge-preview", tag)
            .body("MergePreviewRequest")
            .answer(200, "MergePreviewResponse"),
        written(format!("{PROJECT}/branches/merge"), "POST", "merge-execute", tag)
            .body("MergeExecuteRequest")
            .answer(200, "MergeExecuteResponse"),
        written(format!("{PROJECT}/refs/resolve"), "GET", "resolve-ref", "Refs")
            .query(&[("ref", "string")])
            .answer(200, "ResolvedRefResponse"),
    ]
}

fn files() -> Vec<Written> {
    let tag = "Files";
    vec![
        written(format!("{PROJECT}/files"), "GET", "get-files", tag)
            .query(&[("ref", "string")])
            .answer(200, "FilesResponse"),
        written(format!("{PROJECT}/files"), "PUT", "put-files", tag)
            .query(&[("ref", "string"), ("dryRun", "boolean")])
            .body("Files")
            .answer(200, "ImportedResponse")
            .answer(201, "ImportedResponse"),
        written(format!("{PROJECT}/bundle"), "GET", "get-bundle", tag).query(&[("since", "string")]).lines(200),
        written(format!("{TENANT}/bundles"), "POST", "apply-bundle", tag)
            .query(&[("project", "string")])
            .lines_body()
            .answer(200, "BundleAppliedResponse")
            .answer(201, "BundleAppliedResponse"),
    ]
}

fn tags() -> Vec<Written> {
    let (all, one) = (format!("{PROJECT}/tags"), format!("{PROJECT}/tags/{{tagName}}"));
    let tag = "Tags";
    vec![
        written(all.clone(), "GET", "list-tags", tag).answer(200, "TagListResponse"),
        written(all, "POST", "create-tag", tag).body("TagCreate").answer(201, "TagResponse"),
        written(one.clone(), "GET", "get-tag", tag).answer(200, "TagResponse"),
        written(one, "DELETE", "delete-tag", tag).empty(204),
    ]
}

const LOG: &[(&str, &str)] = &[
    ("ref", "string"),
    ("limit", "integer"),
    ("cursor", "string"),
    ("author", "string"),
    ("since", "string"),
    ("until", "string"),
    ("entity", "string"),
    ("key", "string"),
];

fn history() -> Vec<Written> {
    let tag = "History";
    let page: &[(&str, &str)] = &[("ref", "string"), ("limit", "integer"), ("cursor", "string")];
    vec![
        written(format!("{PROJECT}/commits"), "GET", "list-commits", tag).query(LOG).answer(200, "CommitListResponse"),
        written(format!("{PROJECT}/history"), "GET", "history-project", tag)
            .query(page)
            .answer(200, "RowHistoryResponse"),
        written(format!("{PROJECT}/blame"), "GET", "blame-project", tag)
            .query(&[("ref", "string")])
            .answer(200, "RowBlameResponse"),
        written(format!("{PROJECT}/commits/{{commit}}"), "GET", "get-commit", tag).answer(200, "CommitResponse"),
        written(format!("{PROJECT}/diff"), "GET", "diff", tag)
            .query(&[("from", "string"), ("to", "string"), ("entity", "string")])
            .answer(200, "DiffResponse"),
        written(format!("{PROJECT}/sql"), "POST", "query-sql", tag)
            .query(&[("ref", "string")])
            .body("SqlQuery")
            .answer(200, "SqlResponse"),
    ]
}

fn undo() -> Vec<Written> {
    const REF: &[(&str, &str)] = &[("ref", "string")];
    let tag = "Undo";
    let of_commit = |what: &str| format!("{PROJECT}/commits/{{commit}}/{what}");
    let brings = |path: String, id| written(path, "POST", id, tag).query(REF).answer(200, "BroughtResponse");
    vec![
        brings(of_commit("revert"), "revert-commit").optional_body("Bring"),
        brings(of_commit("cherry-pick"), "cherry-pick-commit").optional_body("Bring"),
        brings(format!("{PROJECT}/restore"), "restore-project").body("Restore"),
        written(format!("{PROJECT}/operations"), "GET", "list-operations", tag)
            .query(&[("limit", "integer"), ("cursor", "string")])
            .answer(200, "OperationListResponse"),
        written(format!("{PROJECT}/operations/{{operationId}}/undo"), "POST", "undo-operation", tag)
            .optional_body("Bring")
            .answer(200, "UndoneResponse"),
    ]
}

fn conversations() -> Vec<Written> {
    let (all, one) = (format!("{PROJECT}/conversations"), format!("{PROJECT}/conversations/{{id}}"));
    let tag = "Conversations";
    vec![
        written(all.clone(), "GET", "list-conversations", tag)
            .query(&[
                ("page", "integer"),
                ("limit", "integer"),
                ("cursor", "string"),
                ("userId", "string"),
                ("agentId", "string"),
                ("status", "string"),
            ])
            .answer(200, "ManageConversationListResponse"),
        written(all, "POST", "create-conversation", tag).body("ConversationCreate").answer(201, "ConversationResponse"),
        written(one.clone(), "GET", "get-conversation", tag)
            .query(&[("limit", "integer"), ("includeInternal", "boolean"), ("format", "string")])
            .answer(200, "ConversationDetailResponse"),
        written(one.clone(), "PATCH", "update-conversation", tag)
            .body("ConversationUpdate")
            .answer(200, "ConversationResponse"),
        written(one.clone(), "DELETE", "delete-conversation", tag).empty(204),
        written(format!("{one}/bounds"), "GET", "get-conversation-bounds", tag)
            .answer(200, "ConversationBoundsResponse"),
        written(format!("{one}/pin"), "PUT", "pin-conversation", tag)
            .body("ConversationPin")
            .answer(200, "ConversationResponse"),
        written(format!("{one}/record"), "GET", "get-conversation-record", tag).answer(200, "RecordResponse"),
        written(format!("{one}/export"), "GET", "export-conversation", tag)
            .query(&[("format", "string")])
            .answer(200, "ConversationExportResponse")
            .or_text(200, "text/markdown"),
        written(format!("{one}/events"), "GET", "follow-conversation", tag)
            .query(&[("after", "integer")])
            .text(200, EVENTS),
    ]
}

fn messages() -> Vec<Written> {
    let all = format!("{PROJECT}/conversations/{{id}}/messages");
    let one = format!("{all}/{{messageId}}");
    let tag = "Conversations";
    vec![
        written(all.clone(), "GET", "list-messages", tag)
            .query(&[("limit", "integer"), ("before", "integer"), ("after", "integer")])
            .answer(200, "MessageListResponse"),
        written(all, "POST", "create-message", tag)
            .body("MessageCreate")
            .answer(201, "MessageSaidResponse")
            .or_text(200, EVENTS),
        written(one.clone(), "GET", "get-message", tag).answer(200, "MessageResponse"),
        written(format!("{one}/configuration"), "GET", "get-message-configuration", tag)
            .answer(200, "AgentConfigurationResponse"),
        written(format!("{one}/stop"), "POST", "stop-message", tag).answer(200, "MessageResponse"),
        written(format!("{PROJECT}/conversations/search"), "GET", "search-messages", tag)
            .query(&[("q", "string"), ("limit", "integer"), ("cursor", "string")])
            .answer(200, "MessageSearchResponse"),
    ]
}

fn feedback() -> Vec<Written> {
    let (all, one) = (format!("{PROJECT}/feedback"), format!("{PROJECT}/feedback/{{id}}"));
    let tag = "Feedback";
    vec![
        written(all.clone(), "GET", "list-feedback", tag)
            .query(&[
                ("page", "integer"),
                ("limit", "integer"),
                ("conversationId", "string"),
                ("messageId", "string"),
                ("agentId", "string"),
                ("type", "string"),
                ("startDate", "string"),
                ("endDate", "string"),
            ])
            .answer(200, "FeedbackListResponse"),
        written(all.clone(), "POST", "create-feedback", tag).body("FeedbackCreate").answer(201, "FeedbackResponse"),
        written(format!("{all}/bulk"), "POST", "create-feedback-bulk", tag)
            .body("FeedbackBulk")
            .answer(201, "BulkFeedbackResponse"),
        written(one.clone(), "GET", "get-feedback-by-id", tag).answer(200, "FeedbackResponse"),
        written(one.clone(), "PATCH", "update-feedback", tag).body("FeedbackUpdate").answer(200, "FeedbackResponse"),
        written(one, "DELETE", "delete-feedback", tag).empty(204),
    ]
}

fn admin() -> Vec<Written> {
    let tag = "Administration";
    vec![
        written("/manage/keys".into(), "GET", "list-keys", tag).answer(200, "KeyListResponse"),
        written("/manage/keys".into(), "POST", "create-key", tag).body("KeyCreate").answer(201, "KeyCreatedResponse"),
        written("/manage/keys/{name}".into(), "DELETE", "revoke-key", tag).answer(200, "KeyResponse"),
        written("/manage/doctor".into(), "GET", "examine-data", tag).answer(200, "DiagnosisResponse"),
        written("/manage/doctor".into(), "POST", "mend-data", tag).answer(200, "DiagnosisResponse"),
        written("/manage/migrations".into(), "GET", "list-pending-migrations", tag)
            .answer(200, "PendingMigrationsResponse"),
        written(format!("{PROJECT}/migrate"), "POST", "migrate-project", tag).answer(200, "MigratedResponse"),
        written(format!("{PROJECT}/gc"), "POST", "collect-project", tag)
            .optional_body("Collect")
            .answer(200, "CollectedResponse"),
        written("/manage/stats".into(), "GET", "list-stats", tag).answer(200, "StatsResponse"),
        written("/manage/backup".into(), "POST", "create-backup", tag)
            .body("BackupRequest")
            .answer(201, "BackupResponse"),
    ]
}

fn open() -> Vec<Written> {
    vec![
        written("/health".into(), "GET", "health", "Health").open().answer(200, "Health"),
        written("/ready".into(), "GET", "ready", "Health").open().answer(200, "Ready").answer(503, "Ready"),
    ]
}

/// Component schemas of these operations.
pub(super) fn schemas() -> Map<String, Value> {
    let files = [include_str!("schemas.json"), include_str!("simple.json"), include_str!("people.json")];
    files.into_iter().filter_map(|text| serde_json::from_str::<Map<String, Value>>(text).ok()).flatten().collect()
}
