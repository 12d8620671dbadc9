//! What must be the same of a project in every store, and what differs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use understory_model::Model;

use super::{History, Origin};
use crate::bundle::canonical::{Digests, Place};
use crate::bundle::{Identity, ROOT};
use crate::{ProjectId, Tag};

/// A project's commits and refs by names of our own making, which are over what commits say and the rows that they
/// hold: two stores that have the same outline of a project have the same project.
#[derive(Clone, Debug)]
pub struct Outline {
    /// The names of the history's commits, in its order.
    names: Vec<String>,
    commits: BTreeMap<String, Identity>,
    branches: BTreeMap<String, String>,
    tags: BTreeMap<String, (Tag, String)>,
    kept: BTreeSet<String>,
}

impl Outline {
    /// The outline of all of a project.
    pub fn of(model: &Model, project: &ProjectId, history: &History) -> Self {
        let identities = identities(&Place { model, project }, history);
        let names: Vec<String> = identities.iter().map(|identity| identity.hash.clone()).collect();
        let to = |origin: &Origin| name(&names, origin);
        let branches = history.branches.iter().map(|branch| (branch.name.to_string(), to(&branch.to)));
        let tags = history.tags.iter().map(|(tag, origin)| (tag.name.to_string(), (tag.clone(), to(origin))));
        Self {
            branches: branches.collect(),
            tags: tags.collect(),
            kept: history.kept.iter().map(to).collect(),
            commits: identities.into_iter().map(|identity| (identity.hash.clone(), identity)).collect(),
            names,
        }
    }

    /// The names of the history's commits, in its order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What there is here and not in the other one, or is another there; none if they are the same.
    pub fn difference(&self, other: &Self) -> Option<Difference> {
        let (ours, theirs) = (self, other);
        let commit = ours.commits.iter().find(|(name, commit)| theirs.commits.get(*name) != Some(*commit));
        let foreign = theirs.commits.iter().find(|(name, _)| !ours.commits.contains_key(*name));
        if let Some((_, commit)) = commit.or(foreign) {
            return Some(Difference::Commit { message: commit.message.clone(), date: commit.date.clone() });
        }
        let branches = differing(&ours.branches, &theirs.branches, |a, b| a == b).map(Difference::Branch);
        let same = |(a, to): &(Tag, String), (b, other): &(Tag, String)| {
            to == other && (&a.tagger, &a.message, &a.date) == (&b.tagger, &b.message, &b.date)
        };
        let tags = || differing(&ours.tags, &theirs.tags, same).map(Difference::Tag);
        branches.or_else(tags).or_else(|| (ours.kept != theirs.kept).then_some(Difference::Kept))
    }
}

/// What differs first between two outlines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A commit is in one only, or says or holds something else.
    Commit {
        /// Its message.
        message: String,
        /// When it was made.
        date: String,
    },
    /// A branch is in one only, or leads elsewhere.
    Branch(String),
    /// A tag is in one only, leads elsewhere or says something else.
    Tag(String),
    /// The heads of deleted branches.
    Kept,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit { message, date } => write!(f, "commit '{message}' of {date}"),
            Self::Branch(name) => write!(f, "branch {name}"),
            Self::Tag(name) => write!(f, "tag {name}"),
            Self::Kept => write!(f, "what deleted branches had"),
        }
    }
}

/// The first name that one map has and the other has not, or has otherwise.
fn differing<T>(
    ours: &BTreeMap<String, T>,
    theirs: &BTreeMap<String, T>,
    same: impl Fn(&T, &T) -> bool,
) -> Option<String> {
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let differs = |name: &&String| match (ours.get(*name), theirs.get(*name)) {
        (Some(ours), Some(theirs)) => !same(ours, theirs),
        _ => true,
    };
    names.into_iter().find(differs).cloned()
}

fn name(names: &[String], origin: &Origin) -> String {
    match origin {
        Origin::Root => ROOT.to_owned(),
        Origin::Known(hash) => hash.to_string(),
        Origin::New(index) => names.get(*index).cloned().unwrap_or_default(),
    }
}

fn identities(place: &Place<'_>, history: &History) -> Vec<Identity> {
    let mut uses: HashMap<usize, usize> = HashMap::new();
    for commit in &history.commits {
        if let Some(Origin::New(first)) = commit.parents.first() {
            *uses.entry(*first).or_default() += 1;
        }
    }
    let (mut names, mut identities) = (Vec::new(), Vec::with_capacity(history.commits.len()));
    // Hashes of rows are held as long as a commit that is to come builds on them.
    let mut held: HashMap<usize, Digests> = HashMap::new();
    for (index, commit) in history.commits.iter().enumerate() {
        let mut digests = match commit.parents.first() {
            Some(Origin::New(first)) => take(&mut held, &mut uses, *first),
            _ => Digests::default(),
        };
        digests.apply(place, &commit.changes.iter().cloned().collect::<Vec<_>>());
        let parents: Vec<String> = commit.parents.iter().map(|parent| name(&names, parent)).collect();
        let identity = Identity::new(&commit.meta, &commit.date, digests.hash(), &parents);
        names.push(identity.hash.clone());
        identities.push(identity);
        if uses.contains_key(&index) {
            held.insert(index, digests);
        }
    }
    identities
}

/// The hashes of a commit's rows; they are let go of with their last use.
fn take(held: &mut HashMap<usize, Digests>, uses: &mut HashMap<usize, usize>, index: usize) -> Digests {
    let left = uses.get_mut(&index).map(|uses| {
        *uses -= 1;
        *uses
    });
    let digests = if left == Some(0) { held.remove(&index) } else { held.get(&index).cloned() };
    digests.unwrap_or_default()
}
