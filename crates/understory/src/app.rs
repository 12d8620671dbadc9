use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;
use tokio::time::Instant;
use understory_auth::{ApiKeys, Gate, Keys, People, PeopleSettings, Principal};
use understory_llm::Providers;
use understory_manage::{ConfigStore, ProjectId};
use understory_model::{Model, ModelFiles, id};
use understory_runtime::{Migrate, RuntimeStore};
use understory_sql::Migrations;
use understory_sql::postgres::{POOL_SIZE, PoolStatus, ServerUrl};

use crate::access::{Wanted, authorize};
use crate::attendant::Attendant;
use crate::conversation::Hub;
use crate::copy::refuse_unfinished;
use crate::full::DocumentCache;
use crate::generation::Running;
use crate::home::HOME_TENANT;
use crate::lock::DataLock;
use crate::project::Project;
use crate::routes::{Route, routes};
use crate::{Error, Result, stores};

/// The most branches of a project unless set otherwise: each makes every commit of the project a little larger.
pub const MAX_BRANCHES: usize = 1_000;

/// How to open a data directory.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the data is.
    pub data: PathBuf,
    /// An admin key to accept instead of the stored one.
    pub admin_key: Option<String>,
    /// Whether an admin key is made where there is none: for servers, where somebody sees it.
    pub make_admin_key: bool,
    /// A directory with further entity files and their migrations.
    pub model: Option<PathBuf>,
    /// Whether commits reach the disk before they are acknowledged; `false` for data that may vanish.
    pub synced: bool,
    /// The most branches that a project may have.
    pub max_branches: usize,
    /// The tenant of the simple API's projects.
    pub home_tenant: String,
    /// The DoltGres database that holds versioned configuration, instead of files in the directory. Only together with
    /// the next one.
    pub manage_url: Option<ServerUrl>,
    /// The PostgreSQL database that holds runtime data, instead of a file in the directory.
    pub runtime_url: Option<ServerUrl>,
    /// Connections to each database server.
    pub pool_size: usize,
    /// Whether databases on servers are brought to the newest schema; else one that is behind is refused.
    pub migrate_servers: bool,
    /// The models that agents may answer with.
    pub providers: Arc<Providers>,
    /// How people are let in.
    pub people: PeopleSettings,
}

impl Options {
    /// The data in a directory, with the built-in model.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            admin_key: None,
            make_admin_key: true,
            model: None,
            synced: true,
            max_branches: MAX_BRANCHES,
            home_tenant: HOME_TENANT.to_owned(),
            manage_url: None,
            runtime_url: None,
            pool_size: POOL_SIZE,
            migrate_servers: false,
            providers: Arc::new(Providers::with_echo()),
            people: PeopleSettings::default(),
        }
    }

    pub(crate) fn migrate(&self) -> Migrate {
        if self.migrate_servers { Migrate::Run } else { Migrate::Refuse }
    }
}

/// An open data directory: the whole of Understory as a library. Clones share it.
#[derive(Clone)]
pub struct Understory {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) model: Arc<Model>,
    pub(crate) routes: Vec<Route>,
    pub(crate) store: Arc<dyn ConfigStore>,
    pub(crate) runtime: RuntimeStore,
    pub(crate) gate: Gate,
    pub(crate) documents: DocumentCache,
    pub(crate) providers: Arc<Providers>,
    /// Who reads along in conversations.
    pub(crate) hub: Hub,
    /// The answers that this process is making.
    pub(crate) running: Running,
    pub(crate) data: PathBuf,
    pub(crate) max_branches: usize,
    pub(crate) home_tenant: String,
    pub(crate) opened: Instant,
    admin_key: std::sync::Mutex<Option<String>>,
    /// Projects looked up before. Used where this process alone writes the registry, so that what is here is so.
    projects: RwLock<Projects>,
    /// One creation or deletion at a time.
    pub(crate) lifecycle: Arc<Mutex<()>>,
    /// Writers that lost a race take turns, so that none loses for ever.
    pub(crate) retries: Mutex<()>,
    attendant: std::sync::Mutex<Option<Attendant>>,
    _lock: DataLock,
}

