//! `docs/ADDING-AN-ENTITY.md`, run as it stands there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;
mod support;

use std::path::{Path, PathBuf};

use cli::Cli;
use serde_json::{Value, json};
use support::{Client, Process};

const EXAMPLES: &str = "/manage/tenants/demo/projects/support/examples";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The only block of a language in the page.
fn block(language: &str) -> String {
    let page = std::fs::read_to_string(root().join("docs/ADDING-AN-ENTITY.md")).unwrap();
    let fence = format!("```{language}\n");
    let mut blocks = page.split(&fence).skip(1);
    let block = blocks.next().unwrap().split("\n```").next().unwrap().to_owned();
    assert!(blocks.next().is_none(), "one complete {language} block");
    block
}

/// Writes the page's two files into a model directory.
fn add_files(cli: &Cli, model: &str) {
    cli.write(&format!("{model}/manage/example.toml"), &block("toml"));
    cli.write(&format!("{model}/schemas/example-settings.json"), &block("json"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() { copy(&path, &target) } else { _ = std::fs::copy(&path, &target).unwrap() }
    }
}

#[test]
fn in_the_source_tree() {
    let cli = Cli::new();
    for part in ["model", "migrations"] {
        copy(&root().join(part), &cli.home().join(part));
    }
    add_files(&cli, "model");
    cli.fails(&["model", "check"], 1, "user");
    assert!(cli.ok(&["model", "diff"]).contains("minor  manage: new table examples (10 columns)"));
    cli.ok(&["model", "migration", "add_example"]);
    assert!(cli.ok(&["model", "check"]).contains("43"));
    for file in ["sqlite.sql", "postgres.sql", "schema.json"] {
        assert!(cli.home().join("migrations/manage/0003_add_example").join(file).exists(), "{file}");
    }
    let changelog = std::fs::read_to_string(cli.home().join("CHANGELOG.md")).unwrap();
    assert!(changelog.contains("add_example"), "{changelog}");
    cli.ok(&["model", "migration", "add_example", "--drop"]);
    assert!(!cli.home().join("migrations/manage/0003_add_example").exists());
}

#[test]
fn without_rust() {
    let cli = Cli::new();
    cli.ok(&["demo"]);
    add_files(&cli, "ext");
    cli.ok(&["model", "migration", "add_example", "--model", "ext"]);
    let server = Process::start(&cli.data(), &["--model", cli.home().join("ext").to_str().unwrap()]);
    let client = server.client();
    for branch in ["main", "warmer-tone"] {
        write_and_refuse(&client, branch);
    }
    let paths = &client.get("/openapi.json")["paths"];
    let path = paths.as_object().unwrap().keys().find(|path| path.ends_with("/examples/{id}"));
    assert!(path.is_some(), "the description has the routes");
}

/// What the page says of a branch that was there before the entity.
fn write_and_refuse(client: &Client, branch: &str) {
    let path = format!("{EXAMPLES}?ref={branch}");
    let none = client.get(&path);
    assert_eq!(none["pagination"]["total"], 0);
    let rain = json!({
        "id": "rain", "name": "Will it rain?", "answer": "Ask the weather tool.", "settings": { "weight": 0.5 }
    });
    let (status, answer) = client.send("POST", &path, Some(&rain)).unwrap();
    assert_eq!(status, 201, "{answer}");
    let read = client.get(&format!("{EXAMPLES}/rain?ref={branch}"));
    assert_eq!(read["data"]["settings"], json!({ "weight": 0.5 }));
    let refusals = [
        (json!({ "name": "x" }), "/answer", "required"),
        (json!({ "name": "x", "answer": "y", "toolId": "nothing" }), "/toolId", "reference"),
        (json!({ "name": "x", "answer": "y", "settings": { "weight": 2 } }), "/settings/weight", "schema"),
    ];
    for (body, pointer, reason) in refusals {
        let (status, answer) = client.send("POST", &path, Some(&body)).unwrap();
        let error: &Value = &answer["errors"][0];
        assert_eq!((status, &error["pointer"], &error["reason"]), (400, &json!(pointer), &json!(reason)), "{answer}");
    }
    assert_eq!(client.get(&path)["pagination"]["total"], 1, "nothing refused was written");
}
