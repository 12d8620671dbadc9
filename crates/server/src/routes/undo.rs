//! Taking back, bringing over, restoring; the operation log.

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use serde_json::json;
use understory::{Answer, Bring, Changes, Project, Restore, Result, Written, limit, outcome};

use super::branches::{answer, open};
use super::entities::respond;
use crate::headers::set_commit;
use crate::request::Incoming;
use crate::{Context, Problem};

type Answered = std::result::Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Vec<(String, MethodRouter<Context>)>) {
    let project = "/tenants/{tenantId}/projects/{projectId}";
    let mut add = |path: &str, methods| routes.push((format!("{project}{path}"), methods));
    add("/commits/{commit}/revert", post(revert));
    add("/commits/{commit}/cherry-pick", post(cherry_pick));
    add("/restore", post(restore));
    add("/operations", get(operations));
    add("/operations/{operationId}/undo", post(undo));
}

async fn revert(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let written = project.revert(incoming.param("commit"), &bring(&incoming)?, &incoming.write_options()).await;
    brought(&project, written)
}

async fn cherry_pick(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let written = project.cherry_pick(incoming.param("commit"), &bring(&incoming)?, &incoming.write_options()).await;
    brought(&project, written)
}

async fn restore(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let body: Restore = incoming.body()?;
    brought(&project, project.restore(&body, &incoming.write_options()).await)
}

async fn operations(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let after = incoming.call.query.get("cursor").map(String::as_str);
    let (operations, more) = project.operations(after, limit(&incoming.call)?).await?;
    let next = operations.last().filter(|_| more).map(|operation| operation.id.clone());
    Ok(respond(&Answer { status: 200, body: json!({ "data": operations, "next": next }), unknown: Vec::new() }))
}

async fn undo(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (id, options) = (incoming.param("operationId"), incoming.write_options());
    let undone = project.operation_undo(id, &bring(&incoming)?, &options).await;
    let undone = undone.map_err(|error| Problem::of_project(error, &project))?;
    Ok(answer(200, json!(undone)))
}

/// The body may be left out.
fn bring(incoming: &Incoming) -> std::result::Result<Bring, Problem> {
    if incoming.call.body.is_null() { Ok(Bring::default()) } else { incoming.body() }
}

fn brought(project: &Project, written: Result<Written<Changes>>) -> Answered {
    let written = written.map_err(|error| Problem::of_project(error, project))?;
    let commit = written.commit.as_ref().map(|commit| &commit.hash);
    let mut response = respond(&outcome(commit, &written.head, &written.value));
    set_commit(&mut response, &written.head);
    Ok(response)
}
