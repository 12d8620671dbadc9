//! Which files belong to which row.

use std::collections::BTreeMap;

use understory_model::{Column, FieldError};

use super::Files;
use super::layout::{Collection, Layout, Segment, is_beside};
use super::place::Place;
use super::segment::{decode, segments};

/// The files of every row, by collection and the values in their path.
pub(super) type Sources<'a> = BTreeMap<(usize, Vec<String>), Source<'a>>;

/// The files of one row.
#[derive(Default)]
pub(super) struct Source<'a> {
    pub(super) json: Option<File<'a>>,
    /// Those beside it, each with the column that it stands for.
    pub(super) texts: Vec<(&'a Column, File<'a>)>,
}

/// A file.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
}

/// What a path leads to.
struct Located<'a> {
    collection: usize,
    values: Vec<String>,
    /// The column that the file stands for; none for the row's own file.
    column: Option<&'a Column>,
}

/// Sorts files by the rows that they belong to. Those that belong to none are faults.
pub(super) fn sources<'a>(layout: &'a Layout<'_>, files: &'a Files, faults: &mut Vec<FieldError>) -> Sources<'a> {
    let mut sources = Sources::new();
    let mut fault =
        |path: &str, reason, detail| faults.push(FieldError::new(Place::file(path).whole(), reason, detail));
    for (path, text) in files.iter().filter(|(path, _)| !is_ignored(path)) {
        let Some(Located { collection, values, column }) = locate(layout, path) else {
            fault(path, "unknown", format!("{path} is no place of a project's files"));
            continue;
        };
        let taken = sources.entry((collection, values)).or_default().add(column, File { path, text });
        if let Some(taken) = taken {
            fault(path, "duplicate", format!("{path} stands for the same as {taken}"));
        }
    }
    for (at, collection) in layout.collections.iter().enumerate() {
        if let Some(path) = only_path(collection).filter(|_| !sources.contains_key(&(at, Vec::new()))) {
            fault(&path, "required", format!("{path} is required"));
        }
    }
    sources
}

impl<'a> Source<'a> {
    /// Adds a file; the path of one that stands for the same, if there is one.
    fn add(&mut self, column: Option<&'a Column>, file: File<'a>) -> Option<&'a str> {
        let taken = match column {
            None => self.json.replace(file),
            Some(column) => {
                let taken = self.texts.iter().find(|(other, _)| other.name == column.name).map(|(_, file)| *file);
                self.texts.push((column, file));
                taken
            }
        };
        taken.map(|file| file.path)
    }
}

/// Dot files belong to other programs; a README is for people.
fn is_ignored(path: &str) -> bool {
    path == "README.md" || path.split('/').any(|part| part.starts_with('.'))
}

fn locate<'a>(layout: &'a Layout<'_>, path: &str) -> Option<Located<'a>> {
    let segments = segments(path);
    let (name, directories) = segments.split_last()?;
    let (stem, key) = match name.strip_suffix(".json") {
        Some(stem) => (stem, None),
        None => name.strip_suffix(".md")?.rsplit_once('.').map(|(stem, key)| (stem, Some(key)))?,
    };
    let names: Vec<&str> = directories.iter().map(String::as_str).chain([stem]).collect();
    layout.collections.iter().enumerate().find_map(|(at, collection)| {
        let values = values(collection, &names)?;
        let mut texts = collection.columns().filter(|column| is_beside(column));
        let column = key.map(|key| texts.find(|column| column.wire == key).ok_or(())).transpose().ok()?;
        Some(Located { collection: at, values, column })
    })
}

/// The values in a path, if it is one of this collection.
fn values(collection: &Collection<'_>, names: &[&str]) -> Option<Vec<String>> {
    if names.len() != collection.path.len() {
        return None;
    }
    let mut values = Vec::new();
    for (segment, name) in collection.path.iter().zip(names) {
        match segment {
            Segment::Fixed(fixed) if fixed == name => {}
            Segment::Fixed(_) => return None,
            Segment::Column(_) => values.push(decode(name)?),
        }
    }
    Some(values)
}

/// The path of a collection that is one row.
fn only_path(collection: &Collection<'_>) -> Option<String> {
    match collection.path.as_slice() {
        [Segment::Fixed(name)] => Some(format!("{name}.json")),
        _ => None,
    }
}
