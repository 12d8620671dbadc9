use std::collections::{BTreeMap, BTreeSet};

use understory_model::Value;

use super::sequence::merged_order;

/// Two edits that do not go together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Clash;

type Object = serde_json::Map<String, Value>;

/// Merges JSON by structure: objects by key, recursively, and arrays of objects that have ids by id.
///
/// `None` is absent. Anything else that both sides changed must be equal.
pub(super) fn merge_json(
    base: Option<&Value>,
    ours: Option<&Value>,
    theirs: Option<&Value>,
) -> Result<Option<Value>, Clash> {
    if ours == theirs || theirs == base {
        return Ok(ours.cloned());
    }
    if ours == base {
        return Ok(theirs.cloned());
    }
    let base = base.filter(|base| !base.is_null());
    match (ours, theirs) {
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => match base {
            None => merge_objects(&Object::new(), ours, theirs).map(Some),
            Some(Value::Object(base)) => merge_objects(base, ours, theirs).map(Some),
            Some(_) => Err(Clash),
        },
        (Some(Value::Array(ours)), Some(Value::Array(theirs))) => match base {
            None => merge_by_id(&[], ours, theirs).map(Some),
            Some(Value::Array(base)) => merge_by_id(base, ours, theirs).map(Some),
            Some(_) => Err(Clash),
        },
        _ => Err(Clash),
    }
}

fn merge_objects(base: &Object, ours: &Object, theirs: &Object) -> Result<Value, Clash> {
    let mut merged = Object::new();
    let new = theirs.keys().filter(|key| !ours.contains_key(*key));
    for key in ours.keys().chain(new) {
        if let Some(value) = merge_json(base.get(key), ours.get(key), theirs.get(key))? {
            merged.insert(key.clone(), value);
        }
    }
    Ok(Value::Object(merged))
}

fn merge_by_id(base: &[Value], ours: &[Value], theirs: &[Value]) -> Result<Value, Clash> {
    let base = Identified::new(base).ok_or(Clash)?;
    let ours = Identified::new(ours).ok_or(Clash)?;
    let theirs = Identified::new(theirs).ok_or(Clash)?;
    let mut merged = BTreeMap::new();
    for id in ours.order.iter().chain(&theirs.order) {
        if let Some(value) = merge_json(base.get(id), ours.get(id), theirs.get(id))? {
            merged.insert(*id, value);
        }
    }
    let kept: BTreeSet<&&str> = merged.keys().collect();
    let order = merged_order(&base.refs(), &ours.refs(), &theirs.refs(), &kept).ok_or(Clash)?;
    Ok(order.into_iter().filter_map(|id| merged.get(*id).cloned()).collect())
}

/// An array of objects that have ids, no two the same.
struct Identified<'a> {
    order: Vec<&'a str>,
    items: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Identified<'a> {
    fn new(array: &'a [Value]) -> Option<Self> {
        let order: Vec<&str> = array.iter().map(|item| item.get("id")?.as_str()).collect::<Option<_>>()?;
        let items: BTreeMap<_, _> = order.iter().copied().zip(array).collect();
        (items.len() == order.len()).then_some(Self { order, items })
    }

    fn get(&self, id: &str) -> Option<&'a Value> {
        self.items.get(id).copied()
    }

    fn refs(&self) -> Vec<&&'a str> {
        self.order.iter().collect()
    }
}

/// Merges arrays as sets: what either side added or removed is, in an order near to both sides'.
///
/// `base` is absent where no row was there before; a base that is not an array clashes, since "everything" (null)
/// narrowed in two ways has no union.
pub(super) fn merge_set(base: Option<&Value>, ours: &Value, theirs: &Value) -> Result<Value, Clash> {
    let base = base.map_or(Some(Set::default()), Set::new).ok_or(Clash)?;
    let (ours, theirs) = (Set::new(ours).ok_or(Clash)?, Set::new(theirs).ok_or(Clash)?);
    let stays = |item: &String| match base.values.contains_key(item) {
        true => ours.values.contains_key(item) && theirs.values.contains_key(item),
        false => true,
    };
    let kept: BTreeSet<&String> = ours.values.keys().chain(theirs.values.keys()).filter(|item| stays(item)).collect();
    let order = merged_order(&base.refs(), &ours.refs(), &theirs.refs(), &kept).unwrap_or_else(|| {
        let old = base.order.iter().filter(|item| kept.contains(item));
        let new = kept.iter().copied().filter(|item| !base.values.contains_key(*item));
        old.chain(new).collect()
    });
    let value = |item: &String| ours.values.get(item).or(theirs.values.get(item)).cloned();
    Ok(order.into_iter().filter_map(value).collect())
}

