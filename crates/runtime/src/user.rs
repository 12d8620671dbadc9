use serde_json::Value;
use understory_model::now;
use understory_sql::{SqlError, SqlValue, Statements};

use crate::columns::{Columns, decode_all, decode_one};
use crate::invitation::invitation_accept_in_txn;
use crate::membership::{Membership, memberships_add_in_txn};
use crate::scope::{json, text};
use crate::session::sessions_end_in_txn;
use crate::setting::setting_take_in_txn;
use crate::{RuntimeError, RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into \"user\" (id, name, email, email_verified, username, first_name, last_name, role, \
    is_active, preferences, password_hash, default_project, failed_logins, created_at, updated_at) \
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)";
const GET: &str = "select id, name, email, username, first_name, last_name, role, is_active, preferences, \
    default_project, last_login_at, created_at, updated_at, password_hash, locked_until from \"user\" where id = ?";
const FIND: &str = "select id, name, email, username, first_name, last_name, role, is_active, preferences, \
    default_project, last_login_at, created_at, updated_at, password_hash, locked_until from \"user\" where email = ?";
const LIST: &str = "select id, name, email, username, first_name, last_name, role, is_active, preferences, \
    default_project, last_login_at, created_at, updated_at from \"user\" order by username";
const ANY: &str = "select 1 from \"user\" limit 1";
const UPDATE: &str = "update \"user\" set name = ?, email = ?, username = ?, first_name = ?, last_name = ?, \
    preferences = ?, updated_at = ? where id = ?";
const SET_ACTIVE: &str = "update \"user\" set is_active = ?, updated_at = ? where id = ?";
const SET_PASSWORD: &str = "update \"user\" set password_hash = ?, failed_logins = 0, locked_until = null, \
    updated_at = ? where id = ?";
const REHASH: &str = "update \"user\" set password_hash = ? where id = ? and password_hash = ?";
const SIGNED_IN: &str = "update \"user\" set last_login_at = ?, failed_logins = 0, locked_until = null where id = ?";
const SIGN_IN_FAILED: &str = "update \"user\" \
    set locked_until = case when failed_logins + 1 >= ? then ? else locked_until end, \
    failed_logins = case when failed_logins + 1 >= ? then 0 else failed_logins + 1 end where id = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] =
    &[INSERT, GET, FIND, LIST, ANY, UPDATE, SET_ACTIVE, SET_PASSWORD, REHASH, SIGNED_IN, SIGN_IN_FAILED];

/// A person who signs in.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Its id.
    pub id: String,
    /// The name shown.
    pub name: String,
    /// The address to sign in with, in lower case.
    pub email: String,
    /// The name that commits bear.
    pub username: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The role on the whole server.
    pub role: String,
    /// Whether they may sign in.
    pub is_active: bool,
    /// What applications keep for them.
    pub preferences: Option<Value>,
    /// The project of the default tenant that is made for them.
    pub default_project: String,
    /// When they last signed in.
    pub last_login_at: Option<String>,
    /// When they were added.
    pub created_at: String,
    /// When anything of them last changed.
    pub updated_at: String,
}

/// A person with what a password is compared to.
#[derive(Clone)]
pub struct StoredUser {
    /// The person.
    pub user: User,
    /// Hash of the password; none where there is none.
    pub password_hash: Option<String>,
    /// Until when no password is looked at.
    pub locked_until: Option<String>,
}

/// A person to be added.
#[derive(Clone)]
pub struct NewUser {
    /// Their id.
    pub id: String,
    /// What is changed of people, too.
    pub details: UserDetails,
    /// The role on the whole server.
    pub role: String,
    /// Hash of the password; none where there is none.
    pub password_hash: Option<String>,
    /// The project of the default tenant that is made for them.
    pub default_project: String,
}

/// What people may change of themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct UserDetails {
    /// The name shown.
    pub name: String,
    /// The address to sign in with, in lower case.
    pub email: String,
    /// The name that commits bear.
    pub username: String,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// What applications keep for them.
    pub preferences: Option<Value>,
}

