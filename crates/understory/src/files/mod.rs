//! A project as a tree of files: one for each agent, tool and the like, prompts beside them as text.
//!
//! [`write()`] and [`read()`] are pure and follow from the model alone, entities of users included; `docs/FILES.md`
//! says how files look. What is written reads back as the same rows, timestamps aside, and those are written as the
//! same files. The ids of tenant and project are in no file, so that a tree can become another project.

mod json;
mod layout;
mod place;
mod read;
mod segment;
mod sources;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use understory_auth::{Permission, Principal, Target};
use understory_manage::{Draft, ResolvedRef, Snapshot};
use understory_model::Model;

pub use read::read;
pub use tree::Tree;
pub use write::write;

use crate::access::authorize;
use crate::changes::{Changes, changes};
use crate::error::violations;
use crate::{Error, Project, Result, Understory, WriteOptions, Written};

/// Texts by path, `/` between directories.
pub type Files = BTreeMap<String, String>;

impl Project {
    /// The project at a ref as files.
    pub async fn files(&self, reference: &str) -> Result<(Files, ResolvedRef)> {
        let view = self.view(reference).await?;
        let files = write(self.model(), &view.snapshot)?;
        if files.is_empty() {
            return Err(Error::not_found("Project", &self.id().id));
        }
        Ok((files, view.resolved))
    }

    /// Makes a branch say what files say, in one commit; what that changed.
    pub async fn files_put(&self, files: &Files, options: &WriteOptions) -> Result<Written<Changes>> {
        let tree = self.tree(files)?;
        let message = || format!("Import project {} from files", self.id().id);
        let current = |rows: &Snapshot| write(self.model(), rows).ok().map(|files| json!({ "data": files }));
        let written = self.write(options, message, current, |draft| import(&tree, draft)).await?;
        let changed = match &written.commit {
            Some(commit) => self.show(commit.hash.as_str()).await?.1,
            None => Changes::new(),
        };
        Ok(written.with(changed))
    }

    /// What putting files to a ref would change. Nothing is written.
    pub async fn files_plan(&self, files: &Files, reference: &str) -> Result<(Changes, ResolvedRef)> {
        let view = self.view(reference).await?;
        Ok((plan(self.model(), &self.tree(files)?, view.snapshot)?, view.resolved))
    }

    fn tree(&self, files: &Files) -> Result<Tree> {
        read(self.model(), &self.id().tenant, &self.id().id, files).map_err(Error::Invalid)
    }
}

fn import(tree: &Tree, draft: &mut Draft) -> Result<()> {
    tree.check(draft)?;
    tree.apply(draft)
}

fn plan(model: &Arc<Model>, tree: &Tree, base: Arc<Snapshot>) -> Result<Changes> {
    let mut draft = Draft::new(Arc::clone(model), base);
    import(tree, &mut draft)?;
    let planned = draft.finish().map_err(|broken| violations(model, &broken))?;
    Ok(changes(model, planned.iter()))
}

impl Understory {
    /// What a project that is not there would be made of.
    pub fn project_files_plan(&self, tenant: &str, id: &str, files: &Files) -> Result<Changes> {
        let tree = read(self.model(), tenant, id, files).map_err(Error::Invalid)?;
        plan(self.model(), &tree, Arc::default())
    }

    /// Creates a project from files.
    pub async fn project_files_create(
        &self,
        principal: &Principal,
        tenant: &str,
        id: &str,
        files: &Files,
        options: WriteOptions,
    ) -> Result<Written<Project>> {
        authorize(principal, Permission::Edit, &Target::Tenant(tenant))?;
        let tree = read(self.model(), tenant, id, files).map_err(Error::Invalid)?;
        self.create(principal, tenant, id, options, |draft| import(&tree, draft).map(|()| Vec::new())).await
    }
}
