//! A user's own entity: its migration, its table on branches that are there already, its routes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;
mod support;

use cli::Cli;
use serde_json::{Value, json};
use support::Process;

const EXAMPLE: &str = "
entity = 'example'
doc = 'A question with a good answer.'
scope = 'project'
use = ['ui']
path = 'examples'

[columns.answer]
type = 'text'
doc = 'The answer to imitate.'

[columns.tool_id]
type = 'id'
references = 'tool'
on_delete = 'set_null'
optional = true
doc = 'The tool whose use it shows.'
";

fn with_example() -> Cli {
    let cli = Cli::new();
    cli.write("ext/manage/example.toml", EXAMPLE);
    cli
}

fn model(cli: &Cli, args: &[&str]) -> String {
    cli.ok(&[&["model", "--model", "ext"], args].concat())
}

#[test]
fn an_entity_of_ones_own_reaches_projects_that_are_there() {
    let cli = with_example();
    cli.ok(&["demo"]);
    let said = cli.fails(&["log", "-p", "demo/support", "--model", "ext"], 2, "config");
    assert!(said.contains("understory model migration"), "no migration makes the table yet: {said}");
    assert!(model(&cli, &["diff"]).starts_with("minor  manage: new table examples"));
    cli.fails(&["model", "check", "--model", "ext"], 1, "user");
    assert!(model(&cli, &["migration", "add_example"]).contains("0001_add_example"));
    model(&cli, &["check"]);
    assert_eq!(model(&cli, &["diff"]), "Nothing changed since the newest migration\n");

    let said = cli.fails(&["migrate", "--check", "--model", "ext"], 1, "user");
    assert!(said.contains("demo/support main") && said.contains("demo/support warmer-tone"), "{said}");
    let migrated = cli.json(&["migrate", "--model", "ext"].map(|arg| arg));
    assert_eq!(migrated["migrated"], json!(["demo/support main", "demo/support warmer-tone"]));
    cli.ok(&["migrate", "--check", "--model", "ext"]);

    let server = Process::start(&cli.data(), &["--model", cli.home().join("ext").to_str().unwrap()]);
    let (client, path) = (server.client(), "/manage/tenants/demo/projects/support/examples");
    let body = json!({ "id": "rain", "name": "Rain?", "answer": "Ask.", "toolId": "orders" });
    let (status, answer) = client.send("POST", path, Some(&body)).unwrap();
    assert_eq!(status, 201, "{answer}");
    let set = cli.json(&["set", "-p", "demo/support", "example/rain", "answer=Look.", "--model", "ext"]);
    assert_eq!((set["address"].as_str(), &set["changed"]), (Some("example/rain"), &Value::Bool(true)));
    let openapi = client.get("/openapi.json");
    assert!(openapi["components"]["schemas"]["ExampleCreate"].is_object());
    drop(server);

    // What would lose data is refused before anything is opened, and says what to do instead.
    cli.write("ext/manage/example.toml", &EXAMPLE[..EXAMPLE.find("[columns.answer]").unwrap()]);
    let said = cli.fails(&["log", "-p", "demo/support", "--model", "ext"], 2, "config");
    assert!(said.contains("examples.answer is gone") && said.contains("hidden = true"), "{said}");
    cli.fails(&["model", "migration", "less", "--model", "ext"], 1, "user");
    cli.write("ext/manage/example.toml", EXAMPLE);

    let said = cli.fails(&["model", "migration", "--drop", "--model", "ext"], 1, "user");
    assert!(said.contains("has been applied"), "{said}");
    cli.ok(&["log", "-p", "demo/support"]);
    let said = cli.fails(&["set", "-p", "demo/support", "support/router", "prompt=x"], 2, "config");
    assert!(said.contains("ext/0001_add_example") && said.contains("--model"), "{said}");
}

#[test]
fn a_migration_may_be_dropped_until_it_is_released() {
    let cli = with_example();
    model(&cli, &["migration", "one"]);
    assert_eq!(model(&cli, &["migration", "--drop"]), "Dropped manage/0001_one\n");
    model(&cli, &["migration", "two"]);
    assert_eq!(model(&cli, &["release"]), "Released manage/0001_two\n");
    cli.fails(&["model", "migration", "--drop", "--model", "ext"], 1, "user");
    let sql = cli.home().join("ext/migrations/manage/0001_two/sqlite.sql");
    let text = std::fs::read_to_string(&sql).unwrap();
    std::fs::write(&sql, format!("{text}-- edited\n")).unwrap();
    let said = cli.fails(&["model", "check", "--model", "ext"], 2, "config");
    assert!(said.contains("changed after its release"), "{said}");
}

#[test]
fn a_bad_file_is_named_with_the_way_to_mend_it() {
    let cli = with_example();
    cli.write("ext/manage/example.toml", &EXAMPLE.replace("'set_null'", "'vanish'"));
    for args in [&["model", "check"][..], &["serve"], &["openapi"]] {
        let said = cli.fails(&[args, &["--model", "ext"]].concat(), 2, "config");
        assert!(said.contains("example.toml") && said.contains("vanish"), "{said}");
    }
    let said = cli.fails(&["model", "check"], 2, "config");
    assert!(said.contains("--model"), "{said}");
}
