use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use understory_model::Model;

use super::canonical::{Digests, Place};
use super::{FORMAT, Identity, Line, LineChange, ROOT, VERSION};
use crate::change::settle;
use crate::graph::is_ancestor;
use crate::replay::{BranchMove, History, Origin, Replayed};
use crate::{
    BranchName, Change, Commit, CommitHash, CommitMeta, ConfigStore, ProjectId, Signature, Snapshot, StoreError,
    StoreResult, Tag, WHOLE_LOG,
};

/// Why a bundle is not taken; nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is cut short, altered, or no bundle.
    #[error("the bundle is damaged: {0}")]
    Damaged(String),
    /// It does not go with the project or with this server.
    #[error("the bundle does not fit: {0}")]
    Misfit(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Read<T> = Result<T, BundleError>;

/// A bundle that is whole: its checksum and the hashes of its commits are right.
#[derive(Debug)]
pub struct Bundle {
    requires: Vec<Identity>,
    commits: Vec<(Identity, Vec<String>, Vec<LineChange>)>,
    branches: Vec<(BranchName, String)>,
    tags: Vec<(Tag, String)>,
    kept: Vec<String>,
    /// Hashes of the commits that came so far: a commit's parents come before it.
    known: HashSet<String>,
    /// The project's id where it was made.
    pub project: String,
}

impl Bundle {
    /// Reads a bundle, and checks all that can be told without a store.
    pub fn parse(bytes: &[u8]) -> Read<Self> {
        let lines = checked_lines(bytes)?;
        let mut lines = lines.into_iter();
        let project = match lines.next() {
            Some(Line::Header { format, version, project }) if format == FORMAT && version <= VERSION => project,
            Some(Line::Header { format, version, .. }) if format == FORMAT => {
                return Err(BundleError::Misfit(format!("its version is {version}, newer than this program's")));
            }
            _ => return Err(BundleError::Damaged("it does not begin as a bundle does".into())),
        };
        let (requires, commits, branches, tags, kept) = Default::default();
        let known = HashSet::from([ROOT.to_owned()]);
        let mut bundle = Self { requires, commits, branches, tags, kept, known, project };
        for line in lines {
            bundle.take(line)?;
        }
        Ok(bundle)
    }

    fn take(&mut self, line: Line) -> Read<()> {
        let damaged = |detail: &str| BundleError::Damaged(detail.to_owned());
        let name = |name: &str| BranchName::new(name).map_err(damaged);
        match line {
            Line::Requires(identity) => {
                self.known.insert(identity.hash.clone());
                self.requires.push(identity);
            }
            Line::Commit { identity, parents, changes } => {
                if identity.hash != identity.computed(&parents)
                    || !parents.iter().all(|parent| self.known.contains(parent))
                {
                    return Err(BundleError::Damaged(format!("commit '{}' is not what it was", identity.message)));
                }
                self.known.insert(identity.hash.clone());
                self.commits.push((identity, parents, changes));
            }
            Line::Branch { name: branch, to } if self.known.contains(&to) => self.branches.push((name(&branch)?, to)),
            Line::Tag { name: tag, to, message, author, email, date } if self.known.contains(&to) => {
                let (tagger, hash) = (Signature::new(&author, &email), CommitHash::from_bytes(&[0; 20]));
                self.tags.push((Tag { name: name(&tag)?, hash, tagger, message, date }, to));
            }
            Line::Kept { to } if self.known.contains(&to) => self.kept.push(to),
            Line::Branch { .. } | Line::Kept { .. } | Line::Tag { .. } => {
                return Err(damaged("a ref leads to no commit"));
            }
            Line::Header { .. } | Line::End { .. } => return Err(damaged("its lines are not in order")),
        }
        Ok(())
    }

    /// What taking it over would be, for a project that is there or is not yet.
    ///
    /// Commits that the project has are not made again. A branch moves only forward.
    pub async fn history(
        &self,
        store: &dyn ConfigStore,
        model: &Model,
        project: &ProjectId,
        present: bool,
    ) -> Read<History> {
        let place = Place { model, project };
        let (known, places, history) = Default::default();
        let mut plan = Plan { store, place, known, places, newest: None, history };
        plan.places.insert(ROOT.to_owned(), Placed { origin: Origin::Root, rows: Arc::default() });
        if present {
            plan.known = plan.all_commits().await?;
        }
        for identity in &self.requires {
            let placed = plan.find(identity).await?;
            let missing = || {
                BundleError::Misfit(format!(
                    "it builds on a commit that is not here: '{}' of {}",
                    identity.message, identity.date
                ))
            };
            plan.places.insert(identity.hash.clone(), placed.ok_or_else(missing)?);
        }
        for (identity, parents, changes) in &self.commits {
            plan.add(identity, parents, changes).await?;
        }
        for (name, to) in &self.branches {
            plan.branch(name, to, present).await?;
        }
        plan.tags(&self.tags, present).await?;
        let kept = self.kept.iter().filter_map(|to| plan.places.get(to));
        plan.history.kept = kept.map(|placed| placed.origin.clone()).collect();
        Ok(plan.history)
    }
}

/// All lines but the last, which must be the checksum of the others.
fn checked_lines(bytes: &[u8]) -> Read<Vec<Line>> {
    let damaged = |detail: &str| BundleError::Damaged(detail.to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
    let body = text.strip_suffix('\n').ok_or_else(|| damaged("it is cut short"))?;
    let start = body.rfind('\n').map_or(0, |at| at + 1);
    match serde_json::from_str(&body[start..]) {
        Ok(Line::End { sha256 }) if sha256 == HEXLOWER.encode(&Sha256::digest(&text[..start])) => {}
        Ok(Line::End { .. }) => return Err(damaged("its checksum differs: it was altered")),
        _ => return Err(damaged("it is cut short")),
    }
    let line = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| BundleError::Damaged(format!("line {}: {error}", number + 1)))
    };
    text[..start].lines().enumerate().map(line).collect()
}

