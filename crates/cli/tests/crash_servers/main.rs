//! `kill -9` of DoltGres, of PostgreSQL and of one of two replicas, more than twenty times each, while clients write:
//! nothing acknowledged is lost, nothing is done twice, and no outage is told as absence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod check;
mod load;
#[path = "../support/mod.rs"]
mod support;

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use load::{Load, TENANT, project};
use serde_json::{Value, json};
use support::servers::{Databases, Server};
use support::{Client, KEY, Process};

/// Kills, of which each server and a replica have every third.
const ROUNDS: usize = 63;
/// How soon the work of a killed replica is finished by the other.
const TAKEN_OVER: Duration = Duration::from_secs(15);

fn start(databases: &Databases, home: &Path, replica: usize) -> Process {
    let data = home.join(replica.to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_understory"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--migrate", "--data"]).arg(&data).args(databases.arguments());
    // Outages are logged, and there are many.
    let log = File::options().create(true).append(true).open(home.join(format!("{replica}.log"))).unwrap();
    Process::spawn(command.stderr(log))
}

fn open_intents(databases: &Databases) -> usize {
    let rows = databases.postgres.run_sql("understory", "select count(*) from intents where done_at is null");
    rows[0][0].as_deref().unwrap().parse().unwrap()
}

#[test]
fn killed_servers_and_replicas_lose_nothing_acknowledged() {
    let Some(mut databases) = Databases::start("killed_servers_and_replicas") else { return };
    let home = tempfile::tempdir().unwrap();
    let mut replicas = [start(&databases, home.path(), 0), start(&databases, home.path(), 1)];
    let load = Load::new([&replicas[0].url, &replicas[1].url]);
    load.prepare();
    let begun = Instant::now();
    let killed = std::thread::scope(|scope| {
        let _stopping = load.stop_at_the_end();
        load.start(scope);
        for round in 0..ROUNDS {
            load.await_answers(1 + round * 3 % 5);
            pause(round);
            let which = round / 3 % 2;
            match round % 3 {
                0 => outage(&mut databases.doltgres, &load),
                1 => outage(&mut databases.postgres, &load),
                _ => {
                    replicas[which].kill();
                    replicas[which] = start(&databases, home.path(), which);
                    load.replica_is_at(which, &replicas[which].url);
                }
            }
        }
        load.await_answers(10);
        replicas[0].kill();
        Instant::now()
    });
    let left = open_intents(&databases);
    while open_intents(&databases) > 0 {
        assert!(killed.elapsed() < TAKEN_OVER, "what a killed replica left is not finished");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    eprintln!(
        "{ROUNDS} kills in {:?}: {load}; {left} left at the end, gone after {:?}",
        begun.elapsed(),
        killed.elapsed()
    );
    replicas[0] = start(&databases, home.path(), 0);
    load.replica_is_at(0, &replicas[0].url);
    load.settle();
    check::everything(&load);
    for replica in &replicas {
        assert_healthy(replica);
    }
}

/// Kills a server, and starts it again once somebody has noticed.
fn outage(server: &mut Server, load: &Load) {
    server.kill();
    load.await_outage();
    server.start();
}

/// A fraction of a write, different from round to round, so that the kills meet every stage of one.
fn pause(round: usize) {
    let until = Instant::now() + Duration::from_micros(round as u64 * 1_733 % 40_000);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

fn assert_healthy(server: &Process) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_understory"));
    command.args(["doctor", "--json", "--url", &server.url]).env("UNDERSTORY_KEY", KEY);
    let output = command.output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success() && said["healthy"] == true && said["findings"] == json!([]), "{said:#}");
}

#[test]
fn two_replicas_are_one_server() {
    let Some(databases) = Databases::start("two_replicas_are_one_server") else { return };
    let home = tempfile::tempdir().unwrap();
    let replicas = [start(&databases, home.path(), 0), start(&databases, home.path(), 1)];
    let [one, two] = [replicas[0].client(), replicas[1].client()];
    let projects = format!("{TENANT}/projects");

    let (status, _) = one.send("POST", &projects, Some(&project("shop"))).unwrap();
    assert_eq!(status, 201);
    for n in 0..20 {
        let (writer, reader) = if n % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let name = format!("Shop {n}");
        let (status, _) = writer.send("PATCH", &format!("{projects}/shop"), Some(&json!({ "name": name }))).unwrap();
        assert_eq!(status, 200);
        assert_eq!(reader.get(&format!("{projects}/shop"))["data"]["name"], name, "at once");
    }

    let (_, made) = one.send("POST", "/manage/keys", Some(&json!({ "name": "ci" }))).unwrap();
    let key = format!("Bearer {}", made["data"]["key"].as_str().unwrap());
    let ask = |client: &Client| {
        let path = format!("{projects}/shop");
        client.send_with("GET", &path, &[("authorization", &key)], None).unwrap().status
    };
    assert_eq!((ask(&one), ask(&two)), (200, 200));
    one.send("DELETE", "/manage/keys/ci", None).unwrap();
    assert_eq!((ask(&two), ask(&one)), (401, 401), "at once");

    for n in 0..8 {
        let body = project(&format!("raced-{n}"));
        let create = |client: &Client| client.send("POST", &projects, Some(&body)).unwrap().0;
        let (first, second) = std::thread::scope(|scope| {
            let other = scope.spawn(|| create(&one));
            (create(&two), other.join().unwrap())
        });
        assert_eq!((first.min(second), first.max(second)), (201, 409));
    }
    for replica in &replicas {
        assert_healthy(replica);
    }
}
