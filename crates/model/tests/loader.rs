//! A bad model file stops the start and says which file, which key, what is wrong and what would be right.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;

use tempfile::TempDir;
use understory_model::{ColumnType, LoadError, Model, ModelFiles};

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
    let cases = [
        ("colour = \"red\"", "line ", "colour", "docs/ENTITY-FILES.md"),
        ("[columns.a]\ntype = \"text\"\nlenght = 3", "line ", "lenght", "docs/ENTITY-FILES.md"),
        ("[columns.a]\ndoc = \"No type.\"", "columns.a.type", "needs a type", "string, id, text, integer"),
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
        ("list_path = \"of/{otherId}\"", "list_path", "{otherId}", "bind"),
        ("[association]\nshape = \"pair\"\nright = { column = \"id\" }", "association.left", "missing", "left ="),
        (
            "[association]\nshape = \"by_right\"\nright = { column = \"nope\" }",
            "association.right",
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
    all_refused(&cases);
}

#[test]
fn keys_that_would_mean_nothing() {
    let cases = [
        ("filters = [\"nope\"]", "filters", "no column 'nope'", "or of its lists"),
        ("expose = [\"nope\"]", "expose", "'nope' is no column of the scope", "this entity's scope"),
        ("expose = [\"id\"]", "expose", "'id' is no column of the scope", "this entity's scope"),
        ("id = [\"tenant_id\", \"nope\"]", "id", "no column 'nope'", "columns of this entity"),
        ("id = [\"tenant_id\", \"id\"]", "id", "no column 'id'", "not the id itself"),
        (
            "[columns.a]\ntype = \"id\"\non_delete = \"cascade\"",
            "columns.a.on_delete",
            "refers to nothing",
            "references",
        ),
        ("[columns.a]\ntype = \"text\"\nformat = \"email\"", "columns.a.format", "not known", "\"uri\""),
        (
            "[columns.a]\ntype = \"string\"\nmax = 9\nenum = [\"b\"]\ndefault = \"c\"",
            "columns.a.default",
            "must be one of b",
            "allowed",
        ),
        (
            "[columns.a]\ntype = \"string\"\nmax = 2\ndefault = \"abc\"",
            "columns.a.default",
            "at most 2 characters",
            "allowed",
        ),
        ("[columns.a]\ntype = \"integer\"\nmin = 1\ndefault = 0", "columns.a.default", "must be at least 1", "allowed"),
        ("[columns.a]\ntype = \"number\"\ndefault = nan", "columns.a.default", "another type", "the column's type"),
        ("[columns.a]\ntype = \"integer\"\nmin = 2\nmax = 1", "columns.a.min", "the least, 2", "raise max"),
        ("[columns.a]\ntype = \"string\"\nmin = 9\nmax = 8", "columns.a.min", "the greatest, 8", "raise max"),
        ("[columns.a]\ntype = \"text\"\nmin = 9\nmax_input = 8", "columns.a.min", "the greatest, 8", "raise max"),
        ("[columns.a]\ntype = \"string\"\nmax = 1.5", "columns.a.max", "greatest length", "max = 256"),
        ("[columns.id]\ntype = \"id\"", "columns.id", "does not have", "keep max and doc"),
        ("[columns.id]\nmax = 64\nmin = 2", "columns.id", "does not have", "keep max and doc"),
        ("[columns.id]\nmax = 0", "columns.id.max", "greatest length", "max = 256"),
        ("id = \"none\"\nkey = [\"tenant_id\"]\n[columns.id]\nmax = 9", "columns.id", "no id", "leave the table out"),
        ("id_max = 300", "id_max", "1 to 256", "columns.id.max"),
        (
            "[association]\nshape = \"by_right\"\nright = { column = \"id\" }\nomit = [\"list\"]",
            "association.omit",
            "'list'",
            "by_right",
        ),
        (
            "[association]\nshape = \"by_right\"\nright = { column = \"id\" }\nwith = [\"nope\"]",
            "association.with",
            "no column 'nope'",
            "columns of",
        ),
        (
            "[association]\nshape = \"by_right\"\nright = { column = \"id\" }\nremoved = \"gone\"",
            "association.removed",
            "not known",
            "empty",
        ),
    ];
    all_refused(&cases);
}

#[test]
fn an_association_needs_a_path() {
    let thing =
        THING.replace("path   = \"things\"\n", "[association]\nshape = \"by_right\"\nright = { column = \"id\" }\n");
    let error = refused("path", &[("manage/thing.toml", &thing)]);
    assert_eq!(error.key.as_deref(), Some("association.path"), "{error}");
}

#[test]
fn what_a_file_may_say_of_its_id() {
    let thing =
        load(&[("manage/thing.toml", &format!("{THING}[columns.id]\nmax = 64\ndoc = \"Its name.\"\n"))]).unwrap();
    let id = thing.entity("thing").unwrap().column("id").unwrap();
    assert_eq!((id.ty, id.longest(), id.doc.as_str()), (ColumnType::Id(64), Some(64.0), "Its name."));
}

#[test]
fn an_error_in_the_text_tells_its_line() {
    for (text, line) in [
        ("entity = \"thing\"\nscope = = 1\n", "line 2"),
        ("colour = 1\nentity = \"thing\"\n", "line 1"),
        ("entity = \"thing\"\ncolour = 1\n", "line 2"),
        ("entity = \"thing\"\n\n\ncolour = 1\n", "line 4"),
        ("entity = \"thing\"\n\n[columns.a]\ntype = \"text\"\nlenght = 1\n", "line 5"),
    ] {
        let error = refused(text, &[("manage/thing.toml", text)]);
        assert_eq!((error.file.as_str(), error.key.as_deref()), ("manage/thing.toml", Some(line)), "{text}: {error}");
    }
}

/// Each case: what is added to the good file; key at fault, words of the problem, words of the remedy.
fn all_refused(cases: &[(&str, &str, &str, &str)]) {
    for (added, key, problem, remedy) in cases {
        let error = refused(added, &[("manage/thing.toml", &format!("{THING}{added}\n"))]);
        let shown = error.to_string();
        assert_eq!(error.file, "manage/thing.toml", "{added}: {shown}");
        let own = error.key.as_deref().unwrap_or_default();
        assert!(own == *key || (*key == "line " && own.starts_with(key)), "{added}: {shown}");
        assert!(error.problem.contains(problem), "{added}: {shown}");
        assert!(error.remedy.contains(remedy), "{added}: {shown}");
        assert_eq!(shown, format!("manage/thing.toml, {own}: {}; {}", error.problem, error.remedy));
    }
}

#[test]
fn a_file_named_unlike_its_entity() {
    let error = refused("name", &[("manage/gadget.toml", THING)]);
    assert_eq!((error.file.as_str(), error.key.as_deref()), ("manage/gadget.toml", Some("entity")));
    assert!(error.problem.contains("'thing'") && error.remedy == "entity = \"gadget\"", "{error}");
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

#[test]
fn a_directory_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("nowhere");
    for error in [ModelFiles::built_in().with_dir(&missing).unwrap_err(), ModelFiles::of_dir(&missing).unwrap_err()] {
        assert!(error.file.ends_with("nowhere") && error.problem.contains("no such directory"), "{error}");
    }
}
