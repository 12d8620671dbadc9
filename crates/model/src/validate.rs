//! Bodies in, rows out: checks what clients send against the model, and the way back.

use serde_json::{Map, Value};

use crate::id::{derived_id, made_id};
use crate::{Column, ColumnType, Entity, IdRule, Row, WriteRule};

/// One thing wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer to the value at fault, `/config/type`.
    pub pointer: String,
    /// What is wrong, for people.
    pub detail: String,
    /// A short code: `required`, `type`, `too_long`, `too_short`, `pattern`, `enum`, `format`, `range`, `schema`.
    pub reason: &'static str,
}

impl FieldError {
    /// An error at a pointer.
    pub fn new(pointer: impl Into<String>, reason: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into(), reason }
    }
}

/// A row made from a body, and the keys of the body that mean nothing here.
#[derive(Debug)]
pub struct Accepted {
    /// The row, timestamps not set.
    pub row: Row,
    /// Names of ignored keys.
    pub unknown: Vec<String>,
}

/// Checks the body of a create. `place` holds the columns that the path fixes; they win over the body.
pub fn decode_create(entity: &Entity, place: &Row, body: &Value) -> Result<Accepted, Vec<FieldError>> {
    let object = as_object(body)?;
    let mut errors = Vec::new();
    let mut row = place.clone();
    for column in settable(entity, place, true) {
        match object.get(&column.wire) {
            Some(Value::Null) | None => match &column.default {
                Some(default) if object.get(&column.wire).is_none() || !column.optional => {
                    row.set(&column.name, default.clone())
                }
                _ if column.optional => row.set(&column.name, Value::Null),
                _ => errors.push(FieldError::new(
                    format!("/{}", column.wire),
                    "required",
                    format!("{} is required", column.wire),
                )),
            },
            Some(value) => set_checked(column, value, &mut row, &mut errors),
        }
    }
    for column in entity.columns.iter().filter(|c| c.write == WriteRule::Never) {
        if row.has(&column.name) {
            continue;
        }
        if let Some(default) = &column.default {
            row.set(&column.name, default.clone());
        } else if column.optional {
            row.set(&column.name, Value::Null);
        }
    }
    set_id(entity, object, &mut row, &mut errors);
    if errors.is_empty() { Ok(Accepted { unknown: unknown_keys(entity, object), row }) } else { Err(errors) }
}

/// Checks the body of an update: keys present change, keys absent stay. The key columns never change.
pub fn decode_update(entity: &Entity, existing: &Row, body: &Value) -> Result<Accepted, Vec<FieldError>> {
    let object = as_object(body)?;
    let mut errors = Vec::new();
    let mut row = existing.clone();
    let key = entity.key_row(&entity.key_of(existing));
    for column in settable(entity, &key, false) {
        match object.get(&column.wire) {
            None => {}
            Some(Value::Null) if column.optional => row.set(&column.name, Value::Null),
            Some(Value::Null) => match &column.default {
                Some(default) => row.set(&column.name, default.clone()),
                None => errors.push(FieldError::new(
                    format!("/{}", column.wire),
                    "required",
                    format!("{} must not be null", column.wire),
                )),
            },
            Some(value) => set_checked(column, value, &mut row, &mut errors),
        }
    }
    if errors.is_empty() { Ok(Accepted { unknown: unknown_keys(entity, object), row }) } else { Err(errors) }
}

/// The wire form of a row: camelCase keys; columns of the scope only where the entity exposes them or `full` is asked.
pub fn encode(entity: &Entity, row: &Row, full: bool) -> Map<String, Value> {
    let shown = |column: &&Column| {
        let scope = entity.is_scope_column(&column.name) && !full && !entity.expose.contains(&column.name);
        !column.hidden && !scope
    };
    entity.columns.iter().filter(shown).map(|column| (column.wire.clone(), row.get(&column.name).clone())).collect()
}

fn as_object(body: &Value) -> Result<&Map<String, Value>, Vec<FieldError>> {
    body.as_object().ok_or_else(|| vec![FieldError::new("", "type", "the body must be a JSON object")])
}

/// Columns that a body may set: not fixed by the path, not the server's own.
fn settable<'a>(entity: &'a Entity, place: &'a Row, create: bool) -> impl Iterator<Item = &'a Column> {
    entity.columns.iter().filter(move |column| {
        let writable = match column.write {
            WriteRule::Always => true,
            WriteRule::Create => create,
            WriteRule::Never => false,
        };
        writable && column.name != "id" && !place.has(&column.name)
    })
}

