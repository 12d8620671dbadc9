use serde_json::Value;
use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_all, decode_one};
use crate::event::{NewEvent, StoredEvent, events_add_in_txn};
use crate::message::{Added, NewMessage, message_add_in_txn};
use crate::scope::{ProjectKey, json};
use crate::task::task_end_in_txn;
use crate::{RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into generations \
    (tenant_id, project_id, id, conversation_id, owner, after_event, created_at, updated_at) \
    values (?, ?, ?, ?, ?, ?, ?, ?)";
const GET: &str = "select tenant_id, project_id, id, conversation_id, after_event, stop_asked_at from generations \
    where tenant_id = ? and project_id = ? and id = ?";
const ASK_TO_STOP: &str = "update generations set stop_asked_at = ?, updated_at = ? \
    where tenant_id = ? and project_id = ? and id = ? and stop_asked_at is null";
const ASKED_TO_STOP: &str = "select tenant_id, project_id, id, conversation_id, after_event, stop_asked_at \
    from generations where owner = ? and stop_asked_at is not null";
const ANSWERING: &str = "select distinct conversations.agent_id from generations join conversations \
    on conversations.tenant_id = generations.tenant_id and conversations.project_id = generations.project_id \
    and conversations.id = generations.conversation_id \
    where generations.tenant_id = ? and generations.project_id = ? and conversations.agent_id is not null";
const LEFT: &str = "select tenant_id, project_id, id, conversation_id, after_event, stop_asked_at from generations \
    where not exists (select 1 from replicas where replicas.id = generations.owner)";
const TAKE_OVER: &str = "update generations set owner = ? where tenant_id = ? and project_id = ? and id = ? \
    and not exists (select 1 from replicas where replicas.id = generations.owner)";
const END: &str = "delete from generations where tenant_id = ? and project_id = ? and id = ? and owner = ?";
const FINISH: &str = "update messages set content = ?, status = ?, metadata = ?, updated_at = ? \
    where tenant_id = ? and project_id = ? and id = ?";
const TOUCH: &str = "update conversations set updated_at = ? where tenant_id = ? and project_id = ? and id = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] =
    &[INSERT, GET, ASK_TO_STOP, ASKED_TO_STOP, ANSWERING, LEFT, TAKE_OVER, END, FINISH, TOUCH];

/// An answer that is being made. It is its owner's while that run is a replica, and then anybody's to end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Generation {
    /// The project.
    pub of: ProjectKey,
    /// The message that it makes.
    pub message_id: String,
    /// The conversation.
    pub conversation_id: String,
    /// The number of the conversation's last event before it.
    pub after_event: i64,
    /// Whether somebody asked for it to stop.
    pub stop_asked: bool,
}

/// How an answer ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The message's content.
    pub content: Value,
    /// The message's status.
    pub status: String,
    /// What is known of how the message came about.
    pub metadata: Option<Value>,
    /// The event that tells of the end, after others that were not stored before.
    pub events: Vec<NewEvent>,
}

impl RuntimeStore {
    /// Adds a message that is to be made, an event that tells of it, and the generation: one transaction. None if there
    /// is no such conversation.
    pub async fn generation_begin(
        &self,
        of: &ProjectKey,
        conversation: &str,
        new: NewMessage,
        event: NewEvent,
    ) -> RuntimeResult<Option<(Generation, Added)>> {
        let (of, conversation, run) = (of.clone(), conversation.to_owned(), self.run().to_owned());
        self.write(move |db| {
            let Some(added) = message_add_in_txn(db, &of, &conversation, &new, &event)? else { return Ok(None) };
            let generation = Generation {
                of: of.clone(),
                message_id: new.id.clone(),
                conversation_id: conversation.clone(),
                after_event: added.event.number,
                stop_asked: false,
            };
            insert_in_txn(db, &generation, &run)?;
            Ok(Some((generation, added)))
        })
        .await
    }

    /// The answer that a message waits for, if it does.
    pub async fn generation_get(&self, of: &ProjectKey, message: &str) -> RuntimeResult<Option<Generation>> {
        let row = of.row([message.into()]);
        self.read(move |db| decode_one(db.query_row(GET, &row)?, decode)).await
    }

