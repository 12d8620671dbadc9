//! Conflicts as answers show them, and resolutions as requests write them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use understory_manage::merge::{Choice, Conflict, ConflictKind, Resolution, ResolutionError, Side};
use understory_manage::{DiffKind, Violation};
use understory_model::{Entity, Key, Row, camel_case};

use crate::naming::{entity_named, full_key, short_key};
use crate::project::Project;
use crate::{Error, Result};

/// A resolution as requests write it: by entity, key and field, or by table and column as clients of the contract do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WireResolution {
    /// The entity, `subAgent`.
    entity: Option<String>,
    /// The row, `support/router`.
    key: Option<String>,
    /// Whose row wins where `fields` says nothing.
    pick: Option<Side>,
    /// What single fields become.
    fields: BTreeMap<String, WireChoice>,
    /// The table, instead of the entity.
    table: Option<String>,
    /// The row's key by column, instead of the short one.
    primary_key: BTreeMap<String, String>,
    /// Whose row wins where `columns` says nothing, instead of `pick`.
    row_default_pick: Option<Side>,
    /// What single columns become.
    columns: BTreeMap<String, WireChoice>,
}

/// What one field becomes: `"ours"`, `"theirs"`, or `{"value": …}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "\"ours\", \"theirs\" or {\"value\": …}")]
pub enum WireChoice {
    /// What this side has.
    Side(Side),
    /// This value.
    Value {
        /// The value.
        value: Value,
    },
}

impl WireChoice {
    fn choice(&self) -> Choice {
        match self {
            Self::Side(side) => Choice::Side(*side),
            Self::Value { value } => Choice::Value(value.clone()),
        }
    }
}

impl Project {
    pub(crate) fn resolutions(&self, wire: &[WireResolution]) -> Result<Vec<Resolution>> {
        wire.iter().enumerate().map(|(index, wire)| self.resolution(&format!("/resolutions/{index}"), wire)).collect()
    }

    fn resolution(&self, pointer: &str, wire: &WireResolution) -> Result<Resolution> {
        let at = |name: &str, reason, detail: String| Error::field(format!("{pointer}/{name}"), reason, detail);
        let required = |name: &str| at(name, "required", format!("{name} is required"));
        if let Some(name) = &wire.entity {
            let unknown = || at("entity", "reference", format!("there is no entity '{name}'"));
            let entity = entity_named(self.model(), name).ok_or_else(unknown)?;
            let key = wire.key.as_ref().ok_or_else(|| required("key"))?;
            let odd = || at("key", "pattern", format!("'{key}' is no key of {name}"));
            let key = full_key(entity, self.id(), key).ok_or_else(odd)?;
            let pick = wire.pick.ok_or_else(|| required("pick"))?;
            let column = |(field, choice): (&String, &WireChoice)| {
                let column = entity.columns.iter().find(|column| column.wire == *field);
                let unknown = || at("fields", "reference", format!("{name} has no field '{field}'"));
                Ok((column.ok_or_else(unknown)?.name.clone(), choice.choice()))
            };
            let columns = wire.fields.iter().map(column).collect::<Result<_>>()?;
            return Ok(Resolution { entity: entity.name.clone(), key, pick, columns });
        }
        let table = wire.table.as_ref().ok_or_else(|| required("table"))?;
        let unknown = || at("table", "reference", format!("there is no table '{table}'"));
        let entity = self.model().entity_of_table(table).ok_or_else(unknown)?;
        let part = |column: &String| {
            let missing = || at("primaryKey", "required", format!("{column} is missing"));
            wire.primary_key.get(column).cloned().ok_or_else(missing)
        };
        let key = Key::new(entity.key.iter().map(part).collect::<Result<Vec<_>>>()?);
        let pick = wire.row_default_pick.ok_or_else(|| required("rowDefaultPick"))?;
        let columns = wire.columns.iter().map(|(name, choice)| (name.clone(), choice.choice())).collect();
        Ok(Resolution { entity: entity.name.clone(), key, pick, columns })
    }

    /// A conflict as answers show it: by entity and field, and by table and column for clients of the contract.
    pub fn conflict_item(&self, conflict: &Conflict) -> Value {
        let Some(entity) = self.model().entity(&conflict.entity) else { return Value::Null };
        let key: Map<String, Value> =
            entity.key.iter().cloned().zip(conflict.key.parts().iter().map(|part| part.as_str().into())).collect();
        json!({
            "entity": camel_case(&entity.name),
            "key": short_key(Some(entity), &conflict.key),
            "fields": fields(entity, conflict),
            "reason": self.reason(entity, conflict),
            "table": entity.table,
            "primaryKey": key,
            "ourDiffType": conflict.our_diff,
            "theirDiffType": conflict.their_diff,
            "base": image(entity, conflict.base.as_deref()),
            "ours": image(entity, conflict.ours.as_deref()),
            "theirs": image(entity, conflict.theirs.as_deref()),
        })
    }

