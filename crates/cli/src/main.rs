//! The `understory` command: serves a data directory, and works on what is in it.

mod address;
mod args;
mod changes;
mod commands;
mod connect;
mod error;
mod file;
mod input;
mod names;
mod output;
mod request;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    args::run()
}
