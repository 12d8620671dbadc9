use serde::{Deserialize, Serialize};
use serde_json::Value;
use understory_model::id::made_id;
use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::agent_status::agent_status_delete_in_txn;
use crate::alias::commit_alias_delete_in_txn;
use crate::api_key::api_keys_remove_in_txn;
use crate::columns::{Columns, decode_all};
use crate::conversation::conversations_delete_in_txn;
use crate::membership::project_members_remove_in_txn;
use crate::project::{project_delete_in_txn, project_exists, project_get_in_txn, project_insert_in_txn};
use crate::tenant::tenant_ensure_in_txn;
use crate::{ProjectRecord, RuntimeError, RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into intents (tenant_id, id, kind, project_id, payload, created_at, owner) \
    values (?, ?, ?, ?, ?, ?, ?)";
const LIST: &str = "select tenant_id, id, kind, project_id, payload, created_at from intents \
    where done_at is null order by created_at, tenant_id, id";
const OPEN: &str = "select tenant_id, id, kind, project_id, payload, created_at, \
    (select name from replicas where replicas.id = intents.owner) from intents \
    where done_at is null order by created_at, tenant_id, id";
const LEFT: &str = "select tenant_id, id, kind, project_id, payload, created_at from intents \
    where done_at is null and (owner is null or not exists (select 1 from replicas where replicas.id = intents.owner)) \
    order by created_at, tenant_id, id";
const MINE: &str = "select tenant_id, id, kind, project_id, payload, created_at from intents \
    where done_at is null and owner = ? order by created_at, tenant_id, id";
const TAKE_OVER: &str = "update intents set owner = ? where tenant_id = ? and id = ? \
    and done_at is null and (owner is null or not exists (select 1 from replicas where replicas.id = intents.owner))";
const DELETE: &str = "delete from intents where tenant_id = ? and id = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, LIST, OPEN, LEFT, MINE, TAKE_OVER, DELETE];

mod ref_change;

#[cfg(test)]
pub(crate) use ref_change::SQL as REF_CHANGE_SQL;
pub use ref_change::{RefAction, RefChange};

/// Work that spans both stores, written down before its first step.
///
/// Every step may be done again. Where the run that wrote it is gone, another takes it over: what has passed the kind's
/// commit point is completed and what has not is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The tenant.
    pub tenant_id: String,
    /// Its id.
    pub id: String,
    /// The project that it is done to.
    pub project_id: String,
    /// What is to be done.
    pub kind: IntentKind,
    /// When it was written.
    pub created_at: String,
}

/// An intent that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIntent {
    /// The intent.
    pub intent: Intent,
    /// Who is at work on it, as host and process; none if that process is gone.
    pub owner: Option<String>,
}

impl IntentKind {
    /// Name of the data in the versioned store that it is about.
    pub fn uid(&self) -> &str {
        match self {
            Self::ProjectCreation { uid } | Self::ProjectDeletion { uid } => uid,
            Self::RefChange(change) => &change.uid,
        }
    }
}

/// What an intent is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
pub enum IntentKind {
    /// Create a project.
    ///
    /// Commit point: the versioned store's data gets its name `uid` (the rename of its file). With the data there the
    /// intent is finished; without it, abandoned.
    ProjectCreation {
        /// Name of its data in the versioned store.
        uid: String,
    },
    /// Remove the data of a project that is no longer registered.
    ///
    /// Commit point: the transaction that took the registration away and wrote the intent. It is always completed.
    ProjectDeletion {
        /// Name of its data in the versioned store.
        uid: String,
    },
    /// Create, rename or delete a branch or a tag.
    ///
    /// Commit point: the versioned store does it, in one step. Done, the intent stays: it is the record of who moved
    /// the ref. Not done, it is dropped.
    RefChange(RefChange),
}

impl RuntimeStore {
    /// Writes down that a project is about to be created; `Exists` if it is registered.
    ///
    /// Two callers may both begin: the first to finish has the project, the other is told `Exists` then.
    pub async fn project_creation_begin(&self, tenant_id: &str, id: &str, uid: &str) -> RuntimeResult<Intent> {
        let intent = Intent::new(tenant_id, id, IntentKind::ProjectCreation { uid: uid.to_owned() });
        let (run, new) = (self.run().to_owned(), intent.clone());
        self.intent_begin(intent, move |db| {
            if project_get_in_txn(db, &new.tenant_id, &new.project_id)?.is_some() {
                return Err(project_exists(&new.tenant_id, &new.project_id));
            }
            intent_insert_in_txn(db, &new, &run)
        })
        .await
    }

