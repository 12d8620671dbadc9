//! Branch names and hashes as the engine writes them.

use data_encoding::HEXLOWER;

use crate::{BranchName, CommitHash};

/// Names that the engine keeps for itself.
const RESERVED: [&str; 2] = ["working", "staged"];

/// Begins the names of branches that keep a commit.
const KEEP: &str = "=4";

/// The engine's name of a branch or tag.
///
/// The engine takes names that differ only in case for one, `-` at the beginning for an option, and refuses some
/// dots; so all but `[a-z0-9_-]` is escaped: `=x` is `X`, and the rest has digits.
pub(crate) fn encode_branch(name: &BranchName) -> String {
    let name = name.as_str();
    let mut encoded = String::with_capacity(name.len() + 8);
    if RESERVED.contains(&name) {
        encoded.push_str("=3");
    }
    for (at, c) in name.char_indices() {
        match c {
            'A'..='Z' => encoded.extend(['=', c.to_ascii_lowercase()]),
            '.' => encoded.push_str("=0"),
            '/' => encoded.push_str("=1"),
            '-' if at == 0 => encoded.push_str("=2"),
            c => encoded.push(c),
        }
    }
    encoded
}

/// The branch that an engine's name stands for; none if somebody else made it.
pub(crate) fn decode_branch(encoded: &str) -> Option<BranchName> {
    let mut name = String::with_capacity(encoded.len());
    let mut chars = encoded.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '=' { chars.next()? } else { c }) {
            ('=', '0') => name.push('.'),
            ('=', '1') => name.push('/'),
            ('=', '2') => name.push('-'),
            ('=', '3') => {}
            ('=', c @ 'a'..='z') => name.push(c.to_ascii_uppercase()),
            ('=', _) => return None,
            (c, _) => name.push(c),
        }
    }
    let name = BranchName::new(&name).ok()?;
    (encode_branch(&name) == encoded).then_some(name)
}

/// The engine's branch that keeps the head of a deleted one: no branch of ours is named so.
pub(crate) fn encode_keep(head: &CommitHash) -> String {
    format!("{KEEP}{head}")
}

/// The head that an engine's branch keeps; none if it is no such branch.
pub(crate) fn decode_keep(encoded: &str) -> Option<CommitHash> {
    CommitHash::parse(encoded.strip_prefix(KEEP)?)
}

/// The engine's branch that commits are made on while a history is taken over.
pub(crate) fn encode_scratch(number: usize) -> String {
    format!("=5{number}")
}

/// The forty hex digits of a hash.
pub(crate) fn encode_hash(hash: &CommitHash) -> String {
    HEXLOWER.encode(&hash.to_bytes())
}

/// The hash of forty hex digits.
pub(crate) fn decode_hash(hex: &str) -> Option<CommitHash> {
    let bytes = HEXLOWER.decode(hex.as_bytes()).ok()?;
    <[u8; 20]>::try_from(bytes).ok().map(|bytes| CommitHash::from_bytes(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branch_names_round_trip_and_differ_without_case() {
        let names = [
            "main",
            "Main",
            "MAIN",
            "a.b",
            "a/b",
            "a/.b.lock",
            "-x",
            "x-y_z",
            "working",
            "Working",
            "staged",
            "m=".trim_end_matches('='),
        ];
        let mut seen = std::collections::BTreeSet::new();
        for name in names {
            let name = BranchName::new(name).unwrap();
            let encoded = encode_branch(&name);
            assert_eq!(decode_branch(&encoded), Some(name.clone()), "{encoded}");
            assert!(seen.insert(encoded.to_ascii_lowercase()), "{name}");
        }
        assert_eq!(encode_branch(&BranchName::main()), "main");
        let head = CommitHash::from_bytes(&[7; 20]);
        assert_eq!(decode_keep(&encode_keep(&head)), Some(head.clone()));
        assert_eq!((decode_keep("=4x"), decode_keep(head.as_str())), (None, None));
        for foreign in [encode_keep(&head), encode_scratch(3)] {
            assert_eq!(decode_branch(&foreign), None, "{foreign}");
        }
        for foreign in ["Main", "a.b", "=", "=9", "=3x", "a b"] {
            assert_eq!(decode_branch(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn hashes_round_trip() {
        let hex = "6a4aba1da6312c0e014e37c714ba290bd6d090b7";
        let hash = decode_hash(hex).unwrap();
        assert_eq!(encode_hash(&hash), hex);
        assert_eq!(decode_hash("6a4a"), None);
    }
}
