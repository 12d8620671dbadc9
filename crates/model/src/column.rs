//! One column of an entity: its type, what it accepts, how it merges.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    /// snake_case name in tables.
    pub name: String,
    /// camelCase name on the wire.
    pub wire: String,
    /// Type with its length.
    pub ty: ColumnType,
    /// One sentence.
    pub doc: String,
    /// May be null.
    pub optional: bool,
    /// Value filled in when a create leaves the column out.
    pub default: Option<Value>,
    /// Least length or value.
    pub min: Option<f64>,
    /// Greatest value, or greatest length accepted from clients.
    pub max: Option<f64>,
    /// Regular expression that text must match.
    pub pattern: Option<Pattern>,
    /// The only texts allowed.
    pub choices: Option<Vec<String>>,
    /// `uri`, or none.
    pub format: Option<String>,
    /// JSON Schema of a JSON column.
    pub schema: Option<Arc<JsonSchema>>,
    /// How two edits of this column meet in a merge.
    pub merge: MergeRule,
    /// Who may write it.
    pub write: WriteRule,
    /// Left out of answers.
    pub hidden: bool,
    /// Its earlier name.
    pub was: Option<String>,
}

impl Column {
    /// The greatest length of a text or the greatest number it takes, if there is one.
    pub fn longest(&self) -> Option<f64> {
        self.max.or(self.ty.max_length().map(f64::from))
    }
}

/// A compiled regular expression that remembers its text.
#[derive(Clone)]
pub struct Pattern {
    /// As written in the file.
    pub text: String,
    pub(crate) validator: Arc<jsonschema::Validator>,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A compiled JSON Schema with its source.
pub struct JsonSchema {
    /// File name without `.json`.
    pub name: String,
    /// The schema itself.
    pub source: Value,
    pub(crate) validator: jsonschema::Validator,
}

impl fmt::Debug for JsonSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Text of at most this many characters.
    String(u32),
    /// Another row's id, of at most this many characters.
    Id(u32),
    /// Text of any length.
    Text,
    /// 32-bit integer.
    Integer,
    /// Double precision.
    Number,
    /// Decimal.
    Numeric,
    /// True or false.
    Boolean,
    /// Any JSON value but null.
    Json,
    /// UTC time without zone, `YYYY-MM-DD HH:MM:SS.mmm`.
    Timestamp,
    /// Time with zone.
    TimestampTz,
}

impl ColumnType {
    /// The greatest length of its text, if it has one.
    pub fn max_length(self) -> Option<u32> {
        match self {
            Self::String(max) | Self::Id(max) => Some(max),
            _ => None,
        }
    }
}

/// How two edits of one column meet in a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeRule {
    /// Different values conflict.
    Cell,
    /// By key, recursively; arrays of objects with ids by id.
    Json,
    /// By line.
    Lines,
    /// An array as a set.
    Set,
    /// The greater value wins.
    Newer,
}

/// Who may write a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteRule {
    /// Clients, at any time.
    #[default]
    Always,
    /// Clients, on create.
    Create,
    /// The server alone.
    Never,
}

impl WriteRule {
    /// Whether a client's create, or else update, may set what the rule is of.
    pub fn accepts(self, create: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Create => create,
            Self::Never => false,
        }
    }
}

/// The merge rule of a column whose file names none.
pub(crate) fn default_merge(ty: ColumnType) -> MergeRule {
    match ty {
        ColumnType::Json => MergeRule::Json,
        ColumnType::Text => MergeRule::Lines,
        ColumnType::Timestamp | ColumnType::TimestampTz => MergeRule::Newer,
        _ => MergeRule::Cell,
    }
}
