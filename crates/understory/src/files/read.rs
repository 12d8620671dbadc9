//! From files to rows.

use std::sync::Arc;

use serde_json::{Map, Value};
use understory_model::{Column, Entity, FieldError, IdRule, Model, Row, WriteRule, check_value, decode_create};

use super::json;
use super::layout::{Collection, Layout, List, Segment, is_root};
use super::place::Place;
use super::sources::{Source, sources};
use super::{Files, Tree};
use crate::names::{PROJECT, TENANT};

/// Reads files as the rows of a project, all of them checked; every fault says its file and place.
///
/// Dot files and a `README.md` at the root mean nothing.
pub fn read(model: &Model, tenant: &str, project: &str, files: &Files) -> Result<Tree, Vec<FieldError>> {
    let layout = Layout::of(model);
    let mut reader = Reader { tenant, project, tree: Tree::default(), faults: Vec::new() };
    for ((collection, values), source) in sources(&layout, files, &mut reader.faults) {
        reader.file(&layout.collections[collection], &values, &source);
    }
    if reader.faults.is_empty() { Ok(reader.tree) } else { Err(reader.faults) }
}

struct Reader<'a> {
    tenant: &'a str,
    project: &'a str,
    tree: Tree,
    faults: Vec<FieldError>,
}

/// A row that is to be read: what is known of it, and what a file says.
struct Unread<'a> {
    entity: &'a Arc<Entity>,
    /// Columns that its place says.
    fixed: Row,
    /// Columns that the file says.
    columns: Vec<&'a Column>,
    body: Map<String, Value>,
    place: Place,
}

