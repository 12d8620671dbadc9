//! Bodies in, rows out: checks what clients send against the model, and the way back.

use serde_json::{Map, Value};

use crate::check::{check, normal_form};
use crate::id::{derived_id, made_id};
use crate::{Column, Entity, FieldError, IdRule, Row, WriteRule};

/// A row made from a body, and the keys of the body that mean nothing here.
#[derive(Debug)]
pub struct Accepted {
    /// The row, timestamps not set.
    pub row: Row,
    /// Names of ignored keys.
    pub unknown: Vec<String>,
}

/// Checks the body of a create. `place` holds the columns that the path fixes; they win over the body. Scope
/// columns that it lacks come from the body.
pub fn decode_create(entity: &Entity, place: &Row, body: &Value) -> Result<Accepted, Vec<FieldError>> {
    let object = as_object(body)?;
    let mut errors = Vec::new();
    let mut row = place.clone();
    // Before all else: derived ids are made of the scope too.
    set_scope(entity, object, &mut row, &mut errors);
    for column in settable(entity, place, true) {
        set_new(column, object.get(&column.wire), &mut row, &mut errors);
    }
    fill_in_own(entity, &mut row);
    set_id(entity, object, &mut row, &mut errors);
    accepted(entity, object, row, errors)
}

/// Checks the body of an update: keys present change, keys absent stay. The key columns never change.
pub fn decode_update(entity: &Entity, existing: &Row, body: &Value) -> Result<Accepted, Vec<FieldError>> {
    let object = as_object(body)?;
    let mut errors = Vec::new();
    let mut row = existing.clone();
    let key = entity.key_row(&entity.key_of(existing));
    for column in settable(entity, &key, false) {
        if let Some(value) = object.get(&column.wire) {
            set_changed(column, value, &mut row, &mut errors);
        }
    }
    accepted(entity, object, row, errors)
}

/// The wire form of a row: camelCase keys; columns of the scope only where the entity exposes them or `full` is asked.
pub fn encode(entity: &Entity, row: &Row, full: bool) -> Map<String, Value> {
    let shown = |column: &&Column| entity.shows(column) || (full && !column.hidden);
    let mut object = Map::with_capacity(entity.columns.len());
    object
        .extend(entity.columns.iter().filter(shown).map(|column| (column.wire.clone(), row.get(&column.name).clone())));
    object
}

fn as_object(body: &Value) -> Result<&Map<String, Value>, Vec<FieldError>> {
    body.as_object().ok_or_else(|| vec![FieldError::new("", "type", "the body must be a JSON object")])
}

fn accepted(
    entity: &Entity,
    object: &Map<String, Value>,
    row: Row,
    errors: Vec<FieldError>,
) -> Result<Accepted, Vec<FieldError>> {
    if errors.is_empty() { Ok(Accepted { unknown: unknown_keys(entity, object), row }) } else { Err(errors) }
}

/// Keys that name neither a column nor a list, which is written elsewhere.
fn unknown_keys(entity: &Entity, object: &Map<String, Value>) -> Vec<String> {
    let known = |name: &String| {
        entity.columns.iter().any(|column| column.wire == *name) || entity.lists.iter().any(|list| list.wire == *name)
    };
    object.keys().filter(|name| !known(name)).cloned().collect()
}

/// Columns that a body may set: not fixed by the path, not the server's own.
fn settable<'a>(entity: &'a Entity, place: &'a Row, create: bool) -> impl Iterator<Item = &'a Column> {
    entity
        .columns
        .iter()
        .filter(move |column| column.write.accepts(create) && column.name != "id" && !place.has(&column.name))
}

/// Takes the scope columns that the path does not fix from the body.
fn set_scope(entity: &Entity, object: &Map<String, Value>, row: &mut Row, errors: &mut Vec<FieldError>) {
    for column in entity.columns.iter().filter(|column| entity.is_scope_column(&column.name)) {
        if !row.has(&column.name) {
            set_new(column, object.get(&column.wire), row, errors);
        }
    }
}

/// Sets a column of a new row: a default stands for an absent value, and for null where null may not be.
fn set_new(column: &Column, given: Option<&Value>, row: &mut Row, errors: &mut Vec<FieldError>) {
    match (given.filter(|value| !value.is_null()), &column.default) {
        (Some(value), _) => set_checked(column, value, row, errors),
        (None, Some(default)) if given.is_none() || !column.optional => row.set(&column.name, default.clone()),
        (None, _) if column.optional => row.set(&column.name, Value::Null),
        (None, _) => errors.push(FieldError::of(column, "required", "is required")),
    }
}

fn set_changed(column: &Column, value: &Value, row: &mut Row, errors: &mut Vec<FieldError>) {
    match (value, &column.default) {
        (Value::Null, _) if column.optional => row.set(&column.name, Value::Null),
        (Value::Null, Some(default)) => row.set(&column.name, default.clone()),
        (Value::Null, None) => errors.push(FieldError::of(column, "required", "must not be null")),
        (value, _) => set_checked(column, value, row, errors),
    }
}

/// Fills in the server's own columns, which no body sets.
fn fill_in_own(entity: &Entity, row: &mut Row) {
    for column in entity.columns.iter().filter(|column| column.write == WriteRule::Never) {
        if row.has(&column.name) {
            continue;
        }
        match &column.default {
            Some(default) => row.set(&column.name, default.clone()),
            None if column.optional => row.set(&column.name, Value::Null),
            None => {}
        }
    }
}

fn set_id(entity: &Entity, object: &Map<String, Value>, row: &mut Row, errors: &mut Vec<FieldError>) {
    if row.has("id") {
        return;
    }
    let Some(column) = entity.column("id") else { return };
    match (&entity.id, object.get("id")) {
        (IdRule::Derived(parts), _) => {
            let id = derived_id(parts.iter().map(|part| row.text(part).unwrap_or_default()));
            row.set("id", id);
        }
        (IdRule::Given, None | Some(Value::Null)) => errors.push(FieldError::of(column, "required", "is required")),
        (IdRule::Given | IdRule::Optional, Some(value)) if !value.is_null() => {
            // A copied id may carry spaces at its ends; they mean nothing.
            let trimmed = value.as_str().map_or_else(|| value.clone(), |text| Value::from(text.trim()));
            if trimmed == "new" {
                errors.push(FieldError::new("/id", "pattern", "'new' is reserved and cannot be an id"));
            }
            set_checked(column, &trimmed, row, errors);
        }
        (IdRule::None, _) => {}
        _ => row.set("id", made_id()),
    }
}

fn set_checked(column: &Column, value: &Value, row: &mut Row, errors: &mut Vec<FieldError>) {
    let before = errors.len();
    check(column, value, errors);
    if errors.len() == before {
        row.set(&column.name, normal_form(column.ty, value));
    }
}
