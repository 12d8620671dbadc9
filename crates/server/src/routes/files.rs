//! Projects as files, and as bundles with their history.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use understory::Permission::{Edit, View};
use understory::manage::CommitHash;
use understory::{Changes, Error, Principal};

use super::answer::answer;
use super::branches::open;
use super::query::flag;
use super::{Needs, Routes};
use crate::headers::set_commit;
use crate::request::{Incoming, body_limit, read_body};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/tenants/{tenantId}")
        .get("/projects/{projectId}/files", Needs::Rows(View), files)
        .put("/projects/{projectId}/files", Needs::Rows(Edit), put_files)
        .get("/projects/{projectId}/bundle", Needs::Project(View), bundle)
        .post("/bundles", Needs::Tenant(Edit), apply);
}

async fn files(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (files, resolved) = project.files(&incoming.reference()).await?;
    let mut response = answer(200, json!(files));
    set_commit(&mut response, &resolved.hash);
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Files {
    files: BTreeMap<String, String>,
}

/// Like a full document, files make a project that is not there.
async fn put_files(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let files = incoming.body::<Files>()?.files;
    let (tenant, id) = (incoming.param("tenantId"), incoming.param("projectId"));
    let dry_run = flag(&incoming.call, "dryRun")?;
    let app = &context.app;
    match app.project(&incoming.principal, &incoming.wanted, tenant, id).await {
        Ok(project) if dry_run => {
            let (changes, resolved) = project.files_plan(&files, &incoming.reference()).await?;
            Ok(imported(200, None, Some(&resolved.hash), &changes))
        }
        Ok(project) => {
            let written = project.files_put(&files, &incoming.write_options()).await?;
            let commit = written.commit.as_ref().map(|commit| &commit.hash);
            Ok(imported(200, commit, Some(&written.head), &written.value))
        }
        Err(Error::NotFound { .. }) if matches!(incoming.reference().as_str(), "" | "main") => {
            let changes = app.project_files_plan(tenant, id, &files)?;
            if dry_run {
                return Ok(imported(200, None, None, &changes));
            }
            let options = super::projects::creating(&incoming)?;
            let written = app.project_files_create(&incoming.principal, tenant, id, &files, options).await?;
            let commit = written.commit.as_ref().map(|commit| &commit.hash);
            Ok(imported(201, commit, Some(&written.head), &changes))
        }
        Err(error) => Err(error.into()),
    }
}

fn imported(status: u16, commit: Option<&CommitHash>, head: Option<&CommitHash>, changes: &Changes) -> Response {
    let mut response = answer(status, json!({ "commit": commit, "head": head, "changes": changes }));
    if let Some(head) = head {
        set_commit(&mut response, head);
    }
    response
}

async fn bundle(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let bytes = project.bundle(incoming.call.query.get("since").map(String::as_str)).await?;
    let mut response = bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// The body is a bundle, not JSON.
async fn apply(State(context): State<Context>, mut request: Request) -> Answered {
    let body = std::mem::take(request.body_mut());
    let bytes = read_body(request.headers(), body, body_limit(&context, request.uri().path())).await?;
    let incoming = Incoming::read(&context, request).await?;
    let principal: &Principal = &incoming.principal;
    let id = incoming.call.query.get("project").map(String::as_str);
    let applied = context.app.bundle_apply(principal, incoming.param("tenantId"), id, &bytes).await?;
    let status = if applied.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer(status.as_u16(), json!(applied)))
}
