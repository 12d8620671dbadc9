//! The data model as data: entity files in, typed definitions out.
//!
//! One TOML file declares one entity (`docs/ENTITY-FILES.md`). This crate loads the files, checks them, and
//! answers what follows from them alone: keys, ids, validation of bodies, wire forms, OpenAPI schemas and what
//! changed between two versions of the model. It does no I/O but reading model files.

mod build;
mod check;
mod column;
mod entity;
mod error;
mod file;
mod files;
pub mod id;
mod load;
mod openapi;
mod resolve;
mod routes;
mod row;
mod schema;
mod time;
mod validate;

pub use check::{FieldError, check_value};
pub use column::{Column, ColumnType, JsonSchema, MergeRule, WriteRule};
pub use entity::{Entity, IdList, IdRule, ListAnswer, OnDelete, Reference, Scope, Timestamps};
pub use error::LoadError;
pub use files::ModelFiles;
pub use load::Model;
pub use openapi::{component_schemas, shared_schema, wire_schema};
pub use routes::{Association, Crud, Method, Shape, Side};
pub use row::{Key, Row, camel_case};
pub use schema::{ColumnShape, SchemaChange, SchemaDiff, SchemaShape, Severity, TableShape};
pub use time::{Clock, age, before_now, from_now, now, stored_time, timestamp_iso, until};
pub use validate::{Accepted, decode_create, decode_update, encode};

/// The value of one cell: JSON's own types cover every column type.
pub use serde_json::Value;
