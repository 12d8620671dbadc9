//! What commits were called before: a map that grows with every copy.

use std::collections::{BTreeMap, HashMap};

use understory_manage::replay::{Origin, Outline, Project};
use understory_manage::{CommitHash, ProjectId};
use understory_runtime::CommitAlias;

use super::place::Stores;
use crate::{Error, Result};

/// Where each commit of a project went.
pub(super) struct Moved {
    to: BTreeMap<String, CommitHash>,
}

impl Moved {
    /// Both are the same project in two stores.
    pub(super) fn between(from: (&Project, &Outline), to: (&Project, &Outline)) -> Self {
        let arrived: HashMap<&String, &CommitHash> = to.1.names().iter().zip(&to.0.hashes).collect();
        let commits = from.1.names().iter().zip(&from.0.hashes);
        let commits = commits.filter_map(|(name, hash)| Some((hash.to_string(), (*arrived.get(name)?).clone())));
        // Every store has a root of its own; projects begin with the newest.
        let root = to.0.stand_ins.iter().rev().find(|(_, place)| *place == Origin::Root).map(|(hash, _)| hash);
        let place = |place: &Origin| match place {
            Origin::Root => root,
            Origin::New(index) => arrived.get(from.1.names().get(*index)?).copied(),
            Origin::Known(_) => None,
        };
        let others = from.0.stand_ins.iter();
        let others = others.filter_map(|(hash, at)| Some((hash.to_string(), place(at)?.clone())));
        Self { to: commits.chain(others).collect() }
    }

    /// The earlier names that the commits have now, of those that they had before and the ones that they lose. Names of
    /// commits that are gone lead nowhere, and are left out: how many.
    pub(super) fn names(&self, earlier: Vec<CommitAlias>) -> (Vec<CommitAlias>, usize) {
        let (mut names, mut gone) = (BTreeMap::new(), 0);
        for alias in earlier {
            match self.to.get(&alias.target) {
                Some(target) => _ = names.insert(alias.hash, target.to_string()),
                None => gone += 1,
            }
        }
        names.extend(self.to.iter().map(|(hash, target)| (hash.clone(), target.to_string())));
        names.retain(|hash, target| hash != target);
        (names.into_iter().map(|(hash, target)| CommitAlias { hash, target }).collect(), gone)
    }
}

/// Writes the earlier names of a project's commits, and reads them again.
pub(super) async fn write(to: &Stores, project: &ProjectId, names: &[CommitAlias]) -> Result<()> {
    to.runtime.commit_alias_add(&project.tenant, &project.id, names).await?;
    if to.runtime.commit_alias_list(&project.tenant, &project.id).await? != names {
        return Err(Error::Conflict(format!("the earlier names of the commits of project {project} are not the same")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(n: u8) -> CommitHash {
        CommitHash::from_bytes(&[n; 20])
    }

    fn alias(from: u8, to: u8) -> CommitAlias {
        CommitAlias { hash: hash(from).to_string(), target: hash(to).to_string() }
    }

    #[test]
    fn names_are_carried_along_and_lead_to_what_is_there() {
        let moved = Moved { to: [(2, 3), (7, 8)].map(|(from, to)| (hash(from).to_string(), hash(to))).into() };
        let (names, gone) = moved.names(vec![alias(1, 2), alias(5, 6)]);
        assert_eq!((names, gone), (vec![alias(1, 3), alias(2, 3), alias(7, 8)], 1));
    }

    #[test]
    fn a_commit_that_has_its_first_name_again_has_it_once() {
        let back = Moved { to: BTreeMap::from([(hash(2).to_string(), hash(1))]) };
        assert_eq!(back.names(vec![alias(1, 2)]).0, [alias(2, 1)]);
    }
}
