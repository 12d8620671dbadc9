use super::{Migration, Migrations, Store};
use crate::{Database, Dialect, SqlError, SqlRef, SqlValue};

/// The table that says which migrations a store, or a branch of it, has.
pub const LEDGER_TABLE: &str = "understory_migrations";

const CREATE: &str = "create table if not exists understory_migrations (\
                      name text not null primary key, checksum text not null, applied_at text not null)";

/// A migration that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The migration's name.
    pub name: String,
    /// Its checksum then.
    pub checksum: String,
}

/// A ledger that does not fit this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("migration {name}: {problem}")]
pub struct LedgerError {
    /// The migration.
    pub name: String,
    /// What is wrong.
    pub problem: String,
}

/// Why bringing a store to the newest schema failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The store was made by another program.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A statement failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl Migrations {
    /// The migrations that a ledger lacks, in order.
    pub fn pending(&self, store: Store, ledger: &[LedgerEntry]) -> Result<Vec<&Migration>, LedgerError> {
        let wrong = |entry: &LedgerEntry, problem: &str| {
            Err(LedgerError { name: entry.name.clone(), problem: problem.to_owned() })
        };
        for entry in ledger {
            match self.of(store).iter().find(|migration| migration.name == entry.name) {
                Some(known) if known.checksum == entry.checksum => {}
                Some(_) => return wrong(entry, "the one applied has another content than this program's"),
                None if entry.name.starts_with("ext/") => {
                    return wrong(entry, "applied, but unknown here; start with the --model that it belongs to");
                }
                None => return wrong(entry, "applied by a newer program; use that one"),
            }
        }
        let applied = |migration: &&Migration| ledger.iter().any(|entry| entry.name == migration.name);
        Ok(self.of(store).iter().map(AsRef::as_ref).filter(|migration| !applied(migration)).collect())
    }
}

/// The ledger of an embedded store; empty where it has none yet.
pub fn ledger(db: &Database) -> Result<Vec<LedgerEntry>, SqlError> {
    let mut entries = Vec::new();
    let read = db.query_each("select name, checksum from understory_migrations order by name", &[], |cells| {
        if let (SqlRef::Text(name), SqlRef::Text(checksum)) = (cells.get(0)?, cells.get(1)?) {
            entries.push(LedgerEntry { name: name.to_owned(), checksum: checksum.to_owned() });
        }
        Ok(())
    });
    match read {
        Err(SqlError::MissingTable { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(()) => Ok(entries),
    }
}

/// Runs one migration and enters it in the ledger, in the caller's transaction.
pub fn apply(db: &Database, migration: &Migration, applied_at: &str) -> Result<(), SqlError> {
    db.batch(CREATE)?;
    for statement in migration.statements(Dialect::Sqlite) {
        db.batch(statement)?;
    }
    let entry: [SqlValue; 3] = [(&migration.name).into(), (&migration.checksum).into(), applied_at.into()];
    db.execute("insert into understory_migrations (name, checksum, applied_at) values (?, ?, ?)", &entry)?;
    Ok(())
}

/// Brings an embedded store that has no branches to the newest schema, all or nothing; the names applied.
pub fn migrate(db: &Database, migrations: &Migrations, store: Store) -> Result<Vec<String>, MigrateError> {
    if migrations.pending(store, &ledger(db)?)?.is_empty() {
        return Ok(Vec::new());
    }
    db.transaction(|db| {
        let pending = migrations.pending(store, &ledger(db)?)?;
        for migration in &pending {
            apply(db, migration, &understory_model::now())?;
        }
        Ok(pending.iter().map(|migration| migration.name.clone()).collect())
    })
}