fn unknown_keys(entity: &Entity, object: &Map<String, Value>) -> Vec<String> {
    let known = |name: &String| entity.columns.iter().any(|column| column.wire == *name);
    object.keys().filter(|name| !known(name)).cloned().collect()
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
        (IdRule::Given, None | Some(Value::Null)) => errors.push(FieldError::new("/id", "required", "id is required")),
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

/// One form for equal values, so that an unchanged body makes no change.
fn normal_form(ty: ColumnType, value: &Value) -> Value {
    match (ty, value.as_f64()) {
        (ColumnType::Number, Some(number)) => Value::from(number),
        (ColumnType::Numeric, Some(number)) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Value::from(number as i64)
        }
        (ColumnType::Integer, Some(number)) => Value::from(number as i64),
        _ => value.clone(),
    }
}

/// What is wrong with a value for a column, null included.
pub fn check_value(column: &Column, value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    match value {
        Value::Null if column.optional => {}
        Value::Null => {
            let detail = format!("{} must not be null", column.wire);
            errors.push(FieldError::new(format!("/{}", column.wire), "required", detail));
        }
        value => check(column, value, &mut errors),
    }
    errors
}

fn check(column: &Column, value: &Value, errors: &mut Vec<FieldError>) {
    let pointer = format!("/{}", column.wire);
    let fits = match column.ty {
        ColumnType::Integer => value.as_f64().is_some_and(|n| n.fract() == 0.0 && n.abs() <= f64::from(i32::MAX)),
        ColumnType::Number | ColumnType::Numeric => value.is_number(),
        ColumnType::Boolean => value.is_boolean(),
        ColumnType::Json => true,
        _ => value.is_string(),
    };
    if !fits {
        errors.push(FieldError::new(pointer, "type", format!("{} must be {}", column.wire, expected(column.ty))));
        return;
    }
    match value {
        Value::String(text) if column.ty != ColumnType::Json => check_text(column, text, &pointer, errors),
        Value::Number(number) if column.ty != ColumnType::Json => {
            let number = number.as_f64().unwrap_or_default();
            if column.min.is_some_and(|min| number < min) || column.max.is_some_and(|max| number > max) {
                let range = format!("{} to {}", column.min.unwrap_or(f64::MIN), column.max.unwrap_or(f64::MAX));
                errors.push(FieldError::new(pointer, "range", format!("{} must be {range}", column.wire)));
            }
        }
        _ => {}
    }
    if let Some(schema) = &column.schema {
        for error in schema.validator.iter_errors(value) {
            errors.push(FieldError::new(
                format!("/{}{}", column.wire, error.instance_path()),
                "schema",
                error.to_string(),
            ));
        }
    }
}

fn check_text(column: &Column, text: &str, pointer: &str, errors: &mut Vec<FieldError>) {
    let wire = &column.wire;
    let length = text.chars().count() as f64;
    let longest = column.max.or(column.ty.max_length().map(f64::from));
    if let Some(max) = longest.filter(|max| length > *max) {
        errors.push(FieldError::new(pointer, "too_long", format!("{wire} must have at most {max} characters")));
    }
    if let Some(min) = column.min.filter(|min| length < *min) {
        errors.push(FieldError::new(pointer, "too_short", format!("{wire} must have at least {min} characters")));
    }
    if text.contains('\0') {
        errors.push(FieldError::new(pointer, "pattern", format!("{wire} must not hold a NUL character")));
    }
    if let Some(pattern) = column.pattern.as_ref().filter(|pattern| !pattern.validator.is_valid(&Value::from(text))) {
        errors.push(FieldError::new(pointer, "pattern", format!("{wire} must match {}", pattern.text)));
    }
    if let Some(choices) = column.choices.as_ref().filter(|choices| !choices.iter().any(|choice| choice == text)) {
        errors.push(FieldError::new(pointer, "enum", format!("{wire} must be one of {}", choices.join(", "))));
    }
    if column.format.as_deref() == Some("uri") && !is_uri(text) {
        errors.push(FieldError::new(pointer, "format", format!("{wire} must be a URI")));
    }
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        && !rest.is_empty()
        && !text.contains(char::is_whitespace)
}

fn expected(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::Integer => "an integer",
        ColumnType::Number | ColumnType::Numeric => "a number",
        ColumnType::Boolean => "true or false",
        _ => "a string",
    }
}
