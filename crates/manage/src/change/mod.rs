//! Changes to a snapshot: made in a [`Draft`], checked by the model's laws, carried by a [`ChangeSet`].

mod change_set;
mod diff;
mod draft;
mod laws;
mod restore;

pub use change_set::{Change, ChangeSet};
pub use diff::{DiffKind, RowDiff, changed_rows, diff, diff_with_timestamps};
pub(crate) use diff::{differing, is_timestamp, kind_of, same_row};
pub use draft::{Draft, Edits};
pub(crate) use laws::{View, target_key};
pub use laws::{Violation, check, settle};
pub use restore::restored;
