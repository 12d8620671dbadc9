//! Rows and commits in a form that is the same on every engine, in every tenant and project.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde_json::Map;
use sha2::{Digest as _, Sha256};
use understory_model::{Column, Entity, IdRule, Key, Model, Row, Scope, Value, check_value, id};

use super::{Identity, LineChange};
use crate::{Change, Commit, CommitMeta, ProjectId, Snapshot};

/// Rows without what their place says, and back.
pub(crate) struct Place<'a> {
    pub(crate) model: &'a Model,
    pub(crate) project: &'a ProjectId,
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

    /// The columns that tell a row from others in its project. A derived id is told by what it is made of.
    fn own_key<'e>(&self, entity: &'e Entity) -> Vec<&'e String> {
        let parts = match &entity.id {
            IdRule::Derived(parts) => parts.as_slice(),
            _ => &[],
        };
        let mut own: Vec<&String> = Vec::new();
        for column in entity.key.iter().chain(parts) {
            if self.given(entity, column).is_none() && !self.derives(entity, column) && !own.contains(&column) {
                own.push(column);
            }
        }
        own
    }

    fn key(&self, entity: &Entity, row: &Row) -> Vec<String> {
        self.own_key(entity).into_iter().map(|column| row.text(column).unwrap_or_default().to_owned()).collect()
    }

    pub(super) fn line(&self, change: &Change) -> Option<LineChange> {
        let entity = self.model.entity(&change.entity)?;
        let key = self.key(entity, change.after.as_ref().or(change.before.as_ref())?);
        let row = change.after.as_ref().map_or(Value::Null, |row| self.strip(entity, row).into());
        Some(LineChange { entity: change.entity.clone(), key, row })
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
        let named = self.own_key(entity);
        if named.len() != line.key.len() {
            return Err(format!("{} {} has another number of parts", entity.title(), line.key.join("/")));
        }
        let mut row = Row::new();
        for column in &entity.columns {
            if let Some(given) = self.given(entity, &column.name) {
                row.set(&column.name, given);
            }
        }
        named.into_iter().zip(&line.key).for_each(|(column, part)| row.set(column, part.as_str()));
        if let Value::Object(said) = &line.row {
            self.check(entity, line, said)?;
            for column in entity.columns.iter().filter(|column| self.given(entity, &column.name).is_none()) {
                row.set(&column.name, said.get(&column.name).unwrap_or_else(|| unsaid(column)).clone());
            }
        }
        if let IdRule::Derived(parts) = &entity.id {
            row.set("id", id::derived_id(parts.iter().map(|part| row.text(part).unwrap_or_default())));
        }
        let key = entity.key_of(&row);
        Ok((key, line.row.is_object().then_some(row)))
    }

    fn check(&self, entity: &Entity, line: &LineChange, said: &Map<String, Value>) -> Result<(), String> {
        for (name, value) in said {
            let column = entity.column(name);
            let column = column.ok_or_else(|| format!("this server's {} has no column '{name}'", entity.title()))?;
            if let Some(error) = check_value(column, value).into_iter().next() {
                return Err(format!("{} {}: {}", entity.title(), line.key.join("/"), error.detail));
            }
        }
        Ok(())
    }
}

/// What a column holds where a row does not say.
fn unsaid(column: &Column) -> &Value {
    column.default.as_ref().unwrap_or(&Value::Null)
}

/// Hashes of rows, from which that of all of them follows. Clones are cheap beside reading a project.
#[derive(Clone, Default)]
pub(crate) struct Digests(BTreeMap<(String, Vec<String>), [u8; 32]>);

impl Digests {
    pub(super) fn of(place: &Place<'_>, rows: &Snapshot) -> Self {
        let mut digests = Self::default();
        digests.apply(place, &crate::changed_rows(&Snapshot::default(), rows));
        digests
    }

    /// Brings them up to the rows after changes.
    pub(crate) fn apply(&mut self, place: &Place<'_>, changes: &[Change]) {
        for change in changes {
            let Some(entity) = place.model.entity(&change.entity) else { continue };
            let Some(row) = change.after.as_ref().or(change.before.as_ref()) else { continue };
            let at = (change.entity.clone(), place.key(entity, row));
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
    pub(crate) fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for ((entity, key), digest) in &self.0 {
            hash.update(Value::from(vec![Value::from(entity.as_str()), Value::from(key.clone())]).to_string());
            hash.update(digest);
        }
        HEXLOWER.encode(&hash.finalize())
    }
}

impl Identity {
    pub(crate) fn new(meta: &CommitMeta, date: &str, rows: String, parents: &[String]) -> Self {
        let mut identity = Self {
            hash: String::new(),
            author: meta.author.name.clone(),
            email: meta.author.email.clone(),
            committer: meta.committer.clone(),
            branch: meta.branch.as_ref().map(ToString::to_string),
            message: meta.message.clone(),
            date: date.to_owned(),
            idempotency_key: meta.idempotency_key.clone(),
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
