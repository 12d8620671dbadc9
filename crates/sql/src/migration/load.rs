use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::{Migration, Store, checksum};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations");

pub(super) const CHECKSUMS: &str = "CHECKSUMS";
const FORMER: &str = "FORMER";

/// Migration files that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .path.display())]
pub struct MigrationError {
    /// The file or directory at fault.
    pub path: PathBuf,
    /// What is wrong, and what would be right.
    pub problem: String,
    /// The file system's words, if it was at fault.
    pub source: Option<std::io::Error>,
}

impl MigrationError {
    pub(super) fn new(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into(), source: None }
    }

    pub(super) fn io(path: &Path, error: std::io::Error) -> Self {
        Self { path: path.to_owned(), problem: "cannot be read or written".into(), source: Some(error) }
    }
}

/// The texts of a migrations directory, by path within it.
pub(super) struct Files {
    root: PathBuf,
    texts: BTreeMap<String, String>,
}

/// The files built into the program.
pub(super) fn embedded() -> Files {
    let mut files = Files { root: "migrations".into(), texts: BTreeMap::new() };
    files.add(&EMBEDDED);
    files
}

impl Files {
    fn add(&mut self, dir: &Dir<'_>) {
        for file in dir.files() {
            if let Some(text) = file.contents_utf8() {
                self.texts.insert(file.path().to_string_lossy().into_owned(), text.to_owned());
            }
        }
        for dir in dir.dirs() {
            self.add(dir);
        }
    }

    /// The files of a directory; none where there is no such directory.
    pub(super) fn read(root: &Path) -> Result<Self, MigrationError> {
        let mut files = Self { root: root.to_owned(), texts: BTreeMap::new() };
        let checksums = root.join(CHECKSUMS);
        match std::fs::read_to_string(&checksums) {
            Ok(text) => _ = files.texts.insert(CHECKSUMS.to_owned(), text),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(MigrationError::io(&checksums, error)),
        }
        for store in Store::ALL {
            for directory in list(&root.join(store.as_str()))? {
                for file in list(&root.join(store.as_str()).join(&directory))? {
                    let path = format!("{}/{directory}/{file}", store.as_str());
                    let full = root.join(&path);
                    let text = std::fs::read_to_string(&full).map_err(|error| MigrationError::io(&full, error))?;
                    files.texts.insert(path, text);
                }
            }
        }
        Ok(files)
    }

    /// The migrations of a store in order, checked.
    pub(super) fn migrations(&self, store: Store, prefix: &str) -> Result<Vec<Migration>, MigrationError> {
        let below = format!("{}/", store.as_str());
        let inside = self.texts.keys().filter_map(|path| path.strip_prefix(&below)?.split_once('/'));
        let names: BTreeSet<&str> = inside.map(|(directory, _)| directory).collect();
        let mut migrations = Vec::with_capacity(names.len());
        for (index, name) in names.into_iter().enumerate() {
            migrations.push(self.migration(store, prefix, name, index + 1)?);
        }
        self.check_released(store, prefix, &migrations)?;
        Ok(migrations)
    }

    fn migration(&self, store: Store, prefix: &str, name: &str, number: usize) -> Result<Migration, MigrationError> {
        let path = format!("{}/{name}", store.as_str());
        if name.get(..5) != Some(&format!("{number:04}_")) {
            let problem = format!("its name must begin with {number:04}_: numbers follow one another");
            return Err(MigrationError::new(self.root.join(path), problem));
        }
        let text = |file: &str| {
            let path = format!("{path}/{file}");
            self.texts.get(&path).ok_or_else(|| MigrationError::new(self.root.join(&path), "is missing"))
        };
        let (sqlite, postgres, schema) = (text("sqlite.sql")?, text("postgres.sql")?, text("schema.json")?);
        let shape = serde_json::from_str(schema).map_err(|error| {
            MigrationError::new(self.root.join(&path).join("schema.json"), format!("does not read back: {error}"))
        })?;
        Ok(Migration {
            name: format!("{prefix}{name}"),
            store,
            former: self.listed(FORMER).filter(|(known, _)| *known == path).map(|(_, sum)| sum.to_owned()).collect(),
            checksum: checksum([sqlite.as_str(), postgres, schema]),
            shape,
            sqlite: sqlite.clone(),
            postgres: postgres.clone(),
        })
    }

    /// The released migrations, `manage/0001_init`, with their checksums.
    pub(super) fn released(&self) -> impl Iterator<Item = (&str, &str)> {
        self.listed(CHECKSUMS)
    }

    /// The migrations that a list names, with its checksums.
    fn listed(&self, list: &str) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.texts.get(list).map(String::as_str).unwrap_or_default().lines();
        let lines = lines.filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once("  ")).map(|(checksum, name)| (name, checksum))
    }

    fn check_released(&self, store: Store, prefix: &str, present: &[Migration]) -> Result<(), MigrationError> {
        for (path, checksum) in self.released() {
            let Some(name) = path.strip_prefix(store.as_str()).and_then(|rest| rest.strip_prefix('/')) else {
                continue;
            };
            let found = present.iter().find(|migration| migration.name == format!("{prefix}{name}"));
            match found {
                Some(migration) if migration.checksum == checksum => {}
                Some(_) => {
                    let problem = "was changed after its release; undo the change and write a new migration";
                    return Err(MigrationError::new(self.root.join(path), problem));
                }
                None => return Err(MigrationError::new(self.root.join(path), "is released, but missing")),
            }
        }
        Ok(())
    }
}

/// The names in a directory but hidden ones; none where there is no such directory.
fn list(directory: &Path) -> Result<Vec<String>, MigrationError> {
    let failed = |error| MigrationError::io(directory, error);
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    Ok(names)
}
