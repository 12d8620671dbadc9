//! Rows of one commit, in and out.

use std::collections::BTreeSet;
use std::sync::Arc;

use understory_sql::migration::ledger;
use understory_sql::{Database, Migrations, SqlRef, Store};

use crate::engine::tables::{Present, Tables, quote, require_one};
use crate::{Change, ChangeSet, Snapshot, StoreResult, Table};

impl Tables {
    /// All rows at the commit that a connection is open on, in today's shape. What is as in `like` is shared with it.
    pub(super) fn read(&self, db: &Database, migrations: &Migrations, like: &Snapshot) -> StoreResult<Snapshot> {
        let whole = migrations.pending(Store::Manage, &ledger(db)?)?.is_empty();
        let present = if whole { None } else { Some(columns(db)?) };
        Ok(Snapshot::sharing(self.found(db, present.as_ref(), like)?))
    }

    fn found(
        &self,
        db: &Database,
        present: Option<&Present>,
        like: &Snapshot,
    ) -> StoreResult<Vec<(String, Arc<Table>)>> {
        let mut tables = Vec::new();
        for (name, table) in self.iter() {
            let older = present.map(|present| table.older(present));
            let rows = match older.as_ref().map_or(Some(table.whole()), Option::as_ref) {
                None => Arc::default(),
                Some(selection) => {
                    let sql = selection.sql(&quote(&table.entity.table));
                    table.rows(selection, like.shared(name), |push| db.query_each(&sql, &[], push))?
                }
            };
            tables.push((name.clone(), rows));
        }
        Ok(tables)
    }

    /// Writes changes; how many rows differ now.
    pub(super) fn write(&self, db: &Database, changes: &ChangeSet) -> StoreResult<usize> {
        self.write_all(db, changes.iter())
    }

    fn write_all<'a>(&self, db: &Database, changes: impl Iterator<Item = &'a Change>) -> StoreResult<usize> {
        let mut written = 0;
        for change in changes {
            if let Some((sql, cells)) = self.statement(change)? {
                require_one(change, db.execute(&sql, &cells)?)?;
                written += 1;
            }
        }
        Ok(written)
    }

    /// Makes the rows of a connection those of a snapshot, whatever they are.
    pub(super) fn make(&self, db: &Database, wanted: &Snapshot) -> StoreResult<()> {
        let found = self.found(db, None, wanted)?;
        self.write_all(db, self.towards(&found, wanted).iter()).map(drop)
    }
}

/// The columns of all tables at the commit that a connection is open on.
fn columns(db: &Database) -> StoreResult<Present> {
    let sql = "select t.name, c.name from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table'";
    let mut columns = Present::new();
    db.query_each(sql, &[], |cells| -> StoreResult<()> {
        if let (SqlRef::Text(table), SqlRef::Text(column)) = (cells.get(0)?, cells.get(1)?) {
            let known: &mut BTreeSet<String> = columns.entry(table.to_owned()).or_default();
            known.insert(column.to_owned());
        }
        Ok(())
    })?;
    Ok(columns)
}
