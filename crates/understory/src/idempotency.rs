use std::time::Duration;

use tokio::time::{interval, timeout};
use understory_auth::Principal;
pub use understory_runtime::StoredAnswer;
use understory_runtime::{Claim, ClaimRequest};

use crate::app::Understory;
use crate::{Error, Result};

/// How far back a commit is looked for whose answer was not stored.
const LOOK_BACK: usize = 1_000;
/// How long an answer waits for its record.
const PATIENCE: Duration = Duration::from_secs(8);
/// How soon a record that could not be written is written again.
const AGAIN: Duration = Duration::from_millis(250);

/// What to do with a request that carries an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idempotent {
    /// It is new: do it, then settle it.
    Proceed,
    /// It was done: answer this again.
    Answered(StoredAnswer),
}

/// What a request that carries an idempotency key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, and this was the answer.
    Answered(StoredAnswer),
    /// It was not done, and may be tried again.
    Refused,
    /// It failed, and whether it was done is not known: a repeat looks for its commit first.
    Unknown,
}

impl Understory {
    /// Claims an idempotency key for a request to a project; `request` is a hash of method, path and body.
    pub async fn idempotency_claim(
        &self,
        principal: &Principal,
        key: &str,
        request: String,
        project: Option<(&str, &str)>,
    ) -> Result<Idempotent> {
        let head = self.head_of(principal, project).await?;
        let claim = ClaimRequest {
            principal: principal.id.clone(),
            key: key.to_owned(),
            request_hash: request,
            expected_head: head,
        };
        match self.inner.runtime.idempotency_claim(claim).await? {
            Claim::New => Ok(Idempotent::Proceed),
            Claim::Done(answer) => Ok(Idempotent::Answered(answer)),
            Claim::Running => Err(Error::Conflict("a request with this Idempotency-Key is still running".into())),
            Claim::Mismatch => {
                Err(Error::Unprocessable("this Idempotency-Key was used with another request; use a new one".into()))
            }
            Claim::Resumed { expected_head } => {
                let resumed = self.resume(principal, key, project, expected_head).await;
                if resumed.is_err() {
                    // The next repeat is to be told the same.
                    self.idempotency_settle(principal, key, Outcome::Unknown).await;
                }
                resumed
            }
        }
    }

    async fn head_of(&self, principal: &Principal, project: Option<(&str, &str)>) -> Result<Option<String>> {
        let Some((tenant, id)) = project else { return Ok(None) };
        match self.project_open(principal, tenant, id).await {
            Ok(project) => Ok(Some(project.resolve("").await?.hash.to_string())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The request was cut off between the claim and the answer: the commit's trailer tells whether it was done.
    async fn resume(
        &self,
        principal: &Principal,
        key: &str,
        project: Option<(&str, &str)>,
        since: Option<String>,
    ) -> Result<Idempotent> {
        let Some((tenant, id)) = project else { return Ok(Idempotent::Proceed) };
        let project = match self.project_open(principal, tenant, id).await {
            Ok(project) => project,
            Err(Error::NotFound { .. }) => return Ok(Idempotent::Proceed),
            Err(error) => return Err(error),
        };
        for branch in project.branches().await? {
            let commits = self.inner.store.log(project.id(), &branch.head, LOOK_BACK).await?;
            let recent = commits.iter().take_while(|commit| since.as_deref() != Some(commit.hash.as_str()));
            if let Some(commit) = recent.into_iter().find(|commit| commit.meta.idempotency_key.as_deref() == Some(key))
            {
                let detail = format!(
                    "this request was committed as {}, but its answer was lost; read the resource",
                    commit.hash
                );
                return Err(Error::Conflict(detail));
            }
        }
        Ok(Idempotent::Proceed)
    }

    /// Records what a claimed request came to; whether that was possible within some seconds. Where it was not it is
    /// tried on until it is, and so long repeats of the request are told that it is running.
    ///
    /// Whoever answers a request that was done waits for this: an answer that is lost with its process could not be
    /// given again.
    pub async fn idempotency_settle(&self, principal: &Principal, key: &str, outcome: Outcome) -> bool {
        let patience = if matches!(outcome, Outcome::Answered(_)) { PATIENCE } else { AGAIN };
        let (app, principal, key) = (self.clone(), principal.id.clone(), key.to_owned());
        let recording = tokio::spawn(async move {
            let mut rounds = interval(AGAIN);
            rounds.tick().await;
            while let Err(error) = app.record(&principal, &key, &outcome).await {
                tracing::warn!(%error, "an idempotency record could not be settled yet");
                rounds.tick().await;
            }
        });
        matches!(timeout(patience, recording).await, Ok(Ok(())))
    }

    async fn record(&self, principal: &str, key: &str, outcome: &Outcome) -> Result<()> {
        let runtime = &self.inner.runtime;
        Ok(match outcome {
            Outcome::Answered(answer) => runtime.idempotency_finish(principal, key, answer).await,
            Outcome::Refused => runtime.idempotency_release(principal, key).await,
            Outcome::Unknown => runtime.idempotency_abandon(principal, key).await,
        }?)
    }

    /// A hash of what must be equal for two requests to be the same.
    pub fn request_hash(method: &str, path: &str, body: &[u8]) -> String {
        understory_runtime::request_hash(method, path, body)
    }
}
