use std::time::Duration;

use understory_model::FieldError;
use understory_runtime::RuntimeError;

use crate::MIN_ADMIN_KEY;

/// What this crate answers.
pub type AuthResult<T> = Result<T, AuthError>;

/// Why somebody is not let in, or a key not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// No key was presented, or none that is good.
    #[error("a valid key is needed: send it as `Authorization: Bearer <key>` or `X-API-Key: <key>`")]
    Unauthorized,
    /// Address and password are not those of somebody who may sign in. It does not tell which of them is wrong.
    #[error("Invalid credentials")]
    Credentials,
    /// It was tried too often.
    #[error("too many tries")]
    TooMany {
        /// When it may be tried again.
        retry_after: Duration,
    },
    /// They may not register; says why.
    #[error("{0}")]
    NotAdmitted(&'static str),
    /// Fields are wrong.
    #[error("{}", .0.first().map_or("the request is not valid", |first| first.detail.as_str()))]
    Invalid(Vec<FieldError>),
    /// Only people do this, and this principal is none.
    #[error("this is for people who are signed in; a key has no account")]
    NotAPerson,
    /// There is nobody of this id.
    #[error("there is no user '{0}'")]
    NoUser(String),
    /// The admin key given is too short to be safe.
    #[error("the admin key given is shorter than {MIN_ADMIN_KEY} characters")]
    AdminKeyTooShort,
    /// The name cannot be that of a key.
    #[error(
        "'{0}' cannot be a key's name: 1 to 64 letters, digits, '-', '_', '.' or '@', and not 'system' or 'understory'"
    )]
    KeyName(String),
    /// A key of this name exists, or existed and is revoked.
    #[error("there is a key '{0}' already; names of revoked keys stay taken")]
    KeyExists(String),
    /// There is no key of this name.
    #[error("there is no key '{0}'")]
    NoKey(String),
    /// The store failed: whether the key is good is not known.
    #[error(transparent)]
    Storage(#[from] RuntimeError),
}
