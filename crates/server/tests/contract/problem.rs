//! What every refusal looks like, and that it leaves no trace.

use serde_json::Value;
use understory_testkit::server::Answered;

use crate::client::Client;

/// Holds a refusal against its status and form; answers its pointers.
pub(crate) fn problem(what: &str, answer: &Answered, status: u16) -> Vec<String> {
    assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{what}");
    let body = &answer.body;
    assert_eq!(body["status"], status, "{what}: {body}");
    for text in [&body["code"], &body["title"], &body["detail"], &body["error"]["code"], &body["error"]["message"]] {
        assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{what}: {body}");
    }
    assert_eq!(body["code"], body["error"]["code"], "{what}");
    assert!(body["error"]["message"].as_str().unwrap().chars().count() <= 100, "{what}");
    let errors = body["errors"].as_array().into_iter().flatten();
    let pointer = |error: &Value| error["pointer"].as_str().expect("an error has a pointer").to_owned();
    errors.map(pointer).collect()
}

impl Client {
    /// Sends what must be refused with one of these statuses, and leaves every branch where it was.
    pub(crate) async fn refused(&self, verb: &str, path: &str, body: Option<&Value>, statuses: &[u16]) -> Vec<String> {
        let before = self.branches().await;
        let answer = self.server.send(verb, path, body).await;
        let what = format!(
            "{verb} {path} {}",
            body.map(Value::to_string).unwrap_or_default().chars().take(300).collect::<String>()
        );
        let status = answer.status.as_u16();
        assert!(statuses.contains(&status), "{what}: {status}, not {statuses:?}: {}", answer.text);
        let pointers = problem(&what, &answer, status);
        assert_eq!(self.branches().await, before, "{what}: it left something");
        pointers
    }
}
