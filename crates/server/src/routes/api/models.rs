use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use understory::Permission::{Use, View};
use understory::model::{now, timestamp_iso};

use super::agents::open;
use super::envelope::data;
use crate::routes::{Needs, Routes};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Adds the routes. Names of models may have slashes.
pub(super) fn routes(routes: &mut Routes) {
    routes.under("/models").get("", Needs::Home(View), list).post("/test", Needs::Home(Use), test).get(
        "/{*id}",
        Needs::Home(View),
        one,
    );
    routes.under("/providers").get("", Needs::Home(View), providers).get("/status", Needs::Home(View), status);
}

async fn list(State(context): State<Context>, request: Request) -> Answered {
    let (_, home) = open(&context, request).await?;
    Ok(data(StatusCode::OK, home.model_list().await))
}

async fn one(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    Ok(data(StatusCode::OK, home.model_get(incoming.param("id")).await?))
}

#[derive(Deserialize)]
struct Named {
    provider: String,
    model: String,
}

async fn test(State(context): State<Context>, request: Request) -> Answered {
    let (incoming, home) = open(&context, request).await?;
    let (Named { provider, model }, _) = incoming.lenient_body()?;
    Ok(data(StatusCode::CREATED, home.model_test(&provider, &model).await))
}

async fn providers(State(context): State<Context>, request: Request) -> Answered {
    let (_, home) = open(&context, request).await?;
    Ok(data(StatusCode::OK, home.provider_list().await))
}

async fn status(State(context): State<Context>, request: Request) -> Answered {
    let (_, home) = open(&context, request).await?;
    let status = json!({ "providers": home.provider_list().await, "timestamp": timestamp_iso(&now()) });
    Ok(data(StatusCode::OK, status))
}
