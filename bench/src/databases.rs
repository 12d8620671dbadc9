//! Databases on the servers of the tests, which `./x bench` starts.

use understory::sql::postgres::Pool;
use understory::{ServerUrl, Servers};

use crate::Outcome;

/// New databases of this run; none where there are no servers.
pub async fn create() -> Outcome<Option<Servers>> {
    let address = |name: &str| std::env::var(name).ok().filter(|address| !address.is_empty());
    let manage = address("UNDERSTORY_TEST_DOLTGRES_URL");
    let (Some(manage), Some(runtime)) = (manage, address("UNDERSTORY_TEST_POSTGRES_URL")) else { return Ok(None) };
    let (manage, runtime) = (database(&manage).await?, database(&runtime).await?);
    Ok(Some(Servers { manage, runtime }))
}

async fn database(address: &str) -> Outcome<ServerUrl> {
    let server = ServerUrl::parse(address)?;
    let name = format!("understory_bench_{}", understory::model::id::made_id());
    Pool::new(&server, 1, false)?.connection().await?.batch(&format!("create database {name}")).await?;
    Ok(server.with_database(&name))
}
