//! Errors name what is wrong, whose it is to mend, and how.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;

use cli::Cli;

#[test]
fn errors_have_a_kind_and_a_hint() {
    let cli = Cli::new();
    let said = cli.fails(&["log", "-p", "acme/shop"], 1, "user");
    assert!(said.contains("no data in") && said.contains("understory serve"), "{said}");
    assert!(!cli.data().exists(), "looking makes nothing");
    cli.ok(&["demo"]);
    let project = ["-p", "demo/support"];
    let expected: [(&[&str], &str); 13] = [
        (&["log", "-p", "demo/nothing"], "Project not found: nothing"),
        (&["log", "-p", "demo/support", "--ref", "nowhere"], "understory branch"),
        (&["log", "-p", "demo/support", "-n", "0"], "limit"),
        (&["get", "-p", "demo/support", "agent/nobody"], "understory export"),
        (&["get", "-p", "demo/support", "tol/orders"], "kinds: agent, artifact-component"),
        (&["get", "-p", "demo/support", "sub-agent/a/b/c"], "sub-agent/agentId/id"),
        (&["get", "-p", "demo/support", "tool/orders", "nothing"], "fields: tenantId, projectId, id, name"),
        (&["set", "-p", "demo/support", "support/router", "prompt"], "FIELD=TEXT"),
        (&["set", "-p", "demo/support", "support/router", "promt=x"], "fields: name, description, prompt"),
        (&["set", "-p", "demo/support", "support/router", "id=x"], "can be set"),
        (&["set", "-p", "demo/support", "support/router", "models=gpt"], "not JSON"),
        (&["set", "-p", "demo/support", "support/router", "prompt=@missing.txt"], "missing.txt"),
        (&["sql", "-p", "demo/support", "drop table tools"], "only queries that read"),
    ];
    for (args, part) in expected {
        let said = cli.fails(args, 1, "user");
        assert!(said.contains(part), "{args:?}: {said}");
    }
    let main = cli.json(&["log", "-p", "demo/support"])[0]["hash"].as_str().unwrap().to_owned();
    let said =
        cli.fails(&[&["set"], &project[..], &["--ref", &main, "support/router", "prompt=x"]].concat(), 1, "user");
    assert!(said.contains("cannot be written"), "{said}");
}

#[test]
fn an_id_that_two_agents_have_is_ambiguous() {
    let cli = Cli::new();
    cli.ok(&["demo"]);
    let mut document = cli.json(&["export", "-p", "demo/support"]);
    let mut second = document["agents"]["support"].clone();
    second["id"] = "second".into();
    for own in ["functions", "functionTools"] {
        second.as_object_mut().unwrap().remove(own);
    }
    second["subAgents"]["billing"]["canUse"] = serde_json::json!([]);
    document["agents"]["second"] = second;
    cli.write("two.json", &document.to_string());
    cli.ok(&["import", "-p", "demo/support", "two.json"]);
    let said = cli.fails(&["get", "-p", "demo/support", "sub-agent/router"], 1, "user");
    assert!(said.contains("sub-agent/second/router") && said.contains("sub-agent/support/router"), "{said}");
    cli.ok(&["get", "-p", "demo/support", "second/router"]);
}

#[test]
fn wrong_usage_is_told_as_asked_for() {
    let cli = Cli::new();
    let ran = cli.run(&["log"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("--project <TENANT/PROJECT>"), "{ran:?}");
    let said = cli.fails(&["log", "-p", "acme"], 2, "config");
    assert!(said.contains("acme/shop"), "{said}");
    let said = cli.fails(&["key", "list", "--data", "x", "--url", "http://y"], 2, "config");
    assert!(said.contains("cannot be used with"), "{said}");
    let said = cli.fails(&["key", "list", "--url", "http://127.0.0.1:1"], 2, "config");
    assert!(said.contains("does not answer") && said.contains("UNDERSTORY_URL"), "{said}");
}

#[test]
fn text_for_people_has_causes_and_a_hint_below() {
    let cli = Cli::new();
    let ran = cli.run(&["key", "list"]);
    let lines: Vec<&str> = ran.err.lines().collect();
    assert_eq!((ran.code, lines.len()), (1, 2), "{ran:?}");
    assert!(lines[0].starts_with("error: there is no data") && lines[1].starts_with("hint: "), "{ran:?}");
}

#[test]
fn stores_on_a_server_and_in_files_at_once_are_refused() {
    let mut cli = Cli::new();
    let url = "postgresql://127.0.0.1:1/d";
    let said = cli.fails(&["serve", "--manage-url", url], 2, "config");
    assert!(said.contains("--runtime-url") && said.contains("UNDERSTORY_RUNTIME_DATABASE_URL"), "{said}");
    cli.set("DATABASE_URL", url);
    let said = cli.fails(&["log", "-p", "acme/shop"], 2, "config");
    assert!(said.contains("--manage-url") && said.contains("UNDERSTORY_MANAGE_DATABASE_URL"), "{said}");
    assert!(!cli.data().exists());
}
