//! Where data is, and how it is opened to be copied from there or to there.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use understory_manage::doltgres::DoltGres;
use understory_manage::doltlite::DoltLite;
use understory_manage::{ConfigStore, StoreError};
use understory_runtime::{RUNTIME_FILE, RuntimeError, RuntimeStore};
use understory_sql::Store;
use understory_sql::migration::Migrate;
use understory_sql::postgres::ServerUrl;

use super::Setting;
use super::marker::Marker;
use super::served::refuse_served;
use super::tables::has_rows;
use crate::lock::DataLock;
use crate::migrate::runtime_ledger;
use crate::{Error, Result};

const PROJECTS: &str = "projects";

/// Where data is: in a directory, or in two databases on servers.
#[derive(Clone, Debug)]
pub enum Place {
    /// A data directory.
    Directory(PathBuf),
    /// Databases on servers.
    Servers(Box<Servers>),
}

/// The databases of a place on servers.
#[derive(Clone, Debug)]
pub struct Servers {
    /// The DoltGres database of versioned configuration.
    pub manage: ServerUrl,
    /// The PostgreSQL database of runtime data.
    pub runtime: ServerUrl,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if !text.contains("://") {
            return if text.is_empty() { Err("it names no place".into()) } else { Ok(Self::Directory(text.into())) };
        }
        // An address may have commas of its own, between hosts.
        let two = text.match_indices(',').find(|(at, _)| text[at + 1..].starts_with("postgres"));
        let (at, _) = two.ok_or("databases are named as MANAGE_URL,RUNTIME_URL: DoltGres first, then PostgreSQL")?;
        let parse = |text: &str| ServerUrl::parse(text).map_err(|error| error.to_string());
        let (manage, runtime) = (parse(&text[..at])?, parse(&text[at + 1..])?);
        Ok(Self::Servers(Box::new(Servers { manage, runtime })))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "{}", path.display()),
            Self::Servers(servers) => write!(f, "{},{}", servers.manage, servers.runtime),
        }
    }
}

impl Place {
    /// The place's name wherever it is asked for.
    pub(super) fn identity(&self) -> String {
        match self {
            Self::Directory(path) => {
                let absolute = path.canonicalize().or_else(|_| std::path::absolute(path));
                absolute.unwrap_or_else(|_| path.clone()).display().to_string()
            }
            Self::Servers(_) => self.to_string(),
        }
    }
}

/// Both stores of a place, open.
pub(super) struct Stores {
    pub(super) store: Arc<dyn ConfigStore>,
    pub(super) runtime: RuntimeStore,
    _lock: Option<DataLock>,
}

impl Stores {
    /// Opens what is there as it is: what lacks migrations is refused.
    pub(super) async fn open_source(place: &Place, setting: &Setting) -> Result<Self> {
        let stores = match place {
            Place::Directory(path) => {
                require_data(path)?;
                let lock = DataLock::take(path).map_err(Error::internal)?;
                require_newest(path, setting)?;
                Self::in_directory(path, lock, setting)?
            }
            Place::Servers(servers) => Self::on_servers(servers, Migrate::Refuse, setting).await?,
        };
        refuse_served(&stores.runtime, &setting.model, "the place to copy from").await?;
        Ok(stores)
    }

    /// Opens what is to be filled, after making sure that there is nothing else, and makes it ready.
    pub(super) async fn open_target(place: &Place, setting: &Setting, marker: &Marker) -> Result<Self> {
        let stores = match place {
            Place::Directory(path) => Self::target_directory(path, setting, marker).await?,
            Place::Servers(servers) => Self::target_servers(servers, setting, marker).await?,
        };
        let stores =
            stores.ok_or_else(|| Error::Conflict(format!("{place} holds data already; name an empty place")))?;
        refuse_served(&stores.runtime, &setting.model, "the place to copy to").await?;
        marker.begin(&stores.runtime).await?;
        Ok(stores)
    }

    /// None if the directory holds anything but the beginning of this copy.
    async fn target_directory(path: &Path, setting: &Setting, marker: &Marker) -> Result<Option<Self>> {
        let lock = DataLock::take(path).map_err(Error::internal)?;
        let has_projects = has_projects(&path.join(PROJECTS))?;
        let is_new = !path.join(RUNTIME_FILE).exists();
        if is_new && has_projects {
            return Ok(None);
        }
        if !is_new {
            require_newest(path, setting)?;
        }
        let stores = Self::in_directory(path, lock, setting)?;
        let free = marker.resumes(&stores.runtime).await?
            || !(has_projects || has_rows(&stores.runtime, &setting.model).await?);
        Ok(free.then_some(stores))
    }

