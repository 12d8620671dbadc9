//! Queries in SQL that people write, to look into a project.

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use understory::Permission::View;

use super::answer::answer;
use super::branches::open;
use super::{Needs, Routes};
use crate::headers::set_commit;
use crate::{Context, Problem};

/// Adds the route.
pub(super) fn routes(routes: &mut Routes) {
    let path = "/tenants/{tenantId}/projects/{projectId}/sql";
    routes.under(path).post("", Needs::Rows(View), query);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    query: String,
}

async fn query(State(context): State<Context>, request: Request) -> Result<Response, Problem> {
    let (incoming, project) = open(&context, request).await?;
    let body: Query = incoming.body()?;
    let (rows, resolved) = project.sql(&incoming.reference(), &body.query).await?;
    let mut response = answer(200, json!(rows));
    set_commit(&mut response, &resolved.hash);
    Ok(response)
}
