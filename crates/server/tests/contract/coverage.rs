//! What is served, what is left out, and whether what is served is described compatibly.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::operations::{Operation, contract, ours, served};

#[test]
fn every_operation_is_served_or_left_out_by_name() {
    let (contract, ours) = (contract().operations, ours().operations);
    let missing = contract.iter().filter(|(place, _)| !ours.contains_key(*place));
    let missing: BTreeSet<&str> = missing.map(|(_, operation)| operation.id.as_str()).collect();
    let named: Vec<&str> = understory_server::LEFT_OUT.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    let left_out: BTreeSet<&str> = named.iter().copied().collect();
    assert_eq!(named.len(), left_out.len(), "an operation is named twice");
    assert_eq!(missing, left_out, "the list and what is not served differ");
    println!("{} operations: {} served, {} left out", contract.len(), contract.len() - missing.len(), missing.len());
    for (reason, ids) in understory_server::LEFT_OUT {
        println!("  {:3} {reason}: {}", ids.len(), ids.join(", "));
    }
    assert_eq!((contract.len(), contract.len() - missing.len()), (290, 195));
}

/// Successes of the contract that never happen here, and why.
const NEVER: [(&str, u16, &str); 1] =
    [("create-credential", 200, "an id that is there already is a conflict, as elsewhere")];

#[test]
fn parameters_and_statuses_are_those_of_the_contract() {
    for (theirs, ours) in served() {
        let (theirs_query, ours_query) = (theirs.query(), ours.query());
        for name in &theirs_query {
            assert!(ours_query.contains(name), "{}: no query parameter {name}", theirs.id);
        }
        let never = |status: u16| NEVER.iter().any(|(id, never, _)| (*id, *never) == (theirs.id.as_str(), status));
        let theirs_successes: Vec<u16> = theirs.successes().into_iter().filter(|status| !never(*status)).collect();
        assert_eq!(theirs_successes, ours.successes(), "{}", theirs.id);
        assert_eq!(theirs.request().is_some(), ours.request().is_some(), "{}: a body or none", theirs.id);
        for status in theirs_successes {
            let (theirs_body, ours_body) = (theirs.response(status).is_some(), ours.response(status).is_some());
            assert_eq!(theirs_body, ours_body, "{}: {status} with a body or without", theirs.id);
        }
    }
}

#[test]
fn bodies_require_no_more_and_answers_promise_no_less() {
    let (contract, ours) = (contract(), ours());
    let mut wrong = Vec::new();
    for (theirs, own) in served() {
        if let (Some(theirs_body), Some(own_body)) = (theirs.request(), own.request()) {
            let required = |document: &Value, schema: &Value| paths(document, schema, Wanted::Required);
            let (theirs_required, own_required) =
                (required(&contract.document, theirs_body), required(&ours.document, own_body));
            wrong.extend(
                own_required.difference(&theirs_required).map(|path| format!("{}: we require {path}", theirs.id)),
            );
        }
        for status in theirs.successes() {
            let (Some(theirs_answer), Some(own_answer)) = (theirs.response(status), own.response(status)) else {
                continue;
            };
            let promised = paths(&contract.document, theirs_answer, Wanted::Required);
            let described = paths(&ours.document, own_answer, Wanted::All);
            wrong.extend(promised.difference(&described).map(|path| format!("{}: no {path} in the answer", theirs.id)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    /// Properties that must be there, if what they are in is.
    Required,
    /// All properties.
    All,
}

/// The properties of a schema, as paths: `/data/[]/name`.
fn paths(document: &Value, schema: &Value, wanted: Wanted) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(document, schema, wanted, "", &mut found);
    found
}

/// Deep enough for every answer, and an end to schemas that hold themselves.
const DEPTH: usize = 5;

fn collect(document: &Value, schema: &Value, wanted: Wanted, path: &str, found: &mut BTreeSet<String>) {
    let schema = Operation::resolved(document, schema);
    if path.matches('/').count() > DEPTH {
        return;
    }
    // What one of several forms has is described; what all must have is required.
    let parts = ["allOf", "anyOf"].iter().filter(|key| **key == "allOf" || wanted == Wanted::All);
    for part in parts.filter_map(|key| schema[*key].as_array()).flatten() {
        collect(document, part, wanted, path, found);
    }
    if schema["items"].is_object() {
        collect(document, &schema["items"], wanted, &format!("{path}/[]"), found);
    }
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if wanted == Wanted::All || required.contains(&name.as_str()) {
            let path = format!("{path}/{name}");
            collect(document, property, wanted, &path, found);
            found.insert(path);
        }
    }
}