/// An array as a set: its items by their canonical text, and the order of these.
#[derive(Default)]
struct Set {
    order: Vec<String>,
    values: BTreeMap<String, Value>,
}

impl Set {
    fn new(value: &Value) -> Option<Self> {
        let mut set = Self::default();
        for item in value.as_array()? {
            let mut canonical = item.clone();
            canonical.sort_all_objects();
            let text = canonical.to_string();
            if set.values.insert(text.clone(), item.clone()).is_none() {
                set.order.push(text);
            }
        }
        Some(set)
    }

    fn refs(&self) -> Vec<&String> {
        self.order.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(base: Value, ours: Value, theirs: Value) -> Result<Value, Clash> {
        let one = merge_json(Some(&base), Some(&ours), Some(&theirs)).map(Option::unwrap_or_default);
        let other = merge_json(Some(&base), Some(&theirs), Some(&ours)).map(Option::unwrap_or_default);
        assert_eq!(one, other, "swapping the sides changes nothing");
        one
    }

    #[test]
    fn objects_merge_by_key_at_every_depth() {
        let base = json!({"a": 1, "deep": {"x": 1, "y": 1}, "gone": 1});
        let ours = json!({"a": 2, "deep": {"x": 2, "y": 1}, "gone": 1});
        let theirs = json!({"a": 1, "deep": {"x": 1, "y": 2, "z": 3}});
        assert_eq!(merged(base, ours, theirs), Ok(json!({"a": 2, "deep": {"x": 2, "y": 2, "z": 3}})));
    }

    #[test]
    fn one_key_changed_twice_or_changed_and_removed_clashes() {
        assert_eq!(merged(json!({"a": 1}), json!({"a": 2}), json!({"a": 3})), Err(Clash));
        assert_eq!(merged(json!({"a": 1}), json!({"a": 2}), json!({})), Err(Clash));
        assert_eq!(merged(json!("x"), json!({"a": 2}), json!({"b": 2})), Err(Clash));
        assert_eq!(merged(json!(null), json!({"a": 2}), json!({"b": 2})), Ok(json!({"a": 2, "b": 2})));
    }

    #[test]
    fn arrays_of_identified_objects_merge_by_id() {
        let base = json!([{"id": "a", "n": 1}, {"id": "b", "n": 1}]);
        let ours = json!([{"id": "a", "n": 2}, {"id": "b", "n": 1}, {"id": "o"}]);
        let theirs = json!([{"id": "t"}, {"id": "a", "n": 1, "m": 1}]);
        assert_eq!(merged(base, ours, theirs), Ok(json!([{"id": "t"}, {"id": "a", "n": 2, "m": 1}, {"id": "o"}])));
        assert_eq!(merged(json!([1]), json!([1, 2]), json!([1, 3])), Err(Clash));
        let twice = json!([{"id": "a"}, {"id": "a"}]);
        assert_eq!(merged(json!([]), twice, json!([{"id": "b"}])), Err(Clash));
    }

    #[test]
    fn sets_unite_additions_and_drop_removals() {
        let (base, ours, theirs) = (json!(["a", "b", "c"]), json!(["a", "c", "o"]), json!(["t", "a", "b"]));
        assert_eq!(merge_set(Some(&base), &ours, &theirs), Ok(json!(["t", "a", "o"])));
        assert_eq!(merge_set(None, &json!(["b", "a"]), &json!(["a", "b"])), Ok(json!(["a", "b"])));
        assert_eq!(merge_set(Some(&Value::Null), &json!(["b"]), &json!(["a"])), Err(Clash));
    }
}
