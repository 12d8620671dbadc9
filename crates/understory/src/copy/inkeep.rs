//! An installation of Inkeep's platform: the same tables, but branches, projects and runtime data in its own way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use understory_manage::doltgres::{Foreign, ForeignBranch};
use understory_manage::replay::Project;
use understory_manage::{BranchName, CommitHash, ProjectId, Tag};
use understory_model::id::derived_id;
use understory_model::{Entity, Model, Row, Timestamps};
use understory_runtime::{After, RowsOf, RuntimeStore};

use super::computed::{Tables, is_computed, with_computed};
use super::place::Servers;
use super::report::{CopyReport, LeftOut};
use super::source::BATCH;
use super::tables::{REGISTRY, TENANTS};
use super::{Setting, report::left_out};
use crate::{Error, Result};

/// The table that tells such a database of runtime data from others.
const REGISTRY_TABLE: &str = "project_metadata";
const NO_TABLE: &str = "Understory has no such table";
/// Rows that are read at a time where something of them is computed, which costs as much for one as for all.
const COMPUTED_BATCH: usize = 20 * BATCH;

/// An open installation. It is only read.
pub(super) struct Inkeep {
    manage: Foreign,
    runtime: RuntimeStore,
    /// Its tables of runtime data, and their columns.
    tables: Tables,
    projects: Vec<Known>,
    tags: Vec<Tag>,
    left_out: Vec<LeftOut>,
}

/// A project that comes along.
struct Known {
    id: ProjectId,
    created_at: String,
    branches: Vec<(BranchName, CommitHash)>,
}

impl Inkeep {
    /// Opens an installation; none if the databases are not of one.
    pub(super) async fn open(servers: &Servers, setting: &Setting) -> Result<Option<Self>> {
        let model = Arc::clone(&setting.model);
        let Some(manage) = Foreign::open(&servers.manage, setting.pool_size, model).await? else { return Ok(None) };
        let runtime = RuntimeStore::open_foreign(&servers.runtime, setting.pool_size, REGISTRY_TABLE).await?;
        let runtime = runtime.ok_or_else(|| {
            let Servers { manage, runtime } = servers;
            Error::BadRequest(format!("{runtime} has no table {REGISTRY_TABLE}: it does not belong to {manage}"))
        })?;
        let tables = runtime.tables().await?;
        let (tags, others) = manage.tags().await?;
        let left_out = left_out("tags", others as u64, "their names cannot be tags' here").into_iter().collect();
        let mut found = Self { manage, runtime, tables, projects: Vec::new(), tags, left_out };
        found.find_projects(&setting.model).await?;
        found.look_for_what_stays(&setting.model).await?;
        Ok(Some(found))
    }

    /// Finds the registered projects and their branches: `TENANT_PROJECT_BRANCH`, where each part may have a `_` itself.
    async fn find_projects(&mut self, model: &Model) -> Result<()> {
        let registry = model.runtime_entities().find(|entity| entity.name == REGISTRY);
        let registry = registry.ok_or_else(|| Error::BadRequest("the model has no registry of projects".into()))?;
        let registry = RowsOf::all(registry).having(self.tables.get(REGISTRY_TABLE).unwrap_or(&BTreeSet::new()));
        let (rows, _) = self.runtime.rows_page(&registry, None, usize::MAX).await?;
        let mut left: Vec<ForeignBranch> = self.manage.branches().await?;
        for row in rows {
            let text = |column: &str| row.text(column).unwrap_or_default().to_owned();
            let (tenant, id) = (text("tenant_id"), text("id"));
            let uid = derived_id([tenant.as_str(), id.as_str()]);
            let project = ProjectId { tenant, id, uid };
            let branches = self.branches_of(&project, &text("main_branch_name"), &mut left).await?;
            if branches.iter().any(|(name, _)| name.is_main()) {
                self.projects.push(Known { id: project, created_at: text("created_at"), branches });
            } else {
                self.leave_out(format!("project {project}"), 1, "its main branch has no row of it");
            }
        }
        for branch in left {
            self.leave_out(format!("branch {}", branch.name), 1, "it holds no registered project");
        }
        Ok(())
    }

    /// Takes the branches of a project out of those that are left: they are named so, and have the project's row.
    async fn branches_of(
        &mut self,
        project: &ProjectId,
        main: &str,
        left: &mut Vec<ForeignBranch>,
    ) -> Result<Vec<(BranchName, CommitHash)>> {
        let prefix = format!("{}_{}_", project.tenant, project.id);
        let mut found = Vec::new();
        for branch in std::mem::take(left) {
            let short = if branch.name == main { Some(BranchName::MAIN) } else { branch.name.strip_prefix(&prefix) };
            let name = short.and_then(|short| BranchName::new(short).ok());
            let Some(name) = name.filter(|name| !found.iter().any(|(known, _)| known == name)) else {
                left.push(branch);
                continue;
            };
            if !self.manage.has_project(project, &branch.head).await? {
                left.push(branch);
                continue;
            }
            if branch.dirty {
                self.leave_out(format!("changes on branch {}", branch.name), 1, "nobody committed them");
            }
            found.push((name, branch.head));
        }
        Ok(found)
    }

