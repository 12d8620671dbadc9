//! Commands as processes of their own, with nothing of this process's environment.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "shared by several test binaries"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A place of its own to run commands in.
pub struct Cli {
    home: TempDir,
    environment: Vec<(String, String)>,
}

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Cli {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// The directory that commands run in.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The data directory that commands use by themselves.
    pub fn data(&self) -> PathBuf {
        self.home().join("understory-data")
    }

    /// Sets a variable for the commands that follow.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.home().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_understory"));
        command.current_dir(self.home()).env_clear().envs(self.environment.iter().cloned()).args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs a command that must succeed; what it printed.
    pub fn ok(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.out
    }

    /// Runs a command with `--json` that must succeed; what it printed.
    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[args, &["--json"]].concat())).unwrap()
    }

    /// Runs a command with `--json` that must fail in this way; its message, causes and hint in one text.
    pub fn fails(&self, args: &[&str], code: i32, kind: &str) -> String {
        let ran = self.run(&[args, &["--json"]].concat());
        let said: Value = serde_json::from_str(&ran.err).unwrap_or_else(|error| panic!("{args:?}: {error}: {ran:?}"));
        let error = &said["error"];
        assert_eq!((ran.code, error["kind"].as_str()), (code, Some(kind)), "{args:?}: {ran:?}");
        assert_eq!(ran.out, "", "{args:?}: a failure has no result");
        format!("{} {} {}", error["message"], error["causes"], error["hint"])
    }
}
