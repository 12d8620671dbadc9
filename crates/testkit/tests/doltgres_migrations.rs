//! The DoltGres adapter across versions of the model: what was committed before a migration reads in today's shape.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use understory_manage::doltgres::DoltGres;
use understory_manage::replay::read;
use understory_manage::{BranchName, CommitMeta, ConfigStore as _, Draft, ProjectId, Signature, Snapshot};
use understory_model::{Entity, Key, Model, ModelFiles, Row, SchemaShape};
use understory_sql::migration::Migrate;
use understory_sql::migration::generate::write;
use understory_sql::{Migrations, Store};
use understory_testkit::conformance::{Checked, Failure};
use understory_testkit::servers::TestServer;

const PROJECT: &str = "entity = 'project'\ndoc = 'A project.'\nscope = 'tenant'\nid = 'given'\n";
const OLD: &str = "entity = 'note'\ndoc = 'A note.'\nscope = 'project'\n[columns.body]\ntype = 'text'\ndoc = 'Text.'\n";
const NEW: &str = "entity = 'note'\ndoc = 'A note.'\nscope = 'project'\n[columns.text]\ntype = 'text'\nwas = 'body'\n\
                   doc = 'Text.'\n[columns.stars]\ntype = 'integer'\ndefault = 3\ndoc = 'How good.'\n";

fn model(dir: &Path, note: &str, migration: &str) -> Result<Arc<Model>, Failure> {
    std::fs::create_dir_all(dir.join("manage"))?;
    std::fs::write(dir.join("manage/project.toml"), PROJECT)?;
    std::fs::write(dir.join("manage/note.toml"), note)?;
    let model = Model::load(&ModelFiles::of_dir(dir)?)?;
    let shape = SchemaShape::of_manage(model.entities());
    write(&dir.join("migrations"), Store::Manage, migration, &shape)?.ok_or("there is something to migrate")?;
    Ok(Arc::new(model))
}

fn entity<'a>(model: &'a Model, name: &str) -> Result<&'a Entity, Failure> {
    Ok(model.entity(name).ok_or("there is no such entity")?)
}

fn note(rows: &Snapshot, column: &str) -> Value {
    rows.get("note", &Key::new(["acme", "demo", "n"])).map(|row| row.get(column).clone()).unwrap_or_default()
}

#[tokio::test]
async fn commits_before_a_migration_read_in_todays_shape() -> Checked {
    let test = "doltgres, commits_before_a_migration_read_in_todays_shape";
    let Some(database) = TestServer::DoltGres.database(test).await? else { return Ok(()) };
    let dir = tempfile::tempdir()?;
    let (old_model, new_model) = (model(dir.path(), OLD, "init")?, model(dir.path(), NEW, "more")?);
    let new = Migrations::default().with_dir(dir.path())?;
    let old = new.up_to(Store::Manage, "ext/0001_init");
    let connect = async |model: &Arc<Model>, migrations| {
        DoltGres::connect(&database.url(), 4, Arc::clone(model), Arc::new(migrations), Migrate::Run).await
    };
    let id = ProjectId { tenant: "acme".into(), id: "demo".into(), uid: "u1".into() };
    let place = Row::new().with("tenant_id", "acme");
    let mut draft = Draft::new(Arc::clone(&old_model), Arc::default());
    draft.put(entity(&old_model, "project")?, place.clone().with("id", "demo"));
    let row = place.with("project_id", "demo").with("id", "n").with("body", "as it was");
    draft.put(entity(&old_model, "note")?, row);
    let changes = draft.finish().map_err(|broken| format!("{broken:?}"))?;
    let meta = CommitMeta::new(Signature::new("Ana", "ana@example.com"), "Create");
    connect(&old_model, old).await?.project_create(&id, &changes, &meta).await?;

    let store = connect(&new_model, new).await?;
    let head = store.branch_head(&id, &BranchName::main()).await?.ok_or("there is a main")?;
    let rows = store.read(&id, &head).await?;
    assert_eq!((note(&rows, "text"), note(&rows, "stars")), (json!("as it was"), json!(3)));
    assert!(store.needs_migration(&id, &BranchName::main()).await?, "reading changes nothing");
    let whole = read(&store, &new_model, &id).await?;
    assert_eq!(whole.history.commits.len(), 1);
    assert_eq!(note(&whole.history.commits[0].rows, "stars"), json!(3));
    Ok(())
}