impl Reader<'_> {
    fn fault(&mut self, pointer: String, reason: &'static str, detail: impl Into<String>) {
        self.faults.push(FieldError::new(pointer, reason, detail));
    }

    /// Reads a row that has a file, and the lists in it.
    fn file(&mut self, collection: &Collection<'_>, values: &[String], source: &Source<'_>) {
        let Some((place, mut body)) = self.object(source) else { return };
        let fixed = self.fixed(collection, values);
        self.check_path(collection, &fixed, &place);
        let lists: Vec<_> =
            collection.lists.iter().filter_map(|list| Some((list, body.shift_remove(&list.name)?))).collect();
        for (column, file) in &source.texts {
            if body.insert(column.wire.clone(), file.text.into()).is_some() {
                let detail = format!("{} is in the JSON file as well", column.wire);
                self.fault(place.key(&column.wire), "duplicate", detail);
            }
        }
        for (list, items) in lists {
            self.list(collection, list, items, &fixed, &place);
        }
        self.row(Unread { entity: collection.entity, fixed, columns: collection.columns().collect(), body, place });
    }

    /// What the JSON file of a row says.
    fn object(&mut self, source: &Source<'_>) -> Option<(Place, Map<String, Value>)> {
        let Some(json) = &source.json else {
            for (column, file) in &source.texts {
                let stem = file.path.trim_end_matches(".md").trim_end_matches(&column.wire);
                let detail = format!("{} belongs to {stem}json, which is not there", file.path);
                self.fault(Place::file(file.path).whole(), "required", detail);
            }
            return None;
        };
        let place = Place::file(json.path);
        let place = source.texts.iter().fold(place, |place, (column, file)| place.with_text(&column.wire, file.path));
        match json::parse(json.text) {
            Ok(Value::Object(object)) => return Some((place, object)),
            Ok(_) => self.fault(place.whole(), "type", format!("{} must hold a JSON object", json.path)),
            Err(error) => self.fault(place.whole(), "syntax", format!("{} is not JSON: {error}", json.path)),
        }
        None
    }

    /// The columns that a path says.
    fn fixed(&self, collection: &Collection<'_>, values: &[String]) -> Row {
        let mut row = self.root(collection.entity);
        // Where the path says nothing it is that of the project's own row.
        row.set("id", self.project);
        let columns = collection.path.iter().filter_map(|segment| match segment {
            Segment::Column(column) => Some(column),
            Segment::Fixed(_) => None,
        });
        for (column, value) in columns.zip(values) {
            row.set(column, value.as_str());
        }
        row
    }

    fn root(&self, entity: &Entity) -> Row {
        let root = [(TENANT, self.tenant), (PROJECT, self.project)].into_iter();
        root.filter(|(column, _)| is_root(entity, column))
            .fold(Row::new(), |row, (column, value)| row.with(column, value))
    }

    /// What a path says is checked like what a body says.
    fn check_path(&mut self, collection: &Collection<'_>, fixed: &Row, place: &Place) {
        let entity = collection.entity;
        for column in entity.columns.iter().filter(|c| fixed.has(&c.name) && !is_root(entity, &c.name)) {
            for error in check_value(column, fixed.get(&column.name)) {
                self.fault(place.whole(), error.reason, error.detail);
            }
        }
        if fixed.text("id") == Some("new") {
            self.fault(place.whole(), "pattern", "'new' is reserved and cannot be an id");
        }
    }

    /// Reads the rows of a list.
    fn list(&mut self, owner: &Collection<'_>, list: &List<'_>, items: Value, fixed: &Row, place: &Place) {
        let Value::Array(items) = items else {
            return self.fault(place.key(&list.name), "type", format!("{} must be an array", list.name));
        };
        let parts = owner.entity.key_of(fixed);
        let mut known = self.root(list.entity);
        for (column, part) in list.owner.iter().zip(parts.parts()) {
            known.set(column, part.as_str());
        }
        for (index, item) in items.into_iter().enumerate() {
            self.item(list, item, known.clone(), |bare| place.item(&list.name, index, bare));
        }
    }

    fn item(&mut self, list: &List<'_>, item: Value, mut fixed: Row, place: impl Fn(bool) -> Place) {
        let (place, mut body) = match (item, list.bare()) {
            (Value::Object(object), _) => (place(false), object),
            (value, Some(column)) => (place(true), Map::from_iter([(column.wire.clone(), value)])),
            _ => return self.fault(place(false).whole(), "type", "must be an object"),
        };
        if let (IdRule::Derived(_), Some(id)) = (&list.entity.id, body.shift_remove("id")) {
            for error in list.entity.column("id").map(|column| check_value(column, &id)).unwrap_or_default() {
                self.fault(place.at(&error.pointer), error.reason, error.detail);
            }
            fixed.set("id", id);
        }
        self.row(Unread { entity: list.entity, fixed, columns: list.columns().collect(), body, place });
    }

    /// Checks a row and keeps it.
    fn row(&mut self, mut unread: Unread<'_>) {
        let before = self.faults.len();
        self.check_keys(&unread);
        let known = self.take_own(&mut unread);
        let Unread { entity, fixed, columns, body, place } = unread;
        let row = match decode_create(entity, &known, &Value::Object(body)) {
            Ok(accepted) => accepted.row,
            Err(errors) => {
                let placed = errors.into_iter().map(|error| FieldError { pointer: place.at(&error.pointer), ..error });
                return self.faults.extend(placed);
            }
        };
        for column in columns.iter().filter(|column| !row.has(&column.name)) {
            self.fault(place.key(&column.wire), "required", format!("{} is required", column.wire));
        }
        if self.faults.len() > before {
            return;
        }
        if let Some(taken) = self.tree.add(entity, row, fixed, place.clone()) {
            self.fault(place.whole(), "duplicate", format!("this {} is at {taken} already", entity.title()));
        }
    }

    /// A key that means nothing is a mistake: what it was meant to say would be lost.
    fn check_keys(&mut self, unread: &Unread<'_>) {
        for key in unread.body.keys().filter(|key| !unread.columns.iter().any(|column| column.wire == **key)) {
            let detail = match unread.entity.columns.iter().any(|column| column.wire == *key) {
                true => format!("{key} follows from the place of the row or is set by the server: leave it out"),
                false => format!("a {} has no {key}", unread.entity.title()),
            };
            self.fault(unread.place.key(key), "unknown", detail);
        }
    }

    /// The columns known beforehand, with those that the server alone writes: no body may set them, a tree has to.
    fn take_own(&mut self, unread: &mut Unread<'_>) -> Row {
        let mut known = unread.fixed.clone();
        for column in unread.columns.iter().filter(|column| column.write == WriteRule::Never) {
            let Some(value) = unread.body.shift_remove(&column.wire) else { continue };
            for error in check_value(column, &value) {
                self.fault(unread.place.at(&error.pointer), error.reason, error.detail);
            }
            known.set(&column.name, value);
        }
        known
    }
}
