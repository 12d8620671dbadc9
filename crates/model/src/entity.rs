//! An entity as the rest of the program sees it: a table, its laws and its routes.

use serde::Deserialize;
use serde_json::Value;

use crate::{Association, Column, Crud, Key, Row, WriteRule};

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

    /// Whether answers carry a column: paths have the scope's already.
    pub fn shows(&self, column: &Column) -> bool {
        !column.hidden && (!self.is_scope_column(&column.name) || self.expose.contains(&column.name))
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

/// A list of ids that bodies and answers of an entity carry while the rows of a relation hold it.
#[derive(Debug, Clone)]
pub struct IdList {
    /// snake_case name.
    pub name: String,
    /// camelCase name on the wire.
    pub wire: String,
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
