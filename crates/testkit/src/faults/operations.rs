use understory_manage::replay::{BranchMove, History, Origin, Replayed};
use understory_manage::{
    Applied, BranchName, CommitHash, ConfigStore, ProjectId, Signature, StoreError, StoreResult, Tag,
};

use super::Scene;
use super::scene::by_tester;
use crate::conformance::Failure;
use crate::conformance::bench::tool_ids;

/// What is done to a scene while something fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operation {
    ProjectCreate,
    ProjectDelete,
    Apply,
    Merge,
    BranchCreate,
    BranchRename,
    BranchDelete,
    TagCreate,
    TagDelete,
    KeepDrop,
    Import,
    Migrate,
    ApplyToOld,
    Read,
    Log,
    Changes,
    Refs,
}

impl Operation {
    /// Whether the scene is made by an older program.
    pub fn needs_an_old_scene(self) -> bool {
        matches!(self, Self::Migrate | Self::ApplyToOld)
    }

    /// The project that it is about: another one where it makes one.
    pub(super) fn project(self, scene: &Scene) -> ProjectId {
        let mut project = scene.project.clone();
        if self == Self::ProjectCreate {
            project.uid.push_str("new");
        }
        project
    }

    /// Does it; what it answers, told without hashes.
    pub(super) async fn run(self, store: &dyn ConfigStore, scene: &Scene) -> StoreResult<String> {
        let (project, main) = (&self.project(scene), BranchName::main());
        let name = |name: &str| BranchName::new(name).map_err(|wrong| StoreError::Misfit(wrong.into()));
        let applied = |applied: Applied| match applied {
            Applied::Commit(commit) => format!("{} of {} parents", commit.meta.message, commit.parents.len()),
            Applied::HeadMoved(_) => "the head moved".into(),
            Applied::Nothing => "nothing".into(),
        };
        let meta = by_tester("Try");
        Ok(match self {
            Self::ProjectCreate => store.project_create(project, &scene.create, &meta).await?.meta.message,
            Self::ProjectDelete => told(store.project_delete(project).await?),
            Self::Apply | Self::ApplyToOld => {
                applied(store.apply(project, &main, &scene.main, &scene.add, None, &meta).await?)
            }
            Self::Merge => {
                applied(store.apply(project, &main, &scene.main, &scene.bring, Some(&scene.theirs), &meta).await?)
            }
            Self::BranchCreate => told(store.branch_create(project, &name("new")?, &scene.theirs).await?),
            Self::BranchRename => told(store.branch_rename(project, &scene.topic, &name("renamed")?).await?),
            Self::BranchDelete => told(store.branch_delete(project, &scene.topic, &scene.theirs).await?),
            Self::TagCreate => {
                let tag = tag("v2", &scene.theirs).map_err(|error| StoreError::Misfit(error.to_string()))?;
                told(store.tag_create(project, &tag).await?)
            }
            Self::TagDelete => told(store.tag_delete(project, &scene.tag).await?),
            Self::KeepDrop => told(store.keep_drop(project, &scene.theirs).await?),
            Self::Import => store.import(project, &history(store, scene).await?).await?.len().to_string(),
            Self::Migrate => store.migrate(project).await?.len().to_string(),
            Self::Read => format!("{:?}", tool_ids(&*store.read(project, &scene.theirs).await?)),
            Self::Log => format!("{:?}", store.log(project, &scene.theirs, 99).await?.len()),
            Self::Changes => format!("{:?}", store.changes(project, Some(&scene.main), &scene.theirs).await?.len()),
            Self::Refs => {
                let head = store.branch_head(project, &scene.topic).await?;
                let (branches, tags) = (store.branches(project).await?, store.tags(project).await?);
                format!("{} {} {} {}", head.is_some(), branches.len(), tags.len(), store.kept(project).await?.len())
            }
        })
    }
}

fn told(_: ()) -> String {
    "done".into()
}

/// A tag of a commit.
pub(super) fn tag(name: &str, hash: &CommitHash) -> Result<Tag, Failure> {
    Ok(Tag {
        name: BranchName::new(name)?,
        hash: hash.clone(),
        tagger: Signature::new("Tess Ter", "tess@example.com"),
        message: format!("Why {name}"),
        date: "2026-01-02T03:04:05Z".to_owned(),
    })
}

/// Two commits on main, the second a merge of topic; main moves there, and a branch, a tag and a kept head are made.
async fn history(store: &dyn ConfigStore, scene: &Scene) -> StoreResult<History> {
    let rows = store.read(&scene.project, &scene.main).await?.after(&scene.add);
    let commit = |parents, changes| Replayed {
        parents,
        meta: by_tester("Imported").on(&BranchName::main()),
        date: "2025-12-31T23:59:58.125Z".to_owned(),
        changes,
        rows: rows.clone(),
    };
    let new = BranchName::new("new").map_err(|wrong| StoreError::Misfit(wrong.into()))?;
    let tag = tag("v2", &scene.main).map_err(|error| StoreError::Misfit(error.to_string()))?;
    let (main, from) = (BranchName::main(), Some(scene.main.clone()));
    Ok(History {
        commits: vec![
            commit(vec![Origin::Known(scene.main.clone())], scene.add.clone()),
            commit(vec![Origin::New(0), Origin::Known(scene.theirs.clone())], Default::default()),
        ],
        branches: vec![
            BranchMove { name: main, from, to: Origin::New(1) },
            BranchMove { name: new, from: None, to: Origin::New(0) },
        ],
        tags: vec![(tag, Origin::New(0))],
        kept: vec![Origin::New(0)],
    })
}
