//! Routes that associate two rows by a relation row.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use understory_manage::{Draft, Snapshot};
use understory_model::{Association, Entity, Key, Model, Reference, Row, camel_case, decode_create, encode};

use super::crud::{answer, require_parent};
use super::page::Paging;
use super::{Answer, Call, unknown_keys};
use crate::error::{duplicate, words};
use crate::names;
use crate::routes::Route;
use crate::rows::{Rows, texts};
use crate::{Error, Result};

pub(super) fn pair_create(entity: &Entity, draft: &mut Draft, call: &Call) -> Result<Answer> {
    let association = association(entity)?;
    let place = scope_place(entity, association, call);
    add(entity, draft, &place, &call.body, call)
}

/// Adds a relation row; a pair that is there already is a duplicate.
fn add(entity: &Entity, draft: &mut Draft, place: &Row, body: &Value, call: &Call) -> Result<Answer> {
    let model = Arc::clone(draft.model());
    require_parent(&model, entity, draft, place)?;
    let accepted = decode_create(entity, place, body).map_err(Error::Invalid)?;
    let key = entity.key_of(&accepted.row);
    if draft.get(&entity.name, &key).is_some() {
        return Err(duplicate(&model, &entity.name, format!("{} exists already", words(&entity.name))));
    }
    let key = draft.put(entity, accepted.row);
    let row = draft.get(&entity.name, &key).cloned().unwrap_or_default();
    let data = answer(entity, draft, &row, call, false);
    let bare = entity.association.as_ref().is_some_and(|association| association.bare);
    let answer = if bare { Answer::new(201, data) } else { Answer::data(201, data) };
    Ok(answer.with_unknown(accepted.unknown))
}

pub(super) fn pair_delete(entity: &Entity, draft: &mut Draft, call: &Call) -> Result<Answer> {
    let association = association(entity)?;
    let place = Route::place(&association.bind, &call.params);
    let keys: Vec<Key> = draft.within(&entity.name, &place).into_iter().map(|row| entity.key_of(row)).collect();
    if keys.is_empty() {
        return Err(Error::not_found(words(&entity.name), call.param(&association.right.param)));
    }
    for key in keys {
        draft.delete(&entity.name, &key);
    }
    let empty = association.removed_empty || association.shape == understory_model::Shape::Nested;
    Ok(if empty {
        Answer::empty()
    } else {
        Answer::new(200, json!({ "message": "Association removed", "removed": true }))
    })
}

pub(super) fn exists(entity: &Entity, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let place = Route::place(&association(entity)?.bind, &call.params);
    Ok(Answer::new(200, json!({ "exists": !rows.within(&entity.name, &place).is_empty() })))
}

/// The rows that a left row is associated with, in the form of their own entity.
pub(super) fn list_by_left(model: &Model, entity: &Entity, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let association = association(entity)?;
    let place = left_place(association, call);
    require_parent(model, entity, rows, &place)?;
    let reference = reference(entity, &association.right.column)?;
    let target = model.entity(&reference.entity).ok_or_else(|| Error::not_found("Entity", &reference.entity))?;
    let with = with_columns(entity);
    let one = |relation: &Arc<Row>| {
        let row = rows.row(&target.name, &reference_key(reference, relation))?;
        let mut object = match answer(target, rows, row, call, true) {
            Value::Object(object) => object,
            _ => Map::new(),
        };
        object.extend(with.iter().map(|(name, column)| (name.clone(), relation.get(column).clone())));
        Some(Value::Object(object))
    };
    let data: Vec<Value> = rows.within(&entity.name, &place).into_iter().filter_map(one).collect();
    let pagination = Paging::ALL.pagination(data.len());
    Ok(Answer::new(200, json!({ "data": data, "pagination": pagination })))
}

/// What a list by the left side adds to each row: names in answers, and the columns of the relation that they show.
pub fn with_columns(entity: &Entity) -> Vec<(String, String)> {
    let with = entity.association.as_ref().map(|association| &association.with).filter(|with| !with.is_empty());
    let Some(with) = with else { return Vec::new() };
    let own = |column: &str| (camel_case(column), column.to_owned());
    let id = (format!("{}Id", camel_case(&entity.name)), "id".to_owned());
    with.iter().map(|column| own(column)).chain([id, own(names::SUB_AGENT)]).collect()
}

/// Who uses a right row: the left side's ids.
pub(super) fn associations(model: &Model, entity: &Entity, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let association = association(entity)?;
    let place = right_place(association, call);
    require_parent(model, entity, rows, &place)?;
    let left = camel_case(&association.left.column);
    let one = |row: &Arc<Row>| json!({ left.as_str(): row.get(&association.left.column), "createdAt": row.get(names::CREATED_AT) });
    let data: Vec<Value> = rows.within(&entity.name, &place).into_iter().map(one).collect();
    Ok(Answer::data(200, data.into()))
}

/// The relation rows that point to a right row.
pub(super) fn relations_by_right(model: &Model, entity: &Entity, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let association = association(entity)?;
    let paging = Paging::from_query(&call.query)?;
    let place = right_place(association, call);
    require_parent(model, entity, rows, &place)?;
    let found = rows.within(&entity.name, &place);
    let (page, pagination) = paging.slice(found);
    let data: Vec<Value> = page.into_iter().map(|row| answer(entity, rows, row, call, true)).collect();
    Ok(Answer::new(200, json!({ "data": data, "pagination": pagination })))
}

