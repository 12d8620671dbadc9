//! Stop conditions that agents and sub-agents inherit from their project.
//!
//! They are computed when a document is read and never stored: a value written that equals the inherited one is
//! left out, so that writing back what was read changes nothing.

use serde_json::{Map, Value, json};

const TRANSFERS: &str = "transferCountIs";
const STEPS: &str = "stepCountIs";
/// Transfers of an agent whose project has conditions but does not limit transfers.
const DEFAULT_TRANSFERS: u32 = 10;

/// What an agent inherits.
pub(super) fn for_agent(project: &Value) -> Map<String, Value> {
    let Some(project) = project.as_object() else { return Map::new() };
    let mut inherited = Map::new();
    if let Some(steps) = project.get(STEPS) {
        inherited.insert(STEPS.into(), steps.clone());
    }
    let transfers = project.get(TRANSFERS).cloned().unwrap_or_else(|| json!(DEFAULT_TRANSFERS));
    inherited.insert(TRANSFERS.into(), transfers);
    inherited
}

/// What a sub-agent inherits.
pub(super) fn for_sub_agent(project: &Value) -> Map<String, Value> {
    let steps = project.get(STEPS).map(|steps| (STEPS.to_owned(), steps.clone()));
    steps.into_iter().collect()
}

/// What a reader sees: what is inherited under what is stored; null for neither.
pub(super) fn shown(inherited: Map<String, Value>, stored: &Value) -> Value {
    let mut shown = inherited;
    for (name, value) in stored.as_object().into_iter().flatten() {
        shown.insert(name.clone(), value.clone());
    }
    if shown.is_empty() { stored.clone() } else { Value::Object(shown) }
}

/// What of a written value is stored: all that is not inherited anyway.
pub(super) fn stored(inherited: &Map<String, Value>, written: &Value) -> Value {
    let Some(object) = written.as_object() else { return written.clone() };
    let own: Map<String, Value> = object
        .iter()
        .filter(|(name, value)| inherited.get(*name) != Some(*value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if own.is_empty() && !inherited.is_empty() { Value::Null } else { Value::Object(own) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_and_writing_back_stores_nothing() {
        for project in
            [json!(null), json!({}), json!({"stepCountIs": 10}), json!({"stepCountIs": 10, "transferCountIs": 5})]
        {
            for own in [json!(null), json!({"transferCountIs": 3}), json!({"stepCountIs": 7})] {
                let inherited = for_agent(&project);
                let kept = stored(&inherited, &own);
                assert_eq!(stored(&inherited, &shown(inherited.clone(), &kept)), kept, "{project} {own}");
            }
        }
    }
}
