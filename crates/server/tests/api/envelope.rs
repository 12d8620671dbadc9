//! Refusals under `/api` come in its envelope, those from above the handlers too; elsewhere they are problems.

use understory_testkit::server::{ADMIN_KEY, Answered, TestServer};

use crate::client::check_refusal;

fn enveloped(answer: Answered, status: u16, method: &str, path: &str) {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {path}");
    check_refusal(&answer.expect(status, path), method, path, status);
}

#[tokio::test]
async fn all_that_is_refused_comes_in_the_envelope() {
    let server = TestServer::start().await;
    let send = async |method: &str, path: &str| server.send(method, path, None).await;
    enveloped(send("GET", "/api/nothing").await, 404, "GET", "/api/nothing");
    enveloped(send("GET", "/api").await, 404, "GET", "/api");
    enveloped(send("PATCH", "/api/agents").await, 405, "PATCH", "/api/agents");
    enveloped(send("POST", "/api/health").await, 405, "POST", "/api/health");
    let without = server.send_with("GET", "/api/agents", &[], None).await;
    assert_eq!(without.header("www-authenticate"), Some("Bearer"));
    enveloped(without, 401, "GET", "/api/agents");
    let wrong = server.send_with("GET", "/api/agents", &[("x-api-key", "wrong")], None).await;
    enveloped(wrong, 401, "GET", "/api/agents");
    let elsewhere = server.send("GET", "/apiary", None).await;
    assert_eq!(elsewhere.header("content-type"), Some("application/problem+json"));
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let server = TestServer::start().await;
    let headers = [("x-api-key", ADMIN_KEY)];
    let broken = server.send_raw("POST", "/api/agents", &headers, "{".into()).await;
    enveloped(broken, 400, "POST", "/api/agents");
    let large = server.send_raw("POST", "/api/agents", &headers, vec![b' '; 3 * 1024 * 1024].into()).await;
    enveloped(large, 413, "POST", "/api/agents");
}
