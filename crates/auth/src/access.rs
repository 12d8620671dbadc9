//! Who may do what: the one place where it is decided.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How much a request asks for. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Reading.
    View,
    /// Talking to agents.
    Use,
    /// Changing what agents are.
    Edit,
    /// Deciding who may do what.
    Admin,
}

/// What a person is in an organization, which is the tenant of the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrgRole {
    /// One of many: sees that the organization is there.
    Member,
    /// Does everything in it.
    Admin,
    /// Does everything in it.
    Owner,
}

/// What a person is in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProjectRole {
    /// Reads.
    Viewer,
    /// Reads, and talks to agents.
    Member,
    /// Does everything but deleting the project.
    Admin,
}

/// What a key of a project may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyVerb {
    /// Reading.
    Read,
    /// Talking to agents.
    Use,
    /// Changing what agents are.
    Write,
}

/// The names of a role or a verb, as stored and on the wire.
macro_rules! names {
    ($kind:ident, $($variant:ident = $name:literal),+) => {
        impl $kind {
            /// Its name, as stored and on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The one of a name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

names!(Permission, View = "view", Use = "use", Edit = "edit", Admin = "admin");
names!(OrgRole, Owner = "owner", Admin = "admin", Member = "member");
names!(ProjectRole, Admin = "project_admin", Member = "project_member", Viewer = "project_viewer");
names!(KeyVerb, Read = "read", Use = "use", Write = "write");

/// What a principal may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything, in every tenant.
    Everything,
    /// What the roles of a person open.
    Roles(Arc<Roles>),
    /// What a key of a project was made for.
    Key(Arc<KeyScope>),
}

/// What a person is anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// By tenant.
    pub organizations: BTreeMap<String, OrgRole>,
    /// By tenant and project.
    pub projects: BTreeMap<(String, String), ProjectRole>,
}

/// What a key of a project was made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyScope {
    /// The tenant.
    pub tenant: String,
    /// The project.
    pub project: String,
    /// The agent; none: all of the project.
    pub agent: Option<String>,
    /// The branch or tag; none: all of them.
    pub reference: Option<String>,
    /// What it may do.
    pub verbs: BTreeSet<KeyVerb>,
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// The server itself.
    Server,
    /// A tenant, beside its projects.
    Tenant(&'a str),
    /// A project.
    Project {
        /// The tenant.
        tenant: &'a str,
        /// The project.
        project: &'a str,
        /// The agent that it stays within; none where it may reach other ones.
        agent: Option<&'a str>,
        /// The branch, tag or commit that it stays at; none where it may reach other ones.
        reference: Option<&'a str>,
    },
}

/// What is answered to a request, as far as permission goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go ahead.
    Granted,
    /// It is there, and not for this principal.
    Forbidden,
    /// This principal is not to know whether it is there.
    Hidden,
}

/// Decides whether a principal may do something: pure, from what it may reach alone.
pub fn decide(access: &Access, wanted: Permission, target: &Target<'_>) -> Decision {
    match access {
        Access::Everything => Decision::Granted,
        Access::Roles(roles) => decide_by_roles(roles, wanted, target),
        Access::Key(scope) => decide_by_key(scope, wanted, target),
    }
}

fn decide_by_roles(roles: &Roles, wanted: Permission, target: &Target<'_>) -> Decision {
    let most = match target {
        Target::Server => return Decision::Forbidden,
        Target::Tenant(tenant) => roles.most_in_tenant(tenant),
        Target::Project { tenant, project, .. } => roles.most_in_project(tenant, project),
    };
    match most {
        None => Decision::Hidden,
        Some(most) if most >= wanted => Decision::Granted,
        Some(_) => Decision::Forbidden,
    }
}

fn decide_by_key(scope: &KeyScope, wanted: Permission, target: &Target<'_>) -> Decision {
    let &Target::Project { tenant, project, agent, reference } = target else {
        let foreign = matches!(target, Target::Tenant(tenant) if *tenant != scope.tenant);
        return if foreign { Decision::Hidden } else { Decision::Forbidden };
    };
    if (tenant, project) != (&scope.tenant, &scope.project) {
        return Decision::Hidden;
    }
    for (own, asked) in [(&scope.agent, agent), (&scope.reference, reference)] {
        match (own, asked) {
            (Some(_), None) => return Decision::Forbidden,
            (Some(own), Some(asked)) if own != asked => return Decision::Hidden,
            _ => {}
        }
    }
    let verb = match wanted {
        Permission::View => KeyVerb::Read,
        Permission::Use => KeyVerb::Use,
        Permission::Edit => KeyVerb::Write,
        Permission::Admin => return Decision::Forbidden,
    };
    if scope.verbs.contains(&verb) { Decision::Granted } else { Decision::Forbidden }
}

impl Roles {
    /// Whether these are the roles of one who does everything in a tenant.
    pub fn is_admin_of(&self, tenant: &str) -> bool {
        self.organizations.get(tenant).is_some_and(|role| *role >= OrgRole::Admin)
    }

    fn most_in_tenant(&self, tenant: &str) -> Option<Permission> {
        if self.is_admin_of(tenant) {
            return Some(Permission::Admin);
        }
        let belongs = self.organizations.contains_key(tenant) || self.projects.keys().any(|(of, _)| of == tenant);
        belongs.then_some(Permission::View)
    }

