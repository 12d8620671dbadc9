use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::{Context, Problem};

/// Lets a request through with its principal, or answers 401.
pub(crate) async fn require_key(State(context): State<Context>, mut request: Request, next: Next) -> Response {
    let presented = presented_key(request.headers()).map(str::to_owned);
    match context.app.authenticate(presented.as_deref()).await {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

/// The key in `Authorization: Bearer` or `X-API-Key`.
pub(crate) fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let bearer = header(AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| header("x-api-key")).filter(|key| !key.is_empty())
}
