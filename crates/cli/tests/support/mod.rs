//! A real server process on a data directory of its own.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "shared by several test binaries"
)]

pub mod servers;
pub mod stub;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// The admin key of these servers.
pub const KEY: &str = "crash-test-admin-key";

/// A running `understory serve`.
pub struct Process {
    child: Child,
    pub url: String,
}

impl Process {
    /// Starts a server on a data directory and a free port.
    pub fn start(data: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_understory"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
        Self::spawn(&mut command)
    }

    /// Starts a prepared command that ends up being a server, and waits until it says where it listens.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.env("UNDERSTORY_ADMIN_KEY", KEY).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| find_url(&line));
        // Whatever else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let url = url.unwrap_or_else(|| panic!("the server ended before it listened: {:?}", child.wait()));
        Self { child, url }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    pub fn client(&self) -> Client {
        Client::new(&self.url, Duration::from_secs(60))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn find_url(line: &str) -> Option<String> {
    let start = line.find("http://127.0.0.1:")?;
    let rest = &line[start..];
    let length = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
    let url = &rest[..length];
    let host_end = url[7..].find('/').map_or(url.len(), |slash| slash + 7);
    Some(url[..host_end].to_owned())
}

/// Speaks to a server; an error means that there was no answer.
pub struct Client {
    agent: ureq::Agent,
    url: String,
}

/// An answer with its headers.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Client {
    /// Speaks to a server, and waits no longer than this for any answer.
    pub fn new(url: &str, patience: Duration) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(patience)).http_status_as_error(false).build();
        Self { agent: config.into(), url: url.to_owned() }
    }

    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value), ureq::Error> {
        self.send_with(method, path, &[("authorization", &format!("Bearer {KEY}"))], body)
            .map(|answer| (answer.status, answer.body))
    }

    /// Sends a request with these headers.
    pub fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/json");
        let mut response = match body {
            Some(body) => self.agent.run(request.body(body.to_string())?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(64 * 1024 * 1024).read_to_string()?;
        let headers = response.headers().clone();
        Ok(Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default() })
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, None).unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}
