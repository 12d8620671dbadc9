use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use understory_manage::doltgres::DoltGres;
use understory_manage::{StoreError, StoreResult};
use understory_sql::migration::Migrate;
use understory_sql::postgres::{Pool, ServerUrl};

use super::{Operation, Scene, State};
use crate::conformance::{Failure, Store};
use crate::differential::{Version, Versions};
use crate::proxy::{Fault, Moment, Proxy};

/// How long stores of these tests wait for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// An operation ends within this, whatever happens.
const BOUND: Duration = Duration::from_secs(40);
/// Once the network is healed all is well again within this.
const RECOVERY: Duration = Duration::from_secs(30);
/// Trials at the same time: they mostly wait.
const AT_ONCE: usize = 4;

/// A database, and how it is reached.
pub struct Network {
    /// The server's address, password and all.
    pub address: String,
    /// The database.
    pub database: ServerUrl,
    /// What the program has.
    pub version: Version,
    /// A store of an older program.
    pub old: Store,
    /// A store that nothing stands before.
    pub direct: Store,
}

/// One operation, and what happens to the network meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// What is done.
    pub operation: Operation,
    /// What happens.
    pub fault: Fault,
    /// When it does.
    pub moment: Moment,
}

/// What an undisturbed operation does.
#[derive(Clone)]
struct Undisturbed {
    answer: String,
    before: Option<State>,
    after: Option<State>,
    messages: usize,
}

impl Network {
    /// Makes a database ready as an older program does; the stores to come are of a newer one.
    pub async fn new(address: &str, database: ServerUrl, versions: &Versions) -> Result<Self, Failure> {
        let old = open(&versions.old, &database).await?;
        let direct = open(&versions.new, &database).await?;
        Ok(Self { address: address.to_owned(), database, version: versions.new.clone(), old, direct })
    }

    async fn store(&self, url: &ServerUrl) -> Result<Store, Failure> {
        open(&self.version, url).await
    }

    /// A proxy before the server, and the address of the database behind it.
    async fn proxied(&self) -> Result<(Proxy, ServerUrl), Failure> {
        let host = self.address.split(['@', '/']).nth(3).ok_or("the address names no server")?;
        let proxy = Proxy::start(host.parse()?).await?;
        let behind = self.address.replacen(host, &proxy.address().to_string(), 1);
        let url = ServerUrl::parse(&behind)?.with_database(self.database.database()).with_patience(PATIENCE);
        Ok((proxy, url))
    }

    /// A scene, as a program made it that is older than the store where the operation needs that.
    async fn scene(&self, operation: Operation) -> Result<Scene, Failure> {
        Scene::make(if operation.needs_an_old_scene() { &self.old } else { &self.direct }).await
    }

    async fn undisturbed(&self, operation: Operation) -> Result<Undisturbed, Failure> {
        let scene = self.scene(operation).await?;
        let project = operation.project(&scene);
        let before = Scene::state(self.direct.as_ref(), &project).await?;
        let (proxy, url) = self.proxied().await?;
        let store = self.store(&url).await?;
        proxy.heal();
        let answer = operation.run(store.as_ref(), &scene).await?;
        let messages = proxy.messages();
        let after = Scene::state(self.direct.as_ref(), &project).await?;
        Ok(Undisturbed { answer, before, after, messages })
    }
}

async fn open(version: &Version, url: &ServerUrl) -> Result<Store, Failure> {
    let (model, migrations) = (Arc::clone(&version.model), Arc::clone(&version.migrations));
    Ok(Arc::new(DoltGres::connect(url, 2, model, migrations, Migrate::Run).await?))
}

/// Tries an operation with every kind of fault at many moments; how many trials there were, and how many of them told
/// an error.
pub async fn try_all(network: Arc<Network>, operation: Operation) -> Result<(usize, usize), Failure> {
    let undisturbed = network.undisturbed(operation).await?;
    let mut waiting = trials(operation, undisturbed.messages).into_iter();
    let (mut trials, mut count, mut errors) = (JoinSet::new(), 0, 0);
    loop {
        while trials.len() < AT_ONCE
            && let Some(trial) = waiting.next()
        {
            let (network, undisturbed) = (Arc::clone(&network), undisturbed.clone());
            trials.spawn(async move {
                let tried = trial.run(&network, &undisturbed).await;
                tried.map_err(|error| Failure::from(format!("{trial:?}: {error}")))
            });
        }
        let Some(tried) = trials.join_next().await else { return Ok((count, errors)) };
        count += 1;
        errors += usize::from(!tried??);
    }
}

