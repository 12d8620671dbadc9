//! Answers that this process is making.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use understory_llm::{ChatEvent, ChatRequest, ChatStream, LlmError, ModelName};
use understory_runtime::{Generation, Message, ProjectKey};

use super::writer::{Ended, Writer};
use crate::Result;
use crate::app::Understory;
use crate::project::Project;
use crate::simple::AgentState;

/// How often it is looked whether another process asked for an answer to stop.
const LOOK: Duration = Duration::from_millis(80);
/// How long it takes until the end of an answer is written again after that failed.
const AGAIN: Duration = Duration::from_millis(500);
/// How long somebody who asks for a stop waits for it.
const STOPPING: Duration = Duration::from_secs(2);

/// Why an answer in the making is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Go,
    /// Somebody asked for it.
    Stop,
    /// The process ends.
    Leave,
}

/// What ends the answers of this process, by project and message.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<(ProjectKey, String), watch::Sender<Signal>>>);

impl Running {
    /// Makes an answer in the background.
    pub(super) fn spawn(
        project: &Project,
        agent: &str,
        generation: Generation,
        message: Message,
        model: ModelName,
        request: ChatRequest,
    ) {
        let app = project.app().clone();
        let (sender, signal) = watch::channel(Signal::Go);
        let name = (generation.of.clone(), generation.message_id.clone());
        app.inner.running.all().insert(name.clone(), sender);
        let (project, agent) = (project.clone(), agent.to_owned());
        tokio::spawn(async move {
            let since = Instant::now();
            let making = Making { project, agent, app: app.clone(), generation, message, signal, since };
            making.run(&model, request).await;
            app.inner.running.all().remove(&name);
        });
    }

    /// Stops an answer, if this process makes it, and waits until it has ended.
    pub(super) async fn stop(&self, of: &ProjectKey, message: &str) {
        let sender = self.all().get(&(of.clone(), message.to_owned())).cloned();
        if let Some(sender) = sender {
            sender.send_replace(Signal::Stop);
            let _ = tokio::time::timeout(STOPPING, sender.closed()).await;
        }
    }

    /// Ends all answers, as the process ends, and waits until they have.
    pub(crate) async fn leave(&self) {
        let senders: Vec<_> = self.all().values().cloned().collect();
        for sender in &senders {
            sender.send_replace(Signal::Leave);
        }
        for sender in senders {
            let _ = tokio::time::timeout(STOPPING, sender.closed()).await;
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<(ProjectKey, String), watch::Sender<Signal>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One answer in the making.
struct Making {
    project: Project,
    agent: String,
    app: Understory,
    generation: Generation,
    message: Message,
    signal: watch::Receiver<Signal>,
    since: Instant,
}

impl Making {
    async fn run(mut self, model: &ModelName, request: ChatRequest) {
        self.project.agent_state_note(&self.agent, AgentState::Thinking).await;
        let mut writer = Writer::new(self.app.clone(), self.generation.clone());
        let ended = match self.listen(&mut writer, model, request).await {
            Ok(Some(ended)) => ended,
            // The conversation was deleted, with all that belongs to it.
            Ok(None) => return,
            Err(error) => Ended::failed(&error.to_string()),
        };
        // Whoever reads the answer's end finds the agent done with it.
        let state = if ended.status == "failed" { AgentState::Error } else { AgentState::Idle };
        self.project.agent_state_note(&self.agent, state).await;
        self.end(&writer, ended).await;
    }

    /// Takes in what the model says until it ends; none if there is nobody to say it to.
    async fn listen(&mut self, writer: &mut Writer, model: &ModelName, request: ChatRequest) -> Result<Option<Ended>> {
        let provider = match self.app.inner.providers.get(&model.provider) {
            Ok(provider) => provider,
            Err(error) => return Ok(Some(Ended::failed(&error.to_string()))),
        };
        let mut signal = self.signal.clone();
        let opened = tokio::select! {
            opened = provider.chat(request) => opened,
            ended = asked_to_end(&self.app, &self.generation, &mut signal) => return Ok(Some(ended)),
        };
        match opened {
            Ok(stream) => self.take_in(writer, stream).await,
            Err(error) => Ok(Some(failed(&error))),
        }
    }

    async fn take_in(&mut self, writer: &mut Writer, mut stream: ChatStream) -> Result<Option<Ended>> {
        let (mut usage, mut signal) = (json!(null), self.signal.clone());
        let asked = asked_to_end(&self.app, &self.generation, &mut signal);
        tokio::pin!(asked);
        loop {
            let due = writer.due();
            tokio::select! {
                ended = &mut asked => return Ok(Some(ended)),
                () = until(due) => if !writer.flush().await? { return Ok(None) },
                event = stream.next() => match event {
                    Some(Ok(ChatEvent::Text(piece))) => writer.text(&piece),
                    Some(Ok(ChatEvent::ToolCalls(calls))) => writer.tool_calls(calls),
                    Some(Ok(ChatEvent::Usage { prompt_tokens, completion_tokens })) => {
                        usage = json!({ "promptTokens": prompt_tokens, "completionTokens": completion_tokens });
                    }
                    Some(Ok(ChatEvent::Finished { reason })) => {
                        let more = json!({ "completed": true, "finishReason": reason, "usage": usage });
                        return Ok(Some(Ended { status: "complete", more }));
                    }
                    Some(Err(error)) => return Ok(Some(failed(&error))),
                    None => return Ok(Some(failed(&LlmError::CutOff(None)))),
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
            if *self.signal.borrow() == Signal::Leave {
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

/// Waits until somebody asks for the answer to end, here or in another process.
async fn asked_to_end(app: &Understory, generation: &Generation, signal: &mut watch::Receiver<Signal>) -> Ended {
    let elsewhere = async {
        loop {
            sleep(LOOK).await;
            let found = app.inner.runtime.generation_get(&generation.of, &generation.message_id).await;
            // Without its row the answer is not ours any more: its end will not be written.
            if matches!(&found, Ok(None)) || found.is_ok_and(|found| found.is_some_and(|found| found.stop_asked)) {
                return Signal::Stop;
            }
        }
    };
    let here = async {
        let changed = signal.wait_for(|signal| *signal != Signal::Go).await;
        changed.map_or(Signal::Leave, |signal| *signal)
    };
    let asked = if app.inner.runtime.is_shared() {
        tokio::select! { asked = elsewhere => asked, asked = here => asked }
    } else {
        here.await
    };
    match asked {
        Signal::Leave => Ended::interrupted(),
        Signal::Go | Signal::Stop => Ended { status: "stopped", more: json!({ "completed": false, "stopped": true }) },
    }
}
