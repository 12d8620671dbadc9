use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use serde_json::{Value, json};
use understory_manage::{ChangeSet, Draft, Snapshot};
use understory_model::{Column, ColumnType, Entity, IdRule, Key, MergeRule, Reference, Row, check_value, id};

use crate::samples::{self, model};

/// One random edit, as numbers: what they mean depends on what is there when the edit is made.
#[derive(Clone, Debug)]
pub struct Edit {
    entity: u8,
    row: u8,
    delete: bool,
    picks: Vec<u8>,
}

/// A random past and what sides made of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Which entities the edits are about: few, so that sides meet.
    focus: Vec<u8>,
    base: Vec<Edit>,
    sides: Vec<Vec<Edit>>,
    /// Numbers to decide by.
    pub picks: Vec<u8>,
}

/// Random cases with so many sides.
pub fn cases(sides: usize) -> impl Strategy<Value = Case> {
    let parts = (vec(any::<u8>(), 4), edits(8), vec(edits(5), sides), vec(any::<u8>(), 8));
    parts.prop_map(|(focus, base, sides, picks)| Case { focus, base, sides, picks })
}

fn edits(most: usize) -> impl Strategy<Value = Vec<Edit>> {
    let edit = (any::<u8>(), any::<u8>(), proptest::bool::weighted(0.2), vec(any::<u8>(), 6));
    vec(edit.prop_map(|(entity, row, delete, picks)| Edit { entity, row, delete, picks }), 0..most)
}

impl Case {
    /// The common past: a row of every entity, and edits.
    pub fn base(&self) -> Snapshot {
        self.edited(&SEED, &self.base)
    }

    /// What a side made of the past.
    pub fn side(&self, side: usize, base: &Snapshot) -> Snapshot {
        self.edited(base, &self.sides[side])
    }

    /// The changes that each edit of a side makes, one after the other.
    pub fn changes(&self, side: usize, base: &Snapshot) -> Vec<ChangeSet> {
        let mut at = base.clone();
        let sets = self.sides[side].iter().map(|edit| {
            let changes = self.change(&at, std::slice::from_ref(edit));
            at = at.after(&changes);
            changes
        });
        sets.collect()
    }

    fn edited(&self, base: &Snapshot, edits: &[Edit]) -> Snapshot {
        base.after(&self.change(base, edits))
    }

    /// Makes the edits that the laws allow.
    fn change(&self, base: &Snapshot, edits: &[Edit]) -> ChangeSet {
        let mut draft = Draft::new(model(), Arc::new(base.clone()));
        let mut lawful = ChangeSet::default();
        for edit in edits {
            let before = draft.clone();
            self.make(edit, &mut draft);
            match draft.clone().finish() {
                Ok(changes) => lawful = changes,
                Err(_) => draft = before,
            }
        }
        lawful
    }

    /// Entities that have to do with each other, for the laws are about those: one of any kind, or in one of four
    /// cases each one with unique columns or sets; two that it refers to or that refer to it; and another one.
    fn focus(&self) -> Vec<Arc<Entity>> {
        let model = model();
        let one = |from: Vec<Arc<Entity>>, n: usize| from.get(self.focus[n] as usize % from.len().max(1)).cloned();
        let all = || model.entities().cloned();
        let wanted = |entity: &Arc<Entity>| match self.picks[0] % 4 {
            0 => !entity.unique.is_empty(),
            1 => entity.columns.iter().any(|column| column.merge == MergeRule::Set),
            _ => true,
        };
        let first = one(all().filter(wanted).collect(), 0);
        let related = |entity: &Entity, n: usize| {
            let to = entity.references.iter().filter_map(|reference| model.entity(&reference.entity));
            let from = model.references_to(&entity.name).map(|(entity, _)| entity);
            one(to.chain(from).cloned().collect(), n)
        };
        let near = first.iter().flat_map(|first| [related(first, 1), related(first, 2)]).flatten();
        near.chain(first.clone()).chain(one(all().collect(), 3)).collect()
    }

