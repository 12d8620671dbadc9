//! Messages of a conversation.

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};
use understory::model::timestamp_iso;
use understory::{Call, Error, Message, MessageRequest, MessagesWanted};

use super::answer::{answer, whole};
use super::branches::open;
use super::events;
use super::query::number;
use crate::headers::{IDEMPOTENCY_KEY, set_commit, text};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// The messages on a page where the request does not say, and the most there may be.
const PAGE: (u32, u32) = (50, 200);

/// A page of messages in order: the last ones, or those before or after a position.
pub(super) async fn list(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (call, limit) = (&incoming.call, number(&incoming.call, "limit", PAGE.0, PAGE.1)?);
    let page = project.messages(incoming.param("id"), wanted(call)?, limit).await?;
    let position = |message: Option<&Message>| message.map(|message| message.position);
    let before = position(page.messages.first()).filter(|_| page.has_before);
    let after = position(page.messages.last()).filter(|_| page.has_after);
    let body = json!({
        "data": page.messages.iter().map(shown).collect::<Vec<_>>(),
        "pagination": { "limit": limit, "before": before, "after": after },
    });
    Ok(whole(200, body))
}

/// Which messages a request asks for.
pub(super) fn wanted(call: &Call) -> Result<MessagesWanted, Error> {
    let position = |name: &'static str| {
        let given = call.query.get(name).map(|text| text.parse::<i64>().ok().filter(|position| *position >= 0));
        let bad = || Error::field(format!("/{name}"), "range", format!("{name} is the position of a message"));
        given.map(|position| position.ok_or_else(bad)).transpose()
    };
    match (position("before")?, position("after")?) {
        (Some(_), Some(_)) => Err(Error::field("/before", "conflict", "before and after exclude each other")),
        (Some(before), None) => Ok(MessagesWanted::Before(before)),
        (None, Some(after)) => Ok(MessagesWanted::After(after)),
        (None, None) => Ok(MessagesWanted::Last),
    }
}

/// Adds a message. Its answer, if there is to be one, is made in the background and answered as it begins; a request that
/// accepts `text/event-stream` is answered with the events of the answer instead.
pub(super) async fn say(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let id = incoming.param("id");
    project.conversation(id).await?;
    let mut body: MessageRequest = incoming.body()?;
    if let Some(key) = text(&incoming.headers, IDEMPOTENCY_KEY) {
        body = body.once(&incoming.principal.id, id, &key);
    }
    if events::wants_stream(&incoming.headers) {
        return events::say(&context, project, id, body).await;
    }
    let said = project.message_say(id, body).await?;
    let body = json!({ "data": shown(&said.message), "answer": said.answer.as_ref().map(shown) });
    Ok(whole(201, body))
}

pub(super) async fn show(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    Ok(answer(200, shown(&project.message_in(incoming.param("id"), incoming.param("messageId")).await?)))
}

/// The agent's full document at the commit that produced the message.
pub(super) async fn configuration(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let message = project.message_in(incoming.param("id"), incoming.param("messageId")).await?;
    let found = project.message_configuration(&message.id).await?;
    let mut response = answer(200, found.document);
    set_commit(&mut response, &found.commit);
    Ok(response)
}

pub(super) async fn stop(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let stopped = project.message_stop(incoming.param("id"), incoming.param("messageId")).await?;
    Ok(answer(200, shown(&stopped)))
}

/// Messages of the project's conversations that hold all the words.
pub(super) async fn search(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let limit = number(&incoming.call, "limit", PAGE.0, PAGE.1)?;
    let given = |name: &str| incoming.call.query.get(name).map_or("", String::as_str);
    let (found, next) = project.message_search(given("q"), given("cursor"), limit as usize).await?;
    let body = json!({ "data": found.iter().map(shown).collect::<Vec<_>>(), "next": next });
    Ok(whole(200, body))
}

/// A message as answers have it.
pub(super) fn shown(message: &Message) -> Value {
    json!({
        "id": message.id,
        "conversationId": message.conversation_id,
        "position": message.position,
        "role": message.role,
        "fromSubAgentId": message.from_sub_agent_id,
        "content": message.content,
        "status": message.status,
        "visibility": message.visibility,
        "taskId": message.task_id,
        "parentMessageId": message.parent_message_id,
        "commit": message.commit_hash,
        "metadata": message.metadata,
        "createdAt": timestamp_iso(&message.created_at),
        "updatedAt": timestamp_iso(&message.updated_at),
    })
}