    /// None if the databases hold anything but the beginning of this copy. Both are looked at before either is made
    /// ready: a mistake in one address must not leave tables at the other.
    async fn target_servers(servers: &Servers, setting: &Setting, marker: &Marker) -> Result<Option<Self>> {
        let Servers { manage, runtime } = servers;
        let all = |store| setting.migrations.of(store).len();
        let (resumes, has_rows) = match open_runtime(runtime, Migrate::Refuse, setting).await {
            Ok(found) => (marker.resumes(&found).await?, has_rows(&found, &setting.model).await?),
            Err(RuntimeError::Behind { pending }) if pending.len() == all(Store::Runtime) => (false, false),
            Err(error) => return Err(error.into()),
        };
        let has_projects = match open_manage(manage, Migrate::Refuse, setting).await {
            Ok(found) => found.has_projects().await?,
            Err(StoreError::Behind { pending }) if pending.len() == all(Store::Manage) => false,
            Err(error) => return Err(error.into()),
        };
        if !resumes && (has_rows || has_projects) {
            return Ok(None);
        }
        Self::on_servers(servers, Migrate::Run, setting).await.map(Some)
    }

    fn in_directory(path: &Path, lock: DataLock, setting: &Setting) -> Result<Self> {
        let (model, migrations) = (Arc::clone(&setting.model), Arc::clone(&setting.migrations));
        let store = DoltLite::open(&path.join(PROJECTS), model, migrations)?;
        let runtime = RuntimeStore::open(path, &setting.migrations)?;
        Ok(Self { store: Arc::new(store), runtime, _lock: Some(lock) })
    }

    async fn on_servers(servers: &Servers, migrate: Migrate, setting: &Setting) -> Result<Self> {
        let store = open_manage(&servers.manage, migrate, setting).await?;
        let runtime = open_runtime(&servers.runtime, migrate, setting).await?;
        Ok(Self { store: Arc::new(store), runtime, _lock: None })
    }
}

async fn open_manage(
    url: &ServerUrl,
    migrate: Migrate,
    setting: &Setting,
) -> std::result::Result<DoltGres, StoreError> {
    let (model, migrations) = (Arc::clone(&setting.model), Arc::clone(&setting.migrations));
    DoltGres::connect(url, setting.pool_size, model, migrations, migrate).await
}

async fn open_runtime(
    url: &ServerUrl,
    migrate: Migrate,
    setting: &Setting,
) -> std::result::Result<RuntimeStore, RuntimeError> {
    RuntimeStore::connect(url, setting.pool_size, &setting.migrations, migrate).await
}

fn require_data(path: &Path) -> Result<()> {
    match path.join(RUNTIME_FILE).exists() {
        true => Ok(()),
        false => Err(Error::BadRequest(format!("there is no data in {}", path.display()))),
    }
}

/// Opening a runtime store's file would migrate it.
fn require_newest(path: &Path, setting: &Setting) -> Result<()> {
    let pending = setting.migrations.pending(Store::Runtime, &runtime_ledger(path)?).map_err(Error::internal)?;
    match pending.is_empty() {
        true => Ok(()),
        false => Err(Error::Conflict(format!(
            "{} lacks {} migration(s): run `understory migrate` on it first",
            path.display(),
            pending.len()
        ))),
    }
}

fn has_projects(directory: &Path) -> Result<bool> {
    if !directory.exists() {
        return Ok(false);
    }
    for entry in std::fs::read_dir(directory).map_err(Error::internal)? {
        let path = entry.map_err(Error::internal)?.path();
        if path.extension().is_some_and(|end| end == "db") {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_directories_or_two_addresses() {
        assert!(matches!("data/x,y".parse(), Ok(Place::Directory(path)) if path == Path::new("data/x,y")));
        let both = "postgresql://u:p@a,b:5433/m,postgres://u:q@c/r".parse::<Place>().unwrap();
        assert_eq!(both.to_string(), "postgresql://a:5432/m,postgresql://c:5432/r");
        for bad in ["", "postgresql://h/m", "mysql://h/m,postgresql://h/r", "postgresql://h/m,postgresql://h"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
