//! What commands print: text for people, or JSON.

use std::io::{Write as _, stdout};

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::error::{CommandError, CommandResult, io};

/// Where results go.
#[derive(Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// Text, or JSON.
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result: as JSON, or as what `text` makes of it.
    pub fn show(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> CommandResult<()> {
        if self.json { self.document(value) } else { print(&text()) }
    }

    /// Prints what is JSON in any case.
    pub fn document(&self, value: &impl Serialize) -> CommandResult<()> {
        print(&pretty(value)?)
    }

    /// Prints text now that is no result; nothing with JSON.
    pub fn note(&self, text: &str) -> CommandResult<()> {
        if self.json { Ok(()) } else { print(text) }
    }

    /// Tells on the standard error how far something is; nothing with JSON.
    pub fn progress(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }
}

/// JSON as people read it.
pub fn pretty(value: &impl Serialize) -> CommandResult<String> {
    serde_json::to_string_pretty(value).map_err(|error| CommandError::internal(error.to_string()))
}

/// Columns of text, the first row their titles.
pub fn table<T: Into<String>>(titles: &[&str], rows: impl IntoIterator<Item = Vec<T>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(titles);
    for row in rows {
        table.add_row(row.into_iter().map(Into::into).collect::<Vec<String>>());
    }
    // The style pads every cell, the first and the last too.
    let lines: Vec<String> =
        table.lines().map(|line| line.get(1..).unwrap_or_default().trim_end().to_owned()).collect();
    lines.join("\n")
}

fn print(text: &str) -> CommandResult<()> {
    let mut out = stdout().lock();
    let written =
        out.write_all(text.as_bytes()).and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
    written.and_then(|()| out.flush()).map_err(io("the output"))
}