    /// Why the sides do not go together, in words.
    fn reason(&self, entity: &Entity, conflict: &Conflict) -> String {
        let row = format!("{} {}", camel_case(&entity.name), short_key(Some(entity), &conflict.key));
        match &conflict.kind {
            ConflictKind::Fields(columns) => {
                let fields: Vec<String> = columns.iter().map(|column| camel_case(column)).collect();
                format!("{row}: both sides changed {}", fields.join(" and "))
            }
            ConflictKind::DeleteEdit => {
                let deleted_here = conflict.our_diff == DiffKind::Removed;
                let (deletes, changes) = if deleted_here { ("ours", "theirs") } else { ("theirs", "ours") };
                format!("{row}: {deletes} deleted it, {changes} changed it")
            }
            ConflictKind::Law(violations) => {
                let broken = violations.iter().map(|violation| self.broken(violation));
                broken.collect::<Vec<_>>().join("; ")
            }
        }
    }

    /// A law that both sides broke together: names the row on the one side and what it clashes with on the other.
    fn broken(&self, violation: &Violation) -> String {
        let row = |name: &str, key: &Key| {
            format!("{} {}", camel_case(name), short_key(self.model().entity(name).map(AsRef::as_ref), key))
        };
        match violation {
            Violation::Dangling { entity, key, column, target, target_key, .. } => format!(
                "{} refers by {} to {}, which the other side deleted",
                row(entity, key),
                camel_case(column),
                row(target, target_key)
            ),
            Violation::Duplicate { entity, key, other, columns } => {
                let fields: Vec<String> = columns.iter().map(|column| camel_case(column)).collect();
                format!("{} and {} both took the same {}", row(entity, key), row(entity, other), fields.join(" and "))
            }
            Violation::Restricted { entity, key, target, target_key } => {
                format!("{} was deleted, but {} still needs it", row(target, target_key), row(entity, key))
            }
        }
    }
}

/// A resolution that cannot be used: one that answers no conflict is a conflict of its own, the rest a mistake.
pub(crate) fn resolution_error(project: &Project, error: &ResolutionError) -> Error {
    let row = |entity: &str, key: &Key| {
        let known = project.model().entity(entity).map(AsRef::as_ref);
        format!("{} {}", camel_case(entity), short_key(known, key))
    };
    match error {
        ResolutionError::UnknownConflict { entity, key } => {
            Error::Conflict(format!("{} is not in conflict: preview again", row(entity, key)))
        }
        ResolutionError::Repeated { entity, key } => {
            Error::BadRequest(format!("{} is resolved twice", row(entity, key)))
        }
        ResolutionError::UnknownColumn { entity, key, column } => {
            Error::BadRequest(format!("{}: there is no field '{}' to resolve", row(entity, key), camel_case(column)))
        }
        ResolutionError::DeletedRow { entity, key, column } => {
            let field = camel_case(column);
            Error::BadRequest(format!("{}: one side has no such row: '{field}' cannot be picked", row(entity, key)))
        }
        ResolutionError::InvalidValue { entity, key, column, detail } => {
            Error::BadRequest(format!("{}: {}: {detail}", row(entity, key), camel_case(column)))
        }
    }
}

/// The fields that both sides changed, each as it was and as each side has it.
fn fields(entity: &Entity, conflict: &Conflict) -> Value {
    let ConflictKind::Fields(columns) = &conflict.kind else { return json!([]) };
    let shown = columns.iter().filter(|column| entity.column(column).is_some_and(|column| !column.hidden));
    let side = |row: &Option<std::sync::Arc<Row>>, column: &str| row.as_ref().map(|row| row.get(column).clone());
    let field = |column: &String| {
        json!({
            "field": camel_case(column),
            "base": side(&conflict.base, column),
            "ours": side(&conflict.ours, column),
            "theirs": side(&conflict.theirs, column),
        })
    };
    shown.map(field).collect()
}

fn image(entity: &Entity, row: Option<&Row>) -> Value {
    let Some(row) = row else { return Value::Null };
    let columns = entity.columns.iter().filter(|column| !entity.key.contains(&column.name) && !column.hidden);
    columns.map(|column| (column.name.clone(), row.get(&column.name).clone())).collect::<Map<_, _>>().into()
}
