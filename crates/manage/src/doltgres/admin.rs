//! Space, and copies of projects.

use std::io::Write as _;
use std::path::Path;

use understory_sql::SqlValue;

use super::import::Taking;
use super::moves::Moves;
use super::{At, DoltGres, Inner, refs};
use crate::bundle::{self, Bundle, BundleError, Content};
use crate::replay::History;
use crate::{BranchName, ProjectId, StoreError, StoreResult};

impl Inner {
    /// Bytes of the rows at all heads. What the database takes on the server's disk is shared by all projects.
    pub(super) async fn size(&self, at: &At) -> StoreResult<u64> {
        let mut bytes = 0;
        for head in self.refs(at).await?.heads() {
            let snapshot = self.snapshot(at, &head).await?;
            let rows = snapshot.tables().flat_map(|(_, table)| table.values());
            bytes += rows.flat_map(|row| row.iter()).map(|(_, value)| value.to_string().len() as u64).sum::<u64>();
        }
        Ok(bytes)
    }

    /// The names of all branches of the database.
    pub(super) async fn branch_names(&self) -> StoreResult<Vec<String>> {
        let connection = self.readers().connection().await?;
        let rows = connection.query("select name from dolt_branches order by name", &[]).await?;
        Ok(rows.into_iter().flatten().filter_map(|cell| cell.into_text().ok()).collect())
    }

    /// The branches with uncommitted changes. Under the lock none of them are by a writer who is about to commit.
    pub(super) async fn dirty(&self, at: &At) -> StoreResult<Vec<BranchName>> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        let prefix = &at.project.prefix;
        let bounds = [SqlValue::from(prefix.first()), prefix.end().into()];
        let sql = "select name, dirty from dolt_branches where name >= ? and name < ? order by name";
        let rows = locked.connection.query(sql, &bounds).await?;
        locked.release().await;
        let is_dirty = |row: &&Vec<SqlValue>| row.get(1).and_then(SqlValue::boolean) != Some(false);
        let names = rows.iter().filter(is_dirty).filter_map(|row| row.first()?.text());
        Ok(names.filter_map(|name| prefix.decode(name)).collect())
    }

    /// Drops what an import that was cut off left, and lets the engine collect what no ref needs.
    pub(super) async fn gc(&self, at: &At) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        let mut moves = Moves::default();
        let others = self.refs(at).await?.others;
        others.iter().filter(|name| at.project.prefix.is_scratch(name)).for_each(|name| moves.delete(name));
        moves.make(&locked).await?;
        locked.call("select dolt_gc('--shallow')", &[]).await?;
        locked.release().await;
        Ok(())
    }

    pub(super) async fn project_delete(&self, at: &At) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        let refs = refs::read(self.readers(), &at.project.prefix).await?;
        let prefix = &at.project.prefix;
        let mut moves = Moves::default();
        refs.tags.iter().for_each(|tag| moves.untag(&prefix.branch(&tag.name)));
        let branches = refs.branches.iter().filter(|branch| !branch.name.is_main());
        let names = branches.map(|branch| prefix.branch(&branch.name));
        let scratch = refs.others.iter().filter(|name| prefix.is_scratch(name)).cloned();
        let names = names.chain(refs.kept.iter().map(|head| prefix.keep(head))).chain(scratch);
        // The project is there as long as its main is: that goes last.
        let main = refs.head(&BranchName::main()).map(|_| prefix.branch(&BranchName::main()));
        names.chain(main).for_each(|name| moves.delete(&name));
        locked.finish(moves).await?;
        at.project.renew().await;
        Ok(())
    }

    /// Takes the history of a copy as the project's data. In the same database its commits have the same hashes.
    pub(super) async fn restore(&self, at: &At, history: &History) -> StoreResult<()> {
        self.import(at, history, Taking::Replace).await?;
        at.project.renew().await;
        Ok(())
    }
}

impl DoltGres {
    /// Whether there is anything of a project in the database.
    pub async fn has_projects(&self) -> StoreResult<bool> {
        let connection = self.inner.readers().connection().await?;
        Ok(connection.query_row("select name from dolt_branches where name <> 'main' limit 1", &[]).await?.is_some())
    }

    /// Writes all of a project as a bundle.
    pub(super) async fn write_copy(&self, project: &ProjectId, to: &Path) -> StoreResult<()> {
        let bytes = bundle::write(self, &self.inner.model, project, Content::Everything).await?;
        let mut file = std::fs::File::create_new(to)?;
        file.write_all(&bytes)?;
        Ok(file.sync_all()?)
    }

    /// Reads what [`Self::write_copy`] wrote.
    pub(super) async fn read_copy(&self, project: &ProjectId, from: &Path) -> StoreResult<History> {
        let damaged = |error: BundleError| match error {
            BundleError::Store(error) => error,
            error => StoreError::Corrupt { detail: error.to_string(), source: None },
        };
        let copy = Bundle::parse(&std::fs::read(from)?).map_err(damaged)?;
        copy.history(self, &self.inner.model, project, false).await.map_err(damaged)
    }
}
