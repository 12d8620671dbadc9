use std::sync::Arc;

use understory_model::{Key, Row};

use crate::action::Call;
use crate::names::{self, AGENT, PROJECT, SUB_AGENT, TENANT};
use crate::rows::Rows;

/// The project that a document belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) tenant: String,
    pub(crate) project: String,
}

impl Scope {
    pub(crate) fn new(tenant: &str, project: &str) -> Self {
        Self { tenant: tenant.to_owned(), project: project.to_owned() }
    }

    pub(super) fn of_call(call: &Call) -> Self {
        Self::new(call.param("tenantId"), call.param("projectId"))
    }

    /// A key in this project.
    pub(crate) fn key<'a>(&'a self, parts: impl IntoIterator<Item = &'a str>) -> Key {
        Key::new([self.tenant.as_str(), self.project.as_str()].into_iter().chain(parts))
    }

    /// The columns that rows of the project share.
    pub(crate) fn place(&self) -> Row {
        Row::new().with(TENANT, self.tenant.as_str()).with(PROJECT, self.project.as_str())
    }

    /// The columns that rows of an agent share.
    pub(super) fn agent_place(&self, agent: &str) -> Row {
        self.place().with(AGENT, agent)
    }

    /// The columns that rows of a sub-agent share.
    pub(super) fn sub_agent_place(&self, agent: &str, sub_agent: &str) -> Row {
        self.agent_place(agent).with(SUB_AGENT, sub_agent)
    }

    /// The project's own row.
    pub(crate) fn project_row<'a>(&self, rows: &'a impl Rows) -> Option<&'a Arc<Row>> {
        rows.row(names::project::ENTITY, &Key::new([self.tenant.as_str(), self.project.as_str()]))
    }

    /// An agent's row.
    pub(crate) fn agent<'a>(&self, rows: &'a impl Rows, id: &str) -> Option<&'a Arc<Row>> {
        rows.row(names::agent::ENTITY, &self.key([id]))
    }
}
