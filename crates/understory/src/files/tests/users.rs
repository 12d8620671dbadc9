use serde_json::json;
use understory_model::{Model, ModelFiles, Row};

use super::Rows;

/// Entities of users: without routes, with an agent that their path does not say, with ids of any text.
const OF_USERS: [(&str, &str); 4] = [
    (
        "note",
        r#"
entity     = "note"
doc        = "A note."
scope      = "sub_agent"
id         = "given"
id_pattern = '(?s)^.*$'
path       = "notes"
columns.body = { type = "text", doc = "Its text." }
"#,
    ),
    (
        "loose",
        r#"
entity = "loose"
doc    = "No routes."
scope  = "agent"
"#,
    ),
    (
        "under",
        r#"
entity = "under"
doc    = "Its path has no agent."
scope  = "agent"
under  = "project"
path   = "under"
columns.body = { type = "text", default = "none", optional = true, doc = "Its text." }
"#,
    ),
    (
        "link",
        r#"
entity = "link"
doc    = "A relation that is no list of anything."
scope  = "project"
table  = "names"
id     = ["tenant_id", "project_id", "tool_id", "other"]
columns.tool_id = { type = "id", references = "tool", on_delete = "cascade", doc = "The tool." }
columns.other   = { type = "text", doc = "Any text." }
columns.rank    = { type = "number", optional = true, write = "never", doc = "Set by the server." }
"#,
    ),
];

fn with_entities_of_users() -> Rows {
    let dir = tempfile::tempdir().expect("a directory");
    let manage = dir.path().join("manage");
    std::fs::create_dir(&manage).expect("a directory");
    for (name, text) in OF_USERS {
        std::fs::write(manage.join(format!("{name}.toml")), text).expect("a file");
    }
    let files = ModelFiles::built_in().with_dir(dir.path()).expect("the files are readable");
    Rows::of(Model::load(&files).expect("the model loads"))
}

#[test]
fn entities_of_users_survive() {
    let mut rows = with_entities_of_users();
    rows.tool("weather");
    for agent in ["a", "b"] {
        rows.put("agent", &[], json!({ "id": agent, "name": agent }));
        rows.put("under", &[("agent_id", agent)], json!({ "id": "same", "body": null }));
        rows.put("loose", &[("agent_id", agent)], json!({ "id": "x" }));
    }
    let sub_agent = [("agent_id", "a"), ("sub_agent_id", "s")];
    rows.put("sub_agent", &sub_agent[..1], json!({ "id": "s", "name": "S" }));
    for id in ["a b", "../x", "Größe", "nul", "two\nlines", &"é".repeat(200)] {
        rows.put("note", &sub_agent, json!({ "id": id, "body": id }));
    }
    for other in ["b", "a"] {
        rows.put("link", &[], json!({ "toolId": "weather", "other": other }));
    }
    let link = rows.model.entity("link").cloned().expect("it is in the model");
    let row = rows.draft.rows("link").into_values().next().cloned().expect("there are two");
    rows.draft.put(&link, Row::clone(&row).with("rank", 0.5));

    let files = rows.files();
    for path in [
        "agents/a/sub-agents/s/notes/a%20b.body.md",
        "agents/a/sub-agents/s/notes/%2E.%2Fx.json",
        "agents/a/+loose/x.json",
        "agents/b/+under/same.json",
    ] {
        assert!(files.contains_key(path), "{path} is not in {:?}", files.keys());
    }
    assert_eq!(files["agents/a/+under/same.json"], "{\n  \"body\": null\n}\n");
    assert!(
        files["project.json"].contains("\"names\": [\n    {\n      \"toolId\": \"weather\",\n      \"other\": \"a\"")
    );
    assert!(files["project.json"].contains("\"rank\": 0.5"));
    rows.survive();
}
