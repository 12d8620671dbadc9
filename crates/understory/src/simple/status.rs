use serde::{Deserialize, Serialize};

use understory_model::now;
use understory_runtime::AgentStatus;

use crate::Result;
use crate::project::Project;

/// What an agent is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AgentState {
    /// Nothing.
    #[default]
    Idle,
    /// It makes an answer.
    Thinking,
    /// It writes code.
    Coding,
    /// It tries what it wrote.
    Testing,
    /// It failed at what it did last.
    Error,
    /// It cannot be reached.
    Offline,
}

impl AgentState {
    /// As stored and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Thinking => "thinking",
            Self::Coding => "coding",
            Self::Testing => "testing",
            Self::Error => "error",
            Self::Offline => "offline",
        }
    }
}

impl Project {
    /// Says what an agent is doing from now on. It makes no commit.
    pub async fn agent_state_set(&self, agent: &str, state: AgentState) -> Result<()> {
        Ok(self.runtime().agent_status_set(&self.key(), agent, state.as_str()).await?)
    }
}

/// What an agent is doing: it is thinking while it makes an answer, else what was last said of it holds.
pub(super) fn doing(agent: &str, answering: &[String], said: Option<AgentStatus>) -> Option<AgentStatus> {
    if !answering.iter().any(|one| one == agent) {
        return said;
    }
    let status = AgentState::Thinking.as_str().to_owned();
    Some(AgentStatus { agent_id: agent.to_owned(), status, last_activity_at: now() })
}
