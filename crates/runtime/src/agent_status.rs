use understory_model::now;
use understory_sql::Statements;

use crate::columns::{Columns, decode_all, decode_one};
use crate::scope::ProjectKey;
use crate::{RuntimeResult, RuntimeStore};

const SET: &str = "insert into agent_status (tenant_id, project_id, id, status, last_activity_at) \
    values (?, ?, ?, ?, ?) on conflict (tenant_id, project_id, id) \
    do update set status = excluded.status, last_activity_at = excluded.last_activity_at";
const GET: &str = "select id, status, last_activity_at from agent_status \
    where tenant_id = ? and project_id = ? and id = ?";
const LIST: &str = "select id, status, last_activity_at from agent_status \
    where tenant_id = ? and project_id = ? order by id";
const DELETE: &str = "delete from agent_status where tenant_id = ? and project_id = ? and id = ?";
const DELETE_ALL: &str = "delete from agent_status where tenant_id = ? and project_id = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] = &[SET, GET, LIST, DELETE, DELETE_ALL];

/// What an agent is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentStatus {
    /// The agent.
    pub agent_id: String,
    /// What it is doing: `idle`, `thinking`, …
    pub status: String,
    /// When it last began or ended something.
    pub last_activity_at: String,
}

impl RuntimeStore {
    /// Says what an agent is doing from now on.
    pub async fn agent_status_set(&self, of: &ProjectKey, agent: &str, status: &str) -> RuntimeResult<()> {
        let row = of.row([agent.into(), status.into(), now().into()]);
        self.write_one(move |db| Ok(db.execute(SET, &row).map(drop)?)).await
    }

    /// What an agent is doing; none if nobody ever said.
    pub async fn agent_status_get(&self, of: &ProjectKey, agent: &str) -> RuntimeResult<Option<AgentStatus>> {
        let row = of.row([agent.into()]);
        self.read(move |db| decode_one(db.query_row(GET, &row)?, decode)).await
    }

    /// What the agents of a project are doing, by their ids.
    pub async fn agent_status_list(&self, of: &ProjectKey) -> RuntimeResult<Vec<AgentStatus>> {
        let row = of.row([]);
        self.read(move |db| decode_all(db.query(LIST, &row)?, decode)).await
    }

    /// Forgets what an agent was doing: it is there no more. Again is fine.
    pub async fn agent_status_delete(&self, of: &ProjectKey, agent: &str) -> RuntimeResult<()> {
        let row = of.row([agent.into()]);
        self.write_one(move |db| Ok(db.execute(DELETE, &row).map(drop)?)).await
    }
}

pub(crate) fn agent_status_delete_in_txn(db: &dyn Statements, tenant_id: &str, project_id: &str) -> RuntimeResult<()> {
    db.execute(DELETE_ALL, &[tenant_id.into(), project_id.into()])?;
    Ok(())
}

fn decode(columns: &mut Columns) -> RuntimeResult<AgentStatus> {
    Ok(AgentStatus { agent_id: columns.text()?, status: columns.text()?, last_activity_at: columns.text()? })
}
