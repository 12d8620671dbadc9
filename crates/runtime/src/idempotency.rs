use std::time::Duration;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use understory_model::{before_now, now};
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_one};
use crate::replica::is_alive_in_txn;
use crate::{RuntimeError, RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into idempotency_records \
    (principal, idempotency_key, request_hash, expected_head, owner, created_at) values (?, ?, ?, ?, ?, ?) \
    on conflict (principal, idempotency_key) do nothing";
const GET: &str = "select request_hash, expected_head, owner, status, headers, body \
    from idempotency_records where principal = ? and idempotency_key = ?";
const TAKE_OVER: &str = "update idempotency_records set owner = ? \
    where principal = ? and idempotency_key = ? and owner = ? and status is null";
const FINISH: &str = "update idempotency_records set status = ?, headers = ?, body = ? \
    where principal = ? and idempotency_key = ? and owner = ? and status is null";
const RELEASE: &str = "delete from idempotency_records \
    where principal = ? and idempotency_key = ? and owner = ? and status is null";
const ABANDON: &str = "update idempotency_records set owner = '' \
    where principal = ? and idempotency_key = ? and owner = ? and status is null";
const PRUNE: &str = "delete from idempotency_records where created_at < ? and (status is not null \
    or not exists (select 1 from replicas where replicas.id = idempotency_records.owner))";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, GET, TAKE_OVER, FINISH, RELEASE, ABANDON, PRUNE];

/// A request that wants to be carried out once.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// Who sends it.
    pub principal: String,
    /// The key that the client chose.
    pub key: String,
    /// [`request_hash`] of the request.
    pub request_hash: String,
    /// Head of the branch that it writes to, before it does.
    pub expected_head: Option<String>,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The first of its key: carry it out, then finish or release it.
    New,
    /// It was cut off, and whether it was carried out is not known. It is the caller's now: look for its commit after
    /// the head given here, carry it out if there is none, then finish or release it.
    Resumed {
        /// Head of the branch before the first attempt.
        expected_head: Option<String>,
    },
    /// This run is carrying it out, or another that is alive.
    Running,
    /// It was carried out; this was the answer.
    Done(StoredAnswer),
    /// The key was used for another request.
    Mismatch,
}

