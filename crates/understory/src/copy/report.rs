use serde::Serialize;

use super::CopyRequest;

/// What a copy came to, or would come to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CopyReport {
    /// Where it was.
    pub from: String,
    /// Where it went.
    pub to: String,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The projects, by tenant and id.
    pub projects: Vec<ProjectCopied>,
    /// The tables of runtime data.
    pub tables: Vec<TableCopied>,
    /// What does not come along.
    pub left_out: Vec<LeftOut>,
}

/// A project with its history.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectCopied {
    /// Tenant and id.
    pub project: String,
    /// Commits, the first one aside, which holds the schema only.
    pub commits: usize,
    /// Branches.
    pub branches: usize,
    /// Tags.
    pub tags: usize,
    /// Heads of deleted branches.
    pub kept: usize,
    /// Whether an earlier copy had brought it already.
    pub was_there: bool,
}

/// A table of runtime data.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableCopied {
    /// Its name.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// A checksum over them, the same on both sides; none where nothing was written.
    pub checksum: Option<String>,
}

/// Something that does not come along.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// What it is.
    pub what: String,
    /// How much of it there is.
    pub count: u64,
    /// Why.
    pub why: String,
}

/// How far a copy is.
#[derive(Clone, Copy, Debug)]
pub enum CopyProgress<'a> {
    /// A project is there and was compared.
    Project {
        /// Projects that are there.
        done: usize,
        /// All that go.
        total: usize,
        /// The one that came last.
        last: &'a ProjectCopied,
    },
    /// Rows of a table are there.
    Rows {
        /// The table.
        table: &'a str,
        /// Rows that are there.
        done: u64,
        /// All that go.
        total: u64,
    },
}

impl CopyReport {
    pub(super) fn new(request: &CopyRequest) -> Self {
        Self {
            from: request.from.to_string(),
            to: request.to.to_string(),
            dry_run: request.dry_run,
            projects: Vec::new(),
            tables: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Notes what does not come along.
    pub(super) fn leave_out(&mut self, what: impl Into<String>, count: u64, why: impl Into<String>) {
        self.left_out.extend(left_out(what, count, why));
    }
}

/// What does not come along, unless there is nothing of it.
pub(super) fn left_out(what: impl Into<String>, count: u64, why: impl Into<String>) -> Option<LeftOut> {
    (count > 0).then(|| LeftOut { what: what.into(), count, why: why.into() })
}
