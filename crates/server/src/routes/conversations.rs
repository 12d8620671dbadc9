//! Conversations with agents, and what is said in them.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use understory::Permission::{Edit, Use, View};
use understory::model::{stored_time, timestamp_iso};
use understory::{
    AuditEntry, Call, Conversation, ConversationChange, ConversationFilter, ConversationRequest, Error, Message,
    Project, Start, USER_FACING, text_of,
};

use super::answer::answer;
use super::branches::open;
use super::messages;
use super::query::{flag, number};
use super::{Needs, Routes};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Entries of a record that are shown.
const RECORD: u32 = 1_000;
/// Messages that a conversation is shown with.
const SHOWN: u32 = 200;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/tenants/{tenantId}/projects/{projectId}/conversations")
        .get("", Needs::Project(View), list)
        .post("", Needs::Project(Use), create)
        .get("/search", Needs::Project(View), messages::search)
        .get("/{id}", Needs::Project(View), show)
        .patch("/{id}", Needs::Project(Use), change)
        .delete("/{id}", Needs::Project(Edit), remove)
        .get("/{id}/bounds", Needs::Project(View), bounds)
        .put("/{id}/pin", Needs::Project(Use), pin)
        .get("/{id}/record", Needs::Project(View), record)
        .get("/{id}/export", Needs::Project(View), export)
        .get("/{id}/events", Needs::Project(View), super::events::follow)
        .get("/{id}/messages", Needs::Project(View), messages::list)
        .post("/{id}/messages", Needs::Project(Use), messages::say)
        .get("/{id}/messages/{messageId}", Needs::Project(View), messages::show)
        .get("/{id}/messages/{messageId}/configuration", Needs::Project(View), messages::configuration)
        .post("/{id}/messages/{messageId}/stop", Needs::Project(Use), messages::stop);
}

async fn create(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let body: ConversationRequest = incoming.body()?;
    Ok(answer(201, shown(&project.conversation_create(body).await?)))
}

/// By page, as the contract has it, or on from a cursor.
async fn list(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let call = &incoming.call;
    let text = |name: &str| call.query.get(name).cloned().unwrap_or_default();
    let filter = ConversationFilter { agent_id: text("agentId"), user_id: text("userId"), state: state(call)? };
    let (page, limit) = (number(call, "page", 1, 1_000_000)?, number(call, "limit", 20, 200)?);
    let (found, total) = project.conversations(&filter, &start(call, limit)?, limit).await?;
    let next = next(&found, limit);
    let seen = u64::from(page.saturating_mul(limit));
    let pagination = json!({
        "page": page, "limit": limit, "total": total, "hasMore": next.is_some() && seen < total, "next": next,
    });
    let conversations: Vec<Value> = found.iter().map(shown).collect();
    Ok(answer(200, json!({ "conversations": conversations, "pagination": pagination })))
}

/// Where the page that a request asks for begins.
pub(super) fn start(call: &Call, limit: u32) -> Result<Start, Error> {
    let page = number(call, "page", 1, 1_000_000)?;
    match call.query.get("cursor") {
        Some(cursor) => after(cursor),
        None => Ok(Start::Skip(page.saturating_sub(1).saturating_mul(limit))),
    }
}

/// The cursor of the page after this one, if there may be one.
pub(super) fn next(page: &[Conversation], limit: u32) -> Option<String> {
    let last = page.last().filter(|_| page.len() == limit as usize);
    last.map(|last| format!("{}~{}", last.updated_at, last.id))
}

/// Whether open conversations are wanted, or those that were put aside; empty for both.
pub(super) fn state(call: &Call) -> Result<String, Error> {
    match call.query.get("status").map(String::as_str) {
        None | Some("") => Ok(String::new()),
        Some(state @ ("active" | "archived")) => Ok(state.to_owned()),
        Some(_) => Err(Error::field("/status", "enum", "status is active or archived")),
    }
}

fn after(cursor: &str) -> Result<Start, Error> {
    // What is no time is compared as one on servers, and refused there as a failure.
    let is_time = |at: &str| stored_time(&timestamp_iso(at)).as_deref() == Some(at);
    let parts = cursor.split_once('~').filter(|(at, _)| is_time(at));
    let (at, id) = parts.ok_or_else(|| Error::field("/cursor", "pattern", "the cursor is none of ours"))?;
    Ok(Start::After(at.to_owned(), id.to_owned()))
}

