use std::collections::BTreeMap;
use std::sync::Arc;

use understory_model::{Key, Row};

use crate::ChangeSet;
use crate::change::Edits;

/// The rows of one entity, by key.
pub type Table = BTreeMap<Key, Arc<Row>>;

static EMPTY: Table = BTreeMap::new();

/// All rows of one commit. Immutable; clones and successors share what they have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    tables: BTreeMap<String, Arc<Table>>,
}

impl Snapshot {
    /// A snapshot of these tables, by entity name.
    pub fn new(tables: impl IntoIterator<Item = (String, Table)>) -> Self {
        Self::sharing(tables.into_iter().map(|(name, table)| (name, Arc::new(table))))
    }

    /// The same of tables that other snapshots may have too.
    pub(crate) fn sharing(tables: impl IntoIterator<Item = (String, Arc<Table>)>) -> Self {
        Self { tables: tables.into_iter().filter(|(_, table)| !table.is_empty()).collect() }
    }

    /// An entity's table to be shared, if it has rows.
    pub(crate) fn shared(&self, entity: &str) -> Option<&Arc<Table>> {
        self.tables.get(entity)
    }

    /// The rows of an entity.
    pub fn table(&self, entity: &str) -> &Table {
        self.tables.get(entity).map_or(&EMPTY, Arc::as_ref)
    }

    /// One row.
    pub fn get(&self, entity: &str, key: &Key) -> Option<&Arc<Row>> {
        self.table(entity).get(key)
    }

    /// The entities that have rows, and their rows.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &Table)> {
        self.tables.iter().map(|(name, table)| (name.as_str(), table.as_ref()))
    }

    /// Whether both snapshots hold the very same table of an entity: a quick way to know that nothing differs there.
    pub(crate) fn shares_table(&self, other: &Self, entity: &str) -> bool {
        match (self.tables.get(entity), other.tables.get(entity)) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        }
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.tables.values().map(|table| table.len()).sum()
    }

    /// The snapshot after a set of changes.
    pub fn after(&self, changes: &ChangeSet) -> Self {
        self.replacing(changes.iter().map(|change| (change.entity.as_str(), &change.key, change.after.as_ref())))
    }

    /// The snapshot with edits that no law has been applied to.
    pub(crate) fn with_edits(&self, edits: &Edits) -> Self {
        self.replacing(edits.iter().map(|((entity, key), row)| (entity.as_str(), key, row.as_ref())))
    }

    fn replacing<'a>(&self, rows: impl Iterator<Item = (&'a str, &'a Key, Option<&'a Arc<Row>>)>) -> Self {
        let mut tables = self.tables.clone();
        for (entity, key, becomes) in rows {
            let table = Arc::make_mut(tables.entry(entity.to_owned()).or_default());
            match becomes {
                Some(row) => table.insert(key.clone(), Arc::clone(row)),
                None => table.remove(key),
            };
        }
        tables.retain(|_, table| !table.is_empty());
        Self { tables }
    }
}
