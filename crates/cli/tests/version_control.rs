//! Version control from the command line, on real data.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;
mod support;

use cli::Cli;
use serde_json::{Value, json};
use support::Process;

const PROJECT: [&str; 2] = ["-p", "demo/support"];
const ROUTER: &str = "support/router";

fn demo() -> Cli {
    let cli = Cli::new();
    cli.ok(&["demo"]);
    cli
}

/// A command about the demo.
fn of<'a>(command: &[&'a str]) -> Vec<&'a str> {
    [&command[..1], &PROJECT, &command[1..]].concat()
}

fn head(cli: &Cli, reference: &str) -> String {
    let log = cli.json(&of(&["log", "--ref", reference, "-n", "1"]));
    log[0]["hash"].as_str().unwrap().to_owned()
}

fn field(cli: &Cli, reference: &str, address: &str, field: &str) -> String {
    cli.json(&of(&["get", "--ref", reference, address, field])).as_str().unwrap().to_owned()
}

fn set(cli: &Cli, reference: &str, assignment: &str, why: &str) {
    cli.ok(&of(&["set", "--ref", reference, ROUTER, assignment, "-m", why]));
}

#[test]
fn a_conflict_is_shown_settled_and_merged() {
    let cli = demo();
    let before = head(&cli, "main");
    let said = cli.fails(&of(&["merge", "warmer-tone"]), 1, "user");
    let parts = ["subAgent/support/router", "prompt", "greet them by name", "customer's language", "--theirs"];
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    let said = cli.fails(&of(&["merge", "warmer-tone", "--ours", "subAgent/support/rooter"]), 1, "user");
    assert!(said.contains("in conflict: subAgent/support/router"), "{said}");
    cli.ok(&of(&["merge", "warmer-tone", "--preview", "--theirs", "subAgent/support/router"]));
    assert_eq!(head(&cli, "main"), before, "nothing was written");

    cli.write("prompt.txt", "Greet them by name, in their language.\n");
    let merged =
        cli.json(&of(&["merge", "warmer-tone", "--set", "subAgent/support/router:prompt=@prompt.txt", "-m", "Both"]));
    assert_eq!(merged["mergeCommitHash"], head(&cli, "main"));
    assert_eq!(field(&cli, "main", ROUTER, "prompt"), "Greet them by name, in their language.\n");
    let log = cli.json(&of(&["log", "-n", "1"]));
    assert_eq!((&log[0]["message"], log[0]["parents"].as_array().unwrap().len()), (&json!("Both"), 2));
    assert!(cli.ok(&of(&["merge", "warmer-tone"])).starts_with("Nothing to merge"));
}

#[test]
fn a_clean_merge_says_what_it_changes() {
    let cli = demo();
    cli.ok(&of(&["branch", "create", "names"]));
    cli.ok(&of(&["branch", "create", "next"]));
    set(&cli, "names", "name=Reception", "A better name");
    let text = cli.ok(&of(&["merge", "names", "--into", "next"]));
    assert!(text.contains("~ subAgent support/router") && text.contains("\"Reception\""), "{text}");
    assert_eq!(field(&cli, "next", ROUTER, "name"), "Reception");
}

#[test]
fn commits_are_taken_back_brought_over_and_restored() {
    let cli = demo();
    let was = field(&cli, "main", ROUTER, "prompt");
    set(&cli, "main", "prompt=Short.", "Shorter");
    let shorter = head(&cli, "main");
    set(&cli, "main", "name=Reception", "A name");
    let reverted = cli.json(&of(&["revert", &shorter, "-m", "Too short"]));
    assert_eq!(reverted["changes"]["subAgent"][ROUTER]["fields"]["prompt"]["to"], was);
    assert_eq!((field(&cli, "main", ROUTER, "prompt"), field(&cli, "main", ROUTER, "name")), (was, "Reception".into()));
    assert!(cli.ok(&of(&["revert", &shorter])).starts_with("Nothing to do"), "it is taken back already");

    let name = head(&cli, "main~1");
    cli.ok(&of(&["cherry-pick", &name, "--ref", "warmer-tone"]));
    assert_eq!(field(&cli, "warmer-tone", ROUTER, "name"), "Reception");
    let said = cli.fails(&of(&["cherry-pick", &shorter, "--ref", "warmer-tone"]), 1, "user");
    assert!(said.contains("subAgent/support/router"), "{said}");
    cli.ok(&of(&["cherry-pick", &shorter, "--ref", "warmer-tone", "--theirs", "subAgent/support/router"]));
    assert_eq!(field(&cli, "warmer-tone", ROUTER, "prompt"), "Short.");

    cli.ok(&of(&["revert", "--to", &shorter, "agent/router"]));
    assert_eq!(field(&cli, "main", ROUTER, "prompt"), "Short.");
    cli.ok(&of(&["revert", "--to", "main~4"]));
    assert_eq!(cli.json(&of(&["diff", "main~5", "main"])), json!({}), "the whole project is what it was");
}

