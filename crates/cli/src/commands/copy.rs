use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use understory::{CopyProgress, CopyReport, CopyRequest, Place};

use super::Context;
use crate::error::{CommandError, CommandResult};
use crate::names::{ProjectName, count};
use crate::output::{Output, table};

/// How often a long table says how far it is.
const NOW_AND_THEN: Duration = Duration::from_secs(1);

/// Move everything elsewhere: from a data directory to database servers, or back
///
/// Projects go with their whole history, and what arrived is compared with what was there. Nobody may serve either place
/// meanwhile. If it is cut off, do it again: it goes on.
///
/// A place is a data directory, or two addresses: postgresql://… of DoltGres, a comma, postgresql://… of PostgreSQL. The
/// databases of an Inkeep installation can be copied from, too.
#[derive(clap::Args)]
pub struct Args {
    /// Where the data is; it stays as it is
    #[arg(long, value_name = "PLACE")]
    from: Place,
    /// Where it goes: an empty place, which is made ready
    #[arg(long, value_name = "PLACE")]
    to: Place,
    /// A project that goes, may be repeated; all, and keys and settings, if none is named
    #[arg(short = 'p', long = "project", value_name = "TENANT/PROJECT")]
    projects: Vec<ProjectName>,
    /// Write nothing: show what would come along, and what would not
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let request = CopyRequest {
        from: args.from.clone(),
        to: args.to.clone(),
        projects: args.projects.iter().map(|name| (name.tenant.clone(), name.id.clone())).collect(),
        dry_run: args.dry_run,
        model: context.settings.model.clone(),
        pool_size: context.settings.databases.pool_size,
    };
    let runtime = Runtime::new().map_err(|error| CommandError::internal("no threads").because(&error))?;
    let teller = Teller { output: context.output, last: Mutex::default() };
    let report = runtime.block_on(understory::copy(&request, &|progress| teller.tell(progress)))?;
    context.output.show(&report, || said(&report))
}

/// Tells how far the copy is.
struct Teller {
    output: Output,
    last: Mutex<Option<Instant>>,
}

impl Teller {
    fn tell(&self, progress: CopyProgress<'_>) {
        match progress {
            CopyProgress::Project { done, total, last } => {
                let there = if last.was_there { ", was there" } else { "" };
                let commits = count(last.commits, "commit");
                self.output.progress(&format!("{done}/{total} projects: {}, {commits}{there}", last.project));
            }
            CopyProgress::Rows { table, done, total } if done == total || self.is_time() => {
                self.output.progress(&format!("{table}: {done}/{total} rows"));
            }
            CopyProgress::Rows { .. } => {}
        }
    }

    fn is_time(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() > NOW_AND_THEN);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}

fn said(report: &CopyReport) -> String {
    let (from, to) = (&report.from, &report.to);
    let title = match report.dry_run {
        true => format!("From {from} to {to} would come along:"),
        false => format!("Copied {from} to {to}, and compared:"),
    };
    let projects = report.projects.iter().map(|project| {
        let numbers = [project.commits, project.branches, project.tags, project.kept];
        [project.project.clone()].into_iter().chain(numbers.map(|number| number.to_string())).collect()
    });
    let tables = report.tables.iter().map(|table| vec![table.table.clone(), table.rows.to_string()]);
    let left = report.left_out.iter().map(|left| vec![left.what.clone(), left.count.to_string(), left.why.clone()]);
    let mut parts = vec![title];
    if !report.projects.is_empty() {
        parts.push(table(&["PROJECT", "COMMITS", "BRANCHES", "TAGS", "DELETED BRANCHES"], projects));
    }
    parts.push(table(&["TABLE", "ROWS"], tables));
    if !report.left_out.is_empty() {
        parts.push(table(&["LEFT OUT", "COUNT", "WHY"], left));
    }
    parts.join("\n\n")
}
