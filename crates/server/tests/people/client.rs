use serde_json::{Value, json};
use understory_testkit::server::{Answered, TestServer};

pub(crate) const PASSWORD: &str = "correct horse";

/// Somebody signed in.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) project: String,
}

/// What somebody of this name registers with.
pub(crate) fn registration(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "username": name, "password": PASSWORD })
}

pub(crate) async fn post(server: &TestServer, path: &str, body: &Value) -> Answered {
    server.send_with("POST", &format!("/api/auth/{path}"), &[], Some(body)).await
}

pub(crate) async fn register(server: &TestServer, name: &str) -> Person {
    Person::of(&post(server, "register", &registration(name)).await.expect(201, name))
}

pub(crate) async fn login(server: &TestServer, email: &str, password: &str) -> Answered {
    post(server, "login", &json!({ "email": email, "password": password })).await
}

impl Person {
    pub(crate) fn of(body: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
        let user = &body["user"];
        Self {
            id: text(&user["id"]),
            email: text(&user["email"]),
            access: text(&body["accessToken"]),
            refresh: text(&body["refreshToken"]),
            project: text(&user["defaultProject"]),
        }
    }

    pub(crate) async fn send(&self, server: &TestServer, method: &str, path: &str, body: Option<&Value>) -> Answered {
        let authorization = format!("Bearer {}", self.access);
        server.send_with(method, path, &[("authorization", &authorization)], body).await
    }
}

/// An answer that refuses, in the envelope; its message.
pub(crate) fn refused(answer: &Answered, status: u16, what: &str) -> String {
    assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text);
    assert_eq!((&answer.body["success"], &answer.body["statusCode"]), (&json!(false), &json!(status)), "{what}");
    answer.body["message"].as_str().unwrap().to_owned()
}
