use understory_auth::Principal;
pub use understory_runtime::StoredAnswer;
use understory_runtime::{Claim, ClaimRequest};

use crate::app::Understory;
use crate::{Error, Result};

/// How far back a commit is looked for whose answer was not stored.
const LOOK_BACK: usize = 1_000;

/// What to do with a request that carries an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idempotent {
    /// It is new: do it, then store or release it.
    Proceed,
    /// It was done: answer this again.
    Answered(StoredAnswer),
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
            Claim::Resumed { expected_head } => self.resume(principal, key, project, expected_head).await,
        }
    }

    async fn head_of(&self, principal: &Principal, project: Option<(&str, &str)>) -> Result<Option<String>> {
        let Some((tenant, id)) = project else { return Ok(None) };
        match self.project(principal, tenant, id).await {
            Ok(project) => Ok(Some(project.resolve("").await?.hash.to_string())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A process died between the claim and the answer: the commit's trailer tells whether it was done.
    async fn resume(
        &self,
        principal: &Principal,
        key: &str,
        project: Option<(&str, &str)>,
        since: Option<String>,
    ) -> Result<Idempotent> {
        let Some((tenant, id)) = project else { return Ok(Idempotent::Proceed) };
        let project = match self.project(principal, tenant, id).await {
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

    /// Stores the answer to a claimed request.
    pub async fn idempotency_finish(&self, principal: &Principal, key: &str, answer: &StoredAnswer) -> Result<()> {
        Ok(self.inner.runtime.idempotency_finish(&principal.id, key, answer).await?)
    }

    /// Gives a claim back: the request failed and may be tried again.
    pub async fn idempotency_release(&self, principal: &Principal, key: &str) -> Result<()> {
        Ok(self.inner.runtime.idempotency_release(&principal.id, key).await?)
    }

    /// A hash of what must be equal for two requests to be the same.
    pub fn request_hash(method: &str, path: &str, body: &[u8]) -> String {
        understory_runtime::request_hash(method, path, body)
    }
}
