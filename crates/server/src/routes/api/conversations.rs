use std::collections::HashMap;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use understory::Permission::{Use, View};
use understory::model::timestamp_iso;
use understory::{
    Conversation, ConversationChange, ConversationFilter, ConversationStatus, Error, FeedbackFilter, FeedbackKind,
    Message, MessageRequest, MessagesWanted, Project, Speaker, text_of,
};

use super::agents::open;
use super::envelope::{data, message};
use crate::headers::{IDEMPOTENCY_KEY, text};
use crate::request::Incoming;
use crate::routes::conversations::{next, start, state};
use crate::routes::messages::wanted;
use crate::routes::query::number;
use crate::routes::{Needs, Routes, events};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// The conversations on a page where the request does not say, and the most there may be.
const PAGE: (u32, u32) = (50, 200);
/// Messages that a conversation is shown with.
const SHOWN: u32 = 200;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/conversations")
        .get("", Needs::WholeHome(View), list)
        .post("", Needs::WholeHome(Use), create)
        .get("/agent/{agentId}", Needs::WholeHome(View), list)
        .get("/{id}", Needs::WholeHome(View), one)
        .patch("/{id}", Needs::WholeHome(Use), change)
        .delete("/{id}", Needs::WholeHome(Use), archive)
        .get("/{id}/events", Needs::WholeHome(View), follow)
        .get("/{id}/messages", Needs::WholeHome(View), messages)
        .post("/{id}/messages", Needs::WholeHome(Use), say)
        .get("/{id}/messages/{messageId}", Needs::WholeHome(View), one_message)
        .get("/{id}/messages/{messageId}/configuration", Needs::WholeHome(View), configuration)
        .post("/{id}/messages/{messageId}/stop", Needs::WholeHome(Use), stop)
        .patch("/{id}/messages/{messageId}/feedback", Needs::WholeHome(Use), rate);
}

/// The principal's conversations, or those with one agent, those last touched first.
async fn list(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let call = &incoming.call;
    let agent = call.params.get("agentId").or_else(|| call.query.get("agentId")).cloned().unwrap_or_default();
    if call.params.contains_key("agentId") {
        home.agent_get(&agent).await?;
    }
    let filter = ConversationFilter { agent_id: agent, state: state(call)?, ..ConversationFilter::default() };
    let limit = number(call, "limit", PAGE.0, PAGE.1)?;
    let (found, total) = home.conversations(&filter, &start(call, limit)?, limit).await?;
    let next = next(&found, limit);
    let mut response = data(StatusCode::OK, found.iter().map(shown).collect::<Vec<_>>());
    let header = |text: &str| axum::http::HeaderValue::from_str(text).ok();
    response.headers_mut().extend(header(&total.to_string()).map(|value| (TOTAL, value)));
    response.headers_mut().extend(next.as_deref().and_then(header).map(|value| (NEXT, value)));
    Ok(response)
}

/// How many conversations there are in all, and the cursor of the next page: the answer itself is a plain list.
const TOTAL: axum::http::HeaderName = axum::http::HeaderName::from_static("x-total-count");
const NEXT: axum::http::HeaderName = axum::http::HeaderName::from_static("x-next-cursor");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Begin {
    agent_id: String,
    title: Option<String>,
    project_id: Option<String>,
    description: Option<String>,
    context: Option<Value>,
}

async fn create(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let (body, _) = incoming.lenient_body::<Begin>()?;
    let kept = [
        ("projectId", body.project_id.map(Value::from)),
        ("description", body.description.map(Value::from)),
        ("context", body.context),
    ];
    let kept: serde_json::Map<String, Value> =
        kept.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    let metadata = (!kept.is_empty()).then_some(Value::Object(kept));
    let made = home.conversation_begin(&body.agent_id, body.title, metadata).await?;
    Ok(data(StatusCode::CREATED, shown(&made)))
}

/// The conversation with its last messages.
async fn one(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let id = incoming.param("id");
    let mut conversation = shown(&home.conversation(id).await?);
    let page = home.messages(id, MessagesWanted::Last, SHOWN).await?;
    conversation["messages"] = rated(&home, id, &page.messages).await?.into();
    Ok(data(StatusCode::OK, conversation))
}

#[derive(Deserialize)]
struct Change {
    title: Option<String>,
    status: Option<ConversationStatus>,
}

async fn change(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let (body, _) = incoming.lenient_body::<Change>()?;
    let change = ConversationChange { title: body.title, status: body.status, metadata: None };
    Ok(data(StatusCode::OK, shown(&home.conversation_update(incoming.param("id"), change).await?)))
}

/// Deleting puts a conversation aside; what was said is kept.
async fn archive(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let change = ConversationChange { status: Some(ConversationStatus::Archived), ..ConversationChange::default() };
    home.conversation_update(incoming.param("id"), change).await?;
    Ok(message("Conversation archived"))
}

async fn follow(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    events::follow_in(&incoming, &home).await
}

