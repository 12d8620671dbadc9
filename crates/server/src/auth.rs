use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use understory::manage::BranchName;
use understory::{Error, Params, Permission, Principal, Target, Wanted, authorize};

use crate::headers::reference;
use crate::request::{base_url, place};
use crate::routes::Needs;
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

/// What stands before an operation: what it declares to need, and its path below the mount.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) needs: Needs,
    pub(crate) path: Arc<str>,
}

/// Lets a request go on that may have what its operation needs, and notes what that is.
pub(crate) async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match gate.wanted(&mut parts).await {
        Ok(wanted) => {
            parts.extensions.insert(wanted);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

impl Gate {
    /// What the request asks for, if it may have it.
    async fn wanted(&self, parts: &mut Parts) -> Result<Wanted, Problem> {
        let (params, query) = place(parts).await?;
        let principal = parts.extensions.get::<Principal>().ok_or(Error::Unauthorized)?;
        let param = |name: &str| params.get(name).map(String::as_str);
        let (tenant, project) = (param("tenantId").unwrap_or_default(), param("projectId").or(param("id")));
        let within = |permission, reference: String| {
            let reference = if reference.is_empty() { BranchName::MAIN.to_owned() } else { reference };
            Wanted { permission, agent: self.agent(&params), reference: Some(reference) }
        };
        let wanted = match self.needs {
            Needs::Known => return Ok(Permission::View.into()),
            // Which project that is, and whether it may be reached, is found out together.
            Needs::Home(permission) => return Ok(within(permission, String::new())),
            Needs::WholeHome(permission) => return Ok(permission.into()),
            Needs::Server => Permission::Admin.into(),
            Needs::Tenant(permission) | Needs::Project(permission) => permission.into(),
            Needs::Rows(permission) => within(permission, reference(&parts.headers, query.get("ref"))),
        };
        let target = match self.needs {
            Needs::Server => Target::Server,
            Needs::Tenant(_) => Target::Tenant(tenant),
            _ => wanted.target(tenant, project.unwrap_or_default()),
        };
        authorize(principal, wanted.permission, &target)?;
        Ok(wanted)
    }

    /// The agent that the path stays within: the placeholder after `agents` or `agent`.
    fn agent(&self, params: &Params) -> Option<String> {
        let mut segments = self.path.split('/').skip_while(|segment| !matches!(*segment, "agents" | "agent"));
        let name = segments.nth(1)?.strip_prefix('{')?.strip_suffix('}')?;
        params.get(name).cloned()
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

fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

/// Whether a browser says that a page of this server sends the request. One that says nothing is not believed.
pub(crate) fn is_same_origin(headers: &HeaderMap, base_url: &str) -> bool {
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
