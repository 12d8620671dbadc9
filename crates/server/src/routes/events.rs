//! Events of conversations as Server-Sent Events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};
use understory::{Error, MessageRequest, Project, StoredEvent, Subscription};

use super::branches::open;
use crate::request::Incoming;
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// How often a stream shows that it is alive while nothing happens.
const ALIVE: Duration = Duration::from_secs(15);

/// The events of a conversation: after `Last-Event-ID` or `?after=`, else those to come.
pub(super) async fn follow(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    follow_in(&incoming, &project).await
}

/// The same of a conversation of a project.
pub(super) async fn follow_in(incoming: &Incoming, project: &Project) -> Answered {
    let header = incoming.headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let given = header.or_else(|| incoming.call.query.get("after").map(String::as_str));
    let bad = |_| Error::field("/after", "type", "the last event is a number");
    let after = given.map(str::parse).transpose().map_err(bad)?;
    let subscription = project.conversation_subscribe(incoming.param("id"), after).await?;
    Ok(sse(stream::unfold(subscription, |mut subscription| async move {
        let event = next(&mut subscription).await?;
        Some((Ok(sent(&event)), subscription))
    })))
}

/// Whether a request wants its answer as a stream of events.
pub(crate) fn wants_stream(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.split(',').any(|kind| kind.trim().starts_with("text/event-stream")))
}

/// Adds a message and sends the events of its answer, to the last one.
pub(super) async fn say(context: &Context, project: Project, conversation: &str, body: MessageRequest) -> Answered {
    let subscription = project.conversation_subscribe(conversation, None).await?;
    let said = project.message_say(conversation, body).await?;
    let first = json!({ "type": "said", "message": super::messages::shown(&said.message),
        "answer": said.answer.as_ref().map(super::messages::shown) });
    let first = Event::default().event("said").data(first.to_string());
    // A message that was sent before may have its answer already, and `said` has all of it.
    let Some(answer) = said.answer.filter(|answer| answer.status == "streaming") else {
        return Ok(sse(stream::iter([Ok(first)])));
    };
    let left = Left {
        project,
        conversation: conversation.to_owned(),
        message: answer.id,
        stops: context.settings.stop_unread_answers,
        ended: false,
    };
    let reading = Reading { subscription, left, first: Some(first) };
    Ok(sse(stream::unfold(reading, |mut reading| async move {
        if let Some(first) = reading.first.take() {
            return Some((Ok(first), reading));
        }
        loop {
            if reading.left.ended {
                return None;
            }
            let event = next(&mut reading.subscription).await?;
            let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
            if data["messageId"] == *reading.left.message && data["type"] != "message" {
                reading.left.ended = event.is_final;
                return Some((Ok(sent(&event)), reading));
            }
        }
    })))
}

struct Reading {
    subscription: Subscription,
    left: Left,
    first: Option<Event>,
}

/// Stops an answer whose reader leaves before its end, if that is set.
struct Left {
    project: Project,
    conversation: String,
    message: String,
    stops: bool,
    ended: bool,
}

impl Drop for Left {
    fn drop(&mut self) {
        if !self.stops || self.ended {
            return;
        }
        let (project, conversation, message) =
            (self.project.clone(), std::mem::take(&mut self.conversation), std::mem::take(&mut self.message));
        tokio::spawn(async move {
            if let Err(error) = project.message_stop(&conversation, &message).await {
                tracing::warn!(%error, "an answer that nobody reads could not be stopped");
            }
        });
    }
}

/// The next event; the stream ends where the conversation is gone, or the store fails.
async fn next(subscription: &mut Subscription) -> Option<StoredEvent> {
    match subscription.next().await {
        Ok(event) => event,
        Err(error) => {
            tracing::warn!(%error, "a stream of events ends");
            None
        }
    }
}

fn sent(event: &StoredEvent) -> Event {
    let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
    let kind = data["type"].as_str().unwrap_or("event").to_owned();
    Event::default().id(event.number.to_string()).event(kind).data(&event.data)
}

fn sse(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response()
}
