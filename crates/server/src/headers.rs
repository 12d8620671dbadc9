use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use understory::WriteOptions;
use understory::manage::CommitHash;

/// Names the branch's head after a write, the commit read for a read.
pub(crate) const COMMIT: &str = "x-understory-commit";
const MESSAGE: &str = "x-commit-message";
const REF: &str = "x-inkeep-ref";
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The text of a header, if it is UTF-8.
pub(crate) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).trim().to_owned()).filter(|text| !text.is_empty())
}

/// The ref that a request names: `?ref=` wins over the header; empty for `main`.
pub(crate) fn reference(headers: &HeaderMap, query: Option<&String>) -> String {
    query.cloned().or_else(|| text(headers, REF)).unwrap_or_default()
}

/// What headers say of how a write is to be made.
pub(crate) fn write_options(headers: &HeaderMap, query: Option<&String>) -> WriteOptions {
    WriteOptions {
        reference: Some(reference(headers, query)),
        message: text(headers, MESSAGE),
        author: None,
        if_match: text(headers, header::IF_MATCH.as_str()),
        idempotency_key: text(headers, IDEMPOTENCY_KEY),
    }
}

/// Sets the commit that an answer speaks of.
pub(crate) fn set_commit(response: &mut Response, hash: &CommitHash) {
    set(response, COMMIT, hash.as_str());
}

/// Sets the entity tag.
pub(crate) fn set_etag(response: &mut Response, etag: &str) {
    set(response, header::ETAG.as_str(), etag);
}

/// Names keys of the request that meant nothing (RFC 7234's `Warning`, code 299).
pub(crate) fn set_warning(response: &mut Response, unknown: &[String]) {
    if unknown.is_empty() {
        return;
    }
    let printable = |name: &String| name.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')).collect();
    let names: Vec<String> = unknown.iter().map(printable).take(20).collect();
    set(response, header::WARNING.as_str(), &format!("299 - \"ignored keys: {}\"", names.join(", ")));
}

fn set(response: &mut Response, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (header::HeaderName::try_from(name), HeaderValue::from_str(value)) {
        response.headers_mut().insert(name, value);
    }
}
