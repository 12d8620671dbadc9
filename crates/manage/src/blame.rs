//! Who last changed each field of a row, and each line of its long texts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use similar::{DiffOp, TextDiff};
use understory_model::{Entity, Key, MergeRule, Row};

use crate::change::is_timestamp;
use crate::{Change, Commit, CommitHash, ConfigStore, ProjectId, StoreResult};

/// Commits read at a time.
const PAGE: usize = 64;

/// Where a field's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldBlame {
    /// The commit that gave the field its value.
    pub commit: Commit,
    /// The lines of a text that merges by line, each with the commit that wrote it.
    pub lines: Option<Vec<LineBlame>>,
}

/// Where a line comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineBlame {
    /// The line, without its end.
    pub text: String,
    /// The commit that wrote it.
    pub commit: Commit,
}

/// Tells for every field of a row which commit it comes from, by column; none if the row is not there.
///
/// A value that a parent of a commit has too is older than the commit; the first such parent answers for it. So what a
/// merge brought is the work of the commits that it brought.
pub async fn blame(
    store: &dyn ConfigStore,
    project: &ProjectId,
    from: &CommitHash,
    entity: &Entity,
    key: &Key,
) -> StoreResult<Option<BTreeMap<String, FieldBlame>>> {
    let Some(row) = store.read(project, from).await?.get(&entity.name, key).cloned() else { return Ok(None) };
    let mut search = Search::begin(entity, key, &row, from);
    let mut read = 0;
    while !search.open.is_empty() {
        let page = store.log_page(project, from, read, PAGE).await?;
        if page.is_empty() {
            break;
        }
        read += page.len();
        for commit in page {
            search.visit(store, project, commit).await?;
        }
    }
    Ok(Some(search.answer(&row)))
}

/// What is still looked for at a commit.
#[derive(Clone, Debug, Default)]
struct Suspect {
    row: Arc<Row>,
    fields: BTreeSet<String>,
    /// Of each text: the line there, and the line of the first row that it is.
    lines: BTreeMap<String, Vec<(usize, usize)>>,
}

impl Suspect {
    fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.lines.values().all(Vec::is_empty)
    }
}

struct Search<'a> {
    entity: &'a Entity,
    key: &'a Key,
    open: BTreeMap<CommitHash, Suspect>,
    fields: BTreeMap<String, Commit>,
    lines: BTreeMap<(String, usize), Commit>,
}

impl<'a> Search<'a> {
    fn begin(entity: &'a Entity, key: &'a Key, row: &Arc<Row>, from: &CommitHash) -> Self {
        let wanted = entity.columns.iter().filter(|c| !entity.key.contains(&c.name) && !is_timestamp(&c.name));
        let fields: BTreeSet<String> = wanted.clone().map(|column| column.name.clone()).collect();
        let texts = wanted.filter(|column| column.merge == MergeRule::Lines);
        let lines = texts.filter_map(|column| {
            let count = row.text(&column.name)?.lines().count();
            Some((column.name.clone(), (0..count).map(|line| (line, line)).collect()))
        });
        let suspect = Suspect { row: Arc::clone(row), fields, lines: lines.collect() };
        let open = BTreeMap::from([(from.clone(), suspect)]);
        Self { entity, key, open, fields: BTreeMap::new(), lines: BTreeMap::new() }
    }

    async fn visit(&mut self, store: &dyn ConfigStore, project: &ProjectId, commit: Commit) -> StoreResult<()> {
        let Some(mut suspect) = self.open.remove(&commit.hash) else { return Ok(()) };
        for parent in &commit.parents {
            if suspect.is_empty() {
                break;
            }
            let changes = store.changes(project, Some(parent), &commit.hash).await?;
            let change = changes.into_iter().find(|c| c.entity == self.entity.name && c.key == *self.key);
            if let Some(older) = pass_on(&mut suspect, change) {
                self.look_at(parent, older);
            }
        }
        self.fields.extend(suspect.fields.into_iter().map(|field| (field, commit.clone())));
        for (column, lines) in suspect.lines {
            self.lines.extend(lines.into_iter().map(|(_, line)| ((column.clone(), line), commit.clone())));
        }
        Ok(())
    }

    /// Several children may ask a commit about different fields.
    fn look_at(&mut self, commit: &CommitHash, older: Suspect) {
        let open = self.open.entry(commit.clone()).or_default();
        open.row = older.row;
        open.fields.extend(older.fields);
        for (column, lines) in older.lines {
            open.lines.entry(column).or_default().extend(lines);
        }
    }

    fn answer(mut self, row: &Row) -> BTreeMap<String, FieldBlame> {
        let fields = std::mem::take(&mut self.fields);
        let blamed = fields.into_iter().map(|(column, commit)| {
            let merges_by_line = self.entity.column(&column).is_some_and(|column| column.merge == MergeRule::Lines);
            let lines = row.text(&column).filter(|_| merges_by_line).map(|text| self.blamed_lines(&column, text));
            (column, FieldBlame { commit, lines })
        });
        blamed.collect()
    }

    fn blamed_lines(&self, column: &str, text: &str) -> Vec<LineBlame> {
        let line = |(at, text): (usize, &str)| {
            let commit = self.lines.get(&(column.to_owned(), at))?.clone();
            Some(LineBlame { text: text.to_owned(), commit })
        };
        text.lines().enumerate().filter_map(line).collect()
    }
}

/// Takes out of `suspect` what the parent has too; none if the parent has nothing of the row.
fn pass_on(suspect: &mut Suspect, change: Option<Change>) -> Option<Suspect> {
    let before = match change {
        None => return Some(std::mem::take(suspect)),
        Some(change) => change.before?,
    };
    let mut older = Suspect { row: Arc::clone(&before), ..Suspect::default() };
    let row = Arc::clone(&suspect.row);
    let same = |column: &String| row.get(column) == before.get(column);
    (older.fields, suspect.fields) = std::mem::take(&mut suspect.fields).into_iter().partition(same);
    for (column, lines) in &mut suspect.lines {
        let (Some(now), Some(then)) = (row.text(column), before.text(column)) else { continue };
        let places = same_lines(then, now);
        let (passed, kept) = std::mem::take(lines).into_iter().partition(|(line, _)| places.contains_key(line));
        *lines = kept;
        let passed: Vec<(usize, usize)> = passed;
        let moved = passed.into_iter().map(|(line, first)| (places[&line], first));
        older.lines.insert(column.clone(), moved.collect());
    }
    Some(older)
}

/// For the lines of `now` that `then` has: where they are there.
fn same_lines(then: &str, now: &str) -> BTreeMap<usize, usize> {
    let (then, now): (Vec<&str>, Vec<&str>) = (then.lines().collect(), now.lines().collect());
    let diff = TextDiff::from_slices(&then, &now);
    let equal = diff.ops().iter().filter_map(|op| match *op {
        DiffOp::Equal { old_index, new_index, len } => Some((0..len).map(move |n| (new_index + n, old_index + n))),
        _ => None,
    });
    equal.flatten().collect()
}
