//! A client that holds every answer against the served description.

use jsonschema::Validator;
use serde_json::{Value, json};
use understory_testkit::contract::validator;
use understory_testkit::server::{ADMIN_KEY, Answered, TestServer};

pub const HOME: &str = "/manage/tenants/default/projects/default";

pub struct Api {
    pub server: TestServer,
    description: Value,
}

impl Api {
    pub async fn start() -> Self {
        let server = TestServer::start().await;
        let description = server.send_with("GET", "/openapi.json", &[], None).await.expect(200, "the description");
        Self { server, description }
    }

    /// Calls an operation with the admin key; it must answer this status, as it is described.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>, status: u16) -> Value {
        self.call_as(ADMIN_KEY, method, path, body, status).await.body
    }

    /// The same with another key; none if it is empty.
    pub async fn call_as(&self, key: &str, method: &str, path: &str, body: Option<&Value>, status: u16) -> Answered {
        let headers = [("x-api-key", key)];
        let headers = if key.is_empty() { &[][..] } else { &headers };
        let answer = self.server.send_with(method, path, headers, body).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.text);
        self.check(method, path, &answer);
        answer
    }

    pub async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None, 200).await
    }

    /// The `data` of an answer.
    pub async fn data(&self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        self.call(method, path, Some(body), status).await["data"].take()
    }

    /// A refusal: in the envelope, and of this request.
    pub async fn refused(&self, method: &str, path: &str, body: Option<&Value>, status: u16) -> Value {
        let body = self.call(method, path, body, status).await;
        check_refusal(&body, method, path, status);
        body
    }

    /// Holds an answer against the description of its operation.
    fn check(&self, method: &str, path: &str, answer: &Answered) {
        let path = path.split('?').next().unwrap();
        let paths = self.description["paths"].as_object().unwrap().iter();
        let fitting = paths.filter(|(template, _)| matches(template, path));
        let Some((_, item)) = fitting.min_by_key(|(template, _)| template.matches('{').count()) else {
            panic!("{path} is not described")
        };
        let status = answer.status.as_u16().to_string();
        let schema = &item[method.to_lowercase()]["responses"][&status]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path}: an answer {status} in JSON is not described");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {path}");
        let validator: Validator = validator(&self.description, schema);
        let wrong: Vec<String> = validator.iter_errors(&answer.body).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{method} {path}: {wrong:#?}\n{}", answer.text);
    }
}

/// A refusal in the envelope, to this request.
pub fn check_refusal(body: &Value, method: &str, path: &str, status: u16) {
    let path = path.split('?').next().unwrap();
    assert_eq!(
        (&body["success"], &body["statusCode"], &body["path"], &body["method"]),
        (&json!(false), &json!(status), &json!(path), &json!(method)),
        "{body}"
    );
    for text in ["error", "message", "timestamp"] {
        assert!(body[text].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(wanted, given): (&&str, &&str)| wanted.starts_with('{') || wanted == given;
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}
