use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;
use tempfile::NamedTempFile;

use super::Context;
use crate::error::{CommandError, CommandResult, io};
use crate::names::{ProjectArg, count, encoded, short, size};
use crate::output::table;
use crate::request::Request;

/// Carry a project with its history from one server to another, as a file
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Write a bundle: all branches and tags, with all commits that they reach
    Create {
        /// File to write
        file: PathBuf,
        /// Leave out what this branch, tag or commit reaches: whoever applies the bundle has that already
        #[arg(long, value_name = "REF")]
        since: Option<String>,
    },
    /// Take a bundle over; the project is created if it is not there
    Apply {
        /// File that `bundle create` wrote
        file: PathBuf,
    },
}

#[derive(Deserialize)]
struct Applied {
    commits: usize,
    refs: Vec<Moved>,
}

#[derive(Deserialize)]
struct Moved {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    from: Option<String>,
    to: String,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    match &args.action {
        Action::Create { file, since } => create(args, context, file, since.as_deref()),
        Action::Apply { file } => apply(args, context, file),
    }
}

/// The file is there whole or not at all.
fn create(args: &Args, context: &Context, file: &Path, since: Option<&str>) -> CommandResult<()> {
    let (api, project, name) = (context.api()?, &args.project.project, file.display());
    let mut request = Request::get(project.path("/bundle"));
    if let Some(since) = since {
        request = request.query("since", since);
    }
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut written = NamedTempFile::new_in(dir).map_err(io(dir.display().to_string()))?;
    let bytes = api.copy(&request, written.as_file_mut())?;
    written.as_file().sync_all().map_err(io(name.to_string()))?;
    written.persist(file).map_err(|error| io(name.to_string())(error.error))?;
    let said = json!({ "project": project.to_string(), "file": file, "bytes": bytes });
    context.output.show(&said, || format!("Wrote {project} to {name}, {}", size(bytes)))
}

fn apply(args: &Args, context: &Context, file: &Path) -> CommandResult<()> {
    let project = &args.project.project;
    if !file.is_file() {
        return Err(CommandError::user(format!("there is no file {}", file.display())));
    }
    let path = format!("/manage/tenants/{}/bundles", encoded(&project.tenant));
    let request = Request::post_file(path, file).query("project", &project.id);
    let reply = context.api_or_new()?.send(request)?;
    let applied: Applied = reply.read_data()?;
    context.output.show(reply.data(), || applied.text(&project.to_string()))
}

impl Applied {
    fn text(&self, project: &str) -> String {
        if self.refs.is_empty() {
            return format!("Nothing to take over: {project} has all of it");
        }
        let row = |moved: &Moved| {
            let from = short(moved.from.as_deref().unwrap_or("-"));
            [&moved.kind, &moved.name, from, short(&moved.to)].map(str::to_owned).to_vec()
        };
        let moved = table(&["WHAT", "NAME", "FROM", "TO"], self.refs.iter().map(row));
        format!("{moved}\nTook {} over into {project}", count(self.commits, "commit"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_told() {
        let text = |value| serde_json::from_value::<Applied>(value).unwrap().text("acme/shop");
        let moved = json!({ "type": "branch", "name": "main", "from": null, "to": "0123456789abcdef" });
        let told = text(json!({ "project": "shop", "commits": 1, "refs": [moved] }));
        let lines: Vec<String> =
            told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let expected = ["WHAT NAME FROM TO", "branch main - 0123456789", "Took 1 commit over into acme/shop"];
        assert_eq!(lines, expected);
        let nothing = text(json!({ "project": "shop", "commits": 0, "refs": [] }));
        assert_eq!(nothing, "Nothing to take over: acme/shop has all of it");
    }
}