    fn make(&self, edit: &Edit, draft: &mut Draft) {
        let focus = self.focus();
        let entity = &focus[edit.entity as usize % focus.len()];
        let keys: Vec<Key> = draft.rows(&entity.name).into_keys().cloned().collect();
        let mut picks = Picks { numbers: &edit.picks, next: 0 };
        match keys.get(edit.row as usize % (keys.len() + 1)) {
            Some(key) if edit.delete => drop(draft.delete(&entity.name, key)),
            Some(key) => change_row(entity, key, draft, &mut picks),
            None => add_row(entity, draft, &mut picks),
        }
    }
}

/// Edits that follow no law: rows may refer to nothing and take what must be unique.
pub fn lawless(case: &Case, draft: &mut Draft) {
    for edit in case.sides.iter().flatten() {
        case.make(edit, draft);
        let entities: Vec<_> = model().entities().cloned().collect();
        let entity = &entities[edit.picks[0] as usize % entities.len()];
        let rows: Vec<Arc<Row>> = draft.rows(&entity.name).into_values().cloned().collect();
        let Some(row) = rows.first() else { continue };
        let mut becomes = Row::clone(row);
        for reference in entity.references.iter().filter(|_| edit.picks[1].is_multiple_of(2)) {
            becomes.set(&reference.column, format!("nobody-{}", edit.picks[2] % 2));
        }
        if entity.column("id").is_some() {
            becomes.set("id", format!("copy-{}", edit.picks[3] % 4));
        }
        draft.put(entity, becomes);
    }
}

/// Numbers to pick by, over and over.
struct Picks<'a> {
    numbers: &'a [u8],
    next: usize,
}

impl Picks<'_> {
    fn next(&mut self) -> usize {
        self.next += 1;
        self.numbers[(self.next - 1) % self.numbers.len()] as usize + self.next / self.numbers.len()
    }

    fn one<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        if of.is_empty() { None } else { of.get(self.next() % of.len()) }
    }
}

fn change_row(entity: &Entity, key: &Key, draft: &mut Draft, picks: &mut Picks<'_>) {
    let Some(row) = draft.get(&entity.name, key) else { return };
    let mut row = Row::clone(row);
    let free: Vec<&Column> = entity.columns.iter().filter(|column| is_free(entity, &column.name)).collect();
    for _ in 0..2 {
        let Some(column) = picks.one(&free) else { return };
        match entity.references.iter().find(|reference| reference.column == column.name) {
            Some(reference) => drop(refer(draft, &mut row, reference, false, picks)),
            None => row.set(&column.name, picks.one(&values(column)).cloned().unwrap_or_default()),
        }
    }
    draft.put(entity, row);
}

/// Whether a column may change in a row that is there: not part of its key, its place or its derived id.
fn is_free(entity: &Entity, column: &str) -> bool {
    let named = |columns: &[String]| columns.iter().any(|name| name == column);
    let derived = matches!(&entity.id, IdRule::Derived(parts) if named(parts));
    !named(&entity.key) && !entity.is_scope_column(column) && !derived && !column.ends_with("ed_at")
}

fn add_row(entity: &Entity, draft: &mut Draft, picks: &mut Picks<'_>) {
    let mut row = samples::scope(entity);
    for column in &entity.columns {
        if !row.has(&column.name) {
            let values = values(column);
            // Half of what must be unique is the same, so that sides clash in it.
            let same =
                entity.unique.iter().flatten().any(|name| *name == column.name) && picks.next().is_multiple_of(2);
            let value = if same { values.get(1) } else { picks.one(&values) };
            row.set(&column.name, value.cloned().unwrap_or_default());
        }
    }
    // The first reference gives the row its place in the tree; the others are to rows in the same place.
    for (n, reference) in entity.references.iter().enumerate() {
        let optional = entity.column(&reference.column).is_some_and(|column| column.optional);
        if !refer(draft, &mut row, reference, n == 0, picks) && !optional {
            return;
        }
    }
    match &entity.id {
        IdRule::None => {}
        IdRule::Derived(parts) => {
            let derived = id::derived_id(parts.iter().map(|part| row.text(part).unwrap_or_default()));
            row.set("id", derived);
        }
        _ if entity.name == "project" => row.set("id", samples::PROJECT),
        _ => row.set("id", format!("new-{}", picks.next() % 3)),
    }
    draft.put(entity, row);
}