    /// Registers the project whose data is there now, makes its tenant if need be, and removes the intent: one
    /// transaction, and done already if the project is registered with this data.
    ///
    /// `Exists` if another creation was first: remove the data of this one, then abandon it.
    pub async fn project_creation_finish(&self, intent: &Intent) -> RuntimeResult<ProjectRecord> {
        let IntentKind::ProjectCreation { uid } = intent.kind.clone() else {
            return Err(intent.refuse("it does not create a project"));
        };
        let finished = intent.clone();
        let record = self.write(move |db| project_creation_finish_in_txn(db, &finished, &uid)).await?;
        self.intent_leave(intent);
        Ok(record)
    }

    /// Forgets a creation whose data is not there, or is removed again.
    pub async fn project_creation_abandon(&self, intent: &Intent) -> RuntimeResult<()> {
        match intent.kind {
            IntentKind::ProjectCreation { .. } => self.intent_done(intent).await,
            IntentKind::ProjectDeletion { .. } | IntentKind::RefChange(_) => {
                Err(intent.refuse("it creates no project"))
            }
        }
    }

    /// Takes a project's registration away and writes down that its data is to be removed: one transaction, the commit
    /// point of the deletion. None if there is no such project.
    pub async fn project_deletion_begin(&self, tenant_id: &str, id: &str) -> RuntimeResult<Option<Intent>> {
        let Some(project) = self.project_get(tenant_id, id).await? else { return Ok(None) };
        let intent = Intent::new(tenant_id, id, IntentKind::ProjectDeletion { uid: project.uid.clone() });
        let (run, new) = (self.run().to_owned(), intent.clone());
        let begun = self.intent_begin(intent, move |db| {
            let found = project_get_in_txn(db, &new.tenant_id, &new.project_id)?;
            if found.is_none_or(|found| found.uid != project.uid) {
                return Err(new.refuse("another process deleted the project"));
            }
            project_delete_in_txn(db, &new.tenant_id, &new.project_id)?;
            commit_alias_delete_in_txn(db, &new.tenant_id, &new.project_id)?;
            project_members_remove_in_txn(db, &new.tenant_id, &new.project_id)?;
            api_keys_remove_in_txn(db, &new.tenant_id, &new.project_id)?;
            conversations_delete_in_txn(db, &new.tenant_id, &new.project_id)?;
            agent_status_delete_in_txn(db, &new.tenant_id, &new.project_id)?;
            intent_insert_in_txn(db, &new, &run)
        });
        match begun.await {
            Err(RuntimeError::Intent { .. }) => Ok(None),
            begun => begun.map(Some),
        }
    }

    /// Writes an intent down as this run's work in progress. Where that fails it is not, whether its row is there or
    /// not.
    async fn intent_begin(
        &self,
        intent: Intent,
        write: impl Fn(&dyn Statements) -> RuntimeResult<()> + Send + Sync + 'static,
    ) -> RuntimeResult<Intent> {
        self.intents_in_flight().begin(intent.id.clone());
        let written = self.write(write).await;
        if written.is_err() {
            self.intent_leave(&intent);
        }
        written.map(|()| intent)
    }

    /// Removes an intent whose work is done. Again is fine.
    pub async fn intent_done(&self, intent: &Intent) -> RuntimeResult<()> {
        let done = intent.clone();
        self.write(move |db| intent_delete_in_txn(db, &done).map(drop)).await?;
        self.intent_leave(intent);
        Ok(())
    }

    /// Stops the work on an intent that cannot be finished now: [`Self::intents_take_over`] finds it again.
    pub fn intent_leave(&self, intent: &Intent) {
        self.intents_in_flight().end(&intent.id);
    }

    /// All unfinished intents of all tenants, oldest first, whoever is at work on them.
    pub async fn intent_list(&self) -> RuntimeResult<Vec<Intent>> {
        self.read(|db| decode_all(db.query(LIST, &[])?, decode)).await
    }

    /// Takes over the unfinished intents of runs that are gone, oldest first: of several that do this at once, one gets
    /// each. With them come those of this run that nobody is at work on. They are this run's to settle from now on, or
    /// to leave again.
    pub async fn intents_take_over(&self) -> RuntimeResult<Vec<Intent>> {
        let (in_flight, run) = (self.intents_in_flight(), [SqlValue::from(self.run())]);
        let mut taken = self.read(move |db| decode_all(db.query(MINE, &run)?, decode)).await?;
        taken.retain(|intent| in_flight.begin(intent.id.clone()));
        let of_others = self.intents_of_the_dead().await.inspect_err(|_| {
            for intent in &taken {
                self.intent_leave(intent);
            }
        })?;
        for intent in of_others {
            in_flight.begin(intent.id.clone());
            taken.push(intent);
        }
        Ok(taken)
    }

