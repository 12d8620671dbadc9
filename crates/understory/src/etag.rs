use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The entity tag of a representation: a hash of its JSON, in quotes.
pub fn etag_of(body: &Value) -> String {
    etag_of_bytes(body.to_string().as_bytes())
}

/// The entity tag of a representation already written out.
pub(crate) fn etag_of_bytes(body: &[u8]) -> String {
    format!("\"{}\"", HEXLOWER.encode(&Sha256::digest(body)[..16]))
}

/// Whether an `If-Match` header allows the present state: `*`, the branch's head, or the representation's tag.
pub(crate) fn if_match_allows(header: &str, head: &str, current: impl Fn() -> Option<String>) -> bool {
    let tag = |text: &str| text.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    let wanted: Vec<String> = header.split(',').map(tag).collect();
    if wanted.iter().any(|tag| tag == head) {
        return true;
    }
    match current() {
        Some(etag) => wanted.iter().any(|wanted| wanted == "*" || *wanted == tag(&etag)),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_takes_head_or_tag() {
        let current = || Some("\"abc\"".to_owned());
        for good in ["*", "\"abc\"", "W/\"abc\"", "head", "\"x\", \"head\""] {
            assert!(if_match_allows(good, "head", current), "{good}");
        }
        assert!(!if_match_allows("\"x\"", "head", current));
        assert!(!if_match_allows("*", "head", || None), "nothing is there to match");
    }
}
