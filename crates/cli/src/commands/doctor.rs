use serde::Deserialize;
use serde_json::json;

use super::Context;
use crate::error::{CommandError, CommandResult};
use crate::names::count;
use crate::request::{Request, typed};

/// Examine all data: what is missing, nobody's, damaged, unfinished or changed past Understory; exit with 1 on a fault
#[derive(clap::Args)]
pub struct Args {
    /// Settle unfinished work of processes that are gone, and delete data and rows that are nobody's
    #[arg(long)]
    fix: bool,
}

#[derive(Deserialize)]
struct Diagnosis {
    projects: usize,
    branches: usize,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    fault: bool,
    place: String,
    what: String,
    remedy: String,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let request = match args.fix {
        true => Request::post("/manage/doctor", json!({})),
        false => Request::get("/manage/doctor"),
    };
    let reply = context.api()?.send(request)?;
    let diagnosis: Diagnosis = typed(reply.data())?;
    context.output.show(reply.data(), || diagnosis.text())?;
    match diagnosis.faults() {
        0 => Ok(()),
        faults => Err(CommandError::user(format!("the data have {}", count(faults, "fault")))),
    }
}

impl Diagnosis {
    fn faults(&self) -> usize {
        self.findings.iter().filter(|finding| finding.fault).count()
    }

    fn text(&self) -> String {
        let (projects, branches) = (count(self.projects, "project"), count(self.branches, "branch head"));
        let healthy = if self.faults() == 0 { ": healthy" } else { "" };
        let lines = self.findings.iter().map(Finding::line);
        lines.chain([format!("Examined {projects} and {branches}{healthy}")]).collect::<Vec<_>>().join("\n")
    }
}

impl Finding {
    fn line(&self) -> String {
        let sort = if self.fault { "fault" } else { "note" };
        let remedy = if self.remedy.is_empty() { String::new() } else { format!("\n      {}", self.remedy) };
        format!("{sort:<5} {}: {}{remedy}", self.place, self.what)
    }
}
