//! Migrations: reviewed SQL that brings a store from one shape to the next, in order, once each.
//!
//! A migration is a directory `migrations/{manage,runtime}/NNNN_name` with `sqlite.sql`, `postgres.sql` and
//! `schema.json`, the shape after it. Released ones are listed with their checksums and never change.

pub mod generate;
mod ledger;
mod load;

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use understory_model::SchemaShape;

use crate::Dialect;

pub use ledger::{
    LEDGER_CREATE, LEDGER_ENTER, LEDGER_READ, LEDGER_TABLE, LedgerEntry, LedgerError, MigrateError, apply, ledger,
    ledger_ensure, migrate_in_txn,
};
pub use load::MigrationError;

/// Which of the two stores a migration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Store {
    /// Versioned configuration.
    Manage,
    /// Transactional data.
    Runtime,
}

/// What becomes of a database on a server whose schema is older than the program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// It is brought to the newest schema.
    Run,
    /// It is left as it is, and not used.
    Refuse,
}

impl Store {
    /// Both stores.
    pub const ALL: [Self; 2] = [Self::Manage, Self::Runtime];

    /// The name of its directory.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manage => "manage",
            Self::Runtime => "runtime",
        }
    }
}

/// One migration.
#[derive(Debug)]
pub struct Migration {
    /// Its name in the ledger: the directory's, `0001_init`; one of a user's model has `ext/` before it.
    pub name: String,
    /// The store it is for.
    pub store: Store,
    /// SHA-256 over its files, in hex.
    pub checksum: String,
    /// Checksums that it had before, in which it was the same to the engines that could run it.
    pub former: Vec<String>,
    /// The shape after it; of a user's model, the shape of its own tables.
    pub shape: SchemaShape,
    sqlite: String,
    postgres: String,
}

impl Migration {
    /// Its statements in order, without `;`.
    pub fn statements(&self, dialect: Dialect) -> impl Iterator<Item = &str> {
        let sql = match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgres => &self.postgres,
        };
        statements(sql)
    }
}

/// All migrations of a program: the built-in ones, then those of the user's model.
#[derive(Clone, Debug, Default)]
pub struct Migrations {
    manage: Vec<Arc<Migration>>,
    runtime: Vec<Arc<Migration>>,
}

impl Migrations {
    /// The migrations built into the program.
    pub fn embedded() -> Result<Self, MigrationError> {
        Self::default().with(&load::embedded(), "")
    }

    /// Adds those of a user's model directory, from its `migrations`, if it has any.
    pub fn with_dir(self, model_dir: &Path) -> Result<Self, MigrationError> {
        self.with(&load::Files::read(&model_dir.join("migrations"))?, "ext/")
    }

    /// One migration per store that makes these shapes, for tests of models that have no directory.
    pub fn of_shapes(manage: &SchemaShape, runtime: &SchemaShape) -> Result<Self, generate::GenerateError> {
        let make = |store, shape| generate::migration(store, "0001_init", &SchemaShape::default(), shape);
        Ok(Self {
            manage: vec![Arc::new(make(Store::Manage, manage)?)],
            runtime: vec![Arc::new(make(Store::Runtime, runtime)?)],
        })
    }

    fn with(mut self, files: &load::Files, prefix: &str) -> Result<Self, MigrationError> {
        for store in Store::ALL {
            let loaded = files.migrations(store, prefix)?;
            self.list(store).extend(loaded.into_iter().map(Arc::new));
        }
        Ok(self)
    }

    fn list(&mut self, store: Store) -> &mut Vec<Arc<Migration>> {
        match store {
            Store::Manage => &mut self.manage,
            Store::Runtime => &mut self.runtime,
        }
    }

    /// The migrations of a store, in the order in which they run.
    pub fn of(&self, store: Store) -> &[Arc<Migration>] {
        match store {
            Store::Manage => &self.manage,
            Store::Runtime => &self.runtime,
        }
    }

    /// The shape of a store after all migrations.
    pub fn shape(&self, store: Store) -> SchemaShape {
        let mut shape = SchemaShape::default();
        for migration in self.of(store) {
            shape.tables.extend(migration.shape.tables.clone());
        }
        shape
    }

    /// The same program without the migrations after this one: what an older program had.
    pub fn up_to(&self, store: Store, name: &str) -> Self {
        let mut older = self.clone();
        let list = older.list(store);
        if let Some(last) = list.iter().position(|migration| migration.name == name) {
            list.truncate(last + 1);
        }
        older
    }

    /// One checksum over all migrations of a store.
    pub fn fingerprint(&self, store: Store) -> String {
        checksum(self.of(store).iter().flat_map(|migration| [migration.name.as_str(), &migration.checksum]))
    }
}

/// SHA-256 over parts, each ended so that no two lists of parts read alike.
fn checksum<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Splits SQL at each `;` that ends a line; lines that begin with `--` are comments.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    let statements = sql.split_inclusive(";\n").map(without_leading_comments);
    statements.map(|statement| statement.trim_end().trim_end_matches(';')).filter(|statement| !statement.is_empty())
}

fn without_leading_comments(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, after)| after.trim_start());
    }
    rest
}

#[cfg(test)]
mod tests;
