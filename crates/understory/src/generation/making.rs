//! One answer, from the question to its end.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};
use understory_llm::{ChatEvent, ChatStream, LlmError};
use understory_runtime::{Generation, Message};

use super::prompt::Brief;
use super::running::{Ends, Signal};
use super::writer::{Ended, Writer};
use crate::Result;
use crate::project::Project;
use crate::simple::AgentState;

/// How long it takes until what could not be stored is stored again.
const AGAIN: Duration = Duration::from_millis(500);

/// One answer in the making.
pub(super) struct Making {
    project: Project,
    agent: String,
    message: Message,
    ends: Ends,
    since: Instant,
}

impl Making {
    /// Makes an answer in the background; without a brief it says why there is none.
    pub(super) fn begin(
        project: Project,
        agent: String,
        generation: Generation,
        message: Message,
        ends: Ends,
        brief: std::result::Result<Brief, String>,
    ) {
        let writer = Writer::new(project.app().clone(), generation);
        let making = Self { project, agent, message, ends, since: Instant::now() };
        tokio::spawn(making.run(writer, brief));
    }

    async fn run(mut self, mut writer: Writer, brief: std::result::Result<Brief, String>) {
        let ended = match brief {
            Ok(brief) => self.listen(&mut writer, &brief).await,
            Err(why) => Ok(Some(Ended::failed(&why))),
        };
        let ended = match ended {
            Ok(Some(ended)) => ended,
            // The conversation was deleted, with all that belongs to it.
            Ok(None) => return,
            Err(error) => Ended::failed(&error.to_string()),
        };
        // Whoever reads the answer's end finds how it went.
        let state = if ended.status == "failed" { AgentState::Error } else { AgentState::Idle };
        self.project.agent_state_note(&self.agent, state).await;
        self.end(&writer, ended).await;
    }

    /// Takes in what the model says until it ends; none if there is nobody to say it to.
    async fn listen(&mut self, writer: &mut Writer, brief: &Brief) -> Result<Option<Ended>> {
        let request = self.project.chat_request(brief, &self.message).await?;
        let provider = match self.project.app().inner.providers.get(&brief.model.provider) {
            Ok(provider) => provider,
            Err(error) => return Ok(Some(failed(&error))),
        };
        let opened = tokio::select! {
            opened = provider.chat(request) => opened,
            asked = self.ends.asked() => return Ok(Some(ended_by(asked))),
        };
        match opened {
            Ok(stream) => Ok(self.take_in(writer, stream).await),
            Err(error) => Ok(Some(failed(&error))),
        }
    }

    async fn take_in(&mut self, writer: &mut Writer, mut stream: ChatStream) -> Option<Ended> {
        let mut usage = json!(null);
        loop {
            let due = writer.due();
            tokio::select! {
                asked = self.ends.asked() => return Some(ended_by(asked)),
                () = until(due) => match writer.flush().await {
                    Ok(true) => {}
                    Ok(false) => return None,
                    // What the model says is not lost for it: it is kept, and stored with what comes next.
                    Err(error) => {
                        tracing::warn!(%error, "a piece of an answer could not be stored; it is tried again");
                        writer.put_off(AGAIN);
                    }
                },
                event = stream.next() => match event {
                    Some(Ok(ChatEvent::Text(piece))) => writer.text(&piece),
                    Some(Ok(ChatEvent::ToolCalls(calls))) => writer.tool_calls(calls),
                    Some(Ok(ChatEvent::Usage { prompt_tokens, completion_tokens })) => {
                        usage = json!({ "promptTokens": prompt_tokens, "completionTokens": completion_tokens });
                    }
                    Some(Ok(ChatEvent::Finished { reason })) => {
                        let more = json!({ "completed": true, "finishReason": reason, "usage": usage });
                        return Some(Ended { status: "complete", more });
                    }
                    Some(Err(error)) => return Some(failed(&error)),
                    None => return Some(failed(&LlmError::CutOff(None))),
                },
            }
        }
    }

    /// Writes the end. Until that succeeds the message would stay streaming, so it is tried for as long as we run.
    async fn end(&self, writer: &Writer, mut ended: Ended) {
        ended.more["responseTime"] = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX).into();
        loop {
            let again = Ended { status: ended.status, more: ended.more.clone() };
            match writer.end(&self.message, again).await {
                Ok(_) => return,
                Err(error) => tracing::warn!(%error, "the end of an answer could not be stored; it is tried again"),
            }
            if self.ends.leaves() {
                return;
            }
            sleep(AGAIN).await;
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn failed(error: &LlmError) -> Ended {
    tracing::warn!(%error, "a model did not answer, or not to the end");
    Ended::failed(&error.to_string())
}

fn ended_by(asked: Signal) -> Ended {
    match asked {
        Signal::Leave => Ended::interrupted(),
        Signal::Go | Signal::Stop => Ended { status: "stopped", more: json!({ "completed": false, "stopped": true }) },
    }
}
