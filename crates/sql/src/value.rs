use crate::SqlError;

/// A value as a statement takes and gives it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SqlValue {
    /// No value.
    #[default]
    Null,
    /// A 64-bit integer; booleans are 0 and 1.
    Integer(i64),
    /// Double precision.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl SqlValue {
    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text, if it is text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn real(&self) -> Option<f64> {
        match self {
            Self::Real(real) => Some(*real),
            Self::Integer(integer) => Some(*integer as f64),
            _ => None,
        }
    }

    /// True or false, if it is an integer.
    pub fn boolean(&self) -> Option<bool> {
        self.integer().map(|integer| integer != 0)
    }

    /// The bytes, if it is bytes.
    pub fn blob(&self) -> Option<&[u8]> {
        match self {
            Self::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text, taken out without a copy; the value itself where it is something else.
    pub fn into_text(self) -> Result<String, Self> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(other),
        }
    }

    /// A view of the value.
    pub fn as_ref(&self) -> SqlRef<'_> {
        match self {
            Self::Null => SqlRef::Null,
            Self::Integer(integer) => SqlRef::Integer(*integer),
            Self::Real(real) => SqlRef::Real(*real),
            Self::Text(text) => SqlRef::Text(text),
            Self::Blob(bytes) => SqlRef::Blob(bytes),
        }
    }
}

/// A value lent by a row that is being read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SqlRef<'a> {
    /// No value.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// Double precision.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

impl SqlRef<'_> {
    /// A value of its own.
    pub fn to_value(self) -> SqlValue {
        match self {
            Self::Null => SqlValue::Null,
            Self::Integer(integer) => SqlValue::Integer(integer),
            Self::Real(real) => SqlValue::Real(real),
            Self::Text(text) => SqlValue::Text(text.to_owned()),
            Self::Blob(bytes) => SqlValue::Blob(bytes.to_vec()),
        }
    }
}

impl From<&str> for SqlValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SqlValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for SqlValue {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for SqlValue {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<i32> for SqlValue {
    fn from(integer: i32) -> Self {
        Self::Integer(integer.into())
    }
}

impl From<u32> for SqlValue {
    fn from(integer: u32) -> Self {
        Self::Integer(integer.into())
    }
}

impl From<f64> for SqlValue {
    fn from(real: f64) -> Self {
        Self::Real(real)
    }
}

impl From<bool> for SqlValue {
    fn from(boolean: bool) -> Self {
        Self::Integer(boolean.into())
    }
}

impl From<Vec<u8>> for SqlValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl From<&[u8]> for SqlValue {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl<T: Into<SqlValue>> From<Option<T>> for SqlValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl rusqlite::ToSql for SqlValue {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::ValueRef;
        let value = match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        };
        Ok(rusqlite::types::ToSqlOutput::Borrowed(value))
    }
}

/// One row while it is being read; its values are lent until the next row.
pub struct Cells<'a>(Source<'a>);

enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Values(&'a [SqlValue]),
}

impl<'a> Cells<'a> {
    pub(crate) fn new(row: &'a rusqlite::Row<'a>) -> Self {
        Self(Source::Sqlite(row))
    }

    /// A row that was read already.
    pub fn of(values: &'a [SqlValue]) -> Self {
        Self(Source::Values(values))
    }

    /// The value of a column by its position in the select list.
    pub fn get(&self, column: usize) -> Result<SqlRef<'a>, SqlError> {
        use rusqlite::types::ValueRef;
        let row = match &self.0 {
            Source::Sqlite(row) => row,
            Source::Values(values) => {
                let value = values.get(column).map(SqlValue::as_ref);
                return value.ok_or_else(|| SqlError::Corrupt(format!("a row has no column {column}").into()));
            }
        };
        Ok(match row.get_ref(column)? {
            ValueRef::Null => SqlRef::Null,
            ValueRef::Integer(integer) => SqlRef::Integer(integer),
            ValueRef::Real(real) => SqlRef::Real(real),
            ValueRef::Text(bytes) => SqlRef::Text(std::str::from_utf8(bytes).map_err(SqlError::not_text)?),
            ValueRef::Blob(bytes) => SqlRef::Blob(bytes),
        })
    }

    /// All values of the row.
    pub fn to_values(&self) -> Result<Vec<SqlValue>, SqlError> {
        let count = match &self.0 {
            Source::Sqlite(row) => row.as_ref().column_count(),
            Source::Values(values) => values.len(),
        };
        (0..count).map(|column| Ok(self.get(column)?.to_value())).collect()
    }
}
