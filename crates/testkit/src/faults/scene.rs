use understory_manage::{
    Applied, BranchName, ChangeSet, CommitHash, ConfigStore, ProjectId, Snapshot, StoreResult, WHOLE_LOG,
};

use crate::conformance::bench::{changes, committed, meta, tool_ids};
use crate::conformance::{Bench, Failure, Store};
use crate::samples::{project_id, put_rich_project, put_tool};

/// A project with two branches that went their own ways, a third one and a tag.
#[derive(Clone, Debug)]
pub struct Scene {
    pub(super) project: ProjectId,
    pub(super) topic: BranchName,
    pub(super) tag: BranchName,
    /// Heads.
    pub(super) main: CommitHash,
    pub(super) theirs: CommitHash,
    /// The first rows of a project.
    pub(super) create: ChangeSet,
    /// Adds a tool to main.
    pub(super) add: ChangeSet,
    /// Brings the tool of topic to main.
    pub(super) bring: ChangeSet,
}

/// What a project has, told without hashes, which no two projects share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Name, messages of the log, tools, and whether migrations lack.
    branches: Vec<(BranchName, Vec<String>, Vec<String>, bool)>,
    /// Name and message.
    tags: Vec<(BranchName, String)>,
    kept: usize,
}

impl State {
    /// The same, whether branches were migrated or not.
    pub(super) fn without_migrations(mut self) -> Self {
        for (_, messages, _, behind) in &mut self.branches {
            messages.retain(|message| !message.starts_with("Migrate to "));
            *behind = false;
        }
        self
    }
}

impl Scene {
    /// Makes the project.
    pub async fn make(store: &Store) -> Result<Self, Failure> {
        let (bench, first) = Bench::with(store, project_id("f"), put_rich_project).await?;
        let main = BranchName::main();
        let topic = bench.branch("topic", &main).await?;
        bench.branch("idle", &main).await?;
        let theirs = bench.put_tool(&topic, "theirs").await?.hash;
        let ours = bench.put_tool(&main, "ours").await?.hash;
        let tag = super::operations::tag("v1", &first.hash)?;
        store.tag_create(&bench.project, &tag).await?;
        let rows = bench.rows(&main).await?;
        Ok(Self {
            create: changes(&Snapshot::default(), put_rich_project)?,
            add: changes(&rows, |draft| put_tool(draft, "added", "Added").map(drop))?,
            bring: changes(&rows, |draft| put_tool(draft, "theirs", "theirs").map(drop))?,
            project: bench.project,
            topic,
            tag: tag.name,
            main: ours,
            theirs,
        })
    }

    /// What the project has; none if it is not there.
    pub async fn state(store: &dyn ConfigStore, project: &ProjectId) -> StoreResult<Option<State>> {
        if !store.project_exists(project).await? {
            return Ok(None);
        }
        let mut branches = Vec::new();
        for branch in store.branches(project).await? {
            let log = store.log(project, &branch.head, WHOLE_LOG).await?;
            let messages = log.into_iter().map(|commit| commit.meta.message).collect();
            let tools = tool_ids(&*store.read(project, &branch.head).await?);
            let behind = store.needs_migration(project, &branch.name).await?;
            branches.push((branch.name, messages, tools, behind));
        }
        let tags = store.tags(project).await?.into_iter().map(|tag| (tag.name, tag.message)).collect();
        Ok(Some(State { branches, tags, kept: store.kept(project).await?.len() }))
    }

    /// Puts a tool on main, wherever that is by now; it may be there from the last time.
    pub(super) async fn go_on(&self, store: &Store, project: &ProjectId) -> Result<(), Failure> {
        let bench = Bench { store: Store::clone(store), project: project.clone() };
        let main = BranchName::main();
        match bench.try_edit(&main, "Go on", |draft| put_tool(draft, "more", "More").map(drop)).await? {
            Applied::Nothing => Ok(()),
            applied => committed(applied).map(drop),
        }
    }
}

pub(super) fn by_tester(message: &str) -> understory_manage::CommitMeta {
    meta(message)
}