    async fn intents_of_the_dead(&self) -> RuntimeResult<Vec<Intent>> {
        let left = self.read(|db| decode_all(db.query(LEFT, &[])?, decode)).await?;
        if left.is_empty() {
            return Ok(left);
        }
        let run = self.run().to_owned();
        self.write(move |db| {
            let mut taken = Vec::with_capacity(left.len());
            for intent in &left {
                let row = [SqlValue::from(&run), SqlValue::from(&intent.tenant_id), SqlValue::from(&intent.id)];
                if db.execute(TAKE_OVER, &row)? == 1 {
                    taken.push(intent.clone());
                }
            }
            Ok(taken)
        })
        .await
    }
}

/// All unfinished intents of all tenants, oldest first, with their owners.
pub(crate) fn intents_open(db: &dyn Statements) -> RuntimeResult<Vec<OpenIntent>> {
    decode_all(db.query(OPEN, &[])?, |columns| {
        Ok(OpenIntent { intent: decode(columns)?, owner: columns.text_or_null()? })
    })
}

impl Intent {
    fn new(tenant_id: &str, project_id: &str, kind: IntentKind) -> Self {
        Self {
            tenant_id: tenant_id.to_owned(),
            id: made_id(),
            project_id: project_id.to_owned(),
            kind,
            created_at: now(),
        }
    }

    /// How the kind is stored.
    fn kind_and_payload(&self) -> RuntimeResult<(String, String)> {
        let unwritable = |error| RuntimeError::not_json("an intent cannot be written", error);
        let parts = serde_json::to_value(&self.kind).map_err(unwritable)?;
        Ok((parts["kind"].as_str().unwrap_or_default().to_owned(), parts["payload"].to_string()))
    }

    fn refuse(&self, detail: &str) -> RuntimeError {
        RuntimeError::Intent { id: self.id.clone(), detail: detail.to_owned() }
    }
}

fn project_creation_finish_in_txn(db: &dyn Statements, intent: &Intent, uid: &str) -> RuntimeResult<ProjectRecord> {
    match project_get_in_txn(db, &intent.tenant_id, &intent.project_id)? {
        Some(project) if project.uid == uid => {
            intent_delete_in_txn(db, intent)?;
            return Ok(project);
        }
        Some(_) => return Err(project_exists(&intent.tenant_id, &intent.project_id)),
        None => {}
    }
    if !intent_delete_in_txn(db, intent)? {
        return Err(intent.refuse("it is abandoned"));
    }
    tenant_ensure_in_txn(db, &intent.tenant_id)?;
    project_insert_in_txn(db, &intent.tenant_id, &intent.project_id, uid)
}

fn intent_insert_in_txn(db: &dyn Statements, intent: &Intent, owner: &str) -> RuntimeResult<()> {
    let (kind, payload) = intent.kind_and_payload()?;
    let row: [SqlValue; 7] = [
        SqlValue::from(&intent.tenant_id),
        SqlValue::from(&intent.id),
        kind.into(),
        SqlValue::from(&intent.project_id),
        payload.into(),
        SqlValue::from(&intent.created_at),
        owner.into(),
    ];
    db.execute(INSERT, &row)?;
    Ok(())
}

/// Whether the intent was there.
fn intent_delete_in_txn(db: &dyn Statements, intent: &Intent) -> RuntimeResult<bool> {
    Ok(db.execute(DELETE, &[SqlValue::from(&intent.tenant_id), SqlValue::from(&intent.id)])? == 1)
}

fn decode(columns: &mut Columns) -> RuntimeResult<Intent> {
    let (tenant_id, id, kind) = (columns.text()?, columns.text()?, columns.text()?);
    let (project_id, payload, created_at) = (columns.text()?, columns.text()?, columns.text()?);
    let unreadable = |error| RuntimeError::not_json(&format!("intent {id} of kind {kind} does not read back"), error);
    let payload: Value = serde_json::from_str(&payload).map_err(unreadable)?;
    let parts = serde_json::json!({ "kind": kind, "payload": payload });
    let kind = serde_json::from_value(parts).map_err(unreadable)?;
    Ok(Intent { tenant_id, id, project_id, kind, created_at })
}