/// What lets somebody in, and is used up thereby.
#[derive(Clone, Debug)]
pub enum Admission {
    /// Nothing is asked for.
    Open,
    /// A setting must have this value, and is forgotten.
    Setting {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// This invitation must be pending, and is accepted.
    Invitation {
        /// Its tenant.
        tenant: String,
        /// Its id.
        id: String,
    },
}

impl RuntimeStore {
    /// Adds a person with what they are in organizations and projects. None if they are not admitted: what would let
    /// them in was used before. `Exists` if address or user name are taken.
    pub async fn user_add(
        &self,
        new: NewUser,
        memberships: Vec<Membership>,
        admission: Admission,
    ) -> RuntimeResult<Option<User>> {
        let at = now();
        let NewUser { id, details, role, password_hash, default_project } = new;
        let UserDetails { name, email, username, first_name, last_name, preferences } = details;
        let user = User {
            id,
            name,
            email,
            username,
            first_name,
            last_name,
            role,
            is_active: true,
            preferences,
            default_project,
            last_login_at: None,
            created_at: at.clone(),
            updated_at: at,
        };
        self.write(move |db| {
            if !admit_in_txn(db, &admission)? {
                return Ok(None);
            }
            db.execute(INSERT, &cells(&user, &password_hash))
                .map_err(|error| taken(error, &user.email, &user.username))?;
            memberships_add_in_txn(db, &user.id, &memberships)?;
            Ok(Some(user.clone()))
        })
        .await
    }

    /// A person by id.
    pub async fn user_get(&self, id: &str) -> RuntimeResult<Option<StoredUser>> {
        let key = [id.into()];
        self.read(move |db| decode_one(db.query_row(GET, &key)?, decode_stored)).await
    }

    /// A person by address, in lower case.
    pub async fn user_find(&self, email: &str) -> RuntimeResult<Option<StoredUser>> {
        let key = [email.into()];
        self.read(move |db| decode_one(db.query_row(FIND, &key)?, decode_stored)).await
    }

    /// All people by user name.
    pub async fn user_list(&self) -> RuntimeResult<Vec<User>> {
        self.read(|db| decode_all(db.query(LIST, &[])?, decode)).await
    }

    /// Changes a person's details: to what `change` makes of the present ones, which nobody else changes meanwhile. None
    /// if there is nobody of this id; `Exists` if address or user name are taken.
    pub async fn user_update(
        &self,
        id: &str,
        change: impl Fn(User) -> UserDetails + Send + Sync + 'static,
    ) -> RuntimeResult<Option<User>> {
        let id = SqlValue::from(id);
        self.write(move |db| {
            let present = decode_one(db.query_row(GET, std::slice::from_ref(&id))?, decode)?;
            let Some(present) = present else { return Ok(None) };
            let UserDetails { name, email, username, first_name, last_name, preferences } = &change(present);
            let row = [
                name.into(),
                email.into(),
                username.into(),
                text(first_name),
                text(last_name),
                json(preferences),
                now().into(),
                id.clone(),
            ];
            db.execute(UPDATE, &row).map_err(|error| taken(error, email, username))?;
            decode_one(db.query_row(GET, std::slice::from_ref(&id))?, decode)
        })
        .await
    }

    /// Lets a person sign in, or not and ends their sessions. None if there is nobody of this id.
    pub async fn user_set_active(&self, id: &str, active: bool) -> RuntimeResult<Option<User>> {
        let id = id.to_owned();
        self.write(move |db| {
            db.execute(SET_ACTIVE, &[active.into(), now().into(), (&id).into()])?;
            if !active {
                sessions_end_in_txn(db, &id, "")?;
            }
            decode_one(db.query_row(GET, &[(&id).into()])?, decode)
        })
        .await
    }