/// Projects by tenant and id, and how many were deleted so far.
#[derive(Default)]
struct Projects {
    known: HashMap<(String, String), ProjectId>,
    epoch: u64,
}

impl Understory {
    /// Opens a data directory: makes it if it is not there, and finishes what an earlier process left half done.
    pub async fn open(options: Options) -> Result<Self> {
        stores::refuse_mixed(&options)?;
        if !id::is_resource_id(&options.home_tenant, 256) {
            return Err(Error::BadRequest(format!("'{}' is no id of a tenant", options.home_tenant)));
        }
        let lock = DataLock::take(&options.data).map_err(Error::internal)?;
        let (model, migrations) = load_model(options.model.as_deref())?;
        let store = stores::open_manage(&options, &model, &migrations).await?;
        let runtime = stores::open_runtime(&options, &migrations).await?;
        Self::assemble(options, model, store, runtime, lock).await
    }

    async fn assemble(
        options: Options,
        model: Arc<Model>,
        store: Arc<dyn ConfigStore>,
        runtime: RuntimeStore,
        lock: DataLock,
    ) -> Result<Self> {
        refuse_unfinished(&runtime).await?;
        let gate = Gate::new(&runtime, options.people, &options.home_tenant);
        let made = if options.make_admin_key || options.admin_key.is_some() {
            gate.keys.admin_key_ensure(options.admin_key.as_deref()).await?.shown
        } else {
            gate.keys.admin_key_recall().await?;
            None
        };
        let inner = Inner {
            routes: routes(&model),
            model,
            store,
            runtime,
            gate,
            documents: DocumentCache::new(),
            providers: options.providers,
            hub: Hub::default(),
            running: Running::default(),
            data: options.data,
            max_branches: options.max_branches,
            home_tenant: options.home_tenant,
            opened: Instant::now(),
            admin_key: std::sync::Mutex::new(made.map(|secret| secret.reveal().to_owned())),
            projects: RwLock::default(),
            lifecycle: Arc::default(),
            retries: Mutex::new(()),
            attendant: std::sync::Mutex::default(),
            _lock: lock,
        };
        let app = Self { inner: Arc::new(inner) };
        app.settle_left().await?;
        app.settle_answers().await?;
        if app.inner.runtime.is_shared() {
            *app.attendant() = Some(Attendant::start(&app));
        }
        Ok(app)
    }

    fn attendant(&self) -> std::sync::MutexGuard<'_, Option<Attendant>> {
        self.inner.attendant.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all that is read along in conversations, as this process stops: streams would go on for ever.
    pub fn end_subscriptions(&self) {
        self.inner.hub.close_all();
    }

    /// Ends the answers that are being made, and tells the other processes on a shared runtime store that this one
    /// stops: they need not wait to finish what it left. Where this fails they notice by themselves, a little later.
    pub async fn leave(&self) {
        self.inner.running.leave().await;
        if self.attendant().take().is_some()
            && let Err(error) = self.inner.runtime.replica_leave().await
        {
            tracing::warn!(%error, "the runtime store could not be told that this process stops");
        }
    }

    /// How the connections to database servers are doing, by what they are for; empty where there is no server.
    pub fn pools(&self) -> Vec<(String, PoolStatus)> {
        let manage = self.inner.store.pools().into_iter().map(|(name, pool)| (format!("manage {name}"), pool));
        manage.chain(self.inner.runtime.pool_status().map(|pool| ("runtime".to_owned(), pool))).collect()
    }

