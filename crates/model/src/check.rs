//! Whether a value may stand in a column, and what is wrong with it if not.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::{Column, ColumnType};

/// Longest message of a JSON Schema error, in characters: schemas with long lists of choices are quoted in it.
const LONGEST_MESSAGE: usize = 300;
/// Most JSON Schema errors told of one value: a long array with the same mistake in each item makes one each.
const MOST_SCHEMA_ERRORS: usize = 100;

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

    /// An error of a column's whole value; `what` follows the column's name.
    pub(crate) fn of(column: &Column, reason: &'static str, what: &str) -> Self {
        Self::new(format!("/{}", column.wire), reason, format!("{} {what}", column.wire))
    }
}

/// What is wrong with a value for a column, null included.
pub fn check_value(column: &Column, value: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    match value {
        Value::Null if column.optional => {}
        Value::Null => errors.push(FieldError::of(column, "required", "must not be null")),
        value => check(column, value, &mut errors),
    }
    errors
}

/// One form for equal values, so that an unchanged body makes no change.
pub(crate) fn normal_form(ty: ColumnType, value: &Value) -> Value {
    match (ty, value.as_f64()) {
        (ColumnType::Number, Some(number)) => Value::from(number),
        (ColumnType::Numeric, Some(number)) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Value::from(number as i64)
        }
        (ColumnType::Integer, Some(number)) => Value::from(number as i64),
        _ => value.clone(),
    }
}

/// Checks a value that is not null.
pub(crate) fn check(column: &Column, value: &Value, errors: &mut Vec<FieldError>) {
    let fits = match column.ty {
        ColumnType::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        ColumnType::Number | ColumnType::Numeric => value.is_number(),
        ColumnType::Boolean => value.is_boolean(),
        ColumnType::Json => true,
        _ => value.is_string(),
    };
    if !fits {
        errors.push(FieldError::of(column, "type", &format!("must be {}", expected(column.ty))));
        return;
    }
    match value {
        Value::String(text) if column.ty != ColumnType::Json => check_text(column, text, errors),
        Value::Number(number) if column.ty != ColumnType::Json => {
            check_range(column, number.as_f64().unwrap_or_default(), errors);
        }
        _ => {}
    }
    check_schema(column, value, errors);
}

fn expected(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::Integer => "an integer",
        ColumnType::Number | ColumnType::Numeric => "a number",
        ColumnType::Boolean => "true or false",
        _ => "a string",
    }
}

/// An integer column holds 32 bits, whatever its file says.
fn check_range(column: &Column, number: f64, errors: &mut Vec<FieldError>) {
    let outside =
        |min: Option<f64>, max: Option<f64>| min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max);
    let (own_min, own_max) = (column.min, column.max);
    let integer = (column.ty == ColumnType::Integer).then_some((f64::from(i32::MIN), f64::from(i32::MAX)));
    let (min, max) = (own_min.or(integer.map(|i| i.0)), own_max.or(integer.map(|i| i.1)));
    if outside(own_min, own_max) {
        errors.push(FieldError::of(column, "range", &range(own_min, own_max)));
    } else if outside(min, max) {
        errors.push(FieldError::of(column, "range", &range(min, max)));
    }
}

fn range(min: Option<f64>, max: Option<f64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("must be {min} to {max}"),
        (Some(min), None) => format!("must be at least {min}"),
        (None, Some(max)) => format!("must be at most {max}"),
        (None, None) => "is out of range".into(),
    }
}

fn check_text(column: &Column, text: &str, errors: &mut Vec<FieldError>) {
    let mut wrong = |reason, what: String| errors.push(FieldError::of(column, reason, &what));
    let length = text.chars().count() as f64;
    if let Some(max) = column.longest().filter(|max| length > *max) {
        wrong("too_long", format!("must have at most {max} characters"));
    }
    if let Some(min) = column.min.filter(|min| length < *min) {
        wrong("too_short", format!("must have at least {min} characters"));
    }
    if text.contains('\0') {
        wrong("pattern", "must not hold a NUL character".into());
    }
    if let Some(pattern) = column.pattern.as_ref().filter(|pattern| !pattern.validator.is_valid(&Value::from(text))) {
        wrong("pattern", format!("must match {}", pattern.text));
    }
    if let Some(choices) = column.choices.as_ref().filter(|choices| !choices.iter().any(|choice| choice == text)) {
        wrong("enum", format!("must be one of {}", choices.join(", ")));
    }
    if column.format.as_deref() == Some("uri") && !is_uri(text) {
        wrong("format", "must be a URI".into());
    }
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        && !rest.is_empty()
        && !text.contains(char::is_whitespace)
}

fn check_schema(column: &Column, value: &Value, errors: &mut Vec<FieldError>) {
    let Some(schema) = &column.schema else { return };
    for error in schema.validator.iter_errors(value).take(MOST_SCHEMA_ERRORS) {
        let pointer = format!("/{}{}", column.wire, error.instance_path());
        let detail = format!("{} does not match the schema: {}", column.wire, without_value(&error));
        errors.push(FieldError::new(pointer, "schema", shortened(detail)));
    }
}

/// The message of a schema error without the value, which may hold a secret: errors are answered and logged.
fn without_value(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::PropertyNames { error } => format!("a key: {}", without_value(error)),
        ValidationErrorKind::AdditionalProperties { .. } | ValidationErrorKind::UnevaluatedProperties { .. } => {
            "the value has keys that are not allowed".into()
        }
        _ => error.masked_with("the value").to_string(),
    }
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
