use std::sync::Arc;

use understory_manage::replay::{BranchMove, Difference, History, Origin, Outline, Project, Replayed, read};
use understory_manage::{BranchName, ChangeSet, Commit, CommitHash, ProjectId, Snapshot, StoreError};

use super::bench::{assert_same, changes, committed, meta};
use super::refs::tag;
use super::{Bench, Checked, Failure, Store};
use crate::samples;

/// A history taken over as a new project has the same commits: rows, parents, authors, messages, times, refs.
pub async fn a_history_becomes_a_project(store: &Store) -> Checked {
    let original = Original::new(store).await?;
    let copy = samples::project_id("copy");
    let made = store.import(&copy, &original.history).await?;
    original.assert_copied(&copy, &made).await?;
    let copied = Bench { store: Arc::clone(store), project: copy };
    copied.put_tool(&BranchName::main(), "after").await?;
    assert!(copied.tools(&BranchName::main()).await?.contains(&"after".to_owned()));
    Ok(())
}

/// All that a store keeps of a project can be read, and is the same by its outline when it is made again; what differs
/// then is told.
pub async fn a_whole_project_is_read_and_made_again(store: &Store) -> Checked {
    let Original { bench, commits, .. } = Original::new(store).await?;
    let main = BranchName::main();
    let gone = bench.branch("gone", &main).await?;
    bench.put_tool(&gone, "alone").await?;
    bench.delete_branch(&gone).await?;
    store.tag_create(&bench.project, &tag("v1", &commits[1].hash)?).await?;
    let outline = |id: &ProjectId, found: &Project| Outline::of(&samples::model(), id, &found.history);
    let found = read(store.as_ref(), &samples::model(), &bench.project).await?;
    assert_eq!((found.hashes.len(), found.stand_ins.len()), (commits.len() + 1, 1), "the root is every store's own");
    let parents_first = |(at, commit): (usize, &Replayed)| {
        commit.parents.iter().all(|parent| !matches!(parent, Origin::New(index) if *index >= at))
    };
    assert!(found.history.commits.iter().enumerate().all(parents_first));

    let copy = Bench { store: Arc::clone(store), project: samples::project_id("copy") };
    let made = store.import(&copy.project, &found.history).await?;
    let again = read(store.as_ref(), &samples::model(), &copy.project).await?;
    let (ours, theirs) = (outline(&bench.project, &found), outline(&copy.project, &again));
    assert_eq!(ours.difference(&theirs), None);
    let arrived = again.hashes.iter().find(|hash| **hash == made[0]).ok_or("it is there")?;
    let index = again.hashes.iter().position(|hash| hash == arrived).ok_or("it has a place")?;
    assert_eq!(theirs.names()[index], ours.names()[0], "names do not depend on the store");

    let different = async || {
        let now = read(store.as_ref(), &samples::model(), &copy.project).await?;
        Ok::<_, Failure>(ours.difference(&outline(&copy.project, &now)))
    };
    store.keep_drop(&copy.project, &store.kept(&copy.project).await?[0]).await?;
    assert!(matches!(different().await?, Some(Difference::Commit { .. })), "a commit is in one only");
    let topic = BranchName::new("topic/X")?;
    copy.delete_branch(&topic).await?;
    let head = bench.head(&topic).await?;
    bench.delete_branch(&BranchName::new("topic/X")?).await?;
    let now = read(store.as_ref(), &samples::model(), &bench.project).await?;
    assert_eq!(ours.difference(&outline(&bench.project, &now)), Some(Difference::Branch("topic/X".into())), "{head}");
    store.tag_delete(&bench.project, &BranchName::new("v1")?).await?;
    let before = outline(&bench.project, &now);
    let now = read(store.as_ref(), &samples::model(), &bench.project).await?;
    assert_eq!(before.difference(&outline(&bench.project, &now)), Some(Difference::Tag("v1".into())));
    Ok(())
}

