//! What a message says: a text, or parts.

use serde_json::{Map, Value, json};

use crate::{Error, Result};

/// The most parts of a message.
const MAX_PARTS: usize = 1_000;

/// Content as it is stored: an object with `text`, `parts`, or both. A text and a list of parts may stand for it.
pub(crate) fn normal(content: Value) -> Result<Value> {
    let content = match content {
        Value::String(text) => json!({ "text": text }),
        Value::Array(parts) => json!({ "parts": parts }),
        Value::Object(fields) => Value::Object(fields),
        _ => return Err(Error::field("/content", "type", "content is a text, a list of parts, or an object of both")),
    };
    check(&content)?;
    Ok(content)
}

fn check(content: &Value) -> Result<()> {
    let (text, parts) = (content.get("text"), content.get("parts"));
    if text.is_none() && parts.is_none() {
        return Err(Error::field("/content/text", "required", "content has text, parts, or both"));
    }
    if text.is_some_and(|text| !text.is_string()) {
        return Err(Error::field("/content/text", "type", "text is a string"));
    }
    let Some(parts) = parts else { return Ok(()) };
    let parts = parts.as_array().ok_or_else(|| Error::field("/content/parts", "type", "parts is a list"))?;
    if parts.len() > MAX_PARTS {
        let detail = format!("a message has at most {MAX_PARTS} parts, not {}", parts.len());
        return Err(Error::field("/content/parts", "max", detail));
    }
    match parts.iter().position(|part| !part.is_object()) {
        Some(at) => Err(Error::field(format!("/content/parts/{at}"), "type", "a part is an object")),
        None => Ok(()),
    }
}

/// The text of stored content: its own, else that of its parts.
pub fn text_of(content: &Value) -> String {
    if let Some(text) = content.get("text").and_then(Value::as_str) {
        return text.to_owned();
    }
    let part = |part: &Map<String, Value>| part.get("text").and_then(Value::as_str).map(str::to_owned);
    let parts = content.get("parts").and_then(Value::as_array).into_iter().flatten();
    parts.filter_map(Value::as_object).filter_map(part).collect::<Vec<_>>().join("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_parts_become_objects() {
        assert_eq!(normal(json!("Hello")).unwrap(), json!({ "text": "Hello" }));
        let parts = json!([{ "kind": "text", "text": "Hel" }, { "kind": "data", "data": 1 }, { "text": "lo" }]);
        let content = normal(parts.clone()).unwrap();
        assert_eq!((text_of(&content), &content), ("Hello".into(), &json!({ "parts": parts })));
    }

    #[test]
    fn what_says_nothing_is_refused() {
        for bad in [json!(null), json!(1), json!({}), json!({ "text": 1 }), json!({ "parts": "x" }), json!([1])] {
            assert!(normal(bad.clone()).is_err(), "{bad}");
        }
        assert!(normal(vec![json!({}); MAX_PARTS + 1].into()).is_err());
    }
}
