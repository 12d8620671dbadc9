//! Rows of one commit, in and out.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use understory_model::{Column, Entity, Key, Model, Row, Value};
use understory_sql::migration::ledger;
use understory_sql::{Cells, Database, Dialect, Migrations, SqlRef, SqlValue, Store, decode, encode, holds};

use super::errors::{damaged, unexpected};
use super::reuse::{Reading, Reuse};
use crate::{Change, ChangeSet, Snapshot, StoreResult, Table};

/// The statements of all entities.
#[derive(Debug)]
pub(super) struct Tables {
    tables: BTreeMap<String, EntityTable>,
}

/// One entity with its statements.
#[derive(Debug)]
pub(super) struct EntityTable {
    pub(super) entity: Arc<Entity>,
    /// In the order of the names, as rows have them.
    pub(super) columns: Vec<(Arc<str>, Column)>,
    /// Where among the columns the key's are.
    key: Vec<usize>,
    select: String,
    insert: String,
    delete: String,
}

impl Tables {
    pub(super) fn new(model: &Model) -> Self {
        let tables = model.entities().map(|entity| (entity.name.clone(), EntityTable::new(Arc::clone(entity))));
        Self { tables: tables.collect() }
    }

    /// The entity of a table.
    pub(super) fn of_table(&self, table: &str) -> Option<&EntityTable> {
        self.tables.values().find(|known| known.entity.table == table)
    }

