//! What is done to both stores, chosen at random.

use understory_manage::change::settle;
use understory_manage::merge::merge;
use understory_manage::{
    BranchName, ChangeSet, CommitHash, ConfigStore, Signature, Snapshot, StoreResult, Tag, changed_rows, graph,
};

use super::Pair;
use super::sequence::{DATE, Place, Sequence, same_rows};
use crate::conformance::Failure;
use crate::properties::{Case, resolved_changes};
use crate::samples::model;

/// What can be done, the more often the more often it is here.
pub const OPERATIONS: [&str; 26] = [
    "edit",
    "edit",
    "edit",
    "edit",
    "edit",
    "edit",
    "branch create",
    "branch create",
    "branch create",
    "branch rename",
    "branch delete",
    "tag create",
    "tag delete",
    "merge",
    "merge",
    "merge",
    "merge",
    "stale apply",
    "merge of an ancestor",
    "restore",
    "undo",
    "import",
    "keep drop",
    "no changes",
    "bad operation",
    "bad operation",
];

/// Those after which tags and kept heads may be others.
const MOVE_TAGS: [&str; 5] = ["branch delete", "tag create", "tag delete", "import", "keep drop"];

/// Names that are given to branches and tags: few, so that they meet.
const NAMES: [&str; 7] = ["a", "A", "topic/x", "v1.0", "x-y_z", "feature/long.name", "b"];

type Done = Result<(), Failure>;

