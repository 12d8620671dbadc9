use serde_json::Value;
use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_all, decode_one};
use crate::event::{NewEvent, StoredEvent, event_insert_in_txn};
use crate::scope::{ProjectKey, json, text};
use crate::{RuntimeError, RuntimeResult, RuntimeStore};

/// The conversation's row tells the next place and the next event's number: whoever adds holds it until both are there.
const TAKE_PLACE: &str = "update conversations set messages = messages + 1, events = events + 1, updated_at = ? \
    where tenant_id = ? and project_id = ? and id = ? returning messages, events";
const INSERT: &str = "insert into messages (tenant_id, project_id, id, conversation_id, position, role, \
    from_sub_agent_id, content, status, visibility, message_type, task_id, parent_message_id, commit_hash, metadata, \
    created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'chat', ?, ?, ?, ?, ?, ?)";
const GET: &str = "select id, conversation_id, position, role, from_sub_agent_id, content, status, visibility, task_id, \
    parent_message_id, commit_hash, metadata, created_at, updated_at from messages \
    where tenant_id = ? and project_id = ? and id = ?";
const AFTER: &str = "select id, conversation_id, position, role, from_sub_agent_id, content, status, visibility, task_id, \
    parent_message_id, commit_hash, metadata, created_at, updated_at from messages \
    where tenant_id = ? and project_id = ? and conversation_id = ? and position > ? order by position limit ?";
const BEFORE: &str = "select id, conversation_id, position, role, from_sub_agent_id, content, status, visibility, task_id, \
    parent_message_id, commit_hash, metadata, created_at, updated_at from messages \
    where tenant_id = ? and project_id = ? and conversation_id = ? and position < ? order by position desc limit ?";
/// Ids are random: their order is one in which a search can go on.
const SEARCH: &str = "select id, conversation_id, position, role, from_sub_agent_id, content, status, visibility, task_id, \
    parent_message_id, commit_hash, metadata, created_at, updated_at from messages \
    where tenant_id = ? and project_id = ? and id > ? and lower(cast(content as text)) like ? escape '!' \
    order by id limit ?";
const COMMITS: &str = "select distinct commit_hash from messages \
    where tenant_id = ? and project_id = ? and commit_hash is not null";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[TAKE_PLACE, INSERT, GET, AFTER, BEFORE, SEARCH, COMMITS];

/// The visibility of messages that people see.
pub const USER_FACING: &str = "user-facing";

/// A message to be added.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its id, unique in the project.
    pub id: String,
    /// Who says it: user, agent or system.
    pub role: String,
    /// The sub-agent that says it.
    pub from_sub_agent_id: Option<String>,
    /// What is said: an object with text, parts, or both.
    pub content: Value,
    /// Whether all of it is there.
    pub status: String,
    /// The task that it belongs to.
    pub task_id: Option<String>,
    /// The message that it answers.
    pub parent_message_id: Option<String>,
    /// The commit of the configuration that produced it.
    pub commit_hash: Option<String>,
    /// What is known of how it came about.
    pub metadata: Option<Value>,
}

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// The conversation.
    pub conversation_id: String,
    /// Its place there, from 1.
    pub position: i64,
    /// Who says it.
    pub role: String,
    /// The sub-agent that says it.
    pub from_sub_agent_id: Option<String>,
    /// What is said.
    pub content: Value,
    /// Whether all of it is there.
    pub status: String,
    /// Who is to see it: `user-facing`, or `internal` where it was taken over from another platform.
    pub visibility: String,
    /// The task that it belongs to.
    pub task_id: Option<String>,
    /// The message that it answers.
    pub parent_message_id: Option<String>,
    /// The commit of the configuration that produced it.
    pub commit_hash: Option<String>,
    /// What is known of how it came about.
    pub metadata: Option<Value>,
    /// When it was added.
    pub created_at: String,
    /// When anything of it last changed.
    pub updated_at: String,
}

/// A message just added, and the event that tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Added {
    /// The message.
    pub message: Message,
    /// The event.
    pub event: StoredEvent,
}

/// Which messages of a conversation a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// Those after a place, in order.
    After(i64),
    /// Those before a place, the last of them first.
    Before(i64),
}

impl RuntimeStore {
    /// Adds a message at the end of a conversation, and an event that tells of it. None if there is no such
    /// conversation; `Exists` if its id is taken in the project.
    pub async fn message_add(
        &self,
        of: &ProjectKey,
        conversation: &str,
        new: NewMessage,
        event: NewEvent,
    ) -> RuntimeResult<Option<Added>> {
        let (of, conversation) = (of.clone(), conversation.to_owned());
        self.write(move |db| message_add_in_txn(db, &of, &conversation, &new, &event)).await
    }

