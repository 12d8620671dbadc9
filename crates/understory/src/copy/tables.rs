//! Runtime data, table by table.

use std::collections::BTreeSet;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use understory_manage::ProjectId;
use understory_model::{Entity, Model, Row, Scope, Value};
use understory_runtime::{After, RowsOf, RuntimeStore};

use super::Setting;
use super::marker::MARKER;
use super::place::Stores;
use super::report::{CopyProgress, CopyReport, TableCopied};
use super::served::REPLICA;
use super::source::{BATCH, Source};
use crate::{Error, Result};

/// Written with the projects: what commits were called before changes with every copy.
const ALIASES: &str = "commit_alias";
/// The registry of projects, whose ids it has in a column of another name.
pub(super) const REGISTRY: &str = "project_metadata";
pub(super) const TENANTS: &str = "tenant";
const SETTINGS: &str = "setting";

/// The projects that are copied, and whether those are all.
pub(super) struct Selection {
    projects: Vec<ProjectId>,
    all: bool,
}

impl Selection {
    /// The projects of these tenants and ids; all if none is named.
    pub(super) async fn of(from: &Source, wanted: &[(String, String)]) -> Result<Self> {
        let mut projects = from.projects().await?;
        let names = |project: &ProjectId| (project.tenant.clone(), project.id.clone());
        if let Some((tenant, id)) = wanted.iter().find(|name| !projects.iter().any(|project| names(project) == **name))
        {
            return Err(Error::not_found("Project", format!("{tenant}/{id}")));
        }
        projects.retain(|project| wanted.is_empty() || wanted.contains(&names(project)));
        Ok(Self { projects, all: wanted.is_empty() })
    }

    pub(super) fn projects(&self) -> &[ProjectId] {
        &self.projects
    }

    /// The rows of an entity that are copied: all, or those of the tenants and projects. None where it has nothing to do
    /// with either.
    fn rows(&self, entity: &Arc<Entity>) -> Vec<RowsOf> {
        let [tenant, project] = Scope::Project.columns() else { return Vec::new() };
        let has = |column: &str| entity.column(column).is_some();
        let rows = RowsOf::all(entity);
        let project = if entity.name == REGISTRY { &"id" } else { project };
        if self.all {
            return vec![rows];
        }
        if has(tenant) && has(project) {
            let own = |id: &ProjectId| rows.clone().with(tenant, &id.tenant).with(project, &id.id);
            return self.projects.iter().map(own).collect();
        }
        let tenants: BTreeSet<&String> = self.projects.iter().map(|id| &id.tenant).collect();
        tenants.into_iter().filter(|_| has(tenant)).map(|id| rows.clone().with(tenant, id)).collect()
    }
}

/// Notes what would come along.
pub(super) async fn list(
    from: &Source,
    selection: &Selection,
    setting: &Setting,
    report: &mut CopyReport,
) -> Result<()> {
    for (entity, ranges) in ranges(from, selection, setting, report).await? {
        let mut rows = 0;
        for range in ranges {
            rows += from.count(&range).await?;
        }
        report.tables.push(TableCopied { table: entity.table.clone(), rows, checksum: None });
    }
    Ok(())
}

/// Copies one table after the other.
pub(super) async fn copy(
    from: &Source,
    to: &Stores,
    selection: &Selection,
    setting: &Setting,
    report: &mut CopyReport,
    progress: &(dyn Fn(CopyProgress<'_>) + Sync),
) -> Result<()> {
    for (entity, ranges) in ranges(from, selection, setting, report).await? {
        let (mut done, mut total) = (0, 0);
        for range in &ranges {
            total += from.count(range).await?;
        }
        let (mut ours, mut theirs) = (Checksum::default(), Checksum::default());
        for range in &ranges {
            let mut after = None;
            loop {
                let (rows, end) = from.page(range, after.as_ref()).await?;
                done += rows.len() as u64;
                for row in &rows {
                    ours.add(row);
                }
                to.runtime.rows_add(range, &rows).await?;
                progress(CopyProgress::Rows { table: &entity.table, done, total });
                after = end;
                if after.is_none() {
                    break;
                }
            }
            theirs.add_all(&to.runtime, range).await?;
        }
        let table = &entity.table;
        if ours != theirs {
            let (ours, theirs) = (ours.rows, theirs.rows);
            let detail = format!("table {table} is not the same in the place to copy to: {theirs} rows, not {ours}");
            return Err(Error::Conflict(format!("{detail}, or other ones")));
        }
        report.tables.push(TableCopied { table: table.clone(), rows: ours.rows, checksum: Some(ours.text()) });
    }
    Ok(())
}

/// Whether a store has any row at all, but those of running processes: this one has its own.
pub(super) async fn has_rows(runtime: &RuntimeStore, model: &Model) -> Result<bool> {
    for entity in model.runtime_entities().filter(|entity| entity.name != REPLICA) {
        if !runtime.rows_page(&RowsOf::all(entity), None, 1).await?.0.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The tables that are copied, with their rows; the others are noted.
async fn ranges(
    from: &Source,
    selection: &Selection,
    setting: &Setting,
    report: &mut CopyReport,
) -> Result<Vec<(Arc<Entity>, Vec<RowsOf>)>> {
    let mut tables = Vec::new();
    for entity in setting.model.runtime_entities().filter(|entity| entity.name != ALIASES) {
        let ranges = selection.rows(entity);
        let why = match entity.name.as_str() {
            REPLICA => "they are of running processes",
            _ if ranges.is_empty() && !selection.all => "they belong to no project",
            _ => {
                tables.push((Arc::clone(entity), ranges));
                continue;
            }
        };
        report.leave_out(format!("rows of {}", entity.table), from.count(&RowsOf::all(entity)).await?, why);
    }
    Ok(tables)
}

/// While a copy is not whole it says so of itself.
fn is_copied(entity: &Entity, row: &Row) -> bool {
    entity.name != SETTINGS || row.text("name") != Some(MARKER)
}

/// A checksum over rows that does not depend on their order, as engines sort texts each in its own way.
#[derive(Debug, Default, PartialEq, Eq)]
struct Checksum {
    rows: u64,
    sum: [u8; 32],
}

impl Checksum {
    fn add(&mut self, row: &Row) {
        let columns = row.iter().map(|(column, value)| (column.to_owned(), value.clone()));
        let mut canonical = Value::Object(columns.collect());
        canonical.sort_all_objects();
        let digest = Sha256::digest(canonical.to_string());
        for (sum, byte) in self.sum.iter_mut().zip(digest) {
            *sum ^= byte;
        }
        self.rows += 1;
    }

    async fn add_all(&mut self, runtime: &RuntimeStore, range: &RowsOf) -> Result<()> {
        let mut after: Option<After> = None;
        loop {
            let (rows, end) = runtime.rows_page(range, after.as_ref(), BATCH).await?;
            for row in rows.iter().filter(|row| is_copied(range.entity(), row)) {
                self.add(row);
            }
            after = end;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn text(&self) -> String {
        HEXLOWER.encode(&self.sum)
    }
}
