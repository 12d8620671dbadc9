//! What is wrong with the data of both stores, and mending what can be mended without loss.

mod rows;

use std::collections::BTreeSet;
use std::error::Error as _;

use serde::Serialize;
use understory_manage::change::check;
use understory_manage::{BranchName, ProjectId, StoreError};
use understory_model::age;
use understory_runtime::{Inventory, OpenIntent, ProjectRecord};

use crate::Result;
use crate::app::Understory;

/// Broken laws that are told of one commit: where one is broken, many may be.
const TOLD: usize = 20;

/// What an examination of all data came to.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnosis {
    /// Whether there is no fault.
    pub healthy: bool,
    /// Registered projects.
    pub projects: usize,
    /// Branches whose heads were read.
    pub branches: usize,
    /// Faults and notes.
    pub findings: Vec<Finding>,
}

/// One thing to know about the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What sort of thing.
    pub kind: FindingKind,
    /// Whether somebody has to do something; else it is a note.
    pub fault: bool,
    /// Where.
    pub place: String,
    /// What it is.
    pub what: String,
    /// What to do; nothing for notes that want nothing done.
    pub remedy: String,
}

/// What sort of thing a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FindingKind {
    /// A registered project has no data in the versioned store.
    DataMissing,
    /// Data in the versioned store are nobody's.
    DataOrphaned,
    /// What is stored does not read back.
    DataDamaged,
    /// Rows break the laws of the model.
    LawBroken,
    /// A branch has changes that are not committed.
    BranchDirty,
    /// Interrupted work left a branch aside.
    BranchLeftOver,
    /// Work that spans both stores is not finished.
    IntentOpen,
    /// Rows of the runtime store name what is not there.
    RowsOrphaned,
    /// A message is in the making, and nobody makes it.
    AnswerUnattended,
    /// A message names a commit that the project does not have.
    CommitMissing,
    /// Something was mended.
    Mended,
}

impl FindingKind {
    fn fault(self, place: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { kind: self, fault: true, place: place.into(), what: what.into(), remedy: remedy.into() }
    }

    fn note(self, place: impl Into<String>, what: impl Into<String>) -> Finding {
        Finding { kind: self, fault: false, place: place.into(), what: what.into(), remedy: String::new() }
    }
}

/// What the runtime store answers for, and what of the versioned store it does not.
struct Books {
    inventory: Inventory,
    /// Uids of data that neither a project nor an intent names.
    orphans: Vec<String>,
    /// Whether the data of at least one registered project are there.
    acquainted: bool,
}

impl Understory {
    /// Examines the data of both stores. With `fix`, unfinished work of processes that are gone is settled before, data
    /// and rows that are nobody's are deleted, and answers that nobody makes end as interrupted.
    pub async fn doctor(&self, fix: bool) -> Result<Diagnosis> {
        let mut findings = if fix { self.mend().await? } else { Vec::new() };
        let books = self.books().await?;
        findings.extend(books.orphans.iter().map(|uid| books.orphan(uid)));
        findings.extend(books.inventory.intents.iter().map(open_intent));
        let mut branches = 0;
        for record in &books.inventory.projects {
            branches += self.examine_registered(record, &mut findings).await?;
        }
        let left_over = self.inner.store.left_over().await?;
        let aside = "a branch aside of work that is under way or was cut off; later work takes it";
        findings.extend(left_over.into_iter().map(|name| FindingKind::BranchLeftOver.note(name, aside)));
        self.examine_rows(&books, &mut findings).await?;
        findings.extend(self.examine_runtime().await?);
        let healthy = findings.iter().all(|finding| !finding.fault);
        Ok(Diagnosis { healthy, projects: books.inventory.projects.len(), branches, findings })
    }

    async fn mend(&self) -> Result<Vec<Finding>> {
        let mut mended = Vec::new();
        for intent in self.settle_left().await? {
            let place = format!("{}/{}", intent.tenant_id, intent.project_id);
            mended.push(FindingKind::Mended.note(place, format!("unfinished work {} was settled", intent.id)));
        }
        let books = self.books().await?;
        for uid in books.orphans.iter().filter(|_| books.acquainted) {
            self.inner.store.stored_delete(uid).await?;
            mended.push(FindingKind::Mended.note(place_of(uid), "data that were nobody's were deleted"));
        }
        self.mend_rows(&books, &mut mended).await?;
        Ok(mended)
    }

    /// No creation that is under way is taken for an orphan, however long it takes: it wrote its intent before its data,
    /// and takes the intent away in the transaction that registers the project. So data that were there when the
    /// registry was read at one moment, and that nothing in it names, are not being made. Nor are they being deleted:
    /// the intent of a deletion goes after the data, which are looked for once more.
    async fn books(&self) -> Result<Books> {
        let stored = self.inner.store.stored().await?;
        let inventory = self.inner.runtime.inventory().await?;
        let registered: BTreeSet<&str> = inventory.projects.iter().map(|record| record.uid.as_str()).collect();
        let intended: BTreeSet<&str> = inventory.intents.iter().map(|open| open.intent.kind.uid()).collect();
        let acquainted = stored.iter().any(|uid| registered.contains(uid.as_str()));
        let is_named = |uid: &String| registered.contains(uid.as_str()) || intended.contains(uid.as_str());
        let mut orphans: Vec<String> = stored.iter().filter(|uid| !is_named(uid)).cloned().collect();
        if !orphans.is_empty() {
            let still: BTreeSet<String> = self.inner.store.stored().await?.into_iter().collect();
            orphans.retain(|uid| still.contains(uid));
        }
        Ok(Books { inventory, orphans, acquainted })
    }