#[test]
fn refs_are_tags_steps_and_times() {
    let cli = demo();
    let first = head(&cli, "main");
    let tag = cli.json(&of(&["tag", "create", "v1", "-m", "The first"]));
    assert_eq!(tag["hash"], first);
    set(&cli, "main", "prompt=Short.", "Shorter");
    assert_eq!((head(&cli, "v1"), head(&cli, "main~1")), (first.clone(), first.clone()));
    let date = cli.json(&of(&["log"]))[0]["date"].as_str().unwrap().to_owned();
    assert_eq!(head(&cli, &format!("main@{{{date}}}")), head(&cli, "main"));
    let said = cli.fails(&of(&["set", "--ref", "v1", ROUTER, "name=x"]), 1, "user");
    assert!(said.contains("cannot be written"), "{said}");
    cli.fails(&of(&["tag", "create", "main"]), 1, "user");
    cli.ok(&of(&["tag", "delete", "v1"]));
    cli.fails(&of(&["log", "--ref", "v1"]), 1, "user");
    cli.ok(&of(&["undo"]));
    assert_eq!(head(&cli, "v1"), first);
}

#[test]
fn every_operation_can_be_undone() {
    let cli = demo();
    let tip = head(&cli, "warmer-tone");
    assert!(cli.ok(&of(&["branch", "delete", "warmer-tone"])).contains("understory undo"));
    cli.fails(&of(&["log", "--ref", "warmer-tone"]), 1, "user");
    cli.ok(&of(&["undo"]));
    assert_eq!(head(&cli, "warmer-tone"), tip);
    cli.ok(&of(&["branch", "rename", "warmer-tone", "kinder"]));
    assert_eq!(head(&cli, "kinder"), tip);
    let operations = cli.json(&of(&["operations"]));
    assert_eq!(operations[0]["kind"], "branch_rename", "{operations}");
    cli.ok(&of(&["undo"]));
    assert_eq!(head(&cli, "warmer-tone"), tip);
    cli.fails(&of(&["undo", "no-such-operation"]), 1, "user");
}

#[test]
fn rows_tell_their_history_and_fields_their_commits() {
    let cli = demo();
    let steps = cli.json(&of(&["history", "agent/router"]));
    assert_eq!(steps[0]["commit"]["message"], "Route in the customer's language");
    assert_eq!(steps.as_array().unwrap().last().unwrap()["kind"], "added", "{steps}");
    let log = cli.json(&of(&["log", "tool/orders"]));
    assert_eq!((&log[0]["author"], log.as_array().unwrap().len()), (&json!("Ben Osei"), 2), "{log}");
    let log = cli.json(&of(&["log", "--author", "Ana Ruiz", "-n", "1"]));
    assert_eq!(log.as_array().unwrap().len(), 1);
    let lines = cli.ok(&of(&["blame", "agent/router", "prompt"]));
    let lines: Vec<&str> = lines.lines().collect();
    assert!(lines[0].contains("Ana Ruiz") && !lines[2].contains("Ana Ruiz"), "{lines:?}");
    let table = cli.ok(&of(&["blame", "tool/orders"]));
    let config = table.lines().find(|line| line.starts_with("config ")).unwrap();
    assert!(config.contains("Use the new order service"), "{table}");
}

