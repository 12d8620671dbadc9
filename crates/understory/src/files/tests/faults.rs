use super::shop;

#[test]
fn faults_name_file_and_place() {
    let rows = shop();
    let agent = "/files/agents~1support.json";
    let worker = "/files/agents~1support~1sub-agents~1worker.json";
    let cases: [(&str, Option<&str>, &str, &str); 25] = [
        ("agents/README.md", Some(""), "/files/agents~1README.md", "unknown"),
        ("tools/weather.txt", Some(""), "/files/tools~1weather.txt", "unknown"),
        ("tols/rain.json", Some("{}"), "/files/tols~1rain.json", "unknown"),
        ("tools/%zz.json", Some("{}"), "/files/tools~1%zz.json", "unknown"),
        ("tools/%7E.json", Some("{}"), "/files/tools~1%7E.json", "pattern"),
        ("tools/~.json", Some("{}"), "/files/tools~1~0.json", "unknown"),
        ("tools/new.json", Some("{}"), "/files/tools~1new.json", "pattern"),
        ("agents/support.promt.md", Some(""), "/files/agents~1support.promt.md", "unknown"),
        ("agents/other.prompt.md", Some(""), "/files/agents~1other.prompt.md", "required"),
        ("agents/%73upport.json", Some("{}"), agent, "duplicate"),
        ("project.json", None, "/files/project.json", "required"),
        ("agents/support.json", Some("{"), agent, "syntax"),
        ("agents/support.json", Some("{\"name\": \"a\", \"name\": \"b\"}"), agent, "syntax"),
        ("agents/support.json", Some("[]"), agent, "type"),
        ("agents/support.json", Some("{}"), "/files/agents~1support.json/name", "required"),
        ("agents/support.json", Some(r#"{"name": "A", "nme/x": 1}"#), "/files/agents~1support.json/nme~1x", "unknown"),
        ("agents/support.json", Some(r#"{"name": "A", "id": "support"}"#), "/files/agents~1support.json/id", "unknown"),
        (
            "agents/support.json",
            Some(r#"{"name": "A", "createdAt": ""}"#),
            "/files/agents~1support.json/createdAt",
            "unknown",
        ),
        (
            "agents/support.json",
            Some(r#"{"name": "A", "executionMode": "x"}"#),
            "/files/agents~1support.json/executionMode",
            "enum",
        ),
        (
            "agents/support.json",
            Some(r#"{"name": "A", "prompt": "x"}"#),
            "/files/agents~1support.prompt.md",
            "duplicate",
        ),
        ("agents/support.prompt.md", Some("nul \0"), "/files/agents~1support.prompt.md", "pattern"),
        (
            "agents/support/sub-agents/worker.json",
            Some(r#"{"name": "W", "subAgentToolRelations": {}}"#),
            "/subAgentToolRelations",
            "type",
        ),
        (
            "agents/support/sub-agents/worker.json",
            Some(r#"{"name": "W", "subAgentToolRelations": [{"toolId": "weather", "x": 1}]}"#),
            "/subAgentToolRelations/0/x",
            "unknown",
        ),
        (
            "agents/support/sub-agents/worker.json",
            Some(r#"{"name": "W", "subAgentToolRelations": [{"toolId": "rain"}]}"#),
            "/subAgentToolRelations/0/toolId",
            "reference",
        ),
        (
            "agents/support/sub-agents/worker.json",
            Some(r#"{"name": "W", "subAgentSkills": [1]}"#),
            "/subAgentSkills/0",
            "type",
        ),
    ];
    for (path, text, pointer, reason) in cases {
        let mut files = rows.files();
        match text {
            Some(text) => files.insert(path.into(), text.into()),
            None => files.remove(path),
        };
        let pointer = if pointer.starts_with("/files") { pointer.to_owned() } else { format!("{worker}{pointer}") };
        let faults = rows.faults(&files);
        assert!(
            faults.contains(&(pointer.clone(), reason)),
            "{path} {text:?}: {pointer} {reason} is not in {faults:?}"
        );
    }
}

#[test]
fn references_to_what_is_not_in_the_files_are_refused() {
    let rows = shop();
    let mut files = rows.files();
    files.remove("tools/weather.json");
    let tool = "/files/agents~1support~1sub-agents~1worker.json/subAgentToolRelations/0/toolId".to_owned();
    assert_eq!(rows.faults(&files), [(tool, "reference")]);

    let mut files = rows.files();
    files.remove("agents/support.json");
    files.remove("agents/support.prompt.md");
    let faults = rows.faults(&files);
    assert!(
        faults.contains(&("/files/agents~1support~1sub-agents~1router.json".to_owned(), "reference")),
        "{faults:?}"
    );
}

#[test]
fn the_same_relation_twice_is_refused() {
    let rows = shop();
    let mut files = rows.files();
    let hook = r#"{"name": "Hook", "runAsUserIds": ["ana", "ana"]}"#;
    files.insert("agents/support/triggers/hook.json".into(), hook.into());
    let place = "/files/agents~1support~1triggers~1hook.json/runAsUserIds/1".to_owned();
    assert_eq!(rows.faults(&files), [(place, "duplicate")]);
}
