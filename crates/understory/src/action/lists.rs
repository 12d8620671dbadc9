//! Lists of ids that bodies carry and relation rows hold.

use std::sync::Arc;

use serde_json::{Map, Value};
use understory_manage::Draft;
use understory_model::{Entity, IdList, Key, ListAnswer, Row, camel_case, decode_create};

use crate::rows::{Rows, texts};
use crate::{Error, Result};

/// Adds an entity's lists to an answer.
pub(super) fn read(entity: &Entity, rows: &impl Rows, row: &Row, many: bool, object: &mut Map<String, Value>) {
    for list in &entity.lists {
        let shown = match list.answer {
            ListAnswer::Always => true,
            ListAnswer::Get => !many,
            ListAnswer::Never => false,
        };
        if shown {
            let members = rows.within(&list.relation, &place(entity, list, row));
            object.insert(list.wire.clone(), texts(&members, &list.column).into());
        }
    }
}

/// Whether a row's list has an id.
pub(super) fn contains(list: &IdList, rows: &impl Rows, row: &Row, id: &str) -> bool {
    let own = row.text("id").unwrap_or_default();
    !rows.matching(&list.relation, &[(&list.own, own), (&list.column, id)]).is_empty()
}

/// Makes the relation rows of a row say what the body's lists say; lists that it does not carry stay.
pub(super) fn write(
    entity: &Entity,
    draft: &mut Draft,
    key: &Key,
    body: &Map<String, Value>,
    create: bool,
) -> Result<()> {
    let Some(row) = draft.get(&entity.name, key).cloned() else { return Ok(()) };
    for list in &entity.lists {
        let wire = list.wire.as_str();
        let given = body.get(wire).filter(|_| list.write.accepts(create));
        let ids = given.map(|value| ids(wire, value)).transpose()?;
        if list.required && (create && ids.is_none() || ids.as_ref().is_some_and(Vec::is_empty)) {
            return Err(Error::field(format!("/{wire}"), "required", format!("{wire} needs at least one id")));
        }
        if let Some(ids) = ids {
            set(draft, entity, list, &row, &ids, wire)?;
        }
    }
    Ok(())
}

/// [`write`] for documents, where a row may be new or not: a list that is absent stays as it is.
pub(crate) fn write_all(entity: &Entity, draft: &mut Draft, key: &Key, body: &Map<String, Value>) -> Result<()> {
    write(entity, draft, key, body, false)
}

fn ids(wire: &str, value: &Value) -> Result<Vec<String>> {
    let wrong = || Error::field(format!("/{wire}"), "type", format!("{wire} must be an array of ids"));
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect(),
        _ => Err(wrong()),
    }
}

fn set(draft: &mut Draft, entity: &Entity, list: &IdList, row: &Row, ids: &[String], wire: &str) -> Result<()> {
    let Some(relation) = draft.model().entity(&list.relation).map(Arc::clone) else { return Ok(()) };
    let place = place(entity, list, row);
    let present: Vec<Arc<Row>> = draft.within(&relation.name, &place).into_iter().cloned().collect();
    for member in &present {
        if !ids.iter().any(|id| member.text(&list.column) == Some(id)) {
            draft.delete(&relation.name, &relation.key_of(member));
        }
    }
    for (index, id) in ids.iter().enumerate() {
        if present.iter().any(|member| member.text(&list.column) == Some(id)) {
            continue;
        }
        check_target(draft, &relation, list, &place, id, &format!("/{wire}/{index}"))?;
        let body = serde_json::json!({ camel_case(&list.column): id });
        let accepted = decode_create(&relation, &place, &body).map_err(Error::Invalid)?;
        draft.put(&relation, accepted.row);
    }
    Ok(())
}

/// An id of a list must name a row, where the relation's column is a reference.
fn check_target(draft: &Draft, relation: &Entity, list: &IdList, place: &Row, id: &str, pointer: &str) -> Result<()> {
    let Some(reference) = relation.references.iter().find(|r| r.column == list.column) else { return Ok(()) };
    let full = place.clone().with(&list.column, id);
    let key = Key::new(reference.columns.iter().map(|column| full.text(column).unwrap_or_default()));
    if draft.get(&reference.entity, &key).is_none() {
        let detail = format!("there is no {} '{id}'", reference.entity.replace('_', " "));
        return Err(Error::field(pointer, "reference", detail));
    }
    Ok(())
}

/// The columns that all relation rows of a row share.
fn place(entity: &Entity, list: &IdList, row: &Row) -> Row {
    let scope = entity.scope.columns().iter().map(|column| ((*column).to_owned(), row.get(column).clone()));
    scope.collect::<Row>().with(&list.own, row.get("id").clone())
}
