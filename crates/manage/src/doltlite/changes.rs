//! How two commits differ, asked of the engine: it compares trees, and looks only into what is not the same.

use std::sync::Arc;

use understory_sql::{Database, SqlValue};

use super::store::require_head;
use super::{At, Inner};
use crate::engine::names::encode_hash;
use crate::engine::tables::Tables;
use crate::{BranchName, Change, CommitHash, StoreResult, changed_rows};

impl Inner {
    pub(super) fn changes(&self, at: &At, from: Option<&CommitHash>, to: &CommitHash) -> StoreResult<Vec<Change>> {
        let Some(from) = from else { return Ok(changed_rows(&Default::default(), &*self.snapshot(at, to)?)) };
        self.require_commit(at, from)?;
        self.require_commit(at, to)?;
        // The engine knows no defaults: where a column came later, rows are compared as they read today.
        if self.is_behind(at, from)? || self.is_behind(at, to)? {
            return Ok(changed_rows(&*self.snapshot(at, from)?, &*self.snapshot(at, to)?));
        }
        // The engine compares the columns that the branch has which it is asked on: a main that was not migrated lacks some.
        let main = self.on_refs(at, |db| require_head(db, &BranchName::main()))?;
        if self.is_behind(at, &main)? {
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
                let sql = format!("select {} from dolt_diff_{}(?, ?)", table.differing(), table.entity.table);
                db.query_each(&sql, &commits, |cells| {
                    changes.extend(table.change(cells)?);
                    StoreResult::Ok(())
                })?;
            }
        }
        changes.sort_by(|a, b| (&a.entity, &a.key).cmp(&(&b.entity, &b.key)));
        Ok(changes)
    }
}
