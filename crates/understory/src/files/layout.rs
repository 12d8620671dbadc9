//! Where the rows of a model stand in a tree of files: the same place as in the API's paths, wherever that is enough.

use std::sync::Arc;

use understory_model::{
    Column, ColumnType, Crud, Entity, IdRule, MergeRule, Model, Reference, Scope, Shape, camel_case,
};

use super::segment::encode;
use crate::names::{CREATED_AT, PROJECT, TENANT, UPDATED_AT};

/// Where each entity's rows stand.
pub(super) struct Layout<'m> {
    pub(super) collections: Vec<Collection<'m>>,
}

/// Rows that have a file each.
pub(super) struct Collection<'m> {
    pub(super) entity: &'m Arc<Entity>,
    /// Path of the file without its ending.
    pub(super) path: Vec<Segment>,
    pub(super) lists: Vec<List<'m>>,
}

/// One part of a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Segment {
    /// The same for all rows.
    Fixed(String),
    /// The value of a column.
    Column(String),
}

/// Rows that stand as a list in the file of the row that owns them.
pub(super) struct List<'m> {
    pub(super) entity: &'m Arc<Entity>,
    /// Its key in the owner's file.
    pub(super) name: String,
    /// The columns that name the owner, in the order of its key.
    pub(super) owner: Vec<String>,
}

impl<'m> Layout<'m> {
    pub(super) fn of(model: &'m Model) -> Self {
        let mut layout = Self { collections: Vec::new() };
        let (filed, listed): (Vec<_>, Vec<_>) = model.entities().partition(|entity| is_filed(entity));
        let mut filed: Vec<_> = filed.into_iter().map(|entity| (entity, path_by_route(entity))).collect();
        // The more a path says by itself the sooner it has its place, so that one of values only takes none away.
        filed.sort_by_key(|(_, path)| path.iter().flatten().filter(|part| matches!(part, Segment::Column(_))).count());
        for (entity, path) in filed {
            let path = path.filter(|path| layout.is_free(path)).unwrap_or_else(|| path_by_name(entity));
            layout.collections.push(Collection { entity, path, lists: Vec::new() });
        }
        for entity in listed {
            layout.add_list(model, entity);
        }
        layout
    }

    /// Whether no row of another entity can have such a path.
    fn is_free(&self, path: &[Segment]) -> bool {
        let meet = |(a, b): (&Segment, &Segment)| match (a, b) {
            (Segment::Fixed(a), Segment::Fixed(b)) => a == b,
            _ => true,
        };
        !self.collections.iter().any(|other| other.path.len() == path.len() && other.path.iter().zip(path).all(meet))
    }

    fn add_list(&mut self, model: &'m Model, entity: &'m Arc<Entity>) {
        let reference = owner(model, entity);
        let target = reference.map_or(Scope::Project.parent(), |reference| Some(reference.entity.as_str()));
        let owner = reference.map_or_else(|| vec![TENANT.to_owned(), PROJECT.to_owned()], |r| r.columns.clone());
        let collection = self.collections.iter_mut().find(|collection| Some(collection.entity.name.as_str()) == target);
        // There is always one: the built-in model has the project, and owners are entities with files.
        let Some(collection) = collection else { return };
        let lists = &mut collection.entity.lists.iter();
        let list = lists.find(|list| list.relation == entity.name && Some(&list.own) == owner.last());
        let mut name = list.map_or_else(|| camel_case(&entity.table), |list| list.wire.clone());
        while collection.has_key(&name) {
            name.push_str("Rows");
        }
        collection.lists.push(List { entity, name, owner });
    }
}

impl Collection<'_> {
    /// The columns that its files hold: those that the path does not say.
    pub(super) fn columns(&self) -> impl Iterator<Item = &Column> {
        let in_path = |column: &str| self.path.contains(&Segment::Column(column.to_owned()));
        self.entity
            .columns
            .iter()
            .filter(move |column| is_content(self.entity, column) && column.name != "id" && !in_path(&column.name))
    }

    fn has_key(&self, name: &str) -> bool {
        self.entity.columns.iter().any(|column| column.wire == name) || self.lists.iter().any(|list| list.name == name)
    }
}

impl List<'_> {
    /// The columns that its items hold: those that the owner does not say.
    pub(super) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.entity.columns.iter().filter(|column| {
            is_content(self.entity, column) && column.name != "id" && !self.owner.contains(&column.name)
        })
    }

    /// The one column of rows that say nothing but what they relate to: such an item is the bare id.
    pub(super) fn bare(&self) -> Option<&Column> {
        let mut columns = self.columns();
        let first = columns.next().filter(|column| column.ty.max_length().is_some());
        first.filter(|_| columns.next().is_none())
    }
}

