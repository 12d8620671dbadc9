//! The database before any project: what server it is on, and the commit that projects begin with.

use std::collections::BTreeSet;

use understory_sql::migration::{LEDGER_TABLE, LedgerEntry, Migrate};
use understory_sql::postgres::Pool;
use understory_sql::{Migrations, SqlError, SqlValue, Store};

use super::history::{self, hash_cell};
use super::locks::Connections;
use super::write::migrate_on;
use crate::engine::commit::NewCommit;
use crate::engine::errors::unexpected;
use crate::{CommitHash, CommitMeta, Signature, StoreError, StoreResult};

/// The branch of the database that holds the schema and no rows.
const MAIN: &str = "main";

/// The oldest DoltGres that the store runs on.
const OLDEST: (u32, u32) = (1, 3);

/// Refuses a server that is none of ours.
pub(super) async fn probe(readers: &Pool) -> StoreResult<()> {
    let connection = readers.connection().await?;
    let version = match connection.query_row("select dolt_version()", &[]).await {
        Ok(row) => row.and_then(|row| row.first().and_then(SqlValue::text).map(str::to_owned)).unwrap_or_default(),
        Err(error @ (SqlError::Unavailable(_) | SqlError::Refused(_))) => return Err(error.into()),
        Err(_) => {
            let row = connection.query_row("select version()", &[]).await?;
            let name = row.and_then(|row| row.first().and_then(SqlValue::text).map(str::to_owned)).unwrap_or_default();
            let name = name.split(" on ").next().unwrap_or_default().to_owned();
            return Err(StoreError::Refused(format!(
                "the versioned store needs DoltGres 1.3 or newer, and this server is {name}, which keeps no versions; \
                 give its address as the runtime store's instead"
            )));
        }
    };
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < OLDEST {
        return Err(StoreError::Refused(format!(
            "the versioned store needs DoltGres 1.3 or newer, and this server is DoltGres {version}: upgrade it first"
        )));
    }
    Ok(())
}

/// The commits that hold the schema and nothing else: every project begins with the newest of its time.
#[derive(Debug)]
pub(super) struct Root {
    newest: CommitHash,
    all: BTreeSet<CommitHash>,
    /// What the engine itself made before: it belongs to no project's history.
    before: CommitHash,
}

impl Root {
    pub(super) fn newest(&self) -> &CommitHash {
        &self.newest
    }

    pub(super) fn is(&self, hash: &CommitHash) -> bool {
        self.all.contains(hash)
    }

    /// The commit that is in no history.
    pub(super) fn before(&self) -> &CommitHash {
        &self.before
    }

    /// Reads the root, after bringing it to the newest schema if need be. Of several that do so at once one does, and
    /// the others wait.
    pub(super) async fn prepare(
        connections: &Connections,
        migrations: &Migrations,
        migrate: Migrate,
    ) -> StoreResult<Self> {
        let ledger = ledger_at(&connections.readers, MAIN).await?;
        let pending = migrations.pending(Store::Manage, &ledger)?;
        if ledger.is_empty() {
            refuse_foreign(&connections.readers).await?;
        }
        if !pending.is_empty() && migrate == Migrate::Refuse {
            let pending = pending.iter().map(|migration| migration.name.clone()).collect();
            return Err(StoreError::Behind { pending });
        }
        if !pending.is_empty() {
            Self::migrate(connections, migrations, ledger.is_empty()).await?;
        }
        Self::read(&connections.readers).await
    }

    async fn migrate(connections: &Connections, migrations: &Migrations, new: bool) -> StoreResult<()> {
        let locked = connections.lock_to_write(MAIN).await?;
        locked.go_to(MAIN).await?;
        locked.connection.batch("begin").await?;
        let message = if new { "Create the schema" } else { "Migrate the schema" };
        let meta = CommitMeta::new(Signature::understory(), message);
        migrate_on(&locked.connection, migrations, &NewCommit::new(&meta)).await?;
        locked.release().await;
        Ok(())
    }

    async fn read(readers: &Pool) -> StoreResult<Self> {
        let connection = readers.connection().await?;
        let sql = "select commit_hash, parents, author_email from dolt_log('main', '--parents')";
        let (mut all, mut newest, mut before) = (BTreeSet::new(), None, None);
        for row in connection.query(sql, &[]).await? {
            if row.get(2).and_then(SqlValue::text) != Some(&Signature::understory().email) {
                break;
            }
            let hash = hash_cell(row.first())?;
            newest = newest.or(Some(hash.clone()));
            all.insert(hash);
            before = history::parents_of(row.get(1))?.into_iter().next();
        }
        let missing = || unexpected("the database's main branch has no schema of ours at its head");
        Ok(Self { newest: newest.ok_or_else(missing)?, all, before: before.ok_or_else(missing)? })
    }
}

/// A database with tables but without our list of migrations is somebody else's.
async fn refuse_foreign(readers: &Pool) -> StoreResult<()> {
    let sql = "select table_name from information_schema.tables where table_schema = 'public' \
               order by table_name limit 4";
    let tables: Vec<String> = readers
        .connection()
        .await?
        .query(sql, &[])
        .await?
        .into_iter()
        .flatten()
        .filter_map(|cell| cell.into_text().ok())
        .filter(|table| table != LEDGER_TABLE)
        .collect();
    // Tables that another process made meanwhile come with the list.
    if tables.is_empty() || !ledger_at(readers, MAIN).await?.is_empty() {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "the database has tables that Understory did not make ({}, …): give an empty one, and bring their rows over \
         with `understory copy`",
        tables.join(", ")
    )))
}

/// The migrations that a branch or commit has; none where there is no list of them.
pub(super) async fn ledger_at(readers: &Pool, revision: &str) -> StoreResult<Vec<LedgerEntry>> {
    let connection = readers.connection().await?;
    let sql = format!("select name, checksum from {LEDGER_TABLE} as of '{revision}' order by name");
    let rows = match connection.query(&sql, &[]).await {
        Err(SqlError::MissingTable { .. }) => return Ok(Vec::new()),
        other => other?,
    };
    ledger(&rows)
}

/// The list of migrations as it was read.
pub(super) fn ledger(rows: &[Vec<SqlValue>]) -> StoreResult<Vec<LedgerEntry>> {
    let text = |row: &[SqlValue], at: usize| {
        let cell = row.get(at).and_then(SqlValue::text).map(str::to_owned);
        cell.ok_or_else(|| unexpected("the list of migrations does not read back"))
    };
    rows.iter().map(|row| Ok(LedgerEntry { name: text(row, 0)?, checksum: text(row, 1)? })).collect()
}
