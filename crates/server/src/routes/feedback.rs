//! What people think of messages and conversations.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use understory::Permission::{Edit, Use, View};
use understory::model::timestamp_iso;
use understory::{Error, Feedback, FeedbackChange, FeedbackFilter, FeedbackRequest};

use super::answer::{answer, answer_with, whole};
use super::branches::open;
use super::query::{number, time};
use super::{Needs, Routes};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// The most feedback in one request.
const BULK: usize = 1_000;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/tenants/{tenantId}/projects/{projectId}/feedback")
        .get("", Needs::Project(View), list)
        .post("", Needs::Project(Use), create)
        .post("/bulk", Needs::Project(Use), create_many)
        .get("/{id}", Needs::Project(View), one)
        .patch("/{id}", Needs::Project(Edit), change)
        .delete("/{id}", Needs::Project(Edit), remove);
}

async fn list(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let call = &incoming.call;
    let text = |name: &str| call.query.get(name).cloned().unwrap_or_default();
    let filter = FeedbackFilter {
        conversation_id: text("conversationId"),
        message_id: text("messageId"),
        kind: text("type"),
        agent_id: text("agentId"),
        since: time(call, "startDate")?,
        until: time(call, "endDate")?,
    };
    let (page, limit) = (number(call, "page", 1, 1_000_000)?, number(call, "limit", 10, 100)?);
    let (found, total) = project.feedback_list(&filter, page, limit).await?;
    let pages = total.div_ceil(u64::from(limit));
    let body = json!({
        "data": found.iter().map(shown).collect::<Vec<_>>(),
        "pagination": { "page": page, "limit": limit, "total": total, "pages": pages },
    });
    Ok(whole(200, body))
}

async fn create(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (body, unknown): (FeedbackRequest, _) = incoming.lenient_body()?;
    Ok(answer_with(201, shown(&project.feedback_create(body).await?), &unknown))
}

/// Each item by itself: what is wrong with one does not keep the others out.
async fn create_many(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let items: Vec<Value> = incoming.body()?;
    if !(1..=BULK).contains(&items.len()) {
        return Err(Error::field("", "range", format!("the body is a list of 1 to {BULK} items")).into());
    }
    let (mut made, mut errors) = (Vec::new(), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        let conversation = item["conversationId"].as_str().unwrap_or_default().to_owned();
        let read = serde_json::from_value::<FeedbackRequest>(item).map_err(|error| error.to_string());
        let stored = match read {
            Ok(new) => project.feedback_create(new).await,
            Err(detail) => Err(Error::BadRequest(detail)),
        };
        match stored {
            Ok(feedback) => made.push(shown(&feedback)),
            Err(error @ (Error::Invalid(_) | Error::BadRequest(_) | Error::Conflict(_))) => {
                errors.push(json!({ "index": index, "conversationId": conversation, "message": error.to_string() }));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(whole(201, json!({ "data": made, "errors": errors })))
}

async fn one(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    Ok(answer(200, shown(&project.feedback(incoming.param("id")).await?)))
}

async fn change(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    let (body, unknown): (FeedbackChange, _) = incoming.lenient_body()?;
    Ok(answer_with(200, shown(&project.feedback_update(incoming.param("id"), body).await?), &unknown))
}

async fn remove(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, project) = open(&context, request).await?;
    project.feedback_delete(incoming.param("id")).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn shown(feedback: &Feedback) -> Value {
    json!({
        "id": feedback.id,
        "conversationId": feedback.conversation_id,
        "messageId": feedback.message_id,
        "type": feedback.kind,
        "details": feedback.details,
        "createdAt": timestamp_iso(&feedback.created_at),
        "updatedAt": timestamp_iso(&feedback.updated_at),
    })
}
