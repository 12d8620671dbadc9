use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;
use understory_manage::{ChangeSet, Draft, Snapshot};
use understory_model::{Column, Entity, IdRule, Key, MergeRule, Reference, Row, id};

use super::values::{values, with_part};
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
    /// A random case with so many sides, the same for the same seed.
    ///
    /// # Panics
    ///
    /// If cases cannot be made at all.
    pub fn random(seed: u64, sides: usize) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let case = cases(sides).new_tree(&mut TestRunner::new_with_rng(Config::default(), rng));
        case.unwrap_or_else(|reason| panic!("no case: {reason}")).current()
    }

    /// The common past: a row of every entity, and edits.
    pub fn base(&self) -> Snapshot {
        self.edited(&SEED, &self.base)
    }

    /// What a side made of the past.
    pub fn side(&self, side: usize, base: &Snapshot) -> Snapshot {
        self.edited(base, &self.sides[side])
    }

    /// What a side changes in the past, all in one.
    pub fn change_of(&self, side: usize, base: &Snapshot) -> ChangeSet {
        self.change(base, &self.sides[side])
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

    /// A row of the past, by entity and key.
    pub fn row(&self, base: &Snapshot) -> Option<(String, Key)> {
        let rows = base.tables().flat_map(|(entity, table)| table.keys().map(move |key| (entity.to_owned(), key)));
        let rows: Vec<_> = rows.collect();
        rows.get(usize::from(self.picks[0]) * rows.len() / 256).map(|(entity, key)| (entity.clone(), (*key).clone()))
    }

    /// The past after a row was deleted, and after it was changed; none if it did not change.
    pub fn deleted_and_changed(&self, base: &Snapshot, (name, key): &(String, Key)) -> Option<(Snapshot, Snapshot)> {
        let begin = || Draft::new(model(), Arc::new(base.clone()));
        let (mut deleted, mut changed) = (begin(), begin());
        deleted.delete(name, key);
        change_row(model().entity(name)?, key, &mut changed, &mut Picks { numbers: &self.picks[1..], next: 0 });
        let [deleted, changed] = [deleted, changed].map(|draft| draft.finish().ok());
        let changed = changed.filter(|changes| !changes.is_empty())?;
        Some((base.after(&deleted?), base.after(&changed)))
    }

    /// A past and two sides that changed parts of one field, and nothing else.
    pub fn contested(&self) -> Option<[Snapshot; 3]> {
        let rule = [MergeRule::Json, MergeRule::Lines, MergeRule::Set][usize::from(self.focus[0]) % 3];
        let model = model();
        let columns = model.entities().flat_map(|entity| entity.columns.iter().map(move |column| (entity, column)));
        let parted: Vec<_> = columns.filter(|(e, c)| c.merge == rule && is_free(e, &c.name)).collect();
        let (entity, column) = parted[usize::from(self.focus[1]) % parted.len()];
        let values = values(entity, column);
        let value = |pick: u8| &values[usize::from(pick) % values.len()];
        let row = SEED.table(&entity.name).values().next()?;
        let with = |value: &Value| {
            let mut draft = Draft::new(Arc::clone(&model), Arc::new(SEED.clone()));
            draft.put(entity, Row::clone(row).with(&column.name, value.clone()));
            Some(SEED.after(&draft.finish().ok()?))
        };
        let base = value(self.picks[0]);
        let side = |edits: &[Edit]| {
            let part = |at: Value, e: &Edit| with_part(column, &at, value(e.picks[0]), e.picks[1].into());
            edits.iter().take(2).fold(base.clone(), part)
        };
        Some([with(base)?, with(&side(&self.sides[0]))?, with(&side(&self.sides[1]))?])
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
    /// cases each one with unique columns, with sets, or with what merges in parts; two that it refers to or that
    /// refer to it; and another one.
    fn focus(&self) -> Vec<Arc<Entity>> {
        let model = model();
        let one = |from: Vec<Arc<Entity>>, n: usize| from.get(self.focus[n] as usize % from.len().max(1)).cloned();
        let all = || model.entities().cloned();
        let wanted = |entity: &Arc<Entity>| match self.picks[0] % 4 {
            0 => !entity.unique.is_empty() && !matches!(entity.id, IdRule::Derived(_)),
            1 => entity.columns.iter().any(|column| column.merge == MergeRule::Set),
            2 => entity.columns.iter().any(|column| matches!(column.merge, MergeRule::Json | MergeRule::Lines)),
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
    let parted: Vec<&Column> = free.iter().copied().filter(|column| column.merge != MergeRule::Cell).collect();
    for n in 0..3 {
        // Two sides rarely choose the same one of many columns: the first is one that merges in parts.
        let Some(column) = picks.one(if n == 0 && !parted.is_empty() { &parted } else { &free }) else { return };
        match entity.references.iter().find(|reference| reference.column == column.name) {
            Some(reference) => drop(refer(draft, &mut row, reference, false, picks)),
            None => {
                let other = picks.one(values(entity, column)).cloned().unwrap_or_default();
                let becomes = with_part(column, row.get(&column.name), &other, picks.next());
                row.set(&column.name, becomes);
            }
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
            let values = values(entity, column);
            // Half of what must be unique is the same, so that sides clash in it.
            let same =
                entity.unique.iter().flatten().any(|name| *name == column.name) && picks.next().is_multiple_of(2);
            let value = if same { values.get(1) } else { picks.one(values) };
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
