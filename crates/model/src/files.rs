//! The texts of model files: those built into the program, and those of directories.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::LoadError;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../model");

/// Folder of the versioned entities.
pub(crate) const MANAGE: &str = "manage";
/// Folder of the transactional entities.
pub(crate) const RUNTIME: &str = "runtime";
/// Folder of the JSON Schemas.
pub(crate) const SCHEMAS: &str = "schemas";

/// The texts of model files, by path relative to the model directory (`manage/tool.toml`, `schemas/headers.json`).
#[derive(Clone, Debug, Default)]
pub struct ModelFiles {
    files: BTreeMap<String, String>,
}

impl ModelFiles {
    /// The files built into the program.
    pub fn built_in() -> Self {
        let mut files = Self::default();
        files.add_embedded(&BUILT_IN);
        files
    }

    fn add_embedded(&mut self, dir: &Dir<'_>) {
        for file in dir.files() {
            if let Some(text) = file.contents_utf8() {
                self.files.insert(file.path().to_string_lossy().into_owned(), text.to_owned());
            }
        }
        for dir in dir.dirs() {
            self.add_embedded(dir);
        }
    }

    /// The files of a directory alone, without the built-in ones: for working on the model itself.
    pub fn of_dir(dir: &Path) -> Result<Self, LoadError> {
        Self::default().with_dir(dir)
    }

    /// Adds the files of a directory laid out like `model/`; a file of the same path replaces nothing but is refused.
    pub fn with_dir(mut self, dir: &Path) -> Result<Self, LoadError> {
        if !dir.is_dir() {
            let remedy = "name a directory laid out like model/";
            return Err(LoadError::new(dir.display().to_string(), "", "there is no such directory", remedy));
        }
        for part in [MANAGE, RUNTIME, SCHEMAS] {
            let folder = dir.join(part);
            if folder.is_dir() {
                self.add_folder(part, &folder)?;
            }
        }
        Ok(self)
    }

    fn add_folder(&mut self, part: &str, folder: &Path) -> Result<(), LoadError> {
        for path in model_files(folder).map_err(|error| unreadable(folder, &error))? {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            let name = format!("{part}/{}", path.file_name().unwrap_or_default().to_string_lossy());
            if self.files.contains_key(&name) {
                let problem = "a built-in file has the same name";
                let remedy = "give the entity or schema another name";
                return Err(LoadError::new(path.display().to_string(), "", problem, remedy));
            }
            self.files.insert(name, text);
        }
        Ok(())
    }

    /// Paths and texts of one folder's files, in the order of their names.
    pub(crate) fn in_folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let inside = move |path: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        let matching = self.files.iter().filter(move |(path, _)| inside(path));
        matching.map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

fn model_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<PathBuf>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml" || extension == "json"));
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path, error: &io::Error) -> LoadError {
    let problem = format!("cannot be read ({error})");
    LoadError::new(path.display().to_string(), "", problem, "check that the file exists and is readable")
}
