use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use understory_manage::{Draft, Snapshot};
use understory_model::{
    Accepted, Crud, Entity, IdRule, Key, Model, Row, WriteRule, decode_create, decode_update, encode,
};

use super::lists;
use super::page::Paging;
use super::{Answer, Call};
use crate::behaviour::behaviour;
use crate::error::{duplicate, words};
use crate::routes::Route;
use crate::rows::Rows;
use crate::{Error, Result};

pub(super) fn list(model: &Model, entity: &Entity, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let crud = crud(entity)?;
    let place = Route::place(&crud.bind, &call.params);
    require_parent(model, entity, rows, &place)?;
    let paging = if crud.paged { Paging::from_query(&call.query)? } else { Paging::ALL };
    let kept = filtered(entity, crud, rows, rows.within(&entity.name, &place), call)?;
    let (page, pagination) = paging.slice(kept);
    let data: Vec<Value> = page.into_iter().map(|row| answer(entity, rows, row, call, true)).collect();
    Ok(Answer::new(200, json!({ "data": data, "pagination": pagination })))
}

/// Rows that pass the query's filters: on a column, on a list of ids, or the entity's own.
fn filtered<'a>(
    entity: &Entity,
    crud: &Crud,
    all: &Snapshot,
    rows: Vec<&'a Arc<Row>>,
    call: &Call,
) -> Result<Vec<&'a Arc<Row>>> {
    let mut kept = rows;
    for filter in &crud.filters {
        let Some(wanted) = call.query.get(&understory_model::camel_case(filter)) else { continue };
        match entity.lists.iter().find(|list| list.column == *filter) {
            Some(list) => kept.retain(|row| lists::contains(list, all, row, wanted)),
            None => kept.retain(|row| row.text(filter) == Some(wanted)),
        }
    }
    if let Some(behaviour) = behaviour(&entity.name) {
        behaviour.filter(&mut kept, &call.query)?;
    }
    Ok(kept)
}

pub(super) fn get(entity: &Entity, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let (_, row) = find(entity, rows, call)?;
    Ok(Answer::data(200, answer(entity, rows, row, call, false)))
}

pub(super) fn create(entity: &Entity, draft: &mut Draft, call: &Call) -> Result<Answer> {
    let (key, unknown) = insert(entity, draft, call, &call.body)?;
    let row = draft.get(&entity.name, &key).cloned().unwrap_or_default();
    Ok(Answer::data(201, answer(entity, draft, &row, call, false)).with_unknown(unknown))
}

pub(super) fn create_many(entity: &Entity, draft: &mut Draft, call: &Call) -> Result<Answer> {
    let bodies = call.body.as_array().ok_or_else(|| Error::field("", "type", "the body must be an array"))?;
    let (mut data, mut unknown) = (Vec::new(), Vec::new());
    for (index, body) in bodies.iter().enumerate() {
        let inserted = insert(entity, draft, call, body).map_err(|error| within(error, &format!("/{index}")));
        let (key, mut ignored) = inserted?;
        unknown.append(&mut ignored);
        let row = draft.get(&entity.name, &key).cloned().unwrap_or_default();
        data.push(answer(entity, draft, &row, call, false));
    }
    let pagination = Paging::ALL.pagination(data.len());
    Ok(Answer::new(201, json!({ "data": data, "pagination": pagination })).with_unknown(unknown))
}

fn insert(entity: &Entity, draft: &mut Draft, call: &Call, body: &Value) -> Result<(Key, Vec<String>)> {
    let crud = crud(entity)?;
    let place = Route::place(&crud.bind, &call.params);
    let model = Arc::clone(draft.model());
    require_parent(&model, entity, draft, &place)?;
    put(entity, draft, &place, body, None)
}

