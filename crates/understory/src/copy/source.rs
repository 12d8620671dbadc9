//! What is copied, wherever it comes from.

use understory_manage::ProjectId;
use understory_manage::replay::{self, Project};
use understory_model::Row;
use understory_runtime::{After, CommitAlias, ProjectRecord, RowsOf};

use super::inkeep::Inkeep;
use super::report::{CopyReport, LeftOut};
use super::{Place, Setting, Stores};
use crate::{Error, Result};

/// Rows that are read or written at a time.
pub(super) const BATCH: usize = 500;

/// A place that is copied from.
pub(super) enum Source {
    /// One of ours.
    Ours(Stores),
    /// An installation of Inkeep's platform.
    Inkeep(Box<Inkeep>),
}

impl Source {
    pub(super) async fn open(place: &Place, setting: &Setting) -> Result<Self> {
        if let Place::Servers(servers) = place
            && let Some(inkeep) = Inkeep::open(servers, setting).await?
        {
            return Ok(Self::Inkeep(Box::new(inkeep)));
        }
        let stores = Stores::open_source(place, setting).await?;
        // Work that was cut off is for the place itself to finish: here it would be half of something.
        let unfinished = stores.runtime.intent_list().await?.len();
        if unfinished > 0 {
            let detail = format!("{place} has {unfinished} piece(s) of work that were cut off");
            return Err(Error::Conflict(format!("{detail}: `understory stats` on it finishes them; then copy")));
        }
        super::refuse_unfinished(&stores.runtime).await?;
        Ok(Self::Ours(stores))
    }

    /// All projects, by tenant and id.
    pub(super) async fn projects(&self) -> Result<Vec<ProjectId>> {
        match self {
            Self::Ours(stores) => {
                let records = stores.runtime.project_list_all().await?.into_iter();
                let id = |record: ProjectRecord| ProjectId { tenant: record.tenant_id, id: record.id, uid: record.uid };
                Ok(records.map(id).collect())
            }
            Self::Inkeep(inkeep) => Ok(inkeep.projects()),
        }
    }

    /// A project with its whole history, and what of it does not come along as it was.
    pub(super) async fn read(&self, project: &ProjectId, setting: &Setting) -> Result<(Project, Vec<LeftOut>)> {
        match self {
            Self::Ours(stores) => Ok((replay::read(stores.store.as_ref(), &setting.model, project).await?, Vec::new())),
            Self::Inkeep(inkeep) => inkeep.read(project).await,
        }
    }

    /// Notes what does not come along whatever is selected.
    pub(super) fn tell(&self, report: &mut CopyReport) {
        if let Self::Inkeep(inkeep) = self {
            inkeep.tell(report);
        }
    }

    /// What a project's commits were called before.
    pub(super) async fn aliases(&self, project: &ProjectId) -> Result<Vec<CommitAlias>> {
        match self {
            Self::Ours(stores) => Ok(stores.runtime.commit_alias_list(&project.tenant, &project.id).await?),
            Self::Inkeep(_) => Ok(Vec::new()),
        }
    }

    pub(super) async fn count(&self, rows: &RowsOf) -> Result<u64> {
        match self {
            Self::Ours(stores) => Ok(stores.runtime.rows_count(rows).await?),
            Self::Inkeep(inkeep) => inkeep.count(rows).await,
        }
    }

    pub(super) async fn page(&self, rows: &RowsOf, after: Option<&After>) -> Result<(Vec<Row>, Option<After>)> {
        match self {
            Self::Ours(stores) => Ok(stores.runtime.rows_page(rows, after, BATCH).await?),
            Self::Inkeep(inkeep) => inkeep.page(rows, after).await,
        }
    }
}
