//! One declared column.

use std::sync::Arc;

use serde_json::Value;

use super::Builder;
use crate::check::{check_value, normal_form};
use crate::column::{JsonSchema, Pattern, default_merge};
use crate::file::ColumnFile;
use crate::row::camel_case;
use crate::{Column, ColumnType, LoadError, OnDelete};

const TYPES: &str = "string, id, text, integer, number, numeric, boolean, json, timestamp, timestamptz";

impl Builder<'_> {
    pub(super) fn column(&self, name: &str, file: &ColumnFile) -> Result<Column, LoadError> {
        let key = format!("columns.{name}");
        let snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(snake) {
            return self.wrong(&key, "a column's name is snake_case", "use a-z, 0-9 and _");
        }
        let ty = self.column_type(&key, file)?;
        self.check_reference(&key, file)?;
        if file.format.as_deref().is_some_and(|format| format != "uri") {
            return self.wrong(&format!("{key}.format"), "is not known", "format = \"uri\"");
        }
        // A string's `max` is in its type already.
        let max = if ty.max_length().is_some() { None } else { file.max };
        let mut column = Column {
            name: name.to_owned(),
            wire: camel_case(name),
            ty,
            doc: file.doc.clone(),
            optional: file.optional,
            default: None,
            min: file.min,
            max: max.or(file.max_input.map(f64::from)),
            pattern: file.pattern.as_deref().map(|p| self.pattern(&format!("{key}.pattern"), p)).transpose()?,
            choices: file.choices.clone(),
            format: file.format.clone(),
            schema: self.json_schema(&key, file)?,
            merge: file.merge.unwrap_or(default_merge(ty)),
            write: file.write,
            hidden: file.hidden,
            was: file.was.clone(),
        };
        self.check_bounds(&key, &column)?;
        // Last: a default is checked by all the rest.
        column.default = file.default.as_ref().map(|value| self.default(&key, &column, value)).transpose()?;
        Ok(column)
    }

    fn column_type(&self, key: &str, file: &ColumnFile) -> Result<ColumnType, LoadError> {
        let at = format!("{key}.type");
        let Some(ty) = &file.ty else {
            return self.wrong(&at, "a column needs a type", format!("one of {TYPES}"));
        };
        Ok(match ty.as_str() {
            "string" => ColumnType::String(self.length(key, file, None)?),
            "id" => ColumnType::Id(self.length(key, file, Some(256))?),
            "text" => ColumnType::Text,
            "integer" => ColumnType::Integer,
            "number" => ColumnType::Number,
            "numeric" => ColumnType::Numeric,
            "boolean" => ColumnType::Boolean,
            "json" => ColumnType::Json,
            "timestamp" => ColumnType::Timestamp,
            "timestamptz" => ColumnType::TimestampTz,
            other => return self.wrong(&at, format!("there is no type '{other}'"), format!("one of {TYPES}")),
        })
    }

    /// The `max` of a string or an id as a whole number of characters.
    pub(super) fn length(&self, key: &str, file: &ColumnFile, default: Option<u32>) -> Result<u32, LoadError> {
        let whole = |max: f64| max.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&max);
        match (file.max, default) {
            (Some(max), _) if whole(max) => Ok(max as u32),
            (None, Some(default)) => Ok(default),
            _ => {
                let remedy = "add max = 256, or type = \"text\"";
                self.wrong(&format!("{key}.max"), "a string needs its greatest length", remedy)
            }
        }
    }

    fn check_reference(&self, key: &str, file: &ColumnFile) -> Result<(), LoadError> {
        let at = format!("{key}.on_delete");
        match (&file.references, file.on_delete) {
            (Some(_), None) => {
                self.wrong(&at, "a reference says what a deletion does", "cascade, set_null or restrict")
            }
            (None, Some(_)) => self.wrong(&at, "the column refers to nothing", "add references, or leave it out"),
            (_, Some(OnDelete::SetNull)) if !file.optional => {
                self.wrong(&at, "set_null needs a column that may be null", "add optional = true")
            }
            _ => Ok(()),
        }
    }

    fn check_bounds(&self, key: &str, column: &Column) -> Result<(), LoadError> {
        match (column.min, column.longest()) {
            (Some(min), Some(max)) if min > max => {
                let problem = format!("the least, {min}, is more than the greatest, {max}");
                self.wrong(&format!("{key}.min"), problem, "lower min, or raise max")
            }
            _ => Ok(()),
        }
    }

    fn json_schema(&self, key: &str, file: &ColumnFile) -> Result<Option<Arc<JsonSchema>>, LoadError> {
        let Some(name) = &file.schema else { return Ok(None) };
        match self.schemas.get(name) {
            Some(schema) => Ok(Some(Arc::clone(schema))),
            None => self.wrong(&format!("{key}.schema"), format!("there is no schemas/{name}.json"), "add it"),
        }
    }

    /// A default is a value that a client might have sent.
    fn default(&self, key: &str, column: &Column, value: &toml::Value) -> Result<Value, LoadError> {
        let key = format!("{key}.default");
        let value = serde_json::to_value(value).unwrap_or_default();
        match check_value(column, &value).first() {
            None if !value.is_null() => Ok(normal_form(column.ty, &value)),
            Some(error) if error.reason != "type" && !value.is_null() => {
                self.wrong(&key, format!("the default is not allowed: {}", error.detail), "choose an allowed one")
            }
            _ => self.wrong(&key, "the default is of another type", "give it the column's type"),
        }
    }

    pub(super) fn pattern(&self, key: &str, text: &str) -> Result<Pattern, LoadError> {
        match jsonschema::draft202012::new(&serde_json::json!({ "pattern": text })) {
            Ok(validator) => Ok(Pattern { text: text.to_owned(), validator: Arc::new(validator) }),
            Err(error) => self.wrong(key, format!("is not a regular expression ({error})"), "correct it"),
        }
    }
}
