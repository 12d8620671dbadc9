//! The table of routes that the model gives: one list for HTTP, batches and OpenAPI alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use understory_model::{Association, Crud, Entity, Method, Model, Row, Shape, Side};

use crate::action::Action;

/// Values of a path's placeholders.
pub type Params = BTreeMap<String, String>;

/// The verb of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Reads.
    Get,
    /// Creates, or does.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Deletes.
    Delete,
}

impl Verb {
    /// The HTTP method's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The verb of an HTTP method's name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];
        all.into_iter().find(|verb| verb.as_str().eq_ignore_ascii_case(name))
    }
}

/// One operation within a project: how it is called and what it does.
#[derive(Clone, Debug)]
pub struct Route {
    /// Verb.
    pub verb: Verb,
    /// Path under the mount, `/tenants/{tenantId}/projects/{projectId}/…`.
    pub path: String,
    /// What it does.
    pub action: Action,
    /// Unique name of the operation.
    pub operation: String,
    /// OpenAPI tag.
    pub tag: String,
    /// A second way to call the same thing; left out of OpenAPI.
    pub twin: bool,
}

impl Route {
    /// The columns that a path fixes, from its parameters.
    pub(crate) fn place(bind: &BTreeMap<String, String>, params: &Params) -> Row {
        let bound = |(param, column): (&String, &String)| Some((column.clone(), params.get(param)?.as_str().into()));
        bind.iter().filter_map(bound).collect()
    }
}

/// All routes within projects that a model gives.
pub fn routes(model: &Model) -> Vec<Route> {
    let mut routes = Vec::new();
    for entity in model.entities().filter(|entity| entity.name != crate::names::project::ENTITY) {
        if let Some(crud) = &entity.crud {
            crud_routes(entity, crud, &mut routes);
        }
        if let Some(association) = &entity.association {
            association_routes(entity, association, &mut routes);
        }
    }
    document_routes(&mut routes);
    routes
}

struct Adder<'a> {
    entity: &'a Arc<Entity>,
    routes: &'a mut Vec<Route>,
}

impl Adder<'_> {
    fn add(&mut self, verb: Verb, path: &str, name: &str, action: fn(Arc<Entity>) -> Action) {
        let operation = format!("{name}-{}", self.entity.name.replace('_', "-"));
        let (path, tag) = (path.to_owned(), self.entity.tag.clone());
        let action = action(Arc::clone(self.entity));
        self.routes.push(Route { verb, path, action, operation, tag, twin: false });
    }
}

fn crud_routes(entity: &Arc<Entity>, crud: &Crud, routes: &mut Vec<Route>) {
    let one = format!("{}/{{{}}}", crud.path, crud.id_param);
    let mut adder = Adder { entity, routes };
    for method in &crud.methods {
        match method {
            Method::List => adder.add(Verb::Get, &crud.list_path, "list", Action::List),
            Method::Create => adder.add(Verb::Post, &crud.path, "create", Action::Create),
            Method::Get => {
                adder.add(Verb::Get, &one, "get", Action::Get);
                adder.add(Verb::Get, &format!("{one}/history"), "history", Action::History);
                adder.add(Verb::Get, &format!("{one}/blame"), "blame", Action::Blame);
                adder.add(Verb::Post, &format!("{one}/restore"), "restore", Action::Restore);
            }
            Method::Delete => adder.add(Verb::Delete, &one, "delete", Action::Delete),
            Method::Update => {
                adder.add(Verb::Patch, &one, "update", Action::Update);
                adder.add(Verb::Put, &one, "put", Action::Update);
                if let Some(put) = adder.routes.last_mut() {
                    put.twin = true;
                }
            }
        }
    }
    if crud.bulk {
        adder.add(Verb::Post, &format!("{}/bulk", crud.path), "create-bulk", Action::CreateMany);
    }
}

