//! Fields and values as they are given on the command line: `prompt=@prompt.txt`, `json:description=null`.

use std::path::Path;

use serde_json::Value;
use understory::model::{ColumnType, Entity};

use crate::error::{CommandError, CommandResult};

/// A field and what it becomes, not yet read.
#[derive(Clone, Copy, Debug)]
pub struct Assignment<'a> {
    /// The field's name.
    pub name: &'a str,
    given: &'a str,
    as_json: bool,
}

impl<'a> Assignment<'a> {
    /// Takes `FIELD=TEXT`, `FIELD=@FILE` or `json:FIELD=JSON` apart.
    pub fn parse(text: &'a str) -> CommandResult<Self> {
        let (name, given) = text.split_once('=').ok_or_else(|| {
            let error = CommandError::user(format!("'{text}' sets nothing"));
            error.hint("write FIELD=TEXT, FIELD=@FILE or json:FIELD=JSON")
        })?;
        let (name, as_json) = name.strip_prefix("json:").map_or((name, false), |name| (name, true));
        Ok(Self { name, given, as_json })
    }

    /// The value for a field of an entity: text where the field takes text, JSON otherwise.
    pub fn value(&self, entity: &Entity) -> CommandResult<Value> {
        let text = match self.given.strip_prefix('@') {
            Some(literal) if literal.starts_with('@') => literal.to_owned(),
            Some(file) => crate::input::text(Path::new(file))?,
            None => self.given.to_owned(),
        };
        if self.as_json || !takes_text(entity, self.name) { parse(self.name, &text) } else { Ok(text.into()) }
    }
}

fn takes_text(entity: &Entity, name: &str) -> bool {
    use ColumnType::{Boolean, Integer, Json, Number, Numeric};
    let column = entity.columns.iter().find(|column| column.wire == name);
    column.is_some_and(|column| !matches!(column.ty, Integer | Number | Numeric | Boolean | Json))
}

fn parse(name: &str, text: &str) -> CommandResult<Value> {
    serde_json::from_str(text).map_err(|error| {
        let error = CommandError::user(format!("the value of {name} is not JSON")).because(&error);
        error.hint(format!("quote it for the shell: '{name}={{\"a\": 1}}'; text is '\"in quotes\"'"))
    })
}
