//! All routes, by audience.

mod admin;
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
mod sql;
mod tags;
mod undo;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use understory::{Understory, Verb};

use crate::settings::Settings;
use crate::{Context, Problem};

/// The whole server: every mount on every address.
pub fn router(app: Understory, settings: Settings) -> Router {
    let cors = cors(&settings);
    let context = Context { app, settings: Arc::new(settings), openapi: Arc::default() };
    let routes = manage(&context);
    let admin = [routes.clone(), admin::routes()].concat();
    let manage = protected(&context, admin);
    let api_routes = protected(&context, api::routes());
    let tenants = protected(&context, [routes, metrics::routes()].concat());
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

/// Paths and what is served at them.
type Routes = Vec<(String, MethodRouter<Context>)>;

/// Routes for people and tools that configure agents.
fn manage(context: &Context) -> Routes {
    let mut routes = Routes::new();
    projects::routes(&mut routes);
    branches::routes(&mut routes);
    tags::routes(&mut routes);
    history::routes(&mut routes);
    undo::routes(&mut routes);
    files::routes(&mut routes);
    sql::routes(&mut routes);
    conversations::routes(&mut routes);
    feedback::routes(&mut routes);
    for route in context.app.routes() {
        entities::route(route, &mut routes);
    }
    routes
}

/// A router of routes none of which is answered without a key.
fn protected(context: &Context, routes: Routes) -> Router {
    let mut router = Router::new();
    for (path, methods) in routes {
        router = router.route(&path, methods);
    }
    let unknown_here = Router::new().fallback(unknown);
    router
        .merge(unknown_here)
        .layer(from_fn_with_state(context.clone(), crate::idempotency::once))
        .layer(from_fn_with_state(context.clone(), crate::auth::require_key))
        .with_state(context.clone())
}

/// The method router for a verb.
fn on<H, T>(verb: Verb, handler: H) -> MethodRouter<Context>
where
    H: axum::handler::Handler<T, Context>,
    T: 'static,
{
    match verb {
        Verb::Get => axum::routing::get(handler),
        Verb::Post => axum::routing::post(handler),
        Verb::Put => axum::routing::put(handler),
        Verb::Patch => axum::routing::patch(handler),
        Verb::Delete => axum::routing::delete(handler),
    }
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
