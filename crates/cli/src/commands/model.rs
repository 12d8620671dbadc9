use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};
use understory::model::{Model, ModelFiles, SchemaChange, SchemaDiff, SchemaShape, Severity};
use understory::sql::migration::MigrationError;
use understory::sql::migration::generate::{self, GenerateError};
use understory::sql::{Migrations, Store};

use super::Context;
use crate::error::{CommandError, CommandResult};

/// Check entity files, and write the migrations that they ask for
///
/// Works on the directory that --model names, or on `model` and `migrations` of the source tree.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Check that the files load, and that a migration makes all they declare
    Check,
    /// Show what changed since the newest migration, and how much it asks of users
    Diff,
    /// Write the next migration, for both dialects
    Migration {
        /// Its name, as add_examples
        #[arg(required_unless_present = "drop")]
        name: Option<String>,
        /// Remove the newest one instead, unless it is released or applied
        #[arg(long)]
        drop: bool,
    },
    /// Make all migrations final: from now on they must not change
    Release,
}

/// The files worked on.
struct Files {
    migrations: PathBuf,
    /// Begins the names of its migrations in ledgers.
    prefix: &'static str,
    entities: usize,
    manage: SchemaShape,
    runtime: SchemaShape,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let files = match &context.settings.model {
        Some(dir) => Files::of_users(dir)?,
        None => Files::of_source(Path::new(""))?,
    };
    match &args.action {
        Action::Check => files.check(context),
        Action::Diff => files.diff(context),
        Action::Migration { name: Some(name), drop: false } => files.write(context, name),
        Action::Migration { name, .. } => files.drop_newest(context, name.as_deref()),
        Action::Release => files.release(context),
    }
}

impl Files {
    /// The built-in model, in the source tree.
    fn of_source(root: &Path) -> CommandResult<Self> {
        let dir = root.join("model");
        if !dir.is_dir() {
            let error = CommandError::config("there is no directory `model` here");
            return Err(error.hint("run this in the source tree, or name a directory with --model"));
        }
        let model = ModelFiles::of_dir(&dir).and_then(|files| Model::load(&files)).map_err(|e| unusable(&e))?;
        let (manage, runtime) =
            (SchemaShape::of_manage(model.entities()), SchemaShape::of_runtime(model.runtime_entities()));
        Ok(Self {
            migrations: root.join("migrations"),
            prefix: "",
            entities: model.entities().count(),
            manage,
            runtime,
        })
    }

    /// A user's directory: what it adds to the built-in model.
    fn of_users(dir: &Path) -> CommandResult<Self> {
        let built_in = Model::built_in().map_err(|error| unusable(&error))?;
        let files = ModelFiles::built_in().with_dir(dir).and_then(|files| Model::load(&files));
        let model = files.map_err(|error| unusable(&error))?;
        let manage = model.entities().filter(|entity| built_in.entity(&entity.name).is_none());
        let manage: Vec<_> = manage.collect();
        let known: Vec<&str> = built_in.runtime_entities().map(|entity| entity.name.as_str()).collect();
        let runtime = model.runtime_entities().filter(|entity| !known.contains(&entity.name.as_str()));
        let entities = manage.len();
        let (manage, runtime) = (SchemaShape::of_manage(manage), SchemaShape::of_runtime(runtime));
        Migrations::embedded().and_then(|migrations| migrations.with_dir(dir)).map_err(|error| unusable(&error))?;
        Ok(Self { migrations: dir.join("migrations"), prefix: "ext/", entities, manage, runtime })
    }

    fn shape(&self, store: Store) -> &SchemaShape {
        match store {
            Store::Manage => &self.manage,
            Store::Runtime => &self.runtime,
        }
    }

    /// What has no migration yet, by store.
    fn pending(&self) -> CommandResult<Vec<(Store, SchemaDiff)>> {
        let of = |store| Ok((store, generate::pending(&self.migrations, store, self.shape(store))?));
        let all: Result<Vec<_>, MigrationError> = Store::ALL.into_iter().map(of).collect();
        Ok(all.map_err(|error| unusable(&error))?.into_iter().filter(|(_, diff)| !diff.is_empty()).collect())
    }

    fn check(&self, context: &Context) -> CommandResult<()> {
        generate::check(&self.migrations).map_err(|error| unusable(&error))?;
        let pending = self.pending()?;
        if pending.is_empty() {
            let said = json!({ "entities": self.entities, "pending": [] });
            return context.output.show(&said, || format!("{} versioned entities, all as migrated", self.entities));
        }
        let lines = pending.iter().flat_map(|(store, diff)| diff.changes.iter().map(|change| line(*store, change)));
        let error = lines.fold(CommandError::user("the model changed since its newest migration"), CommandError::cause);
        Err(error.hint("run `understory model migration NAME`"))
    }

