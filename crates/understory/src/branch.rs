//! Branches and merges in the API's terms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use understory_manage::graph::{is_ancestor, merge_base_snapshot};
use understory_manage::merge::{Choice, Conflict, Merge, Resolution, Side, merge};
use understory_manage::{Applied, Branch, BranchName, CommitHash, Signature, Snapshot, diff};
use understory_model::{Entity, Key, Row};

use crate::project::{Project, View};
use crate::write::WriteOptions;
use crate::{Error, Result, names};

/// The last segment of the path that merges: no branch may have its name.
const MERGE: &str = "merge";

/// What a merge would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Head of the branch that would be merged.
    pub source: CommitHash,
    /// Head of the branch merged into.
    pub target: CommitHash,
    /// Tables that differ between the two.
    pub tables: BTreeSet<String>,
    /// What only people can decide.
    pub conflicts: Vec<Conflict>,
}

/// A merge to be made: pinned to the heads that its preview saw.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MergeRequest {
    /// The branch that is merged.
    pub source_branch: String,
    /// The branch merged into.
    pub target_branch: String,
    /// Its head, as previewed.
    pub source_hash: String,
    /// Its head, as previewed.
    pub target_hash: String,
    /// The commit's message.
    pub message: Option<String>,
    /// The author, where that is not the principal.
    pub author: Option<Author>,
    /// What people decided.
    #[serde(default)]
    pub resolutions: Vec<WireResolution>,
}

/// An author as requests name one.
#[derive(Clone, Debug, Deserialize)]
pub struct Author {
    name: String,
    email: String,
}

impl Author {
    /// The signature of commits.
    pub fn signature(&self) -> Signature {
        Signature::new(&self.name, &self.email)
    }
}

/// A resolution as requests write it: by table and raw column names.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireResolution {
    table: String,
    primary_key: BTreeMap<String, String>,
    row_default_pick: Side,
    #[serde(default)]
    columns: BTreeMap<String, Side>,
}

