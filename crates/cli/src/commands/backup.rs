use std::path::PathBuf;

use serde_json::json;

use super::Context;
use crate::error::{CommandError, CommandResult, io};
use crate::names::count;
use crate::request::Request;

/// Copy everything into a new directory, consistently, while the server serves
#[derive(clap::Args)]
pub struct Args {
    /// Directory to make
    dir: PathBuf,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    if context.settings.url.is_some() {
        let error = CommandError::user("a backup is written on the server's own machine");
        return Err(error.hint("run `understory backup` there, with --data"));
    }
    // The server has a current directory of its own.
    let dir = std::path::absolute(&args.dir).map_err(io(args.dir.display().to_string()))?;
    let reply = context.api()?.send(Request::post("/manage/backup", json!({ "dir": dir })).by_session())?;
    let projects = reply.data()["files"].as_object().map_or(0, |files| files.len().saturating_sub(1));
    let said = || format!("Backed up {} to {}", count(projects, "project"), dir.display());
    context.output.show(reply.data(), said)
}
