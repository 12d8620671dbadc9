//! Ids: how they look, how they are made, how they are derived.

use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// Length of an id made by the server.
pub const MADE_ID_LENGTH: usize = 21;

/// A new random id: 21 characters of `[a-z0-9]` (108 bits).
pub fn made_id() -> String {
    let mut rng = rand::rng();
    (0..MADE_ID_LENGTH).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()
}

/// A new random UUID (version 4), as text: ids that the simple API makes.
pub fn made_uuid() -> String {
    let bits: u128 = rand::rng().random();
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}

/// The id of a relation row: the first 32 hex digits of SHA-256 over its natural key joined by NUL.
///
/// The same relation made on two branches has the same id, so merging the branches finds one row, not two.
pub fn derived_id<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let joined = parts.into_iter().collect::<Vec<_>>().join("\0");
    Sha256::digest(joined.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text may be a resource id in a path or a body: `[a-zA-Z0-9-_.]`, 1 to `max` characters, not `new`.
pub fn is_resource_id(text: &str, max: usize) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= max && text != "new" && text.chars().all(allowed)
}

/// Whether a text may be a project id: lower-case letters, digits and inner hyphens, 1 to 255 characters.
pub fn is_project_id(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !text.is_empty()
        && text.len() <= 255
        && text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text.chars().all(|c| alphanumeric(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_are_those_of_recorded_documents() {
        let tool = ["acme", "demo-project", "weather-agent", "worker", "weather-mcp"];
        assert_eq!(derived_id(tool), "39aa4fd606e7f05dea847fc244596661");
        let external = ["acme", "demo-project", "weather-agent", "router", "ext-helper"];
        assert_eq!(derived_id(external), "bda2915f3b09185b24313a24d867b41e");
    }

    #[test]
    fn made_ids_are_21_lower_case_characters() {
        let id = made_id();
        assert_eq!(id.len(), 21);
        assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
        assert_ne!(id, made_id());
    }

    #[test]
    fn made_uuids_are_of_version_4() {
        for _ in 0..100 {
            let id = made_uuid();
            let dashes: Vec<usize> = id.match_indices('-').map(|(at, _)| at).collect();
            assert_eq!((id.len(), dashes), (36, vec![8, 13, 18, 23]));
            assert!(id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
        }
        assert_ne!(made_uuid(), made_uuid());
    }

    #[test]
    fn id_rules() {
        assert!(is_resource_id("a-b_C.1", 255));
        assert!(!is_resource_id("new", 255) && !is_resource_id("a b", 255) && !is_resource_id("", 255));
        assert!(is_project_id("a-1") && !is_project_id("a-") && !is_project_id("A") && !is_project_id("a_b"));
    }
}
