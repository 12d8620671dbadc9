//! What happened: commits, and what each changed.

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use serde_json::json;
use understory::Error;

use super::branches::{answer, open};
use crate::{Context, Problem};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 10_000;

type Answered = Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Vec<(String, MethodRouter<Context>)>) {
    let project = "/tenants/{tenantId}/projects/{projectId}";
    let mut add = |path: &str, methods| routes.push((format!("{project}{path}"), methods));
    add("/commits", get(log));
    add("/commits/{commit}", get(show));
    add("/diff", get(diff));
}

async fn log(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let limit = limit(incoming.call.query.get("limit"))?;
    Ok(answer(200, json!(project.log(&incoming.reference(), limit).await?)))
}

fn limit(given: Option<&String>) -> Result<usize, Error> {
    let Some(given) = given else { return Ok(DEFAULT_LIMIT) };
    let parsed = given.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    parsed.ok_or_else(|| Error::field("/limit", "range", format!("limit is a number from 1 to {MAX_LIMIT}")))
}

async fn show(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (commit, changes) = project.show(incoming.param("commit")).await?;
    Ok(answer(200, json!({ "commit": commit, "changes": changes })))
}

async fn diff(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let side = |name: &'static str| {
        let missing = || Error::field(format!("/{name}"), "required", format!("{name} is required: a ref"));
        incoming.call.query.get(name).ok_or_else(missing)
    };
    Ok(answer(200, json!(project.diff(side("from")?, side("to")?).await?)))
}
