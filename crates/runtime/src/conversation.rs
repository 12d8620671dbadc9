use serde_json::Value;
use understory_model::now;
use understory_sql::{SqlError, SqlValue, Statements};

use crate::audit::{AuditEntry, audit_in_txn};
use crate::columns::{Columns, decode_all, decode_one};
use crate::scope::{ProjectKey, json, text};
use crate::{RuntimeError, RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into conversations (tenant_id, project_id, id, agent_id, active_sub_agent_id, user_id, \
    title, ref, messages, events, metadata, user_properties, properties, created_at, updated_at) \
    values (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?, ?, ?)";
const GET: &str = "select id, agent_id, active_sub_agent_id, user_id, title, ref, messages, events, metadata, \
    user_properties, properties, archived_at, created_at, updated_at from conversations \
    where tenant_id = ? and project_id = ? and id = ?";
/// The newest first, after a place; an empty text stands for any agent, any user, or any state.
const PAGE: &str = "select id, agent_id, active_sub_agent_id, user_id, title, ref, messages, events, metadata, \
    user_properties, properties, archived_at, created_at, updated_at from conversations \
    where tenant_id = ? and project_id = ? and (? = '' or agent_id = ?) and (? = '' or user_id = ?) \
    and (? = '' or (case when archived_at is null then 'active' else 'archived' end) = ?) \
    and (updated_at, id) < (?, ?) order by updated_at desc, id desc limit ? offset ?";
const COUNT: &str = "select count(*) from conversations \
    where tenant_id = ? and project_id = ? and (? = '' or agent_id = ?) and (? = '' or user_id = ?) \
    and (? = '' or (case when archived_at is null then 'active' else 'archived' end) = ?)";
const UPDATE: &str = "update conversations set title = ?, ref = ?, metadata = ?, archived_at = ?, updated_at = ? \
    where tenant_id = ? and project_id = ? and id = ?";
const REFS: &str = "select ref from conversations where tenant_id = ? and project_id = ? and ref is not null";

/// What goes with a conversation, in an order in which nothing is left that names what is gone.
const DELETE: &[&str] = &[
    "delete from generations where tenant_id = ? and project_id = ? and conversation_id = ?",
    "delete from stream_chunks where tenant_id = ? and project_id = ? and conversation_id = ?",
    "delete from feedback where tenant_id = ? and project_id = ? and conversation_id = ?",
    "delete from tasks where tenant_id = ? and project_id = ? and context_id = ?",
    "delete from messages where tenant_id = ? and project_id = ? and conversation_id = ?",
    "delete from conversations where tenant_id = ? and project_id = ? and id = ?",
];
/// The same for all conversations of a project.
const DELETE_ALL: &[&str] = &[
    "delete from generations where tenant_id = ? and project_id = ?",
    "delete from stream_chunks where tenant_id = ? and project_id = ?",
    "delete from feedback where tenant_id = ? and project_id = ?",
    "delete from tasks where tenant_id = ? and project_id = ?",
    "delete from messages where tenant_id = ? and project_id = ?",
    "delete from conversations where tenant_id = ? and project_id = ?",
    "delete from audit where tenant_id = ? and project_id = ?",
];

#[cfg(test)]
pub(crate) fn sql() -> Vec<&'static str> {
    [&[INSERT, GET, PAGE, COUNT, UPDATE, REFS], DELETE, DELETE_ALL].concat()
}

/// Comes after every timestamp and id: where the first page begins.
const NEWEST: (&str, &str) = ("9999-12-31 23:59:59.999", "");

/// A conversation to be begun.
#[derive(Clone, Debug, Default)]
pub struct NewConversation {
    /// Its id, unique in the project.
    pub id: String,
    /// The agent that answers.
    pub agent_id: Option<String>,
    /// The sub-agent that has the word first.
    pub active_sub_agent_id: String,
    /// Whose it is.
    pub user_id: Option<String>,
    /// What people call it.
    pub title: Option<String>,
    /// The branch that it follows, or the commit that it is pinned to.
    pub reference: Option<Value>,
    /// What applications keep with it.
    pub metadata: Option<Value>,
    /// What is known of the user.
    pub user_properties: Option<Value>,
    /// What is known of the conversation.
    pub properties: Option<Value>,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// The agent that answers.
    pub agent_id: Option<String>,
    /// The sub-agent that has the word.
    pub active_sub_agent_id: String,
    /// Whose it is.
    pub user_id: Option<String>,
    /// What people call it.
    pub title: Option<String>,
    /// The branch that it follows, or the commit that it is pinned to.
    pub reference: Option<Value>,
    /// How many messages it has had.
    pub messages: i64,
    /// How many events it has had.
    pub events: i64,
    /// What applications keep with it.
    pub metadata: Option<Value>,
    /// What is known of the user.
    pub user_properties: Option<Value>,
    /// What is known of the conversation.
    pub properties: Option<Value>,
    /// When it was put aside.
    pub archived_at: Option<String>,
    /// When it began.
    pub created_at: String,
    /// When anything last happened in it.
    pub updated_at: String,
}

/// Which conversations are wanted; what is empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct ConversationFilter {
    /// With this agent.
    pub agent_id: String,
    /// Of this user.
    pub user_id: String,
    /// `active` or `archived`.
    pub state: String,
}

impl ConversationFilter {
    fn row(&self, of: &ProjectKey) -> Vec<SqlValue> {
        let Self { agent_id, user_id, state } = self;
        of.row([agent_id, agent_id, user_id, user_id, state, state].map(Into::into))
    }
}

/// Where a page of conversations begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// After so many.
    Skip(u32),
    /// After the conversation that was last touched then and has this id.
    After(String, String),
}

