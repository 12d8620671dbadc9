use serde::Deserialize;
use serde_json::Value;

use super::Context;
use crate::connect::Api;
use crate::error::CommandResult;
use crate::names::{ProjectName, SomeProjectArg, size};
use crate::output::table;
use crate::request::{Request, typed};

/// Show how large projects are
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: SomeProjectArg,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    tenant_id: String,
    project_id: String,
    bytes: u64,
    branches: u64,
    tags: u64,
    deleted_branches: u64,
    rows: u64,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let found = of(&context.api()?, args.project.project.as_ref())?;
    let all: Vec<Stats> = found.iter().map(typed).collect::<Result<_, _>>()?;
    let titles = ["PROJECT", "SIZE", "ROWS", "BRANCHES", "TAGS", "DELETED BRANCHES"];
    context.output.show(&found, || table(&titles, all.iter().map(Stats::row)))
}

/// The names of all projects.
pub fn projects(api: &Api) -> CommandResult<Vec<ProjectName>> {
    of(api, None)?.iter().map(|stats| typed(stats).map(|stats: Stats| stats.name())).collect()
}

/// What the server counts, of one project or of all.
fn of(api: &Api, project: Option<&ProjectName>) -> CommandResult<Vec<Value>> {
    let mut found: Vec<Value> = api.send(Request::get("/manage/stats"))?.read_data()?;
    let Some(project) = project else { return Ok(found) };
    // One that is not there is an error, as everywhere.
    api.send(Request::get(project.path("")))?;
    found.retain(|stats| stats["tenantId"] == project.tenant && stats["projectId"] == project.id);
    Ok(found)
}

impl Stats {
    fn name(&self) -> ProjectName {
        ProjectName { tenant: self.tenant_id.clone(), id: self.project_id.clone() }
    }

    fn row(&self) -> Vec<String> {
        let numbers = [self.rows, self.branches, self.tags, self.deleted_branches];
        [self.name().to_string(), size(self.bytes)]
            .into_iter()
            .chain(numbers.map(|number| number.to_string()))
            .collect()
    }
}
