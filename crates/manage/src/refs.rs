use std::fmt;

use data_encoding::BASE32HEX_NOPAD;
use serde::Serialize;

use crate::Signature;

/// Names a project in the store: its tenant, its id, and the random uid that its data is kept under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProjectId {
    /// Owner.
    pub tenant: String,
    /// The project's id within the tenant.
    pub id: String,
    /// Random, never reused: a project created again under the same id is another project.
    pub uid: String,
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.id)
    }
}

/// A branch's name within its project: 1 to 255 characters of `[a-zA-Z0-9-_./]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct BranchName(String);

impl BranchName {
    /// A project's own line.
    pub const MAIN: &'static str = "main";

    /// Checks a name. The error says what is wrong with it.
    pub fn new(name: &str) -> Result<Self, &'static str> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
        if name.is_empty() || name.len() > 255 {
            return Err("a branch name has 1 to 255 characters");
        }
        if !name.chars().all(allowed) {
            return Err("a branch name holds letters, digits and - _ . / only");
        }
        if name.contains("..")
            || name.contains("//")
            || name.starts_with('/')
            || name.ends_with('/')
            || name.ends_with('.')
        {
            return Err("a branch name has no '..', no '//', and no '/' or '.' at its end or '/' at its start");
        }
        if name.eq_ignore_ascii_case("head") || CommitHash::looks_like(name) {
            return Err("a branch name must not look like a commit");
        }
        Ok(Self(name.to_owned()))
    }

    /// The project's own line.
    pub fn main() -> Self {
        Self(Self::MAIN.to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the project's own line.
    pub fn is_main(&self) -> bool {
        self.0 == Self::MAIN
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A commit's hash in wire form: 32 characters of `[0-9a-v]`, twenty bytes in base32hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct CommitHash(String);

impl CommitHash {
    /// Takes a full hash in wire form.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 32 && text.bytes().all(is_base32hex)).then(|| Self(text.to_owned()))
    }

    /// The hash of these twenty bytes.
    pub fn from_bytes(bytes: &[u8; 20]) -> Self {
        Self(BASE32HEX_NOPAD.encode(bytes).to_ascii_lowercase())
    }

    /// The twenty bytes of the hash.
    pub fn to_bytes(&self) -> Vec<u8> {
        BASE32HEX_NOPAD.decode(self.0.to_ascii_uppercase().as_bytes()).unwrap_or_default()
    }

    /// Whether a name could be read as some engine's full hash.
    pub fn looks_like(name: &str) -> bool {
        (name.len() == 32 && name.bytes().all(is_base32hex))
            || (name.len() == 40 && name.bytes().all(|b| b.is_ascii_hexdigit()))
    }

    /// The hash in wire form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_base32hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'v').contains(&byte)
}

impl fmt::Display for CommitHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A branch and its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Name within the project.
    pub name: BranchName,
    /// The newest commit.
    pub head: CommitHash,
}

/// A tag: a name for a commit that never moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Name within the project, formed as a branch's; no branch has it.
    pub name: BranchName,
    /// The commit.
    pub hash: CommitHash,
    /// Who made the tag.
    pub tagger: Signature,
    /// Why; may be empty.
    pub message: String,
    /// When, RFC 3339 in UTC.
    pub date: String,
}

/// What a ref turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RefKind {
    /// A line that moves.
    Branch,
    /// A name that never moves.
    Tag,
    /// A commit by its hash.
    Commit,
}

/// A ref, resolved: a value that says what is read or written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedRef {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: RefKind,
    /// Its name: of the branch or tag within the project, or the hash.
    pub name: String,
    /// The commit.
    pub hash: CommitHash,
}

impl ResolvedRef {
    /// The branch, if the ref may be written.
    pub fn branch(&self) -> Option<BranchName> {
        (self.kind == RefKind::Branch).then(|| BranchName(self.name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_round_trip() {
        let bytes: [u8; 20] = std::array::from_fn(|i| (i * 13) as u8);
        let hash = CommitHash::from_bytes(&bytes);
        assert_eq!(hash.as_str().len(), 32);
        assert_eq!(hash.to_bytes(), bytes);
        assert_eq!(CommitHash::parse(hash.as_str()), Some(hash));
    }

    #[test]
    fn branch_names() {
        for good in ["main", "temp-cli-pull_1795230797292_pa5358", "a/b.c", "UPPER"] {
            assert!(BranchName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a..b", "/a", "a/", "HEAD", "timnidmj55d0pfhagm1edhgrvcui664i", "é"] {
            assert!(BranchName::new(bad).is_err(), "{bad}");
        }
    }
}