    /// Gives a person another password, and ends all their sessions but one; whether they are there.
    pub async fn user_set_password(&self, id: &str, hash: &str, kept_session: &str) -> RuntimeResult<bool> {
        let (id, hash, kept) = (id.to_owned(), hash.to_owned(), kept_session.to_owned());
        self.write(move |db| {
            let found = db.execute(SET_PASSWORD, &[(&hash).into(), now().into(), (&id).into()])? > 0;
            sessions_end_in_txn(db, &id, &kept)?;
            Ok(found)
        })
        .await
    }

    /// Replaces the hash of a password by a better one of the same, unless it was changed meanwhile.
    pub async fn user_rehash(&self, id: &str, former: &str, hash: &str) -> RuntimeResult<()> {
        let row = [hash.into(), id.into(), former.into()];
        self.write_one(move |db| Ok(db.execute(REHASH, &row).map(drop)?)).await
    }

    /// Whether there is anybody.
    pub async fn user_any(&self) -> RuntimeResult<bool> {
        self.read(|db| Ok(db.query_row(ANY, &[])?.is_some())).await
    }

    /// Notes when a person signed in.
    pub async fn user_signed_in(&self, id: &str, at: &str) -> RuntimeResult<()> {
        let row = [at.into(), id.into()];
        self.write_one(move |db| Ok(db.execute(SIGNED_IN, &row).map(drop)?)).await
    }

    /// Notes a wrong password: after so many in a row the person is locked out until a time.
    pub async fn user_sign_in_failed(&self, id: &str, most: u32, until: &str) -> RuntimeResult<()> {
        let row = [most.into(), until.into(), most.into(), id.into()];
        self.write_one(move |db| Ok(db.execute(SIGN_IN_FAILED, &row).map(drop)?)).await
    }
}

fn admit_in_txn(db: &dyn Statements, admission: &Admission) -> RuntimeResult<bool> {
    match admission {
        Admission::Open => Ok(true),
        Admission::Setting { name, value } => setting_take_in_txn(db, name, value),
        Admission::Invitation { tenant, id } => invitation_accept_in_txn(db, tenant, id),
    }
}

fn cells(user: &User, password_hash: &Option<String>) -> [SqlValue; 14] {
    [
        (&user.id).into(),
        (&user.name).into(),
        (&user.email).into(),
        false.into(),
        (&user.username).into(),
        text(&user.first_name),
        text(&user.last_name),
        (&user.role).into(),
        user.is_active.into(),
        json(&user.preferences),
        text(password_hash),
        (&user.default_project).into(),
        (&user.created_at).into(),
        (&user.updated_at).into(),
    ]
}

fn taken(error: SqlError, email: &str, username: &str) -> RuntimeError {
    let of = |column: &str| match &error {
        SqlError::Constraint { columns, .. } => error.is_unique() && columns.iter().any(|c| c == column),
        _ => false,
    };
    if of("user.email") {
        RuntimeError::Exists { what: format!("somebody with the address {email}") }
    } else if of("user.username") {
        RuntimeError::Exists { what: format!("somebody with the user name {username}") }
    } else {
        error.into()
    }
}

pub(crate) fn decode(columns: &mut Columns) -> RuntimeResult<User> {
    Ok(User {
        id: columns.text()?,
        name: columns.text()?,
        email: columns.text()?,
        username: columns.text()?,
        first_name: columns.text_or_null()?,
        last_name: columns.text_or_null()?,
        role: columns.text()?,
        is_active: columns.integer()? != 0,
        preferences: columns.json_or_null()?,
        default_project: columns.text()?,
        last_login_at: columns.text_or_null()?,
        created_at: columns.text()?,
        updated_at: columns.text()?,
    })
}

fn decode_stored(columns: &mut Columns) -> RuntimeResult<StoredUser> {
    Ok(StoredUser {
        user: decode(columns)?,
        password_hash: columns.text_or_null()?,
        locked_until: columns.text_or_null()?,
    })
}
