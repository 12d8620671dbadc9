//! Branches and tags in the API's terms. Each change of a ref is an intent first, and stays on record.

use understory_manage::{
    Branch, BranchName, CommitHash, ConfigStore, ProjectId, Signature, StoreError, StoreResult, Tag,
};
use understory_model::{Key, now, timestamp_iso};
use understory_runtime::{Intent, IntentKind, RefAction, RefChange};

use crate::app::Understory;
use crate::project::Project;
use crate::{Error, Result, names};

/// The last segment of the path that merges: no branch may have its name.
const MERGE: &str = "merge";

impl Project {
    /// All branches, by name.
    pub async fn branches(&self) -> Result<Vec<Branch>> {
        Ok(self.app().inner.store.branches(self.id()).await?)
    }

    /// One branch.
    pub async fn branch(&self, name: &str) -> Result<Branch> {
        let resolved = self.resolve(name).await.map_err(|error| match error {
            Error::NotFound { .. } => Error::not_found("Branch", name),
            other => other,
        })?;
        let branch = resolved.branch().ok_or_else(|| Error::not_found("Branch", name))?;
        Ok(Branch { name: branch, head: resolved.hash })
    }

    /// Creates a branch at another's head, or at a commit; at the head of `main` if neither is named.
    pub async fn branch_create(
        &self,
        name: &str,
        from_branch: Option<&str>,
        from_commit: Option<&str>,
    ) -> Result<Branch> {
        if from_branch.is_some() && from_commit.is_some() {
            return Err(Error::BadRequest("give fromBranch or fromCommit, not both".into()));
        }
        let name = ref_name(name)?;
        let head = match (from_branch, from_commit) {
            (_, Some(commit)) => self.resolve(commit).await?.hash,
            (Some(branch), None) => self.branch(branch).await?.head,
            (None, None) => self.resolve(BranchName::MAIN).await?.hash,
        };
        self.refuse_too_many(1).await?;
        self.change_ref(RefAction::BranchCreate, &name, |change| change.to = Some(head.to_string())).await?;
        Ok(Branch { name, head })
    }

    /// Gives a branch another name.
    pub async fn branch_rename(&self, name: &str, new_name: &str) -> Result<Branch> {
        let branch = self.branch(name).await?;
        let new_name = ref_name(new_name)?;
        refuse_main(&branch.name, "renamed")?;
        let head = branch.head.to_string();
        self.change_ref(RefAction::BranchRename, &branch.name, |change| {
            change.new_name = Some(new_name.to_string());
            change.from = Some(head.clone());
            change.to = Some(head);
        })
        .await?;
        Ok(Branch { name: new_name, head: branch.head })
    }

    /// Deletes a branch; `main` stays as long as the project. What it reached stays until housekeeping.
    pub async fn branch_delete(&self, name: &str) -> Result<()> {
        let branch = self.branch(name).await?;
        refuse_main(&branch.name, "deleted")?;
        let head = branch.head.to_string();
        self.change_ref(RefAction::BranchDelete, &branch.name, |change| change.from = Some(head)).await
    }

    /// The branches on which an agent exists.
    pub async fn branches_with_agent(&self, agent: &str) -> Result<Vec<Branch>> {
        let key = Key::new([self.id().tenant.as_str(), self.id().id.as_str(), agent]);
        let mut found = Vec::new();
        for branch in self.branches().await? {
            let snapshot = self.app().inner.store.read(self.id(), &branch.head).await?;
            if snapshot.get(names::agent::ENTITY, &key).is_some() {
                found.push(branch);
            }
        }
        Ok(found)
    }

    /// All tags, by name.
    pub async fn tags(&self) -> Result<Vec<Tag>> {
        Ok(self.app().inner.store.tags(self.id()).await?)
    }

    /// One tag.
    pub async fn tag(&self, name: &str) -> Result<Tag> {
        let found = self.tags().await?.into_iter().find(|tag| tag.name.as_str() == name);
        found.ok_or_else(|| Error::not_found("Tag", name))
    }

    /// Names the commit of a ref for good; empty for the head of `main`.
    pub async fn tag_create(&self, name: &str, reference: &str, message: &str) -> Result<Tag> {
        let name = ref_name(name)?;
        let hash = self.resolve(reference).await?.hash;
        self.change_ref(RefAction::TagCreate, &name, |change| {
            change.to = Some(hash.to_string());
            change.message = Some(message.to_owned());
        })
        .await?;
        self.tag(name.as_str()).await
    }

    /// Deletes a tag.
    pub async fn tag_delete(&self, name: &str) -> Result<()> {
        let tag = self.tag(name).await?;
        self.change_ref(RefAction::TagDelete, &tag.name, |change| {
            change.from = Some(tag.hash.to_string());
            change.message = Some(tag.message.clone());
        })
        .await
    }

    /// Changes a ref in the principal's name; `with` fills in what the action needs.
    pub(crate) async fn change_ref(
        &self,
        action: RefAction,
        name: &BranchName,
        with: impl FnOnce(&mut RefChange),
    ) -> Result<()> {
        let mut change = self.new_ref_change(action, name);
        with(&mut change);
        let (app, project) = (self.app().clone(), self.id().clone());
        // A client that hangs up must not leave a change between its stores until the next start.
        let work = tokio::spawn(async move { app.change_ref(&project, change).await });
        work.await.map_err(Error::internal)?
    }

    pub(crate) fn new_ref_change(&self, action: RefAction, name: &BranchName) -> RefChange {
        RefChange {
            uid: self.id().uid.clone(),
            action,
            name: name.to_string(),
            new_name: None,
            from: None,
            to: None,
            message: None,
            author: self.principal().name.clone(),
            email: self.principal().email(),
        }
    }

