//! Both descriptions, and validators of what goes over the wire, compiled once for all tests.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::Value;
use understory_testkit::contract::validator;

use crate::operations::{Description, Place, contract, ours};

pub(crate) static CONTRACT: LazyLock<Description> = LazyLock::new(contract);
pub(crate) static OURS: LazyLock<Description> = LazyLock::new(ours);

/// What of an operation is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Request,
    Answer(u16),
}

/// Whose description is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    Contract,
    Ours,
}

impl Whose {
    fn description(self) -> &'static Description {
        match self {
            Self::Contract => &CONTRACT,
            Self::Ours => &OURS,
        }
    }
}

type Validators = Mutex<BTreeMap<(Whose, Place, Part), Arc<Validator>>>;

/// What is wrong with a body by a description: none where it has no schema for it, else errors with their places.
pub(crate) fn errors(whose: Whose, place: &Place, part: Part, body: &Value) -> Option<Vec<String>> {
    static COMPILED: Validators = Mutex::new(BTreeMap::new());
    let description = whose.description();
    let operation = &description.operations[place];
    let schema = match part {
        Part::Request => operation.request(),
        Part::Answer(status) => operation.response(status),
    }?;
    let compile = || Arc::new(validator(&description.document, schema));
    let validator = {
        let mut compiled = COMPILED.lock().unwrap();
        Arc::clone(compiled.entry((whose, place.clone(), part)).or_insert_with(compile))
    };
    let text = |error: jsonschema::ValidationError<'_>| format!("{}: {}", error.instance_path(), error.masked());
    Some(validator.iter_errors(body).map(text).collect())
}
