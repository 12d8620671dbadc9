//! Backups while serving, and what restores refuse.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;
mod support;

use std::fs;

use cli::Cli;
use serde_json::json;
use support::Process;

#[test]
fn a_backup_made_while_serving_restores() {
    let cli = Cli::new();
    let server = Process::start(&cli.data(), &[]);
    cli.ok(&["demo"]);
    let log = cli.ok(&["log", "-p", "demo/support"]);
    let said = cli.ok(&["backup", "copy"]);
    assert!(said.starts_with("Backed up 1 project to "), "{said}");
    cli.ok(&["set", "-p", "demo/support", "support/router", "prompt=Later."]);
    cli.ok(&["restore", "copy", "--data", "restored"]);
    assert_eq!(cli.ok(&["log", "-p", "demo/support", "--data", "restored"]), log);
    assert_ne!(cli.ok(&["log", "-p", "demo/support"]), log);
    let said = cli.fails(&["backup", "copy"], 1, "user");
    assert!(said.contains("not empty"), "{said}");
    let said = cli.fails(&["restore", "copy", "--data", "restored"], 1, "user");
    assert!(said.contains("holds data already"), "{said}");

    // Whoever holds a key may not name paths on the server's machine: only its own user may.
    let dir = cli.home().join("by-http");
    let (status, _) = server.client().send("POST", "/manage/backup", Some(&json!({ "dir": dir }))).unwrap();
    assert_eq!((status, dir.exists()), (403, false));
}

#[test]
fn a_damaged_backup_is_refused() {
    let cli = Cli::new();
    cli.ok(&["demo"]);
    cli.ok(&["backup", "copy"]);
    let copy = cli.home().join("copy");
    let file = fs::read_dir(copy.join("projects")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    let said = cli.fails(&["restore", "copy", "--data", "restored"], 1, "user");
    assert!(said.contains("checksum") && said.contains(file.file_name().unwrap().to_str().unwrap()), "{said}");
    assert!(!cli.home().join("restored").join("runtime.db").exists());
    let said = cli.fails(&["restore", "nothing-here", "--data", "restored"], 1, "user");
    assert!(said.contains("no backup"), "{said}");
}
