//! A project's history as the other program made it, as one that keeps our laws.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use understory_model::{Model, OnDelete, Value};
use understory_sql::SqlValue;

use super::Foreign;
use crate::change::{Edits, check};
use crate::doltgres::history::{LOG, hash_cell, parents_of};
use crate::engine::notes::{NOTE, rfc3339};
use crate::engine::tables::Present;
use crate::replay::{BranchMove, History, Origin, Project, Replayed, replayed};
use crate::{
    BranchName, Commit, CommitHash, CommitMeta, ProjectId, Signature, Snapshot, StoreError, StoreResult, Tag,
    Violation, changed_rows,
};

/// A project of another program's database.
#[derive(Clone, Debug, Default)]
pub struct ForeignProject {
    /// Its history. Commits that change nothing of the project are not in it.
    pub found: Project,
    /// What is not as it was.
    pub amended: BTreeSet<Amended>,
}

/// A row that does not come along as it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amended {
    /// Entity and key.
    pub row: String,
    /// Why.
    pub why: String,
}

impl Foreign {
    /// Reads the history of a project's branches; the tags are those that lead to it.
    pub async fn read(
        &self,
        project: &ProjectId,
        branches: &[(BranchName, CommitHash)],
        tags: &[Tag],
    ) -> StoreResult<ForeignProject> {
        let mut building =
            Building { foreign: self, project, made: ForeignProject::default(), states: HashMap::default() };
        for (_, head) in branches {
            for commit in self.log(head).await?.into_iter().rev() {
                building.take(commit).await?;
            }
        }
        building.finish(branches, tags)
    }

    /// All commits that one reaches, children before parents.
    async fn log(&self, head: &CommitHash) -> StoreResult<Vec<Commit>> {
        let sql = format!("select commit_hash, author, author_email, author_date, message, parents {LOG}");
        let rows = self.readers.connection().await?.query(&sql, &[head.as_str().into()]).await?;
        rows.iter().map(|row| commit(row)).collect()
    }
}

/// A commit in the form in which every store gives it back.
fn commit(row: &[SqlValue]) -> StoreResult<Commit> {
    let text = |at: usize| row.get(at).and_then(SqlValue::text).unwrap_or_default();
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let Signature { name, email } = Signature::new(text(1), text(2));
    let author = Signature { name: or(name, "unknown"), email: or(email, "unknown") };
    let message = CommitMeta::from_engine(author.clone(), &text(4).replace(['\0', NOTE], "")).message;
    let meta = CommitMeta::new(author, or(message, "-"));
    Ok(Commit { hash: hash_cell(row.first())?, parents: parents_of(row.get(5))?, meta, date: rfc3339(text(3)) })
}

struct Building<'a> {
    foreign: &'a Foreign,
    project: &'a ProjectId,
    made: ForeignProject,
    states: HashMap<CommitHash, State>,
}

/// A commit that was looked at.
#[derive(Clone)]
struct State {
    /// The project's rows as they are there.
    rows: Snapshot,
    columns: Arc<Present>,
    /// The commit that stands for it.
    place: Origin,
}

