//! Writing migrations: what `understory model` does.

use std::fs;
use std::path::{Path, PathBuf};

use understory_model::{SchemaChange, SchemaDiff, SchemaShape, Severity};

use super::load::{CHECKSUMS, Files};
use super::{Migration, MigrationError, Store, checksum};
use crate::Dialect;
use crate::ddl::Refused;

const UNRELEASED: &str = "## Unreleased";

/// Why a migration was not written, dropped or released.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The files that are there cannot be used, or new ones not be written.
    #[error(transparent)]
    Files(#[from] MigrationError),
    /// The model changed in a way that no migration may follow.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The name is not one.
    #[error("'{0}' cannot name a migration; use lower-case letters, digits and _")]
    Name(String),
    /// There is no migration to drop.
    #[error("there is no migration of the {} store", .0.as_str())]
    Nothing(Store),
    /// The newest migration is in use.
    #[error("{name} {reason}")]
    InUse {
        /// The migration.
        name: String,
        /// Why it stays.
        reason: &'static str,
    },
}

/// A migration that was written.
#[derive(Debug)]
pub struct Written {
    /// Its directory's name.
    pub name: String,
    /// Its directory.
    pub path: PathBuf,
    /// The changes it makes.
    pub changes: SchemaDiff,
}

/// What changed in the model since the newest migration of a `migrations` directory.
pub fn pending(dir: &Path, store: Store, model: &SchemaShape) -> Result<SchemaDiff, MigrationError> {
    let migrations = Files::read(dir)?.migrations(store, "")?;
    let newest = migrations.into_iter().next_back().map(|migration| migration.shape).unwrap_or_default();
    Ok(SchemaDiff::between(&newest, model))
}

/// Checks that a directory's migrations read well and that the released ones are unchanged.
pub fn check(dir: &Path) -> Result<(), MigrationError> {
    let files = Files::read(dir)?;
    Store::ALL.into_iter().try_for_each(|store| files.migrations(store, "").map(drop))
}

/// Writes the next migration and its lines in the changelog beside the directory; `None` where nothing changed.
pub fn write(dir: &Path, store: Store, name: &str, model: &SchemaShape) -> Result<Option<Written>, GenerateError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
        return Err(GenerateError::Name(name.to_owned()));
    }
    let existing = Files::read(dir)?.migrations(store, "")?;
    let from = existing.last().map(|migration| migration.shape.clone()).unwrap_or_default();
    let changes = SchemaDiff::between(&from, model);
    if changes.is_empty() {
        return Ok(None);
    }
    let name = format!("{:04}_{name}", existing.len() + 1);
    let migration = migration(store, &name, &from, model)?;
    let path = dir.join(store.as_str()).join(&name);
    write_files(&path, &migration)?;
    let label = format!("{}/{name}", store.as_str());
    edit_changelog(dir, |text| with_lines(text, &changelog_lines(&label, existing.is_empty(), &changes)))?;
    Ok(Some(Written { name, path, changes }))
}

/// Removes the newest migration and its lines in the changelog; its name. `applied` are names in ledgers.
pub fn drop_last(dir: &Path, store: Store, applied: &[String]) -> Result<String, GenerateError> {
    let files = Files::read(dir)?;
    let newest = files.migrations(store, "")?.into_iter().next_back().ok_or(GenerateError::Nothing(store))?;
    let label = format!("{}/{}", store.as_str(), newest.name);
    let in_use = |reason| Err(GenerateError::InUse { name: label.clone(), reason });
    if files.released().any(|(name, _)| name == label) {
        return in_use("is released and stays for ever; write another migration");
    }
    if applied.contains(&newest.name) {
        return in_use("has been applied; restore a backup from before it, or write another migration");
    }
    let path = dir.join(store.as_str()).join(&newest.name);
    fs::remove_dir_all(&path).map_err(|error| MigrationError::io(&path, error))?;
    let ours = format!("`{label}`");
    edit_changelog(dir, |text| text.split_inclusive('\n').filter(|line| !line.contains(&ours)).collect())?;
    Ok(newest.name)
}

/// The newest migration of each store that has one which is not released.
pub fn droppable(dir: &Path) -> Result<Vec<(Store, String)>, MigrationError> {
    let files = Files::read(dir)?;
    let mut found = Vec::new();
    for store in Store::ALL {
        let newest = files.migrations(store, "")?.into_iter().next_back();
        let released = |name: &str| files.released().any(|(path, _)| path == format!("{}/{name}", store.as_str()));
        found.extend(newest.filter(|newest| !released(&newest.name)).map(|newest| (store, newest.name)));
    }
    Ok(found)
}

