//! What happened: commits, and what each changed, in the API's terms.

use serde::Serialize;
use serde_json::Value;
use understory_manage::{Commit, DiffKind, QueryRows, ResolvedRef, RowDiff, Snapshot, diff};
use understory_model::camel_case;

use crate::Result;
use crate::project::Project;

/// A commit as people read it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Hash.
    pub hash: String,
    /// Hashes of its parents.
    pub parents: Vec<String>,
    /// Name of who made the change.
    pub author: String,
    /// Address of who made it.
    pub email: String,
    /// Who handed it in, where that is somebody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committer: Option<String>,
    /// When.
    pub date: String,
    /// Why.
    pub message: String,
}

/// A changed row: entity and fields as the API names them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowChange {
    /// The entity, `subAgent`.
    pub entity: String,
    /// The row's key without tenant and project, `router/worker`.
    pub key: String,
    /// `added`, `modified` or `removed`.
    pub kind: DiffKind,
    /// What changed in it.
    pub fields: Vec<FieldChange>,
}

/// A changed field.
#[derive(Clone, Debug, Serialize)]
pub struct FieldChange {
    /// The field, `credentialReferenceId`.
    pub field: String,
    /// What it was.
    pub from: Value,
    /// What it is.
    pub to: Value,
}

impl From<Commit> for Entry {
    fn from(commit: Commit) -> Self {
        Self {
            hash: commit.hash.to_string(),
            parents: commit.parents.iter().map(ToString::to_string).collect(),
            author: commit.meta.author.name,
            email: commit.meta.author.email,
            committer: commit.meta.committer,
            date: commit.date,
            message: commit.meta.message,
        }
    }
}

impl Project {
    /// The newest commits that a ref reaches, at most `limit`.
    pub async fn log(&self, reference: &str, limit: usize) -> Result<Vec<Entry>> {
        let hash = self.resolve(reference).await?.hash;
        let commits = self.app().inner.store.log(self.id(), &hash, limit).await?;
        Ok(commits.into_iter().map(Entry::from).collect())
    }

    /// One commit, and what it changed against its first parent.
    pub async fn show(&self, reference: &str) -> Result<(Entry, Vec<RowChange>)> {
        let store = &self.app().inner.store;
        let hash = self.resolve(reference).await?.hash;
        let commit = store.log(self.id(), &hash, 1).await?.into_iter().next();
        let commit = commit.ok_or_else(|| crate::Error::not_found("Commit", hash.as_str()))?;
        let after = store.read(self.id(), &hash).await?;
        let before = match commit.parents.first() {
            Some(parent) => store.read(self.id(), parent).await?,
            None => Default::default(),
        };
        let changes = self.row_changes(&before, &after);
        Ok((commit.into(), changes))
    }

    /// Answers a query in the engine's SQL against the tables at a ref. Nothing is written, whatever it says.
    pub async fn sql(&self, reference: &str, query: &str) -> Result<(QueryRows, ResolvedRef)> {
        let resolved = self.resolve(reference).await?;
        let rows = self.app().inner.store.query(self.id(), &resolved.hash, query).await?;
        Ok((rows, resolved))
    }

    /// What differs between two refs.
    pub async fn diff(&self, from: &str, to: &str) -> Result<Vec<RowChange>> {
        let (from, to) = (self.view(from).await?, self.view(to).await?);
        Ok(self.row_changes(&from.snapshot, &to.snapshot))
    }

    fn row_changes(&self, from: &Snapshot, to: &Snapshot) -> Vec<RowChange> {
        diff(from, to).into_iter().map(|row| self.row_change(row)).collect()
    }

    fn row_change(&self, row: RowDiff) -> RowChange {
        let entity = self.model().entity(&row.entity);
        let scope = [crate::names::TENANT, crate::names::PROJECT];
        let own = |column: &&str| !scope.contains(column);
        let key = match entity {
            Some(entity) => {
                let named = entity.key.iter().map(String::as_str).zip(row.key.parts());
                named.filter(|(column, _)| own(column)).map(|(_, part)| part.as_str()).collect::<Vec<_>>().join("/")
            }
            None => row.key.to_string(),
        };
        let shown = |column: &str| entity.and_then(|e| e.column(column)).is_none_or(|column| !column.hidden);
        let fields = row.fields.into_iter().filter(|(column, (from, to))| {
            let in_key = entity.is_some_and(|entity| entity.key.contains(column));
            shown(column) && !in_key && own(&column.as_str()) && from != to
        });
        let fields = fields.map(|(column, (from, to))| FieldChange { field: camel_case(&column), from, to }).collect();
        RowChange { entity: camel_case(&row.entity), key, kind: row.kind, fields }
    }
}
