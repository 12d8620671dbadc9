//! What tests share: the in-memory store, sample rows, and suites that every engine passes.
//!
//! `conformance` holds one function per law of [`understory_manage::ConfigStore`], `runtime_conformance` those of
//! [`understory_runtime::RuntimeStore`]; `properties` holds laws of drafts, merges and stores that are tried on random
//! projects.

pub mod conformance;
pub mod contract;
pub mod differential;
pub mod doltgres;
pub mod faults;
mod memory;
pub mod properties;
pub mod proxy;
pub mod runtime_conformance;
pub mod samples;
pub mod server;
pub mod servers;
pub mod sockets;

pub use memory::Memory;
