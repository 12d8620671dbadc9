//! Changes to a snapshot: made in a [`Draft`], checked by the model's laws, carried by a [`ChangeSet`].

mod change_set;
mod draft;
mod laws;

pub use change_set::{Change, ChangeSet};
pub use draft::{Draft, Edits};
pub use laws::{Violation, check, settle};
