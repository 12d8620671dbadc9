use serde_json::Value;
use understory_model::id::made_id;
use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_all, decode_one};
use crate::scope::text;
use crate::{ProjectKey, RuntimeError, RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into api_keys (tenant_id, project_id, id, agent_id, ref, verbs, name, public_id, \
    key_hash, key_prefix, expires_at, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const FIND: &str = "select id, agent_id, ref, verbs, name, public_id, key_prefix, last_used_at, expires_at, created_at, \
    updated_at, tenant_id, project_id, key_hash, previous_hash, previous_until from api_keys where public_id = ?";
const GET: &str = "select id, agent_id, ref, verbs, name, public_id, key_prefix, last_used_at, expires_at, created_at, \
    updated_at from api_keys where tenant_id = ? and project_id = ? and id = ?";
/// An empty text stands for any agent.
const PAGE: &str = "select id, agent_id, ref, verbs, name, public_id, key_prefix, last_used_at, expires_at, created_at, \
    updated_at from api_keys where tenant_id = ? and project_id = ? and (? = '' or agent_id = ?) \
    order by created_at, id limit ? offset ?";
const COUNT: &str = "select count(*) from api_keys where tenant_id = ? and project_id = ? and (? = '' or agent_id = ?)";
const UPDATE: &str = "update api_keys set name = ?, agent_id = ?, expires_at = ?, updated_at = ? \
    where tenant_id = ? and project_id = ? and id = ?";
const ROTATE: &str = "update api_keys set previous_hash = key_hash, previous_until = ?, key_hash = ?, updated_at = ? \
    where tenant_id = ? and project_id = ? and id = ?";
const USED: &str = "update api_keys set last_used_at = ? where tenant_id = ? and project_id = ? and id = ?";
const DELETE: &str = "delete from api_keys where tenant_id = ? and project_id = ? and id = ?";
const DELETE_ALL: &str = "delete from api_keys where tenant_id = ? and project_id = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, FIND, GET, PAGE, COUNT, UPDATE, ROTATE, USED, DELETE, DELETE_ALL];

/// A key of a project to be stored.
#[derive(Clone)]
pub struct NewApiKey {
    /// The agent that it is for; none: all of the project.
    pub agent_id: Option<String>,
    /// The branch or tag that it is for; none: all of them.
    pub reference: Option<String>,
    /// What it may do.
    pub verbs: Vec<String>,
    /// What people call it.
    pub name: Option<String>,
    /// The part that is no secret, unique.
    pub public_id: String,
    /// Hash of the whole key.
    pub hash: String,
    /// How the key begins.
    pub prefix: String,
    /// Until when it is good.
    pub expires_at: Option<String>,
}

/// A key of a project, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: String,
    /// The agent that it is for.
    pub agent_id: Option<String>,
    /// The branch or tag that it is for.
    pub reference: Option<String>,
    /// What it may do.
    pub verbs: Vec<String>,
    /// What people call it.
    pub name: Option<String>,
    /// The part that is no secret.
    pub public_id: String,
    /// How the key begins.
    pub prefix: String,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<String>,
    /// Until when it is good.
    pub expires_at: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When anything of it last changed.
    pub updated_at: String,
}

/// A key with what a presented one is compared to.
#[derive(Clone)]
pub struct StoredApiKey {
    /// The key.
    pub key: ApiKey,
    /// The project that it is for.
    pub of: ProjectKey,
    /// Hash of the whole key.
    pub hash: String,
    /// Hash of the key before it was rotated, and until when that is good.
    pub previous: Option<(String, String)>,
}

/// What may be changed of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyChange {
    /// What people call it.
    pub name: Option<String>,
    /// The agent that it is for.
    pub agent_id: Option<String>,
    /// Until when it is good.
    pub expires_at: Option<String>,
}

impl RuntimeStore {
    /// Stores a key of a project.
    pub async fn api_key_add(&self, of: &ProjectKey, new: NewApiKey) -> RuntimeResult<ApiKey> {
        let at = now();
        let key = ApiKey {
            id: made_id(),
            agent_id: new.agent_id,
            reference: new.reference,
            verbs: new.verbs,
            name: new.name,
            public_id: new.public_id,
            prefix: new.prefix,
            last_used_at: None,
            expires_at: new.expires_at,
            created_at: at.clone(),
            updated_at: at,
        };
        let row = of.row([
            (&key.id).into(),
            text(&key.agent_id),
            text(&key.reference),
            Value::from(key.verbs.clone()).to_string().into(),
            text(&key.name),
            (&key.public_id).into(),
            new.hash.into(),
            (&key.prefix).into(),
            text(&key.expires_at),
            (&key.created_at).into(),
            (&key.updated_at).into(),
        ]);
        self.write_one(move |db| Ok(db.execute(INSERT, &row).map(drop)?)).await?;
        Ok(key)
    }

