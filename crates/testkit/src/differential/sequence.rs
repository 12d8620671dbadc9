use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use understory_manage::change::diff_with_timestamps;
use understory_manage::{
    Applied, BranchName, ChangeSet, Commit, CommitHash, CommitMeta, ConfigStore, ProjectId, Signature, Snapshot,
    StoreError, StoreResult,
};

use super::dice::Dice;
use super::versions::Versions;
use super::{Pair, Tally};
use crate::conformance::Failure;

/// The place of a commit among those met, the same on both stores.
pub(super) type Place = usize;

/// When imported commits were made.
pub(super) const DATE: &str = "2025-12-31T23:59:58.125Z";

/// One project on two stores, to which the same is done.
pub(super) struct Sequence<'a> {
    pub(super) stores: Pair,
    pub(super) project: ProjectId,
    pub(super) dice: Dice,
    /// Present while an older program is at work.
    pub(super) old: Option<&'a Versions>,
    pub(super) commits: Vec<[CommitHash; 2]>,
    /// By place.
    pub(super) parents: Vec<Vec<Place>>,
    places: [HashMap<CommitHash, Place>; 2],
    /// Where the refs are, as both stores said the last time.
    pub(super) branches: Vec<(BranchName, Place)>,
    pub(super) tags: Vec<(BranchName, Place)>,
    pub(super) kept: Vec<Place>,
    /// What was done so far, to be told on failure.
    pub(super) done: Vec<String>,
    pub(super) tally: RefCell<Tally>,
}

impl<'a> Sequence<'a> {
    pub(super) fn new(stores: Pair, old: Option<&'a Versions>, seed: u64) -> Self {
        Self {
            stores,
            project: crate::samples::project_id("d"),
            dice: Dice::new(seed),
            old,
            commits: Vec::new(),
            parents: Vec::new(),
            places: Default::default(),
            branches: Vec::new(),
            tags: Vec::new(),
            kept: Vec::new(),
            done: Vec::new(),
            tally: RefCell::default(),
        }
    }

    /// Does the same on both stores, which answer one after the other.
    pub(super) async fn both<T>(
        &self,
        act: impl AsyncFn(&dyn ConfigStore, usize) -> StoreResult<T>,
    ) -> [StoreResult<T>; 2] {
        let [one, other] = &self.stores;
        [act(one.as_ref(), 0).await, act(other.as_ref(), 1).await]
    }

    /// What both stores answered; none where both refused in the same way.
    pub(super) fn agreed<T: std::fmt::Debug>(
        &self,
        what: &str,
        answers: [StoreResult<T>; 2],
    ) -> Result<Option<[T; 2]>, Failure> {
        match answers {
            [Ok(one), Ok(other)] => Ok(Some([one, other])),
            [Err(one), Err(other)] if kind(&one) == kind(&other) => {
                self.tally.borrow_mut().refused(kind(&one));
                Ok(None)
            }
            [one, other] => Err(format!("{what}: {}, but {}", told(&one), told(&other)).into()),
        }
    }

    /// What both stores must answer.
    pub(super) async fn asked<T: std::fmt::Debug>(
        &self,
        what: &str,
        act: impl AsyncFn(&dyn ConfigStore, usize) -> StoreResult<T>,
    ) -> Result<[T; 2], Failure> {
        match self.both(act).await {
            [Ok(one), Ok(other)] => Ok([one, other]),
            [one, other] => Err(format!("{what}: {}, and {}", told(&one), told(&other)).into()),
        }
    }

    /// The rows of a commit, which are the same on both stores.
    pub(super) async fn rows(&self, place: Place) -> Result<Arc<Snapshot>, Failure> {
        let [one, other] = self.asked("read", async |store, side| self.read(store, side, place).await).await?;
        same_rows(&one, &other).map_err(|error| format!("commit {place}: {error}"))?;
        Ok(one)
    }

    async fn read(&self, store: &dyn ConfigStore, side: usize, place: Place) -> StoreResult<Arc<Snapshot>> {
        store.read(&self.project, &self.commits[place][side]).await
    }

