use serde_json::{Value, json};

use super::operations::{
    ENVELOPE, PROBLEM, path_parameters, query_parameter, ref_parameter, reference, refusal, refusals,
};

/// One operation, written down.
pub(super) struct Written {
    pub(super) path: String,
    pub(super) verb: &'static str,
    id: &'static str,
    tag: &'static str,
    query: &'static [(&'static str, &'static str)],
    body: Option<Value>,
    body_required: bool,
    answers: Vec<(u16, Option<Value>)>,
    /// Media types of the body and of the answer, where they are not JSON.
    body_type: &'static str,
    answer_type: &'static str,
    /// The status and media type of another form of the answer.
    other: Option<(u16, &'static str)>,
    /// Whether it needs no key.
    open: bool,
    /// Refusals of its own.
    refuses: &'static [u16],
}

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";
/// The media type of a stream of events.
pub(super) const EVENTS: &str = "text/event-stream";

/// An operation of this path, verb, id and tag, which takes and answers nothing yet.
pub(super) fn written(path: String, verb: &'static str, id: &'static str, tag: &'static str) -> Written {
    Written {
        path,
        verb,
        id,
        tag,
        query: &[],
        body: None,
        body_required: true,
        answers: Vec::new(),
        body_type: JSON,
        answer_type: JSON,
        other: None,
        open: false,
        refuses: &[],
    }
}

impl Written {
    pub(super) fn query(mut self, query: &'static [(&'static str, &'static str)]) -> Self {
        self.query = query;
        self
    }

    pub(super) fn body(mut self, schema: &str) -> Self {
        self.body = Some(reference(schema));
        self
    }

    /// A body that may be left out.
    pub(super) fn optional_body(self, schema: &str) -> Self {
        Self { body_required: false, ..self.body(schema) }
    }

    pub(super) fn answer(mut self, status: u16, schema: &str) -> Self {
        self.answers.push((status, Some(reference(schema))));
        self
    }

    /// An answer of lines of JSON.
    pub(super) fn lines(self, status: u16) -> Self {
        self.text(status, LINES)
    }

    /// An answer that is text of another media type.
    pub(super) fn text(mut self, status: u16, media_type: &'static str) -> Self {
        self.answers.push((status, Some(json!({ "type": "string" }))));
        Self { answer_type: media_type, ..self }
    }

    /// The same for clients that ask for it, beside the answer in JSON.
    pub(super) fn or_text(self, status: u16, media_type: &'static str) -> Self {
        Self { other: Some((status, media_type)), ..self }
    }

    /// A body of lines of JSON.
    pub(super) fn lines_body(self) -> Self {
        Self { body: Some(json!({ "type": "string" })), body_type: LINES, ..self }
    }

    /// An operation that needs no key.
    pub(super) fn open(self) -> Self {
        Self { open: true, ..self }
    }

    /// The same with refusals that others do not answer.
    pub(super) fn refuses(self, statuses: &'static [u16]) -> Self {
        Self { refuses: statuses, ..self }
    }

    pub(super) fn empty(mut self, status: u16) -> Self {
        self.answers.push((status, None));
        self
    }

    pub(super) fn operation(&self) -> Value {
        let mut parameters = path_parameters(&self.path);
        parameters.extend(
            self.query.iter().map(
                |(name, ty)| {
                    if *name == "ref" { ref_parameter() } else { query_parameter(name, ty) }
                },
            ),
        );
        let mut responses = self.refusals();
        for (status, schema) in &self.answers {
            let mut answer = json!({ "description": "Done." });
            if let Some(schema) = schema {
                answer["content"] = json!({ self.answer_type: { "schema": schema } });
            }
            responses[status.to_string()] = answer;
        }
        if let Some((status, media_type)) = self.other {
            let status = status.to_string();
            if responses[&status].is_null() {
                responses[&status] = json!({ "description": "Done." });
            }
            responses[&status]["content"][media_type] = json!({ "schema": { "type": "string" } });
        }
        let mut operation = json!({
            "operationId": self.id, "tags": [self.tag], "parameters": parameters, "responses": responses,
        });
        if self.open {
            operation["security"] = json!([]);
        }
        if let Some(body) = &self.body {
            operation["requestBody"] =
                json!({ "required": self.body_required, "content": { self.body_type: { "schema": body } } });
        }
        operation
    }

    /// What it may answer instead: a key is not asked for where none is needed.
    fn refusals(&self) -> Value {
        let form = if self.path.starts_with("/api/") { ENVELOPE } else { PROBLEM };
        let mut refusals = refusals(self.verb != "GET", form);
        if self.open
            && let Some(refusals) = refusals.as_object_mut()
        {
            refusals.remove("401");
            refusals.remove("403");
        }
        for status in self.refuses {
            refusals[status.to_string()] = refusal(*status, form);
        }
        refusals
    }
}
