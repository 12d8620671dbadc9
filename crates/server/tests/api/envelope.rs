//! Refusals under `/api` come in its envelope, those above the handlers too; elsewhere they are problems.

use serde_json::{Value, json};
use understory_testkit::server::{Answered, TestServer};

/// The answer is a refusal in the envelope, to this request.
pub fn refused(answer: Answered, status: u16, method: &str, path: &str) -> Value {
    let what = format!("{method} {path}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
    let body = answer.expect(status, &what);
    assert_eq!(
        (&body["success"], &body["statusCode"], &body["path"], &body["method"]),
        (&json!(false), &json!(status), &json!(path), &json!(method)),
        "{body}"
    );
    for text in ["error", "message", "timestamp"] {
        assert!(body[text].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    }
    body
}

#[tokio::test]
async fn all_that_is_refused_comes_in_the_envelope() {
    let server = TestServer::start().await;
    let send = async |method: &str, path: &str| server.send(method, path, None).await;
    refused(send("GET", "/api/nothing").await, 404, "GET", "/api/nothing");
    refused(send("PATCH", "/api/agents").await, 405, "PATCH", "/api/agents");
    refused(send("POST", "/api/health").await, 405, "POST", "/api/health");
    let without = server.send_with("GET", "/api/agents", &[], None).await;
    assert_eq!(without.header("www-authenticate"), Some("Bearer"));
    refused(without, 401, "GET", "/api/agents");
    let wrong = server.send_with("GET", "/api/agents", &[("x-api-key", "wrong")], None).await;
    refused(wrong, 401, "GET", "/api/agents");
    let elsewhere = server.send("GET", "/apiary", None).await;
    assert_eq!(elsewhere.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let server = TestServer::start().await;
    let key = format!("Bearer {}", understory_testkit::server::ADMIN_KEY);
    let headers = [("authorization", key.as_str())];
    let broken = server.send_raw("POST", "/api/agents", &headers, "{".into()).await;
    refused(broken, 400, "POST", "/api/agents");
    let large = server.send_raw("POST", "/api/agents", &headers, vec![b' '; 3 * 1024 * 1024].into()).await;
    refused(large, 413, "POST", "/api/agents");
}
