//! What the tests of the adapter share.

#![allow(dead_code, clippy::unwrap_used, reason = "each test program uses its part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use understory_manage::doltlite::DoltLite;
use understory_manage::{
    Applied, BranchName, ChangeSet, Commit, CommitHash, CommitMeta, ConfigStore as _, Draft, ProjectId, Signature,
    Snapshot,
};
use understory_model::{Entity, Model, Row};
use understory_sql::Migrations;

/// A directory, a model and its migrations.
#[derive(Clone)]
pub struct Fixture {
    dir: Arc<TempDir>,
    pub model: Arc<Model>,
    pub migrations: Arc<Migrations>,
}

impl Fixture {
    pub fn new() -> Self {
        Self::with(Model::built_in().unwrap(), Migrations::embedded().unwrap())
    }

    pub fn with(model: Model, migrations: Migrations) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self { dir, model: Arc::new(model), migrations: Arc::new(migrations) }
    }

    /// The same directory under another model.
    pub fn becomes(&self, model: Model, migrations: Migrations) -> Self {
        Self { dir: Arc::clone(&self.dir), model: Arc::new(model), migrations: Arc::new(migrations) }
    }

    pub fn directory(&self) -> &Path {
        self.dir.path()
    }

    pub fn file(&self, uid: &str) -> PathBuf {
        self.dir.path().join(format!("{uid}.db"))
    }

    /// The store as another process would open it: with nothing in memory.
    pub fn store(&self) -> DoltLite {
        DoltLite::open(self.dir.path(), Arc::clone(&self.model), Arc::clone(&self.migrations)).unwrap()
    }

    pub fn entity(&self, name: &str) -> &Entity {
        self.model.entity(name).unwrap()
    }

    pub fn draft(&self, base: Arc<Snapshot>) -> Draft {
        Draft::new(Arc::clone(&self.model), base)
    }

    pub fn meta(&self, message: &str) -> CommitMeta {
        CommitMeta::new(Signature::new("Ada L.", "ada@example.org"), message)
    }

    /// A draft of a project with one tool.
    pub fn seed(&self) -> Draft {
        let mut draft = self.draft(Arc::default());
        let project = Row::new().with("tenant_id", "acme").with("id", "demo").with("name", "Demo");
        draft.put(self.entity("project"), project);
        draft.put(self.entity("tool"), tool("weather", "Weather"));
        draft
    }

    pub async fn create(&self, store: &DoltLite, uid: &str) -> (ProjectId, CommitHash) {
        let id = project(uid);
        let changes = self.seed().finish().unwrap();
        let commit = store.project_create(&id, &changes, &self.meta("Create project")).await.unwrap();
        (id, commit.hash)
    }

    /// Commits a draft on main.
    pub async fn apply(&self, store: &DoltLite, id: &ProjectId, head: &CommitHash, draft: Draft) -> CommitHash {
        self.apply_on(store, id, &BranchName::main(), head, &draft.finish().unwrap(), None).await.hash
    }

    pub async fn apply_on(
        &self,
        store: &DoltLite,
        id: &ProjectId,
        branch: &BranchName,
        head: &CommitHash,
        changes: &ChangeSet,
        merge: Option<&CommitHash>,
    ) -> Commit {
        let meta = self.meta("-m Update something\n\nand say why");
        match store.apply(id, branch, head, changes, merge, &meta).await.unwrap() {
            Applied::Commit(commit) => commit,
            other => panic!("{other:?}"),
        }
    }
}

pub fn project(uid: &str) -> ProjectId {
    ProjectId { tenant: "acme".into(), id: "demo".into(), uid: uid.into() }
}

pub fn tool(id: &str, name: &str) -> Row {
    let config = serde_json::json!({"type": "mcp", "mcp": {"server": {"url": "https://x.org"}}, "a": [1, 1.5, null]});
    let row = Row::new().with("tenant_id", "acme").with("project_id", "demo").with("id", id);
    row.with("name", name).with("config", config)
}
