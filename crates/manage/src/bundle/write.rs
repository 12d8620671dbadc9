use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use understory_model::Model;

use super::canonical::{Digests, Place};
use super::{Content, FORMAT, Identity, Line, ROOT, VERSION};
use crate::{Commit, CommitHash, ConfigStore, ProjectId, StoreError, StoreResult, WHOLE_LOG};

/// Commits whose row hashes are kept at hand.
const AT_HAND: usize = 64;

/// Writes a project's refs with all that they reach.
pub async fn write(
    store: &dyn ConfigStore,
    model: &Model,
    project: &ProjectId,
    content: Content<'_>,
) -> StoreResult<Vec<u8>> {
    let place = Place { model, project };
    let kept = if content == Content::Everything { store.kept(project).await? } else { Vec::new() };
    let (bytes, hashes, digests) = Default::default();
    let mut writer = Writer { store, place, content, kept, bytes, hashes, digests };
    writer.line(&Line::Header { format: FORMAT.to_owned(), version: VERSION, project: project.id.clone() })?;
    let commits = writer.wanted().await?;
    writer.require(&commits).await?;
    for commit in &commits {
        writer.commit(commit).await?;
    }
    writer.refs().await?;
    let sha256 = HEXLOWER.encode(&Sha256::digest(&writer.bytes));
    writer.line(&Line::End { sha256 })?;
    Ok(writer.bytes)
}

struct Writer<'a> {
    store: &'a dyn ConfigStore,
    place: Place<'a>,
    content: Content<'a>,
    kept: Vec<CommitHash>,
    bytes: Vec<u8>,
    /// Our hashes of the commits that the bundle holds, requires, or begins at.
    hashes: BTreeMap<CommitHash, String>,
    digests: HashMap<CommitHash, Arc<Digests>>,
}

impl Writer<'_> {
    fn line(&mut self, line: &Line) -> StoreResult<()> {
        let failed = |error| StoreError::Engine { detail: "a bundle's line".into(), source: Some(Box::new(error)) };
        serde_json::to_writer(&mut self.bytes, line).map_err(failed)?;
        self.bytes.push(b'\n');
        Ok(())
    }

    /// The commits to be written, parents first; the root is every project's own.
    async fn wanted(&mut self) -> StoreResult<Vec<Commit>> {
        let project = self.place.project;
        let mut known: BTreeSet<CommitHash> = BTreeSet::new();
        if let Content::Shared { since: Some(since) } = self.content {
            known.extend(self.store.log(project, since, WHOLE_LOG).await?.into_iter().map(|commit| commit.hash));
        }
        let mut wanted = Vec::new();
        for head in self.heads().await? {
            let new = self.store.log(project, &head, WHOLE_LOG).await?;
            // Oldest first, so that what a later head adds comes after what it builds on.
            for commit in new.into_iter().rev() {
                if commit.parents.is_empty() {
                    self.hashes.insert(commit.hash, ROOT.to_owned());
                } else if known.insert(commit.hash.clone()) {
                    wanted.push(commit);
                }
            }
        }
        Ok(wanted)
    }

    async fn heads(&self) -> StoreResult<Vec<CommitHash>> {
        let branches = self.store.branches(self.place.project).await?.into_iter().map(|branch| branch.head);
        let tags = self.store.tags(self.place.project).await?.into_iter().map(|tag| tag.hash);
        Ok(branches.chain(tags).chain(self.kept.iter().cloned()).collect())
    }

    /// Writes what the commits build on and the bundle does not hold, refs included.
    async fn require(&mut self, commits: &[Commit]) -> StoreResult<()> {
        let held: BTreeSet<&CommitHash> = commits.iter().map(|commit| &commit.hash).collect();
        let built_on = commits.iter().flat_map(|commit| &commit.parents).cloned().chain(self.heads().await?);
        let required: BTreeSet<CommitHash> = built_on.filter(|hash| !held.contains(hash)).collect();
        for hash in required {
            if self.hashes.contains_key(&hash) {
                continue;
            }
            let commit = self.store.commit(self.place.project, &hash).await?;
            let commit = commit.ok_or_else(|| StoreError::UnknownCommit(hash.clone()))?;
            let rows = self.digests_of(&hash).await?.hash();
            let mut identity = Identity::new(&commit.meta, &commit.date, rows, &[]);
            identity.idempotency_key = None;
            self.hashes.insert(hash, identity.hash.clone());
            self.line(&Line::Requires(identity))?;
        }
        Ok(())
    }

    async fn commit(&mut self, commit: &Commit) -> StoreResult<()> {
        let first = commit.parents.first();
        let changes = self.store.changes(self.place.project, first, &commit.hash).await?;
        let mut digests = match first {
            Some(first) => Digests::clone(&*self.digests_of(first).await?),
            None => Digests::default(),
        };
        digests.apply(&self.place, &changes);
        let parents: Vec<String> =
            commit.parents.iter().filter_map(|parent| self.hashes.get(parent).cloned()).collect();
        let mut identity = Identity::new(&commit.meta, &commit.date, digests.hash(), &parents);
        if self.content != Content::Everything {
            identity.idempotency_key = None;
        }
        self.hashes.insert(commit.hash.clone(), identity.hash.clone());
        self.remember(&commit.hash, digests);
        let changes = changes.iter().filter_map(|change| self.place.line(change)).collect();
        self.line(&Line::Commit { identity, parents, changes })
    }

    /// The hashes of a commit's rows: those at hand, or made by reading it.
    async fn digests_of(&mut self, hash: &CommitHash) -> StoreResult<Arc<Digests>> {
        if let Some(digests) = self.digests.get(hash) {
            return Ok(Arc::clone(digests));
        }
        let rows = self.store.read(self.place.project, hash).await?;
        Ok(self.remember(hash, Digests::of(&self.place, &rows)))
    }

    fn remember(&mut self, hash: &CommitHash, digests: Digests) -> Arc<Digests> {
        if self.digests.len() >= AT_HAND {
            self.digests.clear();
        }
        let digests = Arc::new(digests);
        self.digests.insert(hash.clone(), Arc::clone(&digests));
        digests
    }

    async fn refs(&mut self) -> StoreResult<()> {
        let to = |hashes: &BTreeMap<CommitHash, String>, hash: &CommitHash| {
            hashes.get(hash).cloned().ok_or_else(|| StoreError::UnknownCommit(hash.clone()))
        };
        for branch in self.store.branches(self.place.project).await? {
            let to = to(&self.hashes, &branch.head)?;
            self.line(&Line::Branch { name: branch.name.to_string(), to })?;
        }
        for head in std::mem::take(&mut self.kept) {
            let to = to(&self.hashes, &head)?;
            self.line(&Line::Kept { to })?;
        }
        for tag in self.store.tags(self.place.project).await? {
            let to = to(&self.hashes, &tag.hash)?;
            let (name, message) = (tag.name.to_string(), tag.message);
            let (author, email, date) = (tag.tagger.name, tag.tagger.email, tag.date);
            self.line(&Line::Tag { name, to, message, author, email, date })?;
        }
        Ok(())
    }
}
