//! A client that holds every answer against the contract.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use understory_testkit::server::{Answered, TestServer};

use crate::exceptions;
use crate::operations::Operation;
use crate::sample;
use crate::validators::{CONTRACT, Part, Whose, errors};

pub(crate) const TENANT: &str = "/manage/tenants/acme";
pub(crate) const PROJECT: &str = "/manage/tenants/acme/projects/demo";
pub(crate) const AGENT: &str = "/manage/tenants/acme/projects/demo/agents/a";

/// A server, and which operations of the contract it answered.
pub(crate) struct Client {
    pub(crate) server: TestServer,
    called: Mutex<BTreeSet<String>>,
}

impl Client {
    pub(crate) async fn start() -> Self {
        Self { server: TestServer::start().await, called: Mutex::default() }
    }

    /// The ids of the operations that were answered as the contract says.
    pub(crate) fn called(&self) -> BTreeSet<String> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The contract's operation at a path as clients write it.
    pub(crate) fn operation(&self, verb: &str, path: &str) -> &Operation {
        let path = path.split('?').next().unwrap();
        let fits = |operation: &&Operation| operation.verb == verb && matches(&operation.path, path);
        let found = CONTRACT.operations.values().filter(fits).min_by_key(|o| o.path.matches('{').count());
        found.unwrap_or_else(|| panic!("{verb} {path} is not in the contract"))
    }

    /// Calls an operation, which must be answered as the contract says, and as our own description does.
    pub(crate) async fn call(&self, verb: &str, path: &str, body: Option<&Value>) -> Answered {
        let operation = self.operation(verb, path);
        for whose in [Whose::Contract, Whose::Ours] {
            let Some(body) = body else { continue };
            let wrong = errors(whose, &operation.place(), Part::Request, body).unwrap_or_default();
            assert!(wrong.is_empty(), "{}: the request breaks {whose:?}: {wrong:#?}\n{body:#}", operation.id);
        }
        let answer = self.server.send(verb, path, body).await;
        let status = answer.status.as_u16();
        assert!(operation.successes().contains(&status), "{verb} {path}: {status} {}\n{body:?}", answer.text);
        check_body(operation, status, &answer);
        self.called.lock().unwrap().insert(operation.id.clone());
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).await.body
    }

    /// A body with every property that the contract has for it, some of them given.
    pub(crate) fn body(&self, verb: &str, path: &str, variant: usize, given: &Value) -> Value {
        let schema = self.operation(verb, path).request().expect("it takes a body");
        let mut body = sample::value(&CONTRACT.document, schema, variant);
        let Value::Object(object) = &mut body else { return given.clone() };
        for (key, value) in given.as_object().unwrap() {
            object.insert(key.clone(), value.clone());
        }
        // What cannot be sent together with the rest is given as null.
        object.retain(|key, _| given.get(key) != Some(&Value::Null));
        body
    }

    /// All branches and their heads.
    pub(crate) async fn branches(&self) -> Value {
        self.get(&format!("{PROJECT}/branches")).await
    }

    /// The head of a branch.
    pub(crate) async fn head(&self, branch: &str) -> String {
        let branch = self.get(&format!("{PROJECT}/branches/{branch}")).await;
        branch["data"]["hash"].as_str().unwrap().to_owned()
    }
}

fn check_body(operation: &Operation, status: u16, answer: &Answered) {
    let text: String = answer.text.chars().take(2_000).collect();
    for whose in [Whose::Contract, Whose::Ours] {
        let Some(mut wrong) = errors(whose, &operation.place(), Part::Answer(status), &answer.body) else {
            assert_eq!(text, "", "{} answers nothing", operation.id);
            return;
        };
        wrong.retain(|error| whose == Whose::Ours || !exceptions::excepted(&operation.id, error));
        assert!(wrong.is_empty(), "{}: the answer breaks {whose:?}: {wrong:#?}\n{text}", operation.id);
    }
    assert_eq!(answer.header("content-type"), Some("application/json"), "{}", operation.id);
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(wanted, given): (&&str, &&str)| wanted.starts_with('{') || wanted == given;
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}

/// A path at a ref.
pub(crate) fn at(path: &str, reference: &str) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}ref={reference}")
}
