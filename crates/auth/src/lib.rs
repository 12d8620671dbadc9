//! Who is acting, and what they may do: principals, keys, people and their sessions.
//!
//! A key is 256 random bits and is stored as a hash only; a password is stored as a slow hash. This crate tells who
//! presents a key, a token or a password, and [`decide`] says what that principal may do.

mod access;
mod api_keys;
mod details;
mod error;
mod failures;
mod gate;
mod keys;
mod known;
mod limits;
mod origin;
mod password;
mod people;
mod principal;
mod secret;
mod session;
mod session_token;
mod signing;
mod token;

pub use access::{Access, Decision, KeyScope, KeyVerb, OrgRole, Permission, ProjectRole, Roles, Target, decide};
pub use api_keys::{ApiKeys, KeyRequest};
pub use details::{PersonChange, PersonDetails};
pub use error::{AuthError, AuthResult};
pub use gate::Gate;
pub use keys::{AdminKey, CreatedKey, Keys, MIN_ADMIN_KEY};
pub use limits::{Limits, Rate};
pub use origin::Origin;
pub use people::{NewPerson, People, PeopleSettings, Registration};
pub use principal::{Principal, PrincipalKind, ServerRole};
pub use secret::Secret;
pub use session::SignIn;
