//! A full disk: refused with 507 or 503, nothing torn, and writable again when there is room.
//!
//! The server runs on a small file system in memory, in a mount namespace of its own. Where the system does not let
//! ordinary users make one, the test says loudly that it did not run, and fails in CI.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::{Client, Process};

const TOOL: &str = "/manage/tenants/acme/projects/p/tools/t";

#[test]
fn a_full_disk_is_told_and_harms_nothing() {
    let home = tempfile::tempdir().unwrap();
    if !may_mount(home.path()) {
        let what = "a_full_disk_is_told_and_harms_nothing: no mount namespace can be made here";
        assert!(std::env::var_os("CI").is_none(), "SKIPPED {what}");
        // Past the test runner, which keeps to itself what a test prints.
        writeln!(std::io::stderr(), "SKIPPED {what}").unwrap();
        return;
    }
    let server = Process::spawn(&mut on_small_disk(home.path()));
    let client = server.client();
    let config = json!({ "type": "mcp", "mcp": { "server": { "url": "http://127.0.0.1:1" } } });
    let tools = json!({ "t": { "id": "t", "name": "0", "config": config } });
    let body = json!({ "id": "p", "name": "P", "models": { "base": { "model": "m" } }, "agents": {}, "tools": tools });
    let (status, answer) = client.send("PUT", "/manage/tenants/acme/project-full/p", Some(&body)).unwrap();
    assert_eq!(status, 201, "{answer}");

    let written = fill(&client);
    assert_eq!(description(&client), noise(written), "the last acknowledged write is there");
    std::fs::remove_file(inside(&server, &home.path().join("disk/ballast"))).unwrap();
    let (status, answer) = write(&client, written + 1);
    assert_eq!(status, 200, "there is room again: {answer}");
    assert_eq!(description(&client), noise(written + 1));
}

/// Writes until the disk is full; the number of the last write that was acknowledged.
fn fill(client: &Client) -> u64 {
    for number in 1..10_000 {
        let (status, answer) = write(client, number);
        if status != 200 {
            assert!(matches!(status, 503 | 507), "{status} {answer}");
            assert_eq!(answer["status"], status);
            return number - 1;
        }
    }
    panic!("the disk never filled");
}

fn write(client: &Client, number: u64) -> (u16, Value) {
    client.send("PATCH", TOOL, Some(&json!({ "description": noise(number) }))).unwrap()
}

fn description(client: &Client) -> String {
    client.get(TOOL)["data"]["description"].as_str().unwrap().to_owned()
}

/// 32 KiB that do not compress, the same for the same number.
fn noise(number: u64) -> String {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + u8::try_from(state % 90).unwrap())
    };
    (0..32 * 1024).map(next).collect()
}

fn may_mount(home: &Path) -> bool {
    let probe = home.join("probe");
    std::fs::create_dir_all(&probe).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs tmpfs \"$0\""]).arg(probe);
    command.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The server on a disk of 6 MiB, of which 3 are taken by a file that can be removed.
fn on_small_disk(home: &Path) -> Command {
    let disk = home.join("disk");
    std::fs::create_dir_all(&disk).unwrap();
    let script = "mount -t tmpfs -o size=6m tmpfs \"$1\" && head -c 3145728 /dev/zero > \"$1/ballast\" && \
                  exec \"$0\" serve --listen 127.0.0.1:0 --data \"$1/data\"";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
    command.arg(env!("CARGO_BIN_EXE_understory")).arg(disk);
    command
}

/// A path as the server's process sees it.
fn inside(server: &Process, path: &Path) -> PathBuf {
    let root = PathBuf::from(format!("/proc/{}/root", server.id()));
    root.join(path.strip_prefix("/").unwrap())
}
