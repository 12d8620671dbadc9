use understory_model::id::made_id;
use understory_model::now;
use understory_sql::{SqlError, SqlValue};

use crate::columns::{Columns, decode_all, decode_one};
use crate::{RuntimeError, RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into keys (id, name, prefix, hash, role, created_at) values (?, ?, ?, ?, ?, ?)";
const FIND: &str = "select id, name, prefix, role, created_at, last_used_at, revoked_at, hash \
    from keys where prefix = ?";
const FIND_BY_NAME: &str = "select id, name, prefix, role, created_at, last_used_at, revoked_at \
    from keys where name = ?";
const LIST: &str = "select id, name, prefix, role, created_at, last_used_at, revoked_at from keys order by name";
const REVOKE: &str = "update keys set revoked_at = ? where name = ? and revoked_at is null";
const USED: &str = "update keys set last_used_at = ? where id = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, FIND, FIND_BY_NAME, LIST, REVOKE, USED];

/// A named key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its id.
    pub id: String,
    /// Who acts with it.
    pub name: String,
    /// The part that may be shown.
    pub prefix: String,
    /// What it may do.
    pub role: String,
    /// When it was made.
    pub created_at: String,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

/// A key to be stored.
#[derive(Clone)]
pub struct NewKey {
    /// Who acts with it.
    pub name: String,
    /// The part that may be shown, unique.
    pub prefix: String,
    /// Hash of the whole key.
    pub hash: String,
    /// What it may do.
    pub role: String,
}

/// A key with what a presented one is compared to.
pub struct StoredKey {
    /// The key.
    pub record: KeyRecord,
    /// Hash of the whole key.
    pub hash: String,
}

impl RuntimeStore {
    /// Stores a key; `Exists` if its name is taken, even by a revoked one.
    pub async fn key_insert(&self, key: NewKey) -> RuntimeResult<KeyRecord> {
        let record = KeyRecord {
            id: made_id(),
            name: key.name,
            prefix: key.prefix,
            role: key.role,
            created_at: now(),
            last_used_at: None,
            revoked_at: None,
        };
        let hash = key.hash;
        self.write_one(move |db| {
            let texts = [&record.id, &record.name, &record.prefix, &hash, &record.role, &record.created_at];
            db.execute(INSERT, &texts.map(SqlValue::from)).map_err(|error| taken(error, &record.name))?;
            Ok(record)
        })
        .await
    }

    /// The key of a prefix, revoked or not.
    pub async fn key_find(&self, prefix: &str) -> RuntimeResult<Option<StoredKey>> {
        let prefix = [prefix.into()];
        let decode_stored = |columns: &mut Columns| Ok(StoredKey { record: decode(columns)?, hash: columns.text()? });
        self.read(move |db| decode_one(db.query_row(FIND, &prefix)?, decode_stored)).await
    }

    /// All keys by name, revoked ones too.
    pub async fn key_list(&self) -> RuntimeResult<Vec<KeyRecord>> {
        self.read(|db| decode_all(db.query(LIST, &[])?, decode)).await
    }

    /// Revokes a key; the first time of several counts. None if there is no such key.
    pub async fn key_revoke(&self, name: &str) -> RuntimeResult<Option<KeyRecord>> {
        let name = SqlValue::from(name);
        self.write(move |db| {
            db.execute(REVOKE, &[now().into(), name.clone()])?;
            decode_one(db.query_row(FIND_BY_NAME, std::slice::from_ref(&name))?, decode)
        })
        .await
    }

    /// Notes that a key was used just now.
    pub async fn key_used(&self, id: &str) -> RuntimeResult<()> {
        let row = [now().into(), id.into()];
        self.write_one(move |db| {
            db.execute(USED, &row)?;
            Ok(())
        })
        .await
    }
}

fn taken(error: SqlError, name: &str) -> RuntimeError {
    match &error {
        SqlError::Constraint { columns, .. } if error.is_unique() && columns.iter().any(|c| c == "keys.name") => {
            RuntimeError::Exists { what: format!("key {name}") }
        }
        _ => error.into(),
    }
}

fn decode(columns: &mut Columns) -> RuntimeResult<KeyRecord> {
    Ok(KeyRecord {
        id: columns.text()?,
        name: columns.text()?,
        prefix: columns.text()?,
        role: columns.text()?,
        created_at: columns.text()?,
        last_used_at: columns.text_or_null()?,
        revoked_at: columns.text_or_null()?,
    })
}
