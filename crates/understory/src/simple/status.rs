use serde::{Deserialize, Serialize};

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
