use std::time::Instant;

use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_all};
use crate::liveness::Beats;
use crate::{Liveness, RuntimeResult, RuntimeStore};

const BEAT: &str = "insert into replicas (id, beats, name, created_at, updated_at) values (?, ?, ?, ?, ?) \
    on conflict (id) do update set beats = excluded.beats, updated_at = excluded.updated_at";
const LIST: &str = "select id, beats from replicas order by id";
const IS_ALIVE: &str = "select 1 from replicas where id = ?";
const REMOVE_DEAD: &str = "delete from replicas where id = ? and beats = ?";
const REMOVE: &str = "delete from replicas where id = ?";
const REMOVE_OTHERS: &str = "delete from replicas where id <> ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[BEAT, LIST, IS_ALIVE, REMOVE_DEAD, REMOVE, REMOVE_OTHERS];

/// Replicas: the runs of the program that work on this store, each with a row while it lives.
///
/// What a run claims is its own while its row is there, and anybody's afterwards. A run that was only stopped for a
/// while finds its row gone and makes it again with its next beat. Meanwhile others may have finished its work, and it
/// goes on with it all the same: that is why every step of an intent may be done twice and every claim is finished or
/// released only by whom the row names as its owner. What it cannot take back is a commit: a request that was stopped
/// in its middle for so long, and that its client sent again with the same key, may be carried out by both.
impl RuntimeStore {
    /// Says that this run is alive: at opening, and then every few seconds.
    pub async fn replica_beat(&self) -> RuntimeResult<()> {
        let (id, count) = (self.run().to_owned(), self.next_beat());
        self.write(move |db| beat_in_txn(db, &id, count)).await
    }

    /// Takes away the rows of other runs whose beats stood still for too long; how many it was.
    pub async fn replicas_judge(&self, liveness: &mut Liveness, now: Instant) -> RuntimeResult<usize> {
        let mut others = self.read(|db| decode_all(db.query(LIST, &[])?, decode)).await?;
        others.retain(|other| other.id != self.run());
        let dead = liveness.judge(others, now);
        if dead.is_empty() {
            return Ok(0);
        }
        // One that has beaten since stays.
        self.write(move |db| {
            let remove = |dead: &Beats| db.execute(REMOVE_DEAD, &[SqlValue::from(&dead.id), dead.count.into()]);
            Ok(dead.iter().map(remove).sum::<Result<usize, _>>()?)
        })
        .await
    }

    /// Takes this run's row away: others need not wait to finish what it left.
    pub async fn replica_leave(&self) -> RuntimeResult<()> {
        let id = [self.run().into()];
        self.write(move |db| Ok(db.execute(REMOVE, &id).map(drop)?)).await
    }
}

/// Makes this run the only one: of an engine that has room for no other.
pub(crate) fn alone_in_txn(db: &dyn Statements, run: &str) -> RuntimeResult<()> {
    db.execute(REMOVE_OTHERS, &[run.into()])?;
    beat_in_txn(db, run, 0)
}

pub(crate) fn is_alive_in_txn(db: &dyn Statements, run: &str) -> RuntimeResult<bool> {
    Ok(db.query_row(IS_ALIVE, &[run.into()])?.is_some())
}

fn beat_in_txn(db: &dyn Statements, run: &str, count: i64) -> RuntimeResult<()> {
    let at = now();
    db.execute(BEAT, &[run.into(), count.into(), name().into(), SqlValue::from(&at), SqlValue::from(&at)])?;
    Ok(())
}

/// Who this process is, for people.
fn name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let host: String = host.unwrap_or_default().trim().chars().take(200).collect();
    format!("{host}:{}", std::process::id())
}

fn decode(columns: &mut Columns) -> RuntimeResult<Beats> {
    Ok(Beats { id: columns.text()?, count: columns.integer_or_null()?.unwrap_or_default() })
}
