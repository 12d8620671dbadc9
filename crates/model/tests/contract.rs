//! The built-in model says what the contract's tables say, but for differences that are meant.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use understory_model::{Column, ColumnType, Entity, Model, OnDelete, Scope, WriteRule};

const CONTRACT: &str = include_str!("../../testkit/contract/manage-schema.json");

const SCOPED: &str = "a reference stays inside its project: the contract's looks at the id alone, across tenants";
const NO_DANGLING: &str = "the contract has no such foreign key and keeps relations of deleted sub-agents";

/// Differences that are meant: entity, what differs (as a finding says it), why.
const DELIBERATE: &[(&str, &str, &str)] = &[
    ("external_agent", "no reference (credential_reference_id) -> credential_references(id) set_null", SCOPED),
    (
        "external_agent",
        "own reference (tenant_id, project_id, credential_reference_id) -> \
         credential_references(tenant_id, project_id, id) set_null",
        SCOPED,
    ),
    ("tool", "no reference (credential_reference_id) -> credential_references(id) set_null", SCOPED),
    (
        "tool",
        "own reference (tenant_id, project_id, credential_reference_id) -> \
         credential_references(tenant_id, project_id, id) set_null",
        SCOPED,
    ),
    ("trigger", "no reference (signing_secret_credential_reference_id) -> credential_references(id) set_null", SCOPED),
    (
        "trigger",
        "own reference (tenant_id, project_id, signing_secret_credential_reference_id) -> \
         credential_references(tenant_id, project_id, id) set_null",
        SCOPED,
    ),
    (
        "sub_agent_relation",
        "own reference (tenant_id, project_id, agent_id, source_sub_agent_id) -> \
         sub_agents(tenant_id, project_id, agent_id, id) cascade",
        NO_DANGLING,
    ),
    (
        "sub_agent_relation",
        "own reference (tenant_id, project_id, agent_id, target_sub_agent_id) -> \
         sub_agents(tenant_id, project_id, agent_id, id) cascade",
        NO_DANGLING,
    ),
    (
        "trigger",
        "signature_verification: default none, the contract's is 'null'::jsonb",
        "a JSON null and an SQL null are one value here",
    ),
    ("agent", "own column metadata", "agents of `/api` have an owner, capabilities and settings that no column holds"),
];

#[derive(Deserialize)]
struct Table {
    table: String,
    scope: String,
    columns: Vec<TableColumn>,
    primary_key: Vec<String>,
    foreign_keys: Vec<ForeignKey>,
    unique: Vec<Unique>,
    checks: Vec<Value>,
}

#[derive(Deserialize)]
struct TableColumn {
    name: String,
    #[serde(rename = "type")]
    ty: String,
    nullable: bool,
    default: Value,
}

#[derive(Deserialize)]
struct ForeignKey {
    columns: Vec<String>,
    ref_table: String,
    ref_columns: Vec<String>,
    on_delete: String,
}

#[derive(Deserialize)]
struct Unique {
    columns: Vec<String>,
}

#[test]
fn the_model_agrees_with_the_contract() {
    let model = Model::built_in().unwrap_or_else(|error| panic!("{error}"));
    let tables: Vec<Table> = serde_json::from_str(CONTRACT).unwrap();
    assert_eq!(tables.len(), 40);
    let mut findings = BTreeSet::new();
    for table in &tables {
        match model.entity_of_table(&table.table) {
            None => _ = findings.insert((table.table.clone(), "no entity has this table".to_owned())),
            Some(entity) => {
                findings.extend(compare(&model, entity, table).into_iter().map(|what| (entity.name.clone(), what)));
            }
        }
    }
    let meant: BTreeSet<(String, String)> =
        DELIBERATE.iter().map(|(entity, what, _)| ((*entity).to_owned(), (*what).to_owned())).collect();
    let unmeant: Vec<_> = findings.difference(&meant).collect();
    assert!(unmeant.is_empty(), "differs from the contract without a listed reason: {unmeant:#?}");
    let gone: Vec<_> = meant.difference(&findings).collect();
    assert!(gone.is_empty(), "listed in DELIBERATE, but no difference any more: {gone:#?}");
    assert!(DELIBERATE.iter().all(|(_, _, reason)| !reason.is_empty()));
}

