use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use indexmap::IndexMap;
use serde_json::Value;

use crate::entity::{JsonSchema, Pattern};
use crate::file::{AssociationFile, ColumnFile, EntityFile, IdFile, ListFile, TimestampsFile};
use crate::{
    Association, Column, ColumnType, Crud, Entity, IdList, IdRule, MergeRule, Method, OnDelete, Reference, Scope,
    Shape, Timestamps, WriteRule, camel_case,
};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../model");

/// A model file that cannot be used: which, where in it, and what would be right.
#[derive(Debug, thiserror::Error)]
pub struct LoadError {
    /// The file.
    pub file: String,
    /// The key in it, if one is at fault.
    pub key: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub remedy: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(key) = &self.key {
            write!(f, ", {key}")?;
        }
        write!(f, ": {}; {}", self.problem, self.remedy)
    }
}

type Loaded<T> = Result<T, LoadError>;

/// The texts of model files, by path relative to the model directory (`manage/tool.toml`, `schemas/headers.json`).
#[derive(Clone, Debug, Default)]
pub struct ModelFiles {
    files: BTreeMap<String, String>,
}

impl ModelFiles {
    /// The files built into the program.
    pub fn built_in() -> Self {
        let mut files = Self::default();
        files.add_embedded(&BUILT_IN);
        files
    }

    fn add_embedded(&mut self, dir: &Dir<'_>) {
        for file in dir.files() {
            if let Some(text) = file.contents_utf8() {
                self.files.insert(file.path().to_string_lossy().into_owned(), text.to_owned());
            }
        }
        for dir in dir.dirs() {
            self.add_embedded(dir);
        }
    }

    /// Adds the files of a directory laid out like `model/`; a file of the same path replaces nothing but is refused.
    pub fn with_dir(mut self, dir: &Path) -> Loaded<Self> {
        for part in ["manage", "runtime", "schemas"] {
            let folder = dir.join(part);
            if folder.is_dir() {
                self.add_folder(part, &folder)?;
            }
        }
        Ok(self)
    }

    fn add_folder(&mut self, part: &str, folder: &Path) -> Loaded<()> {
        let failed = |path: &Path, error: std::io::Error| LoadError {
            file: path.display().to_string(),
            key: None,
            problem: format!("cannot be read ({error})"),
            remedy: "check that the file exists and is readable".into(),
        };
        let entries = std::fs::read_dir(folder).map_err(|error| failed(folder, error))?;
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<PathBuf>, _>>()
            .map_err(|error| failed(folder, error))?;
        paths.sort();
        for path in paths.into_iter().filter(|path| path.extension().is_some_and(|e| e == "toml" || e == "json")) {
            let text = std::fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
            let name = format!("{part}/{}", path.file_name().unwrap_or_default().to_string_lossy());
            if self.files.contains_key(&name) {
                return Err(LoadError {
                    file: path.display().to_string(),
                    key: None,
                    problem: "a built-in file has the same name".into(),
                    remedy: "give the entity or schema another name".into(),
                });
            }
            self.files.insert(name, text);
        }
        Ok(())
    }

    /// The files of a directory alone, without the built-in ones: for working on the model itself.
    pub fn of_dir(dir: &Path) -> Loaded<Self> {
        Self::default().with_dir(dir)
    }

    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let matching = self.files.iter().filter(move |(path, _)| path.starts_with(prefix));
        matching.map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

/// All entities, checked and resolved.
#[derive(Debug, Default)]
pub struct Model {
    manage: BTreeMap<String, Arc<Entity>>,
    runtime: BTreeMap<String, Arc<Entity>>,
    referring: BTreeMap<String, Vec<(Arc<Entity>, Reference)>>,
}

impl Model {
    /// The model built into the program.
    pub fn built_in() -> Loaded<Self> {
        Self::load(&ModelFiles::built_in())
    }

