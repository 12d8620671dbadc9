//! `doctor` tells what is wrong by its exit code and in words, and mends what it can.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;
mod support;

use cli::Cli;
use serde_json::{Value, json};
use support::Process;

#[test]
fn what_is_wrong_is_told_and_mended() {
    let cli = Cli::new();
    cli.ok(&["demo"]);
    assert_eq!(cli.ok(&["doctor"]), "Examined 1 project and 2 branch heads: healthy\n");
    let projects = cli.data().join("projects");
    let file = std::fs::read_dir(&projects).unwrap().next().unwrap().unwrap().path();
    std::fs::copy(file, projects.join("u9.db")).unwrap();

    let ran = cli.run(&["doctor"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.out.starts_with("fault data u9: ") && ran.out.contains("doctor --fix"), "{ran:?}");
    assert_eq!(ran.err, "error: the data have 1 fault\n");
    let ran = cli.run(&["doctor", "--json"]);
    let said: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &said["healthy"], &said["findings"][0]["kind"]), (1, &json!(false), &json!("data-orphaned")));

    let mended = cli.ok(&["doctor", "--fix"]);
    assert!(mended.starts_with("note  data u9: ") && mended.ends_with(": healthy\n"), "{mended}");
    assert!(!projects.join("u9.db").exists());
    assert_eq!(cli.json(&["doctor"])["findings"], json!([]));
}

#[test]
fn a_running_server_is_asked() {
    let cli = Cli::new();
    let _server = Process::start(&cli.data(), &[]);
    cli.ok(&["demo"]);
    assert_eq!(cli.json(&["doctor"])["projects"], 1);
}