/// A history that builds on commits of the project moves its branches forward.
pub async fn a_history_goes_on_where_a_project_is(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let base = bench.put_tool(&main, "one").await?.hash;
    let topic = bench.branch("topic", &main).await?;
    let rows = bench.rows_at(&base).await?;
    let add = changes(&rows, |draft| samples::put_tool(draft, "two", "Two").map(drop))?;
    let commit = replayed(vec![Origin::Known(base.clone())], add, &rows);
    let moved = |name: &BranchName, from| BranchMove { name: name.clone(), from, to: Origin::New(0) };
    let new = BranchName::new("new")?;
    let branches = vec![moved(&main, Some(base.clone())), moved(&new, None)];
    let tags = vec![(tag("v1", &base)?, Origin::New(0))];
    let kept = vec![Origin::New(0), Origin::New(0)];
    let history = History { commits: vec![commit], branches, tags, kept };
    let made = store.import(&bench.project, &history).await?;
    for branch in [&main, &new] {
        assert_eq!(bench.head(branch).await?, made[0]);
        assert_eq!(bench.tools(branch).await?, ["one", "two"]);
    }
    assert_eq!(store.tags(&bench.project).await?[0].hash, made[0]);
    assert_eq!(store.kept(&bench.project).await?, made);
    assert_eq!((bench.head(&topic).await?, store.branches(&bench.project).await?.len()), (base.clone(), 3));
    let commit = store.commit(&bench.project, &made[0]).await?.ok_or("it is there")?;
    assert_eq!((commit.parents, commit.date.as_str()), (vec![base], DATE));
    Ok(())
}

/// A history that does not fit changes nothing.
pub async fn a_history_that_does_not_fit_is_refused_whole(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let old = bench.head(&main).await?;
    let rows = bench.rows_at(&old).await?;
    let head = bench.put_tool(&main, "mine").await?.hash;
    let history = |parent: Origin, name: &BranchName, from: Option<&CommitHash>| -> Result<History, Failure> {
        let add = changes(&rows, |draft| samples::put_tool(draft, "two", "Two").map(drop))?;
        let moved = BranchMove { name: name.clone(), from: from.cloned(), to: Origin::New(0) };
        let commits = vec![replayed(vec![parent], add, &rows)];
        Ok(History { commits, branches: vec![moved], ..History::default() })
    };
    let nobody = CommitHash::from_bytes(&[9; 20]);
    let new = BranchName::new("new")?;
    let moved = store.import(&bench.project, &history(Origin::Known(old.clone()), &main, Some(&old))?).await;
    assert!(matches!(&moved, Err(StoreError::HeadMoved { head: at, .. }) if *at == head), "{moved:?}");
    let taken = store.import(&bench.project, &history(Origin::Known(old.clone()), &main, None)?).await;
    assert!(matches!(&taken, Err(StoreError::RefExists(_))), "{taken:?}");
    let absent = store.import(&bench.project, &history(Origin::Known(old.clone()), &new, Some(&old))?).await;
    assert!(matches!(&absent, Err(StoreError::UnknownBranch(_))), "{absent:?}");
    for origin in [Origin::Known(nobody), Origin::New(5)] {
        let lost = store.import(&bench.project, &history(origin, &new, None)?).await;
        assert!(matches!(&lost, Err(StoreError::UnknownCommit(_) | StoreError::Misfit(_))), "{lost:?}");
    }
    assert_eq!((bench.head(&main).await?, store.branches(&bench.project).await?.len()), (head, 1));
    let absent = samples::project_id("absent");
    let lost = store.import(&absent, &history(Origin::Known(old), &main, None)?).await;
    assert!(lost.is_err() && !store.project_exists(&absent).await?);
    Ok(())
}

const DATE: &str = "2025-12-31T23:59:58.125Z";

fn replayed(parents: Vec<Origin>, changes: ChangeSet, before: &Snapshot) -> Replayed {
    let rows = before.after(&changes);
    let meta = meta("Replayed").on(&BranchName::main());
    Replayed { parents, meta, date: DATE.to_owned(), changes, rows }
}

