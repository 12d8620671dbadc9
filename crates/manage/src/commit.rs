use crate::{BranchName, CommitHash};

/// One commit of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub hash: CommitHash,
    /// Its parents: none for the first, two for a merge; the branch's own line first.
    pub parents: Vec<CommitHash>,
    /// Who made the change, why, and for which request.
    pub meta: CommitMeta,
    /// When, RFC 3339 in UTC.
    pub date: String,
}

/// Who and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitMeta {
    /// Who made the change.
    pub author: Signature,
    /// Who handed it in, where that is not the author.
    pub committer: Option<String>,
    /// Why.
    pub message: String,
    /// The idempotency key of the request that made it.
    pub idempotency_key: Option<String>,
    /// The branch that it was made on: set by the store. A commit of an earlier version may not say.
    pub branch: Option<BranchName>,
}

/// A person or a program that makes commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Shown name.
    pub name: String,
    /// Address, unique to the principal.
    pub email: String,
}

impl Signature {
    /// The program itself: author of migrations.
    pub fn understory() -> Self {
        Self::new("understory", "understory@localhost")
    }

    /// A signature; characters that engines give a meaning to (`<`, `>`, newlines) are left out.
    pub fn new(name: &str, email: &str) -> Self {
        let clean =
            |text: &str| text.chars().filter(|c| !matches!(c, '<' | '>') && !c.is_control()).collect::<String>();
        Self { name: clean(name).trim().to_owned(), email: clean(email).trim().to_owned() }
    }
}

const COMMITTER: &str = "Understory-Committer: ";
const IDEMPOTENCY: &str = "Understory-Idempotency-Key: ";
const BRANCH: &str = "Understory-Branch: ";

impl CommitMeta {
    /// A commit by one author.
    pub fn new(author: Signature, message: impl Into<String>) -> Self {
        Self { author, committer: None, message: message.into(), idempotency_key: None, branch: None }
    }

    /// The same as made on a branch.
    #[must_use]
    pub fn on(self, branch: &BranchName) -> Self {
        Self { branch: Some(branch.clone()), ..self }
    }

    /// The message as engines keep it: what the author wrote, then trailers for what engines have no field for.
    pub fn engine_message(&self) -> String {
        let mut text = self.message.trim_end().to_owned();
        let branch = self.branch.as_ref().map(BranchName::as_str);
        let trailers =
            [(COMMITTER, self.committer.as_deref()), (IDEMPOTENCY, self.idempotency_key.as_deref()), (BRANCH, branch)];
        let present: Vec<_> = trailers.iter().filter_map(|(k, v)| v.map(|v| format!("{k}{v}"))).collect();
        if !present.is_empty() {
            text = format!("{text}\n\n{}", present.join("\n"));
        }
        text
    }

    /// Reads a message back that [`Self::engine_message`] wrote.
    pub fn from_engine(author: Signature, text: &str) -> Self {
        let mut meta = Self::new(author, "");
        let mut lines: Vec<&str> = text.lines().collect();
        while let Some(last) = lines.last() {
            if let Some(value) = last.strip_prefix(COMMITTER) {
                meta.committer = Some(value.to_owned());
            } else if let Some(value) = last.strip_prefix(IDEMPOTENCY) {
                meta.idempotency_key = Some(value.to_owned());
            } else if let Some(name) = last.strip_prefix(BRANCH).and_then(|name| BranchName::new(name).ok()) {
                meta.branch = Some(name);
            } else {
                break;
            }
            lines.pop();
        }
        meta.message = lines.join("\n").trim_end().to_owned();
        meta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_round_trip() {
        let mut meta = CommitMeta::new(Signature::new("Ä <x>\n", "a@b"), "Update tool weather\n\nwhy");
        assert_eq!(meta.author.name, "Ä x");
        assert_eq!(CommitMeta::from_engine(meta.author.clone(), &meta.engine_message()), meta);
        meta.committer = Some("system".into());
        meta.idempotency_key = Some("k-1".into());
        let meta = meta.on(&BranchName::main());
        assert_eq!(CommitMeta::from_engine(meta.author.clone(), &meta.engine_message()), meta);
    }
}
