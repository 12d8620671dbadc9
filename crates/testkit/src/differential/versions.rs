use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use understory_manage::change::{Edits, settle};
use understory_manage::{ChangeSet, Snapshot};
use understory_model::{Model, ModelFiles, Row, SchemaShape};
use understory_sql::migration::generate::write;
use understory_sql::{Migrations, Store};

use crate::conformance::Failure;

/// What the old model does not have: an entity, columns with and without a default, and the new name of a column.
const NEW_ENTITY: &str = "sub_agent_team_agent_relation";
const NEW_COLUMNS: [(&str, &str); 3] = [("agent", "execution_mode"), ("tool", "is_work_app"), ("tool", "image_url")];
const RENAMED: (&str, &str, &str) = ("tool", "problem", "last_error");

/// A model and its migrations.
#[derive(Clone)]
pub struct Version {
    /// The entities.
    pub model: Arc<Model>,
    /// What makes their tables.
    pub migrations: Arc<Migrations>,
}

/// The built-in model, and one that it may have come from by a migration.
pub struct Versions {
    /// What an older program had.
    pub old: Version,
    /// The built-in model by two migrations.
    pub new: Version,
    _home: TempDir,
}

impl Versions {
    /// Makes both.
    pub fn new() -> Result<Self, Failure> {
        let home = tempfile::tempdir()?;
        let dir = home.path();
        copy_model(dir)?;
        let manage = |entity: &str| dir.join(format!("manage/{entity}.toml"));
        let kept = fs::read_to_string(manage(NEW_ENTITY))?;
        fs::remove_file(manage(NEW_ENTITY))?;
        let (entity, was, is) = RENAMED;
        let changed: Vec<PathBuf> = NEW_COLUMNS.iter().map(|(entity, _)| manage(entity)).collect();
        let texts = changed.iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
        for (entity, column) in NEW_COLUMNS {
            fs::write(manage(entity), without_column(&fs::read_to_string(manage(entity))?, column))?;
        }
        edit(&manage(entity), &column(is), &column(was))?;
        let old = made(dir, "init")?;
        for (path, text) in changed.iter().zip(texts) {
            fs::write(path, text)?;
        }
        fs::write(manage(NEW_ENTITY), kept)?;
        edit(&manage(entity), &column(is), &format!("{}was = \"{was}\"\n", column(is)))?;
        let new = made(dir, "more")?;
        let migrations = Migrations::default().with_dir(dir)?;
        let older = migrations.up_to(Store::Manage, "ext/0001_init");
        Ok(Self {
            old: Version { model: old, migrations: Arc::new(older) },
            new: Version { model: new, migrations: Arc::new(migrations) },
            _home: home,
        })
    }

    /// Changes as a program of the old model would make them, if the laws allow; `base` is in the old shape.
    pub(super) fn in_old_shape(&self, base: &Snapshot, changes: &ChangeSet) -> Option<ChangeSet> {
        let known = changes.iter().filter(|change| self.old.model.entity(&change.entity).is_some());
        let edits: Edits = known
            .map(|change| {
                let after = change.after.as_ref().map(|row| Arc::new(self.old_row(&change.entity, row)));
                ((change.entity.clone(), change.key.clone()), after)
            })
            .collect();
        settle(&self.old.model, base, edits).ok()
    }

    fn old_row(&self, entity: &str, row: &Row) -> Row {
        let columns = self.old.model.entity(entity).into_iter().flat_map(|entity| &entity.columns);
        let cells = columns.map(|column| {
            let renamed = (entity, column.name.as_str()) == (RENAMED.0, RENAMED.1);
            let name = if renamed && !row.has(RENAMED.1) { RENAMED.2 } else { &column.name };
            (column.name.clone(), row.get(name).clone())
        });
        cells.collect()
    }
}

fn copy_model(to: &Path) -> Result<(), Failure> {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../model");
    for part in ["manage", "schemas"] {
        fs::create_dir_all(to.join(part))?;
        for file in fs::read_dir(model.join(part))? {
            let file = file?;
            fs::copy(file.path(), to.join(part).join(file.file_name()))?;
        }
    }
    Ok(())
}

/// The model of a directory, for which a migration is written.
fn made(dir: &Path, migration: &str) -> Result<Arc<Model>, Failure> {
    let model = Model::load(&ModelFiles::of_dir(dir)?)?;
    let shape = SchemaShape::of_manage(model.entities());
    write(&dir.join("migrations"), Store::Manage, migration, &shape)?.ok_or("the models do not differ")?;
    Ok(Arc::new(model))
}

fn column(name: &str) -> String {
    format!("[columns.{name}]\n")
}

fn edit(path: &Path, from: &str, to: &str) -> Result<(), Failure> {
    let text = fs::read_to_string(path)?;
    if !text.contains(from) {
        return Err(format!("{} has no {from}", path.display()).into());
    }
    Ok(fs::write(path, text.replacen(from, to, 1))?)
}

/// A model file without one of its columns.
fn without_column(text: &str, name: &str) -> String {
    let mut inside = false;
    let kept = text.lines().filter(|line| {
        if line.starts_with('[') {
            inside = *line == column(name).trim_end();
        }
        !inside
    });
    kept.map(|line| format!("{line}\n")).collect()
}
