//! Names of refs in a database that all projects share.

use crate::engine::names::{decode_branch, decode_keep, encode_branch, encode_keep, encode_scratch};
use crate::{BranchName, CommitHash, ProjectId};

/// The names that begin a project's refs: `TENANT_PROJECT_UID_`, with `_` and capitals of the ids escaped.
///
/// The uid keeps a project apart from one of the same id that is being deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prefix(String);

impl Prefix {
    pub(super) fn of(project: &ProjectId) -> Self {
        Self(format!("{}_{}_{}_", escaped(&project.tenant), escaped(&project.id), escaped(&project.uid)))
    }

    /// The least name that begins with the prefix.
    pub(super) fn first(&self) -> &str {
        &self.0
    }

    /// A name greater than all that begin with the prefix.
    pub(super) fn end(&self) -> String {
        // The character after `_`.
        format!("{}`", self.0.trim_end_matches('_'))
    }

    pub(super) fn branch(&self, name: &BranchName) -> String {
        format!("{}{}", self.0, encode_branch(name))
    }

    pub(super) fn keep(&self, head: &CommitHash) -> String {
        format!("{}{}", self.0, encode_keep(head))
    }

    pub(super) fn scratch(&self, number: usize) -> String {
        format!("{}{}", self.0, encode_scratch(number))
    }

    /// The branch or tag that a name of the project stands for; none if somebody else made it.
    pub(super) fn decode(&self, name: &str) -> Option<BranchName> {
        decode_branch(name.strip_prefix(&self.0)?)
    }

    /// The head that a name of the project keeps.
    pub(super) fn decode_keep(&self, name: &str) -> Option<CommitHash> {
        decode_keep(name.strip_prefix(&self.0)?)
    }

    /// Whether commits were made on a branch of this name while a history was taken over.
    pub(super) fn is_scratch(&self, name: &str) -> bool {
        name.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with(encode_scratch(0).trim_end_matches('0')))
    }
}

/// The project that a branch of the database is of; none if it is of none.
pub(super) fn project_of(branch: &str) -> Option<ProjectId> {
    let mut parts = branch.splitn(4, '_');
    let (tenant, id, uid) = (parts.next()?, parts.next()?, parts.next()?);
    parts.next()?;
    Some(ProjectId { tenant: unescaped(tenant)?, id: unescaped(id)?, uid: unescaped(uid)? })
}

/// Whether a branch of the database is one aside, on which commits are made until refs lead to them.
pub(super) fn is_aside(branch: &str) -> bool {
    branch.contains(encode_scratch(0).trim_end_matches('0'))
}

/// An id with its `_` as `=6` and its capitals as `=x`; ids have no `=`.
fn escaped(id: &str) -> String {
    let mut escaped = String::with_capacity(id.len() + 4);
    for c in id.chars() {
        match c {
            'A'..='Z' => escaped.extend(['=', c.to_ascii_lowercase()]),
            '.' => escaped.push_str("=0"),
            '_' => escaped.push_str("=6"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The id of an escaped one; none if it was not escaped so.
fn unescaped(text: &str) -> Option<String> {
    let mut id = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        id.push(match c {
            '=' => match chars.next()? {
                '0' => '.',
                '6' => '_',
                c @ 'a'..='z' => c.to_ascii_uppercase(),
                _ => return None,
            },
            c => c,
        });
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(tenant: &str, id: &str) -> Prefix {
        Prefix::of(&ProjectId { tenant: tenant.into(), id: id.into(), uid: "u1".into() })
    }

    #[test]
    fn projects_are_told_apart() {
        assert_eq!(prefix("acme", "shop").branch(&BranchName::main()), "acme_shop_u1_main");
        let all = [("a_b", "c"), ("a", "b_c"), ("A", "b_c"), ("a.", "b"), ("a", ".b"), ("a_", "b"), ("a", "_b")];
        let mut seen = std::collections::BTreeSet::new();
        for (tenant, id) in all {
            let prefix = prefix(tenant, id);
            let found = project_of(&prefix.branch(&BranchName::main())).unwrap();
            assert_eq!((found.tenant.as_str(), found.id.as_str(), found.uid.as_str()), (tenant, id, "u1"));
            assert!(seen.insert(prefix.0), "{tenant} {id}");
        }
    }

    #[test]
    fn names_of_a_project_lie_between_its_bounds() {
        let prefix = prefix("acme", "shop");
        let head = CommitHash::from_bytes(&[7; 20]);
        for name in [prefix.branch(&BranchName::main()), prefix.keep(&head), prefix.scratch(3)] {
            assert!(prefix.first() < name.as_str() && name < prefix.end(), "{name}");
        }
        let other = Prefix::of(&ProjectId { tenant: "acme".into(), id: "shop".into(), uid: "u10".into() });
        let name = other.branch(&BranchName::main());
        assert!(!(prefix.first() < name.as_str() && name < prefix.end()));
        assert_eq!(prefix.decode(&name), None);
        assert_eq!(prefix.decode(&prefix.branch(&BranchName::main())), Some(BranchName::main()));
        let names = [prefix.branch(&BranchName::main()), prefix.keep(&head)];
        assert!(names.iter().all(|name| project_of(name).is_some_and(|project| project.uid == "u1")));
        assert!(["main", "acme_shop_main", "a=9_shop_u1_main"].iter().all(|name| project_of(name).is_none()));
        assert_eq!(prefix.decode_keep(&prefix.keep(&head)), Some(head));
        assert!(prefix.is_scratch(&prefix.scratch(3)) && !prefix.is_scratch(&prefix.branch(&BranchName::main())));
    }
}
