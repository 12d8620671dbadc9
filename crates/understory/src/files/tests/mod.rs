mod faults;
mod users;

use std::sync::Arc;

use serde_json::{Value, json};
use understory_manage::{Draft, Snapshot, diff};
use understory_model::{Key, Model, Row, decode_create};

use super::layout::{Layout, Segment};
use super::{Files, read, write};
use crate::Error;

const TENANT: &str = "acme";
const PROJECT: &str = "shop";

/// Rows made of bodies, as requests make them.
struct Rows {
    model: Arc<Model>,
    draft: Draft,
}

impl Rows {
    fn new() -> Self {
        Self::of(Model::built_in().expect("the built-in model loads"))
    }

    fn of(model: Model) -> Self {
        let model = Arc::new(model);
        let mut rows = Self { draft: Draft::new(Arc::clone(&model), Arc::default()), model };
        rows.put("project", &[], json!({ "id": PROJECT, "name": "Shop" }));
        rows
    }

    fn put(&mut self, entity: &str, place: &[(&str, &str)], body: Value) -> &mut Self {
        let entity = self.model.entity(entity).cloned().expect("the entity is in the model");
        let scope = [("tenant_id", TENANT), ("project_id", PROJECT)].into_iter();
        let scope = scope.filter(|(column, _)| entity.column(column).is_some()).chain(place.iter().copied());
        let place = scope.fold(Row::new(), |row, (column, value)| row.with(column, value));
        let accepted = decode_create(&entity, &place, &body).expect("the body is valid");
        self.draft.put(&entity, accepted.row);
        self
    }

    fn tool(&mut self, id: &str) -> &mut Self {
        let config = json!({ "type": "mcp", "mcp": { "server": { "url": "https://x.io" } } });
        self.put("tool", &[], json!({ "id": id, "name": id, "config": config }))
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::default().after(&self.draft.clone().finish().expect("the rows keep the laws"))
    }

    fn files(&self) -> Files {
        write(&self.model, &self.snapshot()).expect("every row has its owner")
    }

    fn read(&self, files: &Files) -> Snapshot {
        self.put_to(&Snapshot::default(), files).expect("the files are valid")
    }

    fn put_to(&self, base: &Snapshot, files: &Files) -> Result<Snapshot, Error> {
        let tree = read(&self.model, TENANT, PROJECT, files).map_err(Error::Invalid)?;
        let mut draft = Draft::new(Arc::clone(&self.model), Arc::new(base.clone()));
        tree.apply(&mut draft)?;
        Ok(base.after(&draft.finish().expect("apply has checked the laws")))
    }

    /// Pointers and reasons of the faults of these files.
    fn faults(&self, files: &Files) -> Vec<(String, &'static str)> {
        match self.put_to(&self.snapshot(), files) {
            Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| (fault.pointer, fault.reason)).collect(),
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Whether these rows survive as files, and those files as rows.
    fn survive(&self) {
        let files = self.files();
        let again = self.read(&files);
        assert_eq!(diff(&self.snapshot(), &again), []);
        assert_eq!(write(&self.model, &again).expect("every row has its owner"), files);
    }
}

fn shop() -> Rows {
    let mut rows = Rows::new();
    rows.tool("weather");
    rows.put("agent", &[], json!({ "id": "support", "name": "Support", "prompt": "Be kind.\nBe brief.\n" }));
    let agent = [("agent_id", "support")];
    rows.put("sub_agent", &agent, json!({ "id": "router", "name": "Router", "prompt": "Route." }));
    rows.put("sub_agent", &agent, json!({ "id": "worker", "name": "Worker" }));
    let transfer = json!({ "sourceSubAgentId": "router", "targetSubAgentId": "worker", "relationType": "transfer" });
    rows.put("sub_agent_relation", &agent, transfer);
    let worker = [agent[0], ("sub_agent_id", "worker")];
    rows.put("sub_agent_tool_relation", &worker, json!({ "toolId": "weather", "selectedTools": ["today"] }));
    rows.put("trigger", &agent, json!({ "id": "hook", "name": "Hook", "enabled": false }));
    for user in ["bob", "ana"] {
        let trigger = [agent[0], ("trigger_id", "hook"), ("user_id", user)];
        rows.put("trigger_user", &trigger, json!({}));
    }
    rows.put("dataset", &[], json!({ "id": "cases", "name": "Cases" }));
    rows.put("dataset_item", &[("dataset_id", "cases")], json!({ "id": "one", "input": { "text": "Hello" } }));
    rows
}

#[test]
fn files_are_laid_out_like_the_api() {
    let files = shop().files();
    let paths: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = [
        "agents/support.json",
        "agents/support.prompt.md",
        "agents/support/sub-agents/router.json",
        "agents/support/sub-agents/router.prompt.md",
        "agents/support/sub-agents/worker.json",
        "agents/support/triggers/hook.json",
        "evals/dataset-items/cases/items/one.json",
        "evals/datasets/cases.json",
        "project.json",
        "tools/weather.json",
    ];
    assert_eq!(paths, expected);
    assert_eq!(files["agents/support.prompt.md"], "Be kind.\nBe brief.\n");
    let agent = r#"{
  "name": "Support",
  "subAgentRelations": [
    {
      "sourceSubAgentId": "router",
      "targetSubAgentId": "worker",
      "relationType": "transfer"
    }
  ]
}
"#;
    assert_eq!(files["agents/support.json"], agent);
    let hook =
        "{\n  \"name\": \"Hook\",\n  \"enabled\": false,\n  \"runAsUserIds\": [\n    \"ana\",\n    \"bob\"\n  ]\n}\n";
    assert_eq!(files["agents/support/triggers/hook.json"], hook);
    assert!(!files.values().any(|text| text.contains("acme") || text.contains("2026") || text.contains("At\"")));
}