    fn diff(&self, context: &Context) -> CommandResult<()> {
        let pending = self.pending()?;
        let changes: Vec<_> =
            pending.iter().flat_map(|(store, diff)| diff.changes.iter().map(|change| (*store, change))).collect();
        let said: Vec<Value> = changes.iter().map(|(store, change)| as_json(*store, change)).collect();
        context.output.show(&said, || match changes.as_slice() {
            [] => "Nothing changed since the newest migration".to_owned(),
            changes => changes.iter().map(|(store, change)| line(*store, change)).collect::<Vec<_>>().join("\n"),
        })
    }

    fn write(&self, context: &Context, name: &str) -> CommandResult<()> {
        // Both stores are looked at before anything is written: a change that is refused leaves no half of the work.
        for (store, diff) in self.pending()? {
            if let Some(refused) = diff.changes.iter().find(|change| matches!(change, SchemaChange::Refused(..))) {
                return Err(CommandError::user(line(store, refused)).hint("migrations only expand"));
            }
        }
        let mut written = Vec::new();
        for store in Store::ALL {
            let made = generate::write(&self.migrations, store, name, self.shape(store)).map_err(|e| failed(&e))?;
            written.extend(made.map(|made| (store, made)));
        }
        let said: Vec<Value> = written
            .iter()
            .map(|(store, made)| json!({ "store": store.as_str(), "name": made.name, "path": made.path }))
            .collect();
        context.output.show(&said, || {
            let lines = written.iter().flat_map(|(store, made)| {
                let changes = made.changes.changes.iter().map(|change| line(*store, change));
                std::iter::once(format!("Wrote {}", made.path.display())).chain(changes).collect::<Vec<_>>()
            });
            let lines: Vec<String> = lines.collect();
            if lines.is_empty() { "Nothing changed since the newest migration".to_owned() } else { lines.join("\n") }
        })
    }

    fn drop_newest(&self, context: &Context, name: Option<&str>) -> CommandResult<()> {
        let mut droppable = generate::droppable(&self.migrations).map_err(|error| unusable(&error))?;
        droppable.retain(|(_, newest)| name.is_none_or(|name| name == newest || name == bare(newest)));
        let newest = droppable.first().map(|(_, newest)| bare(newest).to_owned()).ok_or_else(|| {
            let error = CommandError::user("there is no such migration that can be dropped");
            error.hint("only the newest one of a store can, and only until it is released")
        })?;
        // One run of `migration NAME` may have written one for each store, of the same name.
        if let Some((_, other)) = droppable.iter().find(|(_, other)| bare(other) != newest) {
            let message = format!("two migrations can be dropped: {newest} and {}", bare(other));
            return Err(CommandError::user(message).hint("name one: `understory model migration NAME --drop`"));
        }
        let applied = understory::applied_migrations(&context.settings.data)?;
        let ours = applied.iter().filter_map(|name| name.strip_prefix(self.prefix));
        let applied: Vec<String> = ours.map(str::to_owned).collect();
        let mut dropped = Vec::new();
        for (store, name) in droppable {
            generate::drop_last(&self.migrations, store, &applied).map_err(|error| failed(&error))?;
            dropped.push(format!("{}/{name}", store.as_str()));
        }
        context.output.show(&json!({ "dropped": dropped }), || format!("Dropped {}", dropped.join(" and ")))
    }

    fn release(&self, context: &Context) -> CommandResult<()> {
        let released = generate::release(&self.migrations).map_err(|error| unusable(&error))?;
        context.output.show(&json!({ "released": released }), || match released.as_slice() {
            [] => "All migrations are released already".to_owned(),
            names => format!("Released {}", names.join(", ")),
        })
    }
}

/// A migration's name without its number.
fn bare(name: &str) -> &str {
    name.get(5..).unwrap_or(name)
}

fn line(store: Store, change: &SchemaChange) -> String {
    format!("{:<5}  {}: {change}", severity(change), store.as_str())
}

fn as_json(store: Store, change: &SchemaChange) -> Value {
    json!({ "store": store.as_str(), "severity": severity(change), "change": change.to_string() })
}

fn severity(change: &SchemaChange) -> &'static str {
    match change.severity() {
        Severity::Minor => "minor",
        Severity::Patch => "patch",
    }
}

fn unusable(error: &dyn std::error::Error) -> CommandError {
    let below = error.source().map(ToString::to_string);
    below.into_iter().fold(CommandError::config(error.to_string()), CommandError::cause)
}

fn failed(error: &GenerateError) -> CommandError {
    match error {
        GenerateError::Files(files) => unusable(files),
        other => CommandError::user(other.to_string()),
    }
}