pub(super) fn nested_list(entity: &Entity, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let association = association(entity)?;
    let place = left_place(association, call);
    require_left(entity, association, rows, &place)?;
    let found = rows.within(&entity.name, &place);
    let data: Vec<Value> = found.into_iter().map(|row| Value::Object(encode(entity, row, false))).collect();
    if association.bare {
        return Ok(Answer::new(200, data.into()));
    }
    let pagination = Paging::ALL.pagination(data.len());
    Ok(Answer::new(200, json!({ "data": data, "pagination": pagination })))
}

pub(super) fn nested_add(entity: &Entity, draft: &mut Draft, call: &Call) -> Result<Answer> {
    let association = association(entity)?;
    let place = Route::place(&association.bind, &call.params);
    require_left(entity, association, draft, &place)?;
    add(entity, draft, &place, &json!({}), call)
}

pub(super) fn set_list(entity: &Entity, rows: &Snapshot, call: &Call) -> Result<Answer> {
    let association = association(entity)?;
    let place = left_place(association, call);
    require_left(entity, association, rows, &place)?;
    Ok(Answer::data(200, values(entity, association, rows, &place)))
}

pub(super) fn set_add(entity: &Entity, draft: &mut Draft, call: &Call) -> Result<Answer> {
    let association = association(entity)?;
    let place = left_place(association, call);
    require_left(entity, association, draft, &place)?;
    let wire = camel_case(&association.right.column);
    let value = call.body.get(&wire).and_then(Value::as_str).filter(|value| !value.is_empty());
    let value = value.ok_or_else(|| Error::field(format!("/{wire}"), "required", format!("{wire} is required")))?;
    put_value(entity, draft, &place, &wire, value)?;
    Ok(Answer::data(201, values(entity, association, draft, &place)).with_unknown(unknown_keys(&call.body, &[&wire])))
}

pub(super) fn set_replace(entity: &Entity, draft: &mut Draft, call: &Call) -> Result<Answer> {
    let association = association(entity)?;
    let place = left_place(association, call);
    require_left(entity, association, draft, &place)?;
    let wire = camel_case(&association.right.column);
    let plural = format!("{wire}s");
    let wrong = || Error::field(format!("/{plural}"), "type", format!("{plural} must be an array of texts"));
    let wanted = call.body.get(&plural).and_then(Value::as_array).ok_or_else(wrong)?;
    let wanted: Vec<&str> = wanted.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(wrong)?;
    let present: Vec<Arc<Row>> = draft.within(&entity.name, &place).into_iter().cloned().collect();
    for row in &present {
        if !wanted.iter().any(|value| row.text(&association.right.column) == Some(value)) {
            draft.delete(&entity.name, &entity.key_of(row));
        }
    }
    for value in wanted {
        put_value(entity, draft, &place, &wire, value)?;
    }
    let unknown = unknown_keys(&call.body, &[&plural]);
    Ok(Answer::data(200, values(entity, association, draft, &place)).with_unknown(unknown))
}

pub(super) fn set_remove(entity: &Entity, draft: &mut Draft, call: &Call) -> Result<Answer> {
    let association = association(entity)?;
    let place = left_place(association, call);
    let full = Route::place(&association.bind, &call.params);
    let keys: Vec<Key> = draft.within(&entity.name, &full).into_iter().map(|row| entity.key_of(row)).collect();
    let [key] = keys.as_slice() else {
        return Err(Error::not_found(words(&entity.name), call.param(&association.right.param)));
    };
    draft.delete(&entity.name, key);
    Ok(if association.removed_empty {
        Answer::empty()
    } else {
        Answer::data(200, values(entity, association, draft, &place))
    })
}

fn put_value(entity: &Entity, draft: &mut Draft, place: &Row, wire: &str, value: &str) -> Result<()> {
    let accepted = decode_create(entity, place, &json!({ wire: value })).map_err(Error::Invalid)?;
    draft.put(entity, accepted.row);
    Ok(())
}

fn values(entity: &Entity, association: &Association, rows: &impl Rows, place: &Row) -> Value {
    texts(&rows.within(&entity.name, place), &association.right.column).into()
}

fn association(entity: &Entity) -> Result<&Association> {
    let missing = || Error::BadRequest(format!("{} has no association routes", words(&entity.name)));
    entity.association.as_ref().ok_or_else(missing)
}

/// The columns of the path but those of both sides: where pairs are created.
fn scope_place(entity: &Entity, association: &Association, call: &Call) -> Row {
    let place = left_place(association, call);
    place.iter().filter(|(c, _)| entity.is_scope_column(c)).map(|(c, v)| (c.to_owned(), v.clone())).collect()
}

fn left_place(association: &Association, call: &Call) -> Row {
    without(association, call, &association.right.param)
}

fn right_place(association: &Association, call: &Call) -> Row {
    let skipped = if association.left.param == association.right.param { "" } else { &association.left.param };
    without(association, call, skipped)
}

fn without(association: &Association, call: &Call, param: &str) -> Row {
    let mut bind = association.bind.clone();
    bind.remove(param);
    Route::place(&bind, &call.params)
}

/// 404 where the left row is not there.
fn require_left(entity: &Entity, association: &Association, rows: &impl Rows, place: &Row) -> Result<()> {
    let Ok(reference) = reference(entity, &association.left.column) else { return Ok(()) };
    let key = reference_key(reference, place);
    match rows.row(&reference.entity, &key) {
        Some(_) => Ok(()),
        None => Err(Error::not_found(words(&reference.entity), key.id())),
    }
}

fn reference<'a>(entity: &'a Entity, column: &str) -> Result<&'a Reference> {
    let missing = || Error::BadRequest(format!("{column} refers to nothing"));
    entity.references.iter().find(|reference| reference.column == column).ok_or_else(missing)
}

fn reference_key(reference: &Reference, row: &Row) -> Key {
    Key::new(reference.columns.iter().map(|column| row.text(column).unwrap_or_default()))
}
