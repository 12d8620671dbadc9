//! What tests share: the in-memory store, sample rows, and suites that every engine passes.
//!
//! `conformance` holds one function per law of [`understory_manage::ConfigStore`]; `properties` holds laws of drafts,
//! merges and stores that are tried on random projects.

pub mod conformance;
pub mod contract;
mod memory;
pub mod properties;
pub mod samples;
pub mod server;

pub use memory::Memory;
