use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use understory::{Idempotent, Outcome, Principal, StoredAnswer, Understory};

use crate::headers::{COMMIT, IDEMPOTENCY_KEY, text};
use crate::request::{body_limit, read_body};
use crate::routes::wants_stream;
use crate::{Context, Problem};

/// Headers of an answer that a repeat gets again.
const KEPT: [&str; 4] = ["content-type", "etag", "warning", COMMIT];
const MAX_KEY: usize = 255;
/// The greatest answer that is kept for a repeat.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// Marks an answer that must not be stored, since it holds a secret. A repeat of its request is done anew.
#[derive(Clone, Copy)]
pub(crate) struct Unrepeatable;

/// Answers the repeat of a request with an `Idempotency-Key` as the first time, without doing it again.
pub(crate) async fn once(State(context): State<Context>, request: Request, next: Next) -> Response {
    let writes = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    // A stream is not kept for a repeat: a message that is sent again is known by its id.
    let kept = writes && !wants_stream(request.headers());
    match text(request.headers(), IDEMPOTENCY_KEY).filter(|_| kept) {
        None => next.run(request).await,
        Some(key) => {
            // A client that hangs up must not leave its claim open: the work goes on without it.
            let work = tokio::spawn(async move { run_once(&context, key, request, next).await });
            match work.await {
                Ok(answered) => answered.unwrap_or_else(|problem| problem.into_response()),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping").into_response(),
            }
        }
    }
}

async fn run_once(context: &Context, key: String, request: Request, next: Next) -> Result<Response, Problem> {
    if key.chars().count() > MAX_KEY {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            format!("an Idempotency-Key has at most {MAX_KEY} characters"),
        ));
    }
    let (parts, body) = request.into_parts();
    let principal = parts.extensions.get::<Principal>().cloned().ok_or(understory::Error::Unauthorized)?;
    let limit = body_limit(context, parts.uri.path());
    let body = read_body(&parts.headers, body, limit).await?;
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let hash = Understory::request_hash(parts.method.as_str(), path, &body);
    let project = project_of(parts.uri.path());
    let project = project.as_ref().map(|(tenant, id)| (tenant.as_str(), id.as_str()));
    if let Idempotent::Answered(answer) = context.app.idempotency_claim(&principal, &key, hash, project).await? {
        return Ok(replay(answer));
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    keep(context, &principal, &key, response).await
}

/// Stores an answer to a request that was done; a refused one may be tried again, and a failed one is looked into then.
async fn keep(context: &Context, principal: &Principal, key: &str, response: Response) -> Result<Response, Problem> {
    let (parts, body) = response.into_parts();
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be kept");
    let bytes: Bytes = to_bytes(body, MAX_ANSWER).await.map_err(failed)?;
    let repeatable = parts.extensions.get::<Unrepeatable>().is_none();
    let outcome = if parts.status.is_success() && repeatable {
        let header = |name: &&str| Some(((*name).to_owned(), parts.headers.get(*name)?.to_str().ok()?.to_owned()));
        let headers = KEPT.iter().filter_map(header).collect();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Outcome::Answered(StoredAnswer { status: parts.status.as_u16(), headers, body })
    } else if parts.status.is_server_error() {
        Outcome::Unknown
    } else {
        Outcome::Refused
    };
    let done = matches!(outcome, Outcome::Answered(_));
    if !context.app.idempotency_settle(principal, key, outcome).await && done {
        let detail = "the request was done, but its answer cannot be kept now; repeat it with the same Idempotency-Key";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replay(answer: StoredAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    response.headers_mut().clear();
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

/// Tenant and project of a path.
fn project_of(path: &str) -> Option<(String, String)> {
    let segments: Vec<&str> = path.trim_start_matches("/manage").split('/').skip(1).collect();
    match segments.as_slice() {
        ["tenants", tenant, "projects" | "project-full", project, ..] => {
            Some(((*tenant).to_owned(), (*project).to_owned()))
        }
        _ => None,
    }
}
