use serde_json::Value;
use understory_model::id::made_id;
use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_one};
use crate::{RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into invitation (tenant_id, id, email, role, status, projects, token_hash, inviter_id, \
    expires_at, created_at) values (?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?)";
const FIND: &str = "select tenant_id, id, email, role, status, projects, expires_at from invitation \
    where token_hash = ?";
const ACCEPT: &str = "update invitation set status = 'accepted' where tenant_id = ? and id = ? and status = 'pending'";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, FIND, ACCEPT];

/// An invitation to be stored.
#[derive(Clone)]
pub struct NewInvitation {
    /// The tenant: the organization of the same id.
    pub tenant: String,
    /// The address invited, in lower case.
    pub email: String,
    /// What they become in the organization.
    pub role: String,
    /// What they become in projects: a list of `projectId` and `projectRole`.
    pub projects: Value,
    /// Hash of the token.
    pub token_hash: String,
    /// Who invites them.
    pub inviter_id: String,
    /// Until when it can be accepted.
    pub expires_at: String,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq)]
pub struct Invitation {
    /// The tenant.
    pub tenant: String,
    /// Its id.
    pub id: String,
    /// The address invited.
    pub email: String,
    /// What they become in the organization.
    pub role: String,
    /// `pending` or `accepted`.
    pub status: String,
    /// What they become in projects.
    pub projects: Value,
    /// Until when it can be accepted.
    pub expires_at: String,
}

impl RuntimeStore {
    /// Stores an invitation; its id.
    pub async fn invitation_add(&self, new: NewInvitation) -> RuntimeResult<String> {
        let (id, projects, at) = (made_id(), new.projects.to_string(), now());
        let texts = [
            &new.tenant,
            &id,
            &new.email,
            &new.role,
            &projects,
            &new.token_hash,
            &new.inviter_id,
            &new.expires_at,
            &at,
        ];
        let row = texts.map(SqlValue::from);
        self.write_one(move |db| Ok(db.execute(INSERT, &row).map(drop)?)).await?;
        Ok(id)
    }

    /// The invitation of a token, whatever became of it.
    pub async fn invitation_find(&self, token_hash: &str) -> RuntimeResult<Option<Invitation>> {
        let key = [token_hash.into()];
        self.read(move |db| decode_one(db.query_row(FIND, &key)?, decode)).await
    }
}

/// Accepts an invitation; whether it was pending.
pub(crate) fn invitation_accept_in_txn(db: &dyn Statements, tenant: &str, id: &str) -> RuntimeResult<bool> {
    Ok(db.execute(ACCEPT, &[tenant.into(), id.into()])? > 0)
}

fn decode(columns: &mut Columns) -> RuntimeResult<Invitation> {
    Ok(Invitation {
        tenant: columns.text()?,
        id: columns.text()?,
        email: columns.text()?,
        role: columns.text()?,
        status: columns.text()?,
        projects: columns.json()?,
        expires_at: columns.text()?,
    })
}
