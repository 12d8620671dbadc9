//! Understory: the data layer under AI agents, as a library.
//!
//! [`Understory`] opens a data directory; [`Understory::project`] looks a project up for a principal and answers a
//! [`Project`], the proof that the principal may work on it. The HTTP server, the command line and programs that
//! embed this crate all go through here and pass the same checks.
//!
//! ```
//! use understory::{Options, Principal, Understory, WriteOptions};
//! use understory::model::{Row, Value};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! # let dir = tempfile::tempdir()?;
//! let app = Understory::open(Options::new(dir.path())).await?;
//! let ana = Principal::system();
//! let body = serde_json::json!({ "id": "demo", "name": "Demo", "models": { "base": { "model": "m" } } });
//! let project = app.project_create(&ana, "acme", body, WriteOptions::default()).await?.value;
//!
//! // Several changes, one commit: all of them or none.
//! let written = project
//!     .with_ref("main", "Add two tools", |draft| {
//!         let tool = draft.model().entity("tool").cloned().ok_or("the model has tools")?;
//!         for id in ["weather", "news"] {
//!             let row = Row::new()
//!                 .with("tenant_id", "acme")
//!                 .with("project_id", "demo")
//!                 .with("id", id)
//!                 .with("name", id)
//!                 .with("config", serde_json::json!({ "type": "mcp", "mcp": { "server": { "url": "http://x" } } }))
//!                 .with("credential_scope", "project")
//!                 .with("is_work_app", false);
//!             draft.put(&tool, row);
//!         }
//!         Ok(())
//!     })
//!     .await?;
//! assert_eq!(written.commit.map(|commit| commit.meta.message), Some("Add two tools".to_owned()));
//! assert_eq!(project.view("main").await?.snapshot.table("tool").len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access;
mod action;
mod app;
mod attendant;
mod backup;
mod batch;
mod behaviour;
mod branch;
mod bundle;
mod changes;
mod conflict;
mod conversation;
mod copy;
mod doctor;
mod document;
mod earlier;
mod error;
mod etag;
pub mod files;
mod full;
mod generation;
mod health;
mod history;
mod home;
mod housekeeping;
mod idempotency;
mod lifecycle;
mod lock;
mod merge;
mod migrate;
mod names;
mod naming;
mod operations;
mod people;
mod project;
mod routes;
mod row_history;
mod rows;
mod simple;
mod stores;
mod undo;
mod write;

pub use access::{Wanted, authorize};
pub use action::{Action, Answer, Call, DEFAULT_LIMIT, MAX_LIMIT, Paging, list_parameters, with_columns};
pub use app::{MAX_BRANCHES, Options, Understory};
pub use backup::{BackupReport, restore};
pub use batch::BatchOperation;
pub use behaviour::{Form, describe};
pub use bundle::{Applied, RefMoved};
pub use changes::{Changes, FieldChange, FieldSource, LineSource, RowChange, Source};
pub use conflict::{WireChoice, WireResolution};
pub use conversation::{
    AgentAt, ConversationChange, ConversationRequest, ConversationStatus, FeedbackChange, FeedbackKind,
    FeedbackRequest, MessagePage, MessageRequest, MessagesWanted, Speaker, Subscription, text_of,
};
pub use copy::{CopyProgress, CopyReport, CopyRequest, LeftOut, Place, ProjectCopied, Servers, TableCopied, copy};
pub use doctor::{Diagnosis, Finding, FindingKind};
pub use error::{Error, Result, whole_seconds};
pub use etag::etag_of;
pub use full::Document;
pub use generation::Exchange;
pub use health::{Health, StoreHealth};
pub use history::{Cursor, Entry, LogQuery, Paged, RowEvent};
pub use home::HOME_TENANT;
pub use housekeeping::{Collected, Stats, UNDO_KEPT};
pub use idempotency::{Idempotent, Outcome, StoredAnswer};
pub use lock::{LockError, Server};
pub use merge::{Author, MergeOutcome, MergeRequest, Preview};
pub use migrate::{Pending, applied_migrations, pending_before_open};
pub use operations::{Kind as OperationKind, Operation, Undone};
pub use project::{Project, View};
pub use routes::{Params, Route, Verb, routes};
pub use row_history::{cursor, limit, outcome};
pub use simple::{AgentBody, AgentConfiguration, AgentState, Answered, Capability, Question, TaskRequest};
pub use stores::MixedStores;
pub use understory_auth::{
    Access, ApiKeys, AuthError, KeyRequest, KeyVerb, Keys, Limits, NewPerson, OrgRole, Origin, People, PeopleSettings,
    Permission, PersonChange, PersonDetails, Principal, PrincipalKind, ProjectRole, Rate, Registration, Secret,
    ServerRole, SignIn, Target,
};
pub use understory_llm as llm;
pub use understory_manage as manage;
pub use understory_model as model;
pub use understory_runtime::{
    AuditEntry, Conversation, ConversationFilter, Feedback, FeedbackFilter, KeyRecord, Membership, Message, ProjectKey,
    RuntimeError, Start, StoredEvent, USER_FACING, User,
};
pub use understory_sql as sql;
pub use understory_sql::postgres::{POOL_SIZE, PoolStatus, ServerUrl};
pub use undo::{Bring, Restore};
pub use write::{WriteOptions, Written};
