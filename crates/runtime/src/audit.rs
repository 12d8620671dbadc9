use serde_json::Value;
use understory_model::id::made_id;
use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_all};
use crate::scope::{ProjectKey, json};
use crate::{RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into audit \
    (tenant_id, project_id, id, principal, action, subject, subject_id, details, created_at) \
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
const LIST: &str = "select principal, action, subject, subject_id, details, created_at from audit \
    where tenant_id = ? and project_id = ? and subject_id = ? order by created_at desc, id desc limit ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, LIST];

/// A change of runtime data, for the record.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Who did it.
    pub principal: String,
    /// What was done.
    pub action: String,
    /// What kind of thing it was done to.
    pub subject: String,
    /// Which of them.
    pub subject_id: String,
    /// What it was before, and what it is.
    pub details: Option<Value>,
    /// When.
    pub created_at: String,
}

impl AuditEntry {
    /// An entry of now.
    pub fn new(principal: &str, action: &str, subject: &str, subject_id: &str, details: Option<Value>) -> Self {
        Self {
            principal: principal.to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            subject_id: subject_id.to_owned(),
            details,
            created_at: now(),
        }
    }
}

impl RuntimeStore {
    /// What is on record of a thing of a project, the newest first, at most `limit` entries.
    pub async fn audit_list(&self, of: &ProjectKey, subject_id: &str, limit: u32) -> RuntimeResult<Vec<AuditEntry>> {
        let row = of.row([subject_id.into(), limit.into()]);
        self.read(move |db| decode_all(db.query(LIST, &row)?, decode)).await
    }
}

pub(crate) fn audit_in_txn(db: &dyn Statements, of: &ProjectKey, entry: &AuditEntry) -> RuntimeResult<()> {
    let row = of.row([
        SqlValue::from(made_id()),
        (&entry.principal).into(),
        (&entry.action).into(),
        (&entry.subject).into(),
        (&entry.subject_id).into(),
        json(&entry.details),
        (&entry.created_at).into(),
    ]);
    db.execute(INSERT, &row)?;
    Ok(())
}

fn decode(columns: &mut Columns) -> RuntimeResult<AuditEntry> {
    Ok(AuditEntry {
        principal: columns.text()?,
        action: columns.text()?,
        subject: columns.text()?,
        subject_id: columns.text()?,
        details: columns.json_or_null()?,
        created_at: columns.text()?,
    })
}
