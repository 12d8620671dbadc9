//! Cells to values of rows and back, by column type.

use std::fmt::Write as _;

use serde_json::{Number, Value};
use understory_model::ColumnType;

use crate::{SqlRef, SqlValue};

/// A value that does not fit its column's type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {expected} column holds {found}")]
pub struct ValueError {
    /// The column's type.
    pub expected: String,
    /// What was there instead.
    pub found: String,
}

/// Integral numbers of `numeric` columns are integers up to here, as in the model.
const EXACT: f64 = 9e15;

/// The cell that holds a value. Each value has one cell, so equal cells mean an unchanged column.
pub fn encode(ty: ColumnType, value: &Value) -> Result<SqlValue, ValueError> {
    let mismatch = || ValueError { expected: ty.to_string(), found: value.to_string() };
    Ok(match (ty, value) {
        (_, Value::Null) => SqlValue::Null,
        (ColumnType::Json, value) => SqlValue::Text(value.to_string()),
        (ColumnType::Boolean, Value::Bool(boolean)) => SqlValue::from(*boolean),
        (ColumnType::Integer, Value::Number(number)) => SqlValue::Integer(number.as_i64().ok_or_else(mismatch)?),
        (ColumnType::Number, Value::Number(number)) => SqlValue::Real(number.as_f64().ok_or_else(mismatch)?),
        (ColumnType::Numeric, Value::Number(number)) => numeric(number).ok_or_else(mismatch)?,
        (ty, Value::String(text)) if is_text(ty) => SqlValue::Text(text.clone()),
        _ => return Err(mismatch()),
    })
}

/// The value that a cell holds.
pub fn decode(ty: ColumnType, cell: SqlRef<'_>) -> Result<Value, ValueError> {
    let mismatch = || ValueError { expected: ty.to_string(), found: format!("{cell:?}") };
    Ok(match (ty, cell) {
        (_, SqlRef::Null) => Value::Null,
        (ColumnType::Json, SqlRef::Text(text)) => serde_json::from_str(text).map_err(|_| mismatch())?,
        (ColumnType::Boolean, SqlRef::Integer(integer @ (0 | 1))) => Value::Bool(integer == 1),
        (ColumnType::Integer | ColumnType::Numeric, SqlRef::Integer(integer)) => Value::from(integer),
        (ColumnType::Number, SqlRef::Integer(integer)) => Value::from(integer as f64),
        (ColumnType::Number | ColumnType::Numeric, SqlRef::Real(real)) => {
            Value::Number(Number::from_f64(real).ok_or_else(mismatch)?)
        }
        (ty, SqlRef::Text(text)) if is_text(ty) => Value::from(text),
        _ => return Err(mismatch()),
    })
}

/// Whether a cell holds this value: what comparing with [`decode`]'s answer tells, mostly without making one.
pub fn holds(ty: ColumnType, cell: SqlRef<'_>, value: &Value, scratch: &mut String) -> bool {
    match (ty, cell, value) {
        (_, SqlRef::Null, value) => value.is_null(),
        (_, _, Value::Null) if ty != ColumnType::Json => false,
        (ColumnType::Json, SqlRef::Text(text), value) => {
            scratch.clear();
            write!(scratch, "{value}").is_ok() && scratch == text
        }
        (ty, SqlRef::Text(text), Value::String(string)) if is_text(ty) => text == string,
        (ty, cell, value) => decode(ty, cell).is_ok_and(|decoded| decoded == *value),
    }
}

fn numeric(number: &Number) -> Option<SqlValue> {
    if let Some(integer) = number.as_i64() {
        return Some(SqlValue::Integer(integer));
    }
    let real = number.as_f64()?;
    let integral = real.fract() == 0.0 && real.abs() < EXACT;
    Some(if integral { SqlValue::Integer(real as i64) } else { SqlValue::Real(real) })
}

fn is_text(ty: ColumnType) -> bool {
    matches!(
        ty,
        ColumnType::String(_) | ColumnType::Id(_) | ColumnType::Text | ColumnType::Timestamp | ColumnType::TimestampTz
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_round_trip() {
        let cases = [
            (ColumnType::String(10), json!("ä")),
            (ColumnType::Id(10), json!("x")),
            (ColumnType::Text, json!("long")),
            (ColumnType::Timestamp, json!("2026-11-21 08:00:00.000")),
            (ColumnType::Integer, json!(-3)),
            (ColumnType::Number, json!(1.0)),
            (ColumnType::Number, json!(0.1)),
            (ColumnType::Numeric, json!(7)),
            (ColumnType::Numeric, json!(7.5)),
            (ColumnType::Boolean, json!(true)),
            (ColumnType::Json, json!({"b": [1, 1.5, 1e300, u64::MAX, "x", null], "a": {}})),
            (ColumnType::Json, json!("text")),
            (ColumnType::Json, json!(false)),
            (ColumnType::Text, Value::Null),
        ];
        for (ty, value) in cases {
            let cell = encode(ty, &value).unwrap();
            assert_eq!(decode(ty, cell.as_ref()).unwrap(), value, "{ty}");
            let mut scratch = String::new();
            assert!(holds(ty, cell.as_ref(), &value, &mut scratch), "{ty}");
            let other = if value.is_null() { json!("other") } else { Value::Null };
            assert!(!holds(ty, cell.as_ref(), &other, &mut scratch), "{ty}");
        }
    }

    #[test]
    fn json_keeps_the_order_of_keys() {
        let value: Value = serde_json::from_str(r#"{"b":1,"a":2}"#).unwrap();
        assert_eq!(encode(ColumnType::Json, &value), Ok(r#"{"b":1,"a":2}"#.into()));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert!(encode(ColumnType::Integer, &json!(1.5)).is_err());
        assert!(encode(ColumnType::Text, &json!(1)).is_err());
        assert!(decode(ColumnType::Boolean, SqlRef::Integer(2)).is_err());
        assert!(decode(ColumnType::Json, SqlRef::Text("{")).is_err());
        assert!(decode(ColumnType::Text, SqlRef::Integer(1)).is_err());
    }
}
