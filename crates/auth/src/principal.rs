use std::fmt;
use std::sync::Arc;

use crate::access::Access;

/// Who is acting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Its id: that of the person or the key, or `system`.
    pub id: String,
    /// Its name, as commits show it.
    pub name: String,
    /// What sort it is.
    pub kind: PrincipalKind,
    /// What it may reach.
    pub access: Access,
    /// The session that a person acts in.
    pub session: Option<String>,
    /// The project of the home tenant that is a person's own.
    pub project: Option<String>,
}

/// What sort of principal one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// Whoever holds the admin key.
    System,
    /// Commands on the server's own machine, by the same user: they may name paths there.
    Session,
    /// Whoever holds a named key.
    Key,
    /// A person who is signed in.
    User,
    /// Whoever holds a key of a project.
    ApiKey,
}

/// What the holder of a named key, or a person, is on the whole server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerRole {
    /// One who does everything, in every tenant.
    Admin,
    /// One of many: what they may do depends on what they are in organizations and projects.
    User,
}

const SYSTEM: &str = "system";
const PROGRAM: &str = "understory";
const LOCAL: &str = "localhost";

impl Principal {
    /// The principal of the admin key.
    pub fn system() -> Self {
        Self {
            id: SYSTEM.into(),
            name: SYSTEM.into(),
            kind: PrincipalKind::System,
            access: Access::Everything,
            session: None,
            project: None,
        }
    }

    /// The principal of this run's session key. Its commits are the admin key's.
    pub fn session() -> Self {
        Self { kind: PrincipalKind::Session, ..Self::system() }
    }

    /// A person in whose name the program does what is theirs: it may reach nothing by itself.
    pub fn person(id: &str, username: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: username.to_owned(),
            kind: PrincipalKind::User,
            access: Access::Roles(Arc::default()),
            session: None,
            project: None,
        }
    }

    /// The address that stands beside the name in commits, different for different principals.
    ///
    /// People and keys of projects choose their names, and addresses of people are not proved: theirs have their ids
    /// instead. The name of a named key that is an address stands for itself, unless it ends like those made here: so
    /// no two meet.
    pub fn email(&self) -> String {
        match (self.kind, self.name.split_once('@')) {
            (PrincipalKind::User, _) => format!("{}@users.{LOCAL}", self.id),
            (PrincipalKind::ApiKey, _) => format!("{}@keys.{LOCAL}", self.id),
            (_, Some((user, host))) if is_address(user, host) => self.name.clone(),
            _ => format!("{}@{LOCAL}", self.name),
        }
    }
}

fn is_address(user: &str, host: &str) -> bool {
    let made_here = host == LOCAL || host.ends_with(".localhost");
    !user.is_empty() && !host.is_empty() && !host.contains('@') && !made_here
}

/// Whether a key may have this name: commits by it must not look like the program's own.
pub(crate) fn is_key_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    (1..=64).contains(&name.len()) && name.chars().all(allowed) && !is_reserved(name)
}

/// Whether a name is the program's own.
pub(crate) fn is_reserved(name: &str) -> bool {
    [SYSTEM, PROGRAM].iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
}

impl ServerRole {
    /// The role as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }

    /// Reads a stored role.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Admin, Self::User].into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for ServerRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn email(name: &str) -> String {
        Principal { name: name.into(), kind: PrincipalKind::Key, ..Principal::system() }.email()
    }

    #[test]
    fn names_of_keys() {
        for good in ["a", "ci-bot", "ana.b@example.com", "X_1", &"a".repeat(64)] {
            assert!(is_key_name(good), "{good}");
        }
        for bad in ["", "a b", "ä", "a<b", "system", "System", "understory", "a\n", &"a".repeat(65)] {
            assert!(!is_key_name(bad), "{bad}");
        }
    }

    #[test]
    fn addresses_of_principals() {
        assert_eq!(email("system"), "system@localhost");
        assert_eq!(email("ana@example.com"), "ana@example.com");
        assert_eq!(email("system@localhost"), "system@localhost@localhost");
        assert_eq!(email("@"), "@@localhost");
        assert_eq!(email("ana@users.localhost"), "ana@users.localhost@localhost");
        let ana = Principal { id: "1".into(), name: "ana".into(), kind: PrincipalKind::User, ..Principal::system() };
        assert_eq!(ana.email(), "1@users.localhost");
    }

    proptest! {
        #[test]
        fn two_names_never_share_an_address(a in "[ab@.]{1,8}(@(users.)?localhost)?", b in "[ab@.]{1,8}(@(users.)?localhost)?") {
            prop_assert_eq!(a == b, email(&a) == email(&b));
        }
    }
}
