use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use understory::{Error, Principal};

use crate::request::base_url;
use crate::{Context, Problem};

/// The cookie that carries a browser's session.
const COOKIE_NAME: &str = "understory_session";
/// How long a browser keeps it, in seconds: as long as a session lasts that is not used.
const COOKIE_AGE: u32 = 30 * 24 * 60 * 60;

/// Lets a request through with its principal, or answers 401.
pub(crate) async fn require_key(State(context): State<Context>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let base_url = base_url(&context, &parts);
    let writes = !parts.method.is_safe();
    match principal(&context, &parts.headers, writes, &base_url).await {
        Ok(principal) => {
            parts.extensions.insert(principal);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Who sends a request: by a key or an access token, or else by a browser's session.
async fn principal(context: &Context, headers: &HeaderMap, writes: bool, base_url: &str) -> Result<Principal, Error> {
    if let Some(presented) = presented_key(headers) {
        return context.app.authenticate(presented).await;
    }
    let session = session_cookie(headers).ok_or(Error::Unauthorized)?;
    // Browsers send cookies whoever asks them to: a write must come from a page of this server.
    if writes && !is_same_origin(headers, base_url) {
        let detail = "a browser's session writes from pages of this server only; send a key or an access token instead";
        return Err(Error::Forbidden(detail.into()));
    }
    context.app.authenticate_session(session).await
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

fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

/// Whether a browser says that a page of this server sends the request. One that says nothing is not believed.
fn is_same_origin(headers: &HeaderMap, base_url: &str) -> bool {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    match (header("sec-fetch-site"), header(ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == base_url,
        (None, None) => false,
    }
}

/// The header that gives a browser its session, or takes it away.
pub(crate) fn set_session(session: Option<&str>, secure: bool) -> Option<HeaderValue> {
    let (value, age) = session.map_or(("", 0), |session| (session, COOKIE_AGE));
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{COOKIE_NAME}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(cookie).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_session_is_found_among_cookies() {
        let found = |cookies| session_cookie(&headers(&[("cookie", cookies)])).map(str::to_owned);
        assert_eq!(found("a=b; understory_session=uns_x.y; c=d").as_deref(), Some("uns_x.y"));
        assert_eq!(found("xunderstory_session=1; understory_sessionx=2"), None);
    }

    #[test]
    fn only_pages_of_this_server_write_with_a_session() {
        let base = "https://chat.example.com";
        let table: [(&[(&str, &str)], bool); 8] = [
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("origin", "https://chat.example.com")], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://chat.example.com")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "http://chat.example.com")], false),
            (&[("origin", "null")], false),
            (&[], false),
        ];
        for (pairs, good) in table {
            assert_eq!(is_same_origin(&headers(pairs), base), good, "{pairs:?}");
        }
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
        let set = |session, secure| set_session(session, secure).unwrap().to_str().unwrap().to_owned();
        let kept = "understory_session=uns_x.y; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax";
        assert_eq!(set(Some("uns_x.y"), false), kept);
        assert_eq!(set(Some("uns_x.y"), true), format!("{kept}; Secure"));
        assert!(set(None, false).starts_with("understory_session=; Path=/; Max-Age=0;"));
    }
}