/// What an entity and its table say differently.
fn compare(model: &Model, entity: &Entity, table: &Table) -> Vec<String> {
    let mut findings = Vec::new();
    let scope = match entity.scope {
        Scope::Global => "global",
        Scope::Tenant => "tenant",
        Scope::Project => "project",
        Scope::Agent => "agent",
        Scope::SubAgent => "sub-agent",
    };
    if scope != table.scope {
        findings.push(format!("scope {scope}, the contract's is {}", table.scope));
    }
    if entity.key != table.primary_key {
        findings.push(format!("key {:?}, the contract's is {:?}", entity.key, table.primary_key));
    }
    if !table.checks.is_empty() {
        findings.push("the contract has check constraints, which this test does not know".into());
    }
    for expected in &table.columns {
        match entity.column(&expected.name) {
            None => findings.push(format!("no column {}", expected.name)),
            Some(column) => findings.extend(compare_column(column, expected)),
        }
    }
    let own = entity.columns.iter().filter(|column| table.columns.iter().all(|c| c.name != column.name));
    findings.extend(own.map(|column| format!("own column {}", column.name)));
    sets("reference", &references(model, entity), &foreign_keys(table), &mut findings);
    sets("unique", &uniques(&entity.unique), &uniques(table.unique.iter().map(|u| &u.columns)), &mut findings);
    findings
}

fn compare_column(column: &Column, expected: &TableColumn) -> Vec<String> {
    let mut findings = Vec::new();
    let name = &column.name;
    if sql_type(column.ty) != expected.ty {
        findings.push(format!("{name}: type {}, the contract's is {}", sql_type(column.ty), expected.ty));
    }
    if column.optional != expected.nullable {
        findings.push(format!("{name}: optional = {}, in the contract {}", column.optional, expected.nullable));
    }
    let is_now = expected.default == "now()";
    if is_now && column.write != WriteRule::Never {
        findings.push(format!("{name}: must be the server's own, as the contract fills in now()"));
    }
    let wanted = if is_now { None } else { default_value(&expected.default) };
    if column.default != wanted {
        let own = column.default.as_ref().map_or("none".to_owned(), Value::to_string);
        let theirs = expected.default.as_str().map_or_else(|| expected.default.to_string(), str::to_owned);
        findings.push(format!("{name}: default {own}, the contract's is {theirs}"));
    }
    findings
}

/// The type as the contract writes it.
fn sql_type(ty: ColumnType) -> String {
    match ty {
        ColumnType::String(max) | ColumnType::Id(max) => format!("varchar({max})"),
        ColumnType::Text => "text".into(),
        ColumnType::Integer => "integer".into(),
        ColumnType::Number => "double precision".into(),
        ColumnType::Numeric => "numeric".into(),
        ColumnType::Boolean => "boolean".into(),
        ColumnType::Json => "jsonb".into(),
        ColumnType::Timestamp => "timestamp".into(),
        ColumnType::TimestampTz => "timestamp with time zone".into(),
    }
}

/// The value of a default written as SQL: `'classic'`, `'{"a":1}'::jsonb`, `0`, or JSON's own true and false.
fn default_value(written: &Value) -> Option<Value> {
    let Some(sql) = written.as_str() else { return (!written.is_null()).then(|| written.clone()) };
    let quoted = |text: &str| text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).map(str::to_owned);
    let value = match sql.strip_suffix("::jsonb") {
        Some(json) => quoted(json).and_then(|json| serde_json::from_str(&json).ok()),
        None => quoted(sql).map(Value::from).or_else(|| serde_json::from_str(sql).ok()),
    };
    Some(value.unwrap_or_else(|| panic!("unknown form of default: {sql}")))
}

fn references(model: &Model, entity: &Entity) -> BTreeSet<String> {
    let reference = |reference: &understory_model::Reference| {
        let target = model.entity(&reference.entity).unwrap();
        let on_delete = match reference.on_delete {
            OnDelete::Cascade => "cascade",
            OnDelete::SetNull => "set_null",
            OnDelete::Restrict => "restrict",
        };
        describe(&reference.columns, &target.table, &target.key, on_delete)
    };
    entity.references.iter().map(reference).collect()
}

fn foreign_keys(table: &Table) -> BTreeSet<String> {
    let key =
        |key: &ForeignKey| describe(&key.columns, &key.ref_table, &key.ref_columns, &key.on_delete.replace(' ', "_"));
    table.foreign_keys.iter().map(key).collect()
}

fn describe(columns: &[String], table: &str, key: &[String], on_delete: &str) -> String {
    format!("({}) -> {table}({}) {on_delete}", columns.join(", "), key.join(", "))
}

/// Unique sets without the columns that are the same within one project, where the model's always hold.
fn uniques<'a>(sets: impl IntoIterator<Item = &'a Vec<String>>) -> BTreeSet<String> {
    let own = |columns: &Vec<String>| {
        let own = columns.iter().filter(|name| !matches!(name.as_str(), "tenant_id" | "project_id"));
        own.cloned().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" + ")
    };
    sets.into_iter().map(own).collect()
}

fn sets(what: &str, own: &BTreeSet<String>, theirs: &BTreeSet<String>, findings: &mut Vec<String>) {
    findings.extend(theirs.difference(own).map(|missing| format!("no {what} {missing}")));
    findings.extend(own.difference(theirs).map(|extra| format!("own {what} {extra}")));
}
