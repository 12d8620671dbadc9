//! What happened: commits, and what each changed, in the API's terms.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;
use understory_manage::blame::blame;
use understory_manage::log::{LogFilter, Page, RowFilter, log, row_history};
use understory_manage::revision::parse_time;
use understory_manage::{Change, Commit, CommitHash, QueryRows, ResolvedRef, RowDiff};
use understory_model::{Entity, Key, camel_case};

use crate::changes::{Changes, FieldSource, RowChange, changes};
use crate::naming::{entity_named, full_key};
use crate::project::Project;
use crate::{Error, Result};

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
    /// The branch that it was made on, where the commit says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
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
            branch: commit.meta.branch.map(|branch| branch.to_string()),
        }
    }
}

/// Where a page of a log goes on: in the log of a commit, after so many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    head: CommitHash,
    skip: usize,
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once('.');
        let read = parts.and_then(|(head, skip)| Some((CommitHash::parse(head)?, skip.parse().ok()?)));
        let (head, skip) = read.ok_or_else(|| Error::field("/cursor", "pattern", "the cursor is none of ours"))?;
        Ok(Self { head, skip })
    }
}

/// A page's items and the cursor of the next.
#[derive(Clone, Debug)]
pub struct Paged<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
}

/// What a commit did to a row.
#[derive(Clone, Debug, Serialize)]
pub struct RowEvent {
    /// The commit.
    pub commit: Entry,
    /// What became of the row.
    #[serde(flatten)]
    pub change: RowChange,
}

/// Which part of a log is wanted, as a request says it.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// The ref whose log it is; empty for `main`. A cursor wins over it.
    pub reference: String,
    /// Where to go on.
    pub cursor: Option<Cursor>,
    /// Commits answered at most.
    pub limit: usize,
    /// Name or address of the author.
    pub author: Option<String>,
    /// Not earlier than this, RFC 3339.
    pub since: Option<String>,
    /// Not later than this, RFC 3339.
    pub until: Option<String>,
    /// An entity that was changed, `subAgent`.
    pub entity: Option<String>,
    /// A row of it, `support/router`.
    pub key: Option<String>,
}

impl Project {
    /// The newest commits that a ref reaches, at most `limit`.
    pub async fn log(&self, reference: &str, limit: usize) -> Result<Vec<Entry>> {
        let query = LogQuery { reference: reference.to_owned(), limit, ..LogQuery::default() };
        Ok(self.log_page(&query).await?.items)
    }

    /// One page of a log.
    pub async fn log_page(&self, query: &LogQuery) -> Result<Paged<Entry>> {
        let filter = self.log_filter(query)?;
        let at = self.cursor(&query.reference, query.cursor.as_ref()).await?;
        let store = self.app().inner.store.as_ref();
        let page = log(store, self.id(), &at.head, at.skip, query.limit, &filter).await?;
        Ok(paged(&at.head, page, Entry::from))
    }

