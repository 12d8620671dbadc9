use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::{Key, Row};

/// How deep an entity's rows hang: it gives the key columns, the path base and the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Belongs to nobody: runtime entities only.
    Global,
    /// Belongs to a tenant.
    Tenant,
    /// Belongs to a project.
    Project,
    /// Belongs to an agent of a project.
    Agent,
    /// Belongs to a sub-agent of an agent.
    SubAgent,
}

impl Scope {
    /// The columns that name the scope, outermost first.
    pub fn columns(self) -> &'static [&'static str] {
        const ALL: [&str; 4] = ["tenant_id", "project_id", "agent_id", "sub_agent_id"];
        &ALL[..self as usize]
    }

    /// The path all routes of this scope begin with, under the mount.
    pub fn base(self) -> &'static str {
        match self {
            Self::Global => "",
            Self::Tenant => "/tenants/{tenantId}",
            Self::Project => "/tenants/{tenantId}/projects/{projectId}",
            Self::Agent => "/tenants/{tenantId}/projects/{projectId}/agents/{agentId}",
            Self::SubAgent => "/tenants/{tenantId}/projects/{projectId}/agents/{agentId}/sub-agents/{subAgentId}",
        }
    }

    /// The entity whose row is the parent of rows in this scope.
    pub fn parent(self) -> Option<&'static str> {
        match self {
            Self::Global | Self::Tenant => None,
            Self::Project => Some("project"),
            Self::Agent => Some("agent"),
            Self::SubAgent => Some("sub_agent"),
        }
    }
}

/// One entity of the model: a table, its laws and its routes.
#[derive(Debug)]
pub struct Entity {
    /// Singular snake_case name, unique in the model.
    pub name: String,
    /// One sentence.
    pub doc: String,
    /// Scope of its rows.
    pub scope: Scope,
    /// Table name.
    pub table: String,
    /// Primary key columns, tenant first.
    pub key: Vec<String>,
    /// All columns: scope, id, declared, timestamps.
    pub columns: Vec<Column>,
    /// References to other rows, the parent's first.
    pub references: Vec<Reference>,
    /// Sets of columns that no two rows of one branch share.
    pub unique: Vec<Vec<String>>,
    /// Sets of columns to index (runtime tables only).
    pub indexes: Vec<Vec<String>>,
    /// Lists of ids that bodies carry and relation rows hold.
    pub lists: Vec<IdList>,
    /// Where a row's id comes from.
    pub id: IdRule,
    /// Status answered when a create meets an existing key or unique value.
    pub duplicate: u16,
    /// Which timestamps rows carry.
    pub timestamps: Timestamps,
    /// OpenAPI component name.
    pub schema: String,
    /// OpenAPI tag.
    pub tag: String,
    /// Scope columns that answers carry all the same.
    pub expose: Vec<String>,
    /// CRUD routes, if it has any.
    pub crud: Option<Crud>,
    /// Association routes, if it is a relation with any.
    pub association: Option<Association>,
}

impl Entity {
    /// The definition of a column.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The key of a row of this entity.
    pub fn key_of(&self, row: &Row) -> Key {
        Key::new(self.key.iter().map(|column| row.text(column).unwrap_or_default()))
    }

    /// A row holding just the key columns.
    pub fn key_row(&self, key: &Key) -> Row {
        self.key.iter().zip(key.parts()).map(|(column, part)| (column.clone(), Value::from(part.as_str()))).collect()
    }

    /// The name in words, for messages: `sub agent`.
    pub fn title(&self) -> String {
        self.name.replace('_', " ")
    }

