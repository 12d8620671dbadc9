use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use understory::Permission::{Edit, View};
use understory::{AgentBody, Paging, Project, WriteOptions, Written};

use super::envelope::{after, data, message};
use crate::request::Incoming;
use crate::routes::{Needs, Routes};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/agents")
        .get("", Needs::Home(View), list)
        .post("", Needs::Home(Edit), create)
        .get("/{id}", Needs::Home(View), one)
        .put("/{id}", Needs::Home(Edit), replace)
        .delete("/{id}", Needs::Home(Edit), remove);
}

async fn list(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    Ok(data(StatusCode::OK, home.agent_list(paging(&incoming)?).await?))
}

async fn one(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    Ok(data(StatusCode::OK, home.agent_get(incoming.param("id")).await?))
}

async fn create(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let (body, unknown) = incoming.lenient_body::<AgentBody>()?;
    let written = home.agent_create(body, &write_options(&incoming)).await?;
    let written = Written { unknown, ..written };
    Ok(after(&written, data(StatusCode::CREATED, written.value.clone())))
}

async fn replace(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let (body, unknown) = incoming.lenient_body::<AgentBody>()?;
    let written = home.agent_replace(incoming.param("id"), body, &write_options(&incoming)).await?;
    let written = Written { unknown, ..written };
    Ok(after(&written, data(StatusCode::OK, written.value.clone())))
}

async fn remove(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let written = home.agent_delete(incoming.param("id"), &write_options(&incoming)).await?;
    Ok(after(&written, message("Agent deleted")))
}

/// The request, and the project that it works on.
pub(super) async fn open(context: &Context, request: Request) -> Result<(Incoming, Project), Problem> {
    let incoming = Incoming::read(context, request).await?;
    let home = context.app.home(&incoming.principal, &incoming.wanted).await?;
    Ok((incoming, home))
}

/// The page that a request asks for; none if it asks for all.
pub(super) fn paging(incoming: &Incoming) -> Result<Option<Paging>, Problem> {
    let query = &incoming.call.query;
    let asked = query.contains_key("page") || query.contains_key("limit");
    Ok(asked.then(|| Paging::from_query(query)).transpose()?)
}

/// Writes go to `main`, whatever ref a request names.
pub(super) fn write_options(incoming: &Incoming) -> WriteOptions {
    WriteOptions { reference: None, ..incoming.write_options() }
}