/// Checks a body, puts its row and what hangs on it. A row of the same key that was not expected is a duplicate.
fn put(
    entity: &Entity,
    draft: &mut Draft,
    place: &Row,
    body: &Value,
    existing: Option<&Row>,
) -> Result<(Key, Vec<String>)> {
    let mut body = body.clone();
    let own = behaviour(&entity.name);
    if let (Some(own), Some(object)) = (own, body.as_object_mut()) {
        own.accept(existing, object)?;
    }
    let Accepted { row, mut unknown } = match existing {
        Some(existing) => decode_update(entity, existing, &body),
        None => decode_create(entity, place, &body),
    }
    .map_err(Error::Invalid)?;
    let key = entity.key_of(&row);
    if existing.is_none() && draft.get(&entity.name, &key).is_some() {
        let detail = format!("{} '{}' exists already", words(&entity.name), key.id());
        return Err(duplicate(draft.model(), &entity.name, detail));
    }
    if let Some(fault) = own.and_then(|own| own.fault(&row)) {
        return Err(Error::Invalid(vec![fault]));
    }
    draft.put(entity, row);
    let empty = Map::new();
    let object = body.as_object().unwrap_or(&empty);
    lists::write(entity, draft, &key, object, existing.is_none())?;
    if let Some(own) = own {
        own.written(draft, entity, &key, object)?;
        unknown.retain(|name| !own.understands(name));
    }
    Ok((key, unknown))
}

pub(super) fn update(entity: &Entity, draft: &mut Draft, call: &Call) -> Result<Answer> {
    let (place, existing) = find(entity, draft, call).map(|(place, row)| (place, Row::clone(row)))?;
    keep_identity(entity, &existing, &call.body)?;
    let (key, unknown) = put(entity, draft, &place, &call.body, Some(&existing))?;
    let row = draft.get(&entity.name, &key).cloned().unwrap_or_default();
    Ok(Answer::data(200, answer(entity, draft, &row, call, false)).with_unknown(unknown))
}

/// A derived id names what it is derived from: with another part it would be another row.
fn keep_identity(entity: &Entity, existing: &Row, body: &Value) -> Result<()> {
    let IdRule::Derived(parts) = &entity.id else { return Ok(()) };
    for column in parts.iter().filter_map(|part| entity.column(part)) {
        if body.get(&column.wire).is_some_and(|value| value != existing.get(&column.name)) {
            let detail = format!("{} names the relation and cannot change; delete it and create another", column.wire);
            return Err(Error::field(format!("/{}", column.wire), "immutable", detail));
        }
    }
    Ok(())
}

pub(super) fn delete(entity: &Entity, draft: &mut Draft, call: &Call) -> Result<Answer> {
    let (_, row) = find(entity, draft, call)?;
    let row = Row::clone(row);
    if let Some(behaviour) = behaviour(&entity.name) {
        behaviour.deletable(&row)?;
    }
    draft.delete(&entity.name, &entity.key_of(&row));
    Ok(Answer::empty())
}

/// Where a document puts a row, and what it says.
pub(crate) struct Replaced<'a> {
    /// Columns that the place fixes.
    pub place: &'a Row,
    /// What the document says of it.
    pub body: &'a Value,
    /// JSON pointer to it in the document.
    pub pointer: &'a str,
    /// Columns to keep as they are where the document is silent: those that reading a document does not show.
    pub keep: &'a [&'a str],
}

/// Puts a row as a document says it: new, or in place of the one with the same id. Server-made columns stay.
pub(crate) fn replace(entity: &Entity, draft: &mut Draft, put: &Replaced<'_>) -> Result<(Key, Vec<String>)> {
    let mut body = put.body.clone();
    let own = behaviour(&entity.name);
    let existing = id_in(entity, put.place, &body).and_then(|key| draft.get(&entity.name, &key).cloned());
    if let (Some(own), Some(object)) = (own, body.as_object_mut()) {
        own.accept(existing.as_deref(), object).map_err(|error| within(error, put.pointer))?;
    }
    let decoded = decode_create(entity, put.place, &body);
    let Accepted { mut row, unknown } = decoded.map_err(|errors| within(Error::Invalid(errors), put.pointer))?;
    let key = entity.key_of(&row);
    if let Some(existing) = draft.get(&entity.name, &key) {
        for column in &entity.columns {
            let silent = body.get(&column.wire).is_none();
            if column.write == WriteRule::Never || (silent && put.keep.contains(&column.name.as_str())) {
                row.set(&column.name, existing.get(&column.name).clone());
            }
        }
    }
    draft.put(entity, row);
    let unknown = unknown.into_iter().map(|name| format!("{}/{name}", put.pointer)).collect();
    Ok((key, unknown))
}

