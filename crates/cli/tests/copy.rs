//! Copies between a data directory and database servers, both ways, as whoever types the commands sees them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;

use std::collections::BTreeMap;
use std::path::Path;

use cli::Cli;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use understory_testkit::servers::{FreshDatabase, TestServer};

/// Two databases of a test's own.
struct Databases {
    manage: FreshDatabase,
    runtime: FreshDatabase,
}

impl Databases {
    fn new(test: &str) -> Option<Self> {
        let database = |server: TestServer| Runtime::new().unwrap().block_on(server.database(test)).unwrap();
        let (manage, runtime) = (database(TestServer::DoltGres), database(TestServer::Postgres));
        Some(Self { manage: manage?, runtime: runtime? })
    }

    fn place(&self) -> String {
        format!("{},{}", self.manage.address(), self.runtime.address())
    }
}

/// A place, and how commands are told of it.
#[derive(Clone, Copy)]
enum At<'a> {
    Directory(&'a str),
    Servers(&'a Databases),
}

impl At<'_> {
    fn json(self, cli: &Cli, command: &[&str]) -> Value {
        match self {
            Self::Directory(path) => cli.json(&[command, &["--data", path]].concat()),
            Self::Servers(databases) => {
                let (manage, runtime) = (databases.manage.address(), databases.runtime.address());
                let more = ["--data", "none", "--manage-url", &manage, "--runtime-url", &runtime];
                cli.json(&[command, &more].concat())
            }
        }
    }
}

const PROJECTS: [&str; 2] = ["demo/support", "acme/shop"];

/// Two projects with merges, tags, branches, deleted ones too, a key, and an answer to a request.
fn fill(cli: &Cli) {
    let support = ["-p", "demo/support"];
    let run = |command: &[&str]| drop(cli.ok(&[&command[..1], &support, &command[1..]].concat()));
    cli.ok(&["demo"]);
    run(&["bundle", "create", "support.bundle"]);
    cli.ok(&["bundle", "-p", "acme/shop", "apply", "support.bundle"]);
    run(&["tag", "create", "v1", "-m", "The first"]);
    run(&["branch", "create", "topic/X"]);
    run(&["set", "--ref", "topic/X", "support/router", "name=Ünïcode", "-m", "On a branch"]);
    run(&["set", "support/router", "prompt=Other.", "-m", "Meanwhile"]);
    run(&["merge", "topic/X"]);
    run(&["branch", "create", "gone"]);
    run(&["set", "--ref", "gone", "support/router", "prompt=Lost.", "-m", "Lost"]);
    run(&["branch", "delete", "gone"]);
    cli.ok(&["key", "create", "--name", "ci"]);
}

/// All that people see of a place, hashes aside.
fn seen(cli: &Cli, at: At<'_>, exported: &str) -> BTreeMap<String, Value> {
    let mut seen = BTreeMap::new();
    for project in PROJECTS {
        let of = ["-p", project];
        let branches = at.json(cli, &[&["branch"], &of[..]].concat());
        for branch in names(&branches) {
            let directory = format!("{exported}/{project}/{branch}");
            std::fs::create_dir_all(cli.home().join(&directory)).unwrap();
            at.json(cli, &[&["export", &directory, "--ref", &branch], &of[..]].concat());
            let files = files(&cli.home().join(&directory));
            assert!(files.len() > 5, "{files:?}");
            seen.insert(format!("{project} {branch} files"), files.into());
            let mut log = at.json(cli, &[&["log", "--ref", &branch], &of[..]].concat());
            let root = log.as_array_mut().unwrap().pop().unwrap();
            assert_eq!(root["parents"], json!([]), "the first commit holds the schema, and is the place's own");
            seen.insert(format!("{project} {branch} log"), without_hashes(log));
        }
        seen.insert(format!("{project} branches"), names(&branches).into());
        let tags = at.json(cli, &[&["tag"], &of[..]].concat());
        seen.insert(format!("{project} tags"), without_hashes(tags));
        let operations = at.json(cli, &[&["operations"], &of[..]].concat());
        seen.insert(format!("{project} operations"), without_hashes(operations));
    }
    seen.insert("keys".into(), at.json(cli, &["key", "list"]));
    seen
}

fn assert_seen(found: &BTreeMap<String, Value>, expected: &BTreeMap<String, Value>) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (what, found) in found {
        assert_eq!(found, &expected[what], "{what}");
    }
}

fn names(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item["baseName"].as_str().unwrap().to_owned()).collect()
}

