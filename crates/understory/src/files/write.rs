//! From rows to files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};
use understory_manage::Snapshot;
use understory_model::{Column, Entity, IdRule, Key, Model, Row, id::derived_id};

use super::Files;
use super::layout::{Collection, Layout, List, Segment, is_beside};
use super::segment::encode;
use crate::error::words;
use crate::{Error, Result};

/// Writes all rows as files, but for their timestamps. The same rows give the same texts.
pub fn write(model: &Model, rows: &Snapshot) -> Result<Files> {
    let layout = Layout::of(model);
    let names = Names::of(&layout, rows);
    let mut files = Files::new();
    for collection in &layout.collections {
        let mut lists = owned(collection, rows);
        for (key, row) in rows.table(&collection.entity.name) {
            let path = names.path(collection, row);
            let mut object = Map::new();
            for (column, value) in said(collection.columns(), row) {
                match value {
                    Value::String(text) if is_beside(column) => {
                        files.insert(format!("{path}.{}.md", column.wire), text.clone());
                    }
                    value => _ = object.insert(column.wire.clone(), value.clone()),
                }
            }
            for (list, rows) in &mut lists {
                if let Some(rows) = rows.remove(key) {
                    object.insert(list.name.clone(), rows.into_iter().map(|row| item(list, row)).collect());
                }
            }
            let text = serde_json::to_string_pretty(&object).map_err(Error::internal)?;
            files.insert(format!("{path}.json"), text + "\n");
        }
        require_owners(&lists)?;
    }
    Ok(files)
}

/// Columns and values that a reader would not put there by itself.
fn said<'a>(columns: impl Iterator<Item = &'a Column>, row: &'a Row) -> impl Iterator<Item = (&'a Column, &'a Value)> {
    let pairs = columns.map(|column| (column, row.get(&column.name)));
    pairs.filter(|(column, value)| *value != column.default.as_ref().unwrap_or(&Value::Null))
}

type Owned<'a> = BTreeMap<Key, Vec<&'a Arc<Row>>>;

/// The rows of a collection's lists by the key of their owner, in the order of what they relate to.
fn owned<'a, 'c>(collection: &'c Collection<'_>, rows: &'a Snapshot) -> Vec<(&'c List<'c>, Owned<'a>)> {
    let of = |list: &'c List<'c>| {
        let mut owned = Owned::new();
        for row in rows.table(&list.entity.name).values() {
            let owner = Key::new(list.owner.iter().map(|column| row.text(column).unwrap_or_default()));
            owned.entry(owner).or_default().push(row);
        }
        for rows in owned.values_mut() {
            rows.sort_by_key(|row| (related(list.entity, row), list.entity.key_of(row)));
        }
        (list, owned)
    };
    collection.lists.iter().map(of).collect()
}

/// The texts that tell a row from others in its list.
fn related<'a>(entity: &'a Entity, row: &'a Row) -> Vec<&'a str> {
    let columns = if let IdRule::Derived(parts) = &entity.id { parts } else { &entity.key };
    columns.iter().map(|column| row.text(column).unwrap_or_default()).collect()
}

/// One item of a list. An id is said only where it is not the one that would be derived.
fn item(list: &List<'_>, row: &Row) -> Value {
    let own_id = match &list.entity.id {
        IdRule::Derived(_) => Some(row.get("id")).filter(|id| **id != derived_id(related(list.entity, row))),
        _ => None,
    };
    match (own_id, list.bare()) {
        (None, Some(column)) => row.get(&column.name).clone(),
        (own_id, _) => {
            let own_id = own_id.map(|id| ("id".to_owned(), id.clone()));
            let said = said(list.columns(), row).map(|(column, value)| (column.wire.clone(), value.clone()));
            Value::Object(own_id.into_iter().chain(said).collect())
        }
    }
}

/// The laws see to it that every row has its owner. Rows that came about without them must not get lost.
fn require_owners(lists: &[(&List<'_>, Owned<'_>)]) -> Result<()> {
    let orphan = lists.iter().find_map(|(list, left)| Some((list, left.values().flatten().next()?)));
    orphan.map_or(Ok(()), |(list, row)| {
        let (what, key) = (words(&list.entity.name), list.entity.key_of(row));
        Err(Error::Conflict(format!("{what} {key} belongs to a row that is not there; delete it first")))
    })
}

/// How values that stand in one directory are spelled.
#[derive(Default)]
struct Names<'a> {
    /// By directory and name in lower case.
    spellings: BTreeMap<(Vec<&'a str>, String), BTreeSet<&'a str>>,
}

impl<'a> Names<'a> {
    fn of(layout: &'a Layout<'_>, rows: &'a Snapshot) -> Self {
        let mut names = Self::default();
        for collection in &layout.collections {
            for row in rows.table(&collection.entity.name).values() {
                let values = values(collection, row);
                for (at, value) in values.iter().enumerate() {
                    let place = (values[..at].to_vec(), value.to_ascii_lowercase());
                    names.spellings.entry(place).or_default().insert(value);
                }
            }
        }
        names
    }

    /// The path of a row's file without its ending.
    fn path(&self, collection: &Collection<'_>, row: &Row) -> String {
        let values = values(collection, row);
        let name = |(at, segment): (usize, &Segment)| match segment {
            Segment::Fixed(name) => name.clone(),
            Segment::Column(_) => {
                let spellings = self.spellings.get(&(values[..at].to_vec(), values[at].to_ascii_lowercase()));
                encode(values[at], spellings.is_some_and(|spellings| spellings.len() > 1))
            }
        };
        collection.path.iter().enumerate().map(name).collect::<Vec<_>>().join("/")
    }
}

fn values<'a>(collection: &'a Collection<'_>, row: &'a Row) -> Vec<&'a str> {
    let value = |segment: &'a Segment| match segment {
        Segment::Fixed(name) => name,
        Segment::Column(column) => row.text(column).unwrap_or_default(),
    };
    collection.path.iter().map(value).collect()
}
