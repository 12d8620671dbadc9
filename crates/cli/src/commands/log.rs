use understory::model::camel_case;

use super::Context;
use crate::address::Finder;
use crate::commit::{Commit, when};
use crate::error::CommandResult;
use crate::names::{LimitArg, ProjectArg, RefArg, short};
use crate::output::table;
use crate::pages;
use crate::request::{Request, typed};

/// Show who changed what: the newest commits of a branch
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    reference: RefArg,
    #[command(flatten)]
    limit: LimitArg,
    /// Only commits of this author, by name or address
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Only commits made at this time or later, as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only commits made at this time or earlier
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only commits that changed this row: KIND/ID, as `get` takes it; one that is deleted by now in full
    address: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, project, reference) = (context.api()?, &args.project.project, args.reference.reference.as_str());
    let mut request = Request::get(project.path("/commits")).query("ref", reference);
    if let Some(address) = &args.address {
        let model = context.model()?;
        let place = Finder { api: &api, model: &model, project, reference }.place(address)?;
        request = request.query("entity", &camel_case(&place.entity.name)).query("key", &place.key);
    }
    for (name, value) in [("author", &args.author), ("since", &args.since), ("until", &args.until)] {
        if let Some(value) = value {
            request = request.query(name, value);
        }
    }
    let answer = pages::first(&api, &request, args.limit.limit)?;
    let commits: Vec<Commit> = typed(&answer)?;
    context.output.show(&answer, || table(&["COMMIT", "DATE (UTC)", "AUTHOR", "MESSAGE"], commits.iter().map(row)))
}

fn row(commit: &Commit) -> Vec<String> {
    vec![short(&commit.hash).to_owned(), when(&commit.date), commit.author.clone(), commit.subject().to_owned()]
}