impl Sequence<'_> {
    /// Creates the project with random rows.
    pub(super) async fn create(&mut self) -> Done {
        let rows = Case::random(self.dice.next(), 1).base();
        let changes = self.changes_to(&Snapshot::default(), &rows)?;
        let meta = self.meta();
        let create = async |store: &dyn ConfigStore, _| store.project_create(&self.project, &changes, &meta).await;
        let [one, other] = self.asked("create", create).await?;
        self.learn([one.hash, other.hash]).await?;
        self.compare_refs().await
    }

    /// Does one random thing, and compares what there is now.
    pub(super) async fn step(&mut self) -> Done {
        let operation = self.dice.one(&OPERATIONS).unwrap_or_default();
        self.done.push(operation.to_owned());
        match operation {
            "edit" => self.edit().await?,
            "branch create" => self.branch_create().await?,
            "branch rename" => self.branch_rename().await?,
            "branch delete" => self.branch_delete().await?,
            "tag create" => self.tag_create().await?,
            "tag delete" => self.tag_delete().await?,
            "merge" => self.merge().await?,
            "stale apply" => self.stale_apply().await?,
            "merge of an ancestor" => self.merge_of_an_ancestor().await?,
            "restore" => self.restore().await?,
            "undo" => self.undo().await?,
            "import" => self.import().await?,
            "keep drop" => self.keep_drop().await?,
            "no changes" => self.no_changes().await?,
            _ => self.bad_operation().await?,
        }
        self.tally.borrow_mut().did(operation);
        if MOVE_TAGS.contains(&operation) {
            self.compare_tags().await?;
        }
        self.compare_refs().await
    }

    /// Goes on with a newer program, which may migrate all branches at once.
    pub(super) async fn become_new(&mut self, stores: Pair) -> Done {
        self.stores = stores;
        self.old = None;
        self.done.push("a newer program".into());
        if self.dice.once_in(2) {
            self.done.push("migrate".into());
            let migrate = async |store: &dyn ConfigStore, _| store.migrate(&self.project).await;
            let [one, other] = self.asked("migrate", migrate).await?;
            if one.len() != other.len() || one.iter().zip(&other).any(|((one, _), (other, _))| one != other) {
                return Err(format!("migrate: {one:?}, but {other:?}").into());
            }
            for ((_, one), (_, other)) in one.into_iter().zip(other) {
                self.learn([one.hash, other.hash]).await?;
            }
            self.tally.borrow_mut().did("migrate");
        }
        self.compare_refs().await
    }

    async fn edit(&mut self) -> Done {
        let (branch, head) = self.branch();
        let base = self.rows(head).await?;
        let changes = self.random_changes(&base);
        self.note(&branch);
        self.apply(&branch, head, &changes, None).await.map(drop)
    }

    async fn branch_create(&mut self) -> Done {
        let (name, at) = (self.name()?, self.any_commit());
        self.note(&name);
        let create = async |store: &dyn ConfigStore, side: usize| {
            store.branch_create(&self.project, &name, &self.commits[at][side]).await
        };
        self.agreed("branch_create", self.both(create).await).map(drop)
    }

    async fn branch_rename(&mut self) -> Done {
        let ((from, _), to) = (self.branch(), self.name()?);
        self.note(&format!("{from} to {to}"));
        let rename = async |store: &dyn ConfigStore, _| store.branch_rename(&self.project, &from, &to).await;
        self.agreed("branch_rename", self.both(rename).await).map(drop)
    }

    async fn branch_delete(&mut self) -> Done {
        let (name, head) = self.branch();
        let expected = if self.dice.once_in(4) { self.any_commit() } else { head };
        self.note(&name);
        let delete = async |store: &dyn ConfigStore, side: usize| {
            store.branch_delete(&self.project, &name, &self.commits[expected][side]).await
        };
        self.agreed("branch_delete", self.both(delete).await).map(drop)
    }

    async fn tag_create(&mut self) -> Done {
        let (name, at) = (self.name()?, self.any_commit());
        self.note(&name);
        let create = async |store: &dyn ConfigStore, side: usize| {
            store.tag_create(&self.project, &tag(&name, &self.commits[at][side])).await
        };
        self.agreed("tag_create", self.both(create).await).map(drop)
    }

    async fn tag_delete(&mut self) -> Done {
        let name = match self.dice.one(&self.tags) {
            Some((name, _)) => name,
            None => self.name()?,
        };
        self.note(&name);
        let delete = async |store: &dyn ConfigStore, _| store.tag_delete(&self.project, &name).await;
        self.agreed("tag_delete", self.both(delete).await).map(drop)
    }

    /// Merges a branch into another one; conflicts are the same on both stores, and decided at random.
    async fn merge(&mut self) -> Done {
        let ((branch, mut ours), (other, mut theirs)) = (self.branch(), self.branch());
        self.note(&format!("{other} into {branch}"));
        if branch != other && self.dice.once_in(2) {
            // Both sides of a case are about the same few rows.
            let case = Case::random(self.dice.next(), 2);
            ours = self.edit_side(&case, 0, &branch, ours).await?;
            theirs = self.edit_side(&case, 1, &other, theirs).await?;
        }
        let model = model();
        let base = async |store: &dyn ConfigStore, side: usize| {
            let (ours, theirs) = (&self.commits[ours][side], &self.commits[theirs][side]);
            graph::merge_base_snapshot(store, &model, &self.project, ours, theirs).await
        };
        let [base, other_base] = self.asked("the base of a merge", base).await?;
        same_rows(&base, &other_base)?;
        let merged = async |store: &dyn ConfigStore, side: usize| -> StoreResult<_> {
            let our_rows = store.read(&self.project, &self.commits[ours][side]).await?;
            let their_rows = store.read(&self.project, &self.commits[theirs][side]).await?;
            let base = if side == 0 { &base } else { &other_base };
            Ok(merge(&model, base, &our_rows, &their_rows, &[]).map_err(|error| error.to_string()))
        };
        let [one, other] = self.asked("merge", merged).await?;
        if one != other {
            return Err(format!("a merge comes to {one:#?}, but {other:#?}").into());
        }
        let (our_rows, their_rows) = (self.rows(ours).await?, self.rows(theirs).await?);
        let changes = self.resolve(&base, &our_rows, &their_rows)?;
        self.tally.borrow_mut().merged(!one?.conflicts.is_empty());
        let changes = self.lawful(&our_rows, changes);
        self.apply(&branch, ours, &changes, Some(theirs)).await.map(drop)
    }

    /// Makes the edits of one side of a case on a branch; its head then.
    async fn edit_side(
        &mut self,
        case: &Case,
        side: usize,
        branch: &BranchName,
        head: Place,
    ) -> Result<Place, Failure> {
        let base = self.rows(head).await?;
        let changes = self.lawful(&base, case.change_of(side, &base));
        self.note(&format!("(edited on {branch})"));
        Ok(self.apply(branch, head, &changes, None).await?.unwrap_or(head))
    }

    async fn stale_apply(&mut self) -> Done {
        let ((branch, head), expected) = (self.branch(), self.any_commit());
        let base = self.rows(head).await?;
        let changes = self.random_changes(&base);
        // Where it is the head by chance the changes fit it.
        self.apply(&branch, expected, &changes, None).await.map(drop)
    }

    async fn merge_of_an_ancestor(&mut self) -> Done {
        let (branch, head) = self.branch();
        let log =
            async |store: &dyn ConfigStore, side: usize| store.log(&self.project, &self.commits[head][side], 8).await;
        let [log, _] = self.asked("log", log).await?;
        let past: Vec<Place> = log.iter().filter_map(|commit| self.place_on(0, &commit.hash)).collect();
        let ancestor = self.dice.one(&past).ok_or("a head has a log")?;
        self.note(&branch);
        self.apply(&branch, head, &ChangeSet::default(), Some(ancestor)).await.map(drop)
    }

    /// Makes a branch what it was at some commit.
    async fn restore(&mut self) -> Done {
        let ((branch, head), then) = (self.branch(), self.reached_commit()?);
        let (now, then) = (self.rows(head).await?, self.rows(then).await?);
        let changes = self.changes_to(&now, &then)?;
        self.note(&branch);
        self.apply(&branch, head, &changes, None).await.map(drop)
    }

    /// Undoes what some commit did, as a merge of its parent would.
    async fn undo(&mut self) -> Done {
        let ((branch, head), undone) = (self.branch(), self.reached_commit()?);
        let commit =
            async |store: &dyn ConfigStore, side: usize| store.commit(&self.project, &self.commits[undone][side]).await;
        let [commit, _] = self.asked("commit", commit).await?;
        let parent = commit.and_then(|commit| commit.parents.into_iter().next());
        let Some(parent) = parent.and_then(|parent| self.place_on(0, &parent)) else { return Ok(()) };
        let (base, ours, theirs) = (self.rows(undone).await?, self.rows(head).await?, self.rows(parent).await?);
        let changes = self.resolve(&base, &ours, &theirs)?;
        let changes = self.lawful(&ours, changes);
        self.note(&branch);
        self.apply(&branch, head, &changes, None).await.map(drop)
    }

    async fn keep_drop(&mut self) -> Done {
        let dropped = self.dice.one(&self.kept).unwrap_or_else(|| self.any_commit());
        let drop_it = async |store: &dyn ConfigStore, side: usize| {
            store.keep_drop(&self.project, &self.commits[dropped][side]).await
        };
        self.agreed("keep_drop", self.both(drop_it).await).map(drop)
    }

    async fn no_changes(&mut self) -> Done {
        let (branch, head) = self.branch();
        self.apply(&branch, head, &ChangeSet::default(), None).await.map(drop)
    }

    /// Something that no store does.
    async fn bad_operation(&mut self) -> Done {
        let which = self.dice.below(9);
        self.note(&which);
        let ((branch, head), absent) = (self.branch(), BranchName::new("absent")?);
        let nobody = CommitHash::from_bytes(&[9; 20]);
        let meta = self.meta();
        let none = ChangeSet::default();
        let bad = async |store: &dyn ConfigStore, side: usize| -> StoreResult<()> {
            let (project, head) = (&self.project, &self.commits[head][side]);
            match which {
                0 => store.apply(project, &absent, head, &none, Some(head), &meta).await.map(drop),
                1 => store.apply(project, &branch, head, &none, Some(&nobody), &meta).await.map(drop),
                2 => store.branch_create(project, &absent, &nobody).await,
                3 => store.branch_delete(project, &absent, head).await,
                4 => store.branch_delete(project, &BranchName::main(), head).await,
                5 => store.branch_rename(project, &BranchName::main(), &absent).await,
                6 => store.tag_delete(project, &absent).await,
                7 => store.read(project, &nobody).await.map(drop),
                _ => store.changes(project, Some(&nobody), head).await.map(drop),
            }
        };
        match self.agreed("a bad operation", self.both(bad).await)? {
            None => Ok(()),
            Some(_) => Err(format!("both stores do the bad operation {which}").into()),
        }
    }

    /// Random edits of some rows.
    pub(super) fn random_changes(&mut self, base: &Snapshot) -> ChangeSet {
        let changes = Case::random(self.dice.next(), 1).change_of(0, base);
        self.lawful(base, changes)
    }

    /// The changes as the program at work would make them; none where its laws are against it.
    fn lawful(&self, base: &Snapshot, changes: ChangeSet) -> ChangeSet {
        match self.old {
            Some(versions) => versions.in_old_shape(base, &changes).unwrap_or_default(),
            None => changes,
        }
    }

    fn resolve(&mut self, base: &Snapshot, ours: &Snapshot, theirs: &Snapshot) -> Result<ChangeSet, Failure> {
        let case = Case::random(self.dice.next(), 1);
        Ok(resolved_changes(&case, base, ours, theirs)?.1)
    }

    /// What makes the rows of a snapshot those of another.
    fn changes_to(&self, from: &Snapshot, to: &Snapshot) -> Result<ChangeSet, Failure> {
        let edits = changed_rows(from, to).into_iter().map(|change| ((change.entity, change.key), change.after));
        let changes = settle(&model(), from, edits.collect()).map_err(|violations| format!("{violations:?}"))?;
        Ok(self.lawful(from, changes))
    }

    /// Says more of what is being done.
    pub(super) fn note(&mut self, more: &dyn std::fmt::Display) {
        if let Some(last) = self.done.last_mut() {
            last.push_str(&format!(" {more}"));
        }
    }

    /// A branch that is there, and its head.
    pub(super) fn branch(&mut self) -> (BranchName, Place) {
        let branches = self.branches.clone();
        self.dice.one(&branches).unwrap_or((BranchName::main(), 0))
    }

    /// A name that is perhaps taken.
    pub(super) fn name(&mut self) -> Result<BranchName, Failure> {
        Ok(BranchName::new(self.dice.one(&NAMES).unwrap_or(BranchName::MAIN))?)
    }

    /// A commit, whether a ref reaches it or not.
    pub(super) fn any_commit(&mut self) -> Place {
        self.dice.below(self.commits.len())
    }

    /// A commit that a ref names.
    fn reached_commit(&mut self) -> Result<Place, Failure> {
        let named = self.branches.iter().chain(&self.tags).map(|(_, place)| *place);
        let named: Vec<Place> = named.chain(self.kept.iter().copied()).collect();
        self.dice.one(&named).ok_or("a project has refs".into())
    }
}

/// A tag of a commit.
pub(super) fn tag(name: &BranchName, hash: &CommitHash) -> Tag {
    Tag {
        name: name.clone(),
        hash: hash.clone(),
        tagger: Signature::new("Tag Ger", "tag@example.org"),
        message: format!("Why {name}\n\nand more"),
        date: DATE.to_owned(),
    }
}
