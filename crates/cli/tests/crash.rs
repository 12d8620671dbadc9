//! `kill -9` of a writing server, thirty times: nothing acknowledged is lost, and no project is half there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Client, Process};

const KILLS: u64 = 30;
const TOOLS: usize = 3;

/// What was acknowledged so far, over all lives of the server.
#[derive(Default)]
struct Acknowledged {
    /// The number last written to the counter.
    counter: AtomicU64,
    /// The number last sent to it.
    sent: AtomicU64,
    /// Projects created.
    projects: Mutex<Vec<String>>,
    /// All answers: tells the killer when to strike.
    answers: AtomicUsize,
}

#[test]
fn a_killed_server_loses_nothing_acknowledged() {
    let home = tempfile::tempdir().unwrap();
    let acknowledged = Arc::new(Acknowledged::default());
    let first = Process::start(home.path(), &[]);
    put_project(&first.client(), "counter").unwrap();
    drop(first);
    for round in 0..KILLS {
        live_and_die(home.path(), &acknowledged, round);
        check(home.path(), &acknowledged);
    }
    assert!(acknowledged.counter.load(Ordering::SeqCst) > KILLS, "the server was never alive for long");
    assert!(!acknowledged.projects.lock().unwrap().is_empty());
}

/// One life: two writers, until the server is killed at a moment that differs from round to round.
fn live_and_die(data: &Path, acknowledged: &Arc<Acknowledged>, round: u64) {
    let mut server = Process::start(data, &[]);
    let writers = [(count as fn(&Client, &Acknowledged, u64) -> bool), create];
    let before = acknowledged.answers.load(Ordering::SeqCst);
    let threads: Vec<_> = writers
        .into_iter()
        .map(|write| {
            let (client, acknowledged) = (server.client(), Arc::clone(acknowledged));
            std::thread::spawn(move || while write(&client, &acknowledged, round) {})
        })
        .collect();
    let wanted = before + 4 + (round as usize * 7) % 40;
    while acknowledged.answers.load(Ordering::SeqCst) < wanted {
        std::thread::yield_now();
    }
    // A fraction of a write later, so that the kill meets every stage of one.
    let strike = Instant::now() + Duration::from_micros(round * 331 % 6_000);
    while Instant::now() < strike {
        std::hint::spin_loop();
    }
    server.kill();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Writes the next number; whether the server still answers.
fn count(client: &Client, acknowledged: &Acknowledged, _: u64) -> bool {
    let number = acknowledged.counter.load(Ordering::SeqCst) + 1;
    acknowledged.sent.store(number, Ordering::SeqCst);
    let path = "/manage/tenants/acme/projects/counter/tools/tool-0";
    match client.send("PATCH", path, Some(&json!({ "name": number.to_string() }))) {
        Ok((200, _)) => {
            acknowledged.counter.store(number, Ordering::SeqCst);
            acknowledged.answers.fetch_add(1, Ordering::SeqCst);
            true
        }
        Ok((status, body)) => panic!("{status} {body}"),
        Err(_) => false,
    }
}

/// Creates one more project.
fn create(client: &Client, acknowledged: &Acknowledged, round: u64) -> bool {
    let id = format!("p{round}-{}", acknowledged.answers.load(Ordering::SeqCst));
    match put_project(client, &id) {
        Ok(()) => {
            acknowledged.projects.lock().unwrap().push(id);
            acknowledged.answers.fetch_add(1, Ordering::SeqCst);
            true
        }
        Err(_) => false,
    }
}

fn put_project(client: &Client, id: &str) -> Result<(), ureq::Error> {
    let tool = |index: usize| {
        let id = format!("tool-{index}");
        let config = json!({ "type": "mcp", "mcp": { "server": { "url": "http://127.0.0.1:1" } } });
        (id.clone(), json!({ "id": id, "name": "0", "config": config }))
    };
    let tools: serde_json::Map<String, Value> = (0..TOOLS).map(tool).collect();
    let body = json!({ "id": id, "name": id, "models": { "base": { "model": "m" } }, "agents": {}, "tools": tools });
    let (status, answer) = client.send("PUT", &format!("/manage/tenants/acme/project-full/{id}"), Some(&body))?;
    assert!(matches!(status, 200 | 201), "{status} {answer}");
    Ok(())
}

/// After a restart: the counter stands where it was acknowledged, or one further; every project is whole.
fn check(data: &Path, acknowledged: &Acknowledged) {
    let server = Process::start(data, &[]);
    let client = server.client();
    let tool = client.get("/manage/tenants/acme/projects/counter/tools/tool-0");
    let found: u64 = tool["data"]["name"].as_str().unwrap().parse().unwrap();
    let (least, most) = (acknowledged.counter.load(Ordering::SeqCst), acknowledged.sent.load(Ordering::SeqCst));
    assert!((least..=most).contains(&found), "acknowledged {least}, sent {most}, found {found}");
    acknowledged.counter.store(found, Ordering::SeqCst);

    let listed = all_projects(&client);
    for id in acknowledged.projects.lock().unwrap().iter() {
        assert!(listed.contains(id), "{id} was acknowledged and is lost");
    }
    for id in listed {
        let full = client.get(&format!("/manage/tenants/acme/project-full/{id}"));
        assert_eq!(full["data"]["tools"].as_object().unwrap().len(), TOOLS, "{id} is half there");
    }
}

fn all_projects(client: &Client) -> Vec<String> {
    let mut ids = Vec::new();
    for page in 1.. {
        let list = client.get(&format!("/manage/tenants/acme/projects?limit=100&page={page}"));
        ids.extend(list["data"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned()));
        if page >= list["pagination"]["pages"].as_u64().unwrap() {
            break;
        }
    }
    ids
}
