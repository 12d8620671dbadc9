//! Settings: flags before the environment before `understory.toml`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use understory::llm::Providers;
use understory::{HOME_TENANT, MAX_BRANCHES, Options, Registration, Secret};

use crate::args::Global;
use crate::databases::Databases;
use crate::error::{CommandError, CommandResult};
use crate::file::FileSettings;

const DATA: &str = "understory-data";
const LISTEN: &str = "127.0.0.1:3002";

/// Names of the variable that holds the admin key, ours first.
const ADMIN_KEY: [&str; 2] = ["UNDERSTORY_ADMIN_KEY", "INKEEP_AGENTS_MANAGE_API_BYPASS_SECRET"];

/// What is set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The data directory.
    pub data: PathBuf,
    /// Whether the data is kept nowhere: tests, where no directory is named.
    pub memory: bool,
    /// A directory with further entity files.
    pub model: Option<PathBuf>,
    /// A server to talk to, instead of the data directory.
    pub url: Option<String>,
    /// The key to talk with.
    pub key: Option<String>,
    /// The admin key that a server is to accept.
    pub admin_key: Option<String>,
    /// Where a server listens.
    pub listen: Vec<SocketAddr>,
    /// How a server is set up.
    pub server: understory_server::Settings,
    /// The most branches that a project may have.
    pub max_branches: usize,
    /// The tenant of the simple API's projects.
    pub home_tenant: String,
    /// The database servers that hold the data, where it is not in the directory.
    pub databases: Databases,
    /// The models that agents may answer with.
    pub providers: Arc<Providers>,
    /// Who may register; where it is not set, anybody while only this machine can reach the server.
    pub registration: Option<Registration>,
    /// What access tokens are signed with, where it is given.
    pub token_secret: Option<Secret>,
}

/// The fewest characters of a secret that signs tokens.
const MIN_TOKEN_SECRET: usize = 32;

/// The environment: a variable that is empty is not set.
pub(crate) struct Environment<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Environment<'a> {
    #[cfg(test)]
    pub(crate) fn new(look: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(look)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// A list separated by commas.
    fn list(&self, name: &str) -> Option<Vec<String>> {
        let items = self.text(name)?;
        Some(items.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect())
    }

    fn flag(&self, name: &str) -> CommandResult<Option<bool>> {
        let parse = |text: String| match text.as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(CommandError::config(format!("{name}: '{text}' is neither true nor false"))),
        };
        self.text(name).map(parse).transpose()
    }

    pub(crate) fn number(&self, name: &str) -> CommandResult<Option<usize>> {
        let parse = |text: String| {
            text.parse::<usize>().map_err(|_| CommandError::config(format!("{name}: '{text}' is no whole number")))
        };
        self.text(name).map(parse).transpose()
    }
}

impl Settings {
    /// Reads the settings of this process.
    pub fn read(flags: &Global) -> CommandResult<Self> {
        Self::layered(flags, &|name| std::env::var(name).ok(), Path::new(""))
    }

    fn layered(flags: &Global, environment: &dyn Fn(&str) -> Option<String>, here: &Path) -> CommandResult<Self> {
        let environment = Environment(environment);
        let (flag, set) = (flags.data.clone(), environment.path("UNDERSTORY_DATA"));
        let file = match FileSettings::find(here)? {
            Some(file) => file,
            None => FileSettings::in_data(flag.as_ref().or(set.as_ref()).unwrap_or(&here.join(DATA)))?,
        };
        let named = flag.clone().or(set.clone()).or(file.data.clone());
        let memory = named.is_none() && environment.text("ENVIRONMENT").as_deref() == Some("test");
        // A directory that is named nearer by wins over an address that is named farther off.
        let far = environment.text("UNDERSTORY_URL").or_else(|| file.url.clone().filter(|_| set.is_none()));
        let url = flags.url.clone().or_else(|| far.filter(|_| flag.is_none()));
        let listen = match environment.list("UNDERSTORY_LISTEN").or(file.listen()) {
            Some(listen) => listen.iter().map(|text| address(text)).collect::<Result<_, _>>(),
            None => address(LISTEN).map(|address| vec![address]),
        };
        let defaults = understory_server::Settings::default();
        let hops = environment.number("UNDERSTORY_TRUSTED_HOPS")?;
        let limit = environment.number("UNDERSTORY_BODY_LIMIT")?;
        let branches = environment.number("UNDERSTORY_MAX_BRANCHES")?;
        let stop = environment.flag("UNDERSTORY_STOP_UNREAD_ANSWERS")?;
        let home = environment.text("UNDERSTORY_HOME_TENANT").or(file.home_tenant);
        let origins = environment.list("UNDERSTORY_CORS_ORIGINS").or(file.cors_origins);
        Ok(Self {
            data: named.unwrap_or_else(|| here.join(DATA)),
            memory,
            model: flags.model.clone().or(environment.path("UNDERSTORY_MODEL")).or(file.model),
            url,
            key: environment.text("UNDERSTORY_KEY"),
            admin_key: ADMIN_KEY.into_iter().find_map(|name| environment.text(name)),
            listen: listen.map_err(|error| CommandError::config(format!("listen: {error}")))?,
            server: understory_server::Settings {
                cors_origins: origins.unwrap_or(defaults.cors_origins),
                trusted_hops: hops.or(file.trusted_hops).unwrap_or(defaults.trusted_hops),
                body_limit: limit.or(file.body_limit).unwrap_or(defaults.body_limit),
                stop_unread_answers: stop.or(file.stop_unread_answers).unwrap_or(defaults.stop_unread_answers),
                sockets: defaults.sockets,
            },
            max_branches: branches.or(file.max_branches).unwrap_or(MAX_BRANCHES),
            home_tenant: home.unwrap_or_else(|| HOME_TENANT.to_owned()),
            databases: Databases::read(flags, &environment, file.pool_size)?,
            providers: crate::providers::read(&environment, &file.providers)?,
            registration: registration(environment.text("UNDERSTORY_REGISTRATION").or(file.registration))?,
            token_secret: token_secret(&environment)?,
        })
    }

