use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, FromRequestParts as _, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use understory::{Call, Error, Origin, Params, Principal, Wanted};

use crate::auth::is_same_origin;
use crate::{Context, Problem};

/// A request, taken apart.
pub(crate) struct Incoming {
    pub(crate) principal: Principal,
    /// What it was let through for.
    pub(crate) wanted: Wanted,
    pub(crate) headers: HeaderMap,
    pub(crate) call: Call,
}

impl Incoming {
    /// Takes a request apart; its body, if there is one, must be JSON within the limit.
    pub(crate) async fn read(context: &Context, request: Request) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let (params, query) = place(&mut parts).await?;
        let principal = parts.extensions.get::<Principal>().cloned().ok_or(Error::Unauthorized)?;
        let wanted = parts.extensions.get::<Wanted>().cloned().ok_or(Error::Unauthorized)?;
        let bytes = read_body(&parts.headers, body, context.settings.body_limit).await?;
        let body = parse(&bytes)?;
        let base_url = base_url(context, &parts);
        Ok(Self { principal, wanted, headers: parts.headers, call: Call { params, query, body, base_url } })
    }

    pub(crate) fn param(&self, name: &str) -> &str {
        self.call.params.get(name).map_or("", String::as_str)
    }

    /// The ref that the request names.
    pub(crate) fn reference(&self) -> String {
        crate::headers::reference(&self.headers, self.call.query.get("ref"))
    }

    /// How the request wants its write to be made.
    pub(crate) fn write_options(&self) -> understory::WriteOptions {
        crate::headers::write_options(&self.headers, self.call.query.get("ref"))
    }

    /// The body as a type of its own, and the names of keys that mean nothing to it.
    pub(crate) fn lenient_body<T: serde::de::DeserializeOwned>(&self) -> Result<(T, Vec<String>), Problem> {
        lenient(&self.call.body)
    }

    /// The body as a type of its own, which says itself whether it takes keys that it does not know.
    pub(crate) fn body<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_path_to_error::deserialize(&self.call.body)
            .map_err(|error: serde_path_to_error::Error<_>| misfit(error.path(), error.inner()).into())
    }
}

/// What the path of a request names, and its query.
pub(crate) async fn place(parts: &mut Parts) -> Result<(Params, BTreeMap<String, String>), Problem> {
    let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, detail);
    let params = Path::<Params>::from_request_parts(parts, &()).await;
    let Path(params) = params.map_err(|_| bad("the path is not valid UTF-8"))?;
    let query = Query::<BTreeMap<String, String>>::from_request_parts(parts, &()).await;
    let Query(query) = query.map_err(|_| bad("the query is not valid"))?;
    Ok((params, query))
}

/// A request of somebody who need not be known.
pub(crate) struct Guest {
    pub(crate) origin: Origin,
    /// Whether the client reaches this server by TLS.
    pub(crate) secure: bool,
    /// Whether a browser says that a page of another site sends the request.
    foreign: bool,
    body: Value,
}

impl Guest {
    /// Takes a request apart; its body, if there is one, must be JSON within the limit.
    pub(crate) async fn read(context: &Context, request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(&parts.headers, body, context.settings.body_limit).await?;
        let from_browser = ["origin", "sec-fetch-site"].iter().any(|name| parts.headers.contains_key(*name));
        let foreign = from_browser && !is_same_origin(&parts.headers, &base_url(context, &parts));
        let (origin, secure) = (origin(context, &parts), is_secure(context, &parts));
        Ok(Self { origin, secure, foreign, body: parse(&bytes)? })
    }

    /// Refuses to put a browser into a session that a page of another site asks for.
    pub(crate) fn refuse_foreign(&self) -> Result<(), Error> {
        let detail = "a browser gets a session from pages of this server only";
        if self.foreign { Err(Error::Forbidden(detail.into())) } else { Ok(()) }
    }

    /// The body as a type of its own, and the names of keys that mean nothing to it.
    pub(crate) fn lenient_body<T: serde::de::DeserializeOwned>(&self) -> Result<(T, Vec<String>), Problem> {
        lenient(&self.body)
    }
}

fn lenient<T: serde::de::DeserializeOwned>(body: &Value) -> Result<(T, Vec<String>), Problem> {
    let (mut track, mut unknown) = (serde_path_to_error::Track::new(), Vec::new());
    let body = serde_path_to_error::Deserializer::new(body, &mut track);
    match serde_ignored::deserialize(body, |path| unknown.push(path.to_string())) {
        Ok(body) => Ok((body, unknown)),
        Err(error) => Err(misfit(&track.path(), &error).into()),
    }
}

/// Tells a key that is null from one that is absent, with `default` for the latter.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Where a body does not fit its type, and why.
fn misfit(path: &serde_path_to_error::Path, error: &serde_json::Error) -> Error {
    use serde_path_to_error::Segment;
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{key}"),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    let mut pointer: String = path.iter().map(segment).collect();
    let detail = error.to_string();
    // A field that is missing is named in the text alone: the path ends at what it is missing from.
    let missing = detail.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    if let Some(name) = missing {
        pointer = format!("{pointer}/{name}");
    }
    let reason = if missing.is_some() { "required" } else { "type" };
    Error::field(pointer, reason, format!("the body does not fit: {detail}"))
}

/// The greatest bundle accepted: 1 GiB. It is read into memory.
const BUNDLE_LIMIT: usize = 1 << 30;

/// How long the body of a request to a path may be.
pub(crate) fn body_limit(context: &Context, path: &str) -> usize {
    if path.ends_with("/bundles") { BUNDLE_LIMIT } else { context.settings.body_limit }
}

/// Reads a body up to a limit.
pub(crate) async fn read_body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Problem> {
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {limit} bytes"));
    let announced = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    to_bytes(body, limit).await.map_err(|_| too_large())
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("the body is not valid JSON: {error}")))
}

/// The address at which clients reach this server: what trusted proxies say, else the `Host` header.
pub(crate) fn base_url(context: &Context, parts: &Parts) -> String {
    let scheme = forwarded(context, parts, "x-forwarded-proto").unwrap_or_else(|| "http".into());
    let host = forwarded(context, parts, "x-forwarded-host");
    let host = host.or_else(|| header(parts, "host").map(str::to_owned)).unwrap_or_else(|| "localhost".into());
    format!("{scheme}://{host}")
}

/// Whether the client reaches this server by TLS.
pub(crate) fn is_secure(context: &Context, parts: &Parts) -> bool {
    forwarded(context, parts, "x-forwarded-proto").is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// Where a request comes from: what trusted proxies say, else the other end of the connection.
fn origin(context: &Context, parts: &Parts) -> Origin {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_string());
    Origin {
        address: forwarded(context, parts, "x-forwarded-for").or(peer),
        user_agent: header(parts, "user-agent").map(str::to_owned),
    }
}

/// What the farthest trusted proxy says. Each appends: the one nearest to us stands last.
fn forwarded(context: &Context, parts: &Parts, name: &str) -> Option<String> {
    let place = context.settings.trusted_hops.checked_sub(1)?;
    // Some proxies add a line of their own instead of going on with the one that came.
    let lines = parts.headers.get_all(name).iter().rev().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.rsplit(',')).nth(place).map(|said| said.trim().to_owned())
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name)?.to_str().ok()
}
