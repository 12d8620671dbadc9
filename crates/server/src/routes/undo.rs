//! Taking back, bringing over, restoring; the operation log.

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;
use understory::Permission::{Edit, View};
use understory::{Answer, Bring, Changes, Project, Restore, Result, Written, limit, outcome};

use super::answer::answer;
use super::branches::open;
use super::entities::respond;
use super::{Needs, Routes};
use crate::headers::set_commit;
use crate::request::Incoming;
use crate::{Context, Problem};

type Answered = std::result::Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/tenants/{tenantId}/projects/{projectId}")
        .post("/commits/{commit}/revert", Needs::Project(Edit), revert)
        .post("/commits/{commit}/cherry-pick", Needs::Project(Edit), cherry_pick)
        .post("/restore", Needs::Project(Edit), restore)
        .get("/operations", Needs::Project(View), operations)
        .post("/operations/{operationId}/undo", Needs::Project(Edit), undo);
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