fn files(directory: &Path) -> serde_json::Map<String, Value> {
    let mut files = serde_json::Map::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let below = files_below(&path);
            files.extend(below);
        } else {
            files.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), text(&path));
        }
    }
    files
}

fn files_below(directory: &Path) -> impl Iterator<Item = (String, Value)> {
    let name = directory.file_name().unwrap().to_str().unwrap().to_owned();
    files(directory).into_iter().map(move |(file, text)| (format!("{name}/{file}"), text))
}

fn text(path: &Path) -> Value {
    std::fs::read_to_string(path).unwrap().into()
}

/// The same with every text that looks like a commit's hash made one word.
fn without_hashes(value: Value) -> Value {
    match value {
        Value::String(text) if is_hash(&text) => "hash".into(),
        Value::Array(items) => items.into_iter().map(without_hashes).collect::<Vec<_>>().into(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, without_hashes(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        value => value,
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'v').contains(&byte))
}

fn hashes(cli: &Cli, at: At<'_>) -> Vec<String> {
    let log = at.json(cli, &["log", "-p", PROJECTS[0]]);
    log.as_array().unwrap().iter().map(|commit| commit["hash"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_goes_to_servers_and_back_is_the_same() {
    let Some(databases) = Databases::new("what_goes_to_servers_and_back_is_the_same") else { return };
    let cli = Cli::new();
    fill(&cli);
    let (here, there, back) = (At::Directory("understory-data"), At::Servers(&databases), At::Directory("back"));
    let at_first = seen(&cli, here, "first");
    let planned = cli.json(&["copy", "--from", "understory-data", "--to", "nowhere", "--dry-run"]);
    assert!(!cli.home().join("nowhere").exists(), "a dry run writes nothing");
    let copied = cli.json(&["copy", "--from", "understory-data", "--to", &databases.place()]);
    assert_eq!(planned["projects"], copied["projects"]);
    let numbers = |project: &str| {
        let all = copied["projects"].as_array().unwrap();
        let found = all.iter().find(|copied| copied["project"] == project).unwrap();
        ["branches", "tags", "kept"].map(|what| found[what].as_u64().unwrap())
    };
    assert_eq!((numbers("demo/support"), numbers("acme/shop")), ([3, 1, 1], [2, 0, 0]));
    let rows = |report: &Value, table: &str| {
        let tables = report["tables"].as_array().unwrap();
        tables.iter().find(|copied| copied["table"] == table).unwrap()["rows"].as_u64().unwrap()
    };
    for table in ["tenants", "project_metadata", "keys", "intents"] {
        assert_eq!((rows(&planned, table), rows(&copied, table) > 0), (rows(&copied, table), true), "{table}");
    }
    assert_seen(&seen(&cli, there, "there"), &at_first);
    cli.ok(&["copy", "--from", &databases.place(), "--to", "back"]);
    assert_seen(&seen(&cli, back, "back-again"), &at_first);

    // Every hash that a commit ever had leads to it, on both ways, whole or begun.
    let (first, second) = (hashes(&cli, here), hashes(&cli, there));
    let message = |at: At<'_>, hash: &str| {
        at.json(&cli, &["show", hash, "-p", PROJECTS[0]])["commit"]["message"].as_str().unwrap().to_owned()
    };
    assert_eq!((first.len(), second.len()), (8, 8));
    for (old, new) in first.iter().zip(&second).step_by(3) {
        assert_ne!(old, new, "engines differ");
        let said = message(here, old);
        assert_eq!([message(there, old), message(there, &old[..12]), message(there, new)], [&*said; 3]);
        assert_eq!([message(back, old), message(back, new), message(back, &new[..12])], [&*said; 3]);
    }

    // What was deleted before can be undone after.
    let operations = there.json(&cli, &["operations", "-p", PROJECTS[0]]);
    let deleted = operations.as_array().unwrap().iter().find(|operation| operation["kind"] == "branch_delete").unwrap();
    let id = deleted["id"].as_str().unwrap();
    for at in [there, back] {
        at.json(&cli, &["gc", "-p", PROJECTS[0]]);
        at.json(&cli, &["undo", id, "-p", PROJECTS[0]]);
        let prompt = at.json(&cli, &["get", "support/router", "prompt", "--ref", "gone", "-p", PROJECTS[0]]);
        assert_eq!(prompt, "Lost.");
    }
}

#[test]
fn some_projects_go_without_what_belongs_to_none() {
    let cli = Cli::new();
    fill(&cli);
    let copied = cli.json(&["copy", "--from", "understory-data", "--to", "some", "-p", "acme/shop"]);
    assert_eq!(names_of(&copied["projects"], "project"), ["acme/shop"]);
    assert_eq!(names_of(&copied["leftOut"], "what"), ["rows of keys", "rows of replicas"]);
    let stats = At::Directory("some").json(&cli, &["stats"]);
    assert_eq!(names_of(&stats, "projectId"), ["shop"]);
    assert_eq!(At::Directory("some").json(&cli, &["key", "list"]), Value::Array(Vec::new()));
    let said = cli.fails(&["copy", "--from", "understory-data", "--to", "other", "-p", "acme/nonesuch"], 1, "user");
    assert!(said.contains("acme/nonesuch"), "{said}");
}

fn names_of(list: &Value, field: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_place_that_is_not_empty_is_refused_and_stays() {
    let cli = Cli::new();
    fill(&cli);
    cli.ok(&["key", "create", "--name", "other", "--data", "taken"]);
    let before = std::fs::read(cli.home().join("taken/runtime.db")).unwrap();
    let said = cli.fails(&["copy", "--from", "understory-data", "--to", "taken"], 1, "user");
    assert!(said.contains("taken holds data already"), "{said}");
    assert_eq!(std::fs::read(cli.home().join("taken/runtime.db")).unwrap(), before);
    assert_eq!(At::Directory("taken").json(&cli, &["stats"]), Value::Array(Vec::new()));

    std::fs::create_dir_all(cli.home().join("projects-only/projects")).unwrap();
    cli.write("projects-only/projects/u.db", "somebody's");
    let said = cli.fails(&["copy", "--from", "understory-data", "--to", "projects-only"], 1, "user");
    assert!(said.contains("holds data already"), "{said}");
    assert!(!cli.home().join("projects-only/runtime.db").exists());

    cli.ok(&["copy", "--from", "understory-data", "--to", "whole"]);
    let said = cli.fails(&["copy", "--from", "understory-data", "--to", "whole"], 1, "user");
    assert!(said.contains("whole holds data already"), "a whole copy is like any other place: {said}");
    for (from, to, words) in [
        ("nonesuch", "x", "there is no data in nonesuch"),
        ("understory-data", "./understory-data", "both places are the same"),
    ] {
        let said = cli.fails(&["copy", "--from", from, "--to", to], 1, "user");
        assert!(said.contains(words) && !cli.home().join("nonesuch").exists(), "{said}");
    }
    let said = cli.run(&["copy", "--from", "understory-data", "--to", "postgresql://u:secret@h/m"]);
    assert!(said.code == 2 && said.err.contains("MANAGE_URL,RUNTIME_URL"), "{said:?}");
}

#[test]
fn databases_that_are_not_empty_are_refused_and_stay() {
    let Some(databases) = Databases::new("databases_that_are_not_empty_are_refused_and_stay") else { return };
    let cli = Cli::new();
    fill(&cli);
    let runtime = Runtime::new().unwrap();
    runtime.block_on(databases.runtime.batch("create table theirs (id int primary key)")).unwrap();
    let said = cli.fails(&["copy", "--from", "understory-data", "--to", &databases.place()], 1, "user");
    assert!(said.contains("theirs"), "{said}");
    runtime.block_on(databases.runtime.batch("drop table theirs")).unwrap();
    runtime.block_on(databases.manage.batch("create table theirs (id int primary key)")).unwrap();
    let said = cli.fails(&["copy", "--from", "understory-data", "--to", &databases.place()], 2, "config");
    assert!(said.contains("theirs"), "{said}");
    let tables = "select 1 / (1 - count(*)) from information_schema.tables where table_schema = 'public' \
                  having count(*) > 0";
    runtime.block_on(databases.runtime.batch(tables)).expect("nothing was made in the other database");
}

#[test]
fn a_place_that_is_served_is_refused() {
    let cli = Cli::new();
    cli.ok(&["demo"]);
    cli.ok(&["demo", "--data", "other"]);
    let lock = std::fs::File::options().read(true).write(true).open(cli.data().join("lock")).unwrap();
    lock.lock().unwrap();
    for (from, to) in [("understory-data", "other"), ("other", "understory-data")] {
        let said = cli.fails(&["copy", "--from", from, "--to", to], 3, "busy");
        assert!(said.contains("in use by"), "{said}");
    }
}