/// What a merge came to.
#[derive(Clone, Debug)]
pub struct MergeOutcome {
    /// The target's head afterwards.
    pub head: CommitHash,
}

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
        let name = BranchName::new(name).map_err(|detail| Error::field("/name", "pattern", detail))?;
        if name.as_str() == MERGE {
            return Err(Error::field("/name", "pattern", "'merge' is a word of the API; choose another name"));
        }
        let head = match (from_branch, from_commit) {
            (_, Some(commit)) => self.resolve(commit).await?.hash,
            (Some(branch), None) => self.branch(branch).await?.head,
            (None, None) => self.resolve(BranchName::MAIN).await?.hash,
        };
        self.app().inner.store.branch_create(self.id(), &name, &head).await?;
        Ok(Branch { name, head })
    }

    /// Deletes a branch; `main` stays as long as the project.
    pub async fn branch_delete(&self, name: &str) -> Result<()> {
        let branch = self.branch(name).await?;
        if branch.name.is_main() {
            return Err(Error::Forbidden("main is the project's own line and cannot be deleted".into()));
        }
        self.app().inner.store.branch_delete(self.id(), &branch.name).await?;
        self.app().inner.documents.forget(&self.id().uid);
        Ok(())
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

    /// What merging `source` into `target` would do. Writes nothing.
    pub async fn merge_preview(&self, source: &str, target: &str) -> Result<Preview> {
        let (source, target) = (self.branch_view(source).await?, self.branch_view(target).await?);
        let merged = self.merge(&source, &target, &[]).await?;
        let changed = diff(&target.snapshot, &source.snapshot);
        let table = |entity: &str| self.model().entity(entity).map(|entity| entity.table.clone());
        let tables = changed.iter().filter_map(|row| table(&row.entity)).collect();
        Ok(Preview { source: source.resolved.hash, target: target.resolved.hash, tables, conflicts: merged.conflicts })
    }

    /// Merges one branch into another: one commit with two parents, or none if there is nothing to bring.
    ///
    /// Of `options` the message, the author and the idempotency key count; the request's own win.
    pub async fn merge_execute(&self, request: &MergeRequest, options: &WriteOptions) -> Result<MergeOutcome> {
        let author = request.author.as_ref().map(Author::signature).or_else(|| options.author.clone());
        let message = request.message.clone().or_else(|| options.message.clone());
        let options = WriteOptions { message, author, ..options.clone() };
        options.check(self.principal())?;
        let source = self.branch_view(&request.source_branch).await?;
        let target = self.branch_view(&request.target_branch).await?;
        let pins = [(&source, &request.source_hash), (&target, &request.target_hash)];
        if let Some((moved, _)) = pins.into_iter().find(|(view, pin)| view.resolved.hash.as_str() != pin.as_str()) {
            let (name, hash) = (&moved.resolved.name, &moved.resolved.hash);
            return Err(Error::Conflict(format!("branch '{name}' is at {hash} by now; preview the merge again")));
        }
        let (ours, theirs) = (&target.resolved.hash, &source.resolved.hash);
        let store = self.app().inner.store.as_ref();
        if is_ancestor(store, self.id(), theirs, ours).await? {
            return Ok(MergeOutcome { head: ours.clone() });
        }
        let resolutions = self.resolutions(&request.resolutions)?;
        let merged = self.merge(&source, &target, &resolutions).await?;
        if !merged.conflicts.is_empty() {
            return Err(Error::MergeConflict(merged.conflicts));
        }
        let meta = options
            .meta(self.principal(), || format!("Merge branch {} into {}", source.resolved.name, target.resolved.name));
        let Some(branch) = target.resolved.branch() else {
            return Err(Error::BadRequest("the target of a merge is a branch".into()));
        };
        match store.apply(self.id(), &branch, ours, &merged.changes, Some(theirs), &meta).await? {
            Applied::Commit(commit) => Ok(MergeOutcome { head: commit.hash }),
            Applied::Nothing => Ok(MergeOutcome { head: ours.clone() }),
            Applied::HeadMoved(head) => {
                Err(Error::Conflict(format!("branch '{branch}' is at {head} by now; preview the merge again")))
            }
        }
    }

    async fn branch_view(&self, name: &str) -> Result<View> {
        let branch = self.branch(name).await?;
        self.view(branch.name.as_str()).await
    }

    async fn merge(&self, source: &View, target: &View, resolutions: &[Resolution]) -> Result<Merge> {
        let (ours, theirs) = (&target.resolved.hash, &source.resolved.hash);
        let store = self.app().inner.store.as_ref();
        let base: Arc<Snapshot> = merge_base_snapshot(store, self.model(), self.id(), ours, theirs).await?;
        let merged = merge(self.model(), &base, &target.snapshot, &source.snapshot, resolutions);
        merged.map_err(|error| Error::BadRequest(error.to_string()))
    }

    fn resolutions(&self, wire: &[WireResolution]) -> Result<Vec<Resolution>> {
        let read = |(index, wire): (usize, &WireResolution)| {
            let pointer = format!("/resolutions/{index}");
            let unknown =
                || Error::field(format!("{pointer}/table"), "reference", format!("there is no table '{}'", wire.table));
            let entity = self.model().entity_of_table(&wire.table).ok_or_else(unknown)?;
            let part = |column: &String| {
                let missing =
                    || Error::field(format!("{pointer}/primaryKey"), "required", format!("{column} is missing"));
                wire.primary_key.get(column).cloned().ok_or_else(missing)
            };
            let key = Key::new(entity.key.iter().map(part).collect::<Result<Vec<_>>>()?);
            let columns = wire.columns.iter().map(|(name, side)| (name.clone(), Choice::Side(*side))).collect();
            Ok(Resolution { entity: entity.name.clone(), key, pick: wire.row_default_pick, columns })
        };
        wire.iter().enumerate().map(read).collect()
    }

    /// A conflict as answers show it: by table and raw column names, the key apart from the images.
    pub fn conflict_item(&self, conflict: &Conflict) -> Value {
        let Some(entity) = self.model().entity(&conflict.entity) else { return Value::Null };
        let key: Map<String, Value> =
            entity.key.iter().cloned().zip(conflict.key.parts().iter().map(|part| part.as_str().into())).collect();
        json!({
            "table": entity.table,
            "primaryKey": key,
            "ourDiffType": conflict.our_diff,
            "theirDiffType": conflict.their_diff,
            "base": image(entity, conflict.base.as_deref()),
            "ours": image(entity, conflict.ours.as_deref()),
            "theirs": image(entity, conflict.theirs.as_deref()),
            "reason": reason(conflict),
        })
    }
}

fn image(entity: &Entity, row: Option<&Row>) -> Value {
    let Some(row) = row else { return Value::Null };
    let columns = entity.columns.iter().filter(|column| !entity.key.contains(&column.name) && !column.hidden);
    columns.map(|column| (column.name.clone(), row.get(&column.name).clone())).collect::<Map<_, _>>().into()
}

/// Why the sides do not go together, in words.
fn reason(conflict: &Conflict) -> String {
    use understory_manage::merge::ConflictKind;
    match &conflict.kind {
        ConflictKind::Fields(columns) => format!("both sides changed {}", columns.join(", ")),
        ConflictKind::DeleteEdit => "one side deleted what the other changed".into(),
        ConflictKind::Law(violations) => violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}
