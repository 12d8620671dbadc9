//! All columns of an entity: scope, id, bundles, declared ones, timestamps.

use super::Builder;
use crate::column::default_merge;
use crate::file::{ColumnFile, EntityFile};
use crate::row::camel_case;
use crate::{Column, ColumnType, IdRule, LoadError, MergeRule, Scope, Timestamps, WriteRule};

/// Room of an id in tables, in characters.
const ID_LENGTH: u32 = 256;
/// Longest id accepted from clients where the file says nothing.
const LONGEST_ID: u32 = 255;
const ID_PATTERN: &str = r"^[a-zA-Z0-9\-_.]+$";

impl Builder<'_> {
    pub(super) fn columns(
        &self,
        file: &EntityFile,
        id: &IdRule,
        timestamps: Timestamps,
    ) -> Result<Vec<Column>, LoadError> {
        let mut columns = scope_columns(file.scope);
        columns.extend(self.id_column(file, id)?);
        for bundle in &file.bundles {
            match bundle.as_str() {
                "ui" => columns.extend(ui_columns()),
                other => return self.wrong("use", format!("there is no bundle '{other}'"), "use = [\"ui\"]"),
            }
        }
        for (name, column) in file.columns.iter().filter(|(name, _)| *name != "id") {
            if columns.iter().any(|c| c.name == *name) {
                return self.wrong(&format!("columns.{name}"), "the column is there already", "leave it out");
            }
            columns.push(self.column(name, column)?);
        }
        add_timestamps(&mut columns, timestamps);
        Ok(columns)
    }

    fn id_column(&self, file: &EntityFile, rule: &IdRule) -> Result<Option<Column>, LoadError> {
        let own = file.columns.get("id");
        if let Some(own) = own {
            self.check_id_table(own, rule)?;
        }
        if *rule == IdRule::None {
            return Ok(None);
        }
        let length = match own {
            Some(own) => self.length("columns.id", own, Some(ID_LENGTH))?,
            None => ID_LENGTH,
        };
        let longest = file.id_max.unwrap_or(LONGEST_ID.min(length));
        if longest == 0 || longest > length {
            return self.wrong(
                "id_max",
                format!("an id has 1 to {length} characters"),
                "change id_max or columns.id.max",
            );
        }
        let mut column = plain("id", ColumnType::Id(length), "The row's own id.", WriteRule::Create);
        if let Some(own) = own.filter(|own| !own.doc.is_empty()) {
            column.doc.clone_from(&own.doc);
        }
        let pattern = file.id_pattern.as_deref().unwrap_or(ID_PATTERN);
        column.pattern = Some(self.pattern("id_pattern", pattern)?);
        column.min = Some(1.0);
        column.max = Some(f64::from(longest));
        Ok(Some(column))
    }

    /// `[columns.id]` says only how long the column is and what the id means: the rest follows from `id`.
    fn check_id_table(&self, own: &ColumnFile, rule: &IdRule) -> Result<(), LoadError> {
        if *rule == IdRule::None {
            return self.wrong("columns.id", "the key has no id", "leave the table out, or choose another id = …");
        }
        let allowed = ColumnFile { max: own.max, doc: own.doc.clone(), ..ColumnFile::default() };
        if *own != allowed {
            let remedy = "keep max and doc; id, id_max and id_pattern say the rest";
            return self.wrong("columns.id", "holds a key that an id's column does not have", remedy);
        }
        Ok(())
    }
}

fn scope_columns(scope: Scope) -> Vec<Column> {
    let column = |name: &&str| {
        let ty = ColumnType::Id(ID_LENGTH);
        Column { min: Some(1.0), ..plain(name, ty, "The row's place in the tree.", WriteRule::Never) }
    };
    scope.columns().iter().map(column).collect()
}

fn ui_columns() -> [Column; 2] {
    let mut name = plain("name", ColumnType::String(256), "Shown to people; need not be unique.", WriteRule::Always);
    name.min = Some(1.0);
    let mut description = plain("description", ColumnType::Text, "What it is for.", WriteRule::Always);
    description.optional = true;
    [name, description]
}

/// Adds the timestamps that are not declared, and makes all of them the server's own.
fn add_timestamps(columns: &mut Vec<Column>, timestamps: Timestamps) {
    let names: &[&str] = match timestamps {
        Timestamps::Both => &["created_at", "updated_at"],
        Timestamps::Created => &["created_at"],
        Timestamps::None => &[],
    };
    for name in names {
        if !columns.iter().any(|column| column.name == *name) {
            columns.push(plain(name, ColumnType::Timestamp, "When, in UTC.", WriteRule::Never));
        }
    }
    for column in columns.iter_mut().filter(|c| matches!(c.name.as_str(), "created_at" | "updated_at")) {
        (column.write, column.merge) = (WriteRule::Never, MergeRule::Newer);
    }
}

fn plain(name: &str, ty: ColumnType, doc: &str, write: WriteRule) -> Column {
    Column {
        name: name.to_owned(),
        wire: camel_case(name),
        ty,
        doc: doc.to_owned(),
        optional: false,
        default: None,
        min: None,
        max: None,
        pattern: None,
        choices: None,
        format: None,
        schema: None,
        merge: default_merge(ty),
        write,
        hidden: false,
        was: None,
    }
}
