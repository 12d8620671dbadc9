use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use understory_model::{Column, ColumnType, Entity, MergeRule, check_value};

use crate::samples::model;

/// A few values that a column of the model accepts, so that two sides often meet in one.
pub(super) fn values(entity: &Entity, column: &Column) -> &'static [Value] {
    VALUES.get(&entity.name).and_then(|columns| columns.get(&column.name)).map_or(&[], Vec::as_slice)
}

/// A present value with one line, key or item of it changed, added or removed, as `other` has it; `other` itself where
/// that makes nothing that the column accepts.
pub(super) fn with_part(column: &Column, present: &Value, other: &Value, pick: usize) -> Value {
    let changed = match (present, other) {
        (Value::String(text), Value::String(_)) if column.merge == MergeRule::Lines => with_line(text, pick).into(),
        (Value::Object(object), Value::Object(others)) => with_key(object, others, pick),
        (Value::Array(items), Value::Array(others)) => with_item(items, others, pick),
        _ => return other.clone(),
    };
    if check_value(column, &changed).is_empty() { changed } else { other.clone() }
}

/// A text of [`texts`] with one line in its next state: as it was, changed, or missing.
fn with_line(text: &str, pick: usize) -> String {
    let number = |line: &str| line.chars().last().and_then(|last| last.to_digit(10)).unwrap_or_default() as usize;
    let mut lines: BTreeMap<usize, &str> = text.lines().map(|line| (number(line), line)).collect();
    let (number, changed) = (pick % LINES, format!("changed line {}", pick % LINES));
    match lines.remove(&number) {
        Some(line) if line == changed => {}
        Some(_) => _ = lines.insert(number, &changed),
        None => _ = lines.insert(number, TEXT[number]),
    }
    lines.into_values().collect::<Vec<_>>().join("\n")
}

fn with_key(object: &Map<String, Value>, others: &Map<String, Value>, pick: usize) -> Value {
    let mut object = object.clone();
    if let Some(Value::Array(items)) = object.get(ITEMS).filter(|_| pick.is_multiple_of(2)) {
        let changed = with_item(items, &item_states(), pick / 2);
        object.insert(ITEMS.to_owned(), changed);
    } else if let Some((key, other)) = others.iter().nth(pick % others.len().max(1)) {
        if object.get(key) == Some(other) {
            object.remove(key);
        } else {
            object.insert(key.clone(), other.clone());
        }
    }
    object.into()
}

fn with_item(items: &[Value], others: &[Value], pick: usize) -> Value {
    let mut items = items.to_vec();
    let name = |item: &Value| item.get("id").unwrap_or(item).clone();
    if let Some(other) = others.get(pick % others.len().max(1)) {
        match items.iter().position(|item| name(item) == name(other)) {
            Some(place) if items[place] == *other => _ = items.remove(place),
            Some(place) => items[place] = other.clone(),
            None => items.insert(pick % (items.len() + 1), other.clone()),
        }
    }
    items.into()
}

/// By entity and column, made once: checking candidates takes long.
static VALUES: LazyLock<BTreeMap<String, BTreeMap<String, Vec<Value>>>> = LazyLock::new(|| {
    let columns = |entity: &Entity| entity.columns.iter().map(|c| (c.name.clone(), some_values(c))).collect();
    model().entities().map(|entity| (entity.name.clone(), columns(entity))).collect()
});

fn some_values(column: &Column) -> Vec<Value> {
    let mut candidates = match column.ty {
        ColumnType::Integer | ColumnType::Numeric => vec![json!(1), json!(2), json!(3)],
        ColumnType::Number => vec![json!(0.5), json!(1.5)],
        ColumnType::Boolean => vec![json!(true), json!(false)],
        ColumnType::Text if column.format.is_some() => vec![json!("https://x.io"), json!("https://y.io")],
        ColumnType::Text => texts(),
        ColumnType::Timestamp | ColumnType::TimestampTz => {
            vec![json!("2026-01-01 00:00:00.000"), json!("2026-01-02 00:00:00.000")]
        }
        ColumnType::Json => documents(),
        ColumnType::String(_) | ColumnType::Id(_) => {
            vec![json!("one"), json!("two"), json!("three"), json!("https://x.io")]
        }
    };
    candidates.extend(column.choices.iter().flatten().map(|choice| json!(choice)));
    candidates.extend(column.optional.then_some(Value::Null));
    candidates.extend(column.default.clone());
    candidates.retain(|value| check_value(column, value).is_empty());
    assert!(!candidates.is_empty(), "no value fits {column:?}: add one");
    candidates
}

const LINES: usize = 8;
const TEXT: [&str; LINES] = ["line 0", "line 1", "line 2", "line 3", "line 4", "line 5", "line 6", "line 7"];

/// Texts of a few lines out of eight in order, of which each is one of two.
fn texts() -> Vec<Value> {
    let text = |n: usize| {
        (0..LINES).fold(TEXT.join("\n"), |text, line| if n >> line & 1 == 1 { with_line(&text, line) } else { text })
    };
    (0..1 << LINES).step_by(31).map(|n| text(n).into()).collect()
}

/// A key under which documents have items with ids.
const ITEMS: &str = "items";

fn item_states() -> Vec<Value> {
    let states = (0..3).flat_map(|n| ["p", "q", "r", "s"].map(|id| json!({ "id": id, "n": n })));
    states.collect()
}

fn documents() -> Vec<Value> {
    let server = |url: &str, more: Value| json!({ "type": "mcp", "mcp": { "server": { "url": url }, "more": more } });
    let mut all = vec![
        json!({}),
        json!([]),
        json!(["conversation.created"]),
        json!(["conversation.created", "conversation.updated"]),
        json!(["conversation.updated", "feedback.created"]),
        json!(["feedback.created", "conversation.created"]),
        json!(["a"]),
        json!(["a", "b"]),
        json!(["b", "c"]),
        json!(["c", "a", "d"]),
        server("https://a.io", json!(null)),
        server("https://b.io", json!(null)),
        server("https://a.io", json!({ "x": 1 })),
        json!({ "type": "object", "properties": { "a": { "type": "string", "description": "A" } } }),
        json!({ "type": "object", "properties": { "b": { "type": "string", "description": "B" } } }),
        json!({ "algorithm": "sha256", "encoding": "hex", "signature": { "source": "header", "key": "s" },
            "signedComponents": [{ "source": "body" }], "componentJoin": { "strategy": "concatenate", "separator": "" } }),
    ];
    for bits in 0..8_usize {
        let of = |keys: [&str; 3], value: Value| -> Value {
            let chosen = keys.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
            chosen.map(|(_, key)| ((*key).to_owned(), value.clone())).collect::<Map<_, _>>().into()
        };
        let items: Value = item_states().into_iter().skip(bits / 2).take(4).collect();
        let mut with_items = of(["a", "b", "c"], json!("x"));
        with_items[ITEMS] = items.clone();
        all.extend([with_items, items]);
        all.push(of(["a", "b", "c"], json!({ "d": bits })));
        all.push(of(["base", "structuredOutput", "summarizer"], json!({ "model": "m" })));
        all.push(of(["stepCountIs", "transferCountIs", "x"], json!(5)));
    }
    all
}
