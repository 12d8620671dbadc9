//! The settings file. It holds no secrets: keys come from the environment.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{CommandError, CommandResult};
use crate::providers::ProviderSettings;

const NAME: &str = "understory.toml";

/// What `understory.toml` says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSettings {
    /// The data directory. Paths are relative to the file.
    pub data: Option<PathBuf>,
    /// A directory with further entity files.
    pub model: Option<PathBuf>,
    /// A server to talk to.
    pub url: Option<String>,
    listen: Option<OneOrMore>,
    /// Origins that browsers may call from.
    pub cors_origins: Option<Vec<String>>,
    /// Proxies trusted to say how clients reached them.
    pub trusted_hops: Option<usize>,
    /// The greatest body accepted, in bytes.
    pub body_limit: Option<usize>,
    /// Connections to each database server.
    pub pool_size: Option<usize>,
    /// The most branches that a project may have.
    pub max_branches: Option<usize>,
    /// Who may register: open, invitation or closed.
    pub registration: Option<String>,
    /// Whether an answer that nobody reads any more is stopped.
    pub stop_unread_answers: Option<bool>,
    /// Providers of models by name.
    #[serde(default)]
    pub providers: BTreeMap<String, ProviderSettings>,
    /// The tenant of the simple API's projects.
    pub home_tenant: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "an address or a list of addresses")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl FileSettings {
    /// The file of the current directory, if it has one.
    pub fn find(here: &Path) -> CommandResult<Option<Self>> {
        Self::read(&here.join(NAME))
    }

    /// The file of a data directory; nothing if it has none.
    pub fn in_data(data: &Path) -> CommandResult<Self> {
        let path = data.join(NAME);
        let file = Self::read(&path)?.unwrap_or_default();
        if file.data.is_some() {
            let message = format!("{}: a data directory cannot say where the data is", path.display());
            return Err(CommandError::config(message).hint("remove the key `data`"));
        }
        Ok(file)
    }

    fn read(path: &Path) -> CommandResult<Option<Self>> {
        let unusable = |error: &dyn std::error::Error| {
            CommandError::config(format!("{} cannot be used", path.display())).because(error)
        };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                toml::from_str(&text).map(|file: Self| Some(file.within(path))).map_err(|error| unusable(&error))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(&error)),
        }
    }

    fn within(mut self, path: &Path) -> Self {
        let folder = path.parent().unwrap_or(Path::new(""));
        for path in [&mut self.data, &mut self.model].into_iter().flatten() {
            *path = folder.join(&*path);
        }
        self
    }

    /// Where a server listens.
    pub fn listen(&self) -> Option<Vec<String>> {
        match self.listen.as_ref()? {
            OneOrMore::One(address) => Some(vec![address.clone()]),
            OneOrMore::More(addresses) => Some(addresses.clone()),
        }
    }
}
