use std::fmt;

/// Who is acting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Its id: that of the key, or `system`.
    pub id: String,
    /// Its name, as commits show it.
    pub name: String,
    /// What sort it is.
    pub kind: PrincipalKind,
    /// What it may do.
    pub role: Role,
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
}

/// What a principal may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything, in every tenant.
    Admin,
}

const SYSTEM: &str = "system";
const PROGRAM: &str = "understory";
const LOCAL: &str = "@localhost";

impl Principal {
    /// The principal of the admin key.
    pub fn system() -> Self {
        Self { id: SYSTEM.into(), name: SYSTEM.into(), kind: PrincipalKind::System, role: Role::Admin }
    }

    /// The principal of this run's session key. Its commits are the admin key's.
    pub fn session() -> Self {
        Self { kind: PrincipalKind::Session, ..Self::system() }
    }

    /// The address that stands beside the name in commits, different for different principals.
    ///
    /// A name that is an address stands for itself, unless it ends like those made here: so no two names meet.
    pub fn email(&self) -> String {
        match self.name.split_once('@') {
            Some((user, host)) if is_address(user, host) && !self.name.ends_with(LOCAL) => self.name.clone(),
            _ => format!("{}{LOCAL}", self.name),
        }
    }
}

fn is_address(user: &str, host: &str) -> bool {
    !user.is_empty() && !host.is_empty() && !host.contains('@')
}

/// Whether a key may have this name: commits by it must not look like the program's own.
pub(crate) fn is_key_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    let reserved = [SYSTEM, PROGRAM].iter().any(|reserved| name.eq_ignore_ascii_case(reserved));
    (1..=64).contains(&name.len()) && name.chars().all(allowed) && !reserved
}

impl Role {
    /// The role as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }

    /// Reads a stored role.
    pub fn parse(text: &str) -> Option<Self> {
        (text == Self::Admin.as_str()).then_some(Self::Admin)
    }
}

impl fmt::Display for Role {
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
    }

    proptest! {
        #[test]
        fn two_names_never_share_an_address(a in "[ab@.]{1,8}(@localhost)?", b in "[ab@.]{1,8}(@localhost)?") {
            prop_assert_eq!(a == b, email(&a) == email(&b));
        }
    }
}
