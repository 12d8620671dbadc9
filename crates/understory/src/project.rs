use std::sync::Arc;

use understory_auth::Principal;
use understory_manage::revision::{Revision, follow};
use understory_manage::{BranchName, CommitHash, ProjectId, RefKind, ResolvedRef, Snapshot};
use understory_model::Model;

use crate::app::Understory;
use crate::{Action, Answer, Call, Error, Result};

/// The fewest characters of a commit hash that name it.
const MIN_PREFIX: usize = 7;

/// A project that a principal may work on: made only by looking it up.
#[derive(Clone)]
pub struct Project {
    app: Understory,
    id: ProjectId,
    principal: Principal,
}

/// The rows at a ref.
#[derive(Clone, Debug)]
pub struct View {
    /// What the ref is.
    pub resolved: ResolvedRef,
    /// The rows.
    pub snapshot: Arc<Snapshot>,
}

impl Project {
    pub(crate) fn new(app: Understory, id: ProjectId, principal: Principal) -> Self {
        Self { app, id, principal }
    }

    /// Its names.
    pub fn id(&self) -> &ProjectId {
        &self.id
    }

    /// On whose behalf it was looked up.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    pub(crate) fn app(&self) -> &Understory {
        &self.app
    }

    pub(crate) fn model(&self) -> &Arc<Model> {
        self.app.model()
    }

    /// What a ref is: a branch, a tag, a full commit hash, or a unique prefix of one; empty for `main`. After it
    /// `~n` goes back along first parents, and `@{TIME}` to the commit of that time. A hash may be one that the commit
    /// had where the project was copied from.
    ///
    /// The display form `{tenant}_{project}_{branch}` is understood too.
    pub async fn resolve(&self, reference: &str) -> Result<ResolvedRef> {
        let revision = Revision::parse(reference).map_err(Error::BadRequest)?;
        let base = self.resolve_base(&revision.base, reference).await?;
        if revision.steps.is_empty() {
            return Ok(base);
        }
        let hash = follow(self.app.inner.store.as_ref(), &self.id, &base.hash, &revision.steps).await?;
        let hash = hash.ok_or_else(|| Error::not_found("Ref", reference))?;
        Ok(ResolvedRef { kind: RefKind::Commit, name: hash.to_string(), hash })
    }

    async fn resolve_base(&self, base: &str, reference: &str) -> Result<ResolvedRef> {
        let base = if base.is_empty() { BranchName::MAIN } else { base };
        if let Some(found) = self.resolve_branch(base).await? {
            return Ok(found);
        }
        let store = &self.app.inner.store;
        if let Some(tag) = store.tags(&self.id).await?.into_iter().find(|tag| tag.name.as_str() == base) {
            return Ok(ResolvedRef { kind: RefKind::Tag, name: tag.name.to_string(), hash: tag.hash });
        }
        let found = match CommitHash::parse(base) {
            Some(hash) => store.commit(&self.id, &hash).await?.map(|commit| commit.hash).into_iter().collect(),
            None if is_prefix(base) => store.commits_by_prefix(&self.id, base).await?,
            None => Vec::new(),
        };
        let is_hash = || CommitHash::parse(base).is_some() || is_prefix(base);
        let found = if found.is_empty() && is_hash() { self.by_earlier_hash(base).await? } else { found };
        let hash = only(found, base, reference)?;
        Ok(ResolvedRef { kind: RefKind::Commit, name: hash.to_string(), hash })
    }

    async fn resolve_branch(&self, reference: &str) -> Result<Option<ResolvedRef>> {
        let short = reference.strip_prefix(&self.display_prefix());
        for name in [Some(reference), short].into_iter().flatten() {
            let Ok(name) = BranchName::new(name) else { continue };
            if let Some(hash) = self.app.inner.store.branch_head(&self.id, &name).await? {
                return Ok(Some(ResolvedRef { kind: RefKind::Branch, name: name.to_string(), hash }));
            }
        }
        Ok(None)
    }

    fn display_prefix(&self) -> String {
        format!("{}_{}_", self.id.tenant, self.id.id)
    }

    /// A branch's name as the wire shows it in full.
    pub fn full_name(&self, branch: &str) -> String {
        format!("{}{branch}", self.display_prefix())
    }

    /// The rows at a ref; empty for `main`.
    pub async fn view(&self, reference: &str) -> Result<View> {
        let resolved = self.resolve(reference).await?;
        let snapshot = self.app.inner.store.read(&self.id, &resolved.hash).await?;
        Ok(View { resolved, snapshot })
    }

    /// Answers a reading operation of the route table at a ref.
    pub async fn read(&self, action: &Action, reference: &str, call: &Call) -> Result<(Answer, ResolvedRef)> {
        match action {
            Action::History(entity) => return self.read_history(entity, reference, call).await,
            Action::Blame(entity) => return self.read_blame(entity, reference, call).await,
            _ => {}
        }
        let view = self.view(reference).await?;
        let answer = action.read(self.model(), &view.snapshot, call)?;
        Ok((answer, view.resolved))
    }
}

/// The one commit that was found by the beginning of its hash.
fn only(mut found: Vec<CommitHash>, base: &str, reference: &str) -> Result<CommitHash> {
    match (found.pop(), found.is_empty()) {
        (Some(hash), true) => Ok(hash),
        (None, _) => Err(Error::not_found("Ref", reference)),
        _ => Err(Error::BadRequest(format!("more than one commit begins with {base}; give more of its hash"))),
    }
}

fn is_prefix(text: &str) -> bool {
    text.len() >= MIN_PREFIX
        && text.len() < 32
        && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'v').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_names_one_commit_or_none() {
        let hash = |byte: u8| CommitHash::from_bytes(&[byte; 20]);
        let told = |found: Vec<CommitHash>| only(found, "0a1b2c3", "0a1b2c3~1").map(|hash| hash.to_string());
        assert_eq!(told(vec![hash(1)]).ok(), Some(hash(1).to_string()));
        assert!(matches!(told(vec![]), Err(Error::NotFound { id, .. }) if id == "0a1b2c3~1"));
        let ambiguous = told(vec![hash(1), hash(2)]);
        assert!(
            matches!(&ambiguous, Err(Error::BadRequest(detail)) if detail.contains("more than one")),
            "{ambiguous:?}"
        );
    }
}