    /// The commits that changed a row, newest first, each with what it changed.
    pub(crate) async fn row_history(
        &self,
        entity: &Entity,
        key: &Key,
        reference: &str,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Paged<RowEvent>> {
        let at = self.cursor(reference, cursor).await?;
        let row = RowFilter { entity: entity.name.clone(), key: Some(key.clone()) };
        let store = self.app().inner.store.as_ref();
        let page = row_history(store, self.id(), &at.head, &row, at.skip, limit).await?;
        let item = |(commit, change): (Commit, Change)| {
            let change = RowChange::new(Some(entity), RowDiff::of(&change)?);
            Some(RowEvent { commit: commit.into(), change })
        };
        let page = paged(&at.head, page, item);
        Ok(Paged { items: page.items.into_iter().flatten().collect(), next: page.next })
    }

    /// Where each field of a row comes from; none if the row is not there.
    pub(crate) async fn row_blame(
        &self,
        entity: &Entity,
        key: &Key,
        hash: &CommitHash,
    ) -> Result<Option<BTreeMap<String, FieldSource>>> {
        let store = self.app().inner.store.as_ref();
        let blamed = blame(store, self.id(), hash, entity, key).await?;
        let shown = |column: &String| entity.column(column).is_some_and(|column| entity.shows(column));
        let fields = blamed.map(|fields| fields.into_iter().filter(|(column, _)| shown(column)));
        Ok(fields.map(|fields| fields.map(|(column, field)| (camel_case(&column), field.into())).collect()))
    }

    async fn cursor(&self, reference: &str, cursor: Option<&Cursor>) -> Result<Cursor> {
        match cursor {
            Some(cursor) => Ok(cursor.clone()),
            None => Ok(Cursor { head: self.resolve(reference).await?.hash, skip: 0 }),
        }
    }

    fn log_filter(&self, query: &LogQuery) -> Result<LogFilter> {
        let time = |name: &str, text: &Option<String>| {
            let read = text.as_deref().map(parse_time).transpose();
            read.map_err(|detail| Error::field(format!("/{name}"), "format", detail))
        };
        Ok(LogFilter {
            author: query.author.clone(),
            since: time("since", &query.since)?,
            until: time("until", &query.until)?,
            rows: self.row_filter(query.entity.as_deref(), query.key.as_deref())?,
        })
    }

    fn row_filter(&self, entity: Option<&str>, key: Option<&str>) -> Result<Option<RowFilter>> {
        let Some(name) = entity else {
            return match key {
                Some(_) => Err(Error::field("/entity", "required", "key needs entity: what is it the key of?")),
                None => Ok(None),
            };
        };
        let entity = self.entity(name)?;
        let read = |short: &str| {
            let detail = format!("'{short}' is no key of {name}");
            full_key(entity, self.id(), short).ok_or_else(|| Error::field("/key", "pattern", detail))
        };
        Ok(Some(RowFilter { entity: entity.name.clone(), key: key.map(read).transpose()? }))
    }

    fn entity(&self, name: &str) -> Result<&Entity> {
        let unknown = || Error::field("/entity", "enum", format!("there is no entity '{name}'"));
        entity_named(self.model(), name).ok_or_else(unknown)
    }

    /// One commit, and what it changed against its first parent.
    pub async fn show(&self, reference: &str) -> Result<(Entry, Changes)> {
        let store = &self.app().inner.store;
        let commit = self.commit(reference).await?;
        let changed = store.changes(self.id(), commit.parents.first(), &commit.hash).await?;
        Ok((commit.into(), changes(self.model(), &changed)))
    }

    /// Answers a query in the engine's SQL against the tables at a ref. Nothing is written, whatever it says.
    pub async fn sql(&self, reference: &str, query: &str) -> Result<(QueryRows, ResolvedRef)> {
        let resolved = self.resolve(reference).await?;
        let rows = self.app().inner.store.query(self.id(), &resolved.hash, query).await?;
        Ok((rows, resolved))
    }

    /// What differs between two refs, of one entity if it is named: entity, key, field, from and to.
    pub async fn diff(&self, from: &str, to: &str, entity: Option<&str>) -> Result<Changes> {
        let only = entity.map(|name| self.entity(name)).transpose()?;
        let (from, to) = (self.resolve(from).await?.hash, self.resolve(to).await?.hash);
        let changed = self.app().inner.store.changes(self.id(), Some(&from), &to).await?;
        let wanted = changed.iter().filter(|change| only.is_none_or(|only| only.name == change.entity));
        Ok(changes(self.model(), wanted))
    }
}

fn paged<T, U>(head: &CommitHash, page: Page<T>, item: impl Fn(T) -> U) -> Paged<U> {
    let next = page.next.map(|skip| format!("{head}.{skip}"));
    Paged { items: page.items.into_iter().map(item).collect(), next }
}
