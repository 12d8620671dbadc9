use understory_model::now;
use understory_sql::Statements;

use crate::columns::{Columns, decode_all};
use crate::{RuntimeResult, RuntimeStore};

const INSERT: &str = "insert into tenants (tenant_id, created_at) values (?, ?) on conflict (tenant_id) do nothing";
const EXISTS: &str = "select 1 from tenants where tenant_id = ?";
const LIST: &str = "select tenant_id from tenants order by tenant_id";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[INSERT, EXISTS, LIST];

impl RuntimeStore {
    /// Makes a tenant unless it is there. Costs no write when it is.
    pub async fn tenant_ensure(&self, tenant_id: &str) -> RuntimeResult<()> {
        if self.tenant_exists(tenant_id).await? {
            return Ok(());
        }
        let tenant_id = tenant_id.to_owned();
        self.write(move |db| tenant_ensure_in_txn(db, &tenant_id)).await
    }

    /// Whether there is such a tenant.
    pub async fn tenant_exists(&self, tenant_id: &str) -> RuntimeResult<bool> {
        let key = [tenant_id.into()];
        self.read(move |db| Ok(db.query_row(EXISTS, &key)?.is_some())).await
    }

    /// All tenants, by id.
    pub async fn tenant_list(&self) -> RuntimeResult<Vec<String>> {
        self.read(|db| decode_all(db.query(LIST, &[])?, Columns::text)).await
    }
}

pub(crate) fn tenant_ensure_in_txn(db: &dyn Statements, tenant_id: &str) -> RuntimeResult<()> {
    db.execute(INSERT, &[tenant_id.into(), now().into()])?;
    Ok(())
}
