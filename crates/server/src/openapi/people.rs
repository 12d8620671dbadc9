//! OpenAPI operations about people, and the keys with which programs act.

use super::written::{Written, written};

const TAG: &str = "Authentication";

/// All of them.
pub(super) fn operations() -> Vec<Written> {
    auth()
}

fn auth() -> Vec<Written> {
    let auth = |verb, path: &str, id| written(format!("/api/auth/{path}"), verb, id, TAG);
    vec![
        auth("POST", "register", "api-register")
            .open()
            .refuses(&[403, 429])
            .body("ApiRegistration")
            .answer(201, "ApiSession"),
        auth("POST", "login", "api-login").open().refuses(&[401, 429]).body("ApiLogin").answer(200, "ApiSession"),
        auth("POST", "refresh", "api-refresh").open().refuses(&[401]).body("ApiRefresh").answer(200, "ApiSession"),
        auth("POST", "logout", "api-logout").answer(200, "ApiDone"),
        auth("GET", "profile", "api-profile").answer(200, "ApiUserResponse"),
        auth("PATCH", "profile", "api-change-profile").body("ApiProfileChange").answer(200, "ApiUserResponse"),
        auth("POST", "change-password", "api-change-password")
            .refuses(&[429])
            .body("ApiPasswordChange")
            .answer(200, "ApiDone"),
    ]
}
