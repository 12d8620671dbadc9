//! Rows of one commit, in and out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use understory_model::{Column, Entity, Model, Row, Value};
use understory_sql::migration::ledger;
use understory_sql::{Cells, Database, Dialect, Migrations, SqlRef, SqlValue, Store, decode, encode};

use super::errors::{damaged, unexpected};
use crate::{Change, ChangeSet, Snapshot, StoreResult, Table};

/// The statements of all entities.
#[derive(Debug)]
pub(super) struct Tables {
    tables: BTreeMap<String, EntityTable>,
}

/// One entity with its statements.
#[derive(Debug)]
struct EntityTable {
    entity: Arc<Entity>,
    select: String,
    insert: String,
    delete: String,
}

impl Tables {
    pub(super) fn new(model: &Model) -> Self {
        let tables = model.entities().map(|entity| (entity.name.clone(), EntityTable::new(Arc::clone(entity))));
        Self { tables: tables.collect() }
    }

    /// All rows at the commit that a connection is open on, in today's shape.
    pub(super) fn read(&self, db: &Database, migrations: &Migrations) -> StoreResult<Snapshot> {
        let whole = migrations.pending(Store::Manage, &ledger(db)?)?.is_empty();
        let present = if whole { None } else { Some(columns(db)?) };
        let mut tables = Vec::with_capacity(self.tables.len());
        for (name, table) in &self.tables {
            let rows = match &present {
                None => table.read(db)?,
                Some(present) => table.read_older(db, present.get(&table.entity.table))?,
            };
            tables.push((name.clone(), rows));
        }
        Ok(Snapshot::new(tables))
    }

    /// Writes changes; how many rows differ now.
    pub(super) fn write(&self, db: &Database, changes: &ChangeSet) -> StoreResult<usize> {
        let mut written = 0;
        for change in changes.iter() {
            written += usize::from(self.write_one(db, change)?);
        }
        Ok(written)
    }

    /// Makes the rows of a connection those of a snapshot, whatever they are.
    pub(super) fn make(&self, db: &Database, wanted: &Snapshot) -> StoreResult<()> {
        for (name, table) in &self.tables {
            let (found, wanted) = (table.read(db)?, wanted.table(name));
            for key in found.keys().chain(wanted.keys()).collect::<BTreeSet<_>>() {
                let (before, after) = (found.get(key).cloned(), wanted.get(key).cloned());
                self.write_one(db, &Change { entity: name.clone(), key: key.clone(), before, after })?;
            }
        }
        Ok(())
    }

    fn write_one(&self, db: &Database, change: &Change) -> StoreResult<bool> {
        let unknown = || unexpected(format!("the model has no entity {}", change.entity));
        let table = self.tables.get(&change.entity).ok_or_else(unknown)?;
        let affected = match (&change.before, &change.after) {
            (None, None) => return Ok(false),
            (None, Some(after)) => db.execute(&table.insert, &table.cells(after)?)?,
            (Some(_), None) => db.execute(&table.delete, &key_cells(change))?,
            (Some(before), Some(after)) => match table.update(before, after, change)? {
                None => return Ok(false),
                Some((sql, cells)) => db.execute(&sql, &cells)?,
            },
        };
        if affected == 1 {
            return Ok(true);
        }
        Err(unexpected(format!("{} {} is not as its commit says", change.entity, change.key)))
    }
}

impl EntityTable {
    fn new(entity: Arc<Entity>) -> Self {
        let columns: Vec<&str> = entity.columns.iter().map(|column| column.name.as_str()).collect();
        let key: Vec<&str> = entity.key.iter().map(String::as_str).collect();
        Self {
            select: Dialect::Sqlite.select(&entity.table, &columns, &key),
            insert: Dialect::Sqlite.insert(&entity.table, &columns),
            delete: Dialect::Sqlite.delete(&entity.table, &key),
            entity,
        }
    }

    fn read(&self, db: &Database) -> StoreResult<Table> {
        let columns: Vec<&Column> = self.entity.columns.iter().collect();
        self.rows(db, &self.select, &columns)
    }

