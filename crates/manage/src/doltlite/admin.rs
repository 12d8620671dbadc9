//! Space, backups and restores.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use understory_sql::{Database, Engine, Open, SqlValue};

use super::files::{NewFile, publish};
use super::write::is_dirty;
use super::{At, DoltLite, Inner, history};
use crate::engine::errors::{failed, unexpected};
use crate::{BranchName, ProjectId, StoreError, StoreResult};

/// A file this small is not worth collecting.
pub(super) const SMALL: u64 = 1 << 20;
/// How much a file may grow before it is collected.
const GROWTH: u64 = 4;

const EXISTING: Open = Open { engine: Engine::DoltLite, create: false, read_only: false };

impl Inner {
    pub(super) fn size(&self, at: &At) -> StoreResult<u64> {
        match fs::metadata(&at.project.file) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(at.unknown()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a project's file has grown enough to be collected.
    pub(super) fn wants_gc(&self, at: &At) -> bool {
        let Ok(size) = self.size(at) else { return false };
        let known = at.project.collected.compare_exchange(0, size, Ordering::Relaxed, Ordering::Relaxed);
        known.is_err_and(|collected| size > SMALL && size > GROWTH * collected)
    }

    pub(super) fn gc(&self, at: &At) -> StoreResult<()> {
        self.on_refs(at, |db| Ok(db.query("select dolt_gc()", &[]).map(drop)?))?;
        at.project.collected.store(self.size(at)?, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn dirty(&self, at: &At) -> StoreResult<Vec<BranchName>> {
        let mut dirty = Vec::new();
        for branch in self.on_refs(at, history::branches)? {
            if self.on_branch(at, &branch.name, is_dirty)? {
                dirty.push(branch.name);
            }
        }
        Ok(dirty)
    }

    pub(super) fn backup(&self, at: &At, to: &Path) -> StoreResult<()> {
        if to.exists() {
            return Err(failed(format!("{} exists already", to.display())));
        }
        let new = NewFile::beside(to)?;
        let path = new.path.to_str().ok_or_else(|| failed(format!("{} is no UTF-8 path", to.display())))?;
        self.on_refs(at, |db| Ok(db.execute("vacuum into ?", &[SqlValue::from(path)]).map(drop)?))?;
        publish(&new.path, to, self.files.synced())
    }

    pub(super) fn restore(&self, at: &At, from: &Path) -> StoreResult<()> {
        let new = self.files.new_file();
        fs::copy(from, &new.path)?;
        check_copy(&new.path)?;
        self.files.publish(&new, &at.project.file)?;
        self.renew(at);
        Ok(())
    }
}

/// A copy that is to become a project's data must be whole.
fn check_copy(path: &Path) -> StoreResult<()> {
    let database = Database::open(path, EXISTING)?;
    let row = database.query_row("pragma integrity_check", &[])?;
    let answer = row.as_ref().and_then(|row| row.first()).and_then(SqlValue::text).unwrap_or_default();
    if answer != "ok" {
        return Err(unexpected(format!("the copy is damaged: {answer}")));
    }
    if history::branch_head(&database, &BranchName::main())?.is_none() {
        return Err(unexpected("the copy has no main branch"));
    }
    Ok(database.close()?)
}

impl DoltLite {
    /// Collects a project's file after a write, if it has grown enough. Nobody waits for it.
    pub(super) fn collect_later(&self, project: ProjectId) {
        let store = self.clone();
        tokio::spawn(async move {
            match store.run_alone(&project, |inner, at| inner.gc(at)).await {
                Ok(()) | Err(StoreError::UnknownProject(_)) => {}
                Err(error) => tracing::warn!(%project, %error, "the project's file was not collected"),
            }
        });
    }
}
