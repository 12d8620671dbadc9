use understory_model::id::made_id;
use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_one};
use crate::membership::{Membership, memberships_of_in_txn};
use crate::scope::text;
use crate::user::{self, User};
use crate::{RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into session (id, user_id, handle_hash, secret_hash, expires_at, ip_address, user_agent, \
    created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
const GET: &str = "select id, user_id, secret_hash, expires_at from session where id = ?";
const FIND: &str = "select id, user_id, secret_hash, expires_at from session where handle_hash = ?";
const USER_OF: &str = "select u.id, u.name, u.email, u.username, u.first_name, u.last_name, u.role, u.is_active, \
    u.preferences, u.default_project, u.last_login_at, u.created_at, u.updated_at from \"user\" u where u.id = ?";
const ROTATE: &str = "update session set secret_hash = ?, expires_at = ?, updated_at = ? \
    where id = ? and secret_hash = ?";
const EXTEND: &str = "update session set expires_at = ?, updated_at = ? where id = ?";
const END: &str = "delete from session where id = ?";
const END_OTHERS: &str = "delete from session where user_id = ? and id <> ?";
const PRUNE: &str = "delete from session where expires_at < ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, GET, FIND, USER_OF, ROTATE, EXTEND, END, END_OTHERS, PRUNE];

/// A session to be begun.
#[derive(Clone)]
pub struct NewSession {
    /// Whose it is.
    pub user_id: String,
    /// Hash of the part of its tokens that stays the same.
    pub handle_hash: String,
    /// Hash of the part that its present token alone has.
    pub secret_hash: String,
    /// When it ends unless it is used before.
    pub expires_at: String,
    /// Where it begins.
    pub ip_address: Option<String>,
    /// With which program it begins.
    pub user_agent: Option<String>,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, no secret.
    pub id: String,
    /// Whose it is.
    pub user_id: String,
    /// Hash of the part that its present token alone has.
    pub secret_hash: String,
    /// When it ends.
    pub expires_at: String,
}

/// A session with all that decides what its user may do.
#[derive(Clone, Debug, PartialEq)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// Its user.
    pub user: User,
    /// What they are anywhere.
    pub memberships: Vec<Membership>,
}

/// What became of a session whose token was to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The new token is the present one.
    Rotated(Session),
    /// The token had been replaced before: somebody else has it, so the session is ended.
    Reused(Session),
    /// There is no such session.
    Unknown,
}

impl RuntimeStore {
    /// Begins a session.
    pub async fn session_begin(&self, new: NewSession) -> RuntimeResult<Session> {
        let session =
            Session { id: made_id(), user_id: new.user_id, secret_hash: new.secret_hash, expires_at: new.expires_at };
        let at = now();
        let row = [
            (&session.id).into(),
            (&session.user_id).into(),
            new.handle_hash.into(),
            (&session.secret_hash).into(),
            (&session.expires_at).into(),
            text(&new.ip_address),
            text(&new.user_agent),
            (&at).into(),
            (&at).into(),
        ];
        self.write_one(move |db| Ok(db.execute(INSERT, &row).map(drop)?)).await?;
        Ok(session)
    }

    /// A session with its user, by its id; expired or not.
    pub async fn session_get(&self, id: &str) -> RuntimeResult<Option<SignedIn>> {
        let key = [id.into()];
        self.read_one_state(move |db| signed_in(db, db.query_row(GET, &key)?)).await
    }

    /// A session with its user, by the hash of the part of its tokens that stays the same; expired or not.
    pub async fn session_find(&self, handle_hash: &str) -> RuntimeResult<Option<SignedIn>> {
        let key = [handle_hash.into()];
        self.read_one_state(move |db| signed_in(db, db.query_row(FIND, &key)?)).await
    }

    /// Replaces the token of a session, and moves its end. A token that is not the present one ends the session.
    pub async fn session_rotate(
        &self,
        handle_hash: &str,
        secret_hash: &str,
        new_secret_hash: &str,
        expires_at: &str,
    ) -> RuntimeResult<Rotation> {
        let [handle, present, new, expires_at] =
            [handle_hash, secret_hash, new_secret_hash, expires_at].map(str::to_owned);
        self.write(move |db| {
            let Some(session) = decode_one(db.query_row(FIND, &[(&handle).into()])?, decode)? else {
                return Ok(Rotation::Unknown);
            };
            let row = [&new, &expires_at, &now(), &session.id, &present].map(SqlValue::from);
            if db.execute(ROTATE, &row)? == 0 {
                db.execute(END, &[(&session.id).into()])?;
                return Ok(Rotation::Reused(session));
            }
            Ok(Rotation::Rotated(Session { secret_hash: new.clone(), expires_at: expires_at.clone(), ..session }))
        })
        .await
    }

    /// Moves the end of a session.
    pub async fn session_extend(&self, id: &str, expires_at: &str) -> RuntimeResult<()> {
        let row = [expires_at.into(), now().into(), id.into()];
        self.write_one(move |db| Ok(db.execute(EXTEND, &row).map(drop)?)).await
    }

    /// Ends a session. Again is fine.
    pub async fn session_end(&self, id: &str) -> RuntimeResult<()> {
        let key = [id.into()];
        self.write_one(move |db| Ok(db.execute(END, &key).map(drop)?)).await
    }

    /// Forgets sessions that ended before a time.
    pub async fn session_prune(&self, before: &str) -> RuntimeResult<()> {
        let row = [before.into()];
        self.write_one(move |db| Ok(db.execute(PRUNE, &row).map(drop)?)).await
    }
}

/// Ends all sessions of a person but one.
pub(crate) fn sessions_end_in_txn(db: &dyn Statements, user: &str, kept: &str) -> RuntimeResult<()> {
    db.execute(END_OTHERS, &[user.into(), kept.into()])?;
    Ok(())
}

fn signed_in(db: &dyn Statements, row: Option<Vec<SqlValue>>) -> RuntimeResult<Option<SignedIn>> {
    let Some(session) = decode_one(row, decode)? else { return Ok(None) };
    let user = decode_one(db.query_row(USER_OF, &[(&session.user_id).into()])?, user::decode)?;
    let Some(user) = user else { return Ok(None) };
    let memberships = memberships_of_in_txn(db, &user.id)?;
    Ok(Some(SignedIn { session, user, memberships }))
}

fn decode(columns: &mut Columns) -> RuntimeResult<Session> {
    Ok(Session {
        id: columns.text()?,
        user_id: columns.text()?,
        secret_hash: columns.text()?,
        expires_at: columns.text()?,
    })
}
