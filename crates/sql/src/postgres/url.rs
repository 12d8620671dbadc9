//! Addresses of database servers.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::tls::Tls;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A statement that takes longer is given up, and its connection with it.
const PATIENCE: Duration = Duration::from_secs(30);
/// A server that went without a word is noticed after this.
const SILENCE: Duration = Duration::from_secs(15);

/// An address that cannot be used. The password is not in its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UrlError(String);

/// The address of a database on a server that speaks PostgreSQL's protocol. Shown, it has no password.
#[derive(Clone)]
pub struct ServerUrl {
    pub(super) config: Config,
    pub(super) tls: Tls,
    pub(super) patience: Duration,
}

impl ServerUrl {
    /// Reads `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…&sslrootcert=…`; `postgres://` and a driver's name
    /// (`postgresql+asyncpg://`) are understood too. `sslmode` means what it means to libpq, but that `allow` is taken
    /// as `prefer`, which is also the default.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| not_an_address(text))?;
        if !matches!(scheme.split('+').next(), Some("postgres" | "postgresql")) {
            return Err(UrlError(format!("{scheme}:// is no PostgreSQL address; one begins with postgresql://")));
        }
        let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (mut mode, mut root, mut kept) = (String::from("prefer"), None, Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => value.clone_into(&mut mode),
                Some(("sslrootcert", value)) => root = Some(PathBuf::from(value.replace("%2F", "/"))),
                _ => kept.push(parameter),
            }
        }
        let plain = format!("postgresql://{base}?{}", kept.join("&"));
        let config = Config::from_str(&plain);
        let mut config = config.map_err(|error| UrlError(format!("no PostgreSQL address: {}", cause(&error))))?;
        if config.get_hosts().is_empty() {
            return Err(UrlError("the address names no host".into()));
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(UrlError("the address names no database: it ends in /NAME".into()));
        }
        let tls = Tls::new(&mode, root).map_err(UrlError)?;
        config.ssl_mode(tls.mode()).connect_timeout(CONNECT_TIMEOUT).tcp_user_timeout(SILENCE);
        config.keepalives_idle(SILENCE);
        if config.get_application_name().is_none() {
            config.application_name("understory");
        }
        Ok(Self { config, tls, patience: PATIENCE })
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        self.config.get_dbname().unwrap_or_default()
    }

    /// The same server's other database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.config.dbname(name);
        other
    }

    /// The same server, of which an answer is waited for no longer than this: 30 seconds unless it is set.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// Whether connections may go unencrypted.
    pub fn may_be_plain(&self) -> bool {
        self.config.get_ssl_mode() != SslMode::Require
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => String::new(),
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        write!(f, "postgresql://{host}:{port}/{}", self.database())
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn not_an_address(text: &str) -> UrlError {
    let shown = if text.contains('@') { "what is given" } else { text };
    UrlError(format!("'{shown}' is no address: one looks like postgresql://USER:PASSWORD@HOST:5432/DATABASE"))
}

fn cause(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_the_password() {
        for text in [
            "postgresql://me:secret@db.example:5433/shop?sslmode=disable",
            "postgres://me:secret@db.example:5433/shop",
            "postgresql+asyncpg://me:secret@db.example:5433/shop?sslmode=require&application_name=x",
        ] {
            let url = ServerUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), "postgresql://db.example:5433/shop");
            assert!(!format!("{url:?}").contains("secret"));
            assert_eq!(url.with_database("other").to_string(), "postgresql://db.example:5433/other");
        }
        assert!(ServerUrl::parse("postgresql://h/d").unwrap().may_be_plain());
        assert!(!ServerUrl::parse("postgresql://h/d?sslmode=verify-full").unwrap().may_be_plain());
    }

    #[test]
    fn what_is_no_address_is_told_without_the_password() {
        for text in [
            "",
            "nonsense",
            "mysql://me:secret@h/d",
            "postgresql://me:secret@h",
            "postgresql://me:secret@h/",
            "postgresql:///d",
            "postgresql://me:secret@h:port/d",
            "postgresql://me:secret@h/d?sslmode=sometimes",
            "postgresql://me:secret@h/d?nonsense=1",
            "me:secret@h/d",
        ] {
            let error = ServerUrl::parse(text).unwrap_err().to_string();
            assert!(!error.contains("secret") && error.len() > 10, "{text}: {error}");
        }
    }
}