/// A project with a merge, and its history as it would be carried elsewhere.
struct Original {
    bench: Bench,
    commits: Vec<Commit>,
    history: History,
}

impl Original {
    async fn new(store: &Store) -> Result<Self, Failure> {
        let bench = Bench::rich(store).await?;
        let main = BranchName::main();
        let topic = bench.branch("topic/X", &main).await?;
        bench.put_tool(&topic, "theirs").await?;
        let theirs = bench.put_tool(&topic, "more").await?.hash;
        let ours = bench.put_tool(&main, "ours").await?.hash;
        let bring =
            changes(&*bench.rows(&main).await?, |draft| samples::put_tool(draft, "theirs", "theirs").map(drop))?;
        committed(store.apply(&bench.project, &main, &ours, &bring, Some(&theirs), &meta("Merge")).await?)?;
        let head = bench.put_tool(&main, "last").await?.hash;
        let mut commits = store.log(&bench.project, &head, 99).await?;
        commits.reverse();
        let root = commits.remove(0);
        let place = |hash: &CommitHash| match commits.iter().position(|commit| commit.hash == *hash) {
            Some(index) => Origin::New(index),
            None => Origin::Root,
        };
        let mut replayed = Vec::new();
        for commit in &commits {
            let rows = bench.rows_at(&commit.hash).await?;
            let before = bench.rows_at(commit.parents.first().unwrap_or(&root.hash)).await?;
            replayed.push(Replayed {
                parents: commit.parents.iter().map(place).collect(),
                meta: commit.meta.clone(),
                date: commit.date.clone(),
                changes: set_of(&before, &rows)?,
                rows: (*rows).clone(),
            });
        }
        let moved = |name: &BranchName, to: &CommitHash| BranchMove { name: name.clone(), from: None, to: place(to) };
        let branches = vec![moved(&main, &head), moved(&topic, &theirs)];
        let tags = vec![(tag("v1", &theirs)?, place(&theirs))];
        let history = History { commits: replayed, branches, tags, kept: Vec::new() };
        Ok(Self { bench, commits, history })
    }

    async fn assert_copied(&self, copy: &ProjectId, made: &[CommitHash]) -> Checked {
        let store = &self.bench.store;
        assert_eq!(made.len(), self.commits.len());
        for (original, hash) in self.commits.iter().zip(made) {
            let copied = store.commit(copy, hash).await?.ok_or("it is there")?;
            assert_eq!(copied.meta, original.meta);
            assert_eq!(copied.date, original.date);
            assert_eq!(copied.parents.len(), original.parents.len());
            let index = |parent: &CommitHash| self.commits.iter().position(|commit| commit.hash == *parent);
            for (found, parent) in copied.parents.iter().zip(&original.parents) {
                assert_eq!(index(parent).map(|index| &made[index]).unwrap_or(found), found);
            }
            assert_same(&*store.read(copy, hash).await?, &*self.bench.rows_at(&original.hash).await?);
        }
        let names = |branches: Vec<understory_manage::Branch>| branches.into_iter().map(|b| b.name).collect::<Vec<_>>();
        assert_eq!(names(store.branches(copy).await?), names(store.branches(&self.bench.project).await?));
        let tags = store.tags(copy).await?;
        assert_eq!((tags.len(), tags[0].message.as_str()), (1, self.history.tags[0].0.message.as_str()));
        Ok(())
    }
}

fn set_of(before: &Snapshot, after: &Snapshot) -> Result<ChangeSet, Failure> {
    let edits = understory_manage::changed_rows(before, after);
    let edits = edits.into_iter().map(|change| ((change.entity, change.key), change.after)).collect();
    let settled = understory_manage::change::settle(&samples::model(), before, edits);
    Ok(settled.map_err(|violations| format!("{violations:?}"))?)
}