    /// Refuses more branches than a project may have.
    pub(crate) async fn refuse_too_many(&self, new: usize) -> Result<()> {
        self.app().refuse_too_many(self.branches().await?.len() + new)
    }
}

impl Understory {
    pub(crate) fn refuse_too_many(&self, branches: usize) -> Result<()> {
        let most = self.inner.max_branches;
        if branches <= most {
            return Ok(());
        }
        let detail =
            format!("a project may have {most} branches, and this would make it {branches}; delete some first");
        Err(Error::Unprocessable(detail))
    }

    /// The commit point is the store's step. Before it the intent is dropped, after it the intent stays as the record.
    async fn change_ref(&self, project: &ProjectId, change: RefChange) -> Result<()> {
        let (store, runtime) = (&self.inner.store, &self.inner.runtime);
        let intent = runtime.ref_change_begin(&project.tenant, &project.id, change.clone()).await?;
        let performed = perform(store.as_ref(), project, &change).await;
        let recorded = match &performed {
            Ok(()) => runtime.ref_change_finish(&intent).await.map_err(Error::from),
            // Whether it was done is not known: what is there tells.
            Err(StoreError::Unavailable(_)) => self.settle_ref_change(&intent, project).await,
            Err(_) => runtime.intent_done(&intent).await.map_err(Error::from),
        };
        // The ref is as it is by now: its record is settled later.
        if let Err(error) = recorded {
            tracing::error!(%error, "a ref's change could not be recorded yet");
            runtime.intent_leave(&intent);
        }
        Ok(performed?)
    }

    /// Settles a change of a ref that an earlier process left unfinished.
    pub(crate) async fn settle_ref_change(&self, intent: &Intent, project: &ProjectId) -> Result<()> {
        let IntentKind::RefChange(change) = &intent.kind else { return Ok(()) };
        match has_happened(self.inner.store.as_ref(), project, change).await {
            Ok(true) => {
                let change = self.completed(project, change.clone()).await?;
                let intent = Intent { kind: IntentKind::RefChange(change), ..intent.clone() };
                Ok(self.inner.runtime.ref_change_finish(&intent).await?)
            }
            Ok(false) | Err(StoreError::UnknownProject(_)) => Ok(self.inner.runtime.intent_done(intent).await?),
            Err(error) => Err(error.into()),
        }
    }

    /// A ref that a bundle made was written down before its commit was known.
    async fn completed(&self, project: &ProjectId, mut change: RefChange) -> Result<RefChange> {
        let makes = matches!(change.action, RefAction::BranchCreate | RefAction::TagCreate);
        if makes && change.to.is_none() {
            let store = &self.inner.store;
            let tags = store.tags(project).await?.into_iter().map(|tag| (tag.name, tag.hash));
            let branches = store.branches(project).await?.into_iter().map(|branch| (branch.name, branch.head));
            let found = branches.chain(tags).find(|(name, _)| name.as_str() == change.name);
            change.to = found.map(|(_, hash)| hash.to_string());
        }
        Ok(change)
    }
}

async fn perform(store: &dyn ConfigStore, project: &ProjectId, change: &RefChange) -> StoreResult<()> {
    let name = stored_name(&change.name)?;
    let hash = |hash: &Option<String>| {
        let parsed = hash.as_deref().and_then(CommitHash::parse);
        parsed.ok_or_else(|| StoreError::Misfit("a change of a ref names no commit".into()))
    };
    match change.action {
        RefAction::BranchCreate => store.branch_create(project, &name, &hash(&change.to)?).await,
        RefAction::BranchRename => {
            store.branch_rename(project, &name, &stored_name(change.new_name.as_deref().unwrap_or_default())?).await
        }
        RefAction::BranchDelete => store.branch_delete(project, &name, &hash(&change.from)?).await,
        RefAction::TagDelete => store.tag_delete(project, &name).await,
        RefAction::TagCreate => {
            let tagger = Signature::new(&change.author, &change.email);
            let (hash, message) = (hash(&change.to)?, change.message.clone().unwrap_or_default());
            store.tag_create(project, &Tag { name, hash, tagger, message, date: timestamp_iso(&now()) }).await
        }
    }
}

/// Whether a change was made: names are given once, so that what is there now tells.
async fn has_happened(store: &dyn ConfigStore, project: &ProjectId, change: &RefChange) -> StoreResult<bool> {
    let name = stored_name(&change.name)?;
    let branch = store.branch_head(project, &name).await?.is_some();
    let tag = || async { Ok::<_, StoreError>(store.tags(project).await?.iter().any(|tag| tag.name == name)) };
    Ok(match change.action {
        RefAction::BranchCreate => branch,
        RefAction::BranchRename | RefAction::BranchDelete => !branch,
        RefAction::TagCreate => tag().await?,
        RefAction::TagDelete => !tag().await?,
    })
}

fn stored_name(name: &str) -> StoreResult<BranchName> {
    BranchName::new(name).map_err(|detail| StoreError::Misfit(format!("'{name}' is no name of a ref: {detail}")))
}

/// The name of a branch or a tag that is to be.
fn ref_name(name: &str) -> Result<BranchName> {
    let name = BranchName::new(name).map_err(|detail| Error::field("/name", "pattern", detail))?;
    if name.as_str() == MERGE {
        return Err(Error::field("/name", "pattern", "'merge' is a word of the API; choose another name"));
    }
    Ok(name)
}

fn refuse_main(name: &BranchName, done: &str) -> Result<()> {
    if name.is_main() {
        return Err(Error::Forbidden(format!("main is the project's own line and cannot be {done}")));
    }
    Ok(())
}
