//! The command line, and what becomes of it.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser};
use tracing_subscriber::EnvFilter;

use crate::commands::{Command, Context};
use crate::error::{CommandError, CommandResult};
use crate::output::Output;
use crate::settings::Settings;

/// The data layer under AI agents: configuration under version control, served over HTTP.
///
/// Commands talk to the server that runs on the data directory, or open the directory themselves when none does.
#[derive(Parser)]
#[command(name = "understory", version, max_term_width = 100, after_help = SETTINGS)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const SETTINGS: &str = "\
Settings come from flags, else the environment, else understory.toml in the current or the data directory:
  UNDERSTORY_DATA, UNDERSTORY_LISTEN, UNDERSTORY_MODEL, UNDERSTORY_CORS_ORIGINS, UNDERSTORY_TRUSTED_HOPS,
  UNDERSTORY_BODY_LIMIT, UNDERSTORY_MAX_BRANCHES, UNDERSTORY_HOME_TENANT; UNDERSTORY_MANAGE_DATABASE_URL,
  UNDERSTORY_RUNTIME_DATABASE_URL and UNDERSTORY_POOL_SIZE for data on database servers; UNDERSTORY_ADMIN_KEY,
  UNDERSTORY_REGISTRATION, JWT_SECRET and UNDERSTORY_STOP_UNREAD_ANSWERS for `serve`; OLLAMA_HOST, OPENAI_API_KEY and
  OPENAI_BASE_URL for the models that agents answer with; UNDERSTORY_URL and UNDERSTORY_KEY for commands that talk to a
  server elsewhere. RUST_LOG sets what is logged.

Exit codes: 1 wrong input, 2 wrong usage or settings, 3 busy, 4 anything else.";

/// Flags of all commands.
#[derive(Args, Default)]
pub struct Global {
    /// Directory with the data [default: understory-data]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub data: Option<PathBuf>,
    /// Address of a running server, instead of a data directory
    #[arg(long, global = true, value_name = "URL", conflicts_with = "data", help_heading = "Everywhere")]
    pub url: Option<String>,
    /// DoltGres database for versioned configuration, instead of files in the data directory
    #[arg(long, global = true, value_name = "URL", conflicts_with = "url", help_heading = "Everywhere")]
    pub manage_url: Option<String>,
    /// PostgreSQL database for runtime data, instead of a file in the data directory
    #[arg(long, global = true, value_name = "URL", conflicts_with = "url", help_heading = "Everywhere")]
    pub runtime_url: Option<String>,
    /// Directory with further entity files and their migrations
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub model: Option<PathBuf>,
    /// Print JSON, errors too
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
}

/// Runs the command that this process was started with.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let json = cli.global.json;
    match execute(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(json),
    }
}

fn execute(cli: Cli) -> CommandResult<()> {
    log_to_stderr(&cli.command)?;
    let settings = Settings::read(&cli.global)?;
    let output = Output::new(cli.global.json);
    cli.command.run(&Context { settings, output })
}

/// Help and version are no errors; whatever else is wrong with the command line is said as it was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !asked && std::env::args().any(|argument| argument == "--json") {
        let text = error.to_string();
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        return CommandError::config(message).hint("`understory help` shows how commands are called").report(true);
    }
    // Nothing is left to do if even this cannot be printed.
    let _ = error.print();
    if asked { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

fn log_to_stderr(command: &Command) -> CommandResult<()> {
    // What fails in this process is told as the command's own error.
    let default = if matches!(command, Command::Serve(_)) { "info" } else { "warn,understory_server::problem=off" };
    let given = std::env::var("RUST_LOG").ok().filter(|filter| !filter.trim().is_empty());
    let filter = EnvFilter::builder().parse(given.as_deref().unwrap_or(default));
    let filter = filter.map_err(|error| CommandError::config(format!("RUST_LOG: {error}")))?;
    let terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(terminal).init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
