use std::path::PathBuf;

use serde_json::json;

use super::Context;
use crate::error::CommandResult;
use crate::names::count;

/// Make a new data directory of a backup, after checking every file of it
#[derive(clap::Args)]
pub struct Args {
    /// Directory that `backup` made; --data says where the data goes
    dir: PathBuf,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let data = &context.settings.data;
    let report = understory::restore(&args.dir, data)?;
    let made = &report.created_at;
    let said = json!({ "data": data, "createdAt": made, "version": report.version, "files": report.files });
    let projects = count(report.files.len().saturating_sub(1), "project");
    context.output.show(&said, || format!("Restored {projects} to {}, as backed up at {made}", data.display()))
}
