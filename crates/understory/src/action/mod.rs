//! What routes within a project do: pure functions over rows, the same for HTTP, batches and the library.

mod association;
mod crud;
mod lists;
mod page;
mod questions;

use std::collections::BTreeMap;
use std::sync::Arc;

use understory_manage::{Draft, Snapshot};
use understory_model::{Entity, Value};

use crate::document;
use crate::routes::Params;
use crate::{Error, Result};

pub use association::with_columns;
pub use crud::list_parameters;
pub(crate) use crud::{Replaced, found_key, named_key, replace, within};
pub(crate) use lists::write_all as write_lists;
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, Paging};

/// What an operation answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body; null for none.
    pub body: Value,
    /// Names of keys in the request that mean nothing here.
    pub unknown: Vec<String>,
}

impl Answer {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self { status, body, unknown: Vec::new() }
    }

    /// `{data: …}` with a status.
    pub(crate) fn data(status: u16, data: Value) -> Self {
        // Moved in: `json!` would copy it.
        Self::new(status, Value::Object([("data".to_owned(), data)].into_iter().collect()))
    }

    /// 204.
    pub(crate) fn empty() -> Self {
        Self::new(204, Value::Null)
    }

    pub(crate) fn with_unknown(mut self, unknown: Vec<String>) -> Self {
        self.unknown = unknown;
        self
    }
}

/// Keys of a body that mean nothing to a route that takes these.
fn unknown_keys(body: &Value, known: &[&str]) -> Vec<String> {
    let keys = body.as_object().into_iter().flat_map(serde_json::Map::keys);
    keys.filter(|key| !known.contains(&key.as_str())).cloned().collect()
}

/// What reads and writes are called with.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// Values of the path's placeholders.
    pub params: Params,
    /// Query parameters.
    pub query: BTreeMap<String, String>,
    /// The body; null for none.
    pub body: Value,
    /// Address of this server, for links in answers.
    pub base_url: String,
}

impl Call {
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }
}

/// What a route does.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names are those of the routes in docs/ENTITY-FILES.md")]
pub enum Action {
    List(Arc<Entity>),
    Create(Arc<Entity>),
    CreateMany(Arc<Entity>),
    Get(Arc<Entity>),
    Update(Arc<Entity>),
    Delete(Arc<Entity>),
    History(Arc<Entity>),
    Blame(Arc<Entity>),
    Restore(Arc<Entity>),
    PairCreate(Arc<Entity>),
    PairDelete(Arc<Entity>),
    PairExists(Arc<Entity>),
    ListByLeft(Arc<Entity>),
    Associations(Arc<Entity>),
    RelationsByRight(Arc<Entity>),
    NestedList(Arc<Entity>),
    NestedAdd(Arc<Entity>),
    SetList(Arc<Entity>),
    SetAdd(Arc<Entity>),
    SetReplace(Arc<Entity>),
    SetRemove(Arc<Entity>),
    AgentCreate,
    AgentGet,
    AgentPut,
    AgentDelete,
    RelatedAgents,
    ToolStatus,
    EvaluatorsBatch,
    EvaluatorScopes,
}

impl Action {
    /// Whether it leaves everything as it is.
    pub fn is_read(&self) -> bool {
        matches!(
            self,
            Self::List(_)
                | Self::Get(_)
                | Self::History(_)
                | Self::Blame(_)
                | Self::PairExists(_)
                | Self::ListByLeft(_)
                | Self::Associations(_)
                | Self::RelationsByRight(_)
                | Self::NestedList(_)
                | Self::SetList(_)
                | Self::AgentGet
                | Self::RelatedAgents
                | Self::ToolStatus
                | Self::EvaluatorsBatch
                | Self::EvaluatorScopes
        )
    }

    /// The entity that it works on, if it is generic.
    pub fn entity(&self) -> Option<&Arc<Entity>> {
        match self {
            Self::List(entity)
            | Self::Create(entity)
            | Self::CreateMany(entity)
            | Self::Get(entity)
            | Self::Update(entity)
            | Self::Delete(entity)
            | Self::History(entity)
            | Self::Blame(entity)
            | Self::Restore(entity)
            | Self::PairCreate(entity)
            | Self::PairDelete(entity)
            | Self::PairExists(entity)
            | Self::ListByLeft(entity)
            | Self::Associations(entity)
            | Self::RelationsByRight(entity)
            | Self::NestedList(entity)
            | Self::NestedAdd(entity)
            | Self::SetList(entity)
            | Self::SetAdd(entity)
            | Self::SetReplace(entity)
            | Self::SetRemove(entity) => Some(entity),
            _ => None,
        }
    }

