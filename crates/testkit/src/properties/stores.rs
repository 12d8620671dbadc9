use std::sync::Arc;

use understory_manage::bundle::{self, Bundle};
use understory_manage::change::settle;
use understory_manage::merge::{Conflict, ConflictKind, Resolution, Side, merge};
use understory_manage::{
    Applied, BranchName, ChangeSet, CommitHash, CommitMeta, ProjectId, Signature, Snapshot, changed_rows, graph,
};

use super::{Case, Held, ensure, ensure_same, hold};
use crate::conformance::{Engine, Failure, Store};
use crate::samples::{model, project_id};

/// Runs a property that needs a store, a fresh one for all its cases.
fn with_store<E: Engine>(
    engine: &E,
    count: u32,
    sides: usize,
    property: impl AsyncFn(&Store, &Case) -> Result<(), Failure>,
) -> Held {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let fresh = runtime.block_on(engine.open()).map_err(|error| error.to_string())?;
    hold(count, sides, |case| runtime.block_on(property(&fresh.store, case)).map_err(|error| error.to_string()))
}

/// What is applied is what is read: each commit holds exactly its parent's rows after its changes.
pub fn what_is_applied_is_read<E: Engine>(engine: &E, count: u32) -> Held {
    with_store(engine, count, 1, async |store, case| {
        let mut line = Line::begin(store, case).await?;
        let mut expected = vec![(line.head.clone(), line.rows.clone())];
        for changes in case.changes(0, &line.rows) {
            line.apply(&changes, None).await?;
            expected.push((line.head.clone(), line.rows.clone()));
        }
        for (hash, rows) in &expected {
            ensure_same(store.read(&line.project, hash).await?.as_ref(), rows, "the rows of a commit")?;
        }
        for ((from, _), (to, _)) in expected.iter().zip(&expected[1..]) {
            let (before, after) = (store.read(&line.project, from).await?, store.read(&line.project, to).await?);
            let found = store.changes(&line.project, Some(from), to).await?;
            ensure(found == changed_rows(&before, &after), || format!("not the changes of a commit: {found:#?}"))?;
        }
        Ok(())
    })
}

/// A merge in the store finds the base, does what its preview said, and brings nothing the next time.
pub fn a_merge_is_what_its_preview_said<E: Engine>(engine: &E, count: u32) -> Held {
    with_store(engine, count, 2, async |store, case| {
        let mut main = Line::begin(store, case).await?;
        let (base, base_rows) = (main.head.clone(), main.rows.clone());
        let mut topic = main.branch("topic").await?;
        main.apply_all(&case.changes(0, &base_rows)).await?;
        topic.apply_all(&case.changes(1, &base_rows)).await?;
        let found =
            graph::merge_base_snapshot(store.as_ref(), &model(), &main.project, &main.head, &topic.head).await?;
        ensure_same(&found, &base_rows, "the rows of the base")?;
        let (ours, theirs) =
            (store.read(&main.project, &main.head).await?, store.read(&main.project, &topic.head).await?);
        let preview = merge(&model(), &found, &ours, &theirs, &[])?;
        if !preview.conflicts.is_empty() {
            return Ok(());
        }
        main.apply(&preview.changes, Some(&topic.head)).await?;
        let read = store.read(&main.project, &main.head).await?;
        ensure_same(&read, &ours.after(&preview.changes), "the merge and its preview")?;
        let bases = graph::merge_bases(store.as_ref(), &main.project, &main.head, &topic.head).await?;
        ensure(bases == [topic.head.clone()], || format!("{bases:?}"))?;
        ensure(graph::is_ancestor(store.as_ref(), &main.project, &base, &main.head).await?, || {
            "the base is lost".into()
        })?;
        let again = merge(&model(), &theirs, &read, &theirs, &[])?;
        Ok(ensure(again.changes.is_empty() && again.conflicts.is_empty(), || format!("{again:?}"))?)
    })
}

