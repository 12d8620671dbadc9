use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_all, decode_one};
use crate::intent::{OpenIntent, intents_open};
use crate::{RuntimeError, RuntimeResult, RuntimeStore};

const GET: &str = "select tenant_id, id, uid, main_branch_name, created_at, updated_at \
    from project_metadata where tenant_id = ? and id = ?";
const PAGE: &str = "select tenant_id, id, uid, main_branch_name, created_at, updated_at \
    from project_metadata where tenant_id = ? order by id limit ? offset ?";
const COUNT: &str = "select count(*) from project_metadata where tenant_id = ?";
const LIST_ALL: &str = "select tenant_id, id, uid, main_branch_name, created_at, updated_at \
    from project_metadata order by tenant_id, id";
const INSERT: &str = "insert into project_metadata (tenant_id, id, uid, main_branch_name, created_at, updated_at) \
    values (?, ?, ?, ?, ?, ?)";
const DELETE: &str = "delete from project_metadata where tenant_id = ? and id = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[GET, PAGE, COUNT, LIST_ALL, INSERT, DELETE];

/// A registered project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectRecord {
    /// The tenant.
    pub tenant_id: String,
    /// Its id, unique in the tenant.
    pub id: String,
    /// Name of its data in the versioned store, unique for ever.
    pub uid: String,
    /// Shown name of its main branch.
    pub main_branch_name: String,
    /// When it was registered.
    pub created_at: String,
    /// When the registration last changed.
    pub updated_at: String,
}

/// All that answers for data in the versioned store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// All registered projects of all tenants.
    pub projects: Vec<ProjectRecord>,
    /// All unfinished intents of all tenants, oldest first.
    pub intents: Vec<OpenIntent>,
}

impl RuntimeStore {
    /// A project, if it is registered.
    pub async fn project_get(&self, tenant_id: &str, id: &str) -> RuntimeResult<Option<ProjectRecord>> {
        let (tenant_id, id) = (tenant_id.to_owned(), id.to_owned());
        self.read(move |db| project_get_in_txn(db, &tenant_id, &id)).await
    }

    /// One page of a tenant's projects by id, and how many there are in all. Pages count from 1.
    pub async fn project_list(
        &self,
        tenant_id: &str,
        page: u32,
        limit: u32,
    ) -> RuntimeResult<(Vec<ProjectRecord>, u64)> {
        let offset = i64::from(page.saturating_sub(1)).saturating_mul(limit.into());
        let tenant = SqlValue::from(tenant_id);
        self.read_one_state(move |db| {
            let total = db.query_row(COUNT, std::slice::from_ref(&tenant))?;
            let total = decode_one(total, Columns::integer_or_null)?.flatten().unwrap_or_default();
            let rows = db.query(PAGE, &[tenant.clone(), limit.into(), offset.into()])?;
            Ok((decode_all(rows, decode)?, total.unsigned_abs()))
        })
        .await
    }

    /// All projects and all unfinished intents, as they are at one moment.
    pub async fn inventory(&self) -> RuntimeResult<Inventory> {
        self.read_one_state(|db| {
            let projects = decode_all(db.query(LIST_ALL, &[])?, decode)?;
            Ok(Inventory { projects, intents: intents_open(db)? })
        })
        .await
    }

    /// All projects of all tenants: for starting, checking and migrating.
    pub async fn project_list_all(&self) -> RuntimeResult<Vec<ProjectRecord>> {
        self.read(|db| decode_all(db.query(LIST_ALL, &[])?, decode)).await
    }
}

pub(crate) fn project_get_in_txn(
    db: &dyn Statements,
    tenant_id: &str,
    id: &str,
) -> RuntimeResult<Option<ProjectRecord>> {
    decode_one(db.query_row(GET, &[tenant_id.into(), id.into()])?, decode)
}

/// Registers a project; the caller has made sure that there is none of this id.
pub(crate) fn project_insert_in_txn(
    db: &dyn Statements,
    tenant_id: &str,
    id: &str,
    uid: &str,
) -> RuntimeResult<ProjectRecord> {
    let at = now();
    let record = ProjectRecord {
        tenant_id: tenant_id.to_owned(),
        id: id.to_owned(),
        uid: uid.to_owned(),
        main_branch_name: format!("{tenant_id}_{id}_main"),
        created_at: at.clone(),
        updated_at: at,
    };
    let texts = [tenant_id, id, uid, &record.main_branch_name, &record.created_at, &record.updated_at];
    db.execute(INSERT, &texts.map(SqlValue::from))?;
    Ok(record)
}

pub(crate) fn project_delete_in_txn(db: &dyn Statements, tenant_id: &str, id: &str) -> RuntimeResult<()> {
    db.execute(DELETE, &[tenant_id.into(), id.into()])?;
    Ok(())
}

/// The error for a project that is registered already.
pub(crate) fn project_exists(tenant_id: &str, id: &str) -> RuntimeError {
    RuntimeError::Exists { what: format!("project {tenant_id}/{id}") }
}

fn decode(columns: &mut Columns) -> RuntimeResult<ProjectRecord> {
    Ok(ProjectRecord {
        tenant_id: columns.text()?,
        id: columns.text()?,
        uid: columns.text()?,
        main_branch_name: columns.text()?,
        created_at: columns.text()?,
        updated_at: columns.text()?,
    })
}
