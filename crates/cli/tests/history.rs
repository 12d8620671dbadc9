//! Who changed what: the same with a server running and without one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;
mod support;

use cli::Cli;
use serde_json::{Value, json};
use support::Process;

const PROJECT: &str = "acme/simple-project";

fn document() -> String {
    let sub_agent = |id: &str| {
        json!({
            "id": id, "name": id, "description": "", "prompt": "You route.", "type": "internal",
            "canTransferTo": [], "canDelegateTo": [], "canUse": [],
        })
    };
    let agent = json!({
        "id": "support", "name": "Support", "defaultSubAgentId": "router",
        "subAgents": { "router": sub_agent("router"), "worker": sub_agent("worker") },
    });
    let models = json!({ "base": { "model": "m" } });
    json!({ "id": "simple-project", "name": "Simple", "models": models, "agents": { "support": agent }, "tools": {} })
        .to_string()
}

fn at<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path} of {value}"))
}

/// Makes a key and takes it for the commands that follow.
fn become_key(cli: &mut Cli, name: &str) {
    cli.set("UNDERSTORY_KEY", "");
    let key = cli.ok(&["key", "create", "--name", name]);
    cli.set("UNDERSTORY_KEY", key.trim());
}

/// The walk through the commands that both ways have to pass.
fn two_people_change_a_project(cli: &mut Cli) {
    cli.write("project.json", &document());
    become_key(cli, "ana@example.com");
    cli.ok(&["import", "-p", PROJECT, "project.json", "-m", "Import the project"]);
    become_key(cli, "ben");
    cli.write("prompt.txt", "You route.\nBe brief.\n");
    let set = cli.json(&["set", "-p", PROJECT, "agent/router", "prompt=@prompt.txt", "-m", "Shorter"]);
    assert_eq!((at(&set, "/address"), &set["changed"]), ("sub-agent/support/router", &json!(true)));

    let log = cli.json(&["log", "-p", PROJECT]);
    assert_eq!((at(&log, "/0/author"), at(&log, "/0/message")), ("ben", "Shorter"));
    assert_eq!((at(&log, "/1/author"), at(&log, "/1/message")), ("ana@example.com", "Import the project"));
    let text = cli.ok(&["log", "-p", PROJECT, "-n", "2"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[1].contains("ben") && lines[1].contains("Shorter") && lines[2].contains("ana@example.com"), "{text}");

    let [new, old] = ["/0/hash", "/1/hash"].map(|path| at(&log, path));
    let diff = cli.json(&["diff", "-p", PROJECT, old, new]);
    let router = &diff["subAgent"]["support/router"];
    let (kind, prompt) = (&router["kind"], &router["fields"]["prompt"]);
    assert_eq!((kind, &prompt["from"]), (&json!("modified"), &json!("You route.")), "{diff}");
    assert_eq!(prompt["to"], "You route.\nBe brief.\n", "{diff}");
    let text = cli.ok(&["diff", "-p", PROJECT, &old[..9], "main"]);
    assert!(
        text.starts_with("~ subAgent support/router\n    prompt:\n") && text.contains("      + Be brief."),
        "{text}"
    );
    let shown = cli.ok(&["show", "-p", PROJECT, &new[..7]]);
    assert!(shown.contains("author ben <ben@localhost>") && shown.contains(&text), "{shown}");

    assert_eq!(cli.ok(&["get", "-p", PROJECT, "support/router", "prompt"]), "You route.\nBe brief.\n");
    assert_eq!(cli.ok(&["get", "-p", PROJECT, "support/router", "prompt", "--ref", old]), "You route.\n");
    let ids = cli.json(&["sql", "-p", PROJECT, "--ref", old, "select id from sub_agents order by id"]);
    assert_eq!(ids["rows"], json!([["router"], ["worker"]]));

    cli.ok(&["branch", "-p", PROJECT, "create", "try", "--from", old]);
    cli.ok(&["set", "-p", PROJECT, "--ref", "try", "support/worker", "name=Other"]);
    assert_eq!(at(&cli.json(&["branch", "-p", PROJECT]), "/0/hash"), new, "main stays");
    let exported = cli.json(&["export", "-p", PROJECT, "--ref", "try"]);
    assert_eq!(at(&exported, "/agents/support/subAgents/worker/name"), "Other");
    cli.write("tried.json", &exported.to_string());
    let again = cli.json(&["import", "-p", PROJECT, "--ref", "try", "tried.json"]);
    assert_eq!(again["changed"], false, "what export wrote is no change");
    cli.ok(&["branch", "-p", PROJECT, "delete", "try"]);
}

#[test]
fn without_a_server() {
    let mut cli = Cli::new();
    two_people_change_a_project(&mut cli);
}

#[test]
fn with_a_server_on_the_same_directory() {
    let mut cli = Cli::new();
    let _server = Process::start(&cli.data(), &[]);
    two_people_change_a_project(&mut cli);
}

#[test]
fn with_a_server_elsewhere() {
    let mut cli = Cli::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let server = Process::start(elsewhere.path(), &[]);
    cli.set("UNDERSTORY_URL", &server.url);
    cli.write("project.json", &document());
    cli.set("UNDERSTORY_KEY", "wrong");
    let said = cli.fails(&["log", "-p", PROJECT], 2, "config");
    assert!(said.contains("UNDERSTORY_KEY"), "{said}");
    cli.set("UNDERSTORY_KEY", support::KEY);
    cli.ok(&["import", "-p", PROJECT, "project.json"]);
    assert_eq!(at(&cli.json(&["log", "-p", PROJECT]), "/0/author"), "system");
    assert!(!cli.data().exists(), "nothing is opened here");
    let said = cli.fails(&["backup", "b"], 1, "user");
    assert!(said.contains("own machine"), "{said}");
}

#[test]
fn the_demo_has_a_history_a_branch_and_a_conflict() {
    let cli = Cli::new();
    cli.ok(&["demo"]);
    let log = cli.json(&["log", "-p", "demo/support"]);
    let authors: Vec<&str> = log.as_array().unwrap().iter().map(|commit| at(commit, "/author")).collect();
    assert_eq!(authors[..4], ["Ana Ruiz", "Ben Osei", "Ana Ruiz", "system"]);
    assert_eq!(at(&log, "/0/committer"), "system");
    let said = cli.fails(&["demo"], 1, "user");
    assert!(said.contains("there already"), "{said}");
    let server = Process::start(&cli.data(), &[]);
    let pair = json!({ "sourceBranch": "warmer-tone", "targetBranch": "main" });
    let path = "/manage/tenants/demo/projects/support/branches/merge/preview";
    let (status, preview) = server.client().send("POST", path, Some(&pair)).unwrap();
    assert_eq!((status, preview["data"]["conflicts"].as_array().unwrap().len()), (200, 1), "{preview}");
}
