//! Places in files, as faults name them.

use std::collections::BTreeMap;

/// Where a row stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pointer: String,
    /// Paths of the files beside it, by the key that each stands for.
    texts: BTreeMap<String, String>,
    /// Whether the row is one bare value.
    bare: bool,
}

impl Place {
    /// A file.
    pub(super) fn file(path: &str) -> Self {
        Self { pointer: of_file(path), ..Self::default() }
    }

    /// The same with a file beside it that stands for a key.
    pub(super) fn with_text(mut self, key: &str, path: &str) -> Self {
        self.texts.insert(key.to_owned(), path.to_owned());
        self
    }

    /// An item of a list in it.
    pub(super) fn item(&self, list: &str, index: usize, bare: bool) -> Self {
        Self { pointer: format!("{}/{list}/{index}", self.pointer), texts: BTreeMap::new(), bare }
    }

    /// The row itself.
    pub(super) fn whole(&self) -> String {
        self.pointer.clone()
    }

    /// What a pointer within the row means in its files.
    pub(super) fn at(&self, pointer: &str) -> String {
        let key = pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        match self.texts.get(key) {
            Some(path) => of_file(path),
            None if self.bare => self.whole(),
            None => format!("{}{pointer}", self.pointer),
        }
    }

    /// The place of a key.
    pub(super) fn key(&self, key: &str) -> String {
        self.at(&format!("/{}", escape(key)))
    }
}

fn of_file(path: &str) -> String {
    format!("/files/{}", escape(path))
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
