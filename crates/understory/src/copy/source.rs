//! What is copied, wherever it comes from.

use understory_manage::ProjectId;
use understory_manage::replay::{self, Project};
use understory_model::Row;
use understory_runtime::{After, CommitAlias, RowsOf};

use super::{Place, Setting, Stores};
use crate::{Error, Result};

/// Rows that are read or written at a time.
pub(super) const BATCH: usize = 500;

/// A place that is copied from.
pub(super) struct Source {
    stores: Stores,
}

impl Source {
    pub(super) async fn open(place: &Place, setting: &Setting) -> Result<Self> {
        let stores = Stores::open_source(place, setting).await?;
        // Work that was cut off is for the place itself to finish: here it would be half of something.
        let unfinished = stores.runtime.intent_list().await?.len();
        if unfinished > 0 {
            let detail = format!("{place} has {unfinished} piece(s) of work that were cut off");
            return Err(Error::Conflict(format!("{detail}: `understory stats` on it finishes them; then copy")));
        }
        super::refuse_unfinished(&stores.runtime).await?;
        Ok(Self { stores })
    }

    /// All projects, by tenant and id.
    pub(super) async fn projects(&self) -> Result<Vec<ProjectId>> {
        let records = self.stores.runtime.project_list_all().await?.into_iter();
        Ok(records.map(|record| ProjectId { tenant: record.tenant_id, id: record.id, uid: record.uid }).collect())
    }

    /// A project with its whole history.
    pub(super) async fn read(&self, project: &ProjectId, setting: &Setting) -> Result<Project> {
        Ok(replay::read(self.stores.store.as_ref(), &setting.model, project).await?)
    }

    /// What a project's commits were called before.
    pub(super) async fn aliases(&self, project: &ProjectId) -> Result<Vec<CommitAlias>> {
        Ok(self.stores.runtime.commit_alias_list(&project.tenant, &project.id).await?)
    }

    pub(super) async fn count(&self, rows: &RowsOf) -> Result<u64> {
        Ok(self.stores.runtime.rows_count(rows).await?)
    }

    pub(super) async fn page(&self, rows: &RowsOf, after: Option<&After>) -> Result<(Vec<Row>, Option<After>)> {
        Ok(self.stores.runtime.rows_page(rows, after, BATCH).await?)
    }
}