    /// Loads and checks model files.
    pub fn load(files: &ModelFiles) -> Loaded<Self> {
        let mut schemas = BTreeMap::new();
        for (path, text) in files.below("schemas/") {
            let schema = load_schema(path, text)?;
            schemas.insert(schema.name.clone(), Arc::new(schema));
        }
        let mut model = Self::default();
        for (path, text) in files.below("manage/") {
            let entity = load_entity(path, text, &schemas)?;
            model.manage.insert(entity.name.clone(), Arc::new(entity));
        }
        for (path, text) in files.below("runtime/") {
            let entity = load_entity(path, text, &schemas)?;
            model.runtime.insert(entity.name.clone(), Arc::new(entity));
        }
        model.resolve()?;
        Ok(model)
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

    /// Resolves references, which needs all entities.
    fn resolve(&mut self) -> Loaded<()> {
        let keys: BTreeMap<String, Vec<String>> =
            self.entities().map(|entity| (entity.name.clone(), entity.key.clone())).collect();
        for entity in self.manage.values_mut() {
            let Some(entity) = Arc::get_mut(entity) else { continue };
            let file = format!("manage/{}.toml", entity.name);
            let scope_columns = entity.scope.columns();
            for reference in &mut entity.references {
                let Some(target) = keys.get(&reference.entity) else {
                    return Err(LoadError {
                        file,
                        key: Some(format!("columns.{}.references", reference.column)),
                        problem: format!("there is no entity '{}'", reference.entity),
                        remedy: "name an entity by its file's name".into(),
                    });
                };
                let (_, outer) = target.split_last().unwrap_or((&reference.column, &[]));
                reference.columns = outer.to_vec();
                reference.columns.push(reference.column.clone());
                if let Some(missing) = outer.iter().find(|column| {
                    !scope_columns.contains(&column.as_str()) && !entity.columns.iter().any(|c| c.name == **column)
                }) {
                    return Err(LoadError {
                        file,
                        key: Some(format!("columns.{}.references", reference.column)),
                        problem: format!(
                            "'{}' is found by {missing} too, which this entity does not have",
                            reference.entity
                        ),
                        remedy: format!("add the column {missing}, or refer to an entity of this scope"),
                    });
                }
            }
        }
        self.resolve_lists()?;
        for entity in self.manage.values() {
            for reference in &entity.references {
                let referring = self.referring.entry(reference.entity.clone()).or_default();
                referring.push((Arc::clone(entity), reference.clone()));
            }
        }
        self.check_names()
    }

    /// Finds the column of each list's relation that refers back to the list's entity.
    fn resolve_lists(&mut self) -> Loaded<()> {
        let mut own = BTreeMap::new();
        for entity in self.entities() {
            for reference in entity.references.iter().filter(|reference| !reference.parent) {
                own.insert((entity.name.clone(), reference.entity.clone()), reference.column.clone());
            }
        }
        for entity in self.manage.values_mut() {
            let Some(entity) = Arc::get_mut(entity) else { continue };
            for list in &mut entity.lists {
                let Some(column) = own.get(&(list.relation.clone(), entity.name.clone())) else {
                    return Err(LoadError {
                        file: format!("manage/{}.toml", entity.name),
                        key: Some(format!("lists.{}.relation", list.name)),
                        problem: format!("'{}' has no column that references {}", list.relation, entity.name),
                        remedy: "name a relation of this entity".into(),
                    });
                };
                list.own.clone_from(column);
            }
        }
        Ok(())
    }

    fn check_names(&self) -> Loaded<()> {
        let mut tables = BTreeMap::new();
        for entity in self.manage.values().chain(self.runtime.values()) {
            if let Some(other) = tables.insert(entity.table.clone(), entity.name.clone()) {
                return Err(LoadError {
                    file: format!("{}.toml", entity.name),
                    key: Some("table".into()),
                    problem: format!("the table '{}' is that of '{other}' already", entity.table),
                    remedy: "choose another table".into(),
                });
            }
        }
        Ok(())
    }
}

fn load_schema(path: &str, text: &str) -> Loaded<JsonSchema> {
    let wrong =
        |problem: String, remedy: &str| LoadError { file: path.to_owned(), key: None, problem, remedy: remedy.into() };
    let source: Value =
        serde_json::from_str(text).map_err(|error| wrong(format!("is not JSON ({error})"), "write a JSON Schema"))?;
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&source)
        .map_err(|error| wrong(format!("is not a JSON Schema ({error})"), "write a JSON Schema of draft 2020-12"))?;
    let name = path.trim_start_matches("schemas/").trim_end_matches(".json").to_owned();
    Ok(JsonSchema { name, source, validator })
}

/// What a file's keys are checked and built with.
struct Builder<'a> {
    path: &'a str,
    schemas: &'a BTreeMap<String, Arc<JsonSchema>>,
}

