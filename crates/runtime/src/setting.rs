use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_one};
use crate::{RuntimeError, RuntimeResult, RuntimeStore};

const GET: &str = "select value from settings where name = ?";
const SET: &str = "insert into settings (name, value, created_at, updated_at) values (?, ?, ?, ?) \
    on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at";
const ENSURE: &str = "insert into settings (name, value, created_at, updated_at) values (?, ?, ?, ?) \
    on conflict (name) do nothing";

const REMOVE: &str = "delete from settings where name = ?";
const REPLACE: &str = "update settings set value = ?, updated_at = ? where name = ? and value = ?";
const TAKE: &str = "delete from settings where name = ? and value = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[GET, SET, ENSURE, REMOVE, REPLACE, TAKE];

impl RuntimeStore {
    /// The value of a setting, if it was ever set.
    pub async fn setting_get(&self, name: &str) -> RuntimeResult<Option<String>> {
        let key = [name.into()];
        self.read(move |db| decode_one(db.query_row(GET, &key)?, Columns::text)).await
    }

    /// Sets a setting unless it is set; its value then. Of several that do this at once one's value is taken.
    pub async fn setting_ensure(&self, name: &str, value: &str) -> RuntimeResult<String> {
        let at = now();
        let row = [name, value, &at, &at].map(SqlValue::from);
        self.write(move |db| {
            db.execute(ENSURE, &row)?;
            let value = decode_one(db.query_row(GET, &row[..1])?, Columns::text)?;
            value.ok_or_else(|| RuntimeError::corrupt("a setting is there and is not"))
        })
        .await
    }

    /// Forgets a setting. Again is fine.
    pub async fn setting_remove(&self, name: &str) -> RuntimeResult<()> {
        let key = [name.into()];
        self.write(move |db| Ok(db.execute(REMOVE, &key).map(drop)?)).await
    }

    /// Replaces the value of a setting, if it is this one still; whether it was.
    pub async fn setting_replace(&self, name: &str, former: &str, value: &str) -> RuntimeResult<bool> {
        let row = [value, &now(), name, former].map(SqlValue::from);
        self.write_one(move |db| Ok(db.execute(REPLACE, &row)? > 0)).await
    }

    /// Sets a setting.
    pub async fn setting_set(&self, name: &str, value: &str) -> RuntimeResult<()> {
        let at = now();
        let row = [name, value, &at, &at].map(SqlValue::from);
        self.write(move |db| {
            db.execute(SET, &row)?;
            Ok(())
        })
        .await
    }
}

/// Forgets a setting if it has this value; whether it had.
pub(crate) fn setting_take_in_txn(db: &dyn Statements, name: &str, value: &str) -> RuntimeResult<bool> {
    Ok(db.execute(TAKE, &[name.into(), value.into()])? > 0)
}
