//! One row through time: its history, where its fields come from, and bringing back what it was.

use std::sync::Arc;

use serde_json::json;
use understory_manage::{CommitHash, ResolvedRef};
use understory_model::{Entity, Key};

use crate::action::{Answer, Call, found_key, named_key};
use crate::changes::Changes;
use crate::history::Cursor;
use crate::project::Project;
use crate::undo::Restore;
use crate::write::{WriteOptions, Written};
use crate::{Error, Result, names};

/// Commits on a page where the request does not say.
const DEFAULT_LIMIT: usize = 50;
/// The most commits on a page.
const MAX_LIMIT: usize = 1_000;

impl Project {
    pub(crate) async fn read_history(
        &self,
        entity: &Arc<Entity>,
        reference: &str,
        call: &Call,
    ) -> Result<(Answer, ResolvedRef)> {
        let key = self.addressed(entity, reference, call).await?;
        let resolved = self.resolve(reference).await?;
        let (cursor, limit) = (cursor(call)?, limit(call)?);
        let page = self.row_history(entity, &key, reference, cursor.as_ref(), limit).await?;
        if page.items.is_empty() && page.next.is_none() && cursor.is_none() {
            return Err(Error::not_found(crate::error::words(&entity.name), key.id()));
        }
        Ok((Answer::new(200, json!({ "data": page.items, "next": page.next })), resolved))
    }

    pub(crate) async fn read_blame(
        &self,
        entity: &Arc<Entity>,
        reference: &str,
        call: &Call,
    ) -> Result<(Answer, ResolvedRef)> {
        let key = self.addressed(entity, reference, call).await?;
        let resolved = self.resolve(reference).await?;
        let blamed = self.row_blame(entity, &key, &resolved.hash).await?;
        let blamed = blamed.ok_or_else(|| Error::not_found(crate::error::words(&entity.name), key.id()))?;
        Ok((Answer::data(200, json!(blamed)), resolved))
    }

    pub(crate) async fn act_restore(
        &self,
        entity: &Arc<Entity>,
        call: &Call,
        options: &WriteOptions,
    ) -> Result<Written<Answer>> {
        let request: Restore = serde_json::from_value(call.body.clone())
            .map_err(|error| Error::BadRequest(format!("the body does not fit: {error}")))?;
        self.target(options).await?;
        let key = self.addressed(entity, &request.from, call).await?;
        let written = self.restore_row(entity, &key, &request, options).await?;
        let commit = written.commit.as_ref().map(|commit| &commit.hash);
        let answer = outcome(commit, &written.head, &written.value);
        Ok(written.with(answer))
    }

    /// The key that a path names. Where the path does not say it whole, the row must be there.
    async fn addressed(&self, entity: &Entity, reference: &str, call: &Call) -> Result<Key> {
        if entity.name == names::project::ENTITY {
            return Ok(Key::new([&self.id().tenant, &self.id().id]));
        }
        match named_key(entity, call)? {
            Some(key) => Ok(key),
            None => found_key(entity, self.view(reference).await?.snapshot.as_ref(), call),
        }
    }

    /// The history of the project's own row.
    pub async fn own_history(&self, reference: &str, call: &Call) -> Result<(Answer, ResolvedRef)> {
        self.read_history(self.own_entity()?, reference, call).await
    }

    /// Where the fields of the project's own row come from.
    pub async fn own_blame(&self, reference: &str, call: &Call) -> Result<(Answer, ResolvedRef)> {
        self.read_blame(self.own_entity()?, reference, call).await
    }

    fn own_entity(&self) -> Result<&Arc<Entity>> {
        self.model().entity(names::project::ENTITY).ok_or_else(|| Error::not_found("Entity", names::project::ENTITY))
    }
}

/// What bringing changes to a branch came to, as answers show it.
pub fn outcome(commit: Option<&CommitHash>, head: &CommitHash, changes: &Changes) -> Answer {
    Answer::data(200, json!({ "commit": commit, "head": head, "changes": changes }))
}

/// The cursor of a request.
pub fn cursor(call: &Call) -> Result<Option<Cursor>> {
    call.query.get("cursor").map(|text| text.parse()).transpose()
}

/// How many commits a request wants.
pub fn limit(call: &Call) -> Result<usize> {
    let Some(given) = call.query.get("limit") else { return Ok(DEFAULT_LIMIT) };
    let parsed = given.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    parsed.ok_or_else(|| Error::field("/limit", "range", format!("limit is a number from 1 to {MAX_LIMIT}")))
}