impl Building<'_> {
    async fn take(&mut self, commit: Commit) -> StoreResult<()> {
        if self.states.contains_key(&commit.hash) {
            return Ok(());
        }
        let (rows, columns) = self.rows(&commit).await?;
        let kept = self.keeping_laws(rows.clone());
        let found = &mut self.made.found;
        let place = match successor(&self.foreign.model, &self.states, &found.history, &commit, &kept)? {
            Successor::Same(place) => {
                found.stand_ins.push((commit.hash.clone(), place.clone()));
                place
            }
            Successor::New(replayed) => {
                found.hashes.push(commit.hash.clone());
                found.history.commits.push(*replayed);
                Origin::New(found.hashes.len() - 1)
            }
        };
        self.states.insert(commit.hash, State { rows, columns, place });
        Ok(())
    }

    /// The project's rows at a commit: only tables that its first parent has otherwise are read.
    async fn rows(&mut self, commit: &Commit) -> StoreResult<(Snapshot, Arc<Present>)> {
        let first = commit.parents.first().and_then(|parent| Some((parent, self.states.get(parent)?.clone())));
        let (changed, columns, before) = match first {
            None => (None, Arc::new(self.foreign.columns_at(&commit.hash).await?), Snapshot::default()),
            Some((parent, state)) => {
                let (changed, other_columns) = self.foreign.changed(parent, &commit.hash).await?;
                let columns = match other_columns {
                    true => Arc::new(self.foreign.columns_at(&commit.hash).await?),
                    false => state.columns,
                };
                (Some(changed), columns, state.rows)
            }
        };
        let mut tables = Vec::new();
        for (name, table) in self.foreign.tables.iter() {
            let known = before.shared(name).cloned();
            let is_read = changed.as_ref().is_none_or(|changed| changed.contains(&table.entity.table));
            let rows = if is_read {
                let amended = &mut self.made.amended;
                let mut unfit = |row, why| _ = amended.insert(Amended { row, why });
                let (project, hash) = (self.project, &commit.hash);
                self.foreign.rows_at(project, hash, table, &columns, known.as_ref(), &mut unfit).await?
            } else {
                known.unwrap_or_default()
            };
            tables.push((name.clone(), rows));
        }
        Ok((Snapshot::sharing(tables), columns))
    }

    /// The rows without what breaks our laws, as the other program's are not ours.
    fn keeping_laws(&mut self, mut rows: Snapshot) -> Snapshot {
        loop {
            let broken = check(&self.foreign.model, &rows);
            if broken.is_empty() {
                return rows;
            }
            let mut edits = Edits::new();
            for violation in broken {
                self.amend(&rows, &violation, &mut edits);
            }
            rows = rows.with_edits(&edits);
        }
    }

    /// What would have become of a row had its target been deleted here: it loses the reference, or goes.
    fn amend(&mut self, rows: &Snapshot, violation: &Violation, edits: &mut Edits) {
        let (entity, key, cleared) = match violation {
            Violation::Dangling { entity, key, column, .. } => (entity, key, Some(column)),
            Violation::Duplicate { entity, key, .. } | Violation::Restricted { entity, key, .. } => (entity, key, None),
        };
        let Some(known) = self.foreign.model.entity(entity) else { return };
        let clears = |column: &&String| {
            let mut references = known.references.iter().filter(|reference| reference.column == **column);
            references.any(|reference| reference.on_delete == OnDelete::SetNull)
        };
        let at = (entity.clone(), key.clone());
        // A row may break several laws: what one takes away the others need not mend.
        let now = match edits.get(&at) {
            Some(None) => return,
            Some(Some(row)) => Some(Arc::clone(row)),
            None => rows.get(entity, key).cloned(),
        };
        let Some(now) = now else { return };
        let (becomes, done) = match cleared.filter(clears) {
            Some(column) => (Some(Arc::new((*now).clone().with(column, Value::Null))), "it loses the reference"),
            None => (None, "it does not come along"),
        };
        edits.insert(at, becomes);
        let row = format!("{} {key}", known.title());
        self.made.amended.insert(Amended { row, why: format!("{violation}: {done}") });
    }

    fn finish(mut self, branches: &[(BranchName, CommitHash)], tags: &[Tag]) -> StoreResult<ForeignProject> {
        let history = &mut self.made.found.history;
        for (name, head) in branches {
            let state = self.states.get(head).ok_or_else(|| StoreError::UnknownCommit(head.clone()))?;
            history.branches.push(BranchMove { name: name.clone(), from: None, to: state.place.clone() });
        }
        let taken = |tag: &&Tag| !branches.iter().any(|(name, _)| *name == tag.name);
        for tag in tags.iter().filter(taken) {
            let place = self.states.get(&tag.hash).map(|state| state.place.clone());
            if let Some(place @ Origin::New(_)) = place {
                history.tags.push((tag.clone(), place));
            }
        }
        Ok(self.made)
    }
}

/// What becomes of a commit.
enum Successor {
    /// It is made again.
    New(Box<Replayed>),
    /// It changes nothing of the project: what it builds on stands for it.
    Same(Origin),
}

fn successor(
    model: &Model,
    states: &HashMap<CommitHash, State>,
    history: &History,
    commit: &Commit,
    rows: &Snapshot,
) -> StoreResult<Successor> {
    let mut parents: Vec<Origin> = Vec::new();
    for parent in &commit.parents {
        let place = states.get(parent).map_or(Origin::Root, |state| state.place.clone());
        if !parents.contains(&place) {
            parents.push(place);
        }
    }
    // The root has nothing of the project: to merge it is no merge.
    if parents.len() > 1 {
        parents.retain(|place| *place != Origin::Root);
    }
    if parents.is_empty() {
        parents.push(Origin::Root);
    }
    let before = history.rows_at(&parents[0]);
    let changed = changed_rows(&before, rows);
    if changed.is_empty() && parents.len() < 2 {
        return Ok(Successor::Same(parents.swap_remove(0)));
    }
    let replayed = replayed(model, history, commit, parents, changed)?;
    Ok(Successor::New(Box::new(replayed)))
}
