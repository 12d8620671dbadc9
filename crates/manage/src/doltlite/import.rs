//! What changes a project's file in many steps, on a copy that then takes its place: all of it or nothing.

use std::path::Path;

use understory_sql::migration::{self, ledger};
use understory_sql::{Database, SqlValue, Store};

use super::admin::SMALL;
use super::refs::{call, make_tag};
use super::write::{Outcome, Writer, begin_merge};
use super::{At, Inner, history};
use crate::engine::commit::NewCommit;
use crate::engine::errors::unexpected;
use crate::engine::names::{encode_branch, encode_hash, encode_keep, encode_scratch};
use crate::replay::{BranchMove, History, Origin, Replayed};
use crate::{Branch, BranchName, Commit, CommitHash, StoreError, StoreResult, Tag};

impl Inner {
    /// Works on a copy of a project's file, which takes its place if the work succeeds. The caller has the turn.
    fn rewrite<T>(&self, at: &At, work: impl FnOnce(&Path) -> StoreResult<T>) -> StoreResult<T> {
        let new = self.files.new_file();
        let path = new.path.to_str().ok_or_else(|| unexpected("the store's directory is no UTF-8 path"))?;
        self.on_refs(at, |db| Ok(db.execute("vacuum into ?", &[SqlValue::from(path)]).map(drop)?))?;
        let answer = work(&new.path)?;
        self.files.publish(&new, &at.project.file)?;
        self.renew(at);
        Ok(answer)
    }

    /// Brings every branch that lacks migrations to the newest schema.
    pub(super) fn migrate(&self, at: &At) -> StoreResult<Vec<(BranchName, Commit)>> {
        let mut behind = Vec::new();
        for branch in self.on_refs(at, history::branches)? {
            if self.is_behind(at, &branch.head)? {
                behind.push(branch);
            }
        }
        match behind.as_slice() {
            [] => Ok(Vec::new()),
            // One commit is all or nothing by itself.
            [only] => {
                let commit = self.on_branch(at, &only.name, |db| self.migrate_one(db, only))?;
                Ok(commit.map(|commit| (only.name.clone(), commit)).into_iter().collect())
            }
            several => self.rewrite(at, |file| {
                let mut migrated = Vec::new();
                for branch in several {
                    let db = unsynced(file, &encode_branch(&branch.name))?;
                    migrated.extend(self.migrate_one(&db, branch)?.map(|commit| (branch.name.clone(), commit)));
                    db.close()?;
                }
                Ok(migrated)
            }),
        }
    }

    fn migrate_one(&self, db: &Database, branch: &Branch) -> StoreResult<Option<Commit>> {
        match (Writer { db, branch: &branch.name }).migrate(&branch.head, &self.migrations)? {
            Outcome::Made(commit) => Ok(Some(commit)),
            Outcome::Nothing => Ok(None),
            Outcome::Moved(head) => Err(StoreError::HeadMoved { branch: branch.name.clone(), head }),
        }
    }

    pub(super) fn import(&self, at: &At, history: &History) -> StoreResult<Vec<CommitHash>> {
        if at.project.file.try_exists()? {
            return self.rewrite(at, |file| self.import_into(file, false, history));
        }
        let new = self.files.new_file();
        new.write(self.template()?)?;
        let made = self.import_into(&new.path, true, history)?;
        self.files.publish(&new, &at.project.file)?;
        Ok(made)
    }

    fn import_into(&self, file: &Path, new: bool, history: &History) -> StoreResult<Vec<CommitHash>> {
        let main = unsynced(file, &encode_branch(&BranchName::main()))?;
        let begun = require_main(&main)?;
        // Refs are moved from a branch of its own: the engine moves none that a connection is on.
        let aside = encode_scratch(history.commits.len());
        call(&main, "select dolt_branch(?, ?)", &[&aside, &encode_hash(&begun)])?;
        let root = root(&main, &begun)?;
        main.close()?;
        let refs = unsynced(file, &aside)?;
        let mut import = Import { inner: self, file, refs: &refs, root, made: Vec::new(), line: None };
        for commit in &history.commits {
            import.replay(commit)?;
        }
        import.line = None;
        for branch in &history.branches {
            // The template's main stands where nobody put it.
            let from = if new && branch.name.is_main() { Some(begun.clone()) } else { branch.from.clone() };
            import.move_branch(branch, from)?;
        }
        for (tag, origin) in &history.tags {
            history::refs(&refs)?.require_free(&tag.name)?;
            make_tag(&refs, &Tag { hash: import.place(origin)?, ..tag.clone() })?;
        }
        for origin in &history.kept {
            import.keep(&import.place(origin)?)?;
        }
        let made = std::mem::take(&mut import.made);
        refs.close()?;
        drop_scratch(file, made.len())?;
        collect_new(file)?;
        Ok(made)
    }
}

/// A history that is being made again in a file of its own.
struct Import<'a> {
    inner: &'a Inner,
    file: &'a Path,
    refs: &'a Database,
    root: CommitHash,
    made: Vec<CommitHash>,
    line: Option<Line>,
}

/// The branch that commits are made on at present, and its head: most commits follow the one before.
struct Line {
    db: Database,
    head: CommitHash,
}

