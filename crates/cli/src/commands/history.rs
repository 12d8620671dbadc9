use serde::Deserialize;

use super::Context;
use crate::address::Finder;
use crate::changes::Change;
use crate::commit::{Commit, when};
use crate::error::CommandResult;
use crate::names::{LimitArg, ProjectArg, RefArg, short};
use crate::pages;
use crate::request::{Request, typed};

/// Show every change of one row, the newest first
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    reference: RefArg,
    #[command(flatten)]
    limit: LimitArg,
    /// KIND/ID, as `get` takes it; one that is deleted by now in full
    address: String,
}

#[derive(Deserialize)]
struct Step {
    commit: Commit,
    #[serde(flatten)]
    change: Change,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, model) = (context.api()?, context.model()?);
    let (project, reference) = (&args.project.project, args.reference.reference.as_str());
    let place = Finder { api: &api, model: &model, project, reference }.place(&args.address)?;
    let request = Request::get(format!("{}/history", place.path)).query("ref", reference);
    let answer = pages::first(&api, &request, args.limit.limit)?;
    let steps: Vec<Step> = typed(&answer)?;
    context.output.show(&answer, || match steps.as_slice() {
        [] => format!("Nothing has changed {} yet", place.address),
        steps => steps.iter().map(|step| step.text(&place.address)).collect::<Vec<_>>().join("\n\n"),
    })
}

impl Step {
    fn text(&self, address: &str) -> String {
        let Commit { hash, author, date, .. } = &self.commit;
        let head = format!("{}  {}  {author}  {}", short(hash), when(date), self.commit.subject());
        format!("{head}\n{}", self.change.text(address))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_tells_who_why_and_what() {
        let commit = json!({
            "hash": "0123456789abcdef", "parents": [], "author": "ana", "email": "ana@localhost",
            "date": "2026-01-31T12:00:00Z", "message": "Be brief\n\nAsked for.",
        });
        let fields = json!({ "prompt": { "from": "a", "to": "b" } });
        let step: Step =
            serde_json::from_value(json!({ "commit": commit, "kind": "modified", "fields": fields })).unwrap();
        let expected = "0123456789  2026-01-31 12:00:00  ana  Be brief\n~ tool/weather\n    prompt: \"a\" → \"b\"";
        assert_eq!(step.text("tool/weather"), expected);
    }
}
