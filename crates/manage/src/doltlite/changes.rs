//! How two commits differ, asked of the engine: it compares trees, and looks only into what is not the same.

use std::cell::RefCell;
use std::sync::Arc;

use understory_sql::{Database, SqlRef, SqlValue};

use super::errors::unexpected;
use super::names::encode_hash;
use super::reuse::Reading as _;
use super::tables::{EntityTable, RowReading, Tables};
use super::{At, Inner};
use crate::{Change, CommitHash, StoreResult, changed_rows};

impl Inner {
    pub(super) fn changes(&self, at: &At, from: Option<&CommitHash>, to: &CommitHash) -> StoreResult<Vec<Change>> {
        let Some(from) = from else { return Ok(changed_rows(&Default::default(), &*self.snapshot(at, to)?)) };
        self.require_commit(at, from)?;
        self.require_commit(at, to)?;
        // The engine knows no defaults: where a column came later, rows are compared as they read today.
        if self.is_behind(at, from)? || self.is_behind(at, to)? {
            return Ok(changed_rows(&*self.snapshot(at, from)?, &*self.snapshot(at, to)?));
        }
        let changes = self.on_refs(at, |db| self.tables.changes(db, from, to))?;
        let key = (at.project.generation(), from.clone(), to.clone());
        self.changes.insert(key, Arc::new(changes.clone()));
        Ok(changes)
    }
}

impl Tables {
    fn changes(&self, db: &Database, from: &CommitHash, to: &CommitHash) -> StoreResult<Vec<Change>> {
        let commits = [SqlValue::from(encode_hash(from)), SqlValue::from(encode_hash(to))];
        let mut changes = Vec::new();
        for row in db.query("select to_table_name, from_table_name from dolt_diff_summary(?, ?)", &commits)? {
            let name = row.iter().filter_map(SqlValue::text).find(|name| !name.is_empty()).unwrap_or_default();
            if let Some(table) = self.of_table(name) {
                table.changes(db, &commits, &mut changes)?;
            }
        }
        changes.sort_by(|a, b| (&a.entity, &a.key).cmp(&(&b.entity, &b.key)));
        Ok(changes)
    }
}

impl EntityTable {
    fn changes(&self, db: &Database, commits: &[SqlValue], changes: &mut Vec<Change>) -> StoreResult<()> {
        let count = self.columns.len();
        let places = |first: usize| (first..first + count).map(Some).collect::<Vec<_>>();
        let (before, after) = (places(1), places(1 + count));
        let scratch = RefCell::new(String::new());
        db.query_each(&self.differing(), commits, |cells| {
            let row = |places: &Vec<Option<usize>>| RowReading { table: self, cells, places, scratch: &scratch }.make();
            let (has_before, has_after) = match cells.get(0)? {
                SqlRef::Text("added") => (false, true),
                SqlRef::Text("removed") => (true, false),
                SqlRef::Text("modified") => (true, true),
                other => return Err(unexpected(format!("the engine tells of a change of kind {other:?}"))),
            };
            let before = has_before.then(|| row(&before)).transpose()?;
            let after = has_after.then(|| row(&after)).transpose()?;
            let key = before.as_ref().or(after.as_ref()).map(|(key, _)| key.clone());
            let row = |side: Option<(_, _)>| side.map(|(_, row)| Arc::new(row));
            if let Some(key) = key {
                let (before, after) = (row(before), row(after));
                changes.push(Change { entity: self.entity.name.clone(), key, before, after });
            }
            Ok(())
        })
    }

    fn differing(&self) -> String {
        let side = |side: &str| {
            let names = self.columns.iter().map(|(name, _)| format!("\"{side}_{name}\""));
            names.collect::<Vec<_>>().join(", ")
        };
        format!("select diff_type, {}, {} from dolt_diff_{}(?, ?)", side("from"), side("to"), self.entity.table)
    }
}
