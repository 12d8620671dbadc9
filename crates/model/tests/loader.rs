//! A bad model file stops the start and says which file, which key, what is wrong and what would be right.

#![allow(clippy::unwrap_used)]

use std::fs;

use tempfile::TempDir;
use understory_model::{LoadError, Model, ModelFiles};

/// A file that loads; cases add to it or change it.
const THING: &str = r#"entity = "thing"
doc    = "A thing."
scope  = "tenant"
path   = "things"
"#;

fn dir_of(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn load(files: &[(&str, &str)]) -> Result<Model, LoadError> {
    Model::load(&ModelFiles::of_dir(dir_of(files).path())?)
}

/// Loads files that must not load.
fn refused(case: &str, files: &[(&str, &str)]) -> LoadError {
    match load(files) {
        Ok(_) => panic!("{case}: loads, but should be refused"),
        Err(error) => error,
    }
}

#[test]
fn the_good_file_of_these_tests_loads() {
    let model = load(&[("manage/thing.toml", THING)]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(model.entity("thing").unwrap().table, "things");
}

#[test]
fn errors_in_one_entity_file() {
    // What is added to the good file; key at fault, words of the problem, words of the remedy.
    let cases = [
        ("colour = \"red\"", "line ", "colour", "docs/ENTITY-FILES.md"),
        ("[columns.a]\ntype = \"text\"\nlenght = 3", "line ", "lenght", "docs/ENTITY-FILES.md"),
        ("[columns.a]\ndoc = \"No type.\"", "line ", "type", "docs/ENTITY-FILES.md"),
        ("[columns.a]\ntype = \"text", "line ", "string", "docs/ENTITY-FILES.md"),
        ("[columns.a]\ntype = \"varchar\"", "columns.a.type", "'varchar'", "string, id, text, integer"),
        ("[columns.a]\ntype = \"string\"", "columns.a.max", "greatest length", "max = 256"),
        ("[columns.a]\ntype = \"string\"\nmax = 0", "columns.a.max", "greatest length", "max = 256"),
        ("[columns.aB]\ntype = \"text\"", "columns.aB", "snake_case", "a-z, 0-9 and _"),
        ("[columns.a]\ntype = \"text\"\npattern = '('", "columns.a.pattern", "regular expression", "correct"),
        ("id_pattern = '['", "id_pattern", "regular expression", "correct"),
        ("[columns.a]\ntype = \"json\"\nschema = \"nowhere\"", "columns.a.schema", "schemas/nowhere.json", "add it"),
        ("[columns.a]\ntype = \"integer\"\ndefault = \"1\"", "columns.a.default", "another type", "the column's type"),
        ("[columns.a]\ntype = \"boolean\"\ndefault = 0", "columns.a.default", "another type", "the column's type"),
        ("[columns.a]\ntype = \"id\"\nreferences = \"thing\"", "columns.a.on_delete", "deletion", "cascade, set_null"),
        (
            "[columns.a]\ntype = \"id\"\nreferences = \"nothing\"\non_delete = \"cascade\"",
            "columns.a.references",
            "no entity 'nothing'",
            "by its file's name",
        ),
        (
            "[columns.a]\ntype = \"id\"\nreferences = \"thing\"\non_delete = \"set_null\"",
            "columns.a.on_delete",
            "may be null",
            "optional = true",
        ),
        ("use = [\"gui\"]", "use", "'gui'", "[\"ui\"]"),
        ("use = [\"ui\"]\n[columns.name]\ntype = \"text\"", "columns.name", "there already", "leave it out"),
        ("key = [\"tenant_id\", \"nope\"]", "key", "no column 'nope'", "columns of this entity"),
        ("unique = [[\"nope\"]]", "unique", "no column 'nope'", "columns of this entity"),
        ("index = [[\"nope\"]]", "index", "no column 'nope'", "columns of this entity"),
        ("id = \"random\"", "id", "not known", "\"given\", \"optional\""),
        ("timestamps = \"updated\"", "timestamps", "not known", "\"created\""),
        ("duplicate = 400", "duplicate", "duplicate", "409 or 422"),
        ("list_path = \"of/{otherId}\"", "path", "{otherId}", "bind"),
        ("[association]\nshape = \"pair\"\nright = { column = \"id\" }", "association.left", "missing", "left ="),
        (
            "[association]\nshape = \"by_right\"\nright = { column = \"nope\" }",
            "association.left",
            "no column 'nope'",
            "column of this entity",
        ),
        (
            "[lists.tag_ids]\nrelation = \"tagging\"\ncolumn = \"tag_id\"",
            "lists.tag_ids.relation",
            "'tagging'",
            "name a relation",
        ),
    ];
    for (added, key, problem, remedy) in cases {
        let error = refused(added, &[("manage/thing.toml", &format!("{THING}{added}\n"))]);
        let shown = error.to_string();
        assert_eq!(error.file, "manage/thing.toml", "{added}: {shown}");
        let own = error.key.as_deref().unwrap_or_default();
        assert!(own == key || (key == "line " && own.starts_with(key)), "{added}: {shown}");
        assert!(error.problem.contains(problem), "{added}: {shown}");
        assert!(error.remedy.contains(remedy), "{added}: {shown}");
        assert_eq!(shown, format!("manage/thing.toml, {own}: {}; {}", error.problem, error.remedy));
    }
}

#[test]
fn a_file_that_is_not_toml() {
    let error = refused("toml", &[("manage/thing.toml", "entity = \"thing\"\nscope = = 1\n")]);
    assert_eq!((error.file.as_str(), error.key.as_deref()), ("manage/thing.toml", Some("line 2")));
}

#[test]
fn a_file_named_unlike_its_entity() {
    let error = refused("name", &[("manage/gadget.toml", THING)]);
    assert_eq!((error.file.as_str(), error.key.as_deref()), ("manage/gadget.toml", Some("entity")));
    assert!(error.problem.contains("'thing'") && error.remedy == "entity = \"gadget\"", "{error}");
}

#[test]
fn two_entities_of_one_table() {
    let other = THING.replace("\"thing\"", "\"gadget\"").replace("path   = \"things\"", "table = \"things\"");
    let files = [("manage/thing.toml", THING), ("manage/gadget.toml", other.as_str())];
    let error = refused("table", &files);
    assert_eq!(error.key.as_deref(), Some("table"));
    assert!(error.file.ends_with("thing.toml") && error.problem.contains("'gadget'"), "{error}");
}

#[test]
fn a_reference_to_rows_that_need_more_columns() {
    let part = "entity = \"part\"\ndoc = \"A part.\"\nscope = \"agent\"\nparent = false\n";
    let column = "[columns.part_id]\ntype = \"id\"\nreferences = \"part\"\non_delete = \"restrict\"\n";
    let thing = format!("{THING}{column}");
    let files = [("manage/part.toml", part), ("manage/thing.toml", thing.as_str())];
    let error = refused("reference", &files);
    assert_eq!(error.key.as_deref(), Some("columns.part_id.references"));
    assert!(error.problem.contains("project_id") && error.remedy.contains("add the column project_id"), "{error}");
}

#[test]
fn a_schema_that_is_none() {
    for (text, problem) in [("{ \"type\":", "is not JSON"), ("{ \"type\": \"strnig\" }", "is not a JSON Schema")] {
        let error = refused(text, &[("schemas/size.json", text), ("manage/thing.toml", THING)]);
        assert_eq!(error.file, "schemas/size.json");
        assert!(error.problem.contains(problem) && error.remedy.contains("JSON Schema"), "{error}");
    }
}

#[test]
fn users_files_cannot_replace_built_in_ones() {
    let dir = dir_of(&[("manage/tool.toml", &THING.replace("thing", "tool"))]);
    let error = ModelFiles::built_in().with_dir(dir.path()).unwrap_err();
    assert!(error.file.ends_with("tool.toml"), "{error}");
    assert!(error.problem.contains("built-in") && error.remedy.contains("another name"), "{error}");
}

#[test]
fn users_files_join_the_built_in_ones() {
    let column = "[columns.tool_id]\ntype = \"id\"\nreferences = \"tool\"\non_delete = \"cascade\"\n";
    let thing = THING.replace("tenant", "project") + column;
    let dir = dir_of(&[("manage/thing.toml", &thing)]);
    let files = ModelFiles::built_in().with_dir(dir.path()).unwrap();
    let model = Model::load(&files).unwrap_or_else(|error| panic!("{error}"));
    let thing = model.entity("thing").unwrap();
    assert_eq!(thing.key, ["tenant_id", "project_id", "id"]);
    assert_eq!(thing.crud.as_ref().unwrap().path, "/tenants/{tenantId}/projects/{projectId}/things");
    let referring: Vec<&str> = model.references_to("tool").map(|(entity, _)| entity.name.as_str()).collect();
    assert_eq!(referring, ["sub_agent_tool_relation", "thing"]);
    let columns: Vec<&str> = thing.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["tenant_id", "project_id", "id", "tool_id", "created_at", "updated_at"]);
}
