//! One client of Socket.IO.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use socketioxide::extract::{AckSender, SocketRef};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Interval, MissedTickBehavior, interval};
use understory::model::{now, timestamp_iso};
use understory::{ConversationRequest, Error, MessageRequest, Permission, Project, Speaker, StoredEvent, Understory};

use super::call::{Answer, Approval, Call, Join, Task};
use super::line::{Done, End, Line};
use super::relay::{Relay, Sent, without_conversation};
use crate::sockets::asked::Name;
use crate::sockets::followed::{Followed, Told};
use crate::sockets::{CONVERSATIONS, Session};
use crate::{Context, Problem};

/// How often subscribers are told how the server is.
const HEALTH: Duration = Duration::from_secs(30);
/// The longest title that a conversation gets of a task, in characters.
const TITLE: usize = 80;

/// A message of the client.
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) data: Value,
    pub(super) ack: AckSender,
}

/// A client that was let in.
pub(super) struct Peer {
    context: Context,
    line: Line,
    session: Session,
    followed: Followed,
    relays: HashMap<String, Relay>,
    watches: bool,
}

impl Peer {
    pub(super) fn new(context: Context, socket: SocketRef, session: Session) -> Self {
        let (followed, relays) = (Followed::default(), HashMap::new());
        let line = Line { socket, patience: context.settings.sockets.patience };
        Self { context, line, session, followed, relays, watches: false }
    }

    /// Answers the client and tells it what it follows, until one of us leaves.
    pub(super) async fn serve(mut self, asked: mpsc::Receiver<Asked>, gone: Arc<Notify>) {
        let ended = tokio::select! {
            ended = self.run(asked) => ended,
            () = gone.notified() => return,
        };
        if let Err(End::Close(code, reason)) = ended {
            tracing::debug!(code, reason, "a client of Socket.IO is let go");
            // It may be gone by now, or never look again: then the next ping without an answer is its end.
            let _ = self.line.part(&exception(code, &reason)).await;
        }
    }

    async fn run(&mut self, mut asked: mpsc::Receiver<Asked>) -> Done {
        let (mut looks, mut health) = (later(self.context.settings.sockets.look), later(HEALTH));
        // One without a home hears nothing of it.
        let mut activity = self.home(Permission::View).await.ok().map(|home| home.activity_subscribe());
        loop {
            tokio::select! {
                Some(asked) = asked.recv() => self.answer(asked).await?,
                Some((name, told)) = self.followed.next() => self.pass_on(&name, told).await?,
                Some(event) = heard(activity.as_mut()) => {
                    let (name, data) = without_conversation(&event);
                    self.line.tell(&name, &data).await?;
                }
                _ = looks.tick() => self.look().await?,
                _ = health.tick(), if self.watches => {
                    let (name, data) = health_told(&self.context.app).await;
                    self.line.tell(&name, &data).await?;
                }
            }
        }
    }

    async fn answer(&mut self, Asked { name, data, ack }: Asked) -> Done {
        let call = serde_json::from_value(json!({ "name": name, "data": data }));
        let done = match call {
            Ok(call) => self.act(call).await,
            Err(error) => Err(Error::BadRequest(format!("{name} does not fit: {error}"))),
        };
        let result = match done {
            Ok(Acted { mut result, sent }) => {
                for (name, data) in sent {
                    self.line.tell(&name, &data).await?;
                }
                result["success"] = true.into();
                result
            }
            Err(error) => {
                let problem = Problem::from(error);
                let mut exception = exception(problem.code(), problem.detail());
                exception["event"] = name.into();
                self.line.tell("exception", &exception).await?;
                exception["success"] = false.into();
                exception
            }
        };
        // Who is so far behind that there is no room misses it; what was done shows in the conversation.
        let _ = ack.send(&result);
        Ok(())
    }

    async fn act(&mut self, call: Call) -> Result<Acted, Error> {
        match call {
            Call::JoinConversation(join) => self.join(join).await,
            Call::LeaveConversation(left) => {
                let name = name(&self.home(Permission::View).await?, left.conversation_id);
                self.relays.remove(&name.conversation_id);
                Ok(json!({ "left": self.followed.remove(&name) }).into())
            }
            Call::StopGeneration(Answer { conversation_id, message_id }) => {
                let message = self.home(Permission::Use).await?.message_stop(&conversation_id, &message_id).await?;
                Ok(json!({ "messageId": message.id, "status": message.status }).into())
            }
            Call::ApprovalResponse(approval) => self.approve(approval).await,
            Call::AgentTask(task) => self.begin(task).await,
            Call::SubscribeEnvironment(_) => {
                self.watches = true;
                Ok(Acted { result: json!({}), sent: vec![health_told(&self.context.app).await] })
            }
            Call::UnsubscribeEnvironment(_) => {
                self.watches = false;
                Ok(json!({}).into())
            }
        }
    }

    async fn join(&mut self, Join { conversation_id, after }: Join) -> Result<Acted, Error> {
        let home = self.home(Permission::View).await?;
        let last = self.follow(&home, conversation_id, after, None).await?;
        Ok(json!({ "eventId": last }).into())
    }