    /// The admin key, if this start made it: to be shown once.
    pub fn new_admin_key(&self) -> Option<String> {
        self.inner.admin_key.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The model in force.
    pub fn model(&self) -> &Arc<Model> {
        &self.inner.model
    }

    /// The models that agents may answer with.
    pub fn providers(&self) -> &Arc<Providers> {
        &self.inner.providers
    }

    /// The routes within projects.
    pub fn routes(&self) -> &[Route] {
        &self.inner.routes
    }

    /// The keys of this server.
    pub fn keys(&self) -> &Keys {
        &self.inner.gate.keys
    }

    /// The people of this server.
    pub fn people(&self) -> &People {
        &self.inner.gate.people
    }

    /// The keys with which programs reach one project.
    pub fn api_keys(&self) -> &ApiKeys {
        &self.inner.gate.api_keys
    }

    /// Where the data is.
    pub fn data(&self) -> &Path {
        &self.inner.data
    }

    /// Who presents a key or an access token.
    pub async fn authenticate(&self, presented: &str) -> Result<Principal> {
        Ok(self.inner.gate.require(presented).await?)
    }

    /// Who presents the token of a session, as browsers do.
    pub async fn authenticate_session(&self, presented: &str) -> Result<Principal> {
        Ok(self.inner.gate.require_session(presented).await?)
    }

    /// Looks a project up: the only way to one. A project that is not there, or not this principal's to know of, is not
    /// found; one that it may know of, but not do this with, is forbidden.
    pub async fn project(
        &self,
        principal: &Principal,
        wanted: impl Into<Wanted>,
        tenant: &str,
        project: &str,
    ) -> Result<Project> {
        let wanted = wanted.into();
        authorize(principal, wanted.permission, &wanted.target(tenant, project))?;
        self.project_open(principal, tenant, project).await
    }

    /// Looks a project up on behalf of a principal that was let in otherwise.
    pub(crate) async fn project_open(&self, principal: &Principal, tenant: &str, project: &str) -> Result<Project> {
        let found = self.project_id(tenant, project).await?;
        let id = found.ok_or_else(|| Error::not_found("Project", project))?;
        Ok(Project::new(self.clone(), id, principal.clone()))
    }

    pub(crate) async fn project_id(&self, tenant: &str, project: &str) -> Result<Option<ProjectId>> {
        let key = (tenant.to_owned(), project.to_owned());
        if let Some(found) = self.projects_read(&key) {
            return Ok(Some(found));
        }
        // Ids that could not have been created need not be looked for.
        if !id::is_resource_id(tenant, 256) || !id::is_resource_id(project, 256) {
            return Ok(None);
        }
        let epoch = self.inner.projects.read().unwrap_or_else(PoisonError::into_inner).epoch;
        let Some(record) = self.inner.runtime.project_get(tenant, project).await? else { return Ok(None) };
        let found = ProjectId { tenant: record.tenant_id, id: record.id, uid: record.uid };
        let mut projects = self.inner.projects.write().unwrap_or_else(PoisonError::into_inner);
        // A project that went since the registry was asked must not be remembered, nor one that others may delete.
        if projects.epoch == epoch && !self.inner.runtime.is_shared() {
            projects.known.insert(key, found.clone());
        }
        Ok(Some(found))
    }

    fn projects_read(&self, key: &(String, String)) -> Option<ProjectId> {
        self.inner.projects.read().unwrap_or_else(PoisonError::into_inner).known.get(key).cloned()
    }

    pub(crate) fn forget_project(&self, tenant: &str, project: &str) {
        let key = (tenant.to_owned(), project.to_owned());
        let mut projects = self.inner.projects.write().unwrap_or_else(PoisonError::into_inner);
        projects.known.remove(&key);
        projects.epoch += 1;
    }
}

/// The model and migrations that a process works with: the built-in ones and those of `extra`.
pub(crate) fn load_model(extra: Option<&Path>) -> Result<(Arc<Model>, Arc<Migrations>)> {
    let mut files = ModelFiles::built_in();
    let mut migrations = Migrations::embedded().map_err(Error::internal)?;
    if let Some(dir) = extra {
        files = files.with_dir(dir).map_err(Error::internal)?;
        migrations = migrations.with_dir(dir).map_err(Error::internal)?;
    }
    let model = Model::load(&files).map_err(Error::internal)?;
    Ok((Arc::new(model), Arc::new(migrations)))
}
