//! Rows and commits in a form that is the same on every engine, in every tenant and project.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::Map;
use sha2::{Digest as _, Sha256};
use understory_model::{Column, Entity, IdRule, Key, Model, Row, Scope, Value, id};

use super::{Identity, LineChange};
use crate::{Change, Commit, ProjectId, Snapshot};

/// Rows without what their place says, and back.
pub(super) struct Place<'a> {
    pub(super) model: &'a Model,
    pub(super) project: &'a ProjectId,
}

impl Place<'_> {
    /// The column's value where the place gives it.
    fn given(&self, entity: &Entity, column: &str) -> Option<&str> {
        let scope = Scope::Project.columns();
        match column {
            column if column == scope[0] => Some(&self.project.tenant),
            column if scope.get(1) == Some(&column) && entity.is_scope_column(column) => Some(&self.project.id),
            "id" if Scope::Project.parent() == Some(entity.name.as_str()) => Some(&self.project.id),
            _ => None,
        }
    }

    /// Derived ids are made anew, as tenant and project may be among what they are derived from.
    fn derives(&self, entity: &Entity, column: &str) -> bool {
        column == "id" && matches!(entity.id, IdRule::Derived(_))
    }

    /// A key's own parts. Of a derived id the row says what it is made of, so that it stays only where no row is left.
    fn short(&self, entity: &Entity, key: &Key) -> Vec<String> {
        let named = entity.key.iter().zip(key.parts());
        named.filter(|(column, _)| self.given(entity, column).is_none()).map(|(_, part)| part.clone()).collect()
    }

    pub(super) fn line(&self, change: &Change) -> Option<LineChange> {
        let entity = self.model.entity(&change.entity)?;
        let row = change.after.as_ref().map_or(Value::Null, |row| self.strip(entity, row).into());
        let gone = change.before.as_ref().filter(|_| change.after.is_none());
        let key = match gone {
            // What a derived id was made of is needed to make it again.
            Some(before) if matches!(entity.id, IdRule::Derived(_)) => self.derived_from(entity, before),
            _ => self.short(entity, &change.key),
        };
        Some(LineChange { entity: change.entity.clone(), key, row })
    }

    fn derived_from(&self, entity: &Entity, row: &Row) -> Vec<String> {
        let IdRule::Derived(parts) = &entity.id else { return Vec::new() };
        let columns = entity.key.iter().filter(|column| !self.derives(entity, column)).chain(parts);
        let mut seen = Vec::new();
        for column in columns.filter(|column| self.given(entity, column).is_none()) {
            if !seen.contains(&column) {
                seen.push(column);
            }
        }
        seen.into_iter().map(|column| row.text(column).unwrap_or_default().to_owned()).collect()
    }

    /// A row's own columns, less those that hold what they hold by themselves.
    fn strip(&self, entity: &Entity, row: &Row) -> Map<String, Value> {
        let own = entity
            .columns
            .iter()
            .filter(|column| self.given(entity, &column.name).is_none() && !self.derives(entity, &column.name));
        let said = own.filter(|column| *row.get(&column.name) != *unsaid(column));
        said.map(|column| (column.name.clone(), row.get(&column.name).clone())).collect()
    }

    /// The key and the row of a line; the error says why it is none.
    pub(super) fn change(&self, line: &LineChange) -> Result<(Key, Option<Row>), String> {
        let entity = self.model.entity(&line.entity);
        let entity = entity.ok_or_else(|| format!("this server knows no entity '{}'", line.entity))?;
        let Value::Object(said) = &line.row else { return Ok((self.gone_key(entity, line)?, None)) };
        let mut row = Row::new();
        for column in &entity.columns {
            let value = match self.given(entity, &column.name) {
                Some(given) => Value::from(given),
                None => said.get(&column.name).unwrap_or_else(|| unsaid(column)).clone(),
            };
            row.set(&column.name, value);
        }
        if let IdRule::Derived(parts) = &entity.id {
            row.set("id", id::derived_id(parts.iter().map(|part| row.text(part).unwrap_or_default())));
        }
        if let Some(name) = said.keys().find(|name| entity.column(name).is_none()) {
            return Err(format!("this server's {} has no column '{name}'", entity.title()));
        }
        for column in entity.columns.iter().filter(|column| said.contains_key(&column.name)) {
            if let Some(error) = understory_model::check_value(column, row.get(&column.name)).into_iter().next() {
                return Err(format!("{} {}: {}", entity.title(), line.key.join("/"), error.detail));
            }
        }
        Ok((entity.key_of(&row), Some(row)))
    }

    fn gone_key(&self, entity: &Entity, line: &LineChange) -> Result<Key, String> {
        let short = || format!("{} {} has another number of parts", entity.title(), line.key.join("/"));
        let mut parts = line.key.iter();
        let mut row = Row::new();
        for column in entity.key.iter().filter(|column| !self.derives(entity, column)) {
            let value = match self.given(entity, column) {
                Some(given) => given.to_owned(),
                None => parts.next().ok_or_else(short)?.clone(),
            };
            row.set(column, value);
        }
        if let IdRule::Derived(of) = &entity.id {
            for column in of {
                if !row.has(column) {
                    let value = match self.given(entity, column) {
                        Some(given) => given.to_owned(),
                        None => parts.next().ok_or_else(short)?.clone(),
                    };
                    row.set(column, value);
                }
            }
            row.set("id", id::derived_id(of.iter().map(|part| row.text(part).unwrap_or_default())));
        }
        Ok(entity.key_of(&row))
    }
}

