//! Rows of one project at a commit, of tables that may lack columns and hold what is none of ours.

use std::collections::BTreeSet;
use std::sync::Arc;

use understory_sql::{Cells, SqlError, SqlValue};

use super::{Foreign, PROJECTS};
use crate::doltgres::tables::{bare, columns_at};
use crate::engine::tables::{EntityTable, Present, quote};
use crate::{CommitHash, ProjectId, StoreResult, Table};

impl Foreign {
    /// The columns of all tables at a commit.
    pub(super) async fn columns_at(&self, hash: &CommitHash) -> StoreResult<Present> {
        columns_at(&self.readers, &self.database, hash).await
    }

    /// The tables that differ between two commits, and whether any has other columns.
    pub(super) async fn changed(&self, from: &CommitHash, to: &CommitHash) -> StoreResult<(BTreeSet<String>, bool)> {
        let sql = "select from_table_name, to_table_name, schema_change from dolt_diff_summary(?, ?)";
        let commits = [from.as_str().into(), to.as_str().into()];
        let (mut tables, mut columns) = (BTreeSet::new(), false);
        for row in self.readers.connection().await?.query(sql, &commits).await? {
            let names = row.iter().take(2).filter_map(SqlValue::text).filter(|name| !name.is_empty());
            tables.extend(names.map(|name| bare(name).to_owned()));
            columns |= row.get(2).and_then(SqlValue::boolean).unwrap_or_default();
        }
        Ok((tables, columns))
    }

    /// Whether a commit has the project's own row.
    pub async fn has_project(&self, project: &ProjectId, hash: &CommitHash) -> StoreResult<bool> {
        let sql = format!("select 1 from {PROJECTS} as of '{hash}' where tenant_id = ? and id = ?");
        match self.readers.connection().await?.query_row(&sql, &of(project)).await {
            Err(SqlError::MissingTable { .. }) => Ok(false),
            row => Ok(row?.is_some()),
        }
    }

    /// The columns of a commit that the model does not have, in tables that it has, and how many rows of the project
    /// hold something in each.
    pub async fn unknown_columns(&self, project: &ProjectId, hash: &CommitHash) -> StoreResult<Vec<(String, u64)>> {
        let (connection, present) = (self.readers.connection().await?, self.columns_at(hash).await?);
        let mut unknown = Vec::new();
        for (_, table) in self.tables.iter() {
            let Some(columns) = present.get(&table.entity.table) else { continue };
            for column in columns.iter().filter(|column| table.entity.column(column).is_none()) {
                let (place, wanted) = place(table, hash);
                let sql =
                    format!("select count(*)::bigint from {place} where {wanted} and {} is not null", quote(column));
                let count = connection.query_row(&sql, &of(project)).await?;
                let count = count.and_then(|row| row.first().and_then(SqlValue::integer)).unwrap_or_default();
                unknown.push((format!("{}.{column}", table.entity.table), count.unsigned_abs()));
            }
        }
        Ok(unknown)
    }

    /// The rows of a project in one table at a commit. What does not fit the model's columns is told instead.
    pub(super) async fn rows_at(
        &self,
        project: &ProjectId,
        hash: &CommitHash,
        table: &EntityTable,
        present: &Present,
        like: Option<&Arc<Table>>,
        unfit: &mut impl FnMut(String, String),
    ) -> StoreResult<Arc<Table>> {
        let Some(selection) = table.older(present) else { return Ok(Arc::default()) };
        let (place, wanted) = place(table, hash);
        let sql = selection.sql(&format!("{place} where {wanted}"));
        let rows = match self.readers.connection().await?.query(&sql, &of(project)).await {
            Err(SqlError::MissingTable { .. }) => return Ok(Arc::default()),
            rows => rows?,
        };
        table.rows(&selection, like, |push| {
            for row in &rows {
                if let Err(error) = push(&Cells::of(row)) {
                    unfit(format!("{} {}", table.entity.title(), table.key_text(&selection, row)), error.to_string());
                }
            }
            Ok(())
        })
    }
}

/// A table at a commit, and the condition that a row is a project's.
fn place(table: &EntityTable, hash: &CommitHash) -> (String, String) {
    let own = if table.entity.is_scope_column("project_id") { "project_id" } else { "id" };
    (format!("{} as of '{hash}'", quote(&table.entity.table)), format!("tenant_id = ? and {own} = ?"))
}

fn of(project: &ProjectId) -> [SqlValue; 2] {
    [SqlValue::from(&project.tenant), SqlValue::from(&project.id)]
}
