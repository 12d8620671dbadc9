//! The routes that an entity file declares.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A CRUD operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `GET path`
    List,
    /// `POST path`
    Create,
    /// `GET path/{id}`
    Get,
    /// `PATCH path/{id}`, and `PUT` as its twin
    Update,
    /// `DELETE path/{id}`
    Delete,
}

/// CRUD routes of an entity.
#[derive(Debug, Clone)]
pub struct Crud {
    /// Full path of the collection under the mount, with wire-named placeholders.
    pub path: String,
    /// Full path of the list.
    pub list_path: String,
    /// Placeholder of the id.
    pub id_param: String,
    /// Placeholder name to column, for every placeholder of the paths.
    pub bind: BTreeMap<String, String>,
    /// Columns accepted as list filters.
    pub filters: Vec<String>,
    /// Whether the list takes `page` and `limit`.
    pub paged: bool,
    /// Whether `POST path/bulk` exists.
    pub bulk: bool,
    /// Operations served.
    pub methods: Vec<Method>,
}

/// How association routes look (see `docs/ENTITY-FILES.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Create by body; list by either side, exists and delete by pair.
    Pair,
    /// A collection below the left row.
    Nested,
    /// A set of plain values below the left row.
    Set,
    /// Only the list by the right side, beside CRUD.
    ByRight,
}

/// One side of an association.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// The relation's column.
    pub column: String,
    /// Path segment before its placeholder.
    #[serde(default)]
    pub segment: String,
    /// Last path segment of the list of the other side.
    #[serde(default)]
    pub list: String,
    /// Placeholder, where it is not the column's wire name.
    #[serde(default)]
    pub param: String,
}

/// Association routes of a relation.
#[derive(Debug, Clone)]
pub struct Association {
    /// Which routes there are.
    pub shape: Shape,
    /// Full path under the mount.
    pub path: String,
    /// Placeholder name to column, for every placeholder.
    pub bind: BTreeMap<String, String>,
    /// The side the rows hang under.
    pub left: Side,
    /// The side they point to.
    pub right: Side,
    /// Relation columns added to rows of the list by the left side.
    pub with: Vec<String>,
    /// `exists` or `by_right`, where those routes are not served.
    pub omit: Vec<String>,
    /// Whether a deletion answers 204 with no body.
    pub removed_empty: bool,
    /// Whether answers are bare, without `data`.
    pub bare: bool,
}

/// The placeholders of a path, in order.
pub(crate) fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}
