//! A server on loopback, and a client of it.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use understory::Understory;
use understory_server::{Settings, bind, router};
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

use crate::Outcome;
use crate::project::KEY;

/// Names the commit that an answer speaks of.
const COMMIT: &str = "x-understory-commit";

/// A server on a free port of loopback.
pub struct Running {
    url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Starts it.
    pub async fn start(app: &Understory) -> Outcome<Self> {
        let bound = bind(&["127.0.0.1:0".parse()?]).await?;
        let address = bound.addresses()?.first().copied().ok_or("no address is bound")?;
        let router = router(app.clone(), Settings::default());
        let (stop, stopped) = oneshot::channel();
        let stopped = async move {
            let _ = stopped.await;
        };
        let task = tokio::spawn(bound.serve(router, stopped));
        Ok(Self { url: format!("http://{address}"), stop, task })
    }

    /// A client with a connection of its own.
    pub fn client(&self) -> Client {
        let config = Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).build();
        Client { agent: config.into(), base: format!("{}/manage/tenants/bench", self.url) }
    }

    /// Stops it; afterwards nothing of it holds the data directory.
    pub async fn stop(self) -> Outcome {
        let _ = self.stop.send(());
        Ok(self.task.await??)
    }
}

/// A client of a server. Its threads wait: it is for those that may block.
pub struct Client {
    agent: Agent,
    base: String,
}

/// What a server answered.
pub struct Reply {
    /// The commit that it speaks of, if it says.
    pub commit: Option<String>,
    /// The body's `data`.
    pub data: Value,
}

impl Client {
    /// Reads a path below the tenant.
    pub fn get(&self, path: &str) -> Outcome<Reply> {
        let request = self.request("GET", path).body(())?;
        Reply::read(self.agent.run(request)?)
    }

    /// Sends a body to a path below the tenant.
    pub fn send(&self, method: &str, path: &str, body: &Value) -> Outcome<Reply> {
        let request = self.request(method, path).body(serde_json::to_vec(body)?)?;
        Reply::read(self.agent.run(request)?)
    }

    fn request(&self, method: &str, path: &str) -> ureq::http::request::Builder {
        let request = Request::builder().method(method).uri(format!("{}/{path}", self.base));
        request.header("authorization", format!("Bearer {KEY}"))
    }
}

impl Reply {
    fn read(mut response: Response<Body>) -> Outcome<Self> {
        let commit = response.headers().get(COMMIT).map(|hash| hash.to_str().map(str::to_owned)).transpose()?;
        let mut body: Value = response.body_mut().read_json()?;
        Ok(Self { commit, data: body["data"].take() })
    }
}
