//! Small histories that are taken over by both stores.

use understory_manage::replay::{BranchMove, History, Origin, Replayed};
use understory_manage::{BranchName, ChangeSet, ConfigStore, Snapshot};

use super::operations::tag;
use super::sequence::{DATE, Place, Sequence};
use crate::conformance::Failure;

/// A history that builds on the head of a branch, whichever store it is for.
struct Plan {
    branch: BranchName,
    head: Place,
    /// Where the branch must be: not always where it is.
    expected: Place,
    /// Changes in the commit before, and the rows then.
    commits: Vec<(ChangeSet, Snapshot)>,
    /// The last commit's other parent.
    merged: Option<Place>,
    new_branch: Option<BranchName>,
    new_tag: Option<BranchName>,
    keeps: bool,
}

impl Sequence<'_> {
    pub(super) async fn import(&mut self) -> Result<(), Failure> {
        let plan = self.plan().await?;
        self.note(&plan.branch);
        let meta = self.meta();
        let histories = [0, 1].map(|side| plan.history(side, &self.commits, &meta));
        let import = async |store: &dyn ConfigStore, side: usize| store.import(&self.project, &histories[side]).await;
        let Some([one, other]) = self.agreed("import", self.both(import).await)? else { return Ok(()) };
        if one.len() != other.len() {
            return Err(format!("import: {one:?}, but {other:?}").into());
        }
        for pair in one.into_iter().zip(other) {
            self.learn(pair.into()).await?;
        }
        Ok(())
    }

    async fn plan(&mut self) -> Result<Plan, Failure> {
        let ((branch, head), (_, other)) = (self.branch(), self.branch());
        let expected = if self.dice.once_in(4) { self.branch().1 } else { head };
        let mut rows = Snapshot::clone(&*self.rows(head).await?);
        let mut commits = Vec::new();
        for _ in 0..=self.dice.below(3) {
            let changes = self.random_changes(&rows);
            rows = rows.after(&changes);
            commits.push((changes, rows.clone()));
        }
        let merged = self.dice.once_in(2).then_some(other);
        let new_branch = if self.dice.once_in(2) { Some(self.name()?) } else { None };
        let new_tag = if self.dice.once_in(2) { Some(self.name()?) } else { None };
        // One history does not give a name twice.
        let new_tag = new_tag.filter(|name| new_branch.as_ref() != Some(name));
        let keeps = self.dice.once_in(4);
        Ok(Plan { branch, head, expected, commits, merged, new_branch, new_tag, keeps })
    }
}

impl Plan {
    fn history(
        &self,
        side: usize,
        known: &[[understory_manage::CommitHash; 2]],
        meta: &understory_manage::CommitMeta,
    ) -> History {
        let known = |place: Place| known[place][side].clone();
        let last = self.commits.len() - 1;
        let commit = |(at, (changes, rows)): (usize, &(ChangeSet, Snapshot))| {
            let first = if at == 0 { Origin::Known(known(self.head)) } else { Origin::New(at - 1) };
            let other = self.merged.filter(|_| at == last).map(|place| Origin::Known(known(place)));
            let mut meta = meta.clone().on(&self.branch);
            meta.message.push_str(&format!(", {at}"));
            let parents = std::iter::once(first).chain(other).collect();
            Replayed { parents, meta, date: DATE.to_owned(), changes: changes.clone(), rows: rows.clone() }
        };
        let own = BranchMove { name: self.branch.clone(), from: Some(known(self.expected)), to: Origin::New(last) };
        let new = self.new_branch.iter().map(|name| BranchMove { name: name.clone(), from: None, to: Origin::New(0) });
        let tags = self.new_tag.iter().map(|name| (tag(name, &known(self.head)), Origin::New(0)));
        History {
            commits: self.commits.iter().enumerate().map(commit).collect(),
            branches: std::iter::once(own).chain(new).collect(),
            tags: tags.collect(),
            kept: if self.keeps { vec![Origin::New(0)] } else { Vec::new() },
        }
    }
}