#[test]
fn a_project_travels_as_files() {
    let cli = demo();
    cli.ok(&of(&["export", "one"]));
    let read = |dir: &str| std::fs::read_to_string(cli.home().join(dir).join("project.json")).unwrap();
    assert!(!read("one").contains("createdAt"));
    let before = head(&cli, "main");
    let plan = cli.json(&of(&["import", "one", "--dry-run"]));
    assert_eq!((&plan["changes"], &plan["commit"]), (&json!({}), &Value::Null));
    assert!(cli.ok(&of(&["import", "one"])).starts_with("Nothing to do"));
    assert_eq!(head(&cli, "main"), before);

    let text = read("one").replace("Customer support", "Support for customers");
    cli.write("one/project.json", &text);
    let said = cli.ok(&of(&["import", "one", "-m", "From files"]));
    assert!(said.starts_with("~ project support\n    name:") && said.contains("commit "), "{said}");
    cli.ok(&["import", "-p", "demo/copy", "one"]);
    cli.ok(&["export", "-p", "demo/copy", "two"]);
    assert_eq!(cli.json(&["diff", "-p", "demo/copy", "main", "main"]), json!({}));
    assert_eq!(tree(&cli, "one"), tree(&cli, "two"), "export, import, export is the identity");

    cli.write("one/project.json", &text.replace("\"name\"", "\"nmae\""));
    let said = cli.fails(&of(&["import", "one"]), 1, "user");
    assert!(said.contains("project.json /nmae"), "{said}");
    cli.write("other/notes.txt", "mine");
    assert!(cli.fails(&of(&["export", "other"]), 1, "user").contains("not empty"));
}

/// The files of a directory and what they say.
fn tree(cli: &Cli, dir: &str) -> Vec<(String, String)> {
    let (mut files, mut open) = (Vec::new(), vec![cli.home().join(dir)]);
    while let Some(dir_here) = open.pop() {
        for entry in std::fs::read_dir(dir_here).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(cli.home().join(dir)).unwrap().to_str().unwrap().to_owned();
                files.push((name, std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// What a log tells of its commits, hashes aside: each server has its own. The root is every project's own.
fn told(cli: &Cli, reference: &str) -> Vec<Value> {
    let mut log = cli.json(&of(&["log", "--ref", reference]));
    let commits = log.as_array_mut().unwrap();
    commits.pop();
    for commit in commits.iter_mut() {
        let commit = commit.as_object_mut().unwrap();
        commit.retain(|name, _| !["hash", "parents"].contains(&name.as_str()));
    }
    std::mem::take(commits)
}

#[test]
fn a_bundle_carries_history_from_server_to_server() {
    let mut cli = demo();
    let before = [told(&cli, "main"), told(&cli, "warmer-tone")];
    cli.ok(&of(&["tag", "create", "v1"]));
    cli.ok(&of(&["bundle", "create", "all.bundle"]));
    set(&cli, "main", "prompt=Short.", "Shorter");
    let newer = told(&cli, "main");
    cli.ok(&of(&["bundle", "create", "more.bundle", "--since", "v1"]));

    let elsewhere = tempfile::tempdir().unwrap();
    let server = Process::start(elsewhere.path(), &[]);
    cli.set("UNDERSTORY_URL", &server.url);
    cli.set("UNDERSTORY_KEY", support::KEY);
    let applied = cli.json(&of(&["bundle", "apply", "all.bundle"]));
    assert_eq!(applied["project"], "support", "{applied}");
    assert_eq!([told(&cli, "main"), told(&cli, "warmer-tone")], before);
    assert_eq!(head(&cli, "v1"), head(&cli, "main"));
    let applied = cli.json(&of(&["bundle", "apply", "more.bundle"]));
    assert_eq!((&applied["commits"], &applied["refs"][0]["name"]), (&json!(1), &json!("main")), "{applied}");
    assert_eq!(told(&cli, "main"), newer);
    assert!(cli.ok(&of(&["bundle", "apply", "more.bundle"])).starts_with("Nothing to take over"));
    cli.write("bad.bundle", "no bundle\n");
    cli.fails(&of(&["bundle", "apply", "bad.bundle"]), 1, "user");
}

#[test]
fn projects_are_measured_and_cleared() {
    let cli = demo();
    let stats = cli.json(&["stats"]);
    assert_eq!((&stats[0]["projectId"], &stats[0]["branches"]), (&json!("support"), &json!(2)), "{stats}");
    let before = head(&cli, "main");
    let cleared = cli.json(&["gc"]);
    assert_eq!((&cleared[0]["tenantId"], &cleared[0]["projectId"]), (&json!("demo"), &json!("support")), "{cleared}");
    assert!(cleared[0]["after"].as_u64().unwrap() <= cleared[0]["before"].as_u64().unwrap(), "{cleared}");
    cli.ok(&of(&["gc"]));
    assert_eq!(head(&cli, "main"), before);
    cli.fails(&["stats", "-p", "demo/nothing"], 1, "user");
}
