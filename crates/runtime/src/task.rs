use serde_json::Value;
use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_one};
use crate::scope::{ProjectKey, json};
use crate::{RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into tasks \
    (tenant_id, project_id, id, agent_id, sub_agent_id, context_id, ref, status, metadata, created_at, updated_at) \
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const GET: &str = "select id, agent_id, sub_agent_id, context_id, ref, status, metadata, created_at, updated_at \
    from tasks where tenant_id = ? and project_id = ? and id = ?";
const END: &str = "update tasks set status = ?, updated_at = ? \
    where tenant_id = ? and project_id = ? and id = ? and status = 'working'";
/// The same for the task that a message belongs to, if it does.
const END_OF_MESSAGE: &str = "update tasks set status = ?, updated_at = ? \
    where tenant_id = ? and project_id = ? and id = (select task_id from messages \
    where messages.tenant_id = tasks.tenant_id and messages.project_id = tasks.project_id and messages.id = ?) \
    and status = 'working'";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, GET, END, END_OF_MESSAGE];

/// Work that an agent was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// The agent.
    pub agent_id: String,
    /// The sub-agent that does it.
    pub sub_agent_id: String,
    /// The conversation in which it is done.
    pub conversation_id: String,
    /// What the conversation followed or was pinned to.
    pub reference: Option<Value>,
    /// How it stands: working, completed, failed or canceled.
    pub status: String,
    /// What was asked for.
    pub metadata: Option<Value>,
    /// When it was given.
    pub created_at: String,
    /// When it last changed.
    pub updated_at: String,
}

impl RuntimeStore {
    /// Stores a task; its id is not taken.
    pub async fn task_create(&self, of: &ProjectKey, task: &Task) -> RuntimeResult<()> {
        let row = of.row([
            (&task.id).into(),
            (&task.agent_id).into(),
            (&task.sub_agent_id).into(),
            (&task.conversation_id).into(),
            json(&task.reference),
            (&task.status).into(),
            json(&task.metadata),
            (&task.created_at).into(),
            (&task.updated_at).into(),
        ]);
        self.write_one(move |db| Ok(db.execute(INSERT, &row).map(drop)?)).await
    }

    /// A task of a project.
    pub async fn task_get(&self, of: &ProjectKey, id: &str) -> RuntimeResult<Option<Task>> {
        let row = of.row([id.into()]);
        self.read(move |db| decode_one(db.query_row(GET, &row)?, decode)).await
    }

    /// Says how a task ended, unless it had ended before.
    pub async fn task_end(&self, of: &ProjectKey, id: &str, status: &str) -> RuntimeResult<()> {
        let row = [&[status.into(), SqlValue::from(now())][..], &of.row([id.into()])].concat();
        self.write_one(move |db| Ok(db.execute(END, &row).map(drop)?)).await
    }
}

/// How a task ends whose answer ended like this.
pub fn task_status(answer: &str) -> &'static str {
    match answer {
        "complete" => "completed",
        "stopped" => "canceled",
        _ => "failed",
    }
}

/// Ends the task that an answer belongs to, if it does, as the answer ended.
pub(crate) fn task_end_in_txn(db: &dyn Statements, of: &ProjectKey, message: &str, answer: &str) -> RuntimeResult<()> {
    let row = [&[task_status(answer).into(), SqlValue::from(now())][..], &of.row([message.into()])].concat();
    db.execute(END_OF_MESSAGE, &row)?;
    Ok(())
}

fn decode(columns: &mut Columns) -> RuntimeResult<Task> {
    Ok(Task {
        id: columns.text()?,
        agent_id: columns.text()?,
        sub_agent_id: columns.text()?,
        conversation_id: columns.text()?,
        reference: columns.json_or_null()?,
        status: columns.text()?,
        metadata: columns.json_or_null()?,
        created_at: columns.text()?,
        updated_at: columns.text()?,
    })
}
