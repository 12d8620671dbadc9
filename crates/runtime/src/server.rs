//! The store on a PostgreSQL server: who is at the other end, and bringing it to the newest schema.

use understory_sql::migration::{LEDGER_TABLE, ledger, ledger_ensure, migrate_in_txn};
use understory_sql::postgres::{Isolation, Pool, ServerUrl};
use understory_sql::{Migrations, SqlError, Statements, Store};

use crate::columns::{Columns, decode_all};
use crate::{Migrate, RuntimeError, RuntimeResult};

const FOREIGN: &str = "select table_name::text from information_schema.tables \
    where table_schema = current_schema() and table_name <> ? order by table_name limit 3";

pub(crate) async fn connect(
    url: &ServerUrl,
    pool_size: usize,
    migrations: &Migrations,
    migrate: Migrate,
) -> RuntimeResult<Pool> {
    let pool = reach(url, pool_size).await?;
    let pending = pending(&pool, migrations).await?;
    if pending.len() == migrations.of(Store::Runtime).len() {
        refuse_foreign(&pool).await?;
    }
    match migrate {
        _ if pending.is_empty() => {}
        Migrate::Run => run(&pool, migrations).await?,
        Migrate::Refuse => return Err(RuntimeError::Behind { pending }),
    }
    Ok(pool)
}

/// Connects to a database of PostgreSQL, whatever is in it.
pub(crate) async fn reach(url: &ServerUrl, pool_size: usize) -> RuntimeResult<Pool> {
    let pool = Pool::new(url, pool_size, true)?;
    refuse_doltgres(&pool).await?;
    Ok(pool)
}

/// DoltGres speaks the same protocol, but what is versioned must not hold what changes all the time.
async fn refuse_doltgres(pool: &Pool) -> RuntimeResult<()> {
    match pool.autocommit(|db| db.query_row("select dolt_version()", &[])).await {
        Ok(answer) => {
            let version = answer.and_then(|row| row.into_iter().next()).and_then(|cell| cell.into_text().ok());
            let version = version.unwrap_or_default();
            let detail =
                format!("the runtime store wants PostgreSQL; this is DoltGres {version}, a versioned database");
            Err(RuntimeError::Unsupported(detail))
        }
        // PostgreSQL knows no such function.
        Err(SqlError::Other(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A database with tables but without our list of migrations is somebody else's.
async fn refuse_foreign(pool: &Pool) -> RuntimeResult<()> {
    let found = pool.autocommit(|db| db.query(FOREIGN, &[LEDGER_TABLE.into()])).await?;
    let tables = decode_all(found, Columns::text)?.join(", ");
    // Tables that another process made meanwhile come with the list.
    if tables.is_empty() || !pool.autocommit(ledger).await?.is_empty() {
        return Ok(());
    }
    Err(RuntimeError::Unsupported(format!(
        "the database has tables that Understory did not make ({tables}, …): give an empty one, and bring their rows \
         over with `understory copy`"
    )))
}

async fn pending(pool: &Pool, migrations: &Migrations) -> RuntimeResult<Vec<String>> {
    let ledger = pool.autocommit(ledger).await?;
    let pending = migrations.pending(Store::Runtime, &ledger).map_err(RuntimeError::Schema)?;
    Ok(pending.into_iter().map(|migration| migration.name.clone()).collect())
}

/// Of several processes that do this at once, one runs the migrations; the others wait at its entries in the ledger,
/// are told to begin again when it has committed, and find nothing left to do.
async fn run(pool: &Pool, migrations: &Migrations) -> RuntimeResult<()> {
    pool.autocommit(ledger_ensure).await?;
    let migrations = migrations.clone();
    let work = move |db: &dyn Statements| {
        migrate_in_txn(db, &migrations, Store::Runtime).map(drop).map_err(RuntimeError::from)
    };
    pool.transaction(Isolation::Serializable, work).await
}