impl Import<'_> {
    fn place(&self, origin: &Origin) -> StoreResult<CommitHash> {
        let made = match origin {
            Origin::Root => Some(&self.root),
            Origin::Known(hash) => Some(hash),
            Origin::New(index) => self.made.get(*index),
        };
        made.cloned().ok_or_else(|| StoreError::Misfit("the history names a commit before it comes".into()))
    }

    fn replay(&mut self, commit: &Replayed) -> StoreResult<()> {
        let parents = commit.parents.iter().map(|origin| self.place(origin)).collect::<StoreResult<Vec<_>>>()?;
        let first = parents.first().ok_or_else(|| StoreError::Misfit("a commit has no parent".into()))?;
        let line = match self.line.take().filter(|line| line.head == *first) {
            Some(line) => line,
            None => self.begin_line(first)?,
        };
        let head = self.make(&line.db, commit, parents.get(1))?;
        self.made.push(head.clone());
        self.line = Some(Line { head, ..line });
        Ok(())
    }

    fn begin_line(&self, at: &CommitHash) -> StoreResult<Line> {
        let scratch = encode_scratch(self.made.len());
        let begun = call(self.refs, "select dolt_branch(?, ?)", &[&scratch, &encode_hash(at)]);
        begun.map_err(|error| match history::log(self.refs, at, 0, 1) {
            Ok(_) => error,
            Err(_) => StoreError::UnknownCommit(at.clone()),
        })?;
        Ok(Line { db: unsynced(self.file, &scratch)?, head: at.clone() })
    }

    /// Makes one commit. The first on an old commit brings the newest schema along, as rows are written in it.
    fn make(&self, db: &Database, commit: &Replayed, other: Option<&CommitHash>) -> StoreResult<CommitHash> {
        let new = NewCommit::at(&commit.meta, &commit.date);
        let (tables, migrations) = (&self.inner.tables, &self.inner.migrations);
        db.transaction(|db| {
            for migration in migrations.pending(Store::Manage, &ledger(db)?)? {
                migration::apply(db, migration, &understory_model::now())?;
            }
            let Some(other) = other else {
                tables.write(db, &commit.changes)?;
                return new.make(db, &["--allow-empty"], None);
            };
            let known = begin_merge(db, other)?;
            tables.make(db, &commit.rows)?;
            new.make(db, &["--allow-empty"], (!known).then_some(other))
        })
    }

    fn keep(&self, head: &CommitHash) -> StoreResult<()> {
        match history::refs(self.refs)?.kept.contains(head) {
            true => Ok(()),
            false => call(self.refs, "select dolt_branch(?, ?)", &[&encode_keep(head), &encode_hash(head)]),
        }
    }

    fn move_branch(&self, branch: &BranchMove, from: Option<CommitHash>) -> StoreResult<()> {
        let (name, to) = (&branch.name, self.place(&branch.to)?);
        let (encoded, to) = (encode_branch(name), encode_hash(&to));
        match (history::branch_head(self.refs, name)?, from) {
            (Some(head), Some(from)) if head == from => {
                call(self.refs, "select dolt_branch('-f', ?, ?)", &[&encoded, &to])
            }
            (Some(head), Some(_)) => Err(StoreError::HeadMoved { branch: name.clone(), head }),
            (None, Some(_)) => Err(StoreError::UnknownBranch(name.clone())),
            (_, None) => {
                history::refs(self.refs)?.require_free(name)?;
                call(self.refs, "select dolt_branch(?, ?)", &[&encoded, &to])
            }
        }
    }
}

/// Collects a file that is to become a project's, unless it is small: opening one that never was takes longer.
pub(super) fn collect_new(file: &Path) -> StoreResult<()> {
    if std::fs::metadata(file)?.len() <= SMALL {
        return Ok(());
    }
    let db = unsynced(file, &encode_branch(&BranchName::main()))?;
    call(&db, "select dolt_gc()", &[])?;
    Ok(db.close()?)
}

/// The one commit without parents, which every project begins with.
fn root(db: &Database, main: &CommitHash) -> StoreResult<CommitHash> {
    let sql = "select l.commit_hash from dolt_log(?) l left join dolt_commit_ancestors a \
               on a.commit_hash = l.commit_hash where a.parent_hash is null";
    let row = db.query_row(sql, &[encode_hash(main).into()])?;
    history::hash_cell(row.as_ref().and_then(|row| row.first()))
}

fn require_main(db: &Database) -> StoreResult<CommitHash> {
    history::branch_head(db, &BranchName::main())?.ok_or_else(|| unexpected("the project has no main branch"))
}

/// Deletes the branches that commits were made on: one a commit at most, and the one set aside.
fn drop_scratch(file: &Path, commits: usize) -> StoreResult<()> {
    let db = unsynced(file, &encode_branch(&BranchName::main()))?;
    for name in (0..=commits).map(encode_scratch) {
        let there = db.query_row("select 1 from dolt_branches where name = ?", &[SqlValue::from(name.as_str())])?;
        if there.is_some() {
            call(&db, "select dolt_branch('-D', ?)", &[&name])?;
        }
    }
    Ok(db.close()?)
}

/// A connection to a file that is not anybody's yet: it is synced when it is whole.
fn unsynced(file: &Path, branch: &str) -> StoreResult<Database> {
    let database = Database::open_at(file, branch, false)?;
    database.batch("pragma synchronous = off")?;
    Ok(database)
}
