//! The TOML form of an entity, as people write it. `build.rs` turns it into an [`crate::Entity`].

use indexmap::IndexMap;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntityFile {
    pub entity: String,
    pub doc: String,
    pub scope: crate::Scope,
    pub table: Option<String>,
    pub key: Option<Vec<String>>,
    #[serde(default = "yes")]
    pub parent: bool,
    pub schema: Option<String>,
    pub tag: Option<String>,
    #[serde(default, rename = "use")]
    pub bundles: Vec<String>,
    #[serde(default)]
    pub timestamps: TimestampsFile,
    #[serde(default)]
    pub id: IdFile,
    pub id_max: Option<u32>,
    pub id_pattern: Option<String>,
    #[serde(default)]
    pub unique: Vec<Vec<String>>,
    #[serde(default)]
    pub index: Vec<Vec<String>>,
    pub duplicate: Option<u16>,
    pub path: Option<String>,
    pub under: Option<crate::Scope>,
    pub list_path: Option<String>,
    pub id_param: Option<String>,
    #[serde(default)]
    pub bind: IndexMap<String, String>,
    #[serde(default)]
    pub filters: Vec<String>,
    #[serde(default = "yes")]
    pub paged: bool,
    #[serde(default)]
    pub bulk: bool,
    pub methods: Option<Vec<crate::Method>>,
    #[serde(default)]
    pub expose: Vec<String>,
    #[serde(default)]
    pub columns: IndexMap<String, ColumnFile>,
    #[serde(default)]
    pub lists: IndexMap<String, ListFile>,
    pub association: Option<AssociationFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListFile {
    pub relation: String,
    pub column: String,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub write: crate::WriteRule,
    #[serde(default)]
    pub answer: crate::ListAnswer,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum TimestampsFile {
    Switch(bool),
    Named(String),
}

impl Default for TimestampsFile {
    fn default() -> Self {
        Self::Switch(true)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum IdFile {
    Rule(String),
    Derived(Vec<String>),
}

impl Default for IdFile {
    fn default() -> Self {
        Self::Rule("optional".into())
    }
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColumnFile {
    #[serde(rename = "type")]
    pub ty: Option<String>,
    #[serde(default)]
    pub doc: String,
    #[serde(default)]
    pub optional: bool,
    pub default: Option<toml::Value>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub max_input: Option<u32>,
    pub pattern: Option<String>,
    #[serde(rename = "enum")]
    pub choices: Option<Vec<String>>,
    pub format: Option<String>,
    pub schema: Option<String>,
    pub references: Option<String>,
    pub on_delete: Option<crate::OnDelete>,
    pub merge: Option<crate::MergeRule>,
    #[serde(default)]
    pub write: crate::WriteRule,
    #[serde(default)]
    pub hidden: bool,
    pub was: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssociationFile {
    pub shape: crate::Shape,
    pub path: Option<String>,
    pub under: Option<crate::Scope>,
    pub left: Option<crate::Side>,
    pub right: crate::Side,
    #[serde(default)]
    pub with: Vec<String>,
    #[serde(default)]
    pub omit: Vec<String>,
    #[serde(default)]
    pub removed: Option<String>,
    #[serde(default)]
    pub bare: bool,
}