fn id_in(entity: &Entity, place: &Row, body: &Value) -> Option<Key> {
    if matches!(entity.id, IdRule::Derived(_) | IdRule::None) {
        return None;
    }
    let id = place.text("id").or_else(|| body.get("id")?.as_str())?;
    Some(entity.key_of(&place.clone().with("id", id)))
}

/// Puts the pointers of a body's errors below its place in a larger one.
pub(crate) fn within(error: Error, pointer: &str) -> Error {
    match error {
        Error::Invalid(mut errors) => {
            for error in &mut errors {
                error.pointer = format!("{pointer}{}", error.pointer);
            }
            Error::Invalid(errors)
        }
        other => other,
    }
}

/// The wire form of a row with what hangs on it.
pub(super) fn answer(entity: &Entity, rows: &impl Rows, row: &Row, call: &Call, many: bool) -> Value {
    let mut object = encode(entity, row, false);
    lists::read(entity, rows, row, many, &mut object);
    if let Some(behaviour) = behaviour(&entity.name) {
        behaviour.answer(rows, row, call, many, &mut object);
    }
    Value::Object(object)
}

/// The row that a path names, and the columns that the path fixes.
/// The key of the row that a call's path names, if the path says it whole.
pub(crate) fn named_key(entity: &Entity, call: &Call) -> Result<Option<Key>> {
    let place = named_place(entity, call)?;
    Ok(entity.key.iter().all(|column| place.has(column)).then(|| entity.key_of(&place)))
}

/// The key of the row that a call's path names, among these rows.
pub(crate) fn found_key(entity: &Entity, rows: &impl Rows, call: &Call) -> Result<Key> {
    find(entity, rows, call).map(|(_, row)| entity.key_of(row))
}

fn named_place(entity: &Entity, call: &Call) -> Result<Row> {
    let crud = crud(entity)?;
    Ok(Route::place(&crud.bind, &call.params).with("id", call.param(&crud.id_param)))
}

fn find<'a, R: Rows>(entity: &Entity, rows: &'a R, call: &Call) -> Result<(Row, &'a Arc<Row>)> {
    let place = named_place(entity, call)?;
    let id = place.text("id").unwrap_or_default();
    let found = if entity.key.iter().all(|column| place.has(column)) {
        rows.row(&entity.name, &entity.key_of(&place))
    } else {
        rows.within(&entity.name, &place).into_iter().next()
    };
    let found = found.filter(|row| place.iter().all(|(column, value)| row.get(column) == value));
    match found {
        Some(row) => Ok((place, row)),
        None => Err(Error::not_found(words(&entity.name), id)),
    }
}

/// 404 where the path goes through a row that is not there.
pub(super) fn require_parent(model: &Model, entity: &Entity, rows: &impl Rows, place: &Row) -> Result<()> {
    for reference in &entity.references {
        let Some(target) = model.entity(&reference.entity) else { continue };
        let parts: Option<Vec<&str>> = reference.columns.iter().map(|column| place.text(column)).collect();
        match parts.map(Key::new) {
            Some(key) if rows.row(&target.name, &key).is_none() => {
                return Err(Error::not_found(words(&target.name), key.id()));
            }
            Some(_) => {}
            // The path may go through the parent's parent only.
            None if entity.scope.parent() == Some(target.name.as_str()) => require_parent(model, target, rows, place)?,
            None => {}
        }
    }
    Ok(())
}

fn crud(entity: &Entity) -> Result<&Crud> {
    entity.crud.as_ref().ok_or_else(|| Error::BadRequest(format!("{} has no routes of its own", words(&entity.name))))
}

/// The query parameters that a list of this entity understands.
pub fn list_parameters(entity: &Entity) -> BTreeMap<String, &'static str> {
    let Some(crud) = &entity.crud else { return BTreeMap::new() };
    let filters = crud.filters.iter().map(|filter| (understory_model::camel_case(filter), "string"));
    let paging = crud.paged.then_some([("page".to_owned(), "integer"), ("limit".to_owned(), "integer")]);
    let own = behaviour(&entity.name).map_or(&[][..], |own| own.parameters());
    let own = own.iter().map(|name| ((*name).to_owned(), "string"));
    filters.chain(paging.into_iter().flatten()).chain(own).collect()
}
