use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::app::Understory;
use crate::{Error, Result};

/// How long a store may take to answer before it counts as one that does not.
const PATIENCE: Duration = Duration::from_secs(3);
/// A setting that nobody sets: looking for it reads one row's place.
const PROBE: &str = "probe";

/// How the stores are.
#[derive(Clone, Copy, Debug)]
pub struct Health {
    /// The store of versioned configuration.
    pub manage: StoreHealth,
    /// The store of runtime data.
    pub runtime: StoreHealth,
    /// For how long this process has had them open.
    pub uptime: Duration,
}

/// How one store is.
#[derive(Clone, Copy, Debug)]
pub struct StoreHealth {
    /// Whether it answers.
    pub answers: bool,
    /// How long it took to answer, or to fail.
    pub took: Duration,
}

impl Health {
    /// Whether both stores answer.
    pub fn is_well(&self) -> bool {
        self.manage.answers && self.runtime.answers
    }
}

impl Understory {
    /// Asks both stores for something small.
    pub async fn health(&self) -> Health {
        let manage = async { self.inner.store.answers().await.map_err(Error::from) };
        let runtime = async { self.inner.runtime.setting_get(PROBE).await.map(drop).map_err(Error::from) };
        let (manage, runtime) = tokio::join!(check("manage", manage), check("runtime", runtime));
        Health { manage, runtime, uptime: self.inner.opened.elapsed() }
    }
}

async fn check(store: &str, answer: impl Future<Output = Result<()>>) -> StoreHealth {
    let asked = Instant::now();
    let answer = timeout(PATIENCE, answer).await;
    let took = asked.elapsed();
    match &answer {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(store, error = error as &dyn std::error::Error, "a store does not answer"),
        Err(_) => tracing::warn!(store, ?took, "a store does not answer in time"),
    }
    StoreHealth { answers: matches!(answer, Ok(Ok(()))), took }
}
