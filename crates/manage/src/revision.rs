//! Refs as people write them: a name or a hash, and steps back from there along first parents.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::{Commit, CommitHash, ConfigStore, ProjectId, StoreResult};

/// Commits read at a time.
const PAGE: usize = 64;

/// A ref as text, taken apart: `main`, `v1~2`, `main@{2026-11-01T00:00:00Z}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// What it begins at: a branch, a tag, a hash or the beginning of one.
    pub base: String,
    /// Where it goes from there.
    pub steps: Vec<Step>,
}

/// A step back along first parents. Merges are never fast-forward, so first parents are what the branch itself was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many commits.
    Back(usize),
    /// To the newest commit that is not later than this.
    At(Timestamp),
}

impl Revision {
    /// Takes a ref apart. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let end = text.find(['~', '@']).unwrap_or(text.len());
        let (base, mut rest) = text.split_at(end);
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, left) = Step::parse(rest).map_err(|detail| format!("'{text}' is no ref: {detail}"))?;
            steps.push(step);
            rest = left;
        }
        Ok(Self { base: base.to_owned(), steps })
    }
}

impl Step {
    fn parse(text: &str) -> Result<(Self, &str), String> {
        if let Some(rest) = text.strip_prefix('~') {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (count, rest) = rest.split_at(digits);
            let count = if count.is_empty() { Ok(1) } else { count.parse() };
            return Ok((Self::Back(count.map_err(|_| "there are not that many commits")?), rest));
        }
        let inner = text.strip_prefix("@{").ok_or("after a name come ~n and @{TIME}, and nothing else")?;
        let (time, rest) = inner.split_once('}').ok_or("'@{' has no '}'")?;
        let time = parse_time(time)?;
        Ok((Self::At(time), rest))
    }
}

/// Reads a time as refs and filters have it: RFC 3339.
pub fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("'{text}' is no RFC 3339 time, such as 2026-11-01T09:30:00Z"))
}

/// When a commit was made, if its date is one.
pub(crate) fn time_of(commit: &Commit) -> Option<Timestamp> {
    commit.date.parse().ok()
}

/// The commit that steps lead to; none if the line ends before.
pub async fn follow(
    store: &dyn ConfigStore,
    project: &ProjectId,
    from: &CommitHash,
    steps: &[Step],
) -> StoreResult<Option<CommitHash>> {
    let mut at = from.clone();
    for step in steps {
        let mut line = FirstParents::from(store, project, &at);
        let found = match *step {
            Step::Back(count) => line.nth(count).await?,
            Step::At(time) => line.until(time).await?,
        };
        match found {
            Some(commit) => at = commit.hash,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// A commit, its first parent, and so on, read page by page.
struct FirstParents<'a> {
    store: &'a dyn ConfigStore,
    project: &'a ProjectId,
    head: CommitHash,
    next: Option<CommitHash>,
    read: usize,
    page: VecDeque<Commit>,
}

impl<'a> FirstParents<'a> {
    fn from(store: &'a dyn ConfigStore, project: &'a ProjectId, head: &CommitHash) -> Self {
        Self { store, project, head: head.clone(), next: Some(head.clone()), read: 0, page: VecDeque::new() }
    }

    /// Commits of other lines stand between those of this one in the log; they are passed over.
    async fn next(&mut self) -> StoreResult<Option<Commit>> {
        let Some(wanted) = self.next.take() else { return Ok(None) };
        loop {
            if self.page.is_empty() {
                self.page = self.store.log_page(self.project, &self.head, self.read, PAGE).await?.into();
                self.read += self.page.len();
            }
            let Some(commit) = self.page.pop_front() else { return Ok(None) };
            if commit.hash == wanted {
                self.next = commit.parents.first().cloned();
                return Ok(Some(commit));
            }
        }
    }

    async fn nth(&mut self, count: usize) -> StoreResult<Option<Commit>> {
        for _ in 0..count {
            if self.next().await?.is_none() {
                return Ok(None);
            }
        }
        self.next().await
    }

    async fn until(&mut self, time: Timestamp) -> StoreResult<Option<Commit>> {
        while let Some(commit) = self.next().await? {
            if time_of(&commit).is_some_and(|made| made <= time) {
                return Ok(Some(commit));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_are_taken_apart() {
        let time = "2026-11-01T00:00:00Z".parse().unwrap();
        let parsed = |text: &str| Revision::parse(text).map(|revision| (revision.base, revision.steps));
        assert_eq!(parsed("main"), Ok(("main".into(), vec![])));
        assert_eq!(parsed("v1~2~"), Ok(("v1".into(), vec![Step::Back(2), Step::Back(1)])));
        let both = vec![Step::At(time), Step::Back(3)];
        assert_eq!(parsed("a/b@{2026-11-01T01:00:00+01:00}~3"), Ok(("a/b".into(), both)));
        for bad in
            ["main@", "main@{yesterday}", "main@{2026-11-01T00:00:00Z", "main~x", "main~99999999999999999999", "m~1x"]
        {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }
}
