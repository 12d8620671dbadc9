//! Changes of refs: intents while they are made, and the record of them afterwards.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use understory_model::{before_now, now};
use understory_sql::SqlValue;

use super::{Intent, IntentKind, decode, intent_insert_in_txn};
use crate::columns::{decode_all, decode_one};
use crate::{ProjectKey, RuntimeResult, RuntimeStore};

const FINISH: &str = "insert into intents (tenant_id, id, kind, project_id, payload, created_at, done_at) \
    values (?, ?, ?, ?, ?, ?, ?) on conflict (tenant_id, id) \
    do update set done_at = excluded.done_at, payload = excluded.payload where intents.done_at is null";
const LIST: &str = "select tenant_id, id, kind, project_id, payload, created_at from intents \
    where tenant_id = ? and project_id = ? and kind = 'ref_change' and done_at is not null \
    order by created_at desc, id desc limit ?";
const GET: &str = "select tenant_id, id, kind, project_id, payload, created_at from intents \
    where tenant_id = ? and project_id = ? and id = ? and kind = 'ref_change' and done_at is not null";
const PRUNE: &str = "delete from intents \
    where tenant_id = ? and project_id = ? and kind = 'ref_change' and done_at is not null and created_at < ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[FINISH, LIST, GET, PRUNE];

/// What becomes of a ref, and at whose hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefChange {
    /// Name of the project's data in the versioned store.
    pub uid: String,
    /// What is done.
    pub action: RefAction,
    /// The ref.
    pub name: String,
    /// Its other name, if it is renamed.
    pub new_name: Option<String>,
    /// The commit that it named before, if it was there.
    pub from: Option<String>,
    /// The commit that it names afterwards, if it is there.
    pub to: Option<String>,
    /// Why: of a tag, its message.
    pub message: Option<String>,
    /// Name of who does it.
    pub author: String,
    /// Address of who does it.
    pub email: String,
}

/// What may be done with a ref beside committing on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefAction {
    /// A branch is made.
    BranchCreate,
    /// A branch gets another name.
    BranchRename,
    /// A branch goes.
    BranchDelete,
    /// A tag is made.
    TagCreate,
    /// A tag goes.
    TagDelete,
}

impl RuntimeStore {
    /// Writes down that a ref is about to be changed.
    pub async fn ref_change_begin(&self, tenant: &str, project: &str, change: RefChange) -> RuntimeResult<Intent> {
        let intent = Intent::new(tenant, project, IntentKind::RefChange(change));
        let (run, new) = (self.run().to_owned(), intent.clone());
        self.intent_begin(intent, move |db| intent_insert_in_txn(db, &new, &run)).await
    }

    /// Records that it is done, and how it says now. Again is fine, and so is one that another run gave up meanwhile.
    pub async fn ref_change_finish(&self, intent: &Intent) -> RuntimeResult<()> {
        let (kind, payload) = intent.kind_and_payload()?;
        let Intent { tenant_id, id, project_id, created_at, .. } = intent;
        let row = [tenant_id, id, &kind, project_id, &payload, created_at, &now()].map(SqlValue::from);
        self.write(move |db| Ok(db.execute(FINISH, &row).map(drop)?)).await?;
        self.intent_leave(intent);
        Ok(())
    }

    /// The newest changes of a project's refs that are done, newest first, at most `limit`.
    pub async fn ref_change_list(&self, tenant: &str, project: &str, limit: usize) -> RuntimeResult<Vec<Intent>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let row = [tenant.into(), project.into(), SqlValue::from(limit)];
        self.read(move |db| decode_all(db.query(LIST, &row)?, decode)).await
    }

    /// One change of a project's refs that is done.
    pub async fn ref_change_get(&self, tenant: &str, project: &str, id: &str) -> RuntimeResult<Option<Intent>> {
        let row = [tenant, project, id].map(SqlValue::from);
        self.read(move |db| decode_one(db.query_row(GET, &row)?, decode)).await
    }

    /// Forgets changes of a project's refs that are older than this.
    pub async fn ref_change_prune(&self, tenant: &str, project: &str, age: Duration) -> RuntimeResult<()> {
        let row = [tenant, project, &before_now(age)].map(SqlValue::from);
        self.write(move |db| Ok(db.execute(PRUNE, &row).map(drop)?)).await
    }

    /// The commits that rows of this store name: they must stay readable. Where a row names one by an earlier hash, the
    /// present one is among them.
    pub async fn commits_named(&self, tenant: &str, project: &str) -> RuntimeResult<Vec<String>> {
        let changes = self.ref_change_list(tenant, project, usize::MAX).await?;
        let named = changes.into_iter().filter_map(|intent| match intent.kind {
            IntentKind::RefChange(change) => Some([change.from, change.to]),
            _ => None,
        });
        let mut named: BTreeSet<String> = named.flatten().flatten().collect();
        let of = ProjectKey { tenant: tenant.to_owned(), project: project.to_owned() };
        named.extend(self.message_commits(&of).await?);
        let pinned = |reference: &Value| {
            let hash = reference["hash"].as_str().filter(|_| reference["type"] != "branch");
            hash.map(str::to_owned)
        };
        named.extend(self.conversation_refs(&of).await?.iter().filter_map(pinned));
        if !named.is_empty() {
            let aliases = self.commit_alias_list(tenant, project).await?.into_iter();
            let present: Vec<_> = aliases.filter(|alias| named.contains(&alias.hash)).collect();
            named.extend(present.into_iter().map(|alias| alias.target));
        }
        Ok(named.into_iter().collect())
    }
}