/// Where a commit of the bundle is, and its rows.
#[derive(Clone)]
struct Placed {
    origin: Origin,
    rows: Arc<Snapshot>,
}

struct Plan<'a> {
    store: &'a dyn ConfigStore,
    place: Place<'a>,
    /// The commits that the project has.
    known: Vec<Commit>,
    /// The commits of the bundle, by our hash.
    places: BTreeMap<String, Placed>,
    /// The hashes of the rows of the commit that came last: most commits follow the one before.
    newest: Option<(String, Digests)>,
    history: History,
}

impl Plan<'_> {
    async fn all_commits(&self) -> StoreResult<Vec<Commit>> {
        let mut all: HashMap<CommitHash, Commit> = HashMap::new();
        let branches = self.store.branches(self.place.project).await?.into_iter().map(|branch| branch.head);
        let tags = self.store.tags(self.place.project).await?.into_iter().map(|tag| tag.hash);
        for head in branches.chain(tags).collect::<Vec<_>>() {
            if !all.contains_key(&head) {
                let commits = self.store.log(self.place.project, &head, WHOLE_LOG).await?;
                all.extend(commits.into_iter().map(|commit| (commit.hash.clone(), commit)));
            }
        }
        Ok(all.into_values().collect())
    }

    /// The commit of the project that says the same and holds the same rows.
    async fn find(&self, identity: &Identity) -> Read<Option<Placed>> {
        for commit in self.known.iter().filter(|commit| identity.says(commit)) {
            let rows = self.store.read(self.place.project, &commit.hash).await?;
            if Digests::of(&self.place, &rows).hash() == identity.rows {
                return Ok(Some(Placed { origin: Origin::Known(commit.hash.clone()), rows }));
            }
        }
        Ok(None)
    }

    async fn add(&mut self, identity: &Identity, parents: &[String], changes: &[LineChange]) -> Read<()> {
        let damaged = || BundleError::Damaged(format!("commit '{}' has no parent", identity.message));
        let first = parents.first().and_then(|first| self.places.get(first)).cloned().ok_or_else(damaged)?;
        if !matches!(first.origin, Origin::New(_))
            && let Some(placed) = self.find(identity).await?
        {
            self.places.insert(identity.hash.clone(), placed);
            return Ok(());
        }
        let replayed = self.replayed(identity, parents, changes, &first.rows)?;
        let placed = Placed { origin: Origin::New(self.history.commits.len()), rows: Arc::new(replayed.rows.clone()) };
        self.history.commits.push(replayed);
        self.places.insert(identity.hash.clone(), placed);
        Ok(())
    }

    fn replayed(
        &mut self,
        identity: &Identity,
        parents: &[String],
        changes: &[LineChange],
        before: &Snapshot,
    ) -> Read<Replayed> {
        let mut edits = BTreeMap::new();
        for line in changes {
            let (key, row) = self.place.change(line).map_err(BundleError::Misfit)?;
            edits.insert((line.entity.clone(), key), row.map(Arc::new));
        }
        let set = settle(self.place.model, before, edits).map_err(|broken| {
            let first = broken.first().map(ToString::to_string).unwrap_or_default();
            BundleError::Misfit(format!("commit '{}' breaks this server's model: {first}", identity.message))
        })?;
        let rows = before.after(&set);
        let mut digests = match self.newest.take().filter(|(hash, _)| parents.first() == Some(hash)) {
            Some((_, digests)) => digests,
            None => Digests::of(&self.place, before),
        };
        digests.apply(&self.place, &set.iter().cloned().collect::<Vec<Change>>());
        if digests.hash() != identity.rows {
            return Err(BundleError::Damaged(format!("commit '{}' does not come to its rows", identity.message)));
        }
        self.newest = Some((identity.hash.clone(), digests));
        let author = Signature::new(&identity.author, &identity.email);
        let branch = identity.branch.as_deref().and_then(|branch| BranchName::new(branch).ok());
        let meta =
            CommitMeta { committer: identity.committer.clone(), branch, ..CommitMeta::new(author, &identity.message) };
        let meta = CommitMeta { idempotency_key: identity.idempotency_key.clone(), ..meta };
        let parents = parents.iter().filter_map(|parent| Some(self.places.get(parent)?.origin.clone())).collect();
        Ok(Replayed { parents, meta, date: identity.date.clone(), changes: set, rows })
    }

    /// Moves a branch forward, or makes it. One that is further on already stays.
    async fn branch(&mut self, name: &BranchName, to: &str, present: bool) -> Read<()> {
        let damaged = || BundleError::Damaged(format!("branch {name} leads nowhere"));
        let to = self.places.get(to).map(|placed| placed.origin.clone()).ok_or_else(damaged)?;
        let project = self.place.project;
        let head = if present { self.store.branch_head(project, name).await? } else { None };
        if let Some(head) = &head {
            let targets = self.known_behind(&to);
            let mut forward = false;
            for target in &targets {
                forward |= is_ancestor(self.store, project, head, target).await?;
            }
            if let Origin::Known(target) = &to
                && is_ancestor(self.store, project, target, head).await?
            {
                return Ok(());
            }
            if !forward {
                return Err(BundleError::Misfit(format!("branch {name} has gone another way here; it is at {head}")));
            }
        }
        self.history.branches.push(BranchMove { name: name.clone(), from: head, to });
        Ok(())
    }

    /// The commits of the project that a commit is or builds on.
    fn known_behind(&self, origin: &Origin) -> Vec<CommitHash> {
        let (mut found, mut next) = (Vec::new(), vec![origin.clone()]);
        let mut seen = vec![false; self.history.commits.len()];
        while let Some(origin) = next.pop() {
            match origin {
                Origin::Root => {}
                Origin::Known(hash) => found.push(hash),
                Origin::New(index) => {
                    if let Some(seen) = seen.get_mut(index)
                        && !std::mem::replace(seen, true)
                    {
                        next.extend(self.history.commits[index].parents.iter().cloned());
                    }
                }
            }
        }
        found
    }

    /// Tags that are there already must be the same.
    async fn tags(&mut self, tags: &[(Tag, String)], present: bool) -> Read<()> {
        let known = if present { self.store.tags(self.place.project).await? } else { Vec::new() };
        for (tag, to) in tags {
            let origin = self.places.get(to).map(|placed| placed.origin.clone());
            let origin = origin.ok_or_else(|| BundleError::Damaged(format!("tag {} leads nowhere", tag.name)))?;
            match known.iter().find(|known| known.name == tag.name) {
                None => self.history.tags.push((tag.clone(), origin)),
                Some(known) if origin == Origin::Known(known.hash.clone()) => {}
                Some(_) => {
                    return Err(BundleError::Misfit(format!("tag {} names another commit here", tag.name)));
                }
            }
        }
        Ok(())
    }
}
