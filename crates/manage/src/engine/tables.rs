//! Rows of one commit, in and out.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use understory_model::{Column, Entity, Key, Model, Row, Value};
use understory_sql::{Cells, Dialect, SqlRef, SqlValue, decode, encode, holds};

use super::errors::{damaged, unexpected};
use super::reuse::{Reading, Reuse};
use crate::{Change, Snapshot, StoreResult, Table};

/// The columns that each table has at some commit.
pub(crate) type Present = BTreeMap<String, BTreeSet<String>>;

/// The statements of all entities.
#[derive(Debug)]
pub(crate) struct Tables {
    tables: BTreeMap<String, EntityTable>,
}

/// One entity with its statements.
#[derive(Debug)]
pub(crate) struct EntityTable {
    pub(crate) entity: Arc<Entity>,
    dialect: Dialect,
    /// In the order of the names, as rows have them.
    columns: Vec<(Arc<str>, Column)>,
    /// Where among the columns the key's are.
    key: Vec<usize>,
    insert: String,
    delete: String,
    whole: Selection,
}

/// What is read of a table.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    columns: Vec<String>,
    key: Vec<String>,
    /// Where among what is read each column is.
    places: Vec<Option<usize>>,
}

impl Selection {
    /// The statement that reads it, in the order of keys. `table` is as the engine names the table at a commit.
    pub(crate) fn sql(&self, table: &str) -> String {
        let names = |names: &[String]| names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ");
        format!("select {} from {table} order by {}", names(&self.columns), names(&self.key))
    }
}

/// A name as SQL has it.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Tables {
    pub(crate) fn new(model: &Model, dialect: Dialect) -> Self {
        let table = |entity: &Arc<Entity>| (entity.name.clone(), EntityTable::new(Arc::clone(entity), dialect));
        Self { tables: model.entities().map(table).collect() }
    }

    /// All entities by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &EntityTable)> {
        self.tables.iter()
    }

    /// The entity of a table.
    pub(crate) fn of_table(&self, table: &str) -> Option<&EntityTable> {
        self.tables.values().find(|known| known.entity.table == table)
    }

    /// The statement that makes a change, with its values; none where nothing is to be done.
    pub(crate) fn statement(&self, change: &Change) -> StoreResult<Option<(Cow<'_, str>, Vec<SqlValue>)>> {
        let unknown = || unexpected(format!("the model has no entity {}", change.entity));
        let table = self.tables.get(&change.entity).ok_or_else(unknown)?;
        Ok(match (&change.before, &change.after) {
            (None, None) => None,
            (None, Some(after)) => Some((Cow::from(&table.insert), table.cells(after)?)),
            (Some(_), None) => Some((Cow::from(&table.delete), key_cells(change))),
            (Some(before), Some(after)) => table.update(before, after, change)?,
        })
    }

    /// The changes that make rows found in the tables those of a snapshot.
    pub(crate) fn towards(&self, found: &[(String, Arc<Table>)], wanted: &Snapshot) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, found) in found {
            if wanted.shared(name).is_some_and(|wanted| Arc::ptr_eq(wanted, found)) {
                continue;
            }
            let wanted = wanted.table(name);
            for key in found.keys().chain(wanted.keys()).collect::<BTreeSet<_>>() {
                let (before, after) = (found.get(key).cloned(), wanted.get(key).cloned());
                changes.push(Change { entity: name.clone(), key: key.clone(), before, after });
            }
        }
        changes
    }
}

/// A statement of one row must have changed one row.
pub(crate) fn require_one(change: &Change, affected: usize) -> StoreResult<()> {
    match affected {
        1 => Ok(()),
        _ => Err(unexpected(format!("{} {} is not as its commit says", change.entity, change.key))),
    }
}

