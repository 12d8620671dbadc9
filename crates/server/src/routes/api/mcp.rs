//! What tool servers report of their work.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use understory::Permission::Use;

use super::agents::open;
use super::envelope::answer;
use crate::routes::{Needs, Routes};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Adds the routes.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/mcp")
        .post("/tool-execution", Needs::WholeHome(Use), tool_execution)
        .post("/file-change", Needs::WholeHome(Use), file_change)
        .post("/agent-activity", Needs::WholeHome(Use), agent_activity);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Where {
    conversation_id: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct ToolExecution {
    tool: String,
    status: ToolStatus,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum ToolStatus {
    Started,
    Completed,
    Failed,
}

#[derive(Deserialize, Serialize)]
struct FileChange {
    path: String,
    action: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Deserialize, Serialize)]
struct AgentActivity {
    /// Named otherwise in the event, which has a type of its own.
    #[serde(rename(deserialize = "type"))]
    activity: String,
    #[serde(flatten)]
    others: Map<String, Value>,
}

async fn tool_execution(State(context): State<Context>, request: Request) -> Answered {
    told::<ToolExecution>(&context, request, "tool_execution").await
}

async fn file_change(State(context): State<Context>, request: Request) -> Answered {
    told::<FileChange>(&context, request, "file_changed").await
}

async fn agent_activity(State(context): State<Context>, request: Request) -> Answered {
    told::<AgentActivity>(&context, request, "agent_activity").await
}

/// Passes on what is reported, once it has the form of its kind.
async fn told<T: DeserializeOwned + Serialize>(context: &Context, request: Request, kind: &str) -> Answered {
    let (incoming, home) = open(context, request).await?;
    let (Where { conversation_id }, _) = incoming.lenient_body()?;
    let Value::Object(mut data) = json!(incoming.body::<T>()?) else { return Ok(accepted()) };
    data.remove("conversationId");
    home.activity_tell(conversation_id.as_deref(), kind, data).await?;
    Ok(accepted())
}

fn accepted() -> Response {
    answer(StatusCode::CREATED, &json!({ "success": true }))
}
