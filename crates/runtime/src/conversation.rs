use serde_json::Value;
use understory_model::now;
use understory_sql::{SqlError, SqlValue};

use crate::columns::{Columns, decode_all, decode_one};
use crate::{RuntimeError, RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into conversations (tenant_id, project_id, id, agent_id, active_sub_agent_id, user_id, \
    title, ref, messages, metadata, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)";
const GET: &str = "select id, agent_id, active_sub_agent_id, user_id, title, ref, messages, metadata, archived_at, \
    created_at, updated_at from conversations where tenant_id = ? and project_id = ? and id = ?";
/// The newest first, after a place; an empty text stands for any agent.
const PAGE: &str = "select id, agent_id, active_sub_agent_id, user_id, title, ref, messages, metadata, archived_at, \
    created_at, updated_at from conversations \
    where tenant_id = ? and project_id = ? and (? = '' or agent_id = ?) and (updated_at, id) < (?, ?) \
    order by updated_at desc, id desc limit ?";
const ARCHIVE: &str = "update conversations set archived_at = ?, updated_at = ? \
    where tenant_id = ? and project_id = ? and id = ? and archived_at is null";
const DELETE_MESSAGES: &str = "delete from messages where tenant_id = ? and project_id = ? and conversation_id = ?";
const DELETE: &str = "delete from conversations where tenant_id = ? and project_id = ? and id = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, GET, PAGE, ARCHIVE, DELETE_MESSAGES, DELETE];

/// Comes after every timestamp and id: where the first page begins.
const NEWEST: (&str, &str) = ("9999-12-31 23:59:59.999", "");

/// The project that a conversation is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectKey {
    /// The tenant.
    pub tenant: String,
    /// The project.
    pub project: String,
}

/// A conversation to be begun.
#[derive(Clone, Debug)]
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
    /// What applications keep with it.
    pub metadata: Option<Value>,
    /// When it was put aside.
    pub archived_at: Option<String>,
    /// When it began.
    pub created_at: String,
    /// When anything last happened in it.
    pub updated_at: String,
}

impl ProjectKey {
    pub(crate) fn row<const N: usize>(&self, more: [SqlValue; N]) -> Vec<SqlValue> {
        [(&self.tenant).into(), (&self.project).into()].into_iter().chain(more).collect()
    }
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
            metadata: new.metadata,
            archived_at: None,
            created_at: at.clone(),
            updated_at: at,
        };
        let Conversation { id, agent_id, active_sub_agent_id, user_id, title, created_at, updated_at, .. } =
            &conversation;
        let row = of.row([
            id.into(),
            text(agent_id),
            active_sub_agent_id.into(),
            text(user_id),
            text(title),
            json(&conversation.reference),
            json(&conversation.metadata),
            created_at.into(),
            updated_at.into(),
        ]);
        let what = format!("conversation {id}");
        self.write(move |db| db.execute(INSERT, &row).map(drop).map_err(|error| taken(error, &what))).await?;
        Ok(conversation)
    }

    /// A conversation of a project.
    pub async fn conversation_get(&self, of: &ProjectKey, id: &str) -> RuntimeResult<Option<Conversation>> {
        let row = of.row([id.into()]);
        self.read(move |db| decode_one(db.query_row(GET, &row)?, decode)).await
    }

    /// At most `limit` conversations of a project, or of an agent in it, those last touched first, after one of them.
    pub async fn conversation_page(
        &self,
        of: &ProjectKey,
        agent: Option<&str>,
        after: Option<&Conversation>,
        limit: u32,
    ) -> RuntimeResult<Vec<Conversation>> {
        let agent = agent.unwrap_or_default();
        let (at, id) = after.map_or(NEWEST, |last| (&last.updated_at, &last.id));
        let row = of.row([agent.into(), agent.into(), at.into(), id.into(), limit.into()]);
        self.read(move |db| decode_all(db.query(PAGE, &row)?, decode)).await
    }

    /// Puts a conversation aside; the first time of several counts. None if there is none.
    pub async fn conversation_archive(&self, of: &ProjectKey, id: &str) -> RuntimeResult<Option<Conversation>> {
        let key = of.row([id.into()]);
        self.write(move |db| {
            let at = SqlValue::from(now());
            db.execute(ARCHIVE, &[&[at.clone(), at][..], &key].concat())?;
            decode_one(db.query_row(GET, &key)?, decode)
        })
        .await
    }

    /// Deletes a conversation with all that was said in it; whether it was there.
    pub async fn conversation_delete(&self, of: &ProjectKey, id: &str) -> RuntimeResult<bool> {
        let key = of.row([id.into()]);
        self.write(move |db| {
            db.execute(DELETE_MESSAGES, &key)?;
            Ok(db.execute(DELETE, &key)? > 0)
        })
        .await
    }
}

pub(crate) fn text(text: &Option<String>) -> SqlValue {
    text.as_ref().map_or(SqlValue::Null, SqlValue::from)
}

pub(crate) fn json(value: &Option<Value>) -> SqlValue {
    value.as_ref().map_or(SqlValue::Null, |value| value.to_string().into())
}

fn taken(error: SqlError, what: &str) -> RuntimeError {
    if error.is_unique() { RuntimeError::Exists { what: what.to_owned() } } else { error.into() }
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
        metadata: columns.json_or_null()?,
        archived_at: columns.text_or_null()?,
        created_at: columns.text()?,
        updated_at: columns.text()?,
    })
}
