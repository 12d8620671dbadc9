//! Rows by their address on the command line: `tool/weather`, `sub-agent/support/router`.

use std::sync::Arc;

use serde_json::Value;
use understory::model::{Entity, Method, Model, Scope, camel_case};

use crate::connect::Api;
use crate::error::{CommandError, CommandResult};
use crate::names::{ProjectName, encoded};
use crate::request::Request;

const PROJECT: &str = "project";
const AGENT: &str = "agent";
const SUB_AGENT: &str = "sub_agent";
const PAGE: &str = "100";

/// Where a row is, whether or not it is there at some ref.
#[derive(Debug)]
pub struct Place {
    /// What it is.
    pub entity: Arc<Entity>,
    /// Its path in the API.
    pub path: String,
    /// Its address in full.
    pub address: String,
    /// Its key as changes show it.
    pub key: String,
}

/// A row that an address names.
#[derive(Debug)]
pub struct Found {
    /// Where it is.
    pub place: Place,
    /// What it says.
    pub row: Value,
}

/// Where addresses are looked up: a project at a ref.
pub struct Finder<'a> {
    /// The API.
    pub api: &'a Api,
    /// The model that says what kinds there are.
    pub model: &'a Model,
    /// The project.
    pub project: &'a ProjectName,
    /// The ref.
    pub reference: &'a str,
}

