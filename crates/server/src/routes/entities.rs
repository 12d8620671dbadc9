//! One handler for all reads and one for all writes of the route table.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use understory::Permission::{Edit, View};
use understory::{Action, Answer, Route, etag_of};

use super::{Needs, Routes};
use crate::headers::{set_commit, set_etag, set_warning};
use crate::request::Incoming;
use crate::{Context, Problem};

/// Adds a route of the table.
pub(super) fn route(route: &Route, routes: &mut Routes) {
    let shared = Arc::new(route.clone());
    let read = route.action.is_read();
    let handler = move |State(context): State<Context>, request: Request| {
        let route = Arc::clone(&shared);
        async move { if read { self::read(context, &route, request).await } else { write(context, &route, request).await } }
    };
    routes.add(route.verb, route.path.clone(), needs(&route.action), handler);
}

/// What an operation of the table needs. What looks into the past may look beyond the ref that the request names.
fn needs(action: &Action) -> Needs {
    match action {
        Action::History(_) | Action::Blame(_) => Needs::Project(View),
        Action::Restore(_) => Needs::Project(Edit),
        _ if action.is_read() => Needs::Rows(View),
        _ => Needs::Rows(Edit),
    }
}

async fn read(context: Context, route: &Route, request: Request) -> Result<Response, Problem> {
    let incoming = Incoming::read(&context, request).await?;
    let (tenant, id) = (incoming.param("tenantId"), incoming.param("projectId"));
    let project = context.app.project(&incoming.principal, &incoming.wanted, tenant, id).await?;
    let (answer, resolved) = project.read(&route.action, &incoming.reference(), &incoming.call).await?;
    let mut response = respond(&answer);
    set_commit(&mut response, &resolved.hash);
    Ok(response)
}

async fn write(context: Context, route: &Route, request: Request) -> Result<Response, Problem> {
    let incoming = Incoming::read(&context, request).await?;
    let (tenant, id) = (incoming.param("tenantId"), incoming.param("projectId"));
    let project = context.app.project(&incoming.principal, &incoming.wanted, tenant, id).await?;
    let written = project.act(&route.action, &incoming.call, &incoming.write_options()).await;
    let written = written.map_err(|error| Problem::of_project(error, &project))?;
    let mut response = respond(&written.value);
    set_commit(&mut response, &written.head);
    Ok(response)
}

/// An answer as a response: JSON with its tag and warnings, or nothing.
pub(super) fn respond(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    if answer.body.is_null() {
        return status.into_response();
    }
    let mut response = (status, answer.body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    set_etag(&mut response, &etag_of(&answer.body));
    set_warning(&mut response, &answer.unknown);
    response
}
