//! Changes of refs, sent together.

use super::locks::Locked;
use super::names::Prefix;
use crate::engine::notes::{NOTE, Notes, author};
use crate::{CommitHash, StoreResult, Tag};

/// Changes of refs in the order in which they are made. They are one message to the server: either it hears of none, or
/// it makes all of them, whoever is there for its answer. A server that dies meanwhile may have made some.
#[derive(Debug, Default)]
pub(super) struct Moves(Vec<String>);

impl Moves {
    pub(super) fn create(&mut self, branch: &str, at: &CommitHash) {
        self.call("dolt_branch", &[branch, at.as_str()]);
    }

    /// Moves a branch wherever it is, or creates it.
    pub(super) fn force(&mut self, branch: &str, at: &str) {
        self.call("dolt_branch", &["-f", branch, at]);
    }

    pub(super) fn rename(&mut self, branch: &str, to: &str) {
        self.call("dolt_branch", &["-m", "-f", branch, to]);
    }

    pub(super) fn delete(&mut self, branch: &str) {
        self.call("dolt_branch", &["-D", branch]);
    }

    pub(super) fn tag(&mut self, prefix: &Prefix, tag: &Tag) {
        let message = tag.message.replace(['\0', NOTE], "");
        let message = Notes { parent: None, time: Some(tag.date.clone()) }.add_to(&message);
        let name = prefix.branch(&tag.name);
        let author = author(&tag.tagger);
        self.call("dolt_tag", &[&name, tag.hash.as_str(), "-m", &message, "--author", &author]);
    }

    pub(super) fn untag(&mut self, name: &str) {
        self.call("dolt_tag", &["-d", name]);
    }

    /// Makes the changes.
    pub(super) async fn make(self, locked: &Locked<'_>) -> StoreResult<()> {
        if self.0.is_empty() { Ok(()) } else { Ok(locked.connection.batch(&self.0.join("; ")).await?) }
    }

    fn call(&mut self, function: &str, arguments: &[&str]) {
        let arguments: Vec<String> = arguments.iter().map(|text| format!("'{}'", text.replace('\'', "''"))).collect();
        self.0.push(format!("select {function}({})", arguments.join(", ")));
    }
}
