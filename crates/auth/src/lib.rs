//! Who is acting: principals, the admin key and named keys.
//!
//! A key is 256 random bits and is stored as a hash only. This crate tells who presents a key; what that principal may
//! do is decided by its [`Role`].

mod error;
mod keys;
mod principal;
mod secret;

pub use error::{AuthError, AuthResult};
pub use keys::{AdminKey, CreatedKey, Keys, MIN_ADMIN_KEY};
pub use principal::{Principal, PrincipalKind, Role};
pub use secret::Secret;
