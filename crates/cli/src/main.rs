//! The `understory` command: serves a data directory, and works on what is in it.

mod address;
mod args;
mod changes;
mod commands;
mod commit;
mod conflict;
mod connect;
mod databases;
mod error;
mod fields;
mod file;
mod input;
mod names;
mod outcome;
mod output;
mod pages;
mod providers;
mod request;
mod resolve;
mod settings;
mod tree;
mod values;

use std::process::ExitCode;

fn main() -> ExitCode {
    args::run()
}
