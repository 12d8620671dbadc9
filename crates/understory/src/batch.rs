use serde::Deserialize;
use serde_json::{Value, json};
use understory_manage::Draft;

use crate::action::Call;
use crate::project::Project;
use crate::routes::{Verb, find_route};
use crate::write::{WriteOptions, Written};
use crate::{Error, Result};

/// Where a batch's operations are in its body.
const OPERATIONS: &str = "/operations";
/// The most operations in a batch.
const MAX_OPERATIONS: usize = 1_000;

/// One operation of a batch: a request within the project.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchOperation {
    /// POST, PUT, PATCH or DELETE.
    pub method: String,
    /// Path below the project, `/tools/weather`, or the whole path.
    pub path: String,
    /// Body, as the route takes it.
    #[serde(default)]
    pub body: Value,
}

impl Project {
    /// Does operations in order, each seeing what those before it did, as one commit: all of them or none.
    ///
    /// Answers what each answered: `[{status, body}]`.
    pub async fn batch(
        &self,
        operations: &[BatchOperation],
        base_url: &str,
        options: &WriteOptions,
    ) -> Result<Written<Vec<Value>>> {
        if operations.is_empty() || operations.len() > MAX_OPERATIONS {
            let detail = format!("a batch has 1 to {MAX_OPERATIONS} operations");
            return Err(Error::field(OPERATIONS, "range", detail));
        }
        let message = || format!("Batch of {} operations", operations.len());
        let edit = |draft: &mut Draft| {
            let run = |(index, operation)| self.run(draft, operation, base_url).map_err(|error| at(error, index));
            operations.iter().enumerate().map(run).collect()
        };
        self.write(options, message, |_| None, edit).await.map_err(of_all)
    }

    fn run(&self, draft: &mut Draft, operation: &BatchOperation, base_url: &str) -> Result<Value> {
        let base = format!("/tenants/{}/projects/{}", self.id().tenant, self.id().id);
        let path = operation.path.strip_prefix("/manage").unwrap_or(&operation.path);
        let path = match path.strip_prefix(&base) {
            Some(_) => path.to_owned(),
            None => format!("{base}/{}", path.trim_start_matches('/')),
        };
        let verb = Verb::parse(&operation.method).filter(|verb| *verb != Verb::Get);
        let found = verb.and_then(|verb| find_route(self.app().routes(), verb, &path));
        let Some((route, params)) = found.filter(|(route, _)| !route.action.is_read()) else {
            return Err(Error::field(
                "/path",
                "reference",
                format!("{} {} is not a write of this project", operation.method, operation.path),
            ));
        };
        let call = Call { params, body: operation.body.clone(), base_url: base_url.to_owned(), ..Call::default() };
        let answer = route.action.write(draft, &call)?;
        Ok(json!({ "status": answer.status, "body": answer.body }))
    }
}

/// The laws speak of all operations together: a later one may set right what an earlier one left.
fn of_all(error: Error) -> Error {
    let Error::Invalid(mut errors) = error else { return error };
    for error in errors.iter_mut().filter(|error| !error.pointer.starts_with(OPERATIONS)) {
        OPERATIONS.clone_into(&mut error.pointer);
    }
    Error::Invalid(errors)
}

/// Says which operation an error is about.
fn at(error: Error, index: usize) -> Error {
    let place = format!("operation {index}");
    match error {
        Error::Invalid(_) => crate::action::within(error, &format!("{OPERATIONS}/{index}")),
        Error::BadRequest(detail) => Error::BadRequest(format!("{place}: {detail}")),
        Error::Conflict(detail) => Error::Conflict(format!("{place}: {detail}")),
        Error::Unprocessable(detail) => Error::Unprocessable(format!("{place}: {detail}")),
        Error::NotFound { what, id } => Error::NotFound { what: format!("{place}: {what}"), id },
        other => other,
    }
}