    /// Notes tables and columns that the model does not have.
    async fn look_for_what_stays(&mut self, model: &Model) -> Result<()> {
        for table in self.tables.keys().cloned().collect::<Vec<_>>() {
            let entity = model.runtime_entities().find(|entity| entity.table == table);
            let why = match entity {
                None => NO_TABLE.to_owned(),
                Some(entity) => match self.missing(entity) {
                    Some(column) => format!("it lacks column {column}, which Understory's table needs"),
                    None => continue,
                },
            };
            let count = self.runtime.table_count(&table).await?;
            self.leave_out(format!("rows of {table}"), count, &why);
        }
        for project in &self.projects {
            let Some((_, head)) = project.branches.iter().find(|(name, _)| name.is_main()) else { continue };
            for (column, count) in self.manage.unknown_columns(&project.id, head).await? {
                let what = format!("{}: values of {column}", project.id);
                self.left_out.extend(left_out(what, count, "Understory has no such column"));
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, what: String, count: u64, why: &str) {
        self.left_out.extend(left_out(what, count, why));
    }

    /// A column that rows must have, and that theirs lack.
    fn missing<'a>(&self, entity: &'a Entity) -> Option<&'a str> {
        let theirs = self.tables.get(&entity.table)?;
        let made = |name: &str| {
            (entity.name == REGISTRY && name == "uid")
                || (entity.timestamps == Timestamps::Both && name == "updated_at")
        };
        let needed = entity.columns.iter().filter(|column| !column.optional && column.default.is_none());
        needed
            .map(|column| column.name.as_str())
            .find(|name| !theirs.contains(*name) && !made(name) && !is_computed(entity, name, &self.tables))
    }

    pub(super) fn projects(&self) -> Vec<ProjectId> {
        self.projects.iter().map(|project| project.id.clone()).collect()
    }

    /// A project's history, and what of it is not as it was.
    pub(super) async fn read(&self, project: &ProjectId) -> Result<(Project, Vec<LeftOut>)> {
        let known = self.projects.iter().find(|known| known.id == *project);
        let known = known.ok_or_else(|| Error::not_found("Project", project.to_string()))?;
        let read = self.manage.read(project, &known.branches, &self.tags).await?;
        let amended = read.amended.into_iter();
        let amended = amended.filter_map(|amended| left_out(format!("{project}: {}", amended.row), 1, amended.why));
        Ok((read.found, amended.collect()))
    }

    /// Notes all that does not come along.
    pub(super) fn tell(&self, report: &mut CopyReport) {
        report.left_out.extend(self.left_out.iter().cloned());
    }

    pub(super) async fn count(&self, rows: &RowsOf) -> Result<u64> {
        match rows.entity().name.as_str() {
            REGISTRY | TENANTS => Ok(self.made_rows(rows).len() as u64),
            _ => match self.present(rows) {
                Some(rows) => Ok(self.runtime.rows_count(&rows).await?),
                None => Ok(0),
            },
        }
    }

    pub(super) async fn page(&self, rows: &RowsOf, after: Option<&After>) -> Result<(Vec<Row>, Option<After>)> {
        if matches!(rows.entity().name.as_str(), REGISTRY | TENANTS) {
            return Ok((self.made_rows(rows), None));
        }
        let Some(present) = self.present(rows) else { return Ok((Vec::new(), None)) };
        let limit = if present.is_computed() { COMPUTED_BATCH } else { BATCH };
        let (mut page, end) = self.runtime.rows_page(&present, after, limit).await?;
        for row in &mut page {
            if rows.entity().timestamps == Timestamps::Both && row.get("updated_at").is_null() {
                row.set("updated_at", row.get("created_at").clone());
            }
        }
        Ok((page, end))
    }

    /// Rows of a table that theirs have all that is needed for.
    fn present(&self, rows: &RowsOf) -> Option<RowsOf> {
        let columns = self.tables.get(&rows.entity().table)?;
        self.missing(rows.entity()).is_none().then(|| with_computed(rows.clone().having(columns), &self.tables))
    }

    /// The rows of the registry and of the tenants, made of the projects that come along.
    fn made_rows(&self, rows: &RowsOf) -> Vec<Row> {
        let mut made = BTreeMap::new();
        for Known { id, created_at, .. } in &self.projects {
            let row = Row::new().with("tenant_id", id.tenant.as_str()).with("created_at", created_at.as_str());
            let (key, row) = match rows.entity().name.as_str() {
                TENANTS => (vec![&id.tenant], row),
                _ => {
                    let main = format!("{}_{}_{}", id.tenant, id.id, BranchName::MAIN);
                    let row = row.with("id", id.id.as_str()).with("uid", id.uid.as_str());
                    (
                        vec![&id.tenant, &id.id],
                        row.with("main_branch_name", main).with("updated_at", created_at.as_str()),
                    )
                }
            };
            // A tenant is as old as its first project.
            let older = |known: &Row| known.text("created_at") <= Some(created_at.as_str());
            if rows.admits(&row) && !made.get(&key).is_some_and(older) {
                made.insert(key, row);
            }
        }
        made.into_values().collect()
    }
}