/// The answer to a finished request. One that holds a secret must not be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers worth repeating.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// The hash that tells whether a repeated request is the same one.
pub fn request_hash(method: &str, path: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [method.as_bytes(), path.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    HEXLOWER.encode(&hash.finalize())
}

impl RuntimeStore {
    /// Claims a key for a request: of several at once, one gets `New`.
    pub async fn idempotency_claim(&self, request: ClaimRequest) -> RuntimeResult<Claim> {
        let (run, work) = (self.run().to_owned(), (request.principal.clone(), request.key.clone()));
        // A claim of this run that nobody is carrying out was cut off where the store was away.
        let is_free = self.claims_in_flight().begin(work.clone());
        let claim = self.write(move |db| claim_in_txn(db, &request, &run, is_free)).await;
        if is_free && !matches!(claim, Ok(Claim::New | Claim::Resumed { .. })) {
            self.claims_in_flight().end(&work);
        }
        claim
    }

    /// Stores the answer of a claimed request; its repeats get it from now on.
    pub async fn idempotency_finish(&self, principal: &str, key: &str, answer: &StoredAnswer) -> RuntimeResult<()> {
        let headers = serde_json::to_string(&answer.headers);
        let headers = headers.map_err(|error| RuntimeError::not_json("an answer cannot be stored", error))?;
        let row: [SqlValue; 6] = [
            i64::from(answer.status).into(),
            headers.into(),
            SqlValue::from(&answer.body),
            principal.into(),
            key.into(),
            self.run().into(),
        ];
        self.write(move |db| Ok(db.execute(FINISH, &row).map(drop)?)).await?;
        self.claims_in_flight().end(&(principal.to_owned(), key.to_owned()));
        Ok(())
    }

    /// Gives a claim back after a failure: the next request with the key is a first one.
    pub async fn idempotency_release(&self, principal: &str, key: &str) -> RuntimeResult<()> {
        self.idempotency_end(RELEASE, principal, key).await
    }

    /// Leaves a claim after a failure that does not tell whether the request was carried out: whoever repeats it, on
    /// whichever run, is to resume it.
    pub async fn idempotency_abandon(&self, principal: &str, key: &str) -> RuntimeResult<()> {
        self.idempotency_end(ABANDON, principal, key).await
    }

    async fn idempotency_end(&self, sql: &'static str, principal: &str, key: &str) -> RuntimeResult<()> {
        let row = [principal.into(), key.into(), self.run().into()];
        self.write(move |db| Ok(db.execute(sql, &row).map(drop)?)).await?;
        self.claims_in_flight().end(&(principal.to_owned(), key.to_owned()));
        Ok(())
    }

    /// Forgets records of this age, but none that is being carried out; how many.
    pub async fn idempotency_prune(&self, older_than: Duration) -> RuntimeResult<usize> {
        let row = [before_now(older_than).into()];
        self.write(move |db| Ok(db.execute(PRUNE, &row)?)).await
    }
}

/// A key that this run is not at work on `is_free`: a claim of its own is to be resumed then.
fn claim_in_txn(db: &dyn Statements, request: &ClaimRequest, run: &str, is_free: bool) -> RuntimeResult<Claim> {
    let (principal, key) = (SqlValue::from(&request.principal), SqlValue::from(&request.key));
    let row: [SqlValue; 6] = [
        principal.clone(),
        key.clone(),
        SqlValue::from(&request.request_hash),
        request.expected_head.clone().into(),
        run.into(),
        now().into(),
    ];
    if is_free && db.execute(INSERT, &row)? == 1 {
        return Ok(Claim::New);
    }
    let record = decode_one(db.query_row(GET, &[principal.clone(), key.clone()])?, decode)?;
    let record = match record {
        Some(record) => record,
        // It is just being given back.
        None if !is_free => return Ok(Claim::Running),
        None => return Err(RuntimeError::corrupt("an idempotency record is there and is not")),
    };
    if record.request_hash != request.request_hash {
        return Ok(Claim::Mismatch);
    }
    if let Some(answer) = record.answer {
        return Ok(Claim::Done(answer));
    }
    // What this run is at work on, or is just claiming, nobody else of it takes over.
    let is_running = !is_free || (record.owner != run && is_alive_in_txn(db, &record.owner)?);
    if is_running {
        return Ok(Claim::Running);
    }
    // Of several that see a dead owner one puts itself in its place.
    let taken_over = db.execute(TAKE_OVER, &[run.into(), principal, key, record.owner.into()])? == 1;
    Ok(if taken_over { Claim::Resumed { expected_head: record.expected_head } } else { Claim::Running })
}

struct Record {
    request_hash: String,
    expected_head: Option<String>,
    owner: String,
    answer: Option<StoredAnswer>,
}

fn decode(columns: &mut Columns) -> RuntimeResult<Record> {
    Ok(Record {
        request_hash: columns.text()?,
        expected_head: columns.text_or_null()?,
        owner: columns.text()?,
        answer: decode_answer(columns)?,
    })
}

fn decode_answer(columns: &mut Columns) -> RuntimeResult<Option<StoredAnswer>> {
    let Some(status) = columns.integer_or_null()? else { return Ok(None) };
    let status = u16::try_from(status).map_err(|_| RuntimeError::corrupt(format!("{status} is no HTTP status")))?;
    let headers = serde_json::from_str(&columns.text()?);
    let headers = headers.map_err(|error| RuntimeError::not_json("the headers of an answer", error))?;
    Ok(Some(StoredAnswer { status, headers, body: columns.text()? }))
}
