//! What routes read in queries.

use understory::model::stored_time;
use understory::{Call, Error};

/// A number in the query, from 1 to a greatest.
pub(super) fn number(call: &Call, name: &'static str, default: u32, greatest: u32) -> Result<u32, Error> {
    let Some(given) = call.query.get(name) else { return Ok(default) };
    let parsed = given.parse().ok().filter(|number| (1..=greatest).contains(number));
    parsed.ok_or_else(|| Error::field(format!("/{name}"), "range", format!("{name} is a number from 1 to {greatest}")))
}

/// True or false; false if absent.
pub(super) fn flag(call: &Call, name: &'static str) -> Result<bool, Error> {
    match call.query.get(name).map(String::as_str) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Error::field(format!("/{name}"), "type", format!("{name} is true or false"))),
    }
}

/// A time, as rows store it.
pub(super) fn time(call: &Call, name: &'static str) -> Result<Option<String>, Error> {
    let bad =
        || Error::field(format!("/{name}"), "format", format!("{name} is an RFC 3339 time, 2026-11-01T09:30:00Z"));
    call.query.get(name).map(|text| stored_time(text).ok_or_else(bad)).transpose()
}