    /// The same for a command that brings database servers to the newest schema.
    #[must_use]
    pub fn migrating(&self) -> Self {
        let mut settings = self.clone();
        settings.databases.migrate = true;
        settings
    }

    /// How the data directory is opened.
    pub fn options(&self) -> Options {
        let mut options = Options::new(&self.data);
        options.admin_key.clone_from(&self.admin_key);
        options.model.clone_from(&self.model);
        options.max_branches = self.max_branches;
        options.home_tenant.clone_from(&self.home_tenant);
        options.manage_url.clone_from(&self.databases.manage);
        options.runtime_url.clone_from(&self.databases.runtime);
        options.pool_size = self.databases.pool_size;
        options.migrate_servers = self.databases.migrate;
        options.providers = Arc::clone(&self.providers);
        options.people.token_secrets = self.token_secret.iter().cloned().collect();
        options
    }
}

fn registration(text: Option<String>) -> CommandResult<Option<Registration>> {
    let read = |text: String| {
        let bad = || CommandError::config(format!("registration: '{text}' is none of open, invitation and closed"));
        Registration::parse(&text).ok_or_else(bad)
    };
    text.map(read).transpose()
}

fn token_secret(environment: &Environment<'_>) -> CommandResult<Option<Secret>> {
    match environment.text("JWT_SECRET") {
        Some(secret) if secret.chars().count() < MIN_TOKEN_SECRET => {
            Err(CommandError::config(format!("JWT_SECRET has fewer than {MIN_TOKEN_SECRET} characters"))
                .hint("take random ones, or leave it out: then one is made and kept"))
        }
        secret => Ok(secret.map(Secret::of)),
    }
}

