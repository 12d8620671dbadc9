use serde_json::Value;
use understory_sql::SqlValue;

/// The project that a row is in: the beginning of its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProjectKey {
    /// The tenant.
    pub tenant: String,
    /// The project.
    pub project: String,
}

impl ProjectKey {
    /// The values of the key, and more after them.
    pub(crate) fn row<const N: usize>(&self, more: [SqlValue; N]) -> Vec<SqlValue> {
        [(&self.tenant).into(), (&self.project).into()].into_iter().chain(more).collect()
    }
}

pub(crate) fn text(text: &Option<String>) -> SqlValue {
    text.as_ref().map_or(SqlValue::Null, SqlValue::from)
}

pub(crate) fn json(value: &Option<Value>) -> SqlValue {
    value.as_ref().map_or(SqlValue::Null, |value| value.to_string().into())
}
