//! What a request asks for, and whether it is granted.

use understory_auth::{Decision, Permission, Principal, Target, decide};

use crate::{Error, Result};

/// What is wanted of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How much.
    pub permission: Permission,
    /// The agent that it stays within; none where it may reach other ones.
    pub agent: Option<String>,
    /// The ref that it stays at; none where it may reach other ones.
    pub reference: Option<String>,
}

impl Wanted {
    /// What it is about, in a project.
    pub fn target<'a>(&'a self, tenant: &'a str, project: &'a str) -> Target<'a> {
        Target::Project { tenant, project, agent: self.agent.as_deref(), reference: self.reference.as_deref() }
    }
}

impl From<Permission> for Wanted {
    /// Of all of the project.
    fn from(permission: Permission) -> Self {
        Self { permission, agent: None, reference: None }
    }
}

impl From<&Self> for Wanted {
    fn from(wanted: &Self) -> Self {
        wanted.clone()
    }
}

/// Lets a principal go on, or says that it may not: what it may not know of is not found, what it may know of is
/// forbidden.
pub fn authorize(principal: &Principal, permission: Permission, target: &Target<'_>) -> Result<()> {
    match (decide(&principal.access, permission, target), target) {
        (Decision::Granted, _) => Ok(()),
        (_, Target::Server) => Err(Error::Forbidden("only who runs the server may do this".into())),
        (Decision::Hidden, Target::Tenant(tenant)) => Err(Error::not_found("Tenant", *tenant)),
        (Decision::Hidden, Target::Project { project, .. }) => Err(Error::not_found("Project", *project)),
        (Decision::Forbidden, Target::Tenant(tenant)) => Err(forbidden(permission, "tenant", tenant)),
        (Decision::Forbidden, Target::Project { project, .. }) => Err(forbidden(permission, "project", project)),
    }
}

fn forbidden(permission: Permission, what: &str, id: &str) -> Error {
    Error::Forbidden(format!("this needs the permission '{}' in {what} '{id}'", permission.as_str()))
}
