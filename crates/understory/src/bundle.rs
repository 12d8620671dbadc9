//! Bundles in the API's terms: a project with its history as one file, and taking one over.

use std::sync::Arc;

use serde::Serialize;
use understory_auth::{Permission, Principal, Target};
use understory_manage::bundle::{self, Bundle, BundleError, Content};
use understory_manage::replay::{History, Origin};
use understory_manage::{CommitHash, ProjectId, StoreError};
use understory_model::id::made_id;
use understory_runtime::{IntentKind, RefAction, RefChange};

use crate::access::authorize;
use crate::app::Understory;
use crate::project::Project;
use crate::{Error, Result};

/// What taking a bundle over came to.
#[derive(Clone, Debug, Serialize)]
pub struct Applied {
    /// The project.
    pub project: String,
    /// Commits that were new here.
    pub commits: usize,
    /// Refs that were made or moved.
    pub refs: Vec<RefMoved>,
    /// Whether the project is new.
    #[serde(skip)]
    pub created: bool,
}

/// A ref that was made or moved.
#[derive(Clone, Debug, Serialize)]
pub struct RefMoved {
    /// `branch` or `tag`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The commit that it named before, if it was there.
    pub from: Option<String>,
    /// The commit that it names now.
    pub to: String,
}

impl From<BundleError> for Error {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Damaged(_) => Self::BadRequest(error.to_string()),
            BundleError::Misfit(_) => Self::Conflict(error.to_string()),
            BundleError::Store(error) => error.into(),
        }
    }
}

impl Project {
    /// The project as a bundle: all branches and tags with their history, less what `since` reaches.
    pub async fn bundle(&self, since: Option<&str>) -> Result<Vec<u8>> {
        let since = match since {
            Some(reference) => Some(self.resolve(reference).await?.hash),
            None => None,
        };
        let content = Content::Shared { since: since.as_ref() };
        Ok(bundle::write(self.app().inner.store.as_ref(), self.model(), self.id(), content).await?)
    }

    /// Takes over what a bundle has and the project has not: all of it or nothing.
    async fn bundle_apply(&self, bundle: &Bundle) -> Result<Applied> {
        let store = &self.app().inner.store;
        let history = bundle.history(store.as_ref(), self.model(), self.id(), true).await?;
        let mut applied = Applied { project: self.id().id.clone(), commits: 0, refs: Vec::new(), created: false };
        if history.branches.is_empty() && history.tags.is_empty() {
            return Ok(applied);
        }
        self.refuse_too_many(history.branches.iter().filter(|branch| branch.from.is_none()).count()).await?;
        let (app, id, changes) = (self.app().clone(), self.id().clone(), self.new_refs(&history));
        // A client that hangs up must not leave refs without their record until the next start.
        let work = tokio::spawn(async move { app.import(&id, &history, changes).await.map(|made| (history, made)) });
        let (history, made) = work.await.map_err(Error::internal)??;
        applied.commits = made.len();
        applied.refs = refs_moved(&history, &made);
        Ok(applied)
    }

    /// The refs that a history makes, for the record. Where they will lead is known when the commits are made.
    fn new_refs(&self, history: &History) -> Vec<RefChange> {
        let branches = history.branches.iter().filter(|branch| branch.from.is_none());
        let branches = branches.map(|branch| self.new_ref_change(RefAction::BranchCreate, &branch.name));
        let tags = history.tags.iter().map(|(tag, _)| self.new_ref_change(RefAction::TagCreate, &tag.name));
        branches.chain(tags).collect()
    }
}

impl Understory {
    /// Takes a bundle over as a project of a tenant: one that is there goes on, one that is not is created.
    pub async fn bundle_apply(
        &self,
        principal: &Principal,
        tenant: &str,
        id: Option<&str>,
        bytes: &[u8],
    ) -> Result<Applied> {
        authorize(principal, Permission::Edit, &Target::Tenant(tenant))?;
        let bundle = Bundle::parse(bytes)?;
        let id = id.unwrap_or(&bundle.project).to_owned();
        let turn = Arc::clone(&self.inner.lifecycle).lock_owned().await;
        if self.project_id(tenant, &id).await?.is_some() {
            drop(turn);
            return self.project_open(principal, tenant, &id).await?.bundle_apply(&bundle).await;
        }
        let project = ProjectId { tenant: tenant.to_owned(), id, uid: made_id() };
        let history = bundle.history(self.inner.store.as_ref(), self.model(), &project, false).await?;
        self.refuse_too_many(history.branches.len())?;
        let commits = history.commits.len();
        self.project_replay(&project, history, turn).await?;
        let created = self.project_open(principal, tenant, &project.id).await?;
        let moved = |kind, name: String, to: &CommitHash| RefMoved { kind, name, from: None, to: to.to_string() };
        let mut refs = Vec::new();
        refs.extend(created.branches().await?.iter().map(|b| moved("branch", b.name.to_string(), &b.head)));
        refs.extend(created.tags().await?.iter().map(|tag| moved("tag", tag.name.to_string(), &tag.hash)));
        Ok(Applied { project: project.id, commits, refs, created: true })
    }

    /// Imports a history, with an intent for each new ref: written before, finished or dropped after.
    async fn import(&self, project: &ProjectId, history: &History, refs: Vec<RefChange>) -> Result<Vec<CommitHash>> {
        let (store, runtime) = (&self.inner.store, &self.inner.runtime);
        let mut intents = Vec::with_capacity(refs.len());
        for change in refs {
            match runtime.ref_change_begin(&project.tenant, &project.id, change).await {
                Ok(intent) => intents.push(intent),
                Err(error) => {
                    for intent in &intents {
                        runtime.intent_leave(intent);
                    }
                    return Err(error.into());
                }
            }
        }
        let made = store.import(project, history).await;
        let moved = made.as_ref().map(|made| refs_moved(history, made)).unwrap_or_default();
        for intent in &mut intents {
            if let IntentKind::RefChange(change) = &mut intent.kind {
                change.to = moved.iter().find(|moved| moved.name == change.name).map(|moved| moved.to.clone());
            }
            let settled = match &made {
                Ok(_) => runtime.ref_change_finish(intent).await.map_err(Error::from),
                Err(StoreError::Unavailable(_)) => self.settle_ref_change(intent, project).await,
                Err(_) => runtime.intent_done(intent).await.map_err(Error::from),
            };
            if let Err(error) = settled {
                tracing::error!(%error, "the record of a ref could not be finished yet");
                runtime.intent_leave(intent);
            }
        }
        Ok(made?)
    }
}

fn refs_moved(history: &History, made: &[CommitHash]) -> Vec<RefMoved> {
    let place = |origin: &Origin| match origin {
        Origin::Known(hash) => hash.to_string(),
        Origin::New(index) => made.get(*index).map(ToString::to_string).unwrap_or_default(),
        Origin::Root => String::new(),
    };
    let branches = history.branches.iter().map(|branch| RefMoved {
        kind: "branch",
        name: branch.name.to_string(),
        from: branch.from.as_ref().map(ToString::to_string),
        to: place(&branch.to),
    });
    let tags = history.tags.iter().map(|(tag, to)| RefMoved {
        kind: "tag",
        name: tag.name.to_string(),
        from: None,
        to: place(to),
    });
    branches.chain(tags).collect()
}