/// A bundle carries any history: taken over elsewhere, every commit holds the same rows.
pub fn a_bundle_carries_any_history<E: Engine>(engine: &E, count: u32) -> Held {
    with_store(engine, count, 2, async |store, case| {
        let mut main = Line::begin(store, case).await?;
        let base = main.rows.clone();
        let mut topic = main.branch("topic").await?;
        main.apply_all(&case.changes(0, &base)).await?;
        topic.apply_all(&case.changes(1, &base)).await?;
        let merged = merge(&model(), &base, &main.rows, &topic.rows, &[])?;
        if merged.conflicts.is_empty() && main.head != topic.head {
            main.apply(&merged.changes, Some(&topic.head)).await?;
        }
        let bytes =
            bundle::write(store.as_ref(), &model(), &main.project, bundle::Content::Shared { since: None }).await?;
        let copy = project_id("copy");
        let history = Bundle::parse(&bytes)?.history(store.as_ref(), &model(), &copy, false).await?;
        store.import(&copy, &history).await?;
        for (line, name) in [(&main, "main"), (&topic, "topic")] {
            let head = store.branch_head(&copy, &BranchName::new(name)?).await?.ok_or("the branch came along")?;
            let (ours, theirs) =
                (store.log(&line.project, &line.head, 999).await?, store.log(&copy, &head, 999).await?);
            ensure(ours.len() == theirs.len(), || format!("{} commits, not {}", theirs.len(), ours.len()))?;
            for (ours, theirs) in ours.iter().zip(&theirs) {
                let rows = store.read(&line.project, &ours.hash).await?;
                ensure_same(store.read(&copy, &theirs.hash).await?.as_ref(), &rows, "the rows of a commit")?;
            }
        }
        Ok(())
    })
}

/// Lines merged into each other both ways have two bases, which together are what both lines agree on, so that what
/// comes later merges without conflicts.
pub fn lines_merged_both_ways_merge_again<E: Engine>(engine: &E, count: u32) -> Held {
    with_store(engine, count, 3, async |store, case| {
        let mut main = Line::begin(store, case).await?;
        let (base, base_rows) = (main.head.clone(), main.rows.clone());
        let mut topic = main.branch("topic").await?;
        main.apply_all(&case.changes(0, &base_rows)).await?;
        topic.apply_all(&case.changes(1, &base_rows)).await?;
        let there = merge(&model(), &base_rows, &main.rows, &topic.rows, &[])?;
        let back = merge(&model(), &base_rows, &topic.rows, &main.rows, &[])?;
        let conflicts = there.conflicts.len() + back.conflicts.len();
        if conflicts > 0 || main.head == base || topic.head == base {
            return Ok(());
        }
        let mut expected = [main.head.clone(), topic.head.clone()];
        main.apply(&there.changes, Some(&expected[1])).await?;
        topic.apply(&back.changes, Some(&expected[0])).await?;
        expected.sort();
        let bases = graph::merge_bases(store.as_ref(), &main.project, &main.head, &topic.head).await?;
        ensure(bases == expected, || format!("{bases:?}, not {expected:?}"))?;
        let agreed =
            graph::merge_base_snapshot(store.as_ref(), &model(), &main.project, &main.head, &topic.head).await?;
        ensure_same(&agreed, &main.rows, "the base is what both lines agree on")?;
        topic.apply_all(&case.changes(2, &topic.rows)).await?;
        let again = merge(&model(), &agreed, &main.rows, &topic.rows, &[])?;
        ensure(again.conflicts.is_empty(), || format!("{:?}", again.conflicts))?;
        Ok(ensure_same(&main.rows.after(&again.changes), &topic.rows, "the later edits arrive")?)
    })
}

/// What two lines decided differently when they were merged both ways is asked again when they meet next: neither
/// decision is taken for their common past.
pub fn what_was_decided_both_ways_is_asked_again<E: Engine>(engine: &E, count: u32) -> Held {
    with_store(engine, count, 2, async |store, case| {
        let mut main = Line::begin(store, case).await?;
        let base = main.rows.clone();
        let mut topic = main.branch("topic").await?;
        main.apply_all(&case.changes(0, &base)).await?;
        topic.apply_all(&case.changes(1, &base)).await?;
        let mut disputed = merge(&model(), &base, &main.rows, &topic.rows, &[])?.conflicts;
        disputed.retain(|conflict| !matches!(conflict.kind, ConflictKind::Law(_)));
        if disputed.is_empty() {
            return Ok(());
        }
        let there = all_ours(&base, &main.rows, &topic.rows)?;
        let back = all_ours(&base, &topic.rows, &main.rows)?;
        let heads = [main.head.clone(), topic.head.clone()];
        main.apply(&there, Some(&heads[1])).await?;
        topic.apply(&back, Some(&heads[0])).await?;
        let agreed =
            graph::merge_base_snapshot(store.as_ref(), &model(), &main.project, &main.head, &topic.head).await?;
        let asked = merge(&model(), &agreed, &main.rows, &topic.rows, &[])?.conflicts;
        for Conflict { entity, key, .. } in disputed {
            let equal = match (main.rows.get(&entity, &key), topic.rows.get(&entity, &key)) {
                (Some(main), Some(topic)) => main.same_content(topic),
                (main, topic) => main.is_none() && topic.is_none(),
            };
            let again = asked.iter().any(|conflict| (&conflict.entity, &conflict.key) == (&entity, &key));
            ensure(equal || again, || format!("{entity} {key} is settled: {asked:?}"))?;
        }
        Ok(())
    })
}