    /// Follows a conversation; the last event that the client knows. One that is followed already goes on as it is.
    async fn follow(
        &mut self,
        home: &Project,
        id: String,
        after: Option<i64>,
        tasked: Option<String>,
    ) -> Result<i64, Error> {
        let name = name(home, id);
        if self.followed.len() >= CONVERSATIONS && !self.followed.has(&name) {
            return Err(Error::Unprocessable(format!("a client follows at most {CONVERSATIONS} conversations")));
        }
        let subscription = home.conversation_subscribe(&name.conversation_id, after).await?;
        let last = subscription.last();
        if !self.followed.has(&name) {
            self.relays
                .insert(name.conversation_id.clone(), Relay::new(home.clone(), name.conversation_id.clone(), tasked));
            self.followed.add(name, subscription);
        }
        Ok(last)
    }

    async fn approve(&mut self, approval: Approval) -> Result<Acted, Error> {
        let Approval { conversation_id, request_id, status, mut more } = approval;
        more.insert("requestId".into(), request_id.into());
        more.insert("status".into(), status.into());
        more.insert("by".into(), self.session.principal.name.clone().into());
        let home = self.home(Permission::Use).await?;
        let event = home.conversation_event_add(&conversation_id, "approval_response", more).await?;
        Ok(json!({ "eventId": event.number }).into())
    }

    /// Gives an agent a task: a conversation of its own, which the client follows.
    async fn begin(&mut self, Task { agent_id, task }: Task) -> Result<Acted, Error> {
        let home = self.home(Permission::Use).await?;
        let title = Some(task.chars().take(TITLE).collect());
        let new = ConversationRequest { agent_id: agent_id.clone(), title, ..Default::default() };
        let conversation = home.conversation_create(new).await?.id;
        self.follow(&home, conversation.clone(), Some(0), Some(agent_id.clone())).await?;
        let message = MessageRequest::new(Speaker::User, task);
        let answer = home.message_say(&conversation, message).await?.answer.map(|answer| answer.id);
        let data = json!({
            "agentId": agent_id, "taskId": answer, "conversationId": conversation, "status": "in_progress",
            "timestamp": timestamp_iso(&now()),
        });
        Ok(Acted { result: data.clone(), sent: vec![("agent_task_status".to_owned(), data)] })
    }

    async fn pass_on(&mut self, name: &Name, told: Told) -> Done {
        let id = &name.conversation_id;
        let sent = match (told, self.relays.get_mut(id)) {
            (Ok(Some(event)), Some(relay)) => relay.sent(&event).await,
            (Ok(Some(_)), None) => Ok(Vec::new()),
            (Ok(None), _) => {
                self.relays.remove(id);
                Ok(vec![deleted(id)])
            }
            (Err(error), _) => Err(error),
        };
        match sent {
            Ok(sent) => {
                for (name, data) in sent {
                    self.line.tell(&name, &data).await?;
                }
                Ok(())
            }
            // The conversation is being deleted: that is told next.
            Err(Error::NotFound { .. }) => Ok(()),
            // What cannot be told leaves a gap: rather than that, the client is to come again.
            Err(error) => Err(End::Close("unavailable", Problem::from(error).detail().to_owned())),
        }
    }

    /// Looks whether the client is there, and may still be. Whether it hears us, pings of the protocol tell.
    async fn look(&mut self) -> Done {
        if !self.line.socket.connected() {
            return Err(End::Gone);
        }
        if !self.session.renew(&self.context.app).await {
            return Err(End::Close("unauthorized", "the key is no longer valid".to_owned()));
        }
        Ok(())
    }

    /// The project that the client works on, for what it may do there.
    fn home(&self, permission: Permission) -> impl Future<Output = Result<Project, Error>> + use<> {
        let (app, principal) = (self.context.app.clone(), self.session.principal.clone());
        async move { app.home(&principal, permission).await }
    }
}

/// What a call came to: its result for whoever asked, and what else it is told.
struct Acted {
    result: Value,
    sent: Vec<Sent>,
}

impl From<Value> for Acted {
    fn from(result: Value) -> Self {
        Self { result, sent: Vec::new() }
    }
}

/// What is told next of the home's activity; nothing kept of it, a client that is behind misses some.
async fn heard(activity: Option<&mut Receiver<StoredEvent>>) -> Option<StoredEvent> {
    let activity = activity?;
    loop {
        match activity.recv().await {
            Ok(event) => return Some(event),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

fn name(home: &Project, conversation_id: String) -> Name {
    Name { tenant_id: home.id().tenant.clone(), project_id: home.id().id.clone(), conversation_id }
}

/// What a client is told that goes wrong.
pub(super) fn exception(code: &str, message: &str) -> Value {
    json!({ "status": "error", "code": code, "message": message })
}

async fn health_told(app: &Understory) -> Sent {
    ("environment_health".to_owned(), crate::routes::health_report(&app.health().await))
}

fn deleted(conversation: &str) -> Sent {
    let data = json!({ "conversationId": conversation, "status": "deleted", "timestamp": timestamp_iso(&now()) });
    ("conversation_update".to_owned(), data)
}

/// Ticks from the end of a first interval on.
fn later(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.reset();
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
