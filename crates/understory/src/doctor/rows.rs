//! Rows of the runtime store that name what is not there: in this store, or in the versioned one.

use understory_manage::{CommitHash, ProjectId, StoreError};
use understory_runtime::{Orphans, ProjectKey};

use super::{Books, Finding, FindingKind, TOLD, damage, is_damage};
use crate::Result;
use crate::app::Understory;

impl Understory {
    /// Deletes rows that name what is not there, and ends answers that nobody makes.
    pub(super) async fn mend_rows(&self, books: &Books, mended: &mut Vec<Finding>) -> Result<()> {
        if books.acquainted {
            let deleted = self.inner.runtime.orphans_delete().await?;
            mended.extend(
                deleted.iter().map(|orphans| {
                    FindingKind::Mended.note(place(&orphans.of), format!("deleted: {}", counted(orphans)))
                }),
            );
        }
        for answer in self.inner.runtime.answers_unattended().await? {
            if self.inner.runtime.answer_adopt(&answer).await? && self.settle_answer(&answer).await? {
                let what = format!("message {} was interrupted: nobody made it", answer.message_id);
                mended.push(FindingKind::Mended.note(place(&answer.of), what));
            }
        }
        Ok(())
    }

    pub(super) async fn examine_rows(&self, books: &Books, findings: &mut Vec<Finding>) -> Result<()> {
        let orphans = self.inner.runtime.orphans().await?;
        let remedy = books.remedy();
        findings.extend(
            orphans.iter().map(|orphans| FindingKind::RowsOrphaned.fault(place(&orphans.of), counted(orphans), remedy)),
        );
        let answers = self.inner.runtime.answers_unattended().await?;
        findings.extend(answers.iter().map(|answer| {
            let what = format!("message {} is in the making, and nobody makes it", answer.message_id);
            FindingKind::AnswerUnattended.fault(
                place(&answer.of),
                what,
                "`understory doctor --fix` ends it as interrupted",
            )
        }));
        Ok(())
    }

    /// Looks for the commits that a project's messages name.
    pub(super) async fn examine_commits(
        &self,
        project: &ProjectId,
        place: &str,
        findings: &mut Vec<Finding>,
    ) -> Result<()> {
        let of = ProjectKey { tenant: project.tenant.clone(), project: project.id.clone() };
        let mut missing = Vec::new();
        for commit in self.inner.runtime.message_commits(&of).await? {
            let now = self.inner.runtime.commit_alias_find(&of.tenant, &of.project, &commit).await?;
            match self.has_any(project, now.iter().chain([&commit])).await {
                Ok(true) => {}
                Ok(false) => missing.push(commit),
                Err(StoreError::UnknownProject(_)) => return Ok(()),
                Err(error) if is_damage(&error) => {
                    findings.push(damage(place, &error));
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        findings.extend(missing.iter().take(TOLD).map(|commit| {
            let what = format!("messages were produced by commit {commit}, which the project does not have");
            FindingKind::CommitMissing.fault(
                place,
                what,
                "restore a backup that has it, if their configuration matters",
            )
        }));
        Ok(())
    }

    async fn has_any(
        &self,
        project: &ProjectId,
        hashes: impl Iterator<Item = &String>,
    ) -> std::result::Result<bool, StoreError> {
        for hash in hashes.filter_map(|hash| CommitHash::parse(hash)) {
            if self.inner.store.commit(project, &hash).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn place(of: &ProjectKey) -> String {
    format!("{}/{}", of.tenant, of.project)
}

fn counted(orphans: &Orphans) -> String {
    let Orphans { table, lacks, rows, .. } = orphans;
    let row = if *rows == 1 { "row" } else { "rows" };
    format!("{rows} {row} of {table} whose {lacks} is not there")
}