    /// A message of a project.
    pub async fn message_get(&self, of: &ProjectKey, id: &str) -> RuntimeResult<Option<Message>> {
        let row = of.row([id.into()]);
        self.read(move |db| decode_one(db.query_row(GET, &row)?, decode)).await
    }

    /// At most `limit` messages of a conversation.
    pub async fn message_page(
        &self,
        of: &ProjectKey,
        conversation: &str,
        around: Around,
        limit: u32,
    ) -> RuntimeResult<Vec<Message>> {
        let (sql, place) = match around {
            Around::After(place) => (AFTER, place),
            Around::Before(place) => (BEFORE, place),
        };
        let row = of.row([conversation.into(), place.into(), limit.into()]);
        self.read(move |db| decode_all(db.query(sql, &row)?, decode)).await
    }

    /// At most `limit` messages of a project whose content, as it is stored, holds an ASCII text in whatever case; in
    /// the order of their ids, after one of them.
    pub async fn message_search(
        &self,
        of: &ProjectKey,
        text: &str,
        after: &str,
        limit: u32,
    ) -> RuntimeResult<Vec<Message>> {
        let row = of.row([after.into(), pattern(text).into(), limit.into()]);
        self.read(move |db| decode_all(db.query(SEARCH, &row)?, decode)).await
    }

    /// The commits that messages of a project were produced by.
    pub async fn message_commits(&self, of: &ProjectKey) -> RuntimeResult<Vec<String>> {
        let row = of.row([]);
        self.read(move |db| decode_all(db.query(COMMITS, &row)?, Columns::text)).await
    }
}

pub(crate) fn message_add_in_txn(
    db: &dyn Statements,
    of: &ProjectKey,
    conversation: &str,
    new: &NewMessage,
    event: &NewEvent,
) -> RuntimeResult<Option<Added>> {
    let at = now();
    let take = [&[SqlValue::from(&at)][..], &of.row([conversation.into()])].concat();
    let place = |columns: &mut Columns| Ok((columns.integer()?, columns.integer()?));
    let Some((position, number)) = decode_one(db.query_row(TAKE_PLACE, &take)?, place)? else { return Ok(None) };
    let message = Message {
        id: new.id.clone(),
        conversation_id: conversation.to_owned(),
        position,
        role: new.role.clone(),
        from_sub_agent_id: new.from_sub_agent_id.clone(),
        content: new.content.clone(),
        status: new.status.clone(),
        visibility: USER_FACING.to_owned(),
        task_id: new.task_id.clone(),
        parent_message_id: new.parent_message_id.clone(),
        commit_hash: new.commit_hash.clone(),
        metadata: new.metadata.clone(),
        created_at: at.clone(),
        updated_at: at,
    };
    let taken = |error: understory_sql::SqlError| match error.is_unique() {
        true => RuntimeError::Exists { what: format!("message {}", message.id) },
        false => error.into(),
    };
    db.execute(INSERT, &of.row(cells(&message))).map_err(taken)?;
    let event = StoredEvent { number, data: event.data.clone(), is_final: event.is_final };
    event_insert_in_txn(db, of, conversation, &event)?;
    Ok(Some(Added { message, event }))
}

/// What `like` compares with to find a text anywhere.
fn pattern(text: &str) -> String {
    let escaped = text.to_ascii_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}

fn cells(message: &Message) -> [SqlValue; 14] {
    [
        (&message.id).into(),
        (&message.conversation_id).into(),
        message.position.into(),
        (&message.role).into(),
        text(&message.from_sub_agent_id),
        message.content.to_string().into(),
        (&message.status).into(),
        (&message.visibility).into(),
        text(&message.task_id),
        text(&message.parent_message_id),
        text(&message.commit_hash),
        json(&message.metadata),
        (&message.created_at).into(),
        (&message.updated_at).into(),
    ]
}

fn decode(columns: &mut Columns) -> RuntimeResult<Message> {
    Ok(Message {
        id: columns.text()?,
        conversation_id: columns.text()?,
        position: columns.integer()?,
        role: columns.text()?,
        from_sub_agent_id: columns.text_or_null()?,
        content: columns.json()?,
        status: columns.text()?,
        visibility: columns.text()?,
        task_id: columns.text_or_null()?,
        parent_message_id: columns.text_or_null()?,
        commit_hash: columns.text_or_null()?,
        metadata: columns.json_or_null()?,
        created_at: columns.text()?,
        updated_at: columns.text()?,
    })
}
