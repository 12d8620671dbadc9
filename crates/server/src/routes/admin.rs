//! Running the server: keys, migrations and backups.

use std::path::PathBuf;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use understory::{Error, KeyRecord, PrincipalKind, UNDO_KEPT};

use super::answer::answer;
use super::branches::open;
use super::{Needs, Routes};
use crate::idempotency::Unrepeatable;
use crate::request::Incoming;
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Adds the routes, which are under `/manage` only.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("")
        .get("/keys", Needs::Server, key_list)
        .post("/keys", Needs::Server, key_create)
        .delete("/keys/{name}", Needs::Server, key_revoke)
        .get("/doctor", Needs::Server, examine)
        .post("/doctor", Needs::Server, mend)
        .get("/migrations", Needs::Server, migrations_pending)
        .post("/tenants/{tenantId}/projects/{projectId}/migrate", Needs::Server, migrate)
        .post("/tenants/{tenantId}/projects/{projectId}/gc", Needs::Server, collect)
        .get("/stats", Needs::Server, stats)
        .post("/backup", Needs::Server, backup);
}

async fn key_list(State(context): State<Context>) -> Answered {
    let keys = context.app.keys().key_list().await.map_err(Error::from)?;
    Ok(answer(200, keys.iter().map(key).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

/// The one answer that holds the key itself: it is not kept for a repeat of the request.
async fn key_create(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let body: Named = incoming.body()?;
    let made = context.app.keys().key_create(&body.name).await.map_err(Error::from)?;
    let mut data = key(&made.record);
    data["key"] = made.secret.reveal().into();
    let mut response = answer(201, data);
    response.extensions_mut().insert(Unrepeatable);
    Ok(response)
}

async fn key_revoke(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let record = context.app.keys().key_revoke(incoming.param("name")).await.map_err(Error::from)?;
    Ok(answer(200, key(&record)))
}

fn key(record: &KeyRecord) -> Value {
    json!({
        "name": record.name,
        "prefix": record.prefix,
        "role": record.role,
        "createdAt": record.created_at,
        "lastUsedAt": record.last_used_at,
        "revokedAt": record.revoked_at,
    })
}

async fn examine(State(context): State<Context>) -> Answered {
    Ok(answer(200, json!(context.app.doctor(false).await?)))
}

async fn mend(State(context): State<Context>) -> Answered {
    Ok(answer(200, json!(context.app.doctor(true).await?)))
}

async fn migrations_pending(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    Ok(answer(200, json!(context.app.migrations_pending(&incoming.principal).await?)))
}

async fn migrate(State(context): State<Context>, request: Request) -> Answered {
    let (_, project) = open(&context, request).await?;
    Ok(answer(200, json!({ "branches": project.migrate().await? })))
}

async fn stats(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    Ok(answer(200, json!(context.app.stats(&incoming.principal).await?)))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Collect {
    undo_days: Option<u32>,
}

async fn collect(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let body: Collect = if incoming.call.body.is_null() { Collect::default() } else { incoming.body()? };
    let kept = body.undo_days.map_or(UNDO_KEPT, |days| Duration::from_secs(u64::from(days) * 24 * 60 * 60));
    Ok(answer(200, json!(project.collect(kept).await?)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Backup {
    dir: PathBuf,
}

/// It writes where the request says: only commands on this machine, by the server's own user, may ask for that.
async fn backup(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    if incoming.principal.kind != PrincipalKind::Session {
        let detail = "backups are made on the server's machine, with `understory backup DIR`";
        return Err(Error::Forbidden(detail.into()).into());
    }
    let body: Backup = incoming.body()?;
    if !body.dir.is_absolute() {
        return Err(Error::field("/dir", "format", "dir is an absolute path").into());
    }
    let report = context.app.backup(&body.dir).await?;
    let data = json!({
        "dir": body.dir, "createdAt": report.created_at, "version": report.version, "files": report.files,
    });
    Ok(answer(201, data))
}
