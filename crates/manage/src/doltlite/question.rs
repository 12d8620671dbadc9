//! Looking into project files from outside: queries that people write, and what migrations were applied.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER;
use understory_model::Value;
use understory_sql::migration::ledger;
use understory_sql::{Database, Engine, Open, QueryLimits, SqlValue};

use super::{At, DoltLite, Inner, history};
use crate::engine::names::{encode_branch, encode_hash};
use crate::{CommitHash, QueryRows, StoreResult};

const LIMITS: QueryLimits = QueryLimits { rows: 10_000, time: Duration::from_secs(10) };

impl Inner {
    pub(super) fn query(&self, at: &At, hash: &CommitHash, sql: &str) -> StoreResult<QueryRows> {
        self.require_commit(at, hash)?;
        let database = at.opened(Database::open_at(&at.project.file, &encode_hash(hash), true))?;
        let answer = database.answer(sql, LIMITS)?;
        let rows = answer.rows.into_iter().map(|row| row.into_iter().map(shown).collect()).collect();
        Ok(QueryRows { columns: answer.columns, rows, more: answer.more })
    }
}

fn shown(value: SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(integer) => integer.into(),
        SqlValue::Real(real) => real.into(),
        SqlValue::Text(text) => text.into(),
        SqlValue::Blob(bytes) => HEXLOWER.encode(&bytes).into(),
    }
}

impl DoltLite {
    /// The migrations that any branch of any project in a directory has. Changes nothing; no store may have it open.
    pub fn applied(directory: &Path) -> StoreResult<BTreeSet<String>> {
        let mut applied = BTreeSet::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
            if hidden || path.extension().is_none_or(|extension| extension != "db") {
                continue;
            }
            let open = Open { engine: Engine::DoltLite, create: false, read_only: true };
            for branch in history::branches(&Database::open(&path, open)?)? {
                let database = Database::open_at(&path, &encode_branch(&branch.name), true)?;
                applied.extend(ledger(&database)?.into_iter().map(|entry| entry.name));
            }
        }
        Ok(applied)
    }
}