    /// Answers from the rows of one commit.
    pub fn read(&self, model: &understory_model::Model, rows: &Snapshot, call: &Call) -> Result<Answer> {
        match self {
            Self::List(entity) => crud::list(model, entity, rows, call),
            Self::Get(entity) => crud::get(entity, rows, call),
            Self::PairExists(entity) => association::exists(entity, rows, call),
            Self::ListByLeft(entity) => association::list_by_left(model, entity, rows, call),
            Self::Associations(entity) => association::associations(model, entity, rows, call),
            Self::RelationsByRight(entity) => association::relations_by_right(model, entity, rows, call),
            Self::NestedList(entity) => association::nested_list(entity, rows, call),
            Self::SetList(entity) => association::set_list(entity, rows, call),
            Self::AgentGet => document::agent_get(model, rows, call),
            Self::RelatedAgents => questions::related_agents(model, rows, call),
            Self::ToolStatus => questions::tool_status(rows, call),
            Self::EvaluatorsBatch => questions::evaluators_batch(model, rows, call),
            Self::EvaluatorScopes => questions::evaluator_scopes(rows, call),
            Self::History(_) | Self::Blame(_) => Err(Error::BadRequest("one commit has no history".into())),
            _ => Err(Error::BadRequest("this operation writes; it cannot be read".into())),
        }
    }

    /// Edits a draft and answers from it.
    pub fn write(&self, draft: &mut Draft, call: &Call) -> Result<Answer> {
        match self {
            Self::Create(entity) => crud::create(entity, draft, call),
            Self::CreateMany(entity) => crud::create_many(entity, draft, call),
            Self::Update(entity) => crud::update(entity, draft, call),
            Self::Delete(entity) => crud::delete(entity, draft, call),
            Self::PairCreate(entity) => association::pair_create(entity, draft, call),
            Self::PairDelete(entity) => association::pair_delete(entity, draft, call),
            Self::NestedAdd(entity) => association::nested_add(entity, draft, call),
            Self::SetAdd(entity) => association::set_add(entity, draft, call),
            Self::SetReplace(entity) => association::set_replace(entity, draft, call),
            Self::SetRemove(entity) => association::set_remove(entity, draft, call),
            Self::AgentCreate => document::agent_create(draft, call),
            Self::AgentPut => document::agent_put(draft, call),
            Self::AgentDelete => document::agent_delete(draft, call),
            Self::Restore(_) => Err(Error::BadRequest("a row is restored by a request of its own".into())),
            _ => Err(Error::BadRequest("this operation only reads".into())),
        }
    }

    /// The representation that `If-Match` on a write speaks of: what a GET of the same resource answers.
    pub(crate) fn current(&self, model: &understory_model::Model, rows: &Snapshot, call: &Call) -> Option<Value> {
        let answer = match self {
            Self::Update(entity) | Self::Delete(entity) => crud::get(entity, rows, call),
            Self::AgentPut | Self::AgentDelete => document::agent_get(model, rows, call),
            Self::SetAdd(entity) | Self::SetReplace(entity) | Self::SetRemove(entity) => {
                association::set_list(entity, rows, call)
            }
            _ => return None,
        };
        answer.ok().map(|answer| answer.body)
    }

    /// What a commit of it says: `Update tool weather`.
    pub fn message(&self, call: &Call) -> String {
        let id = call.params.iter().find(|(name, _)| self.is_id(name)).map(|(_, id)| id.as_str());
        let id = id.or_else(|| call.body.get("id").and_then(Value::as_str)).unwrap_or_default();
        let title = self.entity().map_or_else(|| "agent".to_owned(), |entity| entity.title());
        let verb = match self {
            Self::Create(_) | Self::AgentCreate => "Create",
            Self::CreateMany(_) | Self::PairCreate(_) | Self::NestedAdd(_) | Self::SetAdd(_) => "Add",
            Self::Delete(_) | Self::AgentDelete => "Delete",
            Self::PairDelete(_) | Self::SetRemove(_) => "Remove",
            Self::SetReplace(_) => "Set",
            _ => "Update",
        };
        format!("{verb} {title} {id}").trim_end().to_owned()
    }

    fn is_id(&self, param: &str) -> bool {
        match self {
            Self::AgentPut | Self::AgentDelete => param == "agentId",
            Self::Update(entity) | Self::Delete(entity) => {
                entity.crud.as_ref().is_some_and(|crud| crud.id_param == param)
            }
            _ => self
                .entity()
                .and_then(|entity| entity.association.as_ref())
                .is_some_and(|association| association.right.param == param),
        }
    }
}