/// The trials of an operation that sends so many messages: quick ones at most moments, slow ones at a few.
fn trials(operation: Operation, messages: usize) -> Vec<Trial> {
    let faults = [
        (Fault::Cut, 10),
        (Fault::HalfClose, 5),
        (Fault::Refuse, 3),
        (Fault::Delay(PATIENCE / 8), 2),
        (Fault::Delay(PATIENCE * 3 / 2), 2),
        (Fault::BlackHole, 3),
    ];
    let mut all = Vec::new();
    for (fault, times) in faults {
        let step = messages.div_ceil(times).max(1);
        for (n, at) in (0..messages).step_by(step).enumerate() {
            let moment = if n % 2 == 0 { Moment::After(at) } else { Moment::Before(at) };
            all.push(Trial { operation, fault, moment });
        }
        if matches!(fault, Fault::Cut | Fault::HalfClose | Fault::BlackHole) {
            // The last message is often the one that counts.
            all.push(Trial { operation, fault, moment: Moment::After(messages.saturating_sub(1)) });
        }
    }
    all
}

impl Trial {
    /// Tries it; whether the operation was answered as done.
    async fn run(self, network: &Network, undisturbed: &Undisturbed) -> Result<bool, Failure> {
        let scene = network.scene(self.operation).await.map_err(|error| format!("making the scene: {error}"))?;
        let project = self.operation.project(&scene);
        let (proxy, url) = network.proxied().await?;
        let store = network.store(&url).await.map_err(|error| format!("opening the store: {error}"))?;
        proxy.set(self.fault, self.moment);
        let answer = timeout(BOUND, self.operation.run(store.as_ref(), &scene)).await;
        let answer = answer.map_err(|_| "it did not end")?;
        self.check(&answer, undisturbed)?;
        proxy.heal();
        self.settled(&network.direct, &project, answer.is_ok(), undisturbed).await?;
        if self.operation != Operation::ProjectDelete {
            recover(&store, &scene, &scene.project).await?;
        }
        no_dirt(network, &scene).await?;
        Ok(answer.is_ok())
    }

    /// What must be all or nothing. A write on an old branch is two commits: the migration counts for nothing.
    fn comparable(self, state: Option<State>) -> Option<State> {
        if self.operation == Operation::ApplyToOld { state.map(State::without_migrations) } else { state }
    }

    /// What is answered is right, or an error that does not tell of something that is there as absent.
    fn check(self, answer: &StoreResult<String>, undisturbed: &Undisturbed) -> Result<(), Failure> {
        match answer {
            Ok(answer) if *answer == undisturbed.answer => Ok(()),
            Ok(answer) => Err(format!("answered {answer}, not {}", undisturbed.answer).into()),
            Err(
                error @ (StoreError::UnknownProject(_)
                | StoreError::UnknownBranch(_)
                | StoreError::UnknownCommit(_)
                | StoreError::UnknownTag(_)),
            ) => Err(format!("what is there is told as absent: {error:?}").into()),
            Err(error) if matches!(self.fault, Fault::Delay(time) if time < PATIENCE) => {
                Err(format!("a short delay is no reason to fail: {error:?}").into())
            }
            Err(_) => Ok(()),
        }
    }

    /// All was done or nothing, and what was answered is done. A server may still be at work on what it heard.
    async fn settled(
        self,
        direct: &Store,
        project: &understory_manage::ProjectId,
        answered: bool,
        undisturbed: &Undisturbed,
    ) -> Result<(), Failure> {
        let until = Instant::now() + RECOVERY;
        loop {
            // While it changes its parts are perhaps not found.
            let state = Scene::state(direct.as_ref(), project).await.map(|state| self.comparable(state));
            let [before, after] = [&undisturbed.before, &undisturbed.after].map(|state| self.comparable(state.clone()));
            if let Ok(state) = &state
                && (*state == after || (!answered && *state == before))
            {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!(
                    "answered: {answered}, and neither as before {before:#?} nor as after {after:#?}, but {state:#?}"
                )
                .into());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// The same store works again by itself.
async fn recover(store: &Store, scene: &Scene, project: &understory_manage::ProjectId) -> Result<(), Failure> {
    let until = Instant::now() + RECOVERY;
    loop {
        match timeout(BOUND, scene.go_on(store, project)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) if Instant::now() > until => return Err(format!("it does not go on: {error}").into()),
            Ok(Err(_)) => sleep(Duration::from_millis(50)).await,
            Err(_) => return Err("going on does not end".into()),
        }
    }
}

/// No branch of the project has changes that are no commit, but such as are nobody's.
async fn no_dirt(network: &Network, scene: &Scene) -> Result<(), Failure> {
    let connection = Pool::new(&network.database, 1, false)?.connection().await?;
    let sql = "select name from dolt_branches where name like ? and dirty and not name like '%_=5%'";
    let dirty = connection.query(sql, &[format!("%{}%", scene.project.uid.to_lowercase()).into()]).await?;
    if dirty.is_empty() { Ok(()) } else { Err(format!("left dirty: {dirty:?}").into()) }
}