    /// Rows of a commit that lacks migrations: a column not yet there holds its default, one renamed since is read
    /// under its earlier name.
    fn read_older(&self, db: &Database, present: Option<&BTreeSet<String>>) -> StoreResult<Table> {
        let Some(present) = present else { return Ok(Table::new()) };
        let name_then = |column: &Column| {
            let names = [Some(&column.name), column.was.as_ref()];
            names.into_iter().flatten().find(|name| present.contains(*name)).cloned()
        };
        let found: Vec<(&Column, String)> =
            self.entity.columns.iter().filter_map(|column| Some((column, name_then(column)?))).collect();
        let names: Vec<&str> = found.iter().map(|(_, name)| name.as_str()).collect();
        let key: Vec<&str> = found
            .iter()
            .filter(|(column, _)| self.entity.key.contains(&column.name))
            .map(|(_, name)| name.as_str())
            .collect();
        let columns: Vec<&Column> = found.iter().map(|(column, _)| *column).collect();
        self.rows(db, &Dialect::Sqlite.select(&self.entity.table, &names, &key), &columns)
    }

    fn rows(&self, db: &Database, select: &str, columns: &[&Column]) -> StoreResult<Table> {
        let added: Vec<&Column> =
            self.entity.columns.iter().filter(|column| !columns.iter().any(|c| c.name == column.name)).collect();
        let mut table = Table::new();
        db.query_each(select, &[], |cells| -> StoreResult<()> {
            let mut row = self.row(cells, columns)?;
            for column in &added {
                row.set(&column.name, column.default.clone().unwrap_or(Value::Null));
            }
            table.insert(self.entity.key_of(&row), Arc::new(row));
            Ok(())
        })?;
        Ok(table)
    }

    fn row(&self, cells: &Cells<'_>, columns: &[&Column]) -> StoreResult<Row> {
        let value = |(at, column): (usize, &&Column)| {
            let value = decode(column.ty, cells.get(at)?)
                .map_err(|error| damaged(format!("{}.{}", self.entity.table, column.name), error))?;
            Ok((column.name.clone(), value))
        };
        columns.iter().enumerate().map(value).collect()
    }

    fn cell(&self, column: &Column, row: &Row) -> StoreResult<SqlValue> {
        encode(column.ty, row.get(&column.name))
            .map_err(|error| damaged(format!("{}.{}", self.entity.table, column.name), error))
    }

    fn cells(&self, row: &Row) -> StoreResult<Vec<SqlValue>> {
        self.entity.columns.iter().map(|column| self.cell(column, row)).collect()
    }

    /// The update of the columns whose cells differ; none if none does.
    fn update(&self, before: &Row, after: &Row, change: &Change) -> StoreResult<Option<(String, Vec<SqlValue>)>> {
        let (mut names, mut cells) = (Vec::new(), Vec::new());
        for column in &self.entity.columns {
            let cell = self.cell(column, after)?;
            if cell != self.cell(column, before)? {
                names.push(column.name.as_str());
                cells.push(cell);
            }
        }
        if names.is_empty() {
            return Ok(None);
        }
        let key: Vec<&str> = self.entity.key.iter().map(String::as_str).collect();
        cells.extend(key_cells(change));
        Ok(Some((Dialect::Sqlite.update(&self.entity.table, &names, &key), cells)))
    }
}

fn key_cells(change: &Change) -> Vec<SqlValue> {
    change.key.parts().iter().map(SqlValue::from).collect()
}

/// The columns of all tables at the commit that a connection is open on.
fn columns(db: &Database) -> StoreResult<BTreeMap<String, BTreeSet<String>>> {
    let sql = "select t.name, c.name from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table'";
    let mut columns: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    db.query_each(sql, &[], |cells| -> StoreResult<()> {
        if let (SqlRef::Text(table), SqlRef::Text(column)) = (cells.get(0)?, cells.get(1)?) {
            columns.entry(table.to_owned()).or_default().insert(column.to_owned());
        }
        Ok(())
    })?;
    Ok(columns)
}
