//! Projects: their own fields, whole documents, and batches.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use understory::Permission::{Edit, View};
use understory::{Answer, Author, BatchOperation, Document, Error, Paging, Project, WriteOptions, Written};

use super::entities::respond;
use super::{Needs, Routes};
use crate::headers::{set_commit, set_etag, set_warning};
use crate::request::Incoming;
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/tenants/{tenantId}")
        .get("/projects", Needs::Tenant(View), list)
        .post("/projects", Needs::Tenant(Edit), create)
        .get("/projects/{id}", Needs::Rows(View), own)
        .patch("/projects/{id}", Needs::Rows(Edit), own_update)
        .put("/projects/{id}", Needs::Rows(Edit), own_update)
        .delete("/projects/{id}", Needs::Tenant(Edit), remove)
        .post("/project-full", Needs::Tenant(Edit), full_create)
        .get("/project-full/{projectId}", Needs::Rows(View), full)
        .put("/project-full/{projectId}", Needs::Rows(Edit), full_put)
        .patch("/project-full/{projectId}", Needs::Rows(Edit), full_put)
        .delete("/project-full/{projectId}", Needs::Tenant(Edit), remove)
        .get("/project-full/{projectId}/with-relation-ids", Needs::Rows(View), full_with_ids)
        .post("/projects/{projectId}/batch", Needs::Project(Edit), batch);
}

async fn list(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let paging = Paging::from_query(&incoming.call.query)?;
    let with_agents =
        incoming.call.query.get("include").is_some_and(|include| include.split(',').any(|i| i == "agents"));
    let tenant = incoming.param("tenantId");
    Ok(respond(&context.app.project_list(&incoming.principal, tenant, paging, with_agents).await?))
}

async fn create(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let (tenant, options) = (incoming.param("tenantId"), incoming.write_options());
    let body = incoming.call.body.clone();
    let written = context.app.project_create(&incoming.principal, tenant, body, options).await?;
    let (data, _) = written.value.own("").await?;
    Ok(answer_data(StatusCode::CREATED, data, &written))
}

async fn own(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let project = lookup(&context, &incoming, "id").await?;
    let (data, hash) = project.own(&incoming.reference()).await?;
    let mut response = respond(&answer(200, data));
    set_commit(&mut response, &hash);
    Ok(response)
}

async fn own_update(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let project = lookup(&context, &incoming, "id").await?;
    let written = project.own_update(&incoming.call.body, &incoming.write_options()).await?;
    Ok(answer_data(StatusCode::OK, written.value.clone(), &written))
}

async fn remove(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let id = if incoming.call.params.contains_key("id") { "id" } else { "projectId" };
    let project = lookup(&context, &incoming, id).await?;
    let reference = incoming.reference();
    if !project.resolve(&reference).await?.branch().is_some_and(|branch| branch.is_main()) {
        return Err(Error::BadRequest("a project is deleted on main only".into()).into());
    }
    context.app.project_delete(&incoming.principal, incoming.param("tenantId"), incoming.param(id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn full(State(context): State<Context>, request: Request) -> Answered {
    read_full(&context, request, false).await
}

async fn full_with_ids(State(context): State<Context>, request: Request) -> Answered {
    read_full(&context, request, true).await
}

async fn read_full(context: &Context, request: Request, with_ids: bool) -> Answered {
    let incoming = Incoming::read(context, request).await?;
    let project = lookup(context, &incoming, "projectId").await?;
    let document = project.full(&incoming.reference(), with_ids).await?;
    Ok(answer_document(StatusCode::OK, &document))
}

async fn full_create(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let body = incoming.call.body.clone();
    let written = context
        .app
        .project_full_create(&incoming.principal, incoming.param("tenantId"), body, incoming.write_options())
        .await?;
    answer_written(StatusCode::CREATED, &written.value, &written).await
}

/// Replaces a project, or creates it: on `main` only, since no other branch of it can be there.
async fn full_put(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    match lookup(&context, &incoming, "projectId").await {
        Ok(project) => {
            let written = project.full_put(&incoming.call.body, &incoming.write_options()).await?;
            answer_written(StatusCode::OK, &project, &written).await
        }
        Err(Error::NotFound { .. }) if matches!(incoming.reference().as_str(), "" | "main") => {
            let mut body = incoming.call.body.clone();
            let id = incoming.param("projectId");
            match body.as_object_mut() {
                Some(object) if object.get("id").is_none_or(|given| given == id) => {
                    object.insert("id".into(), id.into())
                }
                Some(_) => return Err(Error::field("/id", "mismatch", "the body's id is not the path's").into()),
                None => return Err(Error::field("", "type", "the body must be a JSON object").into()),
            };
            let (tenant, options) = (incoming.param("tenantId"), creating(&incoming)?);
            let written = context.app.project_full_create(&incoming.principal, tenant, body, options).await?;
            answer_written(StatusCode::CREATED, &written.value, &written).await
        }
        Err(error) => Err(error.into()),
    }
}

/// How a project is to be created that a client may have taken for one that is there.
pub(super) fn creating(incoming: &Incoming) -> Result<WriteOptions, Problem> {
    if incoming.headers.contains_key(header::IF_MATCH) {
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "the project does not exist"));
    }
    Ok(incoming.write_options())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    message: Option<String>,
    author: Option<Author>,
    operations: Vec<BatchOperation>,
}

async fn batch(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let project = lookup(&context, &incoming, "projectId").await?;
    let batch: Batch = incoming.body()?;
    let mut options: WriteOptions = incoming.write_options();
    options.message = batch.message.or(options.message);
    options.author = batch.author.as_ref().map(Author::signature);
    let written = project.batch(&batch.operations, &incoming.call.base_url, &options).await?;
    let commit = written.commit.as_ref().map(|commit| commit.hash.to_string());
    let data = json!({ "commit": commit, "head": written.head, "results": written.value });
    let mut response = respond(&answer(200, data));
    set_commit(&mut response, &written.head);
    Ok(response)
}

async fn lookup(context: &Context, incoming: &Incoming, id: &str) -> Result<Project, Error> {
    context.app.project(&incoming.principal, &incoming.wanted, incoming.param("tenantId"), incoming.param(id)).await
}

fn answer(status: u16, data: serde_json::Value) -> Answer {
    Answer { status, body: json!({ "data": data }), unknown: Vec::new() }
}

fn answer_data<T>(status: StatusCode, data: serde_json::Value, written: &Written<T>) -> Response {
    let mut response = respond(&answer(status.as_u16(), data));
    set_commit(&mut response, &written.head);
    set_warning(&mut response, &written.unknown);
    response
}

/// The whole project as it is after a write.
async fn answer_written<T>(status: StatusCode, project: &Project, written: &Written<T>) -> Answered {
    let document = project.full(written.head.as_str(), false).await?;
    let mut response = answer_document(status, &document);
    set_warning(&mut response, &written.unknown);
    Ok(response)
}

fn answer_document(status: StatusCode, document: &Document) -> Response {
    let mut response = (status, document.body.to_vec()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    set_etag(&mut response, &document.etag);
    set_commit(&mut response, &document.hash);
    response
}
