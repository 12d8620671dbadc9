//! Moving everything from one place to another: from a data directory to database servers, and back.
//!
//! Configuration goes with its whole history, commit by commit, and is read again where it arrived; commits have other
//! hashes there, so that what they were called before is kept. Runtime data goes table by table, by the model's columns.

mod aliases;
mod computed;
mod inkeep;
mod marker;
mod place;
mod projects;
mod report;
mod served;
mod source;
mod tables;

use std::path::PathBuf;
use std::sync::Arc;

use understory_model::Model;
use understory_sql::Migrations;

use self::marker::Marker;
use self::place::Stores;
use self::source::Source;
use self::tables::Selection;
use crate::app::load_model;
use crate::{Error, Result};

pub(crate) use self::marker::refuse_unfinished;
pub use self::place::{Place, Servers};
pub use self::report::{CopyProgress, CopyReport, LeftOut, ProjectCopied, TableCopied};

/// What is to be copied, and where to.
#[derive(Clone, Debug)]
pub struct CopyRequest {
    /// Where it is.
    pub from: Place,
    /// Where it goes: nothing is there, or what an earlier copy from the same place left when it was cut off.
    pub to: Place,
    /// Tenant and id of the projects that go; all, and what belongs to none, if it is empty.
    pub projects: Vec<(String, String)>,
    /// Whether to tell only what would go.
    pub dry_run: bool,
    /// A directory with further entity files and their migrations.
    pub model: Option<PathBuf>,
    /// Connections to each database server.
    pub pool_size: usize,
}

/// What stores are opened with.
struct Setting {
    model: Arc<Model>,
    migrations: Arc<Migrations>,
    pool_size: usize,
}

/// Copies, and compares what arrived with what was there. Cut off at any moment, it may be done again and goes on.
///
/// Nobody may serve either place meanwhile: a data directory is locked, servers are refused while a replica of the
/// program lives on them.
pub async fn copy(request: &CopyRequest, progress: &(dyn Fn(CopyProgress<'_>) + Sync)) -> Result<CopyReport> {
    let (model, migrations) = load_model(request.model.as_deref())?;
    let setting = Setting { model, migrations, pool_size: request.pool_size };
    let from = Source::open(&request.from, &setting).await?;
    let selection = Selection::of(&from, &request.projects).await?;
    let mut report = CopyReport::new(request);
    from.tell(&mut report);
    if request.dry_run {
        projects::list(&from, &selection, &setting, &mut report).await?;
        tables::list(&from, &selection, &setting, &mut report).await?;
        return Ok(report);
    }
    if request.from.identity() == request.to.identity() {
        return Err(Error::BadRequest("both places are the same".into()));
    }
    let marker = Marker::new(request);
    let to = Stores::open_target(&request.to, &setting, &marker).await?;
    projects::copy(&from, &to, &selection, &setting, &mut report, progress).await?;
    tables::copy(&from, &to, &selection, &setting, &mut report, progress).await?;
    marker.finish(&to.runtime).await?;
    Ok(report)
}