    /// The key of a public id, good or not.
    pub async fn api_key_find(&self, public_id: &str) -> RuntimeResult<Option<StoredApiKey>> {
        let public_id = [public_id.into()];
        self.read(move |db| decode_one(db.query_row(FIND, &public_id)?, decode_stored)).await
    }

    /// A key of a project.
    pub async fn api_key_get(&self, of: &ProjectKey, id: &str) -> RuntimeResult<Option<ApiKey>> {
        let row = of.row([id.into()]);
        self.read(move |db| decode_one(db.query_row(GET, &row)?, decode)).await
    }

    /// One page of the keys of a project, or of an agent in it, oldest first, and how many there are. Pages count
    /// from 1.
    pub async fn api_key_list(
        &self,
        of: &ProjectKey,
        agent: Option<&str>,
        page: u32,
        limit: u32,
    ) -> RuntimeResult<(Vec<ApiKey>, u64)> {
        let offset = i64::from(page.saturating_sub(1)).saturating_mul(limit.into());
        let agent = SqlValue::from(agent.unwrap_or_default());
        let which = of.row([agent.clone(), agent]);
        self.read_one_state(move |db| {
            let total = decode_one(db.query_row(COUNT, &which)?, Columns::integer)?.unwrap_or_default();
            let row = [&which[..], &[limit.into(), offset.into()]].concat();
            Ok((decode_all(db.query(PAGE, &row)?, decode)?, total.unsigned_abs()))
        })
        .await
    }

    /// Changes a key. None if there is none.
    pub async fn api_key_update(
        &self,
        of: &ProjectKey,
        id: &str,
        change: ApiKeyChange,
    ) -> RuntimeResult<Option<ApiKey>> {
        let key = of.row([id.into()]);
        self.write(move |db| {
            let change = [text(&change.name), text(&change.agent_id), text(&change.expires_at), now().into()];
            db.execute(UPDATE, &[&change[..], &key].concat())?;
            decode_one(db.query_row(GET, &key)?, decode)
        })
        .await
    }

    /// Gives a key another secret: the former stays good until a time. None if there is none.
    pub async fn api_key_rotate(
        &self,
        of: &ProjectKey,
        id: &str,
        hash: &str,
        until: &str,
    ) -> RuntimeResult<Option<ApiKey>> {
        let (key, hash, until) = (of.row([id.into()]), hash.to_owned(), until.to_owned());
        self.write(move |db| {
            let change = [(&until).into(), (&hash).into(), now().into()];
            db.execute(ROTATE, &[&change[..], &key].concat())?;
            decode_one(db.query_row(GET, &key)?, decode)
        })
        .await
    }

    /// Notes that a key was used just now.
    pub async fn api_key_used(&self, of: &ProjectKey, id: &str) -> RuntimeResult<()> {
        let row = [vec![now().into()], of.row([id.into()])].concat();
        self.write_one(move |db| Ok(db.execute(USED, &row).map(drop)?)).await
    }

    /// Deletes a key, which is good no more; whether it was there.
    pub async fn api_key_delete(&self, of: &ProjectKey, id: &str) -> RuntimeResult<bool> {
        let row = of.row([id.into()]);
        self.write_one(move |db| Ok(db.execute(DELETE, &row)? > 0)).await
    }
}

/// The keys of a project go with it.
pub(crate) fn api_keys_remove_in_txn(db: &dyn Statements, tenant: &str, project: &str) -> RuntimeResult<()> {
    db.execute(DELETE_ALL, &[tenant.into(), project.into()])?;
    Ok(())
}

fn decode(columns: &mut Columns) -> RuntimeResult<ApiKey> {
    Ok(ApiKey {
        id: columns.text()?,
        agent_id: columns.text_or_null()?,
        reference: columns.text_or_null()?,
        verbs: serde_json::from_value(columns.json()?)
            .map_err(|error| RuntimeError::not_json("the verbs of a key", error))?,
        name: columns.text_or_null()?,
        public_id: columns.text()?,
        prefix: columns.text()?,
        last_used_at: columns.text_or_null()?,
        expires_at: columns.text_or_null()?,
        created_at: columns.text()?,
        updated_at: columns.text()?,
    })
}

fn decode_stored(columns: &mut Columns) -> RuntimeResult<StoredApiKey> {
    let key = decode(columns)?;
    let of = ProjectKey { tenant: columns.text()?, project: columns.text()? };
    let hash = columns.text()?;
    let previous = columns.text_or_null()?.zip(columns.text_or_null()?);
    Ok(StoredApiKey { key, of, hash, previous })
}