/// Merges, picking our side in every conflict.
fn all_ours(base: &Snapshot, ours: &Snapshot, theirs: &Snapshot) -> Result<ChangeSet, Failure> {
    let mut resolutions = Vec::new();
    loop {
        let merge = merge(&model(), base, ours, theirs, &resolutions)?;
        if merge.conflicts.is_empty() {
            return Ok(merge.changes);
        }
        let open = merge.conflicts.into_iter();
        resolutions.extend(open.map(|conflict| Resolution::pick(conflict.entity, conflict.key, Side::Ours)));
    }
}

/// A branch of a project in a store, and the rows that it should have.
struct Line {
    store: Store,
    project: ProjectId,
    branch: BranchName,
    head: CommitHash,
    rows: Snapshot,
}

impl Line {
    async fn begin(store: &Store, case: &Case) -> Result<Self, Failure> {
        let base = case.base();
        let rows = base.tables().flat_map(|(entity, table)| {
            table.iter().map(move |(key, row)| ((entity.to_owned(), key.clone()), Some(Arc::clone(row))))
        });
        let changes = settle(&model(), &Snapshot::default(), rows.collect());
        let changes = changes.map_err(|violations| format!("{violations:?}"))?;
        let project = project_id("random");
        let commit = store.project_create(&project, &changes, &meta()).await?;
        Ok(Self { store: Store::clone(store), project, branch: BranchName::main(), head: commit.hash, rows: base })
    }

    async fn branch(&self, name: &str) -> Result<Self, Failure> {
        let branch = BranchName::new(name)?;
        self.store.branch_create(&self.project, &branch, &self.head).await?;
        let (store, project) = (Store::clone(&self.store), self.project.clone());
        Ok(Self { store, project, branch, head: self.head.clone(), rows: self.rows.clone() })
    }

    async fn apply_all(&mut self, all: &[ChangeSet]) -> Result<(), Failure> {
        for changes in all {
            self.apply(changes, None).await?;
        }
        Ok(())
    }

    async fn apply(&mut self, changes: &ChangeSet, merged: Option<&CommitHash>) -> Result<(), Failure> {
        let applied = self.store.apply(&self.project, &self.branch, &self.head, changes, merged, &meta()).await?;
        match applied {
            Applied::Commit(commit) => self.head = commit.hash,
            Applied::Nothing if changes.is_empty() && merged.is_none() => {}
            other => return Err(format!("{other:?}").into()),
        }
        self.rows = self.rows.after(changes);
        Ok(())
    }
}

fn meta() -> CommitMeta {
    CommitMeta::new(Signature::new("Random", "random@example.com"), "Random edits")
}

/// One `#[test]` per law of stores, for an [`Engine`] given as an expression, each tried on so many cases.
#[macro_export]
macro_rules! store_properties {
    ($engine:expr, $cases:expr) => {
        $crate::store_properties! { @each $engine, $cases;
            what_is_applied_is_read, a_merge_is_what_its_preview_said, a_bundle_carries_any_history, lines_merged_both_ways_merge_again,
            what_was_decided_both_ways_is_asked_again,
        }
    };
    (@each $engine:expr, $cases:expr; $($law:ident),+ $(,)?) => { $(
        #[test]
        fn $law() -> $crate::properties::Held {
            if !$crate::conformance::Engine::is_here(&$engine, stringify!($law)) {
                return Ok(());
            }
            $crate::properties::$law(&$engine, $cases)
        }
    )+ };
}