/// Makes a row refer to one that is there, anywhere or in the row's own place; whether there is one.
fn refer(draft: &Draft, row: &mut Row, reference: &Reference, anywhere: bool, picks: &mut Picks<'_>) -> bool {
    let outer = &reference.columns[..reference.columns.len() - 1];
    let fits = |key: &&Key| {
        let parts = outer.iter().zip(key.parts());
        anywhere || parts.into_iter().all(|(column, part)| row.text(column) == Some(part.as_str()))
    };
    let targets: Vec<Key> = draft.rows(&reference.entity).into_keys().filter(fits).cloned().collect();
    match picks.one(&targets) {
        Some(target) => {
            for (column, part) in reference.columns.iter().zip(target.parts()) {
                row.set(column, part.as_str());
            }
            true
        }
        None => {
            row.set(&reference.column, Value::Null);
            false
        }
    }
}

/// A few values that a column accepts, so that two sides often meet in one.
fn values(column: &Column) -> Vec<Value> {
    if let Some(known) = VALUES.get(&(column.name.clone(), column.schema.as_ref().map(|schema| schema.name.clone()))) {
        return known.clone();
    }
    some_values(column)
}

type ValuesOf = BTreeMap<(String, Option<String>), Vec<Value>>;

/// Values of JSON columns, for validating candidates takes long.
static VALUES: LazyLock<ValuesOf> = LazyLock::new(|| {
    let model = model();
    let columns = model.entities().flat_map(|entity| &entity.columns).filter(|column| column.schema.is_some());
    let of = |column: &Column| (column.name.clone(), column.schema.as_ref().map(|schema| schema.name.clone()));
    columns.map(|column| (of(column), some_values(column))).collect()
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

/// Texts of five lines, of which each is one of two, or missing.
fn texts() -> Vec<Value> {
    let line = |text: usize, line: usize| match (text / 3_usize.pow(line as u32)) % 3 {
        0 => Some(format!("line {line}")),
        1 => Some(format!("changed line {line}")),
        _ => None,
    };
    (0..243)
        .step_by(11)
        .map(|text| json!((0..5).filter_map(|n| line(text, n)).collect::<Vec<_>>().join("\n")))
        .collect()
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
    for bits in 0..8_u8 {
        let has = |bit: u8, key: &str, value: Value| (bits >> bit & 1 == 1).then(|| (key.to_owned(), value));
        let of = |keys: [&str; 3], value: &Value| -> Value {
            (0..3)
                .zip(keys)
                .filter_map(|(bit, key)| has(bit, key, value.clone()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        all.push(of(["a", "b", "c"], &json!("x")));
        all.push(of(["a", "b", "c"], &json!({ "d": bits })));
        all.push(of(["base", "structuredOutput", "summarizer"], &json!({ "model": "m" })));
        all.push(of(["stepCountIs", "transferCountIs", "x"], &json!(5)));
        let items =
            ["p", "q", "r"].iter().zip(0..).filter_map(|(id, bit)| has(bit, id, json!({ "id": id, "n": bits / 2 })));
        all.push(items.map(|(_, item)| item).collect());
    }
    all
}

/// Makes what all cases begin from, so that a fault there is not taken for a case's.
pub(super) fn prepare() {
    LazyLock::force(&SEED);
}

/// A project with one row of every entity.
static SEED: LazyLock<Snapshot> = LazyLock::new(|| {
    let mut draft = Draft::new(model(), Arc::default());
    let mut left: Vec<_> = model().entities().cloned().collect();
    // Rows whose targets are not there yet are not added: every round adds those that can be.
    while !left.is_empty() {
        let before = left.len();
        left.retain(|entity| {
            add_row(entity, &mut draft, &mut Picks { numbers: &[0], next: 0 });
            draft.rows(&entity.name).is_empty()
        });
        assert!(left.len() < before, "no row of {:?} can be made", left.iter().map(|e| &e.name).collect::<Vec<_>>());
    }
    let seed = draft.finish().map(|changes| Snapshot::default().after(&changes));
    seed.unwrap_or_else(|violations| panic!("the seed breaks laws: {violations:?}"))
});