    fn most_in_project(&self, tenant: &str, project: &str) -> Option<Permission> {
        if self.is_admin_of(tenant) {
            return Some(Permission::Admin);
        }
        let role = self.projects.get(&(tenant.to_owned(), project.to_owned()))?;
        Some(match role {
            ProjectRole::Viewer => Permission::View,
            ProjectRole::Member => Permission::Use,
            ProjectRole::Admin => Permission::Admin,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Decision::{Forbidden, Granted, Hidden};
    use super::Permission::{Admin, Edit, Use, View};
    use super::*;

    const SHOP: Target<'_> = Target::Project { tenant: "acme", project: "shop", agent: None, reference: None };
    const OTHER: Target<'_> = Target::Project { tenant: "acme", project: "other", agent: None, reference: None };
    const THEIRS: Target<'_> = Target::Project { tenant: "theirs", project: "shop", agent: None, reference: None };
    const PLACES: [Target<'_>; 6] =
        [Target::Server, Target::Tenant("acme"), Target::Tenant("theirs"), SHOP, OTHER, THEIRS];

    fn of(organization: Option<OrgRole>, project: Option<ProjectRole>) -> Access {
        let organizations = organization.map(|role| ("acme".to_owned(), role)).into_iter().collect();
        let projects = project.map(|role| (("acme".to_owned(), "shop".to_owned()), role)).into_iter().collect();
        Access::Roles(Arc::new(Roles { organizations, projects }))
    }

    fn key(agent: Option<&str>, reference: Option<&str>, verbs: &[KeyVerb]) -> Access {
        Access::Key(Arc::new(KeyScope {
            tenant: "acme".into(),
            project: "shop".into(),
            agent: agent.map(str::to_owned),
            reference: reference.map(str::to_owned),
            verbs: verbs.iter().copied().collect(),
        }))
    }

    fn row(access: &Access, wanted: Permission) -> [Decision; 6] {
        PLACES.map(|place| decide(access, wanted, &place))
    }

    /// For each principal and permission what is decided of: the server, tenant acme, tenant theirs, acme's shop,
    /// acme's other project, the other tenant's shop.
    #[test]
    fn who_may_do_what() {
        const ALL: [Decision; 6] = [Granted; 6];
        const ADMIN: [Decision; 6] = [Forbidden, Granted, Hidden, Granted, Granted, Hidden];
        const NOBODY: [Decision; 6] = [Forbidden, Hidden, Hidden, Hidden, Hidden, Hidden];
        let only = |tenant, shop| [Forbidden, tenant, Hidden, shop, Hidden, Hidden];
        let (none, all) = (only(Forbidden, Forbidden), [View, Use, Edit, Admin]);
        let keyed = |shop| [Forbidden, Forbidden, Hidden, shop, Hidden, Hidden];
        let table = [
            ("the admin key", Access::Everything, [ALL; 4]),
            ("nobody", of(None, None), [NOBODY; 4]),
            ("an owner", of(Some(OrgRole::Owner), None), [ADMIN; 4]),
            ("an admin", of(Some(OrgRole::Admin), Some(ProjectRole::Viewer)), [ADMIN; 4]),
            ("a member of no project", of(Some(OrgRole::Member), None), {
                [only(Granted, Hidden), only(Forbidden, Hidden), only(Forbidden, Hidden), only(Forbidden, Hidden)]
            }),
            ("a viewer", of(None, Some(ProjectRole::Viewer)), [only(Granted, Granted), none, none, none]),
            ("a member of the project", of(None, Some(ProjectRole::Member)), {
                [only(Granted, Granted), only(Forbidden, Granted), none, none]
            }),
            ("an admin of the project", of(Some(OrgRole::Member), Some(ProjectRole::Admin)), {
                let rest = only(Forbidden, Granted);
                [only(Granted, Granted), rest, rest, rest]
            }),
            ("a key that reads", key(None, None, &[KeyVerb::Read]), {
                [keyed(Granted), keyed(Forbidden), keyed(Forbidden), keyed(Forbidden)]
            }),
            ("a key that uses and writes", key(None, None, &[KeyVerb::Use, KeyVerb::Write]), {
                [keyed(Forbidden), keyed(Granted), keyed(Granted), keyed(Forbidden)]
            }),
            ("a key without verbs", key(None, None, &[]), [keyed(Forbidden); 4]),
            ("a key of an agent", key(Some("a"), None, &[KeyVerb::Read]), [keyed(Forbidden); 4]),
        ];
        for (who, access, decided) in table {
            assert_eq!(all.map(|wanted| row(&access, wanted)), decided, "{who}");
        }
    }

    #[test]
    fn keys_stay_within_their_agent_and_at_their_ref() {
        let at = |agent, reference| Target::Project { tenant: "acme", project: "shop", agent, reference };
        let of_agent = key(Some("a"), None, &[KeyVerb::Read]);
        let of_ref = key(None, Some("live"), &[KeyVerb::Read]);
        let of_both = key(Some("a"), Some("live"), &[KeyVerb::Read]);
        let table = [
            (at(Some("a"), Some("live")), [Granted, Granted, Granted]),
            (at(Some("a"), Some("main")), [Granted, Hidden, Hidden]),
            (at(Some("b"), Some("live")), [Hidden, Granted, Hidden]),
            (at(Some("a"), None), [Granted, Forbidden, Forbidden]),
            (at(None, Some("live")), [Forbidden, Granted, Forbidden]),
            (at(None, None), [Forbidden, Forbidden, Forbidden]),
        ];
        for (target, decided) in table {
            assert_eq!([&of_agent, &of_ref, &of_both].map(|key| decide(key, View, &target)), decided, "{target:?}");
        }
    }

    #[test]
    fn names_read_back() {
        for role in [OrgRole::Owner, OrgRole::Admin, OrgRole::Member] {
            assert_eq!(OrgRole::parse(role.as_str()), Some(role));
        }
        for role in [ProjectRole::Admin, ProjectRole::Member, ProjectRole::Viewer] {
            assert_eq!(ProjectRole::parse(role.as_str()), Some(role));
        }
        assert_eq!((OrgRole::parse("Owner"), KeyVerb::parse("admin")), (None, None));
    }
}
