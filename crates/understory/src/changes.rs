//! Changed rows and where values come from, in the API's terms.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;
use understory_manage::blame::{FieldBlame, LineBlame};
use understory_manage::{Change, Commit, DiffKind, RowDiff};
use understory_model::{Entity, Model, camel_case};

use crate::naming::{is_project_column, short_key};

/// Lines shown around what differs in a text.
const CONTEXT: usize = 3;

/// Changed rows: by entity (`subAgent`), then by key without tenant and project (`support/router`).
pub type Changes = BTreeMap<String, BTreeMap<String, RowChange>>;

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowChange {
    /// `added`, `modified` or `removed`.
    pub kind: DiffKind,
    /// What changed in it, by field (`credentialReferenceId`).
    pub fields: BTreeMap<String, FieldChange>,
}

/// A changed field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// What it was.
    pub from: Value,
    /// What it is.
    pub to: Value,
    /// For text of several lines, the difference as a unified diff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// Where a value comes from: a commit in short.
#[derive(Clone, Debug, Serialize)]
pub struct Source {
    /// Hash of the commit.
    pub commit: String,
    /// Name of who made it.
    pub author: String,
    /// When.
    pub date: String,
    /// Why.
    pub message: String,
}

/// Where a field's value comes from.
#[derive(Clone, Debug, Serialize)]
pub struct FieldSource {
    /// The commit that gave it the value.
    #[serde(flatten)]
    pub source: Source,
    /// Of a text that merges by line, where each line comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<LineSource>>,
}

/// Where a line comes from.
#[derive(Clone, Debug, Serialize)]
pub struct LineSource {
    /// The line.
    pub text: String,
    /// The commit that wrote it.
    #[serde(flatten)]
    pub source: Source,
}

/// Changes in the API's terms; timestamps count for nothing.
pub(crate) fn changes<'a>(model: &Model, changed: impl IntoIterator<Item = &'a Change>) -> Changes {
    let mut changes = Changes::new();
    for row in changed.into_iter().filter_map(RowDiff::of) {
        let entity = model.entity(&row.entity).map(AsRef::as_ref);
        let key = short_key(entity, &row.key);
        changes.entry(camel_case(&row.entity)).or_default().insert(key, RowChange::new(entity, row));
    }
    changes
}

impl RowChange {
    pub(crate) fn new(entity: Option<&Entity>, row: RowDiff) -> Self {
        let shown = |column: &str| match entity {
            Some(entity) => {
                !entity.key.iter().any(|key| key == column) && entity.column(column).is_none_or(|column| !column.hidden)
            }
            None => true,
        };
        let fields = row.fields.into_iter().filter(|(column, _)| shown(column) && !is_project_column(column));
        let fields = fields.map(|(column, (from, to))| (camel_case(&column), FieldChange::new(from, to)));
        Self { kind: row.kind, fields: fields.collect() }
    }
}

impl FieldChange {
    fn new(from: Value, to: Value) -> Self {
        let diff = match (&from, &to) {
            (Value::String(from), Value::String(to)) if from.contains('\n') || to.contains('\n') => {
                let diff = TextDiff::from_lines(from.as_str(), to.as_str());
                Some(diff.unified_diff().context_radius(CONTEXT).to_string())
            }
            _ => None,
        };
        Self { from, to, diff }
    }
}

impl From<Commit> for Source {
    fn from(commit: Commit) -> Self {
        Self {
            commit: commit.hash.to_string(),
            author: commit.meta.author.name,
            date: commit.date,
            message: commit.meta.message,
        }
    }
}

impl From<FieldBlame> for FieldSource {
    fn from(field: FieldBlame) -> Self {
        let line = |line: LineBlame| LineSource { text: line.text, source: line.commit.into() };
        let lines = field.lines.map(|lines| lines.into_iter().map(line).collect());
        Self { source: field.commit.into(), lines }
    }
}
