//! The transactional store: tenants, projects, intents, keys, idempotency records, settings and the
//! earlier names of commits.
//!
//! One file per resource. Tables come from `model/runtime/`; queries are typed methods with constant SQL.

mod alias;
mod columns;
mod embedded;
mod error;
mod foreign;
mod idempotency;
mod intent;
mod key;
mod project;
mod server;
mod setting;
mod store;
mod tenant;
mod transfer;

pub use alias::CommitAlias;
pub use embedded::RUNTIME_FILE;
pub use error::{RuntimeError, RuntimeResult};
pub use idempotency::{Claim, ClaimRequest, StoredAnswer, request_hash};
pub use intent::{Intent, IntentKind, RefAction, RefChange};
pub use key::{KeyRecord, NewKey, StoredKey};
pub use project::ProjectRecord;
pub use store::RuntimeStore;
pub use transfer::{After, RowsOf};
pub use understory_sql::migration::Migrate;

#[cfg(test)]
mod tests;