impl Builder<'_> {
    fn wrong<T>(&self, key: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Loaded<T> {
        Err(LoadError {
            file: self.path.to_owned(),
            key: (!key.is_empty()).then(|| key.to_owned()),
            problem: problem.into(),
            remedy: remedy.into(),
        })
    }

    fn columns(&self, file: &EntityFile, id: &IdRule, timestamps: Timestamps) -> Loaded<Vec<Column>> {
        let mut columns: Vec<Column> = Vec::new();
        for scope in file.scope.columns() {
            columns.push(plain(scope, ColumnType::Id(256), "The row's place in the tree.", WriteRule::Never));
        }
        if *id != IdRule::None {
            let max = file.columns.get("id").and_then(|c| c.max).map_or(256, |max| max as u32);
            let mut column = plain("id", ColumnType::Id(max), "The row's own id.", WriteRule::Create);
            let pattern = file.id_pattern.clone().unwrap_or_else(|| "^[a-zA-Z0-9\\-_.]+$".into());
            column.pattern = Some(self.pattern("id_pattern", &pattern)?);
            column.min = Some(1.0);
            column.max = Some(f64::from(file.id_max.unwrap_or(max.min(255))));
            columns.push(column);
        }
        for bundle in &file.bundles {
            match bundle.as_str() {
                "ui" => columns.extend(ui_columns()),
                other => return self.wrong("use", format!("there is no bundle '{other}'"), "use = [\"ui\"]"),
            }
        }
        for (name, column) in file.columns.iter().filter(|(name, _)| *name != "id") {
            if columns.iter().any(|c| c.name == *name) {
                return self.wrong(&format!("columns.{name}"), "the column is there already", "leave it out");
            }
            columns.push(self.column(name, column)?);
        }
        let stamp = |name| plain(name, ColumnType::Timestamp, "When, in UTC.", WriteRule::Never);
        let own = |name: &str| columns.iter().any(|c: &Column| c.name == name);
        let (has_created, has_updated) = (own("created_at"), own("updated_at"));
        if timestamps != Timestamps::None && !has_created {
            columns.push(stamp("created_at"));
        }
        if timestamps == Timestamps::Both && !has_updated {
            columns.push(stamp("updated_at"));
        }
        for column in columns.iter_mut().filter(|c| matches!(c.name.as_str(), "created_at" | "updated_at")) {
            (column.write, column.merge) = (WriteRule::Never, MergeRule::Newer);
        }
        Ok(columns)
    }

    fn column(&self, name: &str, file: &ColumnFile) -> Loaded<Column> {
        let key = format!("columns.{name}");
        let snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(snake) {
            return self.wrong(&key, "a column's name is snake_case", "use a-z, 0-9 and _");
        }
        let length = |default: Option<u32>| match file.max.map(|max| max as u32).or(default) {
            Some(max) if max > 0 => Ok(max),
            _ => self.wrong(
                &format!("{key}.max"),
                "a string needs its greatest length",
                "add max = 256, or type = \"text\"",
            ),
        };
        let ty = match file.ty.as_str() {
            "string" => ColumnType::String(length(None)?),
            "id" => ColumnType::Id(length(Some(256))?),
            "text" => ColumnType::Text,
            "integer" => ColumnType::Integer,
            "number" => ColumnType::Number,
            "numeric" => ColumnType::Numeric,
            "boolean" => ColumnType::Boolean,
            "json" => ColumnType::Json,
            "timestamp" => ColumnType::Timestamp,
            "timestamptz" => ColumnType::TimestampTz,
            other => {
                let types = "string, id, text, integer, number, numeric, boolean, json, timestamp, timestamptz";
                return self.wrong(
                    &format!("{key}.type"),
                    format!("there is no type '{other}'"),
                    format!("one of {types}"),
                );
            }
        };
        let schema = match &file.schema {
            None => None,
            Some(name) => match self.schemas.get(name) {
                Some(schema) => Some(Arc::clone(schema)),
                None => {
                    return self.wrong(&format!("{key}.schema"), format!("there is no schemas/{name}.json"), "add it");
                }
            },
        };
        if file.references.is_some() && file.on_delete.is_none() {
            return self.wrong(
                &format!("{key}.on_delete"),
                "a reference says what a deletion does",
                "cascade, set_null or restrict",
            );
        }
        if file.on_delete == Some(OnDelete::SetNull) && !file.optional {
            return self.wrong(
                &format!("{key}.on_delete"),
                "set_null needs a column that may be null",
                "add optional = true",
            );
        }
        let default = match &file.default {
            None => None,
            Some(value) => Some(self.default(&key, ty, value)?),
        };
        let max = if ty.max_length().is_some() { None } else { file.max }.or(file.max_input.map(f64::from));
        Ok(Column {
            name: name.to_owned(),
            wire: camel_case(name),
            ty,
            doc: file.doc.clone(),
            optional: file.optional,
            default,
            min: file.min,
            max,
            pattern: file.pattern.as_deref().map(|p| self.pattern(&format!("{key}.pattern"), p)).transpose()?,
            choices: file.choices.clone(),
            format: file.format.clone(),
            schema,
            merge: file.merge.unwrap_or(default_merge(ty)),
            write: file.write,
            hidden: file.hidden,
            was: file.was.clone(),
        })
    }

    fn default(&self, key: &str, ty: ColumnType, value: &toml::Value) -> Loaded<Value> {
        let json = serde_json::to_value(value).unwrap_or(Value::Null);
        let fits = match ty {
            ColumnType::Integer => json.is_i64(),
            ColumnType::Number | ColumnType::Numeric => json.is_number(),
            ColumnType::Boolean => json.is_boolean(),
            ColumnType::Json => !json.is_null(),
            _ => json.is_string(),
        };
        if fits {
            Ok(json)
        } else {
            self.wrong(&format!("{key}.default"), "the default is of another type", "give it the column's type")
        }
    }

    fn pattern(&self, key: &str, text: &str) -> Loaded<Pattern> {
        match jsonschema::draft202012::new(&serde_json::json!({ "pattern": text })) {
            Ok(validator) => Ok(Pattern { text: text.to_owned(), validator: Arc::new(validator) }),
            Err(error) => self.wrong(key, format!("is not a regular expression ({error})"), "correct it"),
        }
    }

    fn references(&self, file: &EntityFile) -> Vec<Reference> {
        let parent = file.scope.parent().filter(|_| file.parent).map(|parent| Reference {
            entity: parent.to_owned(),
            columns: Vec::new(),
            column: file.scope.columns().last().unwrap_or(&"").to_string(),
            on_delete: OnDelete::Cascade,
            parent: true,
        });
        let declared = file.columns.iter().filter_map(|(name, column)| {
            Some(Reference {
                entity: column.references.clone()?,
                columns: Vec::new(),
                column: name.clone(),
                on_delete: column.on_delete?,
                parent: false,
            })
        });
        parent.into_iter().chain(declared).collect()
    }

    fn crud(&self, file: &EntityFile, columns: &[Column]) -> Loaded<Option<Crud>> {
        let Some(path) = &file.path else { return Ok(None) };
        let base = file.under.unwrap_or(file.scope).base();
        let path = format!("{base}/{path}");
        let list_path = file.list_path.as_ref().map_or_else(|| path.clone(), |list| format!("{base}/{list}"));
        let mut bind = BTreeMap::new();
        for text in [&path, &list_path] {
            bind.append(&mut self.bind(text, &file.bind, columns)?);
        }
        let id_param = file.id_param.clone().unwrap_or_else(|| "id".into());
        let all = vec![Method::List, Method::Create, Method::Get, Method::Update, Method::Delete];
        Ok(Some(Crud {
            path,
            list_path,
            id_param,
            bind,
            filters: file.filters.clone(),
            paged: file.paged,
            bulk: file.bulk,
            methods: file.methods.clone().unwrap_or(all),
        }))
    }

    /// Which column each placeholder of a path binds.
    fn bind(
        &self,
        path: &str,
        given: &IndexMap<String, String>,
        columns: &[Column],
    ) -> Loaded<BTreeMap<String, String>> {
        let mut bind = BTreeMap::new();
        for param in placeholders(path) {
            let column = match given.get(param) {
                Some(column) => columns.iter().find(|c| c.name == *column),
                None => columns.iter().find(|c| c.wire == param),
            };
            match column {
                Some(column) => bind.insert(param.to_owned(), column.name.clone()),
                None => {
                    return self.wrong(
                        "path",
                        format!("{{{param}}} is no column"),
                        "name it like a column, or add it to bind",
                    );
                }
            };
        }
        Ok(bind)
    }

    fn association(&self, file: &AssociationFile, scope: Scope, own: &str, columns: &[Column]) -> Loaded<Association> {
        let base = file.under.unwrap_or(scope).base();
        let path = format!("{base}/{}", file.path.as_deref().unwrap_or(own));
        let known = |column: &str| columns.iter().any(|c| c.name == column);
        let mut right = file.right.clone();
        let mut left = match &file.left {
            Some(left) => left.clone(),
            None if file.shape == Shape::ByRight => right.clone(),
            None => return self.wrong("association.left", "the left side is missing", "add left = { column = … }"),
        };
        for (key, side) in [("association.left", &mut left), ("association.right", &mut right)] {
            if !known(&side.column) {
                return self.wrong(
                    key,
                    format!("there is no column '{}'", side.column),
                    "name a column of this entity",
                );
            }
            if side.param.is_empty() {
                side.param = camel_case(&side.column);
            }
        }
        let given = IndexMap::from([(left.param.clone(), left.column.clone())]);
        let mut bind = self.bind(&path, &given, columns)?;
        for side in [&left, &right] {
            bind.insert(side.param.clone(), side.column.clone());
        }
        Ok(Association {
            shape: file.shape,
            path,
            bind,
            left,
            right,
            with: file.with.clone(),
            omit: file.omit.clone(),
            removed_empty: file.removed.as_deref() == Some("empty"),
            bare: file.bare,
        })
    }
}

