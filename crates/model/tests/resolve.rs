//! What entities say of each other: references, parents, lists, tables.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;

use understory_model::{LoadError, Model, ModelFiles};

fn thing(scope: &str, added: &str) -> String {
    entity("thing", scope, added)
}

fn entity(name: &str, scope: &str, added: &str) -> String {
    format!("entity = \"{name}\"\ndoc = \"One.\"\nscope = \"{scope}\"\n{added}\n")
}

fn load(files: &[(&str, String)]) -> Result<Model, LoadError> {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Model::load(&ModelFiles::of_dir(dir.path())?)
}

/// File, key and the rest of the message of files that must not load.
fn refused(files: &[(&str, String)]) -> (String, String, String) {
    let error = load(files).expect_err("the files are bad");
    (error.file, error.key.unwrap_or_default(), format!("{}; {}", error.problem, error.remedy))
}

fn reference(column: &str, to: &str) -> String {
    format!("[columns.{column}]\ntype = \"id\"\nreferences = \"{to}\"\non_delete = \"cascade\"\n")
}

#[test]
fn a_reference_to_rows_that_need_more_columns() {
    let part = entity("part", "agent", "parent = false");
    let thing = thing("tenant", &reference("part_id", "part"));
    let (file, key, message) = refused(&[("manage/part.toml", part), ("manage/thing.toml", thing)]);
    assert_eq!((file.as_str(), key.as_str()), ("manage/thing.toml", "columns.part_id.references"));
    assert!(message.contains("found by project_id too") && message.contains("add the column project_id"), "{message}");
}

#[test]
fn runtime_references_are_resolved_within_runtime() {
    let files = [
        ("runtime/part.toml", entity("part", "tenant", "")),
        ("runtime/thing.toml", thing("tenant", &reference("part_id", "part"))),
    ];
    let model = load(&files).unwrap_or_else(|error| panic!("{error}"));
    let thing = model.runtime_entities().find(|entity| entity.name == "thing").unwrap();
    assert_eq!(thing.references[0].columns, ["tenant_id", "part_id"]);

    let files = files.map(|(path, text)| (path.replace("runtime/part", "manage/part"), text));
    let files = files.each_ref().map(|(path, text)| (path.as_str(), text.clone()));
    let (file, key, message) = refused(&files);
    assert_eq!((file.as_str(), key.as_str()), ("runtime/thing.toml", "columns.part_id.references"));
    assert!(message.contains("no entity 'part' in runtime/"), "{message}");
}

#[test]
fn a_scope_without_its_parent() {
    for folder in ["manage", "runtime"] {
        let path = format!("{folder}/thing.toml");
        let (file, key, message) = refused(&[(path.as_str(), thing("project", ""))]);
        assert_eq!((file.as_str(), key.as_str()), (path.as_str(), "scope"));
        assert!(message.contains("no entity 'project'") && message.contains("parent = false"), "{message}");
        load(&[(path.as_str(), thing("project", "parent = false"))]).unwrap();
    }
}

#[test]
fn two_entities_of_one_table() {
    let gadget = entity("gadget", "tenant", "table = \"things\"");
    let files = [("manage/gadget.toml", gadget.clone()), ("manage/thing.toml", thing("tenant", ""))];
    let (file, key, message) = refused(&files);
    assert_eq!((file.as_str(), key.as_str()), ("manage/thing.toml", "table"));
    assert!(message.contains("'gadget'"), "{message}");

    let files = [("runtime/gadget.toml", gadget), ("manage/thing.toml", thing("tenant", ""))];
    let (file, _, message) = refused(&files);
    assert_eq!(file, "runtime/gadget.toml", "in different stores too");
    assert!(message.contains("'thing'"), "{message}");
}

#[test]
fn lists_name_a_relation_and_its_column() {
    let relation =
        entity("tagging", "tenant", &format!("{}[columns.tag_id]\ntype = \"id\"", reference("thing_id", "thing")));
    let list = |column: &str| {
        let added = format!(
            "path = \"things\"\nfilters = [\"{column}\"]\n[lists.tag_ids]\nrelation = \"tagging\"\ncolumn = \"{column}\""
        );
        [("manage/tagging.toml", relation.clone()), ("manage/thing.toml", thing("tenant", &added))]
    };
    let model = load(&list("tag_id")).unwrap_or_else(|error| panic!("{error}"));
    let own = &model.entity("thing").unwrap().lists[0];
    assert_eq!((own.own.as_str(), own.wire.as_str()), ("thing_id", "tagIds"));

    let (file, key, message) = refused(&list("nope"));
    assert_eq!((file.as_str(), key.as_str()), ("manage/thing.toml", "lists.tag_ids.column"));
    assert!(message.contains("'tagging' has no column 'nope'"), "{message}");
}
