//! Reading a DoltGres database that another program made: one with the tables of the model, but without our names of
//! branches and our list of migrations.

mod history;
mod rows;

use std::sync::Arc;

use understory_model::Model;
use understory_sql::migration::LEDGER_TABLE;
use understory_sql::postgres::{Pool, ServerUrl};
use understory_sql::{Dialect, SqlValue};

use super::history::hash_cell;
use super::root::probe;
use crate::engine::notes::rfc3339;
use crate::engine::tables::Tables;
use crate::{BranchName, CommitHash, Signature, StoreResult, Tag};

pub use history::{Amended, ForeignProject};

/// The table that tells such a database from others.
const PROJECTS: &str = "projects";

/// A database of another program. It is only read, and what nobody committed is not seen.
#[derive(Debug)]
pub struct Foreign {
    readers: Pool,
    database: String,
    model: Arc<Model>,
    tables: Tables,
}

/// A branch as the other program named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignBranch {
    /// Its name.
    pub name: String,
    /// Its newest commit.
    pub head: CommitHash,
    /// Whether there are changes on it that nobody committed.
    pub dirty: bool,
}

impl Foreign {
    /// Opens a database; none if it is not another program's, or has no projects.
    pub async fn open(url: &ServerUrl, size: usize, model: Arc<Model>) -> StoreResult<Option<Self>> {
        let readers = Pool::new(url, size, false)?;
        probe(&readers).await?;
        let sql = "select table_name from information_schema.tables where table_schema = 'public'";
        let found = readers.connection().await?.query(sql, &[]).await?;
        let has = |wanted: &str| found.iter().flatten().any(|cell| cell.text() == Some(wanted));
        let tables = Tables::new(&model, Dialect::Postgres);
        let foreign = has(PROJECTS) && !has(LEDGER_TABLE);
        Ok(foreign.then(|| Self { readers, database: url.database().to_owned(), model, tables }))
    }

    /// All branches.
    pub async fn branches(&self) -> StoreResult<Vec<ForeignBranch>> {
        let sql = "select name, hash, dirty from dolt_branches order by name";
        let rows = self.readers.connection().await?.query(sql, &[]).await?;
        let branch = |row: &Vec<SqlValue>| {
            let name = row.first().and_then(SqlValue::text).unwrap_or_default().to_owned();
            let dirty = row.get(2).and_then(SqlValue::boolean).unwrap_or_default();
            Ok(ForeignBranch { name, head: hash_cell(row.get(1))?, dirty })
        };
        rows.iter().map(branch).collect()
    }

    /// The tags whose names may be tags' here, and how many others there are.
    pub async fn tags(&self) -> StoreResult<(Vec<Tag>, usize)> {
        let sql = "select tag_name, tag_hash, tagger, email, date, message from dolt_tags order by tag_name";
        let (mut tags, mut others) = (Vec::new(), 0);
        for row in self.readers.connection().await?.query(sql, &[]).await? {
            let text = |at: usize| row.get(at).and_then(SqlValue::text).unwrap_or_default();
            let Ok(name) = BranchName::new(text(0)) else {
                others += 1;
                continue;
            };
            let (tagger, date) = (Signature::new(text(2), text(3)), rfc3339(text(4)));
            tags.push(Tag { name, hash: hash_cell(row.get(1))?, tagger, message: text(5).trim().to_owned(), date });
        }
        Ok((tags, others))
    }
}
