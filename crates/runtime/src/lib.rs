//! The transactional store: conversations with their messages and events, answers in the making, feedback, tenants,
//! projects, intents, keys, idempotency records, settings, what agents are doing, replicas and the earlier hashes of commits.
//!
//! One file per resource. Tables come from `model/runtime/`; queries are typed methods with constant SQL.

mod agent_status;
mod alias;
mod audit;
mod columns;
mod conversation;
mod embedded;
mod error;
mod event;
mod feedback;
mod foreign;
mod generation;
mod group;
mod idempotency;
mod in_flight;
mod intent;
mod key;
mod liveness;
mod message;
mod orphan;
mod project;
mod replica;
mod scope;
mod server;
mod setting;
mod store;
mod tenant;
mod transfer;

pub use agent_status::AgentStatus;
pub use alias::CommitAlias;
pub use audit::AuditEntry;
pub use conversation::{Conversation, ConversationFilter, NewConversation, Start};
pub use embedded::RUNTIME_FILE;
pub use error::{RuntimeError, RuntimeResult};
pub use event::{NewEvent, StoredEvent};
pub use feedback::{Feedback, FeedbackFilter, NewFeedback};
pub use generation::{Ending, Generation};
pub use idempotency::{Claim, ClaimRequest, StoredAnswer, request_hash};
pub use intent::{Intent, IntentKind, OpenIntent, RefAction, RefChange};
pub use key::{KeyRecord, NewKey, StoredKey};
pub use liveness::Liveness;
pub use message::{Added, Around, Message, NewMessage, USER_FACING};
pub use orphan::Orphans;
pub use project::{Inventory, ProjectRecord};
pub use scope::ProjectKey;
pub use store::RuntimeStore;
pub use transfer::{After, RowsOf};
pub use understory_sql::migration::Migrate;

#[cfg(test)]
mod tests;
