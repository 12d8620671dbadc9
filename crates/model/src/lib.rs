//! The data model as data: entity files in, typed definitions out.
//!
//! One TOML file declares one entity (`docs/ENTITY-FILES.md`). This crate loads the files, checks them, and
//! answers what follows from them alone: keys, ids, validation of bodies, wire forms, OpenAPI schemas and what
//! changed between two versions of the model. It does no I/O but reading model files.

mod entity;
mod file;
pub mod id;
mod load;
mod openapi;
mod row;
mod schema;
mod time;
mod validate;

pub use entity::{
    Association, Column, ColumnType, Crud, Entity, IdList, IdRule, JsonSchema, ListAnswer, MergeRule, Method, OnDelete,
    Reference, Scope, Shape, Side, Timestamps, WriteRule,
};
pub use load::{LoadError, Model, ModelFiles};
pub use openapi::{component_schemas, shared_schema, wire_schema};
pub use row::{Key, Row, camel_case};
pub use schema::{ColumnShape, SchemaChange, SchemaDiff, SchemaShape, Severity, TableShape};
pub use time::{before_now, now, timestamp_iso};
pub use validate::{Accepted, FieldError, check_value, decode_create, decode_update, encode};

/// The value of one cell: JSON's own types cover every column type.
pub use serde_json::Value;
