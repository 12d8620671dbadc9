//! The DoltGres store while its network fails: it ends in time, does all or nothing, tells no lies, and recovers.

use std::sync::{Arc, LazyLock};

use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use understory_testkit::conformance::{Checked, Failure};
use understory_testkit::differential::Versions;
use understory_testkit::faults::{Network, Operation, try_all};
use understory_testkit::servers::{FreshDatabase, TestServer};

/// One for all tests, as a runtime that ends takes along the connections that were opened on it.
#[expect(clippy::expect_used, reason = "without a runtime there is no test")]
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// One database for all tests of the program.
async fn network() -> Result<Arc<Network>, Failure> {
    static SHARED: OnceCell<(FreshDatabase, Versions, Arc<Network>)> = OnceCell::const_new();
    let create = async || -> Result<_, Failure> {
        let database = TestServer::DoltGres.database("faults").await?.ok_or("there is no server")?;
        let versions = Versions::new()?;
        let network = Network::new(database.server_address(), database.url(), &versions).await?;
        Ok((database, versions, Arc::new(network)))
    };
    Ok(Arc::clone(&SHARED.get_or_try_init(create).await?.2))
}

async fn tried(operation: Operation) -> Checked {
    if TestServer::DoltGres.address(&format!("faults: {operation:?}")).is_none() {
        return Ok(());
    }
    let (trials, errors) = try_all(network().await?, operation).await?;
    eprintln!("{operation:?}: {trials} trials, {errors} errors");
    assert!(errors > 0, "no fault was ever felt");
    Ok(())
}

macro_rules! faults {
    ($($name:ident: $operation:ident),+ $(,)?) => { $(
        #[test]
        fn $name() -> Checked {
            RUNTIME.block_on(tried(Operation::$operation))
        }
    )+ };
}

faults! {
    creating_a_project: ProjectCreate,
    deleting_a_project: ProjectDelete,
    a_write: Apply,
    a_merge: Merge,
    creating_a_branch: BranchCreate,
    renaming_a_branch: BranchRename,
    deleting_a_branch: BranchDelete,
    creating_a_tag: TagCreate,
    deleting_a_tag: TagDelete,
    dropping_a_kept_head: KeepDrop,
    taking_over_a_history: Import,
    migrating: Migrate,
    a_write_that_migrates: ApplyToOld,
    reading: Read,
    reading_the_log: Log,
    reading_changes: Changes,
    reading_refs: Refs,
}