    /// All rows at the commit that a connection is open on, in today's shape. What is as in `like` is shared with it.
    pub(super) fn read(&self, db: &Database, migrations: &Migrations, like: &Snapshot) -> StoreResult<Snapshot> {
        let whole = migrations.pending(Store::Manage, &ledger(db)?)?.is_empty();
        let present = if whole { None } else { Some(columns(db)?) };
        let mut tables = Vec::with_capacity(self.tables.len());
        for (name, table) in &self.tables {
            let like = like.shared(name);
            let rows = match &present {
                None => table.read(db, like)?,
                Some(present) => table.read_older(db, present.get(&table.entity.table), like)?,
            };
            tables.push((name.clone(), rows));
        }
        Ok(Snapshot::sharing(tables))
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
            let found = table.read(db, wanted.shared(name))?;
            if wanted.shared(name).is_some_and(|wanted| Arc::ptr_eq(wanted, &found)) {
                continue;
            }
            let wanted = wanted.table(name);
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
        let mut columns: Vec<(Arc<str>, Column)> =
            entity.columns.iter().map(|column| (Arc::from(column.name.as_str()), column.clone())).collect();
        columns.sort_by(|(a, _), (b, _)| a.cmp(b));
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_ref()).collect();
        let key: Vec<&str> = entity.key.iter().map(String::as_str).collect();
        Self {
            key: key.iter().filter_map(|part| names.iter().position(|name| name == part)).collect(),
            select: Dialect::Sqlite.select(&entity.table, &names, &key),
            insert: Dialect::Sqlite.insert(&entity.table, &names),
            delete: Dialect::Sqlite.delete(&entity.table, &key),
            entity,
            columns,
        }
    }

    fn read(&self, db: &Database, like: Option<&Arc<Table>>) -> StoreResult<Arc<Table>> {
        let places: Vec<Option<usize>> = (0..self.columns.len()).map(Some).collect();
        self.rows(db, &self.select, &places, like)
    }

    /// Rows of a commit that lacks migrations: a column not yet there holds its default, one renamed since is read
    /// under its earlier name.
    fn read_older(
        &self,
        db: &Database,
        present: Option<&BTreeSet<String>>,
        like: Option<&Arc<Table>>,
    ) -> StoreResult<Arc<Table>> {
        let Some(present) = present else { return Ok(Arc::default()) };
        let name_then = |column: &Column| {
            let names = [Some(&column.name), column.was.as_ref()];
            names.into_iter().flatten().find(|name| present.contains(*name)).cloned()
        };
        let (mut names, mut key, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (_, column) in &self.columns {
            let then = name_then(column);
            places.push(then.as_ref().map(|_| names.len()));
            key.extend(then.clone().filter(|_| self.entity.key.contains(&column.name)));
            names.extend(then);
        }
        let (names, key): (Vec<&str>, Vec<&str>) =
            (names.iter().map(String::as_str).collect(), key.iter().map(String::as_str).collect());
        self.rows(db, &Dialect::Sqlite.select(&self.entity.table, &names, &key), &places, like)
    }

    /// The rows of a select; `places` says where in it each column is.
    fn rows(
        &self,
        db: &Database,
        select: &str,
        places: &[Option<usize>],
        like: Option<&Arc<Table>>,
    ) -> StoreResult<Arc<Table>> {
        let empty = Table::new();
        let mut reuse = Reuse::of(like, &empty);
        let scratch = RefCell::new(String::new());
        db.query_each(select, &[], |cells| reuse.push(&RowReading { table: self, cells, places, scratch: &scratch }))?;
        Ok(reuse.finish())
    }

    fn cell(&self, column: &Column, row: &Row) -> StoreResult<SqlValue> {
        encode(column.ty, row.get(&column.name))
            .map_err(|error| damaged(format!("{}.{}", self.entity.table, column.name), error))
    }

    fn cells(&self, row: &Row) -> StoreResult<Vec<SqlValue>> {
        self.columns.iter().map(|(_, column)| self.cell(column, row)).collect()
    }

    /// The update of the columns whose cells differ; none if none does.
    fn update(&self, before: &Row, after: &Row, change: &Change) -> StoreResult<Option<(String, Vec<SqlValue>)>> {
        let (mut names, mut cells) = (Vec::new(), Vec::new());
        for (_, column) in &self.columns {
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

/// One row of a select.
pub(super) struct RowReading<'a> {
    pub(super) table: &'a EntityTable,
    pub(super) cells: &'a Cells<'a>,
    pub(super) places: &'a [Option<usize>],
    pub(super) scratch: &'a RefCell<String>,
}

impl RowReading<'_> {
    fn columns(&self) -> impl Iterator<Item = (&(Arc<str>, Column), Option<usize>)> {
        self.table.columns.iter().zip(self.places.iter().copied())
    }
}

impl Reading for RowReading<'_> {
    fn compare_key(&self, known: &Key) -> StoreResult<Ordering> {
        for (at, part) in self.table.key.iter().zip(known.parts()) {
            let place = self.places.get(*at).copied().flatten();
            let ordering = match place.map(|place| self.cells.get(place)).transpose()? {
                Some(SqlRef::Text(text)) => text.cmp(part.as_str()),
                _ => Ordering::Less,
            };
            if ordering.is_ne() {
                return Ok(ordering);
            }
        }
        Ok(Ordering::Equal)
    }

    fn is(&self, known: &Row) -> StoreResult<bool> {
        let mut scratch = self.scratch.borrow_mut();
        let mut columns = self.columns();
        for (name, value) in known.iter() {
            let Some(((_, column), place)) = columns.next().filter(|((ours, _), _)| **ours == *name) else {
                return Ok(false);
            };
            let same = match place {
                Some(place) => holds(column.ty, self.cells.get(place)?, value, &mut scratch),
                None => column.default.as_ref().unwrap_or(&Value::Null) == value,
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(columns.next().is_none())
    }

    fn make(&self) -> StoreResult<(Key, Row)> {
        let value = |((name, column), place): (&(Arc<str>, Column), Option<usize>)| {
            let value = match place {
                Some(place) => decode(column.ty, self.cells.get(place)?)
                    .map_err(|error| damaged(format!("{}.{}", self.table.entity.table, column.name), error))?,
                None => column.default.clone().unwrap_or(Value::Null),
            };
            Ok((Arc::clone(name), value))
        };
        let row: Row = self.columns().map(value).collect::<StoreResult<_>>()?;
        Ok((self.table.entity.key_of(&row), row))
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
