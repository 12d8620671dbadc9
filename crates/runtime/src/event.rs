use std::time::Duration;

use understory_model::{before_now, now};
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_all, decode_one};
use crate::scope::ProjectKey;
use crate::{RuntimeResult, RuntimeStore};

/// The conversation's row tells the next numbers: whoever adds holds it until the events are there.
const TAKE_NUMBERS: &str = "update conversations set events = events + ? \
    where tenant_id = ? and project_id = ? and id = ? returning events";
const INSERT: &str = "insert into stream_chunks \
    (tenant_id, project_id, conversation_id, idx, data, is_final, created_at) values (?, ?, ?, ?, ?, ?, ?)";
const AFTER: &str = "select idx, data, is_final from stream_chunks \
    where tenant_id = ? and project_id = ? and conversation_id = ? and idx > ? order by idx limit ?";
const PRUNE: &str = "delete from stream_chunks where created_at < ? and not exists (select 1 from generations \
    where generations.tenant_id = stream_chunks.tenant_id and generations.project_id = stream_chunks.project_id \
    and generations.conversation_id = stream_chunks.conversation_id)";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[TAKE_NUMBERS, INSERT, AFTER, PRUNE];

/// An event to be added to a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What happened, as JSON.
    pub data: String,
    /// Whether it ends an answer.
    pub is_final: bool,
}

/// An event of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its number in the conversation, from 1.
    pub number: i64,
    /// What happened, as JSON.
    pub data: String,
    /// Whether it ends an answer.
    pub is_final: bool,
}

impl RuntimeStore {
    /// Adds events at the end of a conversation, all of them or none; they are answered with their numbers. None if
    /// there is no such conversation.
    pub async fn events_add(
        &self,
        of: &ProjectKey,
        conversation: &str,
        new: Vec<NewEvent>,
    ) -> RuntimeResult<Option<Vec<StoredEvent>>> {
        let (of, conversation) = (of.clone(), conversation.to_owned());
        self.write(move |db| events_add_in_txn(db, &of, &conversation, &new)).await
    }

    /// At most `limit` events of a conversation after a number, in order.
    pub async fn events_after(
        &self,
        of: &ProjectKey,
        conversation: &str,
        number: i64,
        limit: u32,
    ) -> RuntimeResult<Vec<StoredEvent>> {
        let row = of.row([conversation.into(), number.into(), limit.into()]);
        self.read(move |db| decode_all(db.query(AFTER, &row)?, decode)).await
    }

    /// Forgets events of this age, but none of a conversation in which an answer is being made; how many.
    pub async fn events_prune(&self, older_than: Duration) -> RuntimeResult<usize> {
        let row = [before_now(older_than).into()];
        self.write_one(move |db| Ok(db.execute(PRUNE, &row)?)).await
    }
}

pub(crate) fn events_add_in_txn(
    db: &dyn Statements,
    of: &ProjectKey,
    conversation: &str,
    new: &[NewEvent],
) -> RuntimeResult<Option<Vec<StoredEvent>>> {
    let count = i64::try_from(new.len()).unwrap_or(i64::MAX);
    let take = [&[SqlValue::from(count)][..], &of.row([conversation.into()])].concat();
    let Some(last) = decode_one(db.query_row(TAKE_NUMBERS, &take)?, Columns::integer)? else { return Ok(None) };
    let number =
        |(event, number): (&NewEvent, i64)| StoredEvent { number, data: event.data.clone(), is_final: event.is_final };
    let added: Vec<StoredEvent> = new.iter().zip(last - count + 1..).map(number).collect();
    for event in &added {
        event_insert_in_txn(db, of, conversation, event)?;
    }
    Ok(Some(added))
}

/// Adds an event whose number the caller has taken.
pub(crate) fn event_insert_in_txn(
    db: &dyn Statements,
    of: &ProjectKey,
    conversation: &str,
    event: &StoredEvent,
) -> RuntimeResult<()> {
    let row = of.row([
        conversation.into(),
        event.number.into(),
        (&event.data).into(),
        i64::from(event.is_final).into(),
        now().into(),
    ]);
    db.execute(INSERT, &row)?;
    Ok(())
}

fn decode(columns: &mut Columns) -> RuntimeResult<StoredEvent> {
    Ok(StoredEvent { number: columns.integer()?, data: columns.text()?, is_final: columns.boolean()? })
}
