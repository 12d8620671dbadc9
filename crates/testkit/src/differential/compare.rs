//! Whether two stores say the same of a project.

use std::collections::BTreeSet;

use understory_manage::{ConfigStore, WHOLE_LOG};

use super::Pair;
use super::sequence::{Place, Sequence};
use crate::conformance::Failure;

/// Pairs of commits whose differences are asked for at the end.
const DIFFERENCES: usize = 3;

impl Sequence<'_> {
    /// Compares all branches, and the rows of heads that are new.
    pub(super) async fn compare_refs(&mut self) -> Result<(), Failure> {
        let before: BTreeSet<Place> = self.branches.iter().map(|(_, place)| *place).collect();
        let branches = self.asked("branches", async |store, _| store.branches(&self.project).await).await?;
        let [one, other] = branches.map(|all| all.into_iter().map(|branch| (branch.name, branch.head)));
        self.branches = self.paired("branches", one.collect(), other.collect()).await?;
        let heads: BTreeSet<Place> = self.branches.iter().map(|(_, place)| *place).collect();
        for head in heads.difference(&before) {
            self.rows(*head).await?;
        }
        Ok(())
    }

    /// Compares tags and kept heads.
    pub(super) async fn compare_tags(&mut self) -> Result<(), Failure> {
        let tags = self.asked("tags", async |store, _| store.tags(&self.project).await).await?;
        let [one, other] = &tags;
        for (one, other) in one.iter().zip(other) {
            let said = |tag: &understory_manage::Tag| (tag.tagger.clone(), tag.message.clone(), tag.date.clone());
            equal("tag", &said(one), &said(other))?;
        }
        let [one, other] = tags.map(|all| all.into_iter().map(|tag| (tag.name, tag.hash)));
        self.tags = self.paired("tags", one.collect(), other.collect()).await?;
        let kept = self.asked("kept", async |store, _| store.kept(&self.project).await).await?;
        self.kept = self.places_of("kept heads", &kept)?;
        Ok(())
    }

    async fn paired<N: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        one: Vec<(N, understory_manage::CommitHash)>,
        other: Vec<(N, understory_manage::CommitHash)>,
    ) -> Result<Vec<(N, Place)>, Failure> {
        let names = |all: &[(N, _)]| format!("{:?}", all.iter().map(|(name, _)| name).collect::<Vec<_>>());
        equal(what, &names(&one), &names(&other))?;
        let mut paired = Vec::with_capacity(one.len());
        for ((name, one), (_, other)) in one.into_iter().zip(other) {
            let place = self.learn([one, other]).await.map_err(|error| format!("{what}, {name:?}: {error}"))?;
            paired.push((name, place));
        }
        Ok(paired)
    }

    /// Where known commits are, in order of their places.
    fn places_of(&self, what: &str, hashes: &[Vec<understory_manage::CommitHash>; 2]) -> Result<Vec<Place>, Failure> {
        let [one, other] = [0, 1].map(|side| {
            let places = hashes[side].iter().map(|hash| self.place_on(side, hash));
            places.collect::<Option<BTreeSet<Place>>>()
        });
        equal(what, &one, &other)?;
        Ok(one.ok_or_else(|| format!("{what}: commits that no ref led to"))?.into_iter().collect())
    }

    /// Compares all that there is, as stores answer that have nothing in memory.
    pub(super) async fn compare_all(&mut self, fresh: Pair) -> Result<(), Failure> {
        self.stores = fresh;
        self.compare_refs().await?;
        self.compare_tags().await?;
        let mut reached = BTreeSet::new();
        let heads: BTreeSet<Place> = self.branches.iter().chain(&self.tags).map(|(_, place)| *place).collect();
        for head in heads.iter().chain(&self.kept) {
            reached.extend(self.compare_log(*head).await?);
        }
        // The rows of all commits are known to be the same by those of the heads and by what each commit changed.
        for place in 0..self.commits.len() {
            match (reached.contains(&place), self.parents[place].first()) {
                (true, Some(parent)) => self.compare_changes(Some(*parent), place).await?,
                (true, None) => {}
                (false, _) => self.compare_unreached(place).await?,
            }
        }
        for head in self.branches.iter().map(|(_, head)| *head).collect::<BTreeSet<_>>() {
            self.rows(head).await?;
        }
        for _ in 0..DIFFERENCES {
            let from = if self.dice.once_in(8) { None } else { Some(self.any_commit()) };
            let to = self.any_commit();
            self.compare_changes(from, to).await?;
        }
        self.compare_prefix(&reached).await?;
        self.compare_schemas().await
    }

    async fn compare_schemas(&self) -> Result<(), Failure> {
        for (name, _) in &self.branches {
            let lacking = async |store: &dyn ConfigStore, _| store.needs_migration(&self.project, name).await;
            let [one, other] = self.asked("needs_migration", lacking).await?;
            equal("needs_migration", &one, &other)?;
        }
        Ok(())
    }

    async fn compare_changes(&self, from: Option<Place>, to: Place) -> Result<(), Failure> {
        let changes = self
            .both(async |store, side| {
                let from = from.map(|from| &self.commits[from][side]);
                store.changes(&self.project, from, &self.commits[to][side]).await
            })
            .await;
        match self.agreed("changes", changes)? {
            Some([one, other]) => equal(&format!("changes from {from:?} to {to}"), &one, &other),
            None => Ok(()),
        }
    }

    /// The same commits, and on each store children before parents; where they are.
    async fn compare_log(&self, head: Place) -> Result<Vec<Place>, Failure> {
        let log = async |store: &dyn ConfigStore, side: usize| {
            store.log(&self.project, &self.commits[head][side], WHOLE_LOG).await
        };
        let logs = self.asked("log", log).await?;
        for log in &logs {
            let mut seen = BTreeSet::new();
            for commit in log {
                seen.insert(&commit.hash);
                if commit.parents.iter().any(|parent| seen.contains(parent)) {
                    return Err(format!("{} comes after its parent in {log:#?}", commit.hash).into());
                }
            }
        }
        let hashes = logs.each_ref().map(|log| log.iter().map(|commit| commit.hash.clone()).collect());
        self.places_of(&format!("the log of {head}"), &hashes)
    }

    /// A commit that no ref reaches is not there.
    async fn compare_unreached(&self, place: Place) -> Result<(), Failure> {
        let commit =
            async |store: &dyn ConfigStore, side: usize| store.commit(&self.project, &self.commits[place][side]).await;
        let found = self.asked("commit", commit).await?;
        equal(&format!("commit {place}, which nothing reaches"), &found, &[None, None])?;
        let read =
            async |store: &dyn ConfigStore, side: usize| store.read(&self.project, &self.commits[place][side]).await;
        match self.agreed("read", self.both(read).await)? {
            None => Ok(()),
            Some(_) => Err(format!("commit {place} is read, and nothing reaches it").into()),
        }
    }

    async fn compare_prefix(&mut self, reached: &BTreeSet<Place>) -> Result<(), Failure> {
        let place = self.any_commit();
        let prefixed = async |store: &dyn ConfigStore, side: usize| {
            let hash = &self.commits[place][side];
            Ok(store.commits_by_prefix(&self.project, &hash.as_str()[..12]).await?.contains(hash))
        };
        let found = self.asked("commits_by_prefix", prefixed).await?;
        equal(&format!("commit {place} found by prefix"), &found, &[reached.contains(&place); 2])
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, one: &T, other: &T) -> Result<(), Failure> {
    if one == other { Ok(()) } else { Err(format!("{what}: {one:#?}, but {other:#?}").into()) }
}