    /// Applies changes on both stores; the commit made, if any.
    pub(super) async fn apply(
        &mut self,
        branch: &BranchName,
        expected: Place,
        changes: &ChangeSet,
        merged: Option<Place>,
    ) -> Result<Option<Place>, Failure> {
        let meta = self.meta();
        let applied = self
            .both(async |store, side| {
                let expected = &self.commits[expected][side];
                let merged = merged.map(|place| &self.commits[place][side]);
                store.apply(&self.project, branch, expected, changes, merged, &meta).await
            })
            .await;
        match self.agreed("apply", applied)? {
            None | Some([Applied::Nothing, Applied::Nothing]) => Ok(None),
            Some([Applied::Commit(one), Applied::Commit(other)]) => Ok(Some(self.learn([one.hash, other.hash]).await?)),
            Some([Applied::HeadMoved(one), Applied::HeadMoved(other)]) => {
                let moved = self.learn([one, other]).await?;
                self.tally.borrow_mut().refused("HeadMoved".to_owned());
                self.done.push(format!("the head had moved to {moved}"));
                Ok(None)
            }
            Some([one, other]) => Err(format!("apply: {one:?}, but {other:?}").into()),
        }
    }

    /// Who does it, under a message that no other commit of the project has: equal commits may have equal hashes.
    pub(super) fn meta(&self) -> CommitMeta {
        CommitMeta::new(Signature::new("Dif Ferent", "dif@example.org"), format!("Step {}", self.done.len()))
    }

    /// Takes up commits that may be new, with their past; where the first of them is.
    pub(super) async fn learn(&mut self, heads: [CommitHash; 2]) -> Result<Place, Failure> {
        let (mut next, mut new) = (vec![heads.clone()], Vec::new());
        while let Some(pair) = next.pop() {
            if self.place(&pair)?.is_some() {
                continue;
            }
            let commits = self.asked("commit", async |store, side| store.commit(&self.project, &pair[side]).await);
            let [Some(one), Some(other)] = commits.await? else { return Err(format!("{pair:?} is not there").into()) };
            same_commit(&one, &other)?;
            let parents = one.parents.into_iter().zip(other.parents).map(|(one, other)| [one, other]);
            let parents: Vec<_> = parents.collect();
            next.extend(parents.iter().cloned());
            new.push((pair, parents));
        }
        for (pair, parents) in new.into_iter().rev() {
            if self.place(&pair)?.is_none() {
                let parents = parents.iter().map(|parent| self.place(parent)?.ok_or("a parent comes first".into()));
                let parents = parents.collect::<Result<Vec<Place>, Failure>>()?;
                self.parents.push(parents);
                for (places, hash) in self.places.iter_mut().zip(&pair) {
                    places.insert(hash.clone(), self.commits.len());
                }
                self.commits.push(pair);
            }
        }
        self.place(&heads)?.ok_or("it was learnt".into())
    }

    /// Where a commit of one store is, if it is known.
    pub(super) fn place_on(&self, side: usize, hash: &CommitHash) -> Option<Place> {
        self.places[side].get(hash).copied()
    }

    /// Where a commit is, if both stores' is known.
    pub(super) fn place(&self, [one, other]: &[CommitHash; 2]) -> Result<Option<Place>, Failure> {
        match (self.places[0].get(one), self.places[1].get(other)) {
            (one, other) if one == other => Ok(one.copied()),
            (one, other) => Err(format!("commit {one:?} on one store is {other:?} on the other").into()),
        }
    }
}

/// The name of an error's variant.
pub(super) fn kind(error: &StoreError) -> String {
    format!("{error:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}

fn told<T: std::fmt::Debug>(answer: &StoreResult<T>) -> String {
    format!("{answer:?}").chars().take(600).collect()
}

pub(super) fn same_rows(one: &Snapshot, other: &Snapshot) -> Result<(), Failure> {
    let differing = diff_with_timestamps(one, other);
    if differing.is_empty() { Ok(()) } else { Err(format!("the rows differ: {differing:#?}").into()) }
}

fn same_commit(one: &Commit, other: &Commit) -> Result<(), Failure> {
    let dates = [&one.date, &other.date];
    let imported = dates.iter().any(|date| *date == DATE);
    let same = one.meta == other.meta && one.parents.len() == other.parents.len();
    if same && (!imported || dates[0] == dates[1]) { Ok(()) } else { Err(format!("{one:?} is {other:?}").into()) }
}
