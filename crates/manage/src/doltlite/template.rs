//! The file that every new project begins as.

use std::path::Path;

use understory_sql::migration::{self, ledger};
use understory_sql::{Database, Engine, Open, Store};

use super::Inner;
use super::files::NewFile;
use super::import::collect_new;
use crate::engine::commit::{NewCommit, root_meta};
use crate::{ChangeSet, Commit, CommitMeta, StoreError, StoreResult};

const NEW: Open = Open { engine: Engine::DoltLite, create: true, read_only: false };
const EXISTING: Open = Open { create: false, ..NEW };

impl Inner {
    /// The bytes of a file with all tables, one commit and nothing else; made once per process.
    pub(super) fn template(&self) -> StoreResult<&[u8]> {
        if let Some(bytes) = self.template.get() {
            return Ok(bytes);
        }
        let new = self.files.new_file();
        let database = Database::open(&new.path, NEW)?;
        database.transaction(|db| -> StoreResult<()> {
            for migration in self.migrations.pending(Store::Manage, &ledger(db)?)? {
                migration::apply(db, migration, &understory_model::now())?;
            }
            // The engine's own first commit becomes ours: a project has one root, and it holds the schema.
            NewCommit::new(&root_meta()).make(db, &["--amend"], None).map(drop)
        })?;
        database.query("select dolt_gc()", &[])?;
        database.close()?;
        let bytes = std::fs::read(&new.path)?;
        Ok(self.template.get_or_init(|| bytes))
    }

    /// Makes a project's file: whole, or not at all.
    pub(super) fn create(&self, file: &Path, changes: &ChangeSet, meta: &CommitMeta) -> StoreResult<Commit> {
        let new = self.files.new_file();
        new.write(self.template()?)?;
        let commit = self.first_commit(&new, changes, meta)?;
        collect_new(&new.path)?;
        self.files.publish(&new, file)?;
        Ok(commit)
    }

    fn first_commit(&self, new: &NewFile, changes: &ChangeSet, meta: &CommitMeta) -> StoreResult<Commit> {
        let database = Database::open(&new.path, EXISTING)?;
        self.unsync(&database)?;
        let root = super::history::branch_head(&database, &crate::BranchName::main())?;
        let root = root.ok_or_else(|| crate::engine::errors::unexpected("the template has no main"))?;
        let commit = NewCommit::new(meta);
        let hash = database.transaction(|db| -> Result<_, StoreError> {
            self.tables.write(db, changes)?;
            commit.make(db, &["--allow-empty"], None)
        })?;
        database.close()?;
        Ok(commit.done(hash, vec![root]))
    }
}
