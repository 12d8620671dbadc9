//! All routes, by audience.

mod admin;
mod answer;
mod api;
mod branches;
mod conversations;
mod entities;
mod events;
mod feedback;
mod files;
mod health;
mod history;
mod messages;
mod metrics;
mod pages;
mod projects;
mod query;
mod served;
mod sql;
mod tags;
mod undo;

pub(crate) use events::wants_stream;
pub(crate) use health::report as health_report;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use understory::{Route, Understory, Verb};

use crate::auth::Gate;
use crate::settings::Settings;
use crate::{Context, Problem};

pub(crate) use served::{Needs, Routes, Served};

/// The whole server: every mount on every address.
pub fn router(app: Understory, settings: Settings) -> Router {
    let cors = cors(&settings);
    let context = Context { app, settings: Arc::new(settings), openapi: Arc::default() };
    let sockets = crate::sockets::routes(&context);
    let [manage, api_routes, tenants] = mounts(context.app.routes()).map(|(_, routes)| protected(&context, &routes));
    let router = Router::new()
        .route("/", get(pages::home))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/openapi.json", get(pages::openapi))
        .route("/docs", get(pages::docs))
        .merge(api::open())
        .with_state(context)
        .nest("/manage", manage)
        .nest("/api", api_routes)
        .merge(tenants)
        .merge(sockets)
        .fallback(unknown)
        .method_not_allowed_fallback(method_not_allowed);
    let id = HeaderName::from_static("x-request-id");
    let fixed = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::overriding(HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    router
        .layer(cors)
        .layer(fixed("x-content-type-options", "nosniff"))
        .layer(fixed("referrer-policy", "strict-origin-when-cross-origin"))
        .layer(fixed("x-xss-protection", "0"))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(api::enveloped))
        // Failures are logged once, with their causes, where they become answers.
        .layer(TraceLayer::new_for_http().make_span_with(span).on_failure(()))
        .layer(PropagateRequestIdLayer::new(id.clone()))
        .layer(SetRequestIdLayer::new(id, MakeRequestUuid))
}

/// What is served below `/manage`, below `/api` and below nothing, and needs somebody who is known.
fn mounts(model: &[Route]) -> [(&'static str, Routes); 3] {
    let (mut manage, mut api, mut alias) = (Routes::default(), Routes::default(), Routes::default());
    projects::routes(&mut alias);
    branches::routes(&mut alias);
    tags::routes(&mut alias);
    history::routes(&mut alias);
    undo::routes(&mut alias);
    files::routes(&mut alias);
    sql::routes(&mut alias);
    conversations::routes(&mut alias);
    feedback::routes(&mut alias);
    for route in model {
        entities::route(route, &mut alias);
    }
    manage.extend(alias.clone());
    admin::routes(&mut manage);
    metrics::routes(&mut alias);
    api::routes(&mut api);
    [("/manage", manage), ("/api", api), ("", alias)]
}

/// What every operation needs, by method and whole path, as the API description says it.
pub(crate) fn needs(model: &[Route]) -> BTreeMap<(Verb, String), String> {
    let words = |mount: &str, served: &Served| {
        // The description does not tell placeholders apart that take slashes.
        let path = format!("{mount}{}", served.path).replace("{*", "{");
        ((served.verb, path), served.needs.words())
    };
    mounts(model).iter().flat_map(|(mount, routes)| routes.iter().map(|served| words(mount, served))).collect()
}

/// A router of routes none of which is answered to somebody who is not known, or may not.
fn protected(context: &Context, routes: &Routes) -> Router {
    let mut router = Router::new();
    for Served { path, needs, handler, .. } in routes.iter() {
        let gate = Gate { needs: *needs, path: path.as_str().into() };
        // What only its own account needs holds passwords: nothing of such requests is kept, not even a hash.
        let handler = match needs {
            Needs::Known => handler.clone(),
            _ => handler.clone().route_layer(from_fn_with_state(context.clone(), crate::idempotency::once)),
        };
        router = router.route(path, handler.route_layer(from_fn_with_state(gate, crate::auth::admit)));
    }
    let unknown_here = Router::new().fallback(unknown);
    router
        .merge(unknown_here)
        .layer(from_fn_with_state(context.clone(), crate::auth::require_key))
        .with_state(context.clone())
}

/// What log lines about a request carry; no header of it but its id.
fn span(request: &Request) -> tracing::Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    tracing::info_span!("request", request.id = id, http.method = %request.method(), http.path = request.uri().path())
}

async fn unknown(request: Request) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at {}", request.uri().path()))
}

async fn method_not_allowed(method: Method, request: Request) -> Problem {
    let detail = format!("{method} is not served at {}", request.uri().path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked; the panic's own message stands above");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "An internal error occurred; the server's log says more.")
        .into_response()
}

fn cors(settings: &Settings) -> CorsLayer {
    if settings.cors_origins.is_empty() {
        return CorsLayer::new();
    }
    let layer = CorsLayer::new().allow_methods(Any).allow_headers(Any).expose_headers(Any);
    if settings.cors_origins.iter().any(|origin| origin == "*") {
        return layer.allow_origin(Any);
    }
    let origins: Vec<HeaderValue> = settings.cors_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    layer.allow_origin(origins)
}