    /// Whether a column is one of the scope's.
    pub fn is_scope_column(&self, column: &str) -> bool {
        self.scope.columns().contains(&column)
    }
}

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    /// snake_case name in tables.
    pub name: String,
    /// camelCase name on the wire.
    pub wire: String,
    /// Type with its length.
    pub ty: ColumnType,
    /// One sentence.
    pub doc: String,
    /// May be null.
    pub optional: bool,
    /// Value filled in when a create leaves the column out.
    pub default: Option<Value>,
    /// Least length or value.
    pub min: Option<f64>,
    /// Greatest value, or greatest length accepted from clients.
    pub max: Option<f64>,
    /// Regular expression that text must match.
    pub pattern: Option<Pattern>,
    /// The only texts allowed.
    pub choices: Option<Vec<String>>,
    /// `uri`, or none.
    pub format: Option<String>,
    /// JSON Schema of a JSON column.
    pub schema: Option<Arc<JsonSchema>>,
    /// How two edits of this column meet in a merge.
    pub merge: MergeRule,
    /// Who may write it.
    pub write: WriteRule,
    /// Left out of answers.
    pub hidden: bool,
    /// Its earlier name.
    pub was: Option<String>,
}

/// A compiled regular expression that remembers its text.
#[derive(Clone)]
pub struct Pattern {
    /// As written in the file.
    pub text: String,
    pub(crate) validator: Arc<jsonschema::Validator>,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A compiled JSON Schema with its source.
pub struct JsonSchema {
    /// File name without `.json`.
    pub name: String,
    /// The schema itself.
    pub source: Value,
    pub(crate) validator: jsonschema::Validator,
}

impl fmt::Debug for JsonSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Text of at most this many characters.
    String(u32),
    /// Another row's id, of at most this many characters.
    Id(u32),
    /// Text of any length.
    Text,
    /// 32-bit integer.
    Integer,
    /// Double precision.
    Number,
    /// Decimal.
    Numeric,
    /// True or false.
    Boolean,
    /// Any JSON value but null.
    Json,
    /// UTC time without zone, `YYYY-MM-DD HH:MM:SS.mmm`.
    Timestamp,
    /// Time with zone.
    TimestampTz,
}

impl ColumnType {
    /// The greatest length of its text, if it has one.
    pub fn max_length(self) -> Option<u32> {
        match self {
            Self::String(max) | Self::Id(max) => Some(max),
            _ => None,
        }
    }
}

/// A rule that a row's columns name an existing row of another entity.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The entity referred to.
    pub entity: String,
    /// This row's columns, in the order of the target's key.
    pub columns: Vec<String>,
    /// The declared column that carries the reference; the last of `columns`.
    pub column: String,
    /// What happens to this row when the target goes.
    pub on_delete: OnDelete,
    /// Whether the scope implies it.
    pub parent: bool,
}

/// What happens to a referring row when its target is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// It goes too.
    Cascade,
    /// Its column becomes null.
    SetNull,
    /// The deletion is refused.
    Restrict,
}

/// How two edits of one column meet in a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeRule {
    /// Different values conflict.
    Cell,
    /// By key, recursively; arrays of objects with ids by id.
    Json,
    /// By line.
    Lines,
    /// An array as a set.
    Set,
    /// The greater value wins.
    Newer,
}

/// Who may write a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteRule {
    /// Clients, at any time.
    #[default]
    Always,
    /// Clients, on create.
    Create,
    /// The server alone.
    Never,
}

/// Where a row's id comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdRule {
    /// The client must send it.
    Given,
    /// The client may send it, else the server makes one.
    Optional,
    /// The server makes it.
    Made,
    /// Derived from these columns.
    Derived(Vec<String>),
    /// The key has no id.
    None,
}

/// Which timestamps rows carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// `created_at` and `updated_at`.
    Both,
    /// `created_at` only.
    Created,
    /// None.
    None,
}

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

/// A list of ids that bodies and answers of an entity carry while the rows of a relation hold it.
#[derive(Debug, Clone)]
pub struct IdList {
    /// snake_case name; bodies use the camelCase of it.
    pub name: String,
    /// The relation entity.
    pub relation: String,
    /// The relation's column with the ids.
    pub column: String,
    /// The relation's column that refers to this entity.
    pub own: String,
    /// A create needs at least one id.
    pub required: bool,
    /// Who may write it.
    pub write: WriteRule,
    /// Which answers carry it.
    pub answer: ListAnswer,
}

/// Which answers carry a list of ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListAnswer {
    /// All.
    #[default]
    Always,
    /// Only those to a read of one row.
    Get,
    /// None.
    Never,
}
