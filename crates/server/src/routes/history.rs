//! What happened: commits, what each changed, and differences.

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;
use understory::Permission::View;
use understory::{Answer, Call, Error, LogQuery, cursor, limit};

use super::answer::answer;
use super::branches::open;
use super::entities::respond;
use super::{Needs, Routes};
use crate::headers::set_commit;
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/tenants/{tenantId}/projects/{projectId}")
        .get("/commits", Needs::Project(View), log)
        .get("/commits/{commit}", Needs::Project(View), show)
        .get("/diff", Needs::Project(View), diff)
        .get("/history", Needs::Project(View), history)
        .get("/blame", Needs::Project(View), blame);
}

async fn log(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let page = project.log_page(&log_query(incoming.reference(), &incoming.call)?).await?;
    Ok(respond(&Answer { status: 200, body: json!({ "data": page.items, "next": page.next }), unknown: Vec::new() }))
}

fn log_query(reference: String, call: &Call) -> Result<LogQuery, Error> {
    let text = |name: &str| call.query.get(name).cloned();
    Ok(LogQuery {
        reference,
        cursor: cursor(call)?,
        limit: limit(call)?,
        author: text("author"),
        since: text("since"),
        until: text("until"),
        entity: text("entity"),
        key: text("key"),
    })
}

async fn show(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (commit, changes) = project.show(incoming.param("commit")).await?;
    Ok(answer(200, json!({ "commit": commit, "changes": changes })))
}

async fn diff(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let query = &incoming.call.query;
    let side = |name: &'static str| {
        let missing = || Error::field(format!("/{name}"), "required", format!("{name} is required: a ref"));
        query.get(name).ok_or_else(missing)
    };
    let entity = query.get("entity").map(String::as_str);
    Ok(answer(200, json!(project.diff(side("from")?, side("to")?, entity).await?)))
}

async fn history(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (found, resolved) = project.own_history(&incoming.reference(), &incoming.call).await?;
    let mut response = respond(&found);
    set_commit(&mut response, &resolved.hash);
    Ok(response)
}

async fn blame(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (found, resolved) = project.own_blame(&incoming.reference(), &incoming.call).await?;
    let mut response = respond(&found);
    set_commit(&mut response, &resolved.hash);
    Ok(response)
}