    /// Examines a project, unless it is deleted meanwhile; how many branches it has.
    async fn examine_registered(&self, record: &ProjectRecord, findings: &mut Vec<Finding>) -> Result<usize> {
        let place = format!("{}/{}", record.tenant_id, record.id);
        let project = ProjectId { tenant: record.tenant_id.clone(), id: record.id.clone(), uid: record.uid.clone() };
        match self.examine(&project, &place, findings).await {
            Err(StoreError::UnknownProject(_)) => {
                let now = self.inner.runtime.project_get(&record.tenant_id, &record.id).await?;
                if now.is_some_and(|now| now.uid == record.uid) {
                    let what = format!("the project is registered, and its data ({}) are not there", record.uid);
                    let remedy = "restore a backup, or delete the project";
                    findings.push(FindingKind::DataMissing.fault(place, what, remedy));
                }
                Ok(0)
            }
            answer => {
                self.examine_commits(&project, &place, findings).await?;
                Ok(answer?)
            }
        }
    }

    async fn examine(
        &self,
        project: &ProjectId,
        place: &str,
        findings: &mut Vec<Finding>,
    ) -> std::result::Result<usize, StoreError> {
        let store = &self.inner.store;
        let branches = match store.branches(project).await {
            Err(error) if is_damage(&error) => {
                findings.push(damage(place, &error));
                return Ok(0);
            }
            branches => branches?,
        };
        let mut read = BTreeSet::new();
        for branch in branches.iter().filter(|branch| read.insert(branch.head.clone())) {
            let place = format!("{place} {}", branch.name);
            match store.read(project, &branch.head).await {
                Ok(snapshot) => {
                    let broken = check(&self.inner.model, &snapshot).into_iter().take(TOLD);
                    let remedy = "correct the rows on this branch, or revert the commit that brought them";
                    findings.extend(broken.map(|law| FindingKind::LawBroken.fault(&place, law.to_string(), remedy)));
                }
                // The branch and all that it alone reached went meanwhile.
                Err(StoreError::UnknownCommit(_)) => {}
                Err(error) if is_damage(&error) => findings.push(damage(&place, &error)),
                Err(error) => return Err(error),
            }
        }
        match store.dirty(project).await {
            Err(error) if is_damage(&error) => findings.push(damage(place, &error)),
            dirty => findings.extend(dirty?.iter().map(|branch| dirty_branch(place, branch))),
        }
        Ok(branches.len())
    }

    /// A server checks its own files.
    async fn examine_runtime(&self) -> Result<Vec<Finding>> {
        if self.inner.runtime.is_shared() {
            return Ok(Vec::new());
        }
        let remedy = "stop the server, and restore a backup";
        let wrong = self.inner.runtime.integrity_check().await?;
        Ok(wrong.into_iter().map(|line| FindingKind::DataDamaged.fault("runtime.db", line, remedy)).collect())
    }
}

impl Books {
    fn orphan(&self, uid: &str) -> Finding {
        let what = "neither a project nor unfinished work names these data";
        FindingKind::DataOrphaned.fault(place_of(uid), what, self.remedy())
    }

    fn remedy(&self) -> &'static str {
        if self.acquainted {
            "`understory doctor --fix` deletes them"
        } else {
            "no data here are of a registered project: make sure that this registry belongs to them; --fix keeps them"
        }
    }
}

fn place_of(uid: &str) -> String {
    format!("data {uid}")
}

fn open_intent(open: &OpenIntent) -> Finding {
    let place = format!("{}/{}", open.intent.tenant_id, open.intent.project_id);
    let age = age(&open.intent.created_at).unwrap_or_default().as_secs();
    match &open.owner {
        Some(owner) => {
            let what = format!("{owner} has been at work on {} for {age} s", open.intent.id);
            FindingKind::IntentOpen.note(place, what)
        }
        None => {
            let what = format!("{} was begun {age} s ago by a process that is gone", open.intent.id);
            let remedy = "a running server settles it within seconds; so does `understory doctor --fix`";
            FindingKind::IntentOpen.fault(place, what, remedy)
        }
    }
}

fn dirty_branch(place: &str, branch: &BranchName) -> Finding {
    let what = "the branch has changes that are not committed, and takes no writes until they are gone";
    let remedy = "whoever made them past Understory commits or resets them with the engine's own tools";
    FindingKind::BranchDirty.fault(format!("{place} {branch}"), what, remedy)
}

/// Whether an error is about what is stored, and not about reaching it or a project that is not there.
fn is_damage(error: &StoreError) -> bool {
    let passing = matches!(error, StoreError::Unavailable(_) | StoreError::Busy(_) | StoreError::DiskFull(_));
    let absent = matches!(error, StoreError::UnknownProject(_) | StoreError::UnknownCommit(_));
    !passing && !absent
}

fn damage(place: &str, error: &StoreError) -> Finding {
    let mut what = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        what.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    FindingKind::DataDamaged.fault(place, what, "restore a backup, or take the project over from a bundle")
}
