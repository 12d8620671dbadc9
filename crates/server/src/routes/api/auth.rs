//! Registering, signing in, and one's own account.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};
use understory::model::timestamp_iso;
use understory::{Error, NewPerson, PersonChange, PersonDetails, SignIn, User};

use super::envelope::{answer, data, message};
use crate::auth::set_session;
use crate::headers::set_warning;
use crate::request::{Guest, Incoming};
use crate::routes::{Needs, Routes};
use crate::{Context, Problem};

type Answered = Result<Response, Problem>;

/// Routes for people who are not signed in.
pub(super) fn open() -> Router<Context> {
    Router::new()
        .route("/api/auth/register", post(register))
        .route("/api/auth/login", post(login))
        .route("/api/auth/refresh", post(refresh))
}

/// Adds the routes for those who are.
pub(super) fn routes(routes: &mut Routes) {
    routes
        .under("/auth")
        .post("/logout", Needs::Known, logout)
        .get("/profile", Needs::Known, profile)
        .patch("/profile", Needs::Known, change_profile)
        .post("/change-password", Needs::Known, change_password);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registering {
    email: String,
    username: String,
    password: String,
    first_name: Option<String>,
    last_name: Option<String>,
    preferences: Option<Value>,
    owner_code: Option<String>,
    invitation: Option<String>,
    /// Whether the session is to be a browser's, in a cookie.
    #[serde(default)]
    cookie: bool,
}

async fn register(State(context): State<Context>, request: Request) -> Answered {
    let guest = Guest::read(&context, request).await?;
    let (body, unknown) = guest.lenient_body::<Registering>()?;
    if body.cookie {
        guest.refuse_foreign()?;
    }
    let details = PersonDetails {
        email: body.email,
        username: body.username,
        first_name: body.first_name,
        last_name: body.last_name,
        preferences: Some(body.preferences.unwrap_or_else(default_preferences)),
    };
    let (password, owner_code, invitation) = (body.password, body.owner_code, body.invitation);
    let new = NewPerson { details, password, owner_code, invitation };
    let entry = context.app.register(new, &guest.origin).await?;
    Ok(entered(StatusCode::CREATED, &entry, body.cookie, guest.secure, &unknown))
}

/// What clients of the simple API find where nobody said otherwise.
fn default_preferences() -> Value {
    json!({
        "theme": "dark",
        "defaultModel": "codellama:7b",
        "codeStyle": { "indentSize": 2, "useSpaces": true, "semicolons": true },
        "notifications": true,
    })
}

#[derive(Deserialize)]
struct Login {
    email: String,
    password: String,
    #[serde(default)]
    cookie: bool,
}

async fn login(State(context): State<Context>, request: Request) -> Answered {
    let guest = Guest::read(&context, request).await?;
    let (body, unknown) = guest.lenient_body::<Login>()?;
    if body.cookie {
        guest.refuse_foreign()?;
    }
    let entry = context.app.sign_in(&body.email, &body.password, &guest.origin).await?;
    Ok(entered(StatusCode::OK, &entry, body.cookie, guest.secure, &unknown))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refresh {
    refresh_token: String,
}

async fn refresh(State(context): State<Context>, request: Request) -> Answered {
    let guest = Guest::read(&context, request).await?;
    let (body, unknown) = guest.lenient_body::<Refresh>()?;
    let entry = context.app.people().refresh(&body.refresh_token).await.map_err(Error::from)?;
    Ok(entered(StatusCode::OK, &entry, false, guest.secure, &unknown))
}

/// A session as its owner gets it: in tokens, or in a cookie that no script reads.
fn entered(status: StatusCode, entry: &SignIn, cookie: bool, secure: bool, unknown: &[String]) -> Response {
    let mut body = json!({ "user": user(&entry.user) });
    if !cookie {
        body["accessToken"] = entry.access.reveal().into();
        body["refreshToken"] = entry.session.reveal().into();
        body["expiresIn"] = entry.access_lifetime.as_secs().into();
    }
    let mut response = answer(status, &body);
    if let Some(cookie) = set_session(Some(entry.session.reveal()), secure).filter(|_| cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    set_warning(&mut response, unknown);
    response
}

/// Ends the session, and takes a browser's cookie away.
async fn logout(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    context.app.people().sign_out(&incoming.principal).await.map_err(Error::from)?;
    let mut response = message("Signed out");
    if let Some(cookie) = set_session(None, false) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn profile(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let own = context.app.people().user_of(&incoming.principal).await.map_err(Error::from)?;
    Ok(data(StatusCode::OK, user(&own)))
}

/// What people change of themselves: what is absent stays, null clears.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProfileChange {
    email: Option<String>,
    username: Option<String>,
    #[serde(default, deserialize_with = "crate::request::present")]
    first_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "crate::request::present")]
    last_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "crate::request::present")]
    preferences: Option<Option<Value>>,
}

async fn change_profile(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let (change, unknown) = incoming.lenient_body::<ProfileChange>()?;
    let people = context.app.people();
    let id = people.user_of(&incoming.principal).await.map_err(Error::from)?.id;
    let ProfileChange { email, username, first_name, last_name, preferences } = change;
    let change = PersonChange { email, username, first_name, last_name, preferences };
    let changed = people.user_update(&id, change).await.map_err(Error::from)?;
    let mut response = data(StatusCode::OK, user(&changed));
    set_warning(&mut response, &unknown);
    Ok(response)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PasswordChange {
    current_password: String,
    new_password: String,
}

async fn change_password(State(context): State<Context>, request: Request) -> Answered {
    let incoming = Incoming::read(&context, request).await?;
    let (body, unknown) = incoming.lenient_body::<PasswordChange>()?;
    let (current, new) = (&body.current_password, &body.new_password);
    context.app.people().password_change(&incoming.principal, current, new).await.map_err(Error::from)?;
    let mut response = message("Password changed; other sessions have ended");
    set_warning(&mut response, &unknown);
    Ok(response)
}

/// A person as the simple API shows them.
fn user(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "role": user.role,
        "isActive": user.is_active,
        "preferences": user.preferences,
        "defaultProject": user.default_project,
        "lastLoginAt": user.last_login_at.as_deref().map(timestamp_iso),
        "createdAt": timestamp_iso(&user.created_at),
        "updatedAt": timestamp_iso(&user.updated_at),
    })
}
