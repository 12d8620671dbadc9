use super::{Migration, Migrations, Store};
use crate::{SqlError, SqlValue, Statements};

/// The table that says which migrations a store, or a branch of it, has.
pub const LEDGER_TABLE: &str = "understory_migrations";

/// Makes the ledger where there is none.
pub const LEDGER_CREATE: &str = "create table if not exists understory_migrations (\
                      name varchar(256) not null primary key, checksum text not null, applied_at text not null)";

/// Reads the ledger: names and checksums.
pub const LEDGER_READ: &str = "select name, checksum from understory_migrations order by name";

/// Enters a migration: its name, its checksum, and when it was applied.
pub const LEDGER_ENTER: &str = "insert into understory_migrations (name, checksum, applied_at) values (?, ?, ?)";

/// A migration that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LedgerEntry {
    /// The migration's name.
    pub name: String,
    /// Its checksum then.
    pub checksum: String,
}

impl LedgerEntry {
    /// The entries that rows of names and checksums tell of.
    pub fn all(rows: &[Vec<SqlValue>]) -> Result<Vec<Self>, SqlError> {
        let text = |row: &[SqlValue], at: usize| {
            let cell = row.get(at).and_then(SqlValue::text).map(str::to_owned);
            cell.ok_or_else(|| SqlError::Corrupt("the list of migrations does not read back".into()))
        };
        rows.iter().map(|row| Ok(Self { name: text(row, 0)?, checksum: text(row, 1)? })).collect()
    }
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
                Some(known) if known.checksum == entry.checksum || known.former.contains(&entry.checksum) => {}
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

/// The ledger of a store; empty where it has none yet.
///
/// Not to be called in a server's transaction: where there is no ledger it would be broken off.
pub fn ledger(db: &dyn Statements) -> Result<Vec<LedgerEntry>, SqlError> {
    match entries(db) {
        Err(SqlError::MissingTable { .. }) => Ok(Vec::new()),
        other => other,
    }
}

/// Makes the ledger where there is none, outside of a transaction.
pub fn ledger_ensure(db: &dyn Statements) -> Result<(), SqlError> {
    // Of several that make it at once a server refuses all but one; it is there by then.
    db.batch(LEDGER_CREATE).or_else(|refused| entries(db).map(drop).map_err(|_| refused))
}

fn entries(db: &dyn Statements) -> Result<Vec<LedgerEntry>, SqlError> {
    LedgerEntry::all(&db.query(LEDGER_READ, &[])?)
}

/// Enters a migration in the ledger and runs it, in the caller's transaction.
pub fn apply(db: &dyn Statements, migration: &Migration, applied_at: &str) -> Result<(), SqlError> {
    db.batch(LEDGER_CREATE)?;
    // The entry comes first: where several do this at once on a server, the others wait for it.
    let entry: [SqlValue; 3] = [(&migration.name).into(), (&migration.checksum).into(), applied_at.into()];
    db.execute(LEDGER_ENTER, &entry)?;
    for statement in migration.statements(db.dialect()) {
        db.batch(statement)?;
    }
    Ok(())
}

/// Brings a store that has no branches to the newest schema, in the caller's transaction; the names applied.
pub fn migrate_in_txn(db: &dyn Statements, migrations: &Migrations, store: Store) -> Result<Vec<String>, MigrateError> {
    db.batch(LEDGER_CREATE)?;
    let pending = migrations.pending(store, &entries(db)?)?;
    for migration in &pending {
        apply(db, migration, &understory_model::now())?;
    }
    Ok(pending.iter().map(|migration| migration.name.clone()).collect())
}
