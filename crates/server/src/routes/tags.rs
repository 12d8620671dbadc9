//! Tags: names for commits that never move.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use understory::Permission::{Edit, View};
use understory::manage::Tag;

use super::answer::answer;
use super::branches::open;
use super::{Needs, Routes};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/tenants/{tenantId}/projects/{projectId}/tags")
        .get("", Needs::Project(View), list)
        .post("", Needs::Project(Edit), create)
        .get("/{tagName}", Needs::Project(View), one)
        .delete("/{tagName}", Needs::Project(Edit), remove);
}

async fn list(State(context): State<Context>, request: Request) -> Answered {
    let (_, project) = open(&context, request).await?;
    Ok(answer(200, project.tags().await?.iter().map(info).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    #[serde(default, rename = "ref")]
    reference: String,
    #[serde(default)]
    message: String,
}

async fn create(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let body: Create = incoming.body()?;
    let tag = project.tag_create(&body.name, &body.reference, &body.message).await?;
    Ok(answer(201, info(&tag)))
}

async fn one(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    Ok(answer(200, info(&project.tag(incoming.param("tagName")).await?)))
}

async fn remove(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    project.tag_delete(incoming.param("tagName")).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn info(tag: &Tag) -> Value {
    json!({
        "name": tag.name,
        "hash": tag.hash,
        "message": tag.message,
        "author": tag.tagger.name,
        "email": tag.tagger.email,
        "date": tag.date,
    })
}
