use serde_json::Value;
use understory_sql::SqlValue;

use crate::{RuntimeError, RuntimeResult};

/// The values of one row, taken one after another in the order of the select list.
pub(crate) struct Columns(std::vec::IntoIter<SqlValue>);

impl Columns {
    pub(crate) fn new(row: Vec<SqlValue>) -> Self {
        Self(row.into_iter())
    }

    /// The next value, which must be text.
    pub(crate) fn text(&mut self) -> RuntimeResult<String> {
        self.text_or_null()?.ok_or_else(|| RuntimeError::corrupt("a column that must have a value is null"))
    }

    /// The next value, which must be text or null.
    pub(crate) fn text_or_null(&mut self) -> RuntimeResult<Option<String>> {
        match self.0.next() {
            Some(SqlValue::Text(text)) => Ok(Some(text)),
            Some(SqlValue::Null) => Ok(None),
            other => Err(RuntimeError::corrupt(format!("a text column holds {other:?}"))),
        }
    }

    /// The next value, which must be an integer.
    pub(crate) fn integer(&mut self) -> RuntimeResult<i64> {
        self.integer_or_null()?.ok_or_else(|| RuntimeError::corrupt("a column that must have a number is null"))
    }

    /// The next value, which must be true or false.
    pub(crate) fn boolean(&mut self) -> RuntimeResult<bool> {
        Ok(self.integer()? != 0)
    }

    /// The next value, which must be JSON.
    pub(crate) fn json(&mut self) -> RuntimeResult<Value> {
        self.json_or_null()?.ok_or_else(|| RuntimeError::corrupt("a column that must have a value is null"))
    }

    /// The next value, which must be JSON or null.
    pub(crate) fn json_or_null(&mut self) -> RuntimeResult<Option<Value>> {
        let read = |text: String| serde_json::from_str(&text);
        let value = self.text_or_null()?.map(read).transpose();
        value.map_err(|error| RuntimeError::not_json("a column that holds JSON", error))
    }

    /// The next value, which must be an integer or null.
    pub(crate) fn integer_or_null(&mut self) -> RuntimeResult<Option<i64>> {
        match self.0.next() {
            Some(SqlValue::Integer(integer)) => Ok(Some(integer)),
            Some(SqlValue::Null) => Ok(None),
            other => Err(RuntimeError::corrupt(format!("an integer column holds {other:?}"))),
        }
    }
}

/// Decodes every row of an answer.
pub(crate) fn decode_all<T>(
    rows: Vec<Vec<SqlValue>>,
    decode: impl Fn(&mut Columns) -> RuntimeResult<T>,
) -> RuntimeResult<Vec<T>> {
    rows.into_iter().map(|row| decode(&mut Columns::new(row))).collect()
}

/// Decodes the row of an answer that has one or none.
pub(crate) fn decode_one<T>(
    row: Option<Vec<SqlValue>>,
    decode: impl Fn(&mut Columns) -> RuntimeResult<T>,
) -> RuntimeResult<Option<T>> {
    row.map(|row| decode(&mut Columns::new(row))).transpose()
}
