//! What a store does while its network or its server fails.

mod operations;
mod scene;
mod trial;

pub use operations::Operation;
pub use scene::{Scene, State};
pub use trial::{Network, Trial, try_all};
