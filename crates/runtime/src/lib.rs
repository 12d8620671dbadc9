//! The transactional store: people with their sessions and roles, conversations with their messages and events, answers
//! in the making, feedback, tasks, what agents are doing, tenants, projects, intents, keys, idempotency records, settings,
//! replicas and the earlier hashes of commits.
//!
//! One file per resource. Tables come from `model/runtime/`; queries are typed methods with constant SQL.

mod agent_status;
mod alias;
mod api_key;
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
mod invitation;
mod key;
mod liveness;
mod membership;
mod message;
mod orphan;
mod project;
mod replica;
mod scope;
mod server;
mod session;
mod setting;
mod store;
mod task;
mod tenant;
mod transfer;
mod user;
mod user_profile;

pub use agent_status::AgentStatus;
pub use alias::CommitAlias;
pub use api_key::{ApiKey, ApiKeyChange, NewApiKey, StoredApiKey};
pub use audit::AuditEntry;
pub use conversation::{Conversation, ConversationFilter, NewConversation, Start};
pub use embedded::RUNTIME_FILE;
pub use error::{RuntimeError, RuntimeResult};
pub use event::{NewEvent, StoredEvent};
pub use feedback::{Feedback, FeedbackFilter, NewFeedback};
pub use generation::{Ending, Generation};
pub use idempotency::{Claim, ClaimRequest, StoredAnswer, request_hash};
pub use intent::{Intent, IntentKind, OpenIntent, RefAction, RefChange};
pub use invitation::{Invitation, NewInvitation};
pub use key::{KeyRecord, NewKey, StoredKey};
pub use liveness::Liveness;
pub use membership::{Membership, ProjectMember};
pub use message::{Added, Around, Message, NewMessage, USER_FACING};
pub use orphan::Orphans;
pub use project::{Inventory, ProjectRecord};
pub use scope::ProjectKey;
pub use session::{NewSession, Rotation, Session, SignedIn};
pub use store::RuntimeStore;
pub use task::{Task, task_status};
pub use transfer::{After, RowsOf};
pub use understory_sql::migration::Migrate;
pub use user::{Admission, NewUser, StoredUser, User, UserDetails};
pub use user_profile::UserProfile;

#[cfg(test)]
mod tests;
