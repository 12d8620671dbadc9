use serde_json::Value;
use understory_model::id::made_id;
use understory_model::now;
use understory_sql::SqlValue;

use crate::columns::{Columns, decode_all, decode_one};
use crate::conversation::{ProjectKey, json, text};
use crate::{RuntimeResult, RuntimeStore};

/// The conversation's row tells the next place: whoever adds holds it until the message is there.
const TAKE_PLACE: &str = "update conversations set messages = messages + 1, updated_at = ? \
    where tenant_id = ? and project_id = ? and id = ? returning messages";
const INSERT: &str = "insert into messages (tenant_id, project_id, id, conversation_id, position, role, content, \
    visibility, message_type, task_id, parent_message_id, commit_hash, metadata, created_at, updated_at) \
    values (?, ?, ?, ?, ?, ?, ?, 'user-facing', 'chat', ?, ?, ?, ?, ?, ?)";
const GET: &str = "select id, conversation_id, position, role, content, task_id, parent_message_id, commit_hash, \
    metadata, created_at, updated_at from messages where tenant_id = ? and project_id = ? and id = ?";
const AFTER: &str = "select id, conversation_id, position, role, content, task_id, parent_message_id, commit_hash, \
    metadata, created_at, updated_at from messages \
    where tenant_id = ? and project_id = ? and conversation_id = ? and position > ? order by position limit ?";
const BEFORE: &str = "select id, conversation_id, position, role, content, task_id, parent_message_id, commit_hash, \
    metadata, created_at, updated_at from messages \
    where tenant_id = ? and project_id = ? and conversation_id = ? and position < ? order by position desc limit ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[TAKE_PLACE, INSERT, GET, AFTER, BEFORE];

/// A message to be added.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Who says it: user, agent or system.
    pub role: String,
    /// What is said: text, or parts.
    pub content: Value,
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
    /// What is said.
    pub content: Value,
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

/// Which messages of a conversation a page has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// Those after a place, in order.
    After(i64),
    /// Those before a place, the last of them first.
    Before(i64),
}

impl RuntimeStore {
    /// Adds a message at the end of a conversation. None if there is no such conversation.
    pub async fn message_add(
        &self,
        of: &ProjectKey,
        conversation: &str,
        new: NewMessage,
    ) -> RuntimeResult<Option<Message>> {
        let at = now();
        let message = Message {
            id: made_id(),
            conversation_id: conversation.to_owned(),
            position: 0,
            role: new.role,
            content: new.content,
            task_id: new.task_id,
            parent_message_id: new.parent_message_id,
            commit_hash: new.commit_hash,
            metadata: new.metadata,
            created_at: at.clone(),
            updated_at: at,
        };
        let of = of.clone();
        self.write(move |db| {
            let place = [&[(&message.updated_at).into()][..], &of.row([(&message.conversation_id).into()])].concat();
            let Some(position) = decode_one(db.query_row(TAKE_PLACE, &place)?, Columns::integer)? else {
                return Ok(None);
            };
            let message = Message { position, ..message.clone() };
            db.execute(INSERT, &of.row(cells(&message)))?;
            Ok(Some(message))
        })
        .await
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
}

fn cells(message: &Message) -> [SqlValue; 11] {
    [
        (&message.id).into(),
        (&message.conversation_id).into(),
        message.position.into(),
        (&message.role).into(),
        message.content.to_string().into(),
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
        content: columns.json()?,
        task_id: columns.text_or_null()?,
        parent_message_id: columns.text_or_null()?,
        commit_hash: columns.text_or_null()?,
        metadata: columns.json_or_null()?,
        created_at: columns.text()?,
        updated_at: columns.text()?,
    })
}