fn load_entity(path: &str, text: &str, schemas: &BTreeMap<String, Arc<JsonSchema>>) -> Loaded<Entity> {
    let builder = Builder { path, schemas };
    let file: EntityFile = match toml::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            return builder.wrong(&format!("line {line}"), error.message(), "see docs/ENTITY-FILES.md for the keys");
        }
    };
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".toml");
    if file.entity != stem {
        return builder.wrong(
            "entity",
            format!("'{}' is not the file's name", file.entity),
            format!("entity = \"{stem}\""),
        );
    }
    let id = id_rule(&builder, &file.id)?;
    let timestamps = match &file.timestamps {
        TimestampsFile::Switch(true) => Timestamps::Both,
        TimestampsFile::Switch(false) => Timestamps::None,
        TimestampsFile::Named(name) if name == "created" => Timestamps::Created,
        TimestampsFile::Named(_) => return builder.wrong("timestamps", "is not known", "true, false or \"created\""),
    };
    let columns = builder.columns(&file, &id, timestamps)?;
    let has = |name: &str| columns.iter().any(|column| column.name == name);
    let timestamps = match (has("created_at"), has("updated_at")) {
        (true, true) => Timestamps::Both,
        (true, false) => Timestamps::Created,
        _ => timestamps,
    };
    let key = file.key.clone().unwrap_or_else(|| default_key(file.scope, &id));
    let named = [("key", vec![key.clone()]), ("unique", file.unique.clone()), ("index", file.index.clone())];
    for (what, sets) in named {
        if let Some(missing) = sets.iter().flatten().find(|name| !columns.iter().any(|c| c.name == **name)) {
            return builder.wrong(what, format!("there is no column '{missing}'"), "name columns of this entity");
        }
    }
    if !matches!(file.duplicate, None | Some(409 | 422)) {
        return builder.wrong("duplicate", "the status of a duplicate", "409 or 422");
    }
    let crud = builder.crud(&file, &columns)?;
    let own_path = file.path.as_deref().unwrap_or_default();
    let association = file.association.as_ref();
    let association = association.map(|a| builder.association(a, file.scope, own_path, &columns)).transpose()?;
    let table = file.table.clone().unwrap_or_else(|| format!("{}s", file.entity));
    Ok(Entity {
        references: builder.references(&file),
        lists: lists(&file),
        schema: file.schema.clone().unwrap_or_else(|| pascal_case(&file.entity)),
        tag: file.tag.clone().unwrap_or_else(|| table.replace('_', " ")),
        doc: file.doc,
        scope: file.scope,
        table,
        key,
        columns,
        unique: file.unique,
        indexes: file.index,
        id,
        duplicate: file.duplicate.unwrap_or(409),
        timestamps,
        expose: file.expose,

        crud,
        association,
        name: file.entity,
    })
}

