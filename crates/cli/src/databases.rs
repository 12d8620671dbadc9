//! The database servers that hold the data, where they are set. Nothing stands in for one that is set.

use understory::{POOL_SIZE, ServerUrl};

use crate::args::Global;
use crate::error::{CommandError, CommandResult};
use crate::settings::Environment;

/// Names of the variable with the address, ours first.
const MANAGE: [&str; 2] = ["UNDERSTORY_MANAGE_DATABASE_URL", "INKEEP_AGENTS_MANAGE_DATABASE_URL"];
const RUNTIME: [&str; 3] = ["UNDERSTORY_RUNTIME_DATABASE_URL", "INKEEP_AGENTS_RUN_DATABASE_URL", "DATABASE_URL"];
const SIZE: [&str; 2] = ["UNDERSTORY_POOL_SIZE", "POSTGRES_POOL_SIZE"];

/// Where the data is, if not in the data directory.
#[derive(Clone, Debug)]
pub struct Databases {
    /// Versioned configuration.
    pub manage: Option<ServerUrl>,
    /// Runtime data.
    pub runtime: Option<ServerUrl>,
    /// Connections to each.
    pub pool_size: usize,
    /// Whether they are brought to the newest schema: only for commands that are asked to.
    pub migrate: bool,
}

impl Databases {
    /// Reads flags before the environment.
    pub fn read(flags: &Global, environment: &Environment<'_>, filed: Option<usize>) -> CommandResult<Self> {
        let set =
            |names: &[&'static str]| names.iter().find_map(|name| environment.text(name).map(|text| (*name, text)));
        let manage = flags.manage_url.clone().map(|text| ("--manage-url", text)).or_else(|| set(&MANAGE));
        let runtime = flags.runtime_url.clone().map(|text| ("--runtime-url", text)).or_else(|| set(&RUNTIME));
        let runtime = runtime.or_else(|| parts(environment).map(|text| ("DB_HOST", text)));
        let mut size = filed;
        for name in SIZE.into_iter().rev() {
            size = environment.number(name)?.or(size);
        }
        Ok(Self {
            manage: manage.map(parse).transpose()?,
            runtime: runtime.map(parse).transpose()?,
            pool_size: size.unwrap_or(POOL_SIZE),
            migrate: false,
        })
    }
}

fn parse((name, text): (&str, String)) -> CommandResult<ServerUrl> {
    let wrong = |detail: String| CommandError::config(format!("{name}: {detail}"));
    if text.starts_with("sqlite:") {
        let error = wrong("the embedded database has no address of its own".into());
        return Err(error.hint("leave it out, and name the data directory with --data or UNDERSTORY_DATA"));
    }
    ServerUrl::parse(&text).map_err(|error| wrong(error.to_string()))
}

/// The address that `DB_HOST` and its kin say.
fn parts(environment: &Environment<'_>) -> Option<String> {
    let host = environment.text("DB_HOST")?;
    let or = |name: &str, other: &str| escaped(&environment.text(name).unwrap_or_else(|| other.to_owned()));
    let (user, database) = (or("DB_USERNAME", "postgres"), or("DB_NAME", "postgres"));
    let password = environment.text("DB_PASSWORD").map(|text| format!(":{}", escaped(&text))).unwrap_or_default();
    Some(format!("postgresql://{user}{password}@{host}:{}/{database}", or("DB_PORT", "5432")))
}

/// A text as a part of an address has it.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}
