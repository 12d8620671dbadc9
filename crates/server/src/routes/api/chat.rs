use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use understory::Permission::Use;
use understory::{Error, Project, Question, TaskRequest, text_of};

use super::agents::open;
use super::conversations::shown_message;
use super::envelope::data;
use crate::routes::{Needs, Routes};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/agents")
        .post("/chat", Needs::WholeHome(Use), ask_anyone)
        .post("/{id}/chat", Needs::WholeHome(Use), ask)
        .post("/{id}/tasks", Needs::WholeHome(Use), task);
}

async fn ask_anyone(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let (body, _) = incoming.lenient_body::<Question>()?;
    let agent = body.agent_id.clone();
    let agent = agent.ok_or_else(|| Error::field("/agentId", "required", "agentId is required: who is asked"))?;
    answered(&home, &agent, body).await
}

async fn ask(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    home.agent_get(incoming.param("id")).await?;
    let (body, _) = incoming.lenient_body::<Question>()?;
    answered(&home, incoming.param("id"), body).await
}

/// The question is kept whatever becomes of its answer, which says itself whether it is complete.
async fn answered(home: &Project, agent: &str, question: Question) -> Answered {
    let answered = home.agent_ask(agent, question).await?;
    let answer = &answered.answer;
    let metadata = answer.metadata.clone().unwrap_or_default();
    Ok(data(
        StatusCode::CREATED,
        json!({
            "agentId": agent,
            "conversationId": answered.conversation,
            "response": text_of(&answer.content),
            "status": answer.status,
            "error": metadata["error"],
            "message": shown_message(answer, None),
            "timestamp": understory::model::timestamp_iso(&answer.updated_at),
        }),
    ))
}

async fn task(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let agent = incoming.param("id");
    home.agent_get(agent).await?;
    let (body, _) = incoming.lenient_body::<TaskRequest>()?;
    Ok(data(StatusCode::CREATED, home.agent_task(agent, body).await?))
}
