//! DoltLite and DoltGres do the same, whatever is done to them.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use understory_manage::doltgres::DoltGres;
use understory_manage::doltlite::DoltLite;
use understory_sql::migration::Migrate;
use understory_sql::postgres::ServerUrl;
use understory_testkit::conformance::{Checked, Failure};
use understory_testkit::differential::{OPERATIONS, Pair, Stores, Tally, Version, Versions, run};
use understory_testkit::servers::TestServer;

/// How many sequences are done, and the number of the first; a number alone makes its sequence.
const COUNT: &str = "UNDERSTORY_DIFFERENTIAL_COUNT";
const SEED: &str = "UNDERSTORY_DIFFERENTIAL_SEED";
const SEQUENCES: u64 = 24;
/// So many share a database: with more, listing its refs takes most of the time.
const OF_A_DATABASE: u64 = 50;
/// So many meet operations of every kind.
const ENOUGH: u64 = 60;

#[test]
fn doltlite_and_doltgres_do_the_same() -> Checked {
    if TestServer::DoltGres.address("doltlite_and_doltgres_do_the_same").is_none() {
        return Ok(());
    }
    let (seed, count) = (number(SEED).unwrap_or_else(rand_seed), number(COUNT).unwrap_or(SEQUENCES));
    eprintln!("{SEED}={seed} {COUNT}={count}");
    let (mut tally, versions) = (Tally::default(), Versions::new()?);
    let (mut next, end) = (seed, seed + count);
    while next < end {
        let until = end.min(next + OF_A_DATABASE);
        tally.add(in_a_database(next..until, &versions)?);
        next = until;
    }
    eprintln!("{tally}");
    let met = |operation: &str| tally.operations.contains_key(operation);
    let missed: Vec<_> = OPERATIONS.iter().chain(&["migrate"]).filter(|operation| !met(operation)).collect();
    assert!(count < ENOUGH || (missed.is_empty() && tally.conflicts > 0), "never met: {missed:?} in {tally}");
    Ok(())
}

/// Does sequences in new places.
fn in_a_database(seeds: Range<u64>, versions: &Versions) -> Result<Tally, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let database = runtime.block_on(TestServer::DoltGres.database("differential"))?;
    let database = database.ok_or("there is no server")?;
    let (home, url) = (tempfile::tempdir()?, database.url());
    let stores = runtime.block_on(async {
        let old = open(home.path(), &url, &versions.old).await?;
        let new = open(home.path(), &url, &versions.new).await?;
        let fresh = open(home.path(), &url, &versions.new).await?;
        Ok::<_, Failure>(Stores { versions, old, new, fresh })
    })?;
    run(&stores, seeds)
}

async fn open(home: &Path, url: &ServerUrl, version: &Version) -> Result<Pair, Failure> {
    let (model, migrations) = (&version.model, &version.migrations);
    let lite = DoltLite::open(home, Arc::clone(model), Arc::clone(migrations))?;
    let gres = DoltGres::connect(url, 8, Arc::clone(model), Arc::clone(migrations), Migrate::Run).await?;
    Ok([Arc::new(lite), Arc::new(gres)])
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Another one at each run, that can be typed.
fn rand_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as u64 % 1_000_000_000
}
