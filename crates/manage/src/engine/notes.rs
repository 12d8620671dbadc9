//! Messages, authors and times as engines keep them.

use crate::{CommitHash, CommitMeta, Signature};

/// Begins a note of ours in a message; messages never hold it otherwise.
pub(crate) const NOTE: char = '\u{1f}';
const PARENT: &str = "second parent: ";
const TIME: &str = "time: ";

/// What is kept in a message since the engine has no place for it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Notes {
    /// The second parent of a merge of what is an ancestor already: the engine makes none of those.
    pub(crate) parent: Option<CommitHash>,
    /// The time to the millisecond: the engine keeps whole seconds, and of tags its own time.
    pub(crate) time: Option<String>,
}

impl Notes {
    pub(crate) fn add_to(&self, message: &str) -> String {
        let parent = self.parent.as_ref().map(|parent| format!("\n{NOTE}{PARENT}{parent}"));
        let time = self.time.as_ref().map(|time| format!("\n{NOTE}{TIME}{time}"));
        format!("{message}{}{}", parent.unwrap_or_default(), time.unwrap_or_default())
    }

    /// Takes a message and its notes apart.
    pub(crate) fn split(text: &str) -> (&str, Self) {
        let mut parts = text.split(NOTE);
        let message = parts.next().unwrap_or_default();
        let mut notes = Self::default();
        for part in parts.map(str::trim_end) {
            notes.parent = notes.parent.or_else(|| part.strip_prefix(PARENT).and_then(CommitHash::parse));
            notes.time = notes.time.or_else(|| part.strip_prefix(TIME).map(str::to_owned));
        }
        (message, notes)
    }
}

/// The engine refuses an empty message, and ends a text at a NUL character; the other begins a note of ours.
pub(crate) fn message(meta: &CommitMeta) -> String {
    let message = meta.engine_message().replace(['\0', NOTE], "");
    if message.trim().is_empty() { "-".to_owned() } else { message }
}

/// The engine refuses an author without a name or an address.
pub(crate) fn author(signature: &Signature) -> String {
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    format!("{} <{}>", or(&signature.name, "unknown"), or(&signature.email, "unknown"))
}

/// The engine's `2026-11-21 08:00:00` as RFC 3339.
pub(crate) fn rfc3339(text: &str) -> String {
    format!("{}Z", text.replacen(' ', "T", 1))
}