fn association_routes(entity: &Arc<Entity>, association: &Association, routes: &mut Vec<Route>) {
    let path = &association.path;
    let place = |side: &Side| format!("{}/{{{}}}", side.segment, side.param);
    let (left, right) = (&association.left, &association.right);
    let by_right = format!("{path}/{}/{}", place(right), right.list);
    let omitted = |what: &str| association.omit.iter().any(|omit| omit == what);
    let mut adder = Adder { entity, routes };
    match association.shape {
        Shape::Pair => {
            let pair = format!("{path}/{}/{}", place(left), place(right));
            adder.add(Verb::Post, path, "associate", Action::PairCreate);
            adder.add(Verb::Get, &format!("{path}/{}", place(left)), "list-by-left", Action::ListByLeft);
            adder.add(Verb::Delete, &pair, "dissociate", Action::PairDelete);
            if !omitted("exists") {
                adder.add(Verb::Get, &format!("{pair}/exists"), "check", Action::PairExists);
            }
            if !omitted("by_right") {
                adder.add(Verb::Get, &by_right, "list-by-right", Action::Associations);
            }
        }
        Shape::Nested => {
            let one = format!("{path}/{{{}}}", right.param);
            adder.add(Verb::Get, path, "list-members", Action::NestedList);
            adder.add(Verb::Post, &one, "add-member", Action::NestedAdd);
            adder.add(Verb::Delete, &one, "remove-member", Action::PairDelete);
        }
        Shape::Set => {
            let one = format!("{path}/{{{}}}", right.param);
            adder.add(Verb::Get, path, "list-values", Action::SetList);
            adder.add(Verb::Post, path, "add-value", Action::SetAdd);
            adder.add(Verb::Put, path, "set-values", Action::SetReplace);
            adder.add(Verb::Delete, &one, "remove-value", Action::SetRemove);
        }
        Shape::ByRight => adder.add(Verb::Get, &by_right, "list-by-right", Action::RelationsByRight),
    }
}

/// Routes of code with behaviour: full agents, and questions that span entities.
fn document_routes(routes: &mut Vec<Route>) {
    let project = "/tenants/{tenantId}/projects/{projectId}";
    let mut add = |verb, path: &str, operation: &str, tag: &str, action, twin| {
        let (path, operation, tag) = (format!("{project}{path}"), operation.to_owned(), tag.to_owned());
        routes.push(Route { verb, path, action, operation, tag, twin });
    };
    let one = "/agent/{agentId}";
    add(Verb::Post, "/agent", "create-full-agent", "Agents", Action::AgentCreate, false);
    add(Verb::Get, one, "get-full-agent", "Agents", Action::AgentGet, false);
    add(Verb::Put, one, "update-full-agent", "Agents", Action::AgentPut, false);
    add(Verb::Patch, one, "patch-full-agent", "Agents", Action::AgentPut, true);
    add(Verb::Delete, one, "delete-full-agent", "Agents", Action::AgentDelete, false);
    let agent = "/agents/{agentId}";
    add(Verb::Get, &format!("{agent}/full"), "get-full-agent-definition", "Agents", Action::AgentGet, false);
    let related = format!("{agent}/sub-agents/{{subAgentId}}/related");
    add(Verb::Get, &related, "get-related-agent-infos", "Agents", Action::RelatedAgents, false);
    add(Verb::Get, &format!("{agent}/tool-status"), "get-agent-tool-status", "Agents", Action::ToolStatus, false);
    let evaluators = "/evals/evaluators";
    let (batch, scopes) = (format!("{evaluators}/batch"), format!("{evaluators}/batch-agent-scopes"));
    add(Verb::Post, &batch, "get-evaluators-batch", "Evaluations", Action::EvaluatorsBatch, false);
    add(Verb::Post, &scopes, "batch-get-evaluator-agent-scopes", "Evaluations", Action::EvaluatorScopes, false);
}

/// The route of a verb and path, and the values of its placeholders. A fixed segment wins over a placeholder.
pub(crate) fn find_route<'a>(routes: &'a [Route], verb: Verb, path: &str) -> Option<(&'a Route, Params)> {
    let matching = routes.iter().filter(|route| route.verb == verb);
    let mut found: Vec<(&Route, Params)> =
        matching.filter_map(|route| Some((route, match_path(&route.path, path)?))).collect();
    found.sort_by_key(|(_, params)| params.len());
    found.into_iter().next()
}

fn match_path(template: &str, path: &str) -> Option<Params> {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    if template.len() != path.len() {
        return None;
    }
    let mut params = Params::new();
    for (wanted, given) in template.into_iter().zip(path) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if !given.is_empty() => {
                params.insert(name.to_owned(), given.to_owned());
            }
            _ if wanted == given => {}
            _ => return None,
        }
    }
    Some(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched() {
        let params = match_path("/tenants/{t}/tools/{id}", "/tenants/a/tools/b").expect("it matches");
        assert_eq!((params["t"].as_str(), params["id"].as_str()), ("a", "b"));
        assert!(match_path("/a/{id}", "/a/").is_none());
        assert!(match_path("/a/{id}", "/b/x").is_none());
    }

    #[test]
    fn no_two_routes_share_verb_and_path() {
        let model = Model::built_in().expect("the built-in model loads");
        let mut seen = std::collections::BTreeSet::new();
        let mut operations = std::collections::BTreeSet::new();
        for route in routes(&model) {
            assert!(seen.insert((route.verb, route.path.clone())), "{:?} {}", route.verb, route.path);
            assert!(operations.insert(route.operation.clone()), "{}", route.operation);
        }
    }
}
