//! Values as names of files and directories: any text has one, and no two share it, on any file system.

/// The most bytes of a name: what is appended to it must fit into 255.
const LONGEST: usize = 180;
/// How a segment begins that goes on where the one before it ended.
const CONTINUED: &str = "%+";
/// The name of an empty text.
const EMPTY: &str = "%";
/// Names that some systems keep for devices, whatever follows a dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// The name of a value, `/` within it where it is too long for one. Letters, digits and `-_.` stand for themselves,
/// bytes that would be trouble are `%XX`. `lower` writes capital letters so, too: for a name that differs from
/// another one in nothing else.
pub(super) fn encode(value: &str, lower: bool) -> String {
    if value.is_empty() {
        return EMPTY.to_owned();
    }
    let (last, device) = (value.len() - 1, is_device(value));
    let name = escape(value, |at, byte| match byte {
        b'.' => at > 0 && at < last,
        _ => is_plain(byte, lower) && !(device && at == 0),
    });
    if name.len() <= LONGEST { name } else { split(&escape(value, |_, byte| is_plain(byte, true))) }
}

/// The value of a name that [`segments`] has put together; none where it is not one.
pub(super) fn decode(name: &str) -> Option<String> {
    if name == EMPTY {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = rest.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = &rest[2..];
        } else if is_plain(byte, false) || byte == b'.' {
            bytes.push(byte);
        } else {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The segments of a path, those that were split for their length in one.
pub(super) fn segments(path: &str) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    for part in path.split('/') {
        match (part.strip_prefix(CONTINUED), segments.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest),
            _ => segments.push(part.to_owned()),
        }
    }
    segments
}

fn escape(value: &str, stands: impl Fn(usize, u8) -> bool) -> String {
    let mut name = String::with_capacity(value.len());
    for (at, byte) in value.bytes().enumerate() {
        if stands(at, byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

fn is_plain(byte: u8, lower: bool) -> bool {
    byte.is_ascii_lowercase()
        || byte.is_ascii_digit()
        || matches!(byte, b'-' | b'_')
        || (!lower && byte.is_ascii_uppercase())
}

fn is_device(value: &str) -> bool {
    let base = value.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = base.trim_end_matches(|c: char| c.is_ascii_digit());
    match base.len() - numbered.len() {
        0 => DEVICES[..4].contains(&numbered),
        1 => DEVICES[4..].contains(&numbered),
        _ => false,
    }
}

/// Names are ASCII, so that every byte is a place to split at.
fn split(name: &str) -> String {
    let (first, mut rest) = name.split_at(LONGEST.min(name.len()));
    let mut path = first.to_owned();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(LONGEST.min(rest.len()));
        path.push('/');
        path.push_str(CONTINUED);
        path.push_str(piece);
        rest = after;
    }
    path
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn usual_ids_are_their_own_names() {
        for id in ["weather", "weatherMcp", "a-b_c.1", "a.prompt", "x.json", "console"] {
            assert_eq!(encode(id, false), id);
        }
    }

    #[test]
    fn odd_values_have_safe_names_of_their_own() {
        let long = "x".repeat(255);
        let odd = [
            "",
            ".",
            "..",
            ".git",
            "a.",
            "con",
            "CON",
            "Aux.md",
            "com1",
            "lpt9.x",
            "a/b",
            "a\\b",
            "a b",
            "%",
            "%41",
            "ü",
            "../../etc",
            "new\nline",
            &long,
            "Router",
            "ROUTER",
            "router",
            &"É".repeat(200),
            &".".repeat(250),
        ];
        let mut seen = BTreeSet::new();
        for value in odd {
            let name = encode(value, true);
            let parts = segments(&name);
            assert_eq!(parts.len(), 1, "{name}");
            assert_eq!(decode(&parts[0]).as_deref(), Some(value), "{name}");
            for part in name.split('/') {
                assert!(!part.starts_with('.') && !part.ends_with('.') && part.len() <= LONGEST + 2, "{part}");
                assert!(!is_device(part), "{part}");
                assert!(part.bytes().all(|b| b.is_ascii_alphanumeric() || b"%-_.+".contains(&b)), "{part}");
            }
            assert!(seen.insert(name.to_ascii_lowercase()), "{name} is taken");
        }
    }

    #[test]
    fn what_is_no_name_is_not_read() {
        for wrong in ["%4", "%GG", "a%", "%C3", "%+1", "a b", "ü", "a+b", "~"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
