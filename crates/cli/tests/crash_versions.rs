//! `kill -9` in the middle of merges, of a migration over many projects, of collecting and of taking over a bundle:
//! afterwards each project has all of it or nothing, and what was asked for can be asked again.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;
mod support;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cli::Cli;
use serde_json::{Value, json};
use support::{Client, KEY, Process};

const PROJECT: &str = "/manage/tenants/acme/projects/shop";
/// Lives of a server in each test.
const LIVES: u64 = 8;

fn put_project(client: &Client, id: &str) {
    let body = json!({ "id": id, "name": id, "models": { "base": { "model": "m" } }, "agents": {}, "tools": {} });
    let (status, answer) = client.send("PUT", &format!("/manage/tenants/acme/project-full/{id}"), Some(&body)).unwrap();
    assert_eq!(status, 201, "{answer}");
}

fn tool(id: &str) -> Value {
    let config = json!({ "type": "mcp", "mcp": { "server": { "url": "http://127.0.0.1:1" } } });
    json!({ "id": id, "name": id, "config": config })
}

/// A moment that differs from life to life.
fn pause(life: u64) {
    let until = Instant::now() + Duration::from_micros(life * 1_373 % 9_000);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

/// Sends a write that must succeed while the server lives; whether it still does.
fn write(client: &Client, method: &str, path: &str, body: &Value) -> Option<Value> {
    match client.send(method, path, Some(body)) {
        Ok((200..=204, answer)) => Some(answer),
        Ok((status, answer)) => panic!("{method} {path}: {status} {answer}"),
        Err(_) => None,
    }
}

/// Makes a branch with two tools and merges it; the number is counted once that is acknowledged.
fn merge_one(client: &Client, life: u64, done: &AtomicUsize) -> Option<()> {
    let name = format!("b{life}-{}", done.load(Ordering::SeqCst));
    write(client, "POST", &format!("{PROJECT}/branches"), &json!({ "name": name }))?;
    for half in ["left", "right"] {
        write(client, "POST", &format!("{PROJECT}/tools?ref={name}"), &tool(&format!("{name}-{half}")))?;
    }
    write(client, "PATCH", PROJECT, &json!({ "description": name }))?;
    let pair = json!({ "sourceBranch": name, "targetBranch": "main" });
    let preview = write(client, "POST", &format!("{PROJECT}/branches/merge/preview"), &pair)?;
    let mut merge = pair;
    merge["sourceHash"] = preview["data"]["sourceHash"].clone();
    merge["targetHash"] = preview["data"]["targetHash"].clone();
    write(client, "POST", &format!("{PROJECT}/branches/merge"), &merge)?;
    done.fetch_add(1, Ordering::SeqCst);
    write(client, "POST", &format!("{PROJECT}/gc"), &json!({ "undoDays": 0 }))?;
    write(client, "DELETE", &format!("{PROJECT}/branches/{name}"), &json!({})).map(drop)
}

/// The tools of main: both of a merged branch, or neither.
fn whole_merges(client: &Client) -> usize {
    let full = client.get("/manage/tenants/acme/project-full/shop");
    let tools: Vec<&String> = full["data"]["tools"].as_object().unwrap().keys().collect();
    let halves = |half: &str| tools.iter().filter(|id| id.ends_with(half)).count();
    assert_eq!(halves("left"), halves("right"), "half a merge: {tools:?}");
    assert_eq!(halves("left") * 2, tools.len());
    halves("left")
}

#[test]
fn a_killed_merge_or_collection_is_whole_or_not_there() {
    let home = tempfile::tempdir().unwrap();
    put_project(&Process::start(home.path(), &[]).client(), "shop");
    let done = AtomicUsize::new(0);
    for life in 0..LIVES {
        let mut server = Process::start(home.path(), &[]);
        let before = done.load(Ordering::SeqCst);
        std::thread::scope(|scope| {
            let client = server.client();
            let done = &done;
            scope.spawn(move || while merge_one(&client, life, done).is_some() {});
            while done.load(Ordering::SeqCst) < before + 2 {
                std::thread::yield_now();
            }
            pause(life * 3);
            server.kill();
        });
        let server = Process::start(home.path(), &[]);
        let found = whole_merges(&server.client());
        let acknowledged = done.load(Ordering::SeqCst);
        assert!((acknowledged..=acknowledged + 1).contains(&found), "acknowledged {acknowledged}, found {found}");
        done.store(found, Ordering::SeqCst);
        // Nothing is left that keeps the next one from working, and every operation is on record.
        assert!(merge_one(&server.client(), life + 100, &done).is_some());
        let operations = server.client().get(&format!("{PROJECT}/operations?limit=1000"));
        assert!(operations["data"].as_array().unwrap().len() > found * 3);
    }
}

const PROJECTS: usize = 200;
const EXAMPLE: &str = "entity = 'example'\ndoc = 'An example.'\nscope = 'project'\nuse = ['ui']\npath = 'examples'\n";

/// Branches that lack migrations, by project.
fn behind(server: &Process) -> Vec<(String, usize)> {
    let pending = server.client().get("/manage/migrations");
    let mut projects: Vec<(String, usize)> = Vec::new();
    for one in pending["data"].as_array().unwrap() {
        let id = one["projectId"].as_str().unwrap();
        match projects.iter_mut().find(|(known, _)| known == id) {
            Some((_, branches)) => *branches += 1,
            None => projects.push((id.to_owned(), 1)),
        }
    }
    projects
}

#[test]
fn a_killed_migration_leaves_each_project_as_it_was_or_migrated_and_goes_on() {
    let cli = Cli::new();
    let server = Process::start(&cli.data(), &[]);
    for n in 0..PROJECTS {
        let id = format!("p{n}");
        put_project(&server.client(), &id);
        let path = format!("/manage/tenants/acme/projects/{id}/branches");
        write(&server.client(), "POST", &path, &json!({ "name": "topic" })).unwrap();
    }
    drop(server);
    cli.write("ext/manage/example.toml", EXAMPLE);
    cli.ok(&["model", "--model", "ext", "migration", "add_example"]);
    let model = cli.home().join("ext");
    let check = |expected: std::ops::RangeInclusive<usize>| {
        let server = Process::start(&cli.data(), &["--model", model.to_str().unwrap()]);
        let left = behind(&server);
        assert!(left.iter().all(|(_, branches)| *branches == 2), "half a project is migrated: {left:?}");
        assert!(expected.contains(&left.len()), "{} are left", left.len());
        left.len()
    };
    check(PROJECTS..=PROJECTS);
    for stop in [20, 70] {
        let mut child = cli.command(&["migrate", "--model", "ext"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = lines.map_while(Result::ok).take(stop).count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(told, stop, "it tells how far it is");
        assert!(check(1..=PROJECTS - stop) < PROJECTS);
    }
    cli.ok(&["migrate", "--model", "ext"]);
    check(0..=0);
    cli.ok(&["migrate", "--check", "--model", "ext"]);
}

#[test]
fn a_killed_bundle_is_taken_over_whole_or_not_at_all() {
    let home = tempfile::tempdir().unwrap();
    let source = Process::start(&home.path().join("source"), &[]);
    put_project(&source.client(), "shop");
    for n in 0..60 {
        write(&source.client(), "POST", &format!("{PROJECT}/tools"), &tool(&format!("t{n}"))).unwrap();
    }
    let bundle = fetch(&source);
    let base = home.path().join("base");
    apply(&Process::start(&base, &[]), &bundle);
    for n in 60..120 {
        write(&source.client(), "POST", &format!("{PROJECT}/tools"), &tool(&format!("t{n}"))).unwrap();
    }
    let more = fetch(&source);

    for life in 0..LIVES {
        // A project that is not there yet, and one that is.
        for (name, bundle, before, after) in [("new", &bundle, None, 60), ("old", &more, Some(60), 120)] {
            let data = home.path().join(format!("{name}{life}"));
            if before.is_some() {
                copy(&base, &data);
            }
            let mut server = Process::start(&data, &[]);
            let applied = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let url = server.url.clone();
                let applied = &applied;
                scope.spawn(move || applied.store(try_apply(&url, bundle), Ordering::SeqCst));
                // Commits take a few milliseconds each: the kill meets the reading, the replaying or the end.
                std::thread::park_timeout(Duration::from_millis(life * 40));
                server.kill();
            });
            let server = Process::start(&data, &[]);
            let found = tools(&server);
            assert!(found == before || found == Some(after), "{name}{life}: {found:?}");
            assert!(!applied.load(Ordering::SeqCst) || found == Some(after), "acknowledged and lost");
            apply(&server, bundle);
            assert_eq!(tools(&server), Some(after));
            let left: Vec<_> =
                std::fs::read_dir(data.join("projects")).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert!(left.iter().all(|name| !name.to_string_lossy().contains('~')), "{left:?}");
        }
    }
}

fn tools(server: &Process) -> Option<usize> {
    let (status, full) = server.client().send("GET", "/manage/tenants/acme/project-full/shop", None).unwrap();
    (status == 200).then(|| full["data"]["tools"].as_object().unwrap().len())
}

fn fetch(server: &Process) -> String {
    let url = format!("{}{PROJECT}/bundle", server.url);
    let mut response = ureq::get(&url).header("authorization", format!("Bearer {KEY}")).call().unwrap();
    response.body_mut().read_to_string().unwrap()
}

fn try_apply(url: &str, bundle: &str) -> bool {
    let url = format!("{url}/manage/tenants/acme/bundles");
    ureq::post(&url).header("authorization", format!("Bearer {KEY}")).send(bundle).is_ok()
}

fn apply(server: &Process, bundle: &str) {
    assert!(try_apply(&server.url, bundle));
}

/// Copies a data directory that nobody has open.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => _ = std::fs::copy(entry.path(), target).unwrap(),
        }
    }
}