/// Whether a column has a file of its own: text for people, of any number of lines.
pub(super) fn is_beside(column: &Column) -> bool {
    column.ty == ColumnType::Text && column.merge == MergeRule::Lines && column.format.is_none()
}

/// Whether a column is neither the project's own ids nor kept by the store itself.
fn is_content(entity: &Entity, column: &Column) -> bool {
    !is_root(entity, &column.name) && column.name != CREATED_AT && column.name != UPDATED_AT
}

/// Whether a column names the project: it is the same in all rows, and not in the tree.
pub(super) fn is_root(entity: &Entity, column: &str) -> bool {
    [TENANT, PROJECT].contains(&column) && entity.is_scope_column(column)
}

/// Whether rows have an id that stands for nothing else, and so a file each.
fn is_filed(entity: &Entity) -> bool {
    !matches!(entity.id, IdRule::Derived(_) | IdRule::None)
}

/// The path of the entity's routes, if it leads to one row.
fn path_by_route(entity: &Entity) -> Option<Vec<Segment>> {
    if Scope::Project.parent() == Some(&entity.name) {
        return Some(vec![Segment::Fixed(entity.name.clone())]);
    }
    let crud = entity.crud.as_ref()?;
    let mut path = segments_of(below_project(&crud.path), |param| bound(entity, crud, param))?;
    path.push(Segment::Column("id".into()));
    let said = |column: &String| is_root(entity, column) || path.contains(&Segment::Column(column.clone()));
    entity.key.iter().all(said).then_some(path)
}

/// The path of rows whose routes do not lead to one row each: the scope's, the entity's name, and the key's rest. No
/// value is spelled with a `+`, so that it is nobody else's.
fn path_by_name(entity: &Entity) -> Vec<Segment> {
    let of_scope = |param: &str| entity.scope.columns().iter().find(|column| camel_case(column) == param);
    let base = segments_of(below_project(entity.scope.base()), |param| of_scope(param).map(ToString::to_string));
    let rest = entity.key.iter().filter(|column| !entity.is_scope_column(column) && *column != "id");
    let rest = rest.map(String::as_str).chain(["id"]).map(|column| Segment::Column(column.to_owned()));
    let name = Segment::Fixed(format!("+{}", entity.name));
    base.unwrap_or_default().into_iter().chain([name]).chain(rest).collect()
}

/// The column of a placeholder, if all rows have text there.
fn bound(entity: &Entity, crud: &Crud, param: &str) -> Option<String> {
    let column = entity.column(crud.bind.get(param)?)?;
    let text = column.ty == ColumnType::Text || column.ty.max_length().is_some();
    (text && !column.optional).then(|| column.name.clone())
}

fn below_project(path: &str) -> &str {
    let base = [Scope::Project, Scope::Tenant].into_iter().find_map(|scope| path.strip_prefix(scope.base()));
    base.unwrap_or(path)
}

/// A path's segments; none where a placeholder has no column, or a part could be taken for a value spelled otherwise.
fn segments_of(path: &str, column: impl Fn(&str) -> Option<String>) -> Option<Vec<Segment>> {
    let segment = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(param) => column(param).map(Segment::Column),
        None => (encode(part, true) == part).then(|| Segment::Fixed(part.to_owned())),
    };
    path.split('/').filter(|part| !part.is_empty()).map(segment).collect()
}

/// The reference that leads from a row without a file to the one that has it in a list: the left side of the
/// association, what has a list of such rows, or the parent. None is the project.
fn owner<'m>(model: &'m Model, entity: &'m Entity) -> Option<&'m Reference> {
    let by_column = |column: &str| entity.references.iter().find(|reference| reference.column == column);
    let listing = |reference: &&Reference| {
        let target = model.entity(&reference.entity);
        let lists = target.into_iter().flat_map(|target| &target.lists);
        lists.into_iter().any(|list| list.relation == entity.name && list.own == reference.column)
    };
    let sure = |reference: &&Reference| {
        let required = |column: &String| entity.column(column).is_some_and(|column| !column.optional);
        model.entity(&reference.entity).is_some_and(|target| is_filed(target)) && reference.columns.iter().all(required)
    };
    // Where only the right side has routes, it stands in for the left one too.
    let association = entity.association.as_ref().filter(|association| association.shape != Shape::ByRight);
    let left = association.and_then(|association| by_column(&association.left.column));
    let listed = entity.references.iter().find(listing);
    let parent = entity.references.iter().find(|reference| reference.parent);
    [left, listed, parent].into_iter().flatten().find(sure)
}
