//! How a server starts, says so, and stops.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;
mod support;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};

use cli::Cli;
use serde_json::{Value, json};
use support::Process;

/// Starts a server that prints JSON; what it printed.
fn start(cli: &Cli, args: &[&str]) -> (Child, Value) {
    let mut command = cli.command(&[&["serve", "--listen", "127.0.0.1:0", "--json"], args].concat());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
        text.push_str(&line.unwrap());
        if let Ok(said) = serde_json::from_str(&text) {
            return (child, said);
        }
    }
    panic!("the server ended: {:?}", child.wait());
}

fn stop(mut child: Child, signal: &str) {
    Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "it stops in good order");
}

#[test]
fn the_admin_key_is_shown_once() {
    let mut cli = Cli::new();
    let made = cli.run(&["key", "create", "--name", "ana"]);
    assert!(!made.err.contains("und_admin_"), "commands make no admin key: {made:?}");
    let (server, said) = start(&cli, &[]);
    let key = said["adminKey"].as_str().unwrap().to_owned();
    assert_eq!(said["data"], json!(cli.data()));
    let note = cli.data().join("run/server.json");
    assert_eq!(std::fs::metadata(&note).unwrap().permissions().mode() & 0o777, 0o600);
    cli.set("UNDERSTORY_URL", said["listening"][0].as_str().unwrap());
    cli.set("UNDERSTORY_KEY", &key);
    cli.ok(&["key", "list"]);
    stop(server, "-TERM");
    assert!(!note.exists());
    cli.set("UNDERSTORY_URL", "");
    let (server, said) = start(&cli, &[]);
    assert_eq!(said["adminKey"], Value::Null);
    stop(server, "-INT");
}

#[test]
fn the_first_lines_say_where_and_what_to_open() {
    let cli = Cli::new();
    let mut child = cli.command(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap).take(7);
    let text = lines.collect::<Vec<_>>().join("\n");
    stop(child, "-TERM");
    let data = cli.data();
    let expected = [data.to_str().unwrap(), "und_admin_", "only this once", "owner code", "http://127.0.0.1:", "/docs"];
    assert!(expected.iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn a_directory_has_one_process() {
    let cli = Cli::new();
    let server = Process::start(&cli.data(), &[]);
    let said = cli.fails(&["serve", "--listen", "127.0.0.1:0"], 3, "busy");
    assert!(said.contains(&format!("in use by process {}", server.id())), "{said}");
    let taken = server.url.trim_start_matches("http://");
    let said = cli.fails(&["serve", "--data", "other", "--listen", taken], 2, "config");
    assert!(said.contains(taken) && said.contains("--listen"), "{said}");
    let (later, said) = start(&cli, &["--data", "other"]);
    assert!(said["adminKey"].is_string(), "the start that failed made no key");
    stop(later, "-TERM");
}

#[test]
fn a_killed_server_leaves_no_one_waiting() {
    let cli = Cli::new();
    let mut server = Process::start(&cli.data(), &[]);
    server.kill();
    assert!(cli.data().join("run/server.json").exists());
    cli.ok(&["key", "list"]);
    assert!(!cli.data().join("run/server.json").exists(), "the note of a dead server goes");
}

#[test]
fn memory_is_gone_at_exit() {
    let mut cli = Cli::new();
    cli.set("ENVIRONMENT", "test");
    let (server, said) = start(&cli, &[]);
    let data = std::path::PathBuf::from(said["data"].as_str().unwrap());
    assert!(data.exists() && !cli.data().exists());
    stop(server, "-TERM");
    assert!(!data.exists());
    let (server, said) = start(&cli, &["--data", "named"]);
    assert_eq!(said["data"], json!(cli.home().join("named")));
    stop(server, "-TERM");
}

#[test]
fn settings_come_from_the_file_too() {
    let cli = Cli::new();
    cli.write("understory.toml", "data = 'filed'\ncors_origins = ['http://console.example']");
    let (server, said) = start(&cli, &[]);
    assert_eq!(said["data"], json!(cli.home().join("filed")));
    let url = format!("{}/health", said["listening"][0].as_str().unwrap());
    let response = ureq::get(url).header("origin", "http://console.example").call().unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "http://console.example");
    stop(server, "-TERM");
    cli.write("understory.toml", "data = 'filed'\nportt = 1");
    let said = cli.fails(&["key", "list"], 2, "config");
    assert!(said.contains("understory.toml") && said.contains("portt"), "{said}");
}

#[test]
fn a_database_server_is_never_passed_over() {
    let mut cli = Cli::new();
    let closed = "postgresql://me:secret@127.0.0.1:1/understory";
    cli.set("UNDERSTORY_MANAGE_DATABASE_URL", closed);
    for args in [&["serve"][..], &["demo"]] {
        let said = cli.fails(args, 2, "config");
        assert!(said.contains("UNDERSTORY_RUNTIME_DATABASE_URL"), "{said}");
    }
    cli.set("UNDERSTORY_RUNTIME_DATABASE_URL", closed);
    for args in [&["serve"][..], &["demo"]] {
        let said = cli.fails(args, 3, "busy");
        assert!(said.contains("does not answer") && !said.contains("secret"), "{said}");
    }
    assert!(!cli.data().join("runtime.db").exists() && !cli.data().join("projects").exists());
}

#[test]
fn a_short_admin_key_is_refused() {
    let mut cli = Cli::new();
    cli.set("UNDERSTORY_ADMIN_KEY", "short");
    let said = cli.fails(&["serve"], 2, "config");
    assert!(said.contains("UNDERSTORY_ADMIN_KEY") && !said.contains("\"short\""), "{said}");
}
