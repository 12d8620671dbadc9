//! How requests and answers name entities and rows: `subAgent`, `support/router`.

use understory_manage::ProjectId;
use understory_model::{Entity, Key, Model, camel_case};

use crate::names::{PROJECT, TENANT};

/// The entity of a name in answers.
pub(crate) fn entity_named<'a>(model: &'a Model, wire: &str) -> Option<&'a Entity> {
    model.entities().map(AsRef::as_ref).find(|entity| camel_case(&entity.name) == wire)
}

/// A key without tenant and project: `support/router`.
pub(crate) fn short_key(entity: Option<&Entity>, key: &Key) -> String {
    let Some(entity) = entity else { return key.to_string() };
    let named = entity.key.iter().zip(key.parts());
    let own = named.filter(|(column, _)| !is_project_column(column)).map(|(_, part)| part.as_str());
    own.collect::<Vec<_>>().join("/")
}

/// The key of a row of a project by its short form; none if it has another number of parts.
pub(crate) fn full_key(entity: &Entity, project: &ProjectId, short: &str) -> Option<Key> {
    let mut parts = short.split('/');
    let value = |column: &String| match column.as_str() {
        TENANT => Some(project.tenant.clone()),
        PROJECT => Some(project.id.clone()),
        _ => parts.next().map(str::to_owned),
    };
    let key: Vec<String> = entity.key.iter().map(value).collect::<Option<_>>()?;
    parts.next().is_none().then(|| Key::new(key))
}

/// Whether a column names the tenant or the project, which the path has already.
pub(crate) fn is_project_column(column: &str) -> bool {
    column == TENANT || column == PROJECT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_a_short_form_and_back() {
        let model = Model::built_in().unwrap();
        let project = ProjectId { tenant: "acme".into(), id: "shop".into(), uid: "u".into() };
        for (name, key, short) in [
            ("subAgent", vec!["acme", "shop", "support", "router"], "support/router"),
            ("tool", vec!["acme", "shop", "weather"], "weather"),
            ("project", vec!["acme", "shop"], "shop"),
        ] {
            let entity = entity_named(&model, name).unwrap();
            let key = Key::new(key);
            assert_eq!(short_key(Some(entity), &key), short);
            assert_eq!(full_key(entity, &project, short), Some(key));
            assert_eq!(full_key(entity, &project, "a/b/c/d"), None);
        }
        assert!(entity_named(&model, "sub_agent").is_none());
    }
}