/// An address to listen on.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("'{text}' is no address; write IP:PORT, as {LISTEN} or [::1]:3002"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn flags(data: Option<&str>, url: Option<&str>) -> Global {
        Global { data: data.map(Into::into), url: url.map(Into::into), ..Global::default() }
    }

    fn read(flags: &Global, environment: &[(&str, &str)], file: &str) -> CommandResult<Settings> {
        let environment: BTreeMap<&str, &str> = environment.iter().copied().collect();
        let here = tempfile::tempdir().unwrap();
        if !file.is_empty() {
            std::fs::write(here.path().join("understory.toml"), file).unwrap();
        }
        Settings::layered(flags, &|name| environment.get(name).map(ToString::to_string), here.path())
    }

    #[test]
    fn flags_win_over_the_environment_and_it_over_the_file() {
        let file = "data = 'filed'\nlisten = ['127.0.0.1:1', '127.0.0.1:2']\nbody_limit = 5\ntrusted_hops = 2\nmax_branches = 9";
        let environment =
            [("UNDERSTORY_DATA", "set"), ("UNDERSTORY_BODY_LIMIT", "7"), ("UNDERSTORY_TRUSTED_HOPS", " ")];
        let nothing = flags(None, None);
        assert!(read(&nothing, &[], "").unwrap().data.ends_with(DATA));
        let settings = read(&nothing, &[], file).unwrap();
        assert!(settings.data.ends_with("filed"));
        assert_eq!((settings.listen.len(), settings.max_branches), (2, 9));
        let settings = read(&nothing, &environment, file).unwrap();
        assert_eq!((settings.data, settings.server.body_limit, settings.server.trusted_hops), ("set".into(), 7, 2));
        assert_eq!(read(&flags(Some("flag"), None), &environment, file).unwrap().data, Path::new("flag"));
    }

    #[test]
    fn a_directory_named_nearer_by_wins_over_an_address() {
        let both = [("UNDERSTORY_URL", "http://set"), ("UNDERSTORY_DATA", "set")];
        assert_eq!(read(&flags(None, None), &both, "").unwrap().url.as_deref(), Some("http://set"));
        assert_eq!(read(&flags(Some("flag"), None), &both, "").unwrap().url, None);
        assert_eq!(read(&flags(None, Some("http://flag")), &both, "").unwrap().url.as_deref(), Some("http://flag"));
        assert_eq!(read(&flags(None, None), &both[1..], "url = 'http://filed'").unwrap().url, None);
    }

    #[test]
    fn names_of_others_stand_in_for_ours() {
        let theirs = ("INKEEP_AGENTS_MANAGE_API_BYPASS_SECRET", "theirs");
        let key = |environment: &[(&str, &str)]| read(&flags(None, None), environment, "").unwrap().admin_key;
        assert_eq!(key(&[theirs]).as_deref(), Some("theirs"));
        assert_eq!(key(&[theirs, ("UNDERSTORY_ADMIN_KEY", "ours")]).as_deref(), Some("ours"));
    }

    #[test]
    fn tests_keep_nothing_unless_a_directory_is_named() {
        let memory = |flags: &Global, environment: &[(&str, &str)]| read(flags, environment, "").unwrap().memory;
        assert!(memory(&flags(None, None), &[("ENVIRONMENT", "test")]));
        assert!(!memory(&flags(Some("x"), None), &[("ENVIRONMENT", "test")]));
        assert!(!memory(&flags(None, None), &[("ENVIRONMENT", "test"), ("UNDERSTORY_DATA", "x")]));
        assert!(!memory(&flags(None, None), &[]));
    }

    #[test]
    fn databases_are_found_under_every_name() {
        let url = |environment: &[(&str, &str)]| {
            let databases = read(&flags(None, None), environment, "").unwrap().databases;
            (databases.manage.map(|url| url.to_string()), databases.runtime.map(|url| url.to_string()))
        };
        let shown = |text: &str| Some(text.to_owned());
        assert_eq!(url(&[]), (None, None));
        let set = ("UNDERSTORY_MANAGE_DATABASE_URL", "postgresql://u:p@one:1/m");
        assert_eq!(url(&[set]), (shown("postgresql://one:1/m"), None));
        let theirs = ("INKEEP_AGENTS_MANAGE_DATABASE_URL", "postgresql://u:p@two:2/m");
        assert_eq!(url(&[set, theirs]).0, shown("postgresql://one:1/m"));
        assert_eq!(url(&[theirs]).0, shown("postgresql://two:2/m"));
        assert_eq!(url(&[("INKEEP_AGENTS_RUN_DATABASE_URL", "postgres://h/r")]).1, shown("postgresql://h:5432/r"));
        assert_eq!(url(&[("DATABASE_URL", "postgresql+asyncpg://h/r")]).1, shown("postgresql://h:5432/r"));
        let parts =
            [("DB_HOST", "h"), ("DB_PORT", "7"), ("DB_USERNAME", "u@"), ("DB_PASSWORD", "p/?"), ("DB_NAME", "d")];
        assert_eq!(url(&parts).1, shown("postgresql://h:7/d"));
        assert_eq!(url(&[("DATABASE_URL", "postgres://h/r"), parts[0]]).1, shown("postgresql://h:5432/r"));
    }

    #[test]
    fn a_database_that_cannot_be_used_is_an_error() {
        for (name, url) in [
            ("UNDERSTORY_MANAGE_DATABASE_URL", "mysql://u:secret@h/d"),
            ("DATABASE_URL", "sqlite:///x.db"),
            ("UNDERSTORY_RUNTIME_DATABASE_URL", "postgresql://u:secret@h"),
            ("POSTGRES_POOL_SIZE", "many"),
        ] {
            let error = format!("{:?}", read(&flags(None, None), &[(name, url)], "").unwrap_err());
            assert!(error.contains(name) && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let fails = |environment: &[(&str, &str)], file: &str| {
            format!("{:?}", read(&flags(None, None), environment, file).unwrap_err())
        };
        assert!(fails(&[("UNDERSTORY_BODY_LIMIT", "2 MiB")], "").contains("UNDERSTORY_BODY_LIMIT"));
        assert!(fails(&[("UNDERSTORY_LISTEN", "3002")], "").contains("IP:PORT"));
        assert!(fails(&[], "port = 3002").contains("unknown field `port`"));
        assert!(fails(&[], "admin_key = 'x'").contains("unknown field `admin_key`"));
        assert!(fails(&[], "listen = 3002").contains("listen"));
    }
}
