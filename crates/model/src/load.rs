//! The model: all entities, loaded, checked and resolved.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::build::build_entity;
use crate::column::JsonSchema;
use crate::files::{MANAGE, ModelFiles, RUNTIME, SCHEMAS};
use crate::resolve::{check_tables, resolve};
use crate::{Entity, LoadError, Reference};

/// JSON Schemas by the names that columns refer to them by.
pub(crate) type Schemas = BTreeMap<String, Arc<JsonSchema>>;

/// All entities, checked and resolved.
#[derive(Debug, Default)]
pub struct Model {
    manage: BTreeMap<String, Arc<Entity>>,
    runtime: BTreeMap<String, Arc<Entity>>,
    referring: BTreeMap<String, Vec<(Arc<Entity>, Reference)>>,
}

impl Model {
    /// The model built into the program.
    pub fn built_in() -> Result<Self, LoadError> {
        Self::load(&ModelFiles::built_in())
    }

    /// Loads and checks model files.
    pub fn load(files: &ModelFiles) -> Result<Self, LoadError> {
        let mut schemas = Schemas::new();
        for (path, text) in files.in_folder(SCHEMAS) {
            let schema = load_schema(path, text)?;
            schemas.insert(schema.name.clone(), Arc::new(schema));
        }
        let manage = load_entities(files, MANAGE, &schemas)?;
        let runtime = load_entities(files, RUNTIME, &schemas)?;
        check_tables([(MANAGE, &manage), (RUNTIME, &runtime)])?;
        let manage = shared(manage);
        Ok(Self { referring: referring(&manage), manage, runtime: shared(runtime) })
    }

    /// The versioned entities, by name.
    pub fn entities(&self) -> impl Iterator<Item = &Arc<Entity>> {
        self.manage.values()
    }

    /// A versioned entity.
    pub fn entity(&self, name: &str) -> Option<&Arc<Entity>> {
        self.manage.get(name)
    }

    /// A versioned entity by its table.
    pub fn entity_of_table(&self, table: &str) -> Option<&Arc<Entity>> {
        self.entities().find(|entity| entity.table == table)
    }

    /// The transactional entities, by name.
    pub fn runtime_entities(&self) -> impl Iterator<Item = &Arc<Entity>> {
        self.runtime.values()
    }

    /// The references that point to a versioned entity, with the entities that hold them.
    pub fn references_to(&self, entity: &str) -> impl Iterator<Item = (&Arc<Entity>, &Reference)> {
        self.referring.get(entity).into_iter().flatten().map(|(entity, reference)| (entity, reference))
    }
}

/// The entities of one folder. Their references stay within it: the two stores share no transaction.
fn load_entities(files: &ModelFiles, folder: &str, schemas: &Schemas) -> Result<BTreeMap<String, Entity>, LoadError> {
    let mut entities = BTreeMap::new();
    for (path, text) in files.in_folder(folder) {
        let entity = build_entity(path, text, schemas)?;
        entities.insert(entity.name.clone(), entity);
    }
    resolve(folder, &mut entities)?;
    Ok(entities)
}

fn shared(entities: BTreeMap<String, Entity>) -> BTreeMap<String, Arc<Entity>> {
    entities.into_iter().map(|(name, entity)| (name, Arc::new(entity))).collect()
}

fn referring(entities: &BTreeMap<String, Arc<Entity>>) -> BTreeMap<String, Vec<(Arc<Entity>, Reference)>> {
    let mut referring: BTreeMap<String, Vec<(Arc<Entity>, Reference)>> = BTreeMap::new();
    for entity in entities.values() {
        for reference in &entity.references {
            let holders = referring.entry(reference.entity.clone()).or_default();
            holders.push((Arc::clone(entity), reference.clone()));
        }
    }
    referring
}

fn load_schema(path: &str, text: &str) -> Result<JsonSchema, LoadError> {
    let wrong = |problem: String, remedy: &str| LoadError::new(path, "", problem, remedy);
    let source: Value =
        serde_json::from_str(text).map_err(|error| wrong(format!("is not JSON ({error})"), "write a JSON Schema"))?;
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&source)
        .map_err(|error| wrong(format!("is not a JSON Schema ({error})"), "write a JSON Schema of draft 2020-12"))?;
    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".json").to_owned();
    Ok(JsonSchema { name, source, validator })
}
