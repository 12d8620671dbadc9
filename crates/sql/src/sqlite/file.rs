//! What a database file is, told without opening it as one.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::Engine;
use crate::SqlError;

const STOCK_HEADER: &[u8] = b"SQLite format 3\0";
const DOLTLITE_HEADER: &[u8] = b"CTLD";

/// Makes sure that a file is a database of this engine; whether it is there at all.
///
/// The engine itself would take an empty file for a new database, and so a truncated one for an empty project.
pub(super) fn check(path: &Path, engine: Engine) -> Result<bool, SqlError> {
    let head = match read_head(path) {
        Ok(head) => head,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(false),
        Err(error) => return Err(SqlError::Io(Box::new(error))),
    };
    let refuse = |detail: &str| SqlError::NotOurs { path: path.to_owned(), detail: detail.to_owned() };
    let found = match head {
        head if head.is_empty() => return Err(refuse("it is empty; restore it from a backup, or remove it")),
        head if head == STOCK_HEADER => Engine::Stock,
        head if head.starts_with(DOLTLITE_HEADER) => Engine::DoltLite,
        _ => return Err(refuse("its header is neither SQLite's nor DoltLite's")),
    };
    match (found, engine) {
        (Engine::DoltLite, Engine::Stock) => Err(refuse("it is a DoltLite file; a stock SQLite file is wanted")),
        (Engine::Stock, Engine::DoltLite) => Err(refuse("it is a stock SQLite file; a DoltLite file is wanted")),
        _ => Ok(true),
    }
}

fn read_head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(STOCK_HEADER.len());
    File::open(path)?.take(STOCK_HEADER.len() as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// An absolute path: a relative one named `file:…` would be read as a URI.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, SqlError> {
    std::path::absolute(path).map_err(|error| SqlError::Io(Box::new(error)))
}

/// The URI that makes a new file a stock one; every byte that a URI could read otherwise is percent-encoded.
pub(super) fn stock_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?doltlite_engine=sqlite"
}
