use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;

use understory::Permission::{Edit, View};

use super::agents::{open, paging, write_options};
use super::envelope::{after, data, message};
use crate::routes::{Needs, Routes};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/projects")
        .get("", Needs::Home(View), list)
        .post("", Needs::Home(Edit), create)
        .get("/{id}", Needs::Home(View), one)
        .put("/{id}", Needs::Home(Edit), replace)
        .delete("/{id}", Needs::Home(Edit), remove);
}

async fn list(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let status = incoming.call.query.get("status").map(String::as_str);
    Ok(data(StatusCode::OK, home.code_project_list(status, paging(&incoming)?).await?))
}

async fn one(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    Ok(data(StatusCode::OK, home.code_project_get(incoming.param("id")).await?))
}

async fn create(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let written = home.code_project_create(incoming.call.body.clone(), &write_options(&incoming)).await?;
    Ok(after(&written, data(StatusCode::CREATED, written.value.clone())))
}

async fn replace(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let (id, body) = (incoming.param("id"), incoming.call.body.clone());
    let written = home.code_project_replace(id, body, &write_options(&incoming)).await?;
    Ok(after(&written, data(StatusCode::OK, written.value.clone())))
}

async fn remove(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let written = home.code_project_delete(incoming.param("id"), &write_options(&incoming)).await?;
    Ok(after(&written, message("Project deleted")))
}
