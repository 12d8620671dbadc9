//! From a file to an entity: everything that one file alone decides.

mod association;
mod column;
mod columns;
mod routes;

use crate::file::{EntityFile, IdFile, ListFile, TimestampsFile};
use crate::load::Schemas;
use crate::row::{camel_case, pascal_case};
use crate::{Column, Entity, IdList, IdRule, LoadError, OnDelete, Reference, Scope, Timestamps};

/// Builds the entity of one file. What refers to other entities is left for [`crate::resolve`].
pub(crate) fn build_entity(path: &str, text: &str, schemas: &Schemas) -> Result<Entity, LoadError> {
    let builder = Builder { path, schemas };
    let file = builder.parse(text)?;
    builder.entity(file)
}

/// What the keys of one file are checked and built with.
struct Builder<'a> {
    path: &'a str,
    schemas: &'a Schemas,
}

impl Builder<'_> {
    fn wrong<T>(&self, key: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Result<T, LoadError> {
        Err(LoadError::new(self.path, key, problem, remedy))
    }

    fn parse(&self, text: &str) -> Result<EntityFile, LoadError> {
        let file: EntityFile = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                let start = error.span().map_or(0, |span| span.start);
                let line = text[..start].matches('\n').count() + 1;
                let remedy = "see docs/ENTITY-FILES.md for the keys";
                return self.wrong(&format!("line {line}"), error.message(), remedy);
            }
        };
        let stem = self.path.rsplit('/').next().unwrap_or(self.path).trim_end_matches(".toml");
        if file.entity != stem {
            let problem = format!("'{}' is not the file's name", file.entity);
            return self.wrong("entity", problem, format!("entity = \"{stem}\""));
        }
        Ok(file)
    }

    fn entity(&self, file: EntityFile) -> Result<Entity, LoadError> {
        let id = self.id_rule(&file.id)?;
        let asked = self.timestamps(&file.timestamps)?;
        let columns = self.columns(&file, &id, asked)?;
        let key = file.key.clone().unwrap_or_else(|| default_key(file.scope, &id));
        self.check_names(&file, &id, &key, &columns)?;
        if !matches!(file.duplicate, None | Some(409 | 422)) {
            return self.wrong("duplicate", "the status of a duplicate", "409 or 422");
        }
        let crud = self.crud(&file, &columns)?;
        let association = file.association.as_ref().map(|own| self.association(own, &file, &columns)).transpose()?;
        let table = file.table.clone().unwrap_or_else(|| format!("{}s", file.entity));
        Ok(Entity {
            timestamps: timestamps_of(&columns, asked),
            references: references(&file),
            lists: file.lists.iter().map(list).collect(),
            schema: file.schema.unwrap_or_else(|| pascal_case(&file.entity)),
            tag: file.tag.unwrap_or_else(|| table.replace('_', " ")),
            name: file.entity,
            doc: file.doc,
            scope: file.scope,
            table,
            key,
            columns,
            unique: file.unique,
            indexes: file.index,
            id,
            duplicate: file.duplicate.unwrap_or(409),
            expose: file.expose,
            crud,
            association,
        })
    }

    fn id_rule(&self, file: &IdFile) -> Result<IdRule, LoadError> {
        let rule = match file {
            IdFile::Derived(columns) => return Ok(IdRule::Derived(columns.clone())),
            IdFile::Rule(rule) => rule,
        };
        match rule.as_str() {
            "given" => Ok(IdRule::Given),
            "optional" => Ok(IdRule::Optional),
            "made" => Ok(IdRule::Made),
            "none" => Ok(IdRule::None),
            _ => {
                let remedy = "\"given\", \"optional\", \"made\", \"none\" or a list of columns";
                self.wrong("id", "is not known", remedy)
            }
        }
    }

    fn timestamps(&self, file: &TimestampsFile) -> Result<Timestamps, LoadError> {
        match file {
            TimestampsFile::Switch(true) => Ok(Timestamps::Both),
            TimestampsFile::Switch(false) => Ok(Timestamps::None),
            TimestampsFile::Named(name) if name == "created" => Ok(Timestamps::Created),
            TimestampsFile::Named(_) => self.wrong("timestamps", "is not known", "true, false or \"created\""),
        }
    }

    /// Keys that name columns must name columns there are.
    fn check_names(&self, file: &EntityFile, id: &IdRule, key: &[String], columns: &[Column]) -> Result<(), LoadError> {
        let known = |name: &str| columns.iter().any(|column| column.name == name);
        let parts = if let IdRule::Derived(parts) = id { parts.as_slice() } else { &[] };
        // An id cannot be derived from itself.
        let part = |name: &str| name != "id" && known(name);
        self.all_named("id", parts, "columns of this entity, not the id itself", part)?;
        self.all_named("key", key, "columns of this entity", known)?;
        self.all_named("unique", file.unique.iter().flatten(), "columns of this entity", known)?;
        self.all_named("index", file.index.iter().flatten(), "columns of this entity", known)?;
        let listed = |name: &str| known(name) || file.lists.values().any(|list| list.column == name);
        self.all_named("filters", &file.filters, "columns of this entity or of its lists", listed)?;
        match file.expose.iter().find(|name| !file.scope.columns().contains(&name.as_str())) {
            Some(name) => self.wrong(
                "expose",
                format!("'{name}' is no column of the scope"),
                "name columns of this entity's scope",
            ),
            None => Ok(()),
        }
    }

    fn all_named<'n>(
        &self,
        key: &str,
        names: impl IntoIterator<Item = &'n String>,
        what: &str,
        known: impl Fn(&str) -> bool,
    ) -> Result<(), LoadError> {
        match names.into_iter().find(|name| !known(name)) {
            Some(name) => self.wrong(key, format!("there is no column '{name}'"), format!("name {what}")),
            None => Ok(()),
        }
    }
}

/// The timestamps that rows carry in the end: declared columns count as well.
fn timestamps_of(columns: &[Column], asked: Timestamps) -> Timestamps {
    let has = |name: &str| columns.iter().any(|column| column.name == name);
    match (has("created_at"), has("updated_at")) {
        (true, true) => Timestamps::Both,
        (true, false) => Timestamps::Created,
        _ => asked,
    }
}

/// The references as declared, the parent's first; their columns are found when all entities are there.
fn references(file: &EntityFile) -> Vec<Reference> {
    let parent = file.scope.parent().filter(|_| file.parent).map(|parent| Reference {
        entity: parent.to_owned(),
        columns: Vec::new(),
        column: file.scope.columns().last().unwrap_or(&"").to_string(),
        on_delete: OnDelete::Cascade,
        parent: true,
    });
    let declared = file.columns.iter().filter_map(|(name, column)| {
        Some(Reference {
            entity: column.references.clone()?,
            columns: Vec::new(),
            column: name.clone(),
            on_delete: column.on_delete?,
            parent: false,
        })
    });
    parent.into_iter().chain(declared).collect()
}

/// A list as declared; `own` is found when all entities are there.
fn list((name, list): (&String, &ListFile)) -> IdList {
    IdList {
        name: name.clone(),
        wire: camel_case(name),
        relation: list.relation.clone(),
        column: list.column.clone(),
        own: String::new(),
        required: list.required,
        write: list.write,
        answer: list.answer,
    }
}

fn default_key(scope: Scope, id: &IdRule) -> Vec<String> {
    let own = (*id != IdRule::None).then_some("id");
    scope.columns().iter().copied().chain(own).map(str::to_owned).collect()
}
