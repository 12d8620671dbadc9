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
