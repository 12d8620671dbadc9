//! Writes, each tried on a branch, then on main, and read back at the commit before.

use serde_json::{Value, json};
use understory_testkit::server::Answered;

use crate::client::{Client, PROJECT, at};

/// One write.
pub(crate) struct Write<'a> {
    pub(crate) verb: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: Option<Value>,
    /// Path of a GET that answers otherwise afterwards.
    pub(crate) probe: &'a str,
    /// What of the body is not read back: the server's own, or shown in another form.
    pub(crate) not_shown: &'a [&'a str],
    /// Whether the body is several rows.
    pub(crate) many: bool,
}

impl<'a> Write<'a> {
    pub(crate) fn new(verb: &'a str, path: &'a str, body: impl Into<Option<Value>>, probe: &'a str) -> Self {
        Self { verb, path, body: body.into(), probe, not_shown: &[], many: false }
    }

    pub(crate) fn not_shown(mut self, keys: &'a [&'a str]) -> Self {
        self.not_shown = keys;
        self
    }

    pub(crate) fn many(mut self) -> Self {
        self.many = true;
        self
    }

    /// Does it on a branch, which leaves main alone, and then on main, which leaves the commit before as it was.
    pub(crate) async fn run(&self, client: &Client) -> Answered {
        let name = format!("{} {}", self.verb, self.path);
        let before = client.server.send("GET", self.probe, None).await;
        let head = client.head("main").await;

        client.call("POST", &format!("{PROJECT}/branches"), Some(&json!({ "name": "work" }))).await;
        let answer = client.call(self.verb, &at(self.path, "work"), self.body.as_ref()).await;
        assert_eq!(answer.header("x-understory-commit"), Some(client.head("work").await.as_str()), "{name}");
        self.check(&client.server.send("GET", &at(self.probe, "work"), None).await, &before);
        assert_eq!(client.server.send("GET", self.probe, None).await.text, before.text, "{name}: main changed too");
        assert_eq!(client.head("main").await, head, "{name}: main moved too");
        client.call("DELETE", &format!("{PROJECT}/branches/work"), None).await;

        let answer = client.call(self.verb, self.path, self.body.as_ref()).await;
        assert_eq!(answer.header("warning"), None, "{name}: keys of the contract mean nothing here");
        let after = client.head("main").await;
        assert_eq!(answer.header("x-understory-commit"), Some(after.as_str()), "{name}");
        assert_ne!(after, head, "{name}: no commit");
        self.check(&client.server.send("GET", self.probe, None).await, &before);
        let old = client.server.send("GET", &at(self.probe, &head), None).await;
        assert_eq!((old.status, &old.text), (before.status, &before.text), "{name}: the commit before has changed");
        answer
    }

    fn check(&self, after: &Answered, before: &Answered) {
        let name = format!("{} {}", self.verb, self.path);
        assert!((after.status, &after.text) != (before.status, &before.text), "{name}: {} is as before", self.probe);
        if self.verb == "DELETE" {
            let gone =
                after.status.as_u16() == 404 || after.text.len() < before.text.len() || self.probe.ends_with("exists");
            assert!(gone, "{name}: {}", after.text);
            return;
        }
        assert_eq!(after.status.as_u16(), 200, "{name}: {}", after.text);
        if let Some(body) = &self.body {
            let mut sent = body.clone();
            if let Value::Object(object) = &mut sent {
                let server_made = ["createdAt", "updatedAt"];
                object.retain(|key, _| !server_made.contains(&key.as_str()) && !self.not_shown.contains(&key.as_str()));
            }
            let read = after.body.get("data").unwrap_or(&after.body);
            let shown = match (read, &sent) {
                (Value::Array(items), Value::Array(sent)) if self.many => {
                    sent.iter().all(|sent| items.iter().any(|item| shows(sent, item)))
                }
                (Value::Array(items), _) => items.iter().any(|item| shows(&sent, item)),
                _ => shows(&sent, read),
            };
            // Nothing is left to look for where all is shown otherwise.
            let shown = shown || sent.as_object().is_some_and(serde_json::Map::is_empty);
            assert!(shown, "{name}: does not read back\n{sent:#}\n{read:#}");
        }
    }
}

/// Whether everything sent is read.
pub(crate) fn shows(sent: &Value, read: &Value) -> bool {
    match (sent, read) {
        (Value::Object(sent), Value::Object(read)) => {
            sent.iter().all(|(key, value)| read.get(key).is_some_and(|read| shows(value, read)))
        }
        (Value::Array(sent), Value::Array(read)) => {
            sent.len() == read.len() && sent.iter().zip(read).all(|(sent, read)| shows(sent, read))
        }
        (Value::Number(sent), Value::Number(read)) => sent.as_f64() == read.as_f64(),
        _ => sent == read,
    }
}