/// The lists as declared; `own` is found when all entities are there.
fn lists(file: &EntityFile) -> Vec<IdList> {
    let list = |(name, list): (&String, &ListFile)| IdList {
        name: name.clone(),
        relation: list.relation.clone(),
        column: list.column.clone(),
        own: String::new(),
        required: list.required,
        write: list.write,
        answer: list.answer,
    };
    file.lists.iter().map(list).collect()
}

fn id_rule(builder: &Builder<'_>, file: &IdFile) -> Loaded<IdRule> {
    Ok(match file {
        IdFile::Derived(columns) => IdRule::Derived(columns.clone()),
        IdFile::Rule(rule) => match rule.as_str() {
            "given" => IdRule::Given,
            "optional" => IdRule::Optional,
            "made" => IdRule::Made,
            "none" => IdRule::None,
            _ => {
                let remedy = "\"given\", \"optional\", \"made\", \"none\" or a list of columns";
                return builder.wrong("id", "is not known", remedy);
            }
        },
    })
}

fn default_key(scope: Scope, id: &IdRule) -> Vec<String> {
    let own = (*id != IdRule::None).then_some("id");
    scope.columns().iter().copied().chain(own).map(str::to_owned).collect()
}

fn default_merge(ty: ColumnType) -> MergeRule {
    match ty {
        ColumnType::Json => MergeRule::Json,
        ColumnType::Text => MergeRule::Lines,
        ColumnType::Timestamp | ColumnType::TimestampTz => MergeRule::Newer,
        _ => MergeRule::Cell,
    }
}

fn plain(name: &str, ty: ColumnType, doc: &str, write: WriteRule) -> Column {
    Column {
        name: name.to_owned(),
        wire: camel_case(name),
        ty,
        doc: doc.to_owned(),
        optional: false,
        default: None,
        min: None,
        max: None,
        pattern: None,
        choices: None,
        format: None,
        schema: None,
        merge: default_merge(ty),
        write,
        hidden: false,
        was: None,
    }
}

fn ui_columns() -> [Column; 2] {
    let mut name = plain("name", ColumnType::String(256), "Shown to people; need not be unique.", WriteRule::Always);
    name.min = Some(1.0);
    let mut description = plain("description", ColumnType::Text, "What it is for.", WriteRule::Always);
    description.optional = true;
    [name, description]
}

/// The placeholders of a path, in order.
pub(crate) fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// `sub_agent` is `SubAgent`.
pub(crate) fn pascal_case(name: &str) -> String {
    let camel = camel_case(name);
    let mut chars = camel.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
