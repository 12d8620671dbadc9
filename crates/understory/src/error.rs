use std::sync::Arc;
use std::time::Duration;

use understory_auth::AuthError;
use understory_manage::merge::Conflict;
use understory_manage::{CommitHash, StoreError, Violation};
use understory_model::{Entity, FieldError, Model, camel_case};
use understory_runtime::RuntimeError;

/// What a use case answers.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a use case did not do as asked. Every text in it is safe to show to clients; causes are for the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The body breaks the model.
    #[error("{}", .0.first().map_or("the request is not valid", |first| first.detail.as_str()))]
    Invalid(Vec<FieldError>),
    /// The request cannot be understood or makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// No valid key was presented.
    #[error("a valid key is required, as 'Authorization: Bearer …' or 'X-API-Key'")]
    Unauthorized,
    /// Address and password are not those of somebody who may sign in.
    #[error("Invalid credentials")]
    Credentials,
    /// It was tried too often.
    #[error("too many tries; try again in {} s", whole_seconds(.retry_after))]
    TooMany {
        /// When it may be tried again.
        retry_after: Duration,
    },
    /// The principal may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing, or the principal may not know of it.
    #[error("{what} not found: {id}")]
    NotFound {
        /// What was looked for, in words.
        what: String,
        /// Its id.
        id: String,
    },
    /// It clashes with what is there.
    #[error("{0}")]
    Conflict(String),
    /// A merge met conflicts that no resolution covers.
    #[error("the merge has {} unresolved conflict(s); preview it again and resolve them", .0.len())]
    MergeConflict(Vec<Conflict>),
    /// A merge was pinned to heads that are not the present ones.
    #[error("a branch has moved since the preview: the source is at {from}, the target at {to}; preview again")]
    HeadsMoved {
        /// Head of the branch that is merged.
        from: CommitHash,
        /// Head of the branch merged into.
        to: CommitHash,
    },
    /// The state that `If-Match` names is not the present one.
    #[error("the resource has changed since: the branch is at {head}; read it again")]
    PreconditionFailed {
        /// The branch's head.
        head: CommitHash,
    },
    /// Understood, well-formed, and not possible.
    #[error("{0}")]
    Unprocessable(String),
    /// Overloaded or locked for longer than we wait.
    #[error("the store is busy; try again")]
    Busy(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// A database server does not answer.
    #[error("a database does not answer; try again")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// There is no room.
    #[error("the disk is full; nothing was written")]
    DiskFull(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// Something failed that the client cannot help.
    #[error("an internal error occurred")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Nothing of that name.
    pub fn not_found(what: impl Into<String>, id: impl Into<String>) -> Self {
        Self::NotFound { what: what.into(), id: id.into() }
    }

    /// One wrong field.
    pub fn field(pointer: impl Into<String>, reason: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(pointer, reason, detail)])
    }

    /// A failure that the client cannot help.
    pub fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Arc::new(error))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UnknownProject(id) => Self::not_found("Project", id),
            StoreError::UnknownBranch(name) => Self::not_found("Branch", name.as_str()),
            StoreError::UnknownCommit(hash) => Self::not_found("Commit", hash.as_str()),
            StoreError::UnknownTag(name) => Self::not_found("Tag", name.as_str()),
            StoreError::RefExists(_) | StoreError::Dirty(_) | StoreError::HeadMoved { .. } | StoreError::Misfit(_) => {
                Self::Conflict(error.to_string())
            }
            StoreError::Query { detail, .. } => Self::BadRequest(detail),
            StoreError::Unsupported(_) => Self::BadRequest(error.to_string()),
            StoreError::Busy(_) => Self::Busy(Arc::new(error)),
            StoreError::Unavailable(_) => Self::Unavailable(Arc::new(error)),
            StoreError::DiskFull(_) => Self::DiskFull(Arc::new(error)),
            other => Self::internal(other),
        }
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Unauthorized => Self::Unauthorized,
            AuthError::Credentials => Self::Credentials,
            AuthError::TooMany { retry_after } => Self::TooMany { retry_after },
            AuthError::NotAdmitted(_) | AuthError::NotAPerson => Self::Forbidden(error.to_string()),
            AuthError::Invalid(errors) => Self::Invalid(errors),
            AuthError::NoUser(id) => Self::not_found("User", id),
            AuthError::KeyName(_) => Self::field("/name", "pattern", error.to_string()),
            AuthError::KeyExists(_) => Self::Conflict(error.to_string()),
            AuthError::NoKey(name) => Self::not_found("Key", name),
            AuthError::Storage(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<RuntimeError> for Error {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::Exists { .. } | RuntimeError::Intent { .. } => Self::Conflict(error.to_string()),
            RuntimeError::Unsupported(detail) => Self::BadRequest(detail),
            RuntimeError::Busy { .. } => Self::Busy(Arc::new(error)),
            RuntimeError::Unavailable { .. } => Self::Unavailable(Arc::new(error)),
            RuntimeError::DiskFull { .. } => Self::DiskFull(Arc::new(error)),
            other => Self::internal(other),
        }
    }
}

/// Whole seconds after which a time has passed.
pub fn whole_seconds(time: &Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Says broken laws in the API's terms: the parent in the path is 404, a reference to nothing 400, a duplicate what
/// the entity declares.
pub(crate) fn violations(model: &Model, violations: &[Violation]) -> Error {
    let mut fields = Vec::new();
    for violation in violations {
        match violation {
            Violation::Dangling { entity, column, target, value, .. } => {
                if model.entity(entity).is_some_and(|entity| in_path(entity, column)) {
                    return Error::not_found(words(target), value);
                }
                let wire = camel_case(column);
                let detail = format!("{wire}: there is no {} '{value}'", target.replace('_', " "));
                fields.push(FieldError::new(format!("/{wire}"), "reference", detail));
            }
            Violation::Duplicate { entity, columns, other, .. } => {
                let columns: Vec<String> = columns.iter().map(|column| camel_case(column)).collect();
                let detail =
                    format!("{} '{}' has the same {} already", words(entity), other.id(), columns.join(" and "));
                return duplicate(model, entity, detail);
            }
            Violation::Restricted { entity, key, target, target_key } => {
                let (target, entity) = (words(target), words(entity));
                let detail = format!("{target} '{}' is still used by {entity} '{}'", target_key.id(), key.id());
                return Error::Conflict(detail);
            }
        }
    }
    Error::Invalid(fields)
}

/// Whether the path of a create fixes a column, so that no body is wrong if it names nothing.
fn in_path(entity: &Entity, column: &str) -> bool {
    let (path, bind) = match (&entity.crud, &entity.association) {
        (Some(crud), _) => (&crud.path, &crud.bind),
        (None, Some(association)) => (&association.path, &association.bind),
        (None, None) => return false,
    };
    bind.iter().any(|(param, bound)| bound == column && path.contains(&format!("{{{param}}}")))
}

/// The answer to a create that meets what is there.
pub(crate) fn duplicate(model: &Model, entity: &str, detail: String) -> Error {
    match model.entity(entity).map(|entity| entity.duplicate) {
        Some(422) => Error::Unprocessable(detail),
        _ => Error::Conflict(detail),
    }
}

/// `sub_agent` is `Sub agent`.
pub(crate) fn words(entity: &str) -> String {
    let text = entity.replace('_', " ");
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
