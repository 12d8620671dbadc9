use std::sync::Arc;

use understory_auth::{Principal, PrincipalKind};
use understory_manage::{Applied, BranchName, Commit, CommitHash, CommitMeta, Draft, Signature, Snapshot};
use understory_model::Value;

use crate::error::violations;
use crate::etag::{etag_of, if_match_allows};
use crate::project::{Project, View};
use crate::{Action, Answer, Call, Error, Result};

/// How often a write is tried again after another writer came first.
const MAX_TRIES: usize = 50;

/// How a write is to be made.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    /// The branch; the project's `main` if none.
    pub reference: Option<String>,
    /// The commit's message, instead of one that names the resource.
    pub message: Option<String>,
    /// The author, where that is not the principal, who is then the committer.
    pub author: Option<Signature>,
    /// An `If-Match` header.
    pub if_match: Option<String>,
    /// The request's idempotency key.
    pub idempotency_key: Option<String>,
}

impl WriteOptions {
    /// A write to a ref with a message.
    pub fn to(reference: &str, message: impl Into<String>) -> Self {
        Self { reference: Some(reference.to_owned()), message: Some(message.into()), ..Self::default() }
    }

    /// Who writes in another's name must hold the admin key: everybody else writes in their own.
    pub(crate) fn check(&self, principal: &Principal) -> Result<()> {
        match (&self.author, principal.kind) {
            (None, _) | (Some(_), PrincipalKind::System | PrincipalKind::Session) => Ok(()),
            _ => Err(Error::Forbidden("an author may be named with the admin key only".into())),
        }
    }

    pub(crate) fn meta(&self, principal: &Principal, message: impl FnOnce() -> String) -> CommitMeta {
        let own = Signature::new(&principal.name, &principal.email());
        let committer = self.author.is_some().then(|| own.name.clone());
        let message = self.message.clone().filter(|message| !message.trim().is_empty()).unwrap_or_else(message);
        let author = self.author.clone().unwrap_or(own);
        CommitMeta { author, committer, message, idempotency_key: self.idempotency_key.clone(), branch: None }
    }
}

/// What a write came to.
#[derive(Clone, Debug)]
pub struct Written<T> {
    /// What the edit answered.
    pub value: T,
    /// The branch's head afterwards.
    pub head: CommitHash,
    /// The commit made; none if nothing changed.
    pub commit: Option<Commit>,
    /// The rows at the head.
    pub snapshot: Arc<Snapshot>,
    /// Names of keys in the request that mean nothing here.
    pub unknown: Vec<String>,
}

impl<T> Written<T> {
    /// The same write with another answer.
    pub(crate) fn with<U>(self, value: U) -> Written<U> {
        let Self { head, commit, snapshot, unknown, .. } = self;
        Written { value, head, commit, snapshot, unknown }
    }
}

impl Project {
    /// Edits a branch: what the closure does to the draft becomes one commit, all of it or nothing.
    ///
    /// Nothing is locked while the closure runs. If another writer commits first, it runs again on the new state.
    pub async fn with_ref<T>(
        &self,
        reference: &str,
        message: impl Into<String>,
        edit: impl Fn(&mut Draft) -> std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>,
    ) -> Result<Written<T>> {
        let options = WriteOptions::to(reference, message);
        let edit = |draft: &mut Draft| edit(draft).map_err(|error| Error::Unprocessable(error.to_string()));
        self.write(&options, || "Update project".into(), |_| None, edit).await
    }

    /// Does one operation of the route table as one commit.
    pub async fn act(&self, action: &Action, call: &Call, options: &WriteOptions) -> Result<Written<Answer>> {
        if let Action::Restore(entity) = action {
            return self.act_restore(entity, call, options).await;
        }
        let current = |rows: &Snapshot| action.current(self.model(), rows, call);
        self.write(options, || action.message(call), current, |draft| action.write(draft, call)).await
    }

    /// The way of every write: resolve, check the precondition, edit, settle by the laws, commit.
    pub(crate) async fn write<T>(
        &self,
        options: &WriteOptions,
        message: impl Fn() -> String,
        current: impl Fn(&Snapshot) -> Option<Value>,
        edit: impl Fn(&mut Draft) -> Result<T>,
    ) -> Result<Written<T>> {
        options.check(self.principal())?;
        let mut turn = None;
        for _ in 0..MAX_TRIES {
            if let Some(written) = self.try_write(options, &message, &current, &edit).await? {
                return Ok(written);
            }
            if turn.is_none() {
                turn = Some(self.app().inner.retries.lock().await);
            }
        }
        Err(Error::Conflict("the branch keeps moving; try again".into()))
    }

    /// The branch that a write goes to, and its rows.
    pub(crate) async fn target(&self, options: &WriteOptions) -> Result<(BranchName, View)> {
        let view = self.view(options.reference.as_deref().unwrap_or_default()).await?;
        match view.resolved.branch() {
            Some(branch) => Ok((branch, view)),
            None => {
                let kind = format!("{:?}", view.resolved.kind).to_lowercase();
                Err(Error::BadRequest(format!("a {kind} cannot be written; name a branch")))
            }
        }
    }

    /// One attempt; none if another writer moved the branch meanwhile.
    async fn try_write<T>(
        &self,
        options: &WriteOptions,
        message: &impl Fn() -> String,
        current: &impl Fn(&Snapshot) -> Option<Value>,
        edit: &impl Fn(&mut Draft) -> Result<T>,
    ) -> Result<Option<Written<T>>> {
        let (branch, view) = self.target(options).await?;
        let head = view.resolved.hash;
        let tag = || current(&view.snapshot).map(|body| etag_of(&body));
        if options.if_match.as_deref().is_some_and(|header| !if_match_allows(header, head.as_str(), tag)) {
            return Err(Error::PreconditionFailed { head });
        }
        let mut draft = Draft::new(Arc::clone(self.model()), Arc::clone(&view.snapshot));
        let value = edit(&mut draft)?;
        let changes = draft.finish().map_err(|broken| violations(self.model(), &broken))?;
        let unchanged =
            Written { value, head: head.clone(), commit: None, snapshot: view.snapshot, unknown: Vec::new() };
        if changes.is_empty() {
            return Ok(Some(unchanged));
        }
        let meta = options.meta(self.principal(), message);
        let store = &self.app().inner.store;
        match store.apply(self.id(), &branch, &head, &changes, None, &meta).await? {
            Applied::Commit(commit) => {
                let snapshot = store.read(self.id(), &commit.hash).await?;
                let head = commit.hash.clone();
                Ok(Some(Written { head, commit: Some(commit), snapshot, ..unchanged }))
            }
            Applied::Nothing => Ok(Some(unchanged)),
            Applied::HeadMoved(_) => Ok(None),
        }
    }
}
