use understory_runtime::{Migrate, RuntimeError, RuntimeStore};
use understory_sql::migration::migrate_in_txn;
use understory_sql::postgres::{Isolation, POOL_SIZE, Pool};
use understory_sql::{Migrations, Statements, Store};

use super::{OnServer, Place};
use crate::conformance::{Checked, Failure};

/// A store that has a migration which this program does not know is not opened.
pub async fn a_store_of_a_newer_program_is_refused(place: &impl Place) -> Checked {
    drop(place.open().await?);
    place.sql("insert into understory_migrations (name, checksum, applied_at) values ('9999_later', 'x', 'y')").await?;
    let refused = place.open().await.err().ok_or("it was opened")?;
    let refused = refused.downcast::<RuntimeError>()?;
    assert!(matches!(*refused, RuntimeError::Schema(error) if error.name == "9999_later"));
    Ok(())
}

/// A table that went is a failure, not an empty answer.
pub async fn a_lost_table_is_an_error(place: &impl Place) -> Checked {
    let store = place.open().await?;
    place.sql("drop table project_metadata").await?;
    assert!(matches!(store.project_get("acme", "shop").await, Err(RuntimeError::Storage(_))));
    assert!(matches!(store.project_list("acme", 1, 9).await, Err(RuntimeError::Storage(_))));
    Ok(())
}

/// However many processes find an empty database at once, all of them open it, and each migration ran once.
pub async fn of_several_that_migrate_at_once_one_does(place: &OnServer) -> Checked {
    let migrations = Migrations::embedded()?;
    let tasks = (0..8).map(|_| {
        let (url, migrations) = (place.0.url(), migrations.clone());
        tokio::spawn(async move { RuntimeStore::connect(&url, 2, &migrations, Migrate::Run).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??.tenant_ensure("acme").await?;
    }
    let store = RuntimeStore::connect(&place.0.url(), 1, &migrations, Migrate::Refuse).await?;
    assert_eq!(store.tenant_list().await?, ["acme"]);
    Ok(())
}

/// A server that lacks migrations stays as it is, unless whoever starts the program asked for them.
pub async fn a_server_that_is_behind_is_refused_unless_it_may_be_migrated(place: &OnServer) -> Checked {
    let newest = Migrations::embedded()?;
    let oldest = newest.up_to(Store::Runtime, "0001_init");
    let connect = async |migrations: &Migrations, migrate| {
        RuntimeStore::connect(&place.0.url(), POOL_SIZE, migrations, migrate).await
    };
    let all: Vec<String> = newest.of(Store::Runtime).iter().map(|migration| migration.name.clone()).collect();
    assert_eq!(lacking(connect(&newest, Migrate::Refuse).await)?, all);
    older_program(place, oldest.clone()).await?;
    assert_eq!(lacking(connect(&newest, Migrate::Refuse).await)?, all[1..]);
    assert_eq!(connect(&newest, Migrate::Run).await?.tenant_list().await?, ["acme"]);
    connect(&newest, Migrate::Refuse).await?;
    let newer = connect(&oldest, Migrate::Run).await;
    assert!(matches!(newer, Err(RuntimeError::Schema(error)) if error.name == all[1]));
    Ok(())
}

/// What a program with these migrations made, with a tenant in it.
async fn older_program(place: &OnServer, migrations: Migrations) -> Checked {
    let pool = Pool::new(&place.0.url(), 1, false)?;
    let work = move |db: &dyn Statements| {
        migrate_in_txn(db, &migrations, Store::Runtime).map(drop).map_err(RuntimeError::from)
    };
    pool.transaction(Isolation::Serializable, work).await?;
    place.sql("insert into tenants (tenant_id, created_at) values ('acme', '2020-01-01 00:00:00.000')").await
}

fn lacking(answer: Result<RuntimeStore, RuntimeError>) -> Result<Vec<String>, Failure> {
    match answer {
        Err(RuntimeError::Behind { pending }) => Ok(pending),
        Err(other) => Err(other.into()),
        Ok(_) => Err("it was opened".into()),
    }
}
