//! Operations of an API description, ours or the contract's.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use understory_testkit::contract;

/// One operation.
pub(crate) struct Operation {
    pub(crate) verb: String,
    /// Path as described.
    pub(crate) path: String,
    /// Its id; verb and path where it has none.
    pub(crate) id: String,
    pub(crate) body: Value,
}

/// What two descriptions of an operation agree on: verb, and path without the names of its placeholders.
pub(crate) type Place = (String, String);

/// All operations of a description, by place.
fn operations(document: &Value) -> BTreeMap<Place, Operation> {
    let paths = document["paths"].as_object().expect("a description has paths");
    let of_path = |(path, item): (&String, &Value)| -> Vec<(Place, Operation)> {
        let item = item.as_object().unwrap();
        item.iter().filter(|(verb, _)| *verb != "parameters").map(|(verb, body)| operation(path, verb, body)).collect()
    };
    paths.iter().flat_map(of_path).collect()
}

fn operation(path: &str, verb: &str, body: &Value) -> (Place, Operation) {
    let verb = verb.to_uppercase();
    let id = body["operationId"].as_str().map_or_else(|| format!("{verb} {path}"), str::to_owned);
    let operation = Operation { verb, path: path.to_owned(), id, body: body.clone() };
    (operation.place(), operation)
}

/// A path without the names of its placeholders.
fn bare(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "{}".to_owned() } else { segment.to_owned() };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

impl Operation {
    /// Where it is.
    pub(crate) fn place(&self) -> Place {
        (self.verb.clone(), bare(&self.path))
    }

    /// Follows references into the document's components.
    pub(crate) fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => Self::resolved(document, document.pointer(&reference[1..]).unwrap()),
            None => schema,
        }
    }

    /// Names of its query parameters.
    pub(crate) fn query(&self) -> Vec<&str> {
        let parameters = self.body["parameters"].as_array().into_iter().flatten();
        parameters.filter(|parameter| parameter["in"] == "query").filter_map(|p| p["name"].as_str()).collect()
    }

    /// The statuses that mean success.
    pub(crate) fn successes(&self) -> Vec<u16> {
        let statuses = self.body["responses"].as_object().map(Map::keys).into_iter().flatten();
        statuses.filter_map(|status| status.parse().ok()).filter(|status| (200..300).contains(status)).collect()
    }

    /// The schema of its body.
    pub(crate) fn request(&self) -> Option<&Value> {
        self.body.pointer("/requestBody/content/application~1json/schema")
    }

    /// The schema of an answer's body.
    pub(crate) fn response(&self, status: u16) -> Option<&Value> {
        self.body.pointer(&format!("/responses/{status}/content/application~1json/schema"))
    }
}

/// An API description.
pub(crate) struct Description {
    pub(crate) document: Value,
    pub(crate) operations: BTreeMap<Place, Operation>,
}

impl Description {
    fn new(document: Value) -> Self {
        Self { operations: operations(&document), document }
    }
}

/// The contract's.
pub(crate) fn contract() -> Description {
    Description::new(contract::json("openapi.json"))
}

/// Ours.
pub(crate) fn ours() -> Description {
    let model = understory::model::Model::built_in().unwrap();
    Description::new(understory_server::document(&model, &understory::routes(&model)))
}

/// Operations of the contract that we serve: theirs and ours.
pub(crate) fn served() -> Vec<(Operation, Operation)> {
    let mut ours = ours().operations;
    contract().operations.into_iter().filter_map(|(place, theirs)| Some((theirs, ours.remove(&place)?))).collect()
}
