use std::collections::BTreeSet;
use std::sync::Arc;

use understory_model::{Key, Model, OnDelete, Row};

use super::laws::View;
use super::{Edits, target_key};
use crate::Snapshot;

type RowId = (String, Key);

/// The rows of `now`, but one row and all that lies below it as in `then`: an agent with its sub-agents.
///
/// Where the row is gone from `now`, what its deletion took along comes back with it, as far as the rest of what that
/// refers to is there. The laws are not applied.
pub fn restored(model: &Model, now: &Snapshot, then: &Snapshot, entity: &str, key: &Key) -> Snapshot {
    let row = (entity.to_owned(), key.clone());
    let mut edits = Edits::new();
    for below in below(model, now, &row).into_iter().chain(below(model, then, &row)) {
        let becomes = then.get(&below.0, &below.1).cloned();
        edits.insert(below, becomes);
    }
    let restored = now.with_edits(&edits);
    if now.get(entity, key).is_some() {
        return restored;
    }
    let back = taken_along(model, &restored, then, edits.keys());
    restored.with_edits(&back)
}

/// A row and the rows whose place is under it.
fn below(model: &Model, rows: &Snapshot, row: &RowId) -> BTreeSet<RowId> {
    let mut found = BTreeSet::new();
    let mut next = vec![row.clone()];
    while let Some(row) = next.pop() {
        for (entity, reference) in model.references_to(&row.0).filter(|(_, reference)| reference.parent) {
            let children = view(model, rows, |view| view.referring(entity, reference, &row.1));
            next.extend(children.into_iter().map(|(key, _)| (entity.name.clone(), key)));
        }
        found.insert(row);
    }
    found
}

/// Rows of `then` that are gone since, that went with a row that is back, and that lack nothing else.
fn taken_along<'a>(
    model: &Model,
    restored: &Snapshot,
    then: &Snapshot,
    back: impl Iterator<Item = &'a RowId>,
) -> Edits {
    let mut edits = Edits::new();
    for (target, target_key) in back {
        for (entity, reference) in model.references_to(target).filter(|(_, r)| r.on_delete == OnDelete::Cascade) {
            for (key, row) in view(model, then, |view| view.referring(entity, reference, target_key)) {
                let whole = entity.references.iter().all(|reference| leads(restored, reference, &row));
                if restored.get(&entity.name, &key).is_none() && whole {
                    edits.insert((entity.name.clone(), key), Some(row));
                }
            }
        }
    }
    edits
}

fn leads(rows: &Snapshot, reference: &understory_model::Reference, row: &Arc<Row>) -> bool {
    target_key(reference, row).is_none_or(|key| rows.get(&reference.entity, &key).is_some())
}

fn view<T>(model: &Model, rows: &Snapshot, ask: impl FnOnce(&View<'_>) -> T) -> T {
    ask(&View { model, base: rows, edits: &Edits::new() })
}

#[cfg(test)]
mod tests {
    use understory_model::Value;

    use super::*;

    fn row(parts: &[(&str, &str)]) -> Arc<Row> {
        let row = Row::new().with("tenant_id", "t").with("project_id", "p");
        Arc::new(parts.iter().fold(row, |row, (column, value)| row.with(column, *value)))
    }

    fn rows(model: &Model, rows: &[(&str, Arc<Row>)]) -> Snapshot {
        let edits = rows.iter().map(|(name, row)| {
            let key = model.entity(name).unwrap().key_of(row);
            (((*name).to_owned(), key), Some(Arc::clone(row)))
        });
        Snapshot::default().with_edits(&edits.collect())
    }

    #[test]
    fn a_row_comes_back_with_what_is_below_it_and_what_went_with_it() {
        let model = Model::built_in().unwrap();
        let agent = ("agent", row(&[("id", "a"), ("name", "old")]));
        let sub = ("sub_agent", row(&[("agent_id", "a"), ("id", "s")]));
        let tool = ("tool", row(&[("id", "t")]));
        let relation = row(&[("agent_id", "a"), ("sub_agent_id", "s"), ("id", "r"), ("tool_id", "t")]);
        let uses = ("sub_agent_tool_relation", relation);
        let then = rows(&model, &[agent.clone(), sub.clone(), tool.clone(), uses.clone()]);
        let agent_key = model.entity("agent").unwrap().key_of(&agent.1);

        let changed = ("agent", row(&[("id", "a"), ("name", "new")]));
        let added = ("sub_agent", row(&[("agent_id", "a"), ("id", "added")]));
        let now = rows(&model, &[changed, added, tool.clone()]);
        assert_eq!(restored(&model, &now, &then, "agent", &agent_key), then, "what was added below goes");

        let tool_key = model.entity("tool").unwrap().key_of(&tool.1);
        let now = rows(&model, &[agent.clone(), sub]);
        assert_eq!(restored(&model, &now, &then, "tool", &tool_key), then, "the relation went with the tool");
        let now = rows(&model, &[agent]);
        let back = restored(&model, &now, &then, "tool", &tool_key);
        assert_eq!((back.row_count(), back.table("tool").len()), (2, 1), "nobody is there to use it");
        assert_eq!(back.get("tool", &tool_key).map(|row| row.get("id").clone()), Some(Value::from("t")));
    }
}
