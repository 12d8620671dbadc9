use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_all};
use crate::{RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into commit_aliases (tenant_id, project_id, hash, target, created_at) \
    values (?, ?, ?, ?, ?) on conflict (tenant_id, project_id, hash) do nothing";
const FIND: &str = "select distinct target from commit_aliases \
    where tenant_id = ? and project_id = ? and hash >= ? and hash < ? order by target limit 2";
const LIST: &str = "select hash, target from commit_aliases where tenant_id = ? and project_id = ? order by hash";
const DELETE: &str = "delete from commit_aliases where tenant_id = ? and project_id = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, FIND, LIST, DELETE];

/// Aliases written in one transaction.
const BATCH: usize = 500;

/// A commit's earlier hash, and the one that it has in the store of versioned configuration now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommitAlias {
    /// The earlier hash.
    pub hash: String,
    /// The present one.
    pub target: String,
}

impl RuntimeStore {
    /// Adds earlier names of commits; those that are there stay as they are.
    pub async fn commit_alias_add(&self, tenant: &str, project: &str, aliases: &[CommitAlias]) -> RuntimeResult<()> {
        let at = now();
        for batch in aliases.chunks(BATCH) {
            let row = |alias: &CommitAlias| [tenant, project, &alias.hash, &alias.target, &at].map(SqlValue::from);
            let rows: Vec<_> = batch.iter().map(row).collect();
            self.write(move |db| Ok(rows.iter().try_for_each(|row| db.execute(INSERT, row).map(drop))?)).await?;
        }
        Ok(())
    }

    /// The commits that had an earlier hash which begins so: none, one, or two of several.
    pub async fn commit_alias_find(&self, tenant: &str, project: &str, prefix: &str) -> RuntimeResult<Vec<String>> {
        // Hashes are of the characters 0 to v, so that this one comes after all that begin so.
        let row = [tenant, project, prefix, &format!("{prefix}w")].map(SqlValue::from);
        self.read(move |db| decode_all(db.query(FIND, &row)?, Columns::text)).await
    }

    /// All earlier names of a project's commits.
    pub async fn commit_alias_list(&self, tenant: &str, project: &str) -> RuntimeResult<Vec<CommitAlias>> {
        let row = [tenant, project].map(SqlValue::from);
        self.read(move |db| decode_all(db.query(LIST, &row)?, decode)).await
    }
}

pub(crate) fn commit_alias_delete_in_txn(db: &dyn Statements, tenant: &str, project: &str) -> RuntimeResult<()> {
    db.execute(DELETE, &[tenant.into(), project.into()])?;
    Ok(())
}

fn decode(columns: &mut Columns) -> RuntimeResult<CommitAlias> {
    Ok(CommitAlias { hash: columns.text()?, target: columns.text()? })
}