/// The conversation with its last messages: in the contract's default form, or as `format=vercel` has it.
async fn show(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let limit = number(&incoming.call, "limit", SHOWN, SHOWN)?;
    let id = incoming.param("id");
    let conversation = project.conversation(id).await?;
    let page = project.messages(id, understory::MessagesWanted::Last, limit).await?;
    let internal = flag(&incoming.call, "includeInternal")?;
    let visible = |message: &&Message| internal || message.visibility == USER_FACING;
    let said: Vec<&Message> = page.messages.iter().filter(visible).collect();
    let mut shown = shown_alone(&project, &conversation).await?;
    match incoming.call.query.get("format").map(String::as_str) {
        Some("vercel") => {
            shown["messages"] = said.into_iter().map(vercel).collect();
            Ok(answer(200, shown))
        }
        None | Some("" | "default") => {
            let context: Vec<String> =
                said.iter().map(|message| format!("{}: {}", message.role, text_of(&message.content))).collect();
            shown["messages"] = said.into_iter().map(vercel).collect();
            Ok(answer(200, json!({ "conversation": shown, "formatted": { "llmContext": context.join("\n") } })))
        }
        Some(_) => Err(Error::field("/format", "enum", "format is vercel, or absent").into()),
    }
}

/// A message as chat clients have it.
fn vercel(message: &Message) -> Value {
    let text = text_of(&message.content);
    let parts = message.content.get("parts").cloned();
    json!({
        "id": message.id,
        "role": if message.role == "user" { "user" } else { "assistant" },
        "parts": parts.unwrap_or_else(|| json!([{ "type": "text", "text": text }])),
        "content": text,
        "createdAt": timestamp_iso(&message.created_at),
    })
}

async fn change(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let body: ConversationChange = incoming.body()?;
    Ok(answer(200, shown(&project.conversation_update(incoming.param("id"), body).await?)))
}

async fn remove(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    project.conversation_delete(incoming.param("id")).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn bounds(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let shown = shown(&project.conversation(incoming.param("id")).await?);
    Ok(answer(200, json!({ "createdAt": shown["createdAt"], "updatedAt": shown["updatedAt"] })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    #[serde(rename = "ref")]
    reference: String,
}

async fn pin(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let id = incoming.param("id");
    project.conversation(id).await?;
    let body: Pin = incoming.body()?;
    Ok(answer(200, shown(&project.conversation_pin(id, &body.reference).await?)))
}

async fn record(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let entries = project.conversation_record(incoming.param("id"), RECORD).await?;
    Ok(answer(200, entries.iter().map(entry).collect()))
}

fn entry(entry: &AuditEntry) -> Value {
    json!({
        "principal": entry.principal,
        "action": entry.action,
        "details": entry.details,
        "createdAt": timestamp_iso(&entry.created_at),
    })
}

/// As JSON with all messages, or as Markdown.
async fn export(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let id = incoming.param("id");
    match incoming.call.query.get("format").map_or("json", String::as_str) {
        "json" => {
            let mut conversation = shown_alone(&project, &project.conversation(id).await?).await?;
            conversation["messages"] = project.messages_all(id).await?.iter().map(messages::shown).collect();
            Ok(answer(200, conversation))
        }
        "markdown" => {
            let text = project.conversation_markdown(id).await?;
            Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
        }
        _ => Err(Error::field("/format", "enum", "format is json or markdown").into()),
    }
}

/// A conversation as answers have it that are about it alone: with what is gone of the configuration that it follows.
async fn shown_alone(project: &Project, conversation: &Conversation) -> Result<Value, Error> {
    let gone = project.conversation_gone(conversation).await?;
    let mut shown = shown(conversation);
    shown["agentDeleted"] = gone.agent.into();
    shown["refDeleted"] = gone.reference.into();
    Ok(shown)
}

/// A conversation as answers have it.
pub(super) fn shown(conversation: &Conversation) -> Value {
    let reference = conversation.reference.clone().unwrap_or_default();
    let mut shown = json!({
        "id": conversation.id,
        "agentId": conversation.agent_id,
        "activeSubAgentId": conversation.active_sub_agent_id,
        "userId": conversation.user_id,
        "title": conversation.title,
        "status": if conversation.archived_at.is_some() { "archived" } else { "active" },
        "ref": reference,
        "pinned": !reference.is_null() && reference["type"] != "branch",
        "messageCount": conversation.messages,
        "lastEventId": conversation.events,
        "metadata": conversation.metadata,
        "userProperties": conversation.user_properties,
        "properties": conversation.properties,
        "createdAt": timestamp_iso(&conversation.created_at),
        "updatedAt": timestamp_iso(&conversation.updated_at),
    });
    if let Some(at) = &conversation.archived_at {
        shown["archivedAt"] = timestamp_iso(at).into();
    }
    shown
}