impl EntityTable {
    fn new(entity: Arc<Entity>, dialect: Dialect) -> Self {
        let mut columns: Vec<(Arc<str>, Column)> =
            entity.columns.iter().map(|column| (Arc::from(column.name.as_str()), column.clone())).collect();
        columns.sort_by(|(a, _), (b, _)| a.cmp(b));
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_ref()).collect();
        let key: Vec<&str> = entity.key.iter().map(String::as_str).collect();
        let whole = Selection {
            columns: names.iter().map(|name| (*name).to_owned()).collect(),
            key: entity.key.clone(),
            places: (0..names.len()).map(Some).collect(),
        };
        Self {
            key: key.iter().filter_map(|part| names.iter().position(|name| name == part)).collect(),
            insert: dialect.insert(&entity.table, &names),
            delete: dialect.delete(&entity.table, &key),
            whole,
            dialect,
            entity,
            columns,
        }
    }

    /// What is read of a commit that has all migrations.
    pub(crate) fn whole(&self) -> &Selection {
        &self.whole
    }

    /// What is read of a commit that lacks migrations: a column not yet there holds its default, one renamed since is
    /// read under its earlier name. Nothing where the table is not there.
    pub(crate) fn older(&self, present: &Present) -> Option<Selection> {
        let present = present.get(&self.entity.table)?;
        let name_then = |column: &Column| {
            let names = [Some(&column.name), column.was.as_ref()];
            names.into_iter().flatten().find(|name| present.contains(*name)).cloned()
        };
        let (mut columns, mut key, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for (_, column) in &self.columns {
            let then = name_then(column);
            places.push(then.as_ref().map(|_| columns.len()));
            key.extend(then.clone().filter(|_| self.entity.key.contains(&column.name)));
            columns.extend(then);
        }
        Some(Selection { columns, key, places })
    }

    /// The key of a row of a selection in words, whatever the row holds.
    pub(crate) fn key_text(&self, selection: &Selection, row: &[SqlValue]) -> String {
        let place = |at: &usize| selection.places.get(*at).copied().flatten();
        let part = |at: &usize| place(at).and_then(|place| row.get(place)?.text()).unwrap_or("?");
        self.key.iter().map(part).collect::<Vec<_>>().join("/")
    }

    /// The rows of a selection, which `each` lends one after the other. What is as in `like` is shared with it.
    pub(crate) fn rows(
        &self,
        selection: &Selection,
        like: Option<&Arc<Table>>,
        each: impl FnOnce(&mut dyn FnMut(&Cells<'_>) -> StoreResult<()>) -> StoreResult<()>,
    ) -> StoreResult<Arc<Table>> {
        let empty = Table::new();
        let mut reuse = Reuse::of(like, &empty);
        let scratch = RefCell::new(String::new());
        let places = &selection.places;
        each(&mut |cells| reuse.push(&RowReading { table: self, cells, places, scratch: &scratch }))?;
        Ok(reuse.finish())
    }

    /// The select list of a diff: its kind, then every column before and after.
    pub(crate) fn differing(&self) -> String {
        let side = |side: &str| {
            let names = self.columns.iter().map(|(name, _)| quote(&format!("{side}_{name}")));
            names.collect::<Vec<_>>().join(", ")
        };
        format!("diff_type, {}, {}", side("from"), side("to"))
    }

    /// The change that a row of a diff tells of; none where the row is stored otherwise and says the same, as JSON does
    /// with its keys in another order.
    pub(crate) fn change(&self, cells: &Cells<'_>) -> StoreResult<Option<Change>> {
        let count = self.columns.len();
        let scratch = RefCell::new(String::new());
        let row = |first: usize| {
            let places: Vec<_> = (first..first + count).map(Some).collect();
            RowReading { table: self, cells, places: &places, scratch: &scratch }.make()
        };
        let (has_before, has_after) = match cells.get(0)? {
            SqlRef::Text("added") => (false, true),
            SqlRef::Text("removed") => (true, false),
            SqlRef::Text("modified") => (true, true),
            other => return Err(unexpected(format!("the engine tells of a change of kind {other:?}"))),
        };
        let before = has_before.then(|| row(1)).transpose()?;
        let after = has_after.then(|| row(1 + count)).transpose()?;
        let key = before.as_ref().or(after.as_ref()).map(|(key, _)| key.clone());
        let key = key.ok_or_else(|| unexpected("a change of no row"))?;
        let row = |side: Option<(Key, Row)>| side.map(|(_, row)| Arc::new(row));
        let change = Change { entity: self.entity.name.clone(), key, before: row(before), after: row(after) };
        Ok((change.before != change.after).then_some(change))
    }

    fn cell(&self, column: &Column, row: &Row) -> StoreResult<SqlValue> {
        encode(column.ty, row.get(&column.name))
            .map_err(|error| damaged(format!("{}.{}", self.entity.table, column.name), error))
    }

    fn cells(&self, row: &Row) -> StoreResult<Vec<SqlValue>> {
        self.columns.iter().map(|(_, column)| self.cell(column, row)).collect()
    }

    /// The update of the columns whose cells differ; none if none does.
    fn update(&self, before: &Row, after: &Row, change: &Change) -> StoreResult<Option<(Cow<'_, str>, Vec<SqlValue>)>> {
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
        Ok(Some((self.dialect.update(&self.entity.table, &names, &key).into(), cells)))
    }
}

/// One row of a select.
struct RowReading<'a> {
    table: &'a EntityTable,
    cells: &'a Cells<'a>,
    places: &'a [Option<usize>],
    scratch: &'a RefCell<String>,
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