#[test]
fn texts_survive_to_the_byte() {
    for text in ["", "one", "a\r\nb\r\n", "\u{feff}bom", "\n\n", " \t", "ü\u{301} 🦀 \u{2028}", "a\rb", "{\"a\": 1}"]
    {
        let mut rows = Rows::new();
        rows.put("agent", &[], json!({ "id": "a", "name": text.to_owned() + "x", "prompt": text }));
        assert_eq!(rows.files()["agents/a.prompt.md"], text);
        rows.survive();
    }
}

#[test]
fn no_text_and_an_empty_text_are_different_files() {
    let mut rows = Rows::new();
    rows.put("agent", &[], json!({ "id": "none", "name": "n" }));
    rows.put("agent", &[], json!({ "id": "empty", "name": "e", "prompt": "" }));
    let files = rows.files();
    assert!(!files.contains_key("agents/none.prompt.md"));
    assert_eq!(files["agents/empty.prompt.md"], "");
    rows.survive();
}

#[test]
fn a_null_that_is_not_the_default_is_written() {
    let mut rows = Rows::new();
    rows.put("agent", &[], json!({ "id": "a", "name": "A" }));
    let agent = [("agent_id", "a")];
    rows.put("sub_agent", &agent, json!({ "id": "default", "name": "D" }));
    rows.put("sub_agent", &agent, json!({ "id": "null", "name": "N", "conversationHistoryConfig": null }));
    let files = rows.files();
    assert!(!files["agents/a/sub-agents/default.json"].contains("conversationHistoryConfig"));
    assert!(files["agents/a/sub-agents/null.json"].contains("\"conversationHistoryConfig\": null"));
    rows.survive();
}

#[test]
fn odd_ids_have_files_of_their_own() {
    let mut rows = Rows::new();
    let long = "x".repeat(255);
    let odd =
        ["a.prompt", "a", "A", ".", "..", "CON", "x.json", "Router", "router", "ROUTER", ".hidden", "end.", &long];
    for id in odd {
        rows.put("agent", &[], json!({ "id": id, "name": id, "prompt": id }));
        rows.put("sub_agent", &[("agent_id", id)], json!({ "id": id, "name": id, "prompt": id }));
    }
    let files = rows.files();
    assert_eq!(files.len(), 1 + 4 * odd.len());
    let mut folded: Vec<String> = files.keys().map(|path| path.to_lowercase()).collect();
    folded.sort();
    folded.dedup();
    assert_eq!(folded.len(), files.len(), "paths differ in more than case");
    for part in files.keys().flat_map(|path| path.split('/')) {
        assert!(!part.starts_with('.') && !part.ends_with('.') && part.len() < 256, "{part}");
    }
    assert!(files.contains_key("agents/router.json") && files.contains_key("agents/%52outer.json"));
    rows.survive();
}

