//! The database before any project: what server it is on, and the commit that projects begin with.

use std::collections::BTreeSet;

use understory_sql::migration::{LEDGER_TABLE, LedgerEntry, Migrate};
use understory_sql::postgres::{Connection, Pool};
use understory_sql::{Migrations, SqlError, SqlValue, Store};

use super::history::hash_cell;
use super::locks::Connections;
use super::moves::Moves;
use super::write::migrate_on;
use crate::engine::commit::{NewCommit, root_meta};
use crate::engine::errors::unexpected;
use crate::engine::names::encode_scratch;
use crate::{BranchName, CommitHash, Signature, StoreError, StoreResult};

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
    before: BTreeSet<CommitHash>,
}

impl Root {
    pub(super) fn newest(&self) -> &CommitHash {
        &self.newest
    }

    pub(super) fn is(&self, hash: &CommitHash) -> bool {
        self.all.contains(hash)
    }

    /// Whether a commit is a root, or was there before any.
    pub(super) fn is_or_precedes(&self, hash: &CommitHash) -> bool {
        self.is(hash) || self.before.contains(hash)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &CommitHash> {
        self.all.iter()
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
            require_ours(&connections.readers.connection().await?).await?;
        }
        if !pending.is_empty() && migrate == Migrate::Refuse {
            let pending = pending.iter().map(|migration| migration.name.clone()).collect();
            return Err(StoreError::Behind { pending });
        }
        if !pending.is_empty() {
            Self::migrate(connections, migrations).await?;
        }
        Self::read(&connections.readers).await
    }

    /// Migrates on a branch of its own, as [`super::migrate`] tells why, and moves the root there.
    async fn migrate(connections: &Connections, migrations: &Migrations) -> StoreResult<()> {
        let scratch = encode_scratch(0);
        let mover = connections.lock(MAIN).await?;
        require_ours(&mover.connection).await?;
        let mut moves = Moves::default();
        moves.force(&scratch, MAIN);
        moves.make(&mover).await?;
        let made = Self::migrate_scratch(connections, migrations, &scratch).await?;
        let mut moves = Moves::default();
        if let Some(hash) = made {
            moves.force(MAIN, hash.as_str());
        }
        moves.delete(&scratch);
        mover.finish(moves).await
    }

    /// Commits the migrations that a branch lacks. The connection is closed, since its branch is to go.
    async fn migrate_scratch(
        connections: &Connections,
        migrations: &Migrations,
        scratch: &str,
    ) -> StoreResult<Option<CommitHash>> {
        let writer = connections.lock_to_write(scratch).await?;
        writer.begin_on(scratch).await?;
        migrate_on(&writer.connection, migrations, &NewCommit::new(&root_meta())).await
    }

    async fn read(readers: &Pool) -> StoreResult<Self> {
        let connection = readers.connection().await?;
        let sql = "select commit_hash, author_email from dolt_log('main', '--decorate', 'no')";
        let (mut all, mut before, mut newest) = (BTreeSet::new(), BTreeSet::new(), None);
        for row in connection.query(sql, &[]).await? {
            let hash = hash_cell(row.first())?;
            let ours = row.get(1).and_then(SqlValue::text) == Some(&Signature::understory().email);
            if ours && before.is_empty() {
                newest = newest.or(Some(hash.clone()));
                all.insert(hash);
            } else {
                before.insert(hash);
            }
        }
        let missing = || unexpected("the database's main branch has no schema of ours at its head");
        Ok(Self { newest: newest.ok_or_else(missing)?, all, before })
    }
}

/// A database with tables but without our list of migrations is somebody else's, and refused, as is one with changes
/// that are no commit.
async fn require_ours(connection: &Connection) -> StoreResult<()> {
    let sql = "select table_name from information_schema.tables where table_schema = 'public' order by table_name";
    let rows = connection.query(sql, &[]).await?;
    let tables: Vec<&str> = rows.iter().flatten().filter_map(SqlValue::text).collect();
    if tables.is_empty() || tables.contains(&LEDGER_TABLE) {
        let dirty = connection.query_row("select 1 from dolt_status limit 1", &[]).await?.is_some();
        return if dirty { Err(StoreError::Dirty(BranchName::main())) } else { Ok(()) };
    }
    Err(StoreError::Refused(format!(
        "the database has tables that Understory did not make ({}, …): give an empty one, and bring their rows over \
         with `understory copy`",
        tables[..tables.len().min(4)].join(", ")
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
    Ok(LedgerEntry::all(&rows)?)
}
