//! What a command that makes a commit came to.

use serde::Deserialize;

use crate::changes::Changes;
use crate::names::short;

/// What a command that makes a commit came to, as the API tells it.
#[derive(Debug, Deserialize)]
pub struct Outcome {
    /// The commit; none where there was nothing to do.
    pub commit: Option<String>,
    /// Where the branch is by now; nothing where it is not there yet.
    pub head: Option<String>,
    /// What changed, or would.
    pub changes: Changes,
}

impl Outcome {
    /// What changed, and the commit that did it.
    pub fn text(&self, done: &str) -> String {
        match &self.commit {
            Some(_) => format!("{}\n{}", self.changes.text(), self.line(done)),
            None => self.line(done),
        }
    }

    /// The commit that did it, without what changed.
    pub fn line(&self, done: &str) -> String {
        match &self.commit {
            Some(commit) => format!("{done}: commit {}", short(commit)),
            None => format!("Nothing to do: the branch stays at {}", short(self.head.as_deref().unwrap_or_default())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_happened_is_told_and_that_nothing_did() {
        let text = |value| serde_json::from_value::<Outcome>(value).unwrap().text("Reverted");
        let changes = json!({ "tool": { "weather": { "kind": "removed", "fields": {} } } });
        let done = json!({ "commit": "0123456789abcdef", "head": "0123456789abcdef", "changes": changes });
        assert_eq!(text(done), "- tool weather\nReverted: commit 0123456789");
        let nothing = json!({ "commit": null, "head": "fedcba98765", "changes": {} });
        assert_eq!(text(nothing), "Nothing to do: the branch stays at fedcba9876");
    }
}