impl Finder<'_> {
    /// The one row that an address names.
    ///
    /// Outer ids may be left out where the row is the only one of its name, and the kind where both ids of a
    /// sub-agent are given. Where there is no such agent, `agent/ID` finds the sub-agent.
    pub fn find(&self, address: &str) -> CommandResult<Found> {
        let (entity, ids) = self.parse(address)?;
        let mut found = self.candidates(&entity, &ids)?;
        let perhaps_below = found.is_empty() && entity.name == AGENT && ids.len() == 1;
        if let Some(sub_agent) = self.kind(SUB_AGENT).filter(|_| perhaps_below) {
            found = self.candidates(&sub_agent, &ids)?;
        }
        if found.is_empty() {
            // A ref that is not there is the answer then, and not that nothing is at it.
            self.api.send(Request::get(self.project.path("/refs/resolve")).query("ref", self.reference))?;
        }
        match found.len() {
            0 if self.kind(first(address)).is_none() => Err(self.no_kind(address)),
            0 => Err(self.nothing(&entity, address)),
            1 => Ok(found.remove(0)),
            _ => Err(ambiguous(address, &found)),
        }
    }

    /// Where the row of an address is; one that is not there any more is named in full.
    pub fn place(&self, address: &str) -> CommandResult<Place> {
        match self.find(address) {
            Ok(found) => Ok(found.place),
            Err(error) if error.is_not_found() => {
                let (entity, ids) = self.parse(address)?;
                let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
                if ids.len() == places(&template(&entity)) { Ok(self.placed(&entity, &ids)) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    /// The kind and the ids of an address.
    fn parse<'t>(&self, address: &'t str) -> CommandResult<(Arc<Entity>, Vec<&'t str>)> {
        let segments: Vec<&str> = address.split('/').collect();
        match (self.kind(segments[0]), segments.as_slice()) {
            (Some(entity), [_, ids @ ..]) => Ok((entity, ids.to_vec())),
            (None, [_, _]) => Ok((self.kind(SUB_AGENT).ok_or_else(|| self.no_kind(SUB_AGENT))?, segments)),
            _ => Err(self.no_kind(address)),
        }
    }

    fn placed(&self, entity: &Arc<Entity>, ids: &[String]) -> Place {
        let template = template(entity);
        let id = |column: &String| match column.as_str() {
            "id" => ids.last().unwrap_or(&self.project.id).clone(),
            column => named_id(&template, ids, &camel_case(column)),
        };
        let own = entity.key.iter().filter(|column| !Scope::Project.columns().contains(&column.as_str()));
        Place {
            entity: Arc::clone(entity),
            path: self.project.path(&filled(&template, ids)),
            address: ids.iter().fold(kind_name(entity), |address, id| format!("{address}/{id}")),
            key: own.map(id).collect::<Vec<_>>().join("/"),
        }
    }

    fn kind(&self, name: &str) -> Option<Arc<Entity>> {
        let name = name.replace('-', "_").to_ascii_lowercase();
        self.kinds().find(|entity| entity.name == name).map(Arc::clone)
    }

    /// What has an address: whatever is read and written by its id.
    fn kinds(&self) -> impl Iterator<Item = &Arc<Entity>> {
        self.model.entities().filter(|entity| {
            entity
                .crud
                .as_ref()
                .is_some_and(|crud| [Method::Get, Method::Update].iter().all(|m| crud.methods.contains(m)))
        })
    }

    fn candidates(&self, entity: &Arc<Entity>, ids: &[&str]) -> CommandResult<Vec<Found>> {
        let template = template(entity);
        let places = places(&template);
        if ids.len() > places || (ids.is_empty() && places > 0) {
            let form = template.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
            let form = form.fold(kind_name(entity), |form, id| format!("{form}/{id}"));
            return Err(CommandError::user(format!("a {} is named {form}", entity.title())));
        }
        let mut found = Vec::new();
        for outer in self.outer_ids(&template, places - ids.len())? {
            let all: Vec<String> = outer.into_iter().chain(ids.iter().map(ToString::to_string)).collect();
            let place = self.placed(entity, &all);
            if let Some(reply) = self.api.find(Request::get(&place.path).query("ref", self.reference))? {
                found.push(Found { place, row: reply.data().clone() });
            }
        }
        Ok(found)
    }

    /// All values of the first `missing` placeholders.
    fn outer_ids(&self, template: &str, missing: usize) -> CommandResult<Vec<Vec<String>>> {
        let mut known = vec![Vec::new()];
        for place in 0..missing {
            let list = template.match_indices("/{").nth(place).map_or(template, |(end, _)| &template[..end]);
            let mut longer = Vec::new();
            for outer in known {
                for id in self.list(&filled(list, &outer))? {
                    longer.push(outer.iter().cloned().chain([id]).collect());
                }
            }
            known = longer;
        }
        Ok(known)
    }

    /// The ids of all rows of a list.
    fn list(&self, path: &str) -> CommandResult<Vec<String>> {
        let mut ids = Vec::new();
        for page in 1.. {
            let request = Request::get(self.project.path(path)).query("ref", self.reference);
            let reply = self.api.send(request.query("limit", PAGE).query("page", &page.to_string()))?;
            let rows = reply.data().as_array().into_iter().flatten();
            ids.extend(rows.filter_map(|row| row["id"].as_str()).map(str::to_owned));
            if reply.body()["pagination"]["pages"].as_u64().is_none_or(|pages| page >= pages) {
                break;
            }
        }
        Ok(ids)
    }

    fn no_kind(&self, address: &str) -> CommandError {
        let name = first(address);
        let kinds: Vec<String> = self.kinds().map(|entity| kind_name(entity)).collect();
        CommandError::user(format!("there is no kind '{name}', and no agent of that name that has such a sub-agent"))
            .cause(format!("kinds: {}", kinds.join(", ")))
            .hint("an address is KIND/ID, as tool/weather; a sub-agent's also AGENT/SUB-AGENT")
    }

    fn nothing(&self, entity: &Entity, address: &str) -> CommandError {
        let message = format!("{} has no {} '{address}' at {}", self.project, entity.title(), self.reference);
        let error = CommandError::user(message).not_found();
        error.hint(format!("`understory export -p {}` shows all there is", self.project))
    }
}

/// The path of a row below the project.
fn template(entity: &Entity) -> String {
    match &entity.crud {
        Some(crud) if entity.name != PROJECT => {
            let path = crud.path.strip_prefix(Scope::Project.base()).unwrap_or(&crud.path);
            format!("{path}/{{{}}}", crud.id_param)
        }
        _ => String::new(),
    }
}

fn first(address: &str) -> &str {
    address.split('/').next().unwrap_or_default()
}

fn places(template: &str) -> usize {
    template.matches('{').count()
}

/// The id that fills the placeholder of a name; nothing where there is no such placeholder.
fn named_id(template: &str, ids: &[String], name: &str) -> String {
    let placeholders = template.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut filled = placeholders.zip(ids);
    filled.find(|(placeholder, _)| *placeholder == name).map(|(_, id)| id.clone()).unwrap_or_default()
}

/// A template with its first placeholders filled in.
fn filled(template: &str, ids: &[String]) -> String {
    let mut ids = ids.iter();
    let segment = |segment: &str| match segment.starts_with('{') {
        true => ids.next().map_or_else(|| segment.to_owned(), |id| encoded(id)),
        false => segment.to_owned(),
    };
    template.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn kind_name(entity: &Entity) -> String {
    entity.name.replace('_', "-")
}

fn ambiguous(address: &str, found: &[Found]) -> CommandError {
    let error = CommandError::user(format!("'{address}' may be any of {}", found.len()));
    let error = found.iter().fold(error, |error, found| error.cause(found.place.address.clone()));
    error.hint("name it in full")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_from_the_left() {
        let model = Model::built_in().unwrap();
        let template = template(model.entity(SUB_AGENT).unwrap());
        assert_eq!(template, "/agents/{agentId}/sub-agents/{id}");
        assert_eq!(filled(&template, &["a b".into()]), "/agents/a%20b/sub-agents/{id}");
        assert_eq!(filled(&template, &["a".into(), "b".into()]), "/agents/a/sub-agents/b");
    }

    #[test]
    fn keys_are_those_that_changes_show() {
        let model = Model::built_in().unwrap();
        let flags = crate::args::Global { url: Some("http://127.0.0.1:1".into()), ..Default::default() };
        let settings = crate::settings::Settings::read(&flags).unwrap();
        let api = Api::reach(&settings, crate::connect::Missing::Refuse).unwrap();
        let project = "acme/shop".parse().unwrap();
        let finder = Finder { api: &api, model: &model, project: &project, reference: "main" };
        let key = |name: &str, ids: &[&str]| {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            finder.placed(&finder.kind(name).unwrap(), &ids).key
        };
        assert_eq!(key("sub-agent", &["support", "router"]), "support/router");
        assert_eq!(key("tool", &["weather"]), "weather");
        assert_eq!(key("dataset-item", &["set", "item"]), "item");
        assert_eq!(key("project", &[]), "shop");
    }
}