/// Lists all migrations of a directory as released, with their checksums; the names that are new in the list.
pub fn release(dir: &Path) -> Result<Vec<String>, MigrationError> {
    let files = Files::read(dir)?;
    let mut lines: Vec<String> = files.released().map(|(name, checksum)| format!("{checksum}  {name}\n")).collect();
    let mut new = Vec::new();
    for store in Store::ALL {
        for migration in files.migrations(store, "")? {
            let name = format!("{}/{}", store.as_str(), migration.name);
            let line = format!("{}  {name}\n", migration.checksum);
            if !lines.contains(&line) {
                lines.push(line);
                new.push(name);
            }
        }
    }
    replace(&dir.join(CHECKSUMS), &lines.concat())?;
    Ok(new)
}

/// The migration from one shape to another.
pub(super) fn migration(
    store: Store,
    name: &str,
    from: &SchemaShape,
    to: &SchemaShape,
) -> Result<Migration, GenerateError> {
    let diff = SchemaDiff::between(from, to);
    let (sqlite, postgres) = (script(Dialect::Sqlite, &diff)?, script(Dialect::Postgres, &diff)?);
    let schema = schema_json(to);
    Ok(Migration {
        name: name.to_owned(),
        store,
        former: Vec::new(),
        checksum: checksum([sqlite.as_str(), &postgres, &schema]),
        shape: to.clone(),
        sqlite,
        postgres,
    })
}

fn script(dialect: Dialect, diff: &SchemaDiff) -> Result<String, Refused> {
    let mut sql = String::new();
    for change in &diff.changes {
        sql.push_str(&format!("-- {change}\n"));
        for statement in dialect.change(change)? {
            sql.push_str(&statement);
            sql.push_str(";\n");
        }
    }
    Ok(sql)
}

/// Maps with text keys and no other types cannot fail to become JSON; were it so, loading would tell.
fn schema_json(shape: &SchemaShape) -> String {
    serde_json::to_string_pretty(shape).unwrap_or_default() + "\n"
}

/// Written under a hidden name first: a crash leaves no half migration.
fn write_files(path: &Path, migration: &Migration) -> Result<(), MigrationError> {
    let failed = |error| MigrationError::io(path, error);
    let hidden = path.with_file_name(format!(".{}", migration.name));
    fs::create_dir_all(&hidden).map_err(failed)?;
    fs::write(hidden.join("sqlite.sql"), &migration.sqlite).map_err(failed)?;
    fs::write(hidden.join("postgres.sql"), &migration.postgres).map_err(failed)?;
    fs::write(hidden.join("schema.json"), schema_json(&migration.shape)).map_err(failed)?;
    fs::rename(&hidden, path).map_err(failed)
}

fn changelog_lines(label: &str, first: bool, changes: &SchemaDiff) -> String {
    let line = |severity: Severity, text: &str| {
        let severity = match severity {
            Severity::Minor => "minor",
            Severity::Patch => "patch",
        };
        format!("- {severity}: `{label}`: {text}\n")
    };
    // A first migration of many tables is told in one line.
    if first && changes.changes.len() > 1 {
        let tables = changes.changes.iter().filter(|change| matches!(change, SchemaChange::AddTable(..))).count();
        return line(changes.severity(), &format!("the first {tables} tables"));
    }
    changes.changes.iter().map(|change| line(change.severity(), &change.to_string())).collect()
}

/// Adds lines at the end of the unreleased section, which is made if need be.
fn with_lines(text: &str, lines: &str) -> String {
    let Some(start) = text.find(UNRELEASED) else {
        let (title, rest) = match text.strip_prefix("# ") {
            Some(_) => text.split_once('\n').unwrap_or((text, "")),
            None => ("# Changelog", text),
        };
        let rest = rest.trim_start();
        let gap = if rest.is_empty() { "" } else { "\n" };
        return format!("{title}\n\n{UNRELEASED}\n\n{lines}{gap}{rest}");
    };
    let after = start + UNRELEASED.len();
    let end = text[after..].find("\n## ").map_or(text.len(), |next| after + next);
    let section = text[..end].trim_end();
    let ours = |line: &str| line.starts_with("- minor: `") || line.starts_with("- patch: `");
    let gap = if section.lines().next_back().is_some_and(ours) { "\n" } else { "\n\n" };
    format!("{section}{gap}{lines}{}", &text[end..])
}

fn edit_changelog(dir: &Path, edit: impl FnOnce(&str) -> String) -> Result<(), MigrationError> {
    let path = dir.parent().unwrap_or(dir).join("CHANGELOG.md");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(MigrationError::io(&path, error)),
    };
    replace(&path, &edit(&text))
}

/// Replaces a file whole: a crash leaves the old or the new one.
fn replace(path: &Path, text: &str) -> Result<(), MigrationError> {
    let failed = |error| MigrationError::io(path, error);
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    fs::write(&new, text).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)
}
