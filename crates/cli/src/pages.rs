//! Lists that come in pages.

use serde_json::Value;

use crate::connect::Api;
use crate::error::CommandResult;
use crate::request::Request;

/// The most that is asked for at once.
const PAGE: usize = 100;

/// The first `wanted` items of a list whose pages name the next one.
pub fn first(api: &Api, request: &Request, wanted: usize) -> CommandResult<Value> {
    gather(wanted, |size, cursor| {
        let mut page = request.clone().query("limit", &size.to_string());
        if let Some(cursor) = cursor {
            page = page.query("cursor", cursor);
        }
        Ok(api.send(page)?.into_body())
    })
}

/// Follows the cursors until there are enough items, or no more; at least one page is asked for.
fn gather(wanted: usize, mut page: impl FnMut(usize, Option<&str>) -> CommandResult<Value>) -> CommandResult<Value> {
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let mut answer = page((wanted - items.len()).min(PAGE), cursor.as_deref())?;
        if let Value::Array(more) = answer["data"].take() {
            items.extend(more);
        }
        cursor = answer["next"].as_str().map(str::to_owned);
        if cursor.is_none() || items.len() >= wanted {
            items.truncate(wanted);
            return Ok(items.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A list of 250 numbers; what was asked of it.
    fn numbers(wanted: usize) -> (usize, Vec<(usize, Option<String>)>) {
        let mut asked = Vec::new();
        let items = gather(wanted, |size, cursor| {
            asked.push((size, cursor.map(str::to_owned)));
            let start: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
            let end = (start + size).min(250);
            let next = (end < 250).then(|| end.to_string());
            Ok(json!({ "data": (start..end).collect::<Vec<_>>(), "next": next }))
        });
        (items.unwrap().as_array().unwrap().len(), asked)
    }

    #[test]
    fn cursors_are_followed_as_far_as_needed() {
        assert_eq!(numbers(50), (50, vec![(50, None)]));
        assert_eq!(numbers(120), (120, vec![(100, None), (20, Some("100".into()))]));
        let (found, asked) = numbers(1_000);
        assert_eq!((found, asked.len()), (250, 3));
    }

    #[test]
    fn the_server_is_asked_even_for_nothing() {
        let refused = gather(0, |size, _| Err(crate::error::CommandError::user(format!("limit is {size}"))));
        assert!(format!("{:?}", refused.unwrap_err()).contains("limit is 0"));
    }
}