#[test]
fn ids_that_are_not_derived_survive() {
    let rows = shop();
    let mut draft = rows.draft.clone();
    let relation = rows.model.entity("sub_agent_tool_relation").cloned().expect("it is in the model");
    let row = draft.rows(&relation.name).into_values().next().cloned().expect("there is one");
    draft.delete(&relation.name, &relation.key_of(&row));
    draft.put(&relation, Row::clone(&row).with("id", "given"));
    let rows = Rows { draft, ..rows };
    assert!(rows.files()["agents/support/sub-agents/worker.json"].contains("\"id\": \"given\""));
    rows.survive();
}

#[test]
fn rows_that_say_the_same_are_left_alone() {
    let rows = shop();
    let before = rows.snapshot();
    let mut files = rows.files();
    assert_eq!(rows.put_to(&before, &files).expect("the files are valid"), before);

    files.insert("agents/support.prompt.md".into(), "Be quick.".into());
    files.remove("agents/support/triggers/hook.json");
    let after = rows.put_to(&before, &files).expect("the files are valid");
    let changed: Vec<String> =
        diff(&before, &after).into_iter().map(|row| format!("{} {}", row.entity, row.key)).collect();
    let gone = ["trigger_user acme/shop/support/hook/ana", "trigger_user acme/shop/support/hook/bob"];
    let expected = ["agent acme/shop/support", "trigger acme/shop/support/hook"];
    assert_eq!(changed, [&expected[..], &gone[..]].concat());
    let key = Key::new([TENANT, PROJECT, "support"]);
    let created = |rows: &Snapshot| rows.get("agent", &key).map(|row| row.get("created_at").clone());
    assert_eq!(created(&before), created(&after));
}

#[test]
fn a_row_that_leaves_what_is_deleted_keeps_its_age() {
    let mut rows = Rows::new();
    rows.put("dataset", &[], json!({ "id": "old", "name": "Old" }));
    rows.put("dataset_run_config", &[], json!({ "id": "run", "name": "Run", "datasetId": "old" }));
    let before = rows.snapshot();
    let mut files = rows.files();
    let dataset = files.remove("evals/datasets/old.json").expect("it is there");
    files.insert("evals/datasets/fresh.json".into(), dataset);
    let config = files.get_mut("evals/dataset-run-configs/run.json").expect("it is there");
    *config = config.replace("old", "fresh");
    let after = rows.put_to(&before, &files).expect("the files are valid");
    let run = |rows: &Snapshot| rows.table("dataset_run_config").values().next().cloned().expect("it is there");
    assert_eq!(run(&after).text("dataset_id"), Some("fresh"));
    assert_eq!(run(&after).get("created_at"), run(&before).get("created_at"));
}

#[test]
fn dot_files_and_the_readme_mean_nothing() {
    let rows = shop();
    let mut files = rows.files();
    for path in ["README.md", ".gitattributes", ".git/HEAD", "agents/.DS_Store"] {
        files.insert(path.into(), "anything".into());
    }
    assert_eq!(rows.put_to(&rows.snapshot(), &files).expect("they are ignored"), rows.snapshot());
}

#[test]
fn every_entity_has_its_place() {
    let model = Model::built_in().expect("the built-in model loads");
    let layout = Layout::of(&model);
    let lists = layout.collections.iter().flat_map(|collection| &collection.lists);
    let mut placed: Vec<&str> = layout.collections.iter().map(|collection| collection.entity.name.as_str()).collect();
    placed.extend(lists.map(|list| list.entity.name.as_str()));
    placed.sort_unstable();
    assert_eq!(placed, model.entities().map(|entity| entity.name.as_str()).collect::<Vec<_>>());
    let by_name = |part: &Segment| matches!(part, Segment::Fixed(name) if name.starts_with('+'));
    assert!(!layout.collections.iter().flat_map(|collection| &collection.path).any(by_name));
}

#[test]
fn a_row_without_its_owner_is_not_lost_in_silence() {
    let rows = shop();
    let users = rows.snapshot().table("trigger_user").clone();
    let project = rows.snapshot().table("project").clone();
    let orphans = Snapshot::new([("project".to_owned(), project), ("trigger_user".to_owned(), users)]);
    let refused = write(&rows.model, &orphans);
    assert!(matches!(&refused, Err(Error::Conflict(detail)) if detail.contains("hook/ana")), "{refused:?}");
}
