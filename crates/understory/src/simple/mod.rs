//! Agents as the simple API knows them: one document with a prompt, a model and an owner, kept as an agent with one
//! sub-agent of a project.

mod agents;
mod body;
mod chat;
mod shown;
mod status;

pub use body::{AgentBody, AgentConfiguration, Capability};
pub use chat::{Answered, Question, TaskRequest};
pub use status::AgentState;
