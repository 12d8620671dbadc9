//! What commands say when they fail: a kind, a message, its causes, and what to do.

use std::error::Error as StdError;
use std::process::ExitCode;

use serde_json::{Value, json};
use understory::manage::StoreError;
use understory::model::LoadError;
use understory::sql::migration::{LedgerError, MigrationError};
use understory::{AuthError, Error, LockError, MixedStores, RuntimeError};

/// What a command comes to.
pub type CommandResult<T> = Result<T, CommandError>;

/// Who can do something about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whoever typed the command.
    User,
    /// Whoever set this program up.
    Config,
    /// Nobody: it may go later.
    Busy,
    /// Whoever runs the machine, or whoever wrote this program.
    Internal,
    /// Nobody need: whoever read the output has stopped reading.
    Closed,
}

/// Why a command failed.
#[derive(Debug)]
pub struct CommandError {
    kind: Kind,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    not_found: bool,
    conflicts: Option<Box<Value>>,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Config => "config",
            Self::Busy => "busy",
            Self::Internal => "internal",
            Self::Closed => "closed",
        }
    }

    fn exit_code(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::User => 1,
            Self::Config => 2,
            Self::Busy => 3,
            Self::Internal => 4,
        }
    }
}

impl CommandError {
    /// A failure of a kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hint: None, not_found: false, conflicts: None }
    }

    /// A failure for whoever typed the command.
    pub fn user(message: impl Into<String>) -> Self {
        Self::new(Kind::User, message)
    }

    /// A failure for whoever set this program up.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message)
    }

    /// A failure for whoever runs the machine.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a line that says more.
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds an error and what is below it.
    pub fn because(mut self, error: &dyn StdError) -> Self {
        self.causes.push(error.to_string());
        self.sources_of(error)
    }

    /// Adds what is below an error that is said already; a cause that repeats the line above it is left out.
    fn sources_of(mut self, error: &dyn StdError) -> Self {
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if self.causes.last().unwrap_or(&self.message) != &text {
                self.causes.push(text);
            }
            source = cause.source();
        }
        self
    }

    /// Notes that it is about something that is not there.
    pub fn not_found(mut self) -> Self {
        self.not_found = true;
        self
    }

    /// Whether it is about something that is not there.
    pub fn is_not_found(&self) -> bool {
        self.not_found
    }

    /// Adds the conflicts that it is about, as the API tells them.
    pub fn about(mut self, conflicts: Value) -> Self {
        self.conflicts = Some(Box::new(conflicts));
        self
    }

    /// The conflicts that it is about, as the API tells them.
    pub fn conflicts(&self) -> Option<&Value> {
        self.conflicts.as_deref()
    }

    /// The failure of a whole because of parts that failed, each under its name.
    pub fn of_parts(message: impl Into<String>, parts: &[(String, Self)]) -> Self {
        let kind = parts.first().map_or(Kind::Internal, |(_, first)| first.kind);
        let line = |(name, part): &(String, Self)| {
            part.causes.iter().fold(format!("{name}: {}", part.message), |line, cause| format!("{line}\n  {cause}"))
        };
        parts.iter().map(line).fold(Self::new(kind, message), Self::cause)
    }

    /// Prints it to the standard error; the exit code of the process.
    pub fn report(&self, json: bool) -> ExitCode {
        if self.kind == Kind::Closed {
            return ExitCode::from(self.kind.exit_code());
        }
        if json {
            let mut error = json!({
                "kind": self.kind.as_str(), "message": self.message, "causes": self.causes, "hint": self.hint,
            });
            if let Some(conflicts) = &self.conflicts {
                error["conflicts"] = (**conflicts).clone();
            }
            eprintln!("{}", json!({ "error": error }));
        } else {
            eprintln!("error: {}", self.message);
            self.causes.iter().for_each(|cause| eprintln!("  {}", cause.replace('\n', "\n  ")));
            self.hint.iter().for_each(|hint| eprintln!("hint: {hint}"));
        }
        ExitCode::from(self.kind.exit_code())
    }
}

/// A failure with a file or a stream.
pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> CommandError {
    let what = what.into();
    move |error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => CommandError::new(Kind::Closed, what),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::AlreadyExists => {
            CommandError::user(format!("{what}: {error}"))
        }
        _ => CommandError::internal(format!("{what}: {error}")),
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for CommandError {
    fn from(error: &Error) -> Self {
        match error {
            Error::Internal(cause) => internal(&**cause),
            Error::Busy(cause) | Error::Unavailable(cause) => {
                Self::new(Kind::Busy, error.to_string()).because(&**cause)
            }
            Error::DiskFull(_) => Self::internal(error.to_string()).sources_of(error).hint("make room and try again"),
            Error::Invalid(fields) => {
                let lines = fields.iter().map(|field| format!("{}: {}", field.pointer, field.detail));
                lines.fold(Self::user(error.to_string()), Self::cause)
            }
            _ => Self::user(error.to_string()),
        }
    }
}

/// What the library has no word for of its own: told apart by what caused it.
fn internal(cause: &(dyn StdError + Send + Sync + 'static)) -> CommandError {
    let message = cause.to_string();
    if let Some(lock) = cause.downcast_ref::<LockError>() {
        return match lock {
            LockError::Held { .. } => CommandError::new(Kind::Busy, message).hint(
                "one process at a time has a data directory: talk to a server with --url, or wait for that process",
            ),
            LockError::Io { .. } => {
                CommandError::config(message).sources_of(cause).hint("name another directory with --data")
            }
        };
    }
    if cause.is::<AuthError>() {
        return CommandError::config(message).hint("set UNDERSTORY_ADMIN_KEY to a longer one, or unset it");
    }
    if let Some(mixed) = cause.downcast_ref() {
        let (flag, variable) = match mixed {
            MixedStores::NoManageUrl => ("--manage-url", "UNDERSTORY_MANAGE_DATABASE_URL"),
            _ => ("--runtime-url", "UNDERSTORY_RUNTIME_DATABASE_URL"),
        };
        return CommandError::config(message).hint(format!("set {flag} or {variable} too, or neither address"));
    }
    let of_model = cause.is::<LoadError>() || cause.is::<MigrationError>() || cause.is::<LedgerError>();
    if of_model || matches!(cause.downcast_ref(), Some(StoreError::Migration { .. })) {
        return CommandError::config(message).sources_of(cause);
    }
    match (cause.downcast_ref(), cause.downcast_ref()) {
        (Some(StoreError::Behind { .. }), _) | (_, Some(RuntimeError::Behind { .. })) => {
            CommandError::config(message).hint("run `understory migrate`, or `understory serve --migrate`")
        }
        (Some(StoreError::Refused(_)), _) | (_, Some(RuntimeError::Refused(_))) => {
            CommandError::config(message).sources_of(cause)
        }
        _ => CommandError::internal(message).sources_of(cause),
    }
}
