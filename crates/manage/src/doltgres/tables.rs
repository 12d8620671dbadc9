//! Rows of a commit, in and out.

use std::sync::Arc;

use futures_util::future::try_join_all;
use understory_sql::postgres::{Connection, Pool};
use understory_sql::{Cells, SqlRef};

use super::locks::revision;
use super::{At, Inner, root};
use crate::engine::tables::{EntityTable, Present, Selection, quote, require_one};
use crate::{Change, CommitHash, Snapshot, StoreResult, Table, changed_rows};

impl Inner {
    /// All rows of a commit, in today's shape. What is as in `like` is shared with it.
    pub(super) async fn read_at(&self, hash: &CommitHash, like: &Snapshot) -> StoreResult<Snapshot> {
        let present = if self.is_behind(hash).await? { Some(self.columns_then(hash).await?) } else { None };
        let connection = self.readers().connection().await?;
        let table = async |name: &String, table: &EntityTable| {
            let older = present.as_ref().map(|present| table.older(present));
            let rows = match older.as_ref().map_or(Some(table.whole()), Option::as_ref) {
                None => Arc::default(),
                Some(selection) => {
                    let place = format!("{} as of '{hash}'", quote(&table.entity.table));
                    read(&connection, table, selection, &place, like.shared(name)).await?
                }
            };
            StoreResult::Ok((name.clone(), rows))
        };
        // All are asked at once; the answers come one after the other.
        let tables = try_join_all(self.tables.iter().map(|(name, entity)| table(name, entity))).await?;
        Ok(Snapshot::sharing(tables))
    }

    /// The columns of all tables at a commit: the migrations that were run by then made them.
    async fn columns_then(&self, hash: &CommitHash) -> StoreResult<Arc<Present>> {
        let ledger = root::ledger_at(self.readers(), hash.as_str()).await?;
        if let Some(known) = self.columns.get(&ledger) {
            return Ok(known);
        }
        let columns = Arc::new(columns_at(self.readers(), self.connections.database(), hash).await?);
        self.columns.insert(ledger, Arc::clone(&columns));
        Ok(columns)
    }

    /// How two commits differ, asked of the engine: it compares trees, and looks only into what is not the same.
    pub(super) async fn changes(
        &self,
        at: &At,
        from: Option<&CommitHash>,
        to: &CommitHash,
    ) -> StoreResult<Vec<Change>> {
        let Some(from) = from else { return Ok(changed_rows(&Default::default(), &*self.snapshot(at, to).await?)) };
        self.require_commits(at, [from, to]).await?;
        // The engine knows no defaults: where a column came later, rows are compared as they read today.
        if self.is_behind(from).await? || self.is_behind(to).await? {
            return Ok(changed_rows(&*self.snapshot(at, from).await?, &*self.snapshot(at, to).await?));
        }
        let changes = self.differing(from, to).await?;
        let key = (at.project.generation(), from.clone(), to.clone());
        self.changes.insert(key, Arc::new(changes.clone()));
        Ok(changes)
    }

    async fn differing(&self, from: &CommitHash, to: &CommitHash) -> StoreResult<Vec<Change>> {
        let connection = self.readers().connection().await?;
        let commits = [from.as_str().into(), to.as_str().into()];
        let summary = "select to_table_name, from_table_name from dolt_diff_summary(?, ?)";
        let mut tables = Vec::new();
        for row in connection.query(summary, &commits).await? {
            let cells = Cells::of(&row);
            let names = [cells.get(0)?, cells.get(1)?].into_iter();
            let mut names = names.filter_map(|cell| match cell {
                SqlRef::Text(name) if !name.is_empty() => Some(bare(name)),
                _ => None,
            });
            tables.extend(names.next().and_then(|name| self.tables.of_table(name)));
        }
        let rows = async |table: &EntityTable| {
            let sql =
                format!("select {} from dolt_diff('{from}', '{to}', '{}')", table.differing(), table.entity.table);
            let rows = connection.query(&sql, &[]).await?;
            rows.iter().filter_map(|row| table.change(&Cells::of(row)).transpose()).collect::<StoreResult<Vec<_>>>()
        };
        let mut changes: Vec<Change> =
            try_join_all(tables.into_iter().map(rows)).await?.into_iter().flatten().collect();
        changes.sort_by(|a, b| (&a.entity, &a.key).cmp(&(&b.entity, &b.key)));
        Ok(changes)
    }

    /// Writes changes on the branch that a connection is on; how many rows differ now.
    pub(super) async fn write_rows<'a>(
        &self,
        connection: &Connection,
        changes: impl Iterator<Item = &'a Change>,
    ) -> StoreResult<usize> {
        let mut statements = Vec::new();
        for change in changes {
            statements.extend(self.tables.statement(change)?.map(|(sql, cells)| (change, sql, cells)));
        }
        let write = async |(change, sql, cells): &(&Change, _, Vec<_>)| {
            let sql: &std::borrow::Cow<'_, str> = sql;
            require_one(change, connection.execute(sql, cells).await?)
        };
        try_join_all(statements.iter().map(write)).await?;
        Ok(statements.len())
    }

    /// Makes the rows of the branch that a connection is on those of a snapshot, after a merge that changed these tables.
    pub(super) async fn make_rows(
        &self,
        connection: &Connection,
        touched: &[String],
        wanted: &Snapshot,
    ) -> StoreResult<()> {
        let touched = self.tables.iter().filter(|(_, table)| touched.contains(&table.entity.table));
        let found = async |name: &String, table: &EntityTable| {
            let place = quote(&table.entity.table);
            let rows = read(connection, table, table.whole(), &place, wanted.shared(name)).await?;
            StoreResult::Ok((name.clone(), rows))
        };
        let found = try_join_all(touched.map(|(name, table)| found(name, table))).await?;
        self.write_rows(connection, self.tables.towards(&found, wanted).iter()).await.map(drop)
    }

    /// The table of an entity.
    pub(super) fn table_of(&self, entity: &str) -> Option<String> {
        self.tables.iter().find(|(name, _)| *name == entity).map(|(_, table)| table.entity.table.clone())
    }
}

async fn read(
    connection: &Connection,
    table: &EntityTable,
    selection: &Selection,
    place: &str,
    like: Option<&Arc<Table>>,
) -> StoreResult<Arc<Table>> {
    let rows = connection.query(&selection.sql(place), &[]).await?;
    table.rows(selection, like, |push| rows.iter().try_for_each(|row| push(&Cells::of(row))))
}

/// The columns of all tables at a commit.
pub(super) async fn columns_at(readers: &Pool, database: &str, hash: &CommitHash) -> StoreResult<Present> {
    let connection = readers.connection().await?;
    // On an error the connection stays with the commit, and is closed.
    connection.keep(false);
    let (there, home) = (revision(database, hash.as_str()), revision(database, ""));
    // The engine lists the columns of the database as it is today beside those of the commit (DoltGres 1.3.3).
    let catalog = format!("{database}/{hash}").replace('\'', "''");
    let sql = format!(
        "use {there}; select table_name, column_name from information_schema.columns \
         where table_schema = 'public' and table_catalog = '{catalog}'; use {home}"
    );
    let rows = connection.texts(&sql).await?;
    connection.keep(true);
    let mut columns = Present::new();
    for row in rows {
        if let [Some(table), Some(column)] = row.as_slice() {
            columns.entry(table.clone()).or_default().insert(column.clone());
        }
    }
    Ok(columns)
}

/// A table's name without its schema's.
pub(super) fn bare(name: &str) -> &str {
    name.strip_prefix("public.").unwrap_or(name)
}
