//! Branches, merges and refs.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use understory::Permission::{Edit, View};
use understory::manage::Branch;
use understory::{MergeRequest, Project};

use super::answer::{answer, answer_with};
use super::{Needs, Routes};
use crate::headers::set_commit;
use crate::request::Incoming;
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/tenants/{tenantId}/projects/{projectId}")
        .get("/branches", Needs::Project(View), list)
        .post("/branches", Needs::Project(Edit), create)
        .get("/branches/{branchName}", Needs::Project(View), one)
        .patch("/branches/{branchName}", Needs::Project(Edit), rename)
        .delete("/branches/{branchName}", Needs::Project(Edit), remove)
        .get("/branches/agents/{agentId}", Needs::Project(View), with_agent)
        .post("/branches/merge", Needs::Project(Edit), merge)
        .post("/branches/merge/preview", Needs::Project(View), preview)
        .get("/refs/resolve", Needs::Rows(View), resolve);
}

async fn list(State(context): State<Context>, request: Request) -> Answered {
    let (_, project) = open(&context, request).await?;
    let branches = project.branches().await?;
    Ok(answer(200, branches.iter().map(|branch| info(&project, branch)).collect()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    name: String,
    from_branch: Option<String>,
    from_commit: Option<String>,
}

async fn create(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (body, unknown): (Create, _) = incoming.lenient_body()?;
    let branch = project.branch_create(&body.name, body.from_branch.as_deref(), body.from_commit.as_deref()).await?;
    Ok(answer_with(201, info(&project, &branch), &unknown))
}

async fn one(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let branch = project.branch(incoming.param("branchName")).await?;
    Ok(answer(200, info(&project, &branch)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    name: String,
}

async fn rename(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let name = incoming.param("branchName");
    project.branch(name).await?;
    let body: Rename = incoming.body()?;
    Ok(answer(200, info(&project, &project.branch_rename(name, &body.name).await?)))
}

async fn remove(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    project.branch_delete(incoming.param("branchName")).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn with_agent(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let branches = project.branches_with_agent(incoming.param("agentId")).await?;
    Ok(answer(200, branches.iter().map(|branch| info(&project, branch)).collect()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PreviewRequest {
    source_branch: String,
    target_branch: String,
}

async fn preview(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (body, unknown): (PreviewRequest, _) = incoming.lenient_body()?;
    let preview = project.merge_preview(&body.source_branch, &body.target_branch).await?;
    let summary =
        |table: &String| json!({ "table": table, "diffType": "modified", "dataChange": true, "schemaChange": false });
    let conflicts: Vec<Value> = preview.conflicts.iter().map(|conflict| project.conflict_item(conflict)).collect();
    let data = json!({
        "hasConflicts": !conflicts.is_empty(),
        "sourceHash": preview.source,
        "targetHash": preview.target,
        "canFastForward": false,
        "diffSummary": preview.tables.iter().map(summary).collect::<Vec<_>>(),
        "conflicts": conflicts,
        "changes": preview.changes,
    });
    Ok(answer_with(200, data, &unknown))
}

async fn merge(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (body, unknown): (MergeRequest, _) = incoming.lenient_body()?;
    let merged = project.merge_execute(&body, &incoming.write_options()).await;
    let merged = merged.map_err(|error| Problem::of_project(error, &project))?;
    let data = json!({
        "status": "success",
        "mergeCommitHash": merged.head,
        "sourceBranch": body.source_branch,
        "targetBranch": body.target_branch,
    });
    let mut response = answer_with(200, data, &unknown);
    set_commit(&mut response, &merged.head);
    Ok(response)
}

async fn resolve(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let resolved = project.resolve(&incoming.reference()).await?;
    Ok(answer(200, json!(resolved)))
}

/// Takes a request apart and looks its project up.
pub(super) async fn open(context: &Context, request: Request) -> Result<(Incoming, Project), Problem> {
    let incoming = Incoming::read(context, request).await?;
    let (tenant, id) = (incoming.param("tenantId"), incoming.param("projectId"));
    let project = context.app.project(&incoming.principal, &incoming.wanted, tenant, id).await?;
    Ok((incoming, project))
}

fn info(project: &Project, branch: &Branch) -> Value {
    let name = branch.name.as_str();
    json!({ "baseName": name, "fullName": project.full_name(name), "hash": branch.head })
}
