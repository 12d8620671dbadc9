use serde::Deserialize;
use serde_json::json;
use understory::pending_before_open;

use super::{Context, each};
use crate::connect::Api;
use crate::error::{CommandError, CommandResult};
use crate::names::{ProjectName, count};
use crate::request::Request;

/// Bring all branches of all projects to the newest schema; a branch left alone gets there with its next write
#[derive(clap::Args)]
pub struct Args {
    /// Change nothing; exit with 1 if anything is behind
    #[arg(long)]
    check: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pending {
    tenant_id: String,
    project_id: String,
    branch: String,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    if args.check {
        check_runtime(context)?;
    }
    let api = if args.check { context.api()? } else { context.api_migrating()? };
    let reply = api.send(Request::get("/manage/migrations"))?;
    let pending: Vec<Pending> = reply.read_data()?;
    match (args.check, pending.is_empty()) {
        (_, true) => context.output.show(&json!({ "migrated": [] }), || "Everything has the newest schema".to_owned()),
        (true, false) => Err(behind(pending.iter().map(Pending::name))),
        (false, false) => migrate(&api, context, &pending),
    }
}

/// Opening a directory migrates the store that has no branches, so that is looked at before.
fn check_runtime(context: &Context) -> CommandResult<()> {
    let settings = &context.settings;
    let served = settings.url.is_some() || understory::Server::find(&settings.data).is_some();
    if served || !settings.data.join("runtime.db").exists() {
        return Ok(());
    }
    let pending = pending_before_open(&settings.data, settings.model.as_deref())?;
    if pending.is_empty() { Ok(()) } else { Err(behind(pending.into_iter().map(|name| format!("runtime: {name}")))) }
}

fn behind(what: impl Iterator<Item = String>) -> CommandError {
    let error = what.fold(CommandError::user("not everything has the newest schema"), CommandError::cause);
    error.hint("run `understory migrate`")
}

fn migrate(api: &Api, context: &Context, pending: &[Pending]) -> CommandResult<()> {
    let mut projects: Vec<ProjectName> = pending.iter().map(Pending::project).collect();
    projects.dedup();
    each::project(context, &projects, "were not migrated", |project| {
        api.send(Request::post(project.path("/migrate"), json!({})))?;
        let branches = pending.iter().filter(|one| one.project() == *project).map(|one| one.branch.as_str());
        Ok((branches.collect::<Vec<_>>().join(", "), ()))
    })?;
    let names: Vec<String> = pending.iter().map(Pending::name).collect();
    context.output.show(&json!({ "migrated": names }), || format!("Migrated {}", count(projects.len(), "project")))
}

impl Pending {
    fn project(&self) -> ProjectName {
        ProjectName { tenant: self.tenant_id.clone(), id: self.project_id.clone() }
    }

    fn name(&self) -> String {
        format!("{} {}", self.project(), self.branch)
    }
}