impl RuntimeStore {
    /// Begins a conversation; `Exists` if its id is taken in the project.
    pub async fn conversation_create(&self, of: &ProjectKey, new: NewConversation) -> RuntimeResult<Conversation> {
        let at = now();
        let conversation = Conversation {
            id: new.id,
            agent_id: new.agent_id,
            active_sub_agent_id: new.active_sub_agent_id,
            user_id: new.user_id,
            title: new.title,
            reference: new.reference,
            messages: 0,
            events: 0,
            metadata: new.metadata,
            user_properties: new.user_properties,
            properties: new.properties,
            archived_at: None,
            created_at: at.clone(),
            updated_at: at,
        };
        let row = of.row(cells(&conversation));
        self.write_one(move |db| {
            db.execute(INSERT, &row).map_err(|error| taken(error, &conversation.id))?;
            Ok(conversation)
        })
        .await
    }

    /// A conversation of a project.
    pub async fn conversation_get(&self, of: &ProjectKey, id: &str) -> RuntimeResult<Option<Conversation>> {
        let row = of.row([id.into()]);
        self.read(move |db| decode_one(db.query_row(GET, &row)?, decode)).await
    }

    /// At most `limit` conversations of a project, those last touched first.
    pub async fn conversation_page(
        &self,
        of: &ProjectKey,
        filter: &ConversationFilter,
        start: &Start,
        limit: u32,
    ) -> RuntimeResult<Vec<Conversation>> {
        let (at, id, skip) = match start {
            Start::Skip(skip) => (NEWEST.0, NEWEST.1, *skip),
            Start::After(at, id) => (at.as_str(), id.as_str(), 0),
        };
        let row = [&filter.row(of)[..], &[at.into(), id.into(), limit.into(), skip.into()]].concat();
        self.read(move |db| decode_all(db.query(PAGE, &row)?, decode)).await
    }

    /// How many such conversations there are.
    pub async fn conversation_count(&self, of: &ProjectKey, filter: &ConversationFilter) -> RuntimeResult<u64> {
        let row = filter.row(of);
        let count = self.read(move |db| decode_one(db.query_row(COUNT, &row)?, Columns::integer)).await?;
        Ok(count.unwrap_or_default().unsigned_abs())
    }

    /// Changes a conversation's title, ref, metadata or whether it is put aside, and puts that on record if there is an
    /// entry for it. None if there is no such conversation.
    pub async fn conversation_update(
        &self,
        of: &ProjectKey,
        id: &str,
        change: impl Fn(&mut Conversation) -> Option<AuditEntry> + Send + Sync + 'static,
    ) -> RuntimeResult<Option<Conversation>> {
        let (of, key) = (of.clone(), of.row([id.into()]));
        self.write(move |db| {
            let Some(mut conversation) = decode_one(db.query_row(GET, &key)?, decode)? else { return Ok(None) };
            let entry = change(&mut conversation);
            conversation.updated_at = now();
            let changed = [
                text(&conversation.title),
                json(&conversation.reference),
                json(&conversation.metadata),
                text(&conversation.archived_at),
                (&conversation.updated_at).into(),
            ];
            db.execute(UPDATE, &[&changed[..], &key].concat())?;
            if let Some(entry) = entry {
                audit_in_txn(db, &of, &entry)?;
            }
            Ok(Some(conversation))
        })
        .await
    }

    /// Deletes a conversation with all that belongs to it; whether it was there.
    pub async fn conversation_delete(&self, of: &ProjectKey, id: &str) -> RuntimeResult<bool> {
        let key = of.row([id.into()]);
        self.write(move |db| {
            let mut rows = 0;
            for sql in DELETE {
                rows = db.execute(sql, &key)?;
            }
            Ok(rows > 0)
        })
        .await
    }

    /// What the conversations of a project follow or are pinned to.
    pub async fn conversation_refs(&self, of: &ProjectKey) -> RuntimeResult<Vec<Value>> {
        let row = of.row([]);
        self.read(move |db| decode_all(db.query(REFS, &row)?, Columns::json)).await
    }
}

/// Deletes all conversations of a project, and what is on record of them.
pub(crate) fn conversations_delete_in_txn(db: &dyn Statements, tenant: &str, project: &str) -> RuntimeResult<()> {
    for sql in DELETE_ALL {
        db.execute(sql, &[tenant.into(), project.into()])?;
    }
    Ok(())
}

fn cells(conversation: &Conversation) -> [SqlValue; 11] {
    [
        (&conversation.id).into(),
        text(&conversation.agent_id),
        (&conversation.active_sub_agent_id).into(),
        text(&conversation.user_id),
        text(&conversation.title),
        json(&conversation.reference),
        json(&conversation.metadata),
        json(&conversation.user_properties),
        json(&conversation.properties),
        (&conversation.created_at).into(),
        (&conversation.updated_at).into(),
    ]
}

fn taken(error: SqlError, id: &str) -> RuntimeError {
    if error.is_unique() { RuntimeError::Exists { what: format!("conversation {id}") } } else { error.into() }
}

fn decode(columns: &mut Columns) -> RuntimeResult<Conversation> {
    Ok(Conversation {
        id: columns.text()?,
        agent_id: columns.text_or_null()?,
        active_sub_agent_id: columns.text()?,
        user_id: columns.text_or_null()?,
        title: columns.text_or_null()?,
        reference: columns.json_or_null()?,
        messages: columns.integer()?,
        events: columns.integer()?,
        metadata: columns.json_or_null()?,
        user_properties: columns.json_or_null()?,
        properties: columns.json_or_null()?,
        archived_at: columns.text_or_null()?,
        created_at: columns.text()?,
        updated_at: columns.text()?,
    })
}
