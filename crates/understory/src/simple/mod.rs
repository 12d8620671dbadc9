//! Agents as the simple API knows them: one document with a prompt, a model and an owner, kept as an agent with one
//! sub-agent of a project. And the source code that they work on.

mod agents;
mod body;
mod chat;
mod code_projects;
mod shown;
mod status;

use serde_json::Value;

use crate::action::Call;
use crate::project::Project;

pub use body::{AgentBody, AgentConfiguration, Capability};
pub use chat::{Answered, Question, TaskRequest};
pub use status::AgentState;

/// A call of a route of a project, for a resource of this id.
fn call(project: &Project, id: &str, body: Value) -> Call {
    let (tenant, project) = (project.id().tenant.as_str(), project.id().id.as_str());
    let params = [("tenantId", tenant), ("projectId", project), ("agentId", id), ("id", id)];
    let params = params.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Call { params, body, ..Call::default() }
}
