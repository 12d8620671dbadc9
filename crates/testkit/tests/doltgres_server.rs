//! The DoltGres store and its server: programs that start together, and databases that are not the store's.

use understory_manage::StoreError;
use understory_sql::postgres::{Connection, Pool, ServerUrl};
use understory_testkit::conformance::{Checked, Failure};
use understory_testkit::doltgres;
use understory_testkit::servers::TestServer;

/// However many programs start on an empty database at once, one makes it ready and all work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_programs_may_start_on_an_empty_database() -> Checked {
    let Some(database) = TestServer::DoltGres.database("many_programs_may_start_on_an_empty_database").await? else {
        return Ok(());
    };
    let url = database.url();
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let url = url.clone();
        starting.spawn(async move { doltgres::store(&url).await.map(drop) });
    }
    while let Some(started) = starting.join_next().await {
        started??;
    }
    let connection = connection(&url).await?;
    let branches = connection.query("select name, dirty from dolt_branches", &[]).await?;
    assert_eq!(branches, [["main".into(), 0.into()]], "nothing else is left");
    Ok(())
}

/// What a first start that was cut off left is no hindrance to the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_was_cut_off_is_begun_again() -> Checked {
    let Some(database) = TestServer::DoltGres.database("a_start_that_was_cut_off_is_begun_again").await? else {
        return Ok(());
    };
    let url = database.url();
    let name = url.database();
    let left = format!(
        "select dolt_branch('=50'); use \"{name}/=50\"; create table understory_migrations (x int); \
         create table tools (x int)"
    );
    connection(&url).await?.batch(&left).await?;
    doltgres::store(&url).await?;
    Ok(())
}

/// A database with tables that somebody else made is refused, committed or not, and left as it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_database_is_left_alone() -> Checked {
    for end in ["", "; select dolt_commit('-A', '-m', 'mine')"] {
        let Some(database) = TestServer::DoltGres.database("a_foreign_database_is_left_alone").await? else {
            return Ok(());
        };
        let url = database.url();
        let connection = connection(&url).await?;
        connection.batch(&format!("create table mine (x int primary key); insert into mine values (7){end}")).await?;
        let refused = doltgres::store(&url).await.map(drop);
        let error = refused.err().and_then(|error| error.downcast::<StoreError>().ok());
        assert!(matches!(error.as_deref(), Some(StoreError::Refused(why)) if why.contains("mine")), "{error:?}");
        assert_eq!(connection.query("select x from mine", &[]).await?, [[7.into()]]);
    }
    Ok(())
}

async fn connection(url: &ServerUrl) -> Result<Connection, Failure> {
    Ok(Pool::new(url, 1, false)?.connection().await?)
}
