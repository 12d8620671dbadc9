use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};

use crate::{Context, openapi};

/// A small page that leads on.
pub(super) async fn home() -> Html<&'static str> {
    Html(include_str!("home.html"))
}

/// The operations of this server, readable.
pub(super) async fn docs() -> Html<&'static str> {
    Html(include_str!("docs.html"))
}

/// The API description.
pub(super) async fn openapi(State(context): State<Context>) -> Response {
    let text = context.openapi.get_or_init(|| openapi::document(context.app.model(), context.app.routes()).to_string());
    ([(header::CONTENT_TYPE, "application/json")], text.clone()).into_response()
}
