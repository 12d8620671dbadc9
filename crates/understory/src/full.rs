//! Whole projects by commit, compiled once.

use std::sync::Arc;

use moka::sync::Cache;
use serde_json::Value;
use understory_manage::{CommitHash, Snapshot};

use crate::document::{self, RelationIds, Scope};
use crate::etag::etag_of_bytes;
use crate::project::Project;
use crate::write::{WriteOptions, Written};
use crate::{Error, Result};

/// Bytes of compiled documents kept in memory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// A whole project at one commit, written out.
#[derive(Debug)]
pub struct Document {
    /// `{"data": …}` as JSON.
    pub body: Arc<[u8]>,
    /// Its entity tag.
    pub etag: String,
    /// The commit.
    pub hash: CommitHash,
}

/// Compiled documents. A commit never changes, so nothing here is ever out of date.
pub(crate) struct DocumentCache {
    documents: Cache<(String, CommitHash, bool), Arc<Document>>,
}

impl DocumentCache {
    pub(crate) fn new() -> Self {
        let weight = |_: &_, document: &Arc<Document>| u32::try_from(document.body.len()).unwrap_or(u32::MAX);
        let documents = Cache::builder().max_capacity(CACHE_BYTES).weigher(weight).support_invalidation_closures();
        Self { documents: documents.build() }
    }

    /// Forgets a project's documents: a branch of it went, and some of its commits may be reached no more.
    pub(crate) fn forget(&self, uid: &str) {
        let uid = uid.to_owned();
        // Without closures switched on this would fail; the constructor switches them on.
        let _ = self.documents.invalidate_entries_if(move |(project, ..), _| *project == uid);
    }

    fn get(&self, project: &Project, hash: &CommitHash, with_ids: bool) -> Option<Arc<Document>> {
        self.documents.get(&(project.id().uid.clone(), hash.clone(), with_ids))
    }
}

impl Project {
    /// The whole project at a ref; `with_ids` shows the ids of relations between sub-agents.
    pub async fn full(&self, reference: &str, with_ids: bool) -> Result<Arc<Document>> {
        let cache = &self.app().inner.documents;
        // A document in the cache is of a commit that was found to be there: its hash needs no looking up.
        if let Some(document) = CommitHash::parse(reference).and_then(|hash| cache.get(self, &hash, with_ids)) {
            return Ok(document);
        }
        let resolved = self.resolve(reference).await?;
        if let Some(document) = cache.get(self, &resolved.hash, with_ids) {
            return Ok(document);
        }
        let snapshot = self.app().inner.store.read(self.id(), &resolved.hash).await?;
        let value = self.document(&snapshot, with_ids)?;
        let mut body = br#"{"data":"#.to_vec();
        serde_json::to_writer(&mut body, &value).map_err(Error::internal)?;
        body.push(b'}');
        let body: Arc<[u8]> = body.into();
        let document = Arc::new(Document { etag: etag_of_bytes(&body), body, hash: resolved.hash });
        let key = (self.id().uid.clone(), document.hash.clone(), with_ids);
        cache.documents.insert(key, Arc::clone(&document));
        Ok(document)
    }

    /// The whole project in a snapshot of it, as a value.
    pub fn document(&self, snapshot: &Snapshot, with_ids: bool) -> Result<Value> {
        let ids = if with_ids { RelationIds::Shown } else { RelationIds::Hidden };
        let document = document::read_project(self.model(), snapshot, &self.scope(), ids);
        document.ok_or_else(|| Error::not_found("Project", &self.id().id))
    }

    /// Makes the project on a branch say what a full document says.
    pub async fn full_put(&self, body: &Value, options: &WriteOptions) -> Result<Written<()>> {
        let scope = self.scope();
        let message = || format!("Update project {}", self.id().id);
        let current = |rows: &Snapshot| self.document(rows, false).ok().map(|data| serde_json::json!({ "data": data }));
        let edit = |draft: &mut understory_manage::Draft| document::write_project(draft, &scope, body);
        Ok(self.write(options, message, current, edit).await?.take_unknown())
    }

    /// The project's own fields at a ref: `{data}`.
    pub async fn own(&self, reference: &str) -> Result<(Value, CommitHash)> {
        let view = self.view(reference).await?;
        Ok((self.own_row(&view.snapshot)?, view.resolved.hash))
    }

    fn own_row(&self, snapshot: &Snapshot) -> Result<Value> {
        let row = document::read_project_row(self.model(), snapshot, &self.scope());
        row.ok_or_else(|| Error::not_found("Project", &self.id().id))
    }

    /// Changes the project's own fields.
    pub async fn own_update(&self, body: &Value, options: &WriteOptions) -> Result<Written<Value>> {
        let scope = self.scope();
        let message = || format!("Update project {}", self.id().id);
        let current = |rows: &Snapshot| self.own_row(rows).ok().map(|data| serde_json::json!({ "data": data }));
        let edit = |draft: &mut understory_manage::Draft| document::update_project_row(draft, &scope, body);
        let written = self.write(options, message, current, edit).await?.take_unknown();
        let value = self.own_row(&written.snapshot)?;
        Ok(written.with(value))
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::new(&self.id().tenant, &self.id().id)
    }
}

impl Written<Vec<String>> {
    /// The edit answered the names of ignored keys: puts them where they belong.
    fn take_unknown(self) -> Written<()> {
        let Self { value: unknown, head, commit, snapshot, .. } = self;
        Written { value: (), head, commit, snapshot, unknown }
    }
}
