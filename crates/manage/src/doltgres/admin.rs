//! Space, and copies of projects.

use std::path::Path;

use super::{At, Inner, refs};
use crate::{StoreError, StoreResult};

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

    /// Drops what an import that was cut off left, and lets the engine collect what no ref needs.
    pub(super) async fn gc(&self, at: &At) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        for name in self.refs(at).await?.scratch {
            refs::delete(&locked, &name).await?;
        }
        locked.call("select dolt_gc('--shallow')", &[]).await?;
        locked.release().await;
        Ok(())
    }

    pub(super) async fn project_delete(&self, at: &At) -> StoreResult<()> {
        let locked = self.connections.lock(at.project.prefix.first()).await?;
        let refs = refs::Refs::read(self.readers(), &at.project.prefix).await?;
        let prefix = &at.project.prefix;
        for tag in &refs.tags {
            locked.call("select dolt_tag('-d', ?)", &[&prefix.branch(&tag.name)]).await?;
        }
        let branches = refs.branches.iter().filter(|branch| !branch.name.is_main());
        let names = branches.map(|branch| prefix.branch(&branch.name));
        let names = names.chain(refs.kept.iter().map(|head| prefix.keep(head))).chain(refs.scratch.iter().cloned());
        // The project is there as long as its main is: that goes last.
        let main = refs.main().map(|_| prefix.branch(&crate::BranchName::main()));
        for name in names.chain(main) {
            refs::delete(&locked, &name).await?;
        }
        locked.release().await;
        at.project.renew().await;
        Ok(())
    }

    pub(super) async fn backup(&self, at: &At, _to: &Path) -> StoreResult<()> {
        self.refs(at).await?;
        Err(StoreError::Unsupported("copies of single projects; back up the database"))
    }
}