/// What a column holds where a row does not say.
fn unsaid(column: &Column) -> &Value {
    column.default.as_ref().unwrap_or(&Value::Null)
}

/// Hashes of rows, from which that of all of them follows. Clones are cheap beside reading a project.
#[derive(Clone, Default)]
pub(super) struct Digests(BTreeMap<(String, Vec<String>), [u8; 32]>);

impl Digests {
    pub(super) fn of(place: &Place<'_>, rows: &Snapshot) -> Self {
        let mut digests = Self::default();
        digests.apply(place, &crate::changed_rows(&Snapshot::default(), rows));
        digests
    }

    /// Brings them up to the rows after changes.
    pub(super) fn apply(&mut self, place: &Place<'_>, changes: &[Change]) {
        for change in changes {
            let Some(entity) = place.model.entity(&change.entity) else { continue };
            let row = change.after.as_ref().or(change.before.as_ref());
            let key = match (&entity.id, row) {
                (IdRule::Derived(_), Some(row)) => place.derived_from(entity, row),
                _ => place.short(entity, &change.key),
            };
            let at = (change.entity.clone(), key);
            match &change.after {
                None => _ = self.0.remove(&at),
                Some(row) => {
                    let mut stripped = Value::from(place.strip(entity, row));
                    stripped.sort_all_objects();
                    self.0.insert(at, Sha256::digest(stripped.to_string()).into());
                }
            }
        }
    }

    /// The hash of all rows.
    pub(super) fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for ((entity, key), digest) in &self.0 {
            hash.update(Value::from(vec![Value::from(entity.as_str()), Value::from(key.clone())]).to_string());
            hash.update(digest);
        }
        HEXLOWER.encode(&hash.finalize())
    }
}

impl Identity {
    pub(super) fn new(commit: &Commit, rows: String, parents: &[String]) -> Self {
        let meta = &commit.meta;
        let mut identity = Self {
            hash: String::new(),
            author: meta.author.name.clone(),
            email: meta.author.email.clone(),
            committer: meta.committer.clone(),
            branch: meta.branch.as_ref().map(ToString::to_string),
            message: meta.message.clone(),
            date: commit.date.clone(),
            rows,
        };
        identity.hash = identity.computed(parents);
        identity
    }

    /// The hash that it must have.
    pub(super) fn computed(&self, parents: &[String]) -> String {
        let said = serde_json::json!([
            self.author,
            self.email,
            self.committer,
            self.branch,
            self.message,
            self.date,
            self.rows,
            parents
        ]);
        HEXLOWER.encode(&Sha256::digest(said.to_string()))
    }

    /// Whether a commit says the same; what rows it holds is not looked at.
    pub(super) fn says(&self, commit: &Commit) -> bool {
        let meta = &commit.meta;
        self.date == commit.date
            && self.message == meta.message
            && self.author == meta.author.name
            && self.email == meta.author.email
            && self.committer == meta.committer
    }
}
