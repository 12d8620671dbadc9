//! The providers of models that a server answers with: from the environment and the settings file.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use understory::llm::{BaseUrl, Endpoint, Ollama, OpenAi, Provider, Providers, Reach};

use crate::error::{CommandError, CommandResult};
use crate::settings::Environment;

const OLLAMA: &str = "http://127.0.0.1:11434";
const OLLAMA_PORT: u16 = 11434;
const OPENAI: &str = "https://api.openai.com/v1";

/// A provider, as `[providers.NAME]` in the settings file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// Where it is: `http://host:port/path`.
    base_url: String,
    #[serde(default)]
    protocol: Protocol,
    /// Name of the environment's variable that holds its key: keys are not written into files.
    key_env: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    #[default]
    Openai,
    Ollama,
}

/// All providers: the echo, Ollama, OpenAI where there is a key or an address for it, and those of the file.
pub(crate) fn read(
    environment: &Environment<'_>,
    file: &BTreeMap<String, ProviderSettings>,
) -> CommandResult<Arc<Providers>> {
    let providers = Providers::with_echo();
    let set = |name: &str, provider: Arc<dyn Provider>| {
        providers.set(name, provider).map_err(|error| CommandError::config(format!("providers.{name}: {error}")))
    };
    let host = environment.text("OLLAMA_HOST").map_or_else(|| OLLAMA.to_owned(), |host| ollama_url(&host));
    set("ollama", provider(Protocol::Ollama, &host, None, "OLLAMA_HOST")?)?;
    let (key, base) = (environment.text("OPENAI_API_KEY"), environment.text("OPENAI_BASE_URL"));
    if key.is_some() || base.is_some() {
        let base = base.unwrap_or_else(|| OPENAI.to_owned());
        set("openai", provider(Protocol::Openai, &base, key.as_deref(), "OPENAI_BASE_URL")?)?;
    }
    for (name, settings) in file {
        let key = settings.key_env.as_deref().map(|variable| {
            let missing = || CommandError::config(format!("providers.{name}: {variable} is not set"));
            environment.text(variable).ok_or_else(missing)
        });
        let (key, place) = (key.transpose()?, format!("providers.{name}"));
        set(name, provider(settings.protocol, &settings.base_url, key.as_deref(), &place)?)?;
    }
    Ok(Arc::new(providers))
}

/// Whoever sets the server up says where providers are, so that they may be in a private network.
fn provider(protocol: Protocol, base: &str, key: Option<&str>, place: &str) -> CommandResult<Arc<dyn Provider>> {
    let wrong = |error: &dyn std::fmt::Display| CommandError::config(format!("{place}: {error}"));
    let mut endpoint = Endpoint::new(BaseUrl::parse(base, Reach::Anywhere).map_err(|error| wrong(&error))?);
    if let Some(key) = key {
        endpoint = endpoint.with_key(key).map_err(|error| wrong(&error))?;
    }
    Ok(match protocol {
        Protocol::Openai => Arc::new(OpenAi::new(endpoint)),
        Protocol::Ollama => Arc::new(Ollama::new(endpoint)),
    })
}

/// `OLLAMA_HOST` as Ollama itself takes it: a URL, or host and port, either of which may be missing. Where it says to
/// listen everywhere, it is reached here.
fn ollama_url(host: &str) -> String {
    if host.contains("://") {
        return host.to_owned();
    }
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() && !name.ends_with(':') => (name, port.to_owned()),
        _ => (host, OLLAMA_PORT.to_string()),
    };
    let name = if matches!(name, "" | "0.0.0.0" | "[::]") { "127.0.0.1" } else { name };
    format!("http://{name}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(environment: &[(&str, &str)], file: &str) -> CommandResult<Vec<String>> {
        let environment: BTreeMap<&str, &str> = environment.iter().copied().collect();
        let look = |name: &str| environment.get(name).map(ToString::to_string);
        Ok(read(&Environment::new(&look), &toml::from_str(file).unwrap())?.list())
    }

    #[test]
    fn a_host_of_ollama_is_what_ollama_takes() {
        for (host, url) in [
            ("http://gpu:1234/ollama", "http://gpu:1234/ollama"),
            ("gpu", "http://gpu:11434"),
            ("gpu:80", "http://gpu:80"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            (":99", "http://127.0.0.1:99"),
        ] {
            assert_eq!(ollama_url(host), url);
        }
    }

    #[test]
    fn providers_come_from_the_environment_and_the_file() {
        assert_eq!(names(&[], "").unwrap(), ["echo", "ollama"]);
        assert_eq!(names(&[("OPENAI_API_KEY", "sk-1")], "").unwrap(), ["echo", "ollama", "openai"]);
        let file = "[fast]\nbase_url = 'http://127.0.0.1:1/v1'\nkey_env = 'FAST_KEY'";
        assert_eq!(names(&[("FAST_KEY", "k")], file).unwrap(), ["echo", "fast", "ollama"]);
        assert!(format!("{:?}", names(&[], file).unwrap_err()).contains("FAST_KEY is not set"));
        assert!(names(&[("OLLAMA_HOST", "ftp://x")], "").is_err());
    }
}
