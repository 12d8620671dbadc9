//! Commits as the API tells them.

use serde::Deserialize;

/// A commit.
#[derive(Debug, Deserialize)]
pub struct Commit {
    /// Its hash.
    pub hash: String,
    /// Hashes of its parents.
    pub parents: Vec<String>,
    /// Name of who made the change.
    pub author: String,
    /// Address of who made it.
    pub email: String,
    /// Who handed it in, where that is somebody else.
    pub committer: Option<String>,
    /// When.
    pub date: String,
    /// Why.
    pub message: String,
    /// The branch that it was made on.
    pub branch: Option<String>,
}

impl Commit {
    /// The first line of its message.
    pub fn subject(&self) -> &str {
        subject(&self.message)
    }
}

/// The first line of a message.
pub fn subject(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

/// A time for people: to the second, in UTC.
pub fn when(date: &str) -> String {
    date.get(..19).unwrap_or(date).replacen('T', " ", 1)
}
