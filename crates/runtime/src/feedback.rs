use understory_model::id::made_id;
use understory_model::now;
use understory_sql::{SqlError, SqlValue};

use crate::columns::{Columns, decode_all, decode_one};
use crate::scope::{ProjectKey, text};
use crate::{RuntimeError, RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into feedback \
    (tenant_id, project_id, id, conversation_id, message_id, type, details, created_at, updated_at) \
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
const GET: &str = "select id, conversation_id, message_id, type, details, created_at, updated_at from feedback \
    where tenant_id = ? and project_id = ? and id = ?";
/// An empty text stands for any.
const PAGE: &str = "select id, conversation_id, message_id, type, details, created_at, updated_at from feedback \
    where tenant_id = ? and project_id = ? and (? = '' or conversation_id = ?) and (? = '' or message_id = ?) \
    and (? = '' or type = ?) and (? = '' or conversation_id in (select id from conversations \
    where tenant_id = feedback.tenant_id and project_id = feedback.project_id and agent_id = ?)) \
    and created_at between ? and ? order by created_at desc, id desc limit ? offset ?";
const COUNT: &str = "select count(*) from feedback \
    where tenant_id = ? and project_id = ? and (? = '' or conversation_id = ?) and (? = '' or message_id = ?) \
    and (? = '' or type = ?) and (? = '' or conversation_id in (select id from conversations \
    where tenant_id = feedback.tenant_id and project_id = feedback.project_id and agent_id = ?)) \
    and created_at between ? and ?";
const UPDATE: &str = "update feedback set type = ?, details = ?, updated_at = ? \
    where tenant_id = ? and project_id = ? and id = ?";
const DELETE: &str = "delete from feedback where tenant_id = ? and project_id = ? and id = ?";
const DELETE_OF_MESSAGE: &str = "delete from feedback where tenant_id = ? and project_id = ? and message_id = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, GET, PAGE, COUNT, UPDATE, DELETE, DELETE_OF_MESSAGE];

/// What somebody thinks of a message, or of a whole conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// Its id.
    pub id: String,
    /// The conversation.
    pub conversation_id: String,
    /// The message.
    pub message_id: Option<String>,
    /// Positive or negative.
    pub kind: String,
    /// What they say about it.
    pub details: Option<String>,
    /// When it was given.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// Feedback to be stored.
#[derive(Clone, Debug)]
pub struct NewFeedback {
    /// Its id; one is made if there is none.
    pub id: Option<String>,
    /// The conversation.
    pub conversation_id: String,
    /// The message.
    pub message_id: Option<String>,
    /// Positive or negative.
    pub kind: String,
    /// What they say about it.
    pub details: Option<String>,
}

/// Which feedback is wanted; what is empty does not matter.
#[derive(Clone, Debug, Default)]
pub struct FeedbackFilter {
    /// On this conversation.
    pub conversation_id: String,
    /// On this message.
    pub message_id: String,
    /// Positive or negative.
    pub kind: String,
    /// On conversations with this agent.
    pub agent_id: String,
    /// Not given earlier.
    pub since: Option<String>,
    /// Not given later.
    pub until: Option<String>,
}

/// Before and after every time of a row.
const FIRST: &str = "1970-01-01 00:00:00.000";
const LAST: &str = "9999-12-31 23:59:59.999";

impl FeedbackFilter {
    fn row(&self, of: &ProjectKey) -> Vec<SqlValue> {
        let Self { conversation_id, message_id, kind, agent_id, since, until } = self;
        let (since, until) = (since.as_deref().unwrap_or(FIRST), until.as_deref().unwrap_or(LAST));
        let equal = [conversation_id, conversation_id, message_id, message_id, kind, kind, agent_id, agent_id];
        [&of.row(equal.map(Into::into))[..], &[since.into(), until.into()]].concat()
    }
}

impl RuntimeStore {
    /// Stores feedback; `Exists` if its id is taken in the project. Whether what it is on exists is the caller's to know.
    pub async fn feedback_create(&self, of: &ProjectKey, new: NewFeedback) -> RuntimeResult<Feedback> {
        let at = now();
        let feedback = Feedback {
            id: new.id.unwrap_or_else(made_id),
            conversation_id: new.conversation_id,
            message_id: new.message_id,
            kind: new.kind,
            details: new.details,
            created_at: at.clone(),
            updated_at: at,
        };
        let row = of.row([
            (&feedback.id).into(),
            (&feedback.conversation_id).into(),
            text(&feedback.message_id),
            (&feedback.kind).into(),
            text(&feedback.details),
            (&feedback.created_at).into(),
            (&feedback.updated_at).into(),
        ]);
        self.write_one(move |db| {
            db.execute(INSERT, &row).map_err(|error| taken(error, &feedback.id))?;
            Ok(feedback)
        })
        .await
    }

    /// Feedback of a project.
    pub async fn feedback_get(&self, of: &ProjectKey, id: &str) -> RuntimeResult<Option<Feedback>> {
        let row = of.row([id.into()]);
        self.read(move |db| decode_one(db.query_row(GET, &row)?, decode)).await
    }

    /// One page of a project's feedback, the newest first, and how much there is in all. Pages count from 1.
    pub async fn feedback_list(
        &self,
        of: &ProjectKey,
        filter: &FeedbackFilter,
        page: u32,
        limit: u32,
    ) -> RuntimeResult<(Vec<Feedback>, u64)> {
        let wanted = filter.row(of);
        let offset = i64::from(page.saturating_sub(1)).saturating_mul(limit.into());
        self.read_one_state(move |db| {
            let total = decode_one(db.query_row(COUNT, &wanted)?, Columns::integer)?.unwrap_or_default();
            let rows = db.query(PAGE, &[&wanted[..], &[limit.into(), offset.into()]].concat())?;
            Ok((decode_all(rows, decode)?, total.unsigned_abs()))
        })
        .await
    }

    /// Changes what feedback says. None if there is none of this id.
    pub async fn feedback_update(
        &self,
        of: &ProjectKey,
        id: &str,
        kind: &str,
        details: Option<String>,
    ) -> RuntimeResult<Option<Feedback>> {
        let (key, kind) = (of.row([id.into()]), kind.to_owned());
        self.write(move |db| {
            db.execute(UPDATE, &[&[(&kind).into(), text(&details), now().into()][..], &key].concat())?;
            decode_one(db.query_row(GET, &key)?, decode)
        })
        .await
    }

    /// Removes feedback; whether it was there.
    pub async fn feedback_delete(&self, of: &ProjectKey, id: &str) -> RuntimeResult<bool> {
        let row = of.row([id.into()]);
        self.write_one(move |db| Ok(db.execute(DELETE, &row)? > 0)).await
    }

    /// Makes this the only feedback on a message, or leaves none.
    pub async fn feedback_set(
        &self,
        of: &ProjectKey,
        conversation: &str,
        message: &str,
        kind: Option<String>,
    ) -> RuntimeResult<()> {
        let of = of.clone();
        let (conversation, message) = (conversation.to_owned(), message.to_owned());
        self.write(move |db| {
            db.execute(DELETE_OF_MESSAGE, &of.row([(&message).into()]))?;
            let Some(kind) = &kind else { return Ok(()) };
            let (id, at) = (made_id(), now());
            let row = of.row([
                id.into(),
                (&conversation).into(),
                (&message).into(),
                kind.into(),
                text(&None),
                (&at).into(),
                (&at).into(),
            ]);
            Ok(db.execute(INSERT, &row).map(drop)?)
        })
        .await
    }
}

fn taken(error: SqlError, id: &str) -> RuntimeError {
    if error.is_unique() { RuntimeError::Exists { what: format!("feedback {id}") } } else { error.into() }
}

fn decode(columns: &mut Columns) -> RuntimeResult<Feedback> {
    Ok(Feedback {
        id: columns.text()?,
        conversation_id: columns.text()?,
        message_id: columns.text_or_null()?,
        kind: columns.text()?,
        details: columns.text_or_null()?,
        created_at: columns.text()?,
        updated_at: columns.text()?,
    })
}