async fn messages(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let limit = number(&incoming.call, "limit", PAGE.0, PAGE.1)?;
    let id = incoming.param("id");
    let page = home.messages(id, wanted(&incoming.call)?, limit).await?;
    Ok(data(StatusCode::OK, rated(&home, id, &page.messages).await?))
}

#[derive(Deserialize)]
struct Say {
    role: Speaker,
    content: Value,
    metadata: Option<Value>,
    answer: Option<bool>,
}

impl From<Say> for MessageRequest {
    fn from(say: Say) -> Self {
        let Say { role, content, metadata, answer } = say;
        let (id, task_id, parent_message_id) = (None, None, None);
        Self { id, role, content, task_id, parent_message_id, metadata, answer, once: false }
    }
}

/// Adds a message. A user's is answered in the background; with `Accept: text/event-stream` the answer's events are sent.
async fn say(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let id = incoming.param("id");
    home.conversation(id).await?;
    let (body, _) = incoming.lenient_body::<Say>()?;
    let body = identified(&incoming, body.into());
    if events::wants_stream(&incoming.headers) {
        return events::say(&context, home, id, body).await;
    }
    let said = home.message_say(id, body).await?;
    let mut answer = shown_message(&said.message, None);
    answer["answerId"] = said.answer.map(|answer| answer.id).into();
    Ok(data(StatusCode::CREATED, answer))
}

/// Ids made here are UUIDs, but for those that stand for a request.
fn identified(incoming: &Incoming, body: MessageRequest) -> MessageRequest {
    match text(&incoming.headers, IDEMPOTENCY_KEY) {
        Some(key) => body.once(&incoming.principal.id, incoming.param("id"), &key),
        None => MessageRequest { id: body.id.or_else(|| Some(understory::model::id::made_uuid())), ..body },
    }
}

async fn one_message(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let found = home.message_in(incoming.param("id"), incoming.param("messageId")).await?;
    Ok(data(StatusCode::OK, shown_message(&found, None)))
}

/// The agent's full document at the commit that produced the message.
async fn configuration(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let found = home.message_in(incoming.param("id"), incoming.param("messageId")).await?;
    let found = home.message_configuration(&found.id).await?;
    let mut response = data(StatusCode::OK, found.document);
    crate::headers::set_commit(&mut response, &found.commit);
    Ok(response)
}

async fn stop(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    home.message_stop(incoming.param("id"), incoming.param("messageId")).await?;
    Ok(message("Generation stopped"))
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Rating {
    Positive,
    Negative,
    Neutral,
}

#[derive(Deserialize)]
struct Rate {
    feedback: Option<Rating>,
}

async fn rate(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let (id, of) = (incoming.param("id"), incoming.param("messageId"));
    let found = home.message_in(id, of).await?;
    let (body, _) = incoming.lenient_body::<Rate>()?;
    let kind = body.feedback.map(|rating| match rating {
        Rating::Positive => FeedbackKind::Positive,
        Rating::Negative => FeedbackKind::Negative,
        Rating::Neutral => FeedbackKind::Neutral,
    });
    home.message_rate(id, of, kind).await?;
    let kind = kind.map(FeedbackKind::as_str);
    Ok(data(StatusCode::OK, shown_message(&found, kind)))
}

/// Messages with what is thought of them.
async fn rated(home: &Project, conversation: &str, messages: &[Message]) -> Result<Vec<Value>, Error> {
    let filter = FeedbackFilter { conversation_id: conversation.to_owned(), ..FeedbackFilter::default() };
    let (feedback, _) = home.feedback_list(&filter, 1, 1_000).await?;
    let of_message = |one: &understory::Feedback| Some((one.message_id.clone()?, one.kind.clone()));
    let kinds: HashMap<String, String> = feedback.iter().rev().filter_map(of_message).collect();
    Ok(messages.iter().map(|message| shown_message(message, kinds.get(&message.id).map(String::as_str))).collect())
}

fn shown(conversation: &Conversation) -> Value {
    let metadata = conversation.metadata.clone().unwrap_or_default();
    json!({
        "id": conversation.id,
        "agentId": conversation.agent_id,
        "userId": conversation.user_id,
        "title": conversation.title,
        "status": if conversation.archived_at.is_some() { "archived" } else { "active" },
        "projectId": metadata["projectId"],
        "description": metadata["description"],
        "context": metadata["context"],
        "messageCount": conversation.messages,
        "lastEventId": conversation.events,
        "createdAt": timestamp_iso(&conversation.created_at),
        "updatedAt": timestamp_iso(&conversation.updated_at),
    })
}

/// A message as answers have it.
pub(super) fn shown_message(message: &Message, feedback: Option<&str>) -> Value {
    json!({
        "id": message.id,
        "conversationId": message.conversation_id,
        "role": message.role,
        "content": text_of(&message.content),
        "status": message.status,
        "metadata": message.metadata.clone().unwrap_or_else(|| json!({})),
        "feedback": feedback,
        "commit": message.commit_hash,
        "timestamp": timestamp_iso(&message.created_at),
    })
}
