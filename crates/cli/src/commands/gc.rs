use serde::Deserialize;
use serde_json::json;

use super::{Context, each, stats};
use crate::error::CommandResult;
use crate::names::{ProjectName, SomeProjectArg, count, size};
use crate::request::Request;

/// Make room: forget deleted branches that cannot be undone any more, and what nothing else needs
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: SomeProjectArg,
    /// Days for which deleted branches and tags can still be undone
    #[arg(long, value_name = "N", default_value_t = 90)]
    undo_days: u32,
}

#[derive(Deserialize)]
struct Collected {
    before: u64,
    after: u64,
    dropped: usize,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let api = context.api()?;
    let collect = |project: &ProjectName| {
        let reply = api.send(Request::post(project.path("/gc"), json!({ "undoDays": args.undo_days })))?;
        let Collected { before, after, dropped } = reply.read_data()?;
        let said = format!("{} to {}, deleted branches forgotten: {dropped}", size(before), size(after));
        Ok((said, reply.into_body()["data"].take()))
    };
    let Some(project) = &args.project.project else {
        let projects = stats::projects(&api)?;
        let answers = each::project(context, &projects, "were not cleared", collect)?;
        let named = projects.iter().zip(answers).map(|(project, mut answer)| {
            answer["tenantId"] = project.tenant.as_str().into();
            answer["projectId"] = project.id.as_str().into();
            answer
        });
        let said = count(projects.len(), "project");
        return context.output.show(&named.collect::<Vec<_>>(), || format!("Cleared {said}"));
    };
    let (said, answer) = collect(project)?;
    context.output.show(&answer, || format!("{project}: {said}"))
}
