//! What can be checked only when all entities are there: references, lists, table names.

use std::collections::BTreeMap;

use crate::{Entity, IdList, LoadError, Reference};

type Entities = BTreeMap<String, Entity>;

/// Resolves the references and lists of one folder's entities, which point to entities of the same folder.
pub(crate) fn resolve(folder: &str, entities: &mut Entities) -> Result<(), LoadError> {
    resolve_references(folder, entities)?;
    resolve_lists(folder, entities)
}

/// No two entities have one table, be it in different stores: both may live in one database.
pub(crate) fn check_tables<'a>(folders: impl IntoIterator<Item = (&'a str, &'a Entities)>) -> Result<(), LoadError> {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (folder, entities) in folders {
        for entity in entities.values() {
            if let Some(other) = owners.insert(&entity.table, &entity.name) {
                let problem = format!("the table '{}' is that of '{other}' already", entity.table);
                return Err(wrong(folder, entity, "table", problem, "choose another table"));
            }
        }
    }
    Ok(())
}

fn resolve_references(folder: &str, entities: &mut Entities) -> Result<(), LoadError> {
    let mut resolved = Vec::new();
    for entity in entities.values() {
        let columns = entity.references.iter().map(|reference| referring_columns(folder, entities, entity, reference));
        resolved.push(columns.collect::<Result<Vec<_>, _>>()?);
    }
    for (entity, resolved) in entities.values_mut().zip(resolved) {
        for (reference, columns) in entity.references.iter_mut().zip(resolved) {
            reference.columns = columns;
        }
    }
    Ok(())
}

/// The columns that name the target's row: those of its outer key columns' names, then the reference's own.
fn referring_columns(
    folder: &str,
    entities: &Entities,
    entity: &Entity,
    reference: &Reference,
) -> Result<Vec<String>, LoadError> {
    let key = if reference.parent { "scope".to_owned() } else { format!("columns.{}.references", reference.column) };
    let Some(target) = entities.get(&reference.entity) else {
        let problem = format!("there is no entity '{}' in {folder}/", reference.entity);
        let remedy = match reference.parent {
            true => "add it, or say parent = false: the rows of this scope hang under it",
            false => "name an entity by its file's name",
        };
        return Err(wrong(folder, entity, &key, problem, remedy));
    };
    let outer = target.key.split_last().map_or(&[][..], |(_, outer)| outer);
    if let Some(missing) = outer.iter().find(|column| entity.column(column).is_none()) {
        let problem = format!("'{}' is found by {missing} too, which this entity does not have", target.name);
        let remedy = format!("add the column {missing}, or refer to an entity of this scope");
        return Err(wrong(folder, entity, &key, problem, remedy));
    }
    Ok(outer.iter().chain([&reference.column]).cloned().collect())
}

fn resolve_lists(folder: &str, entities: &mut Entities) -> Result<(), LoadError> {
    let mut resolved = Vec::new();
    for entity in entities.values() {
        let own = entity.lists.iter().map(|list| own_column(folder, entities, entity, list));
        resolved.push(own.collect::<Result<Vec<_>, _>>()?);
    }
    for (entity, resolved) in entities.values_mut().zip(resolved) {
        for (list, own) in entity.lists.iter_mut().zip(resolved) {
            list.own = own;
        }
    }
    Ok(())
}

/// The column of a list's relation that refers back to the list's entity.
fn own_column(folder: &str, entities: &Entities, entity: &Entity, list: &IdList) -> Result<String, LoadError> {
    let relation = entities.get(&list.relation);
    let back = relation.and_then(|relation| {
        relation.references.iter().rfind(|reference| !reference.parent && reference.entity == entity.name)
    });
    let (Some(relation), Some(back)) = (relation, back) else {
        let problem = format!("'{}' has no column that references {}", list.relation, entity.name);
        let key = format!("lists.{}.relation", list.name);
        return Err(wrong(folder, entity, &key, problem, "name a relation of this entity"));
    };
    if relation.column(&list.column).is_none() {
        let problem = format!("'{}' has no column '{}'", list.relation, list.column);
        let key = format!("lists.{}.column", list.name);
        return Err(wrong(folder, entity, &key, problem, "name the relation's column that holds the ids"));
    }
    Ok(back.column.clone())
}

fn wrong(folder: &str, entity: &Entity, key: &str, problem: String, remedy: impl Into<String>) -> LoadError {
    LoadError::new(format!("{folder}/{}.toml", entity.name), key, problem, remedy)
}