    /// Asks for an answer to stop, whichever run makes it; whether there is such an answer.
    pub async fn generation_ask_to_stop(&self, of: &ProjectKey, message: &str) -> RuntimeResult<bool> {
        let key = of.row([message.into()]);
        self.write(move |db| {
            let at = SqlValue::from(now());
            db.execute(ASK_TO_STOP, &[&[at.clone(), at][..], &key].concat())?;
            Ok(decode_one(db.query_row(GET, &key)?, decode)?.is_some())
        })
        .await
    }

    /// The answers of this run that were asked to stop.
    pub async fn generations_asked_to_stop(&self) -> RuntimeResult<Vec<Generation>> {
        let run = [self.run().into()];
        self.read(move |db| decode_all(db.query(ASKED_TO_STOP, &run)?, decode)).await
    }

    /// The agents of a project that are making answers.
    pub async fn agents_answering(&self, of: &ProjectKey) -> RuntimeResult<Vec<String>> {
        let row = of.row([]);
        self.read(move |db| decode_all(db.query(ANSWERING, &row)?, Columns::text)).await
    }

    /// The answers whose run is gone.
    pub async fn generations_left(&self) -> RuntimeResult<Vec<Generation>> {
        self.read(|db| decode_all(db.query(LEFT, &[])?, decode)).await
    }

    /// Makes an answer whose run is gone this run's to end; `false` if another was first.
    pub async fn generation_take_over(&self, left: &Generation) -> RuntimeResult<bool> {
        let row = [&[SqlValue::from(self.run())][..], &left.of.row([(&left.message_id).into()])].concat();
        self.write_one(move |db| Ok(db.execute(TAKE_OVER, &row)? == 1)).await
    }

    /// Gives a message all that it will have, adds the events that tell of it, and removes the generation: one
    /// transaction. None if it is not this run's any more, or its conversation is gone: then nothing is written.
    pub async fn generation_end(
        &self,
        generation: &Generation,
        ending: Ending,
    ) -> RuntimeResult<Option<Vec<StoredEvent>>> {
        let (generation, run) = (generation.clone(), self.run().to_owned());
        self.write(move |db| end_in_txn(db, &generation, &ending, &run)).await
    }
}

pub(crate) fn insert_in_txn(db: &dyn Statements, generation: &Generation, run: &str) -> RuntimeResult<()> {
    let at = SqlValue::from(now());
    let row = generation.of.row([
        (&generation.message_id).into(),
        (&generation.conversation_id).into(),
        run.into(),
        generation.after_event.into(),
        at.clone(),
        at,
    ]);
    db.execute(INSERT, &row)?;
    Ok(())
}

fn end_in_txn(
    db: &dyn Statements,
    generation: &Generation,
    ending: &Ending,
    run: &str,
) -> RuntimeResult<Option<Vec<StoredEvent>>> {
    let of = &generation.of;
    if db.execute(END, &of.row([(&generation.message_id).into(), run.into()]))? == 0 {
        return Ok(None);
    }
    let at = SqlValue::from(now());
    let changed = [ending.content.to_string().into(), (&ending.status).into(), json(&ending.metadata), at.clone()];
    db.execute(FINISH, &[&changed[..], &of.row([(&generation.message_id).into()])].concat())?;
    task_end_in_txn(db, of, &generation.message_id, &ending.status)?;
    db.execute(TOUCH, &[&[at][..], &of.row([(&generation.conversation_id).into()])].concat())?;
    events_add_in_txn(db, of, &generation.conversation_id, &ending.events)
}

pub(crate) fn decode(columns: &mut Columns) -> RuntimeResult<Generation> {
    Ok(Generation {
        of: ProjectKey { tenant: columns.text()?, project: columns.text()? },
        message_id: columns.text()?,
        conversation_id: columns.text()?,
        after_event: columns.integer()?,
        stop_asked: columns.text_or_null()?.is_some(),
    })
}
