//! What clients of the plain WebSocket say.

use serde::{Deserialize, Serialize};

/// A message of a client.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Asked {
    /// Who they are: first, or again with a newer key.
    Auth(Key),
    /// To be told a conversation's events.
    Subscribe(Wanted),
    /// To be told no more of them.
    Unsubscribe(Name),
    /// Whether anybody is there.
    Ping,
}

/// The key of [`Asked::Auth`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) token: String,
}

/// A conversation and where to begin: after an event, else with what is yet to come.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(flatten)]
    pub(super) name: Name,
    pub(super) after: Option<i64>,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Name {
    pub(super) tenant_id: String,
    pub(super) project_id: String,
    pub(super) conversation_id: String,
}
