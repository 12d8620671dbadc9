use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::message;
use crate::stream::{Decoder, Events, Protocol, events, parse};
use crate::{ChatEvent, ChatRequest, ChatStream, Endpoint, LlmError, ModelInfo, Provider};

/// Names that lines of a stream of server-sent events begin with, comments aside.
const FIELDS: [&[u8]; 4] = [b"data", b"event", b"id", b"retry"];
/// What ends a stream.
const DONE: &[u8] = b"[DONE]";

/// OpenAI's protocol, which many providers speak: `/chat/completions`, answered with server-sent events, and `/models`.
#[derive(Clone, Debug)]
pub struct OpenAi {
    endpoint: Endpoint,
}

impl OpenAi {
    /// A provider whose base URL has the version, such as `https://api.openai.com/v1`.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint }
    }
}

#[async_trait]
impl Provider for OpenAi {
    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, LlmError> {
        let body = self.endpoint.post("/chat/completions", &request.model, &body(&request)).await?;
        let limit = self.endpoint.limits().piece;
        let decoder = Decoder::new(Answer::new(request.model, limit), limit);
        Ok(events(body, decoder))
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, LlmError> {
        let list = self.endpoint.get("/models").await?;
        let list: List = parse(&list).map_err(|error| self.endpoint.presentable(error))?;
        Ok(list.data.into_iter().map(|model| ModelInfo { name: model.id }).collect())
    }

    fn has_key(&self) -> bool {
        self.endpoint.has_key()
    }
}

pub(crate) fn body(request: &ChatRequest) -> Value {
    let mut body = request.parameters.to_map();
    body.insert("model".into(), json!(request.model));
    body.insert("messages".into(), json!(request.messages));
    body.insert("stream".into(), json!(true));
    body.insert("stream_options".into(), json!({"include_usage": true}));
    if let Some(tools) = &request.tools {
        body.insert("tools".into(), tools.clone());
    }
    body.into()
}

#[derive(Deserialize)]
struct List {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
}

#[derive(Deserialize)]
struct Frame {
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    tool_calls: Option<Value>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// An answer: a JSON document in each server-sent event, and `[DONE]` in the last one.
#[derive(Debug)]
pub(crate) struct Answer {
    model: String,
    /// The event so far, of at most so many bytes as the limit says.
    data: Vec<u8>,
    limit: usize,
    /// Why the model ended, once it did; what the answer took is told after that.
    reason: Option<String>,
    usage: Option<Usage>,
}

impl Answer {
    pub(crate) fn new(model: String, limit: usize) -> Self {
        Self { model, data: Vec::new(), limit, reason: None, usage: None }
    }

    /// Takes a line of an event.
    fn take(&mut self, value: &[u8]) -> Result<(), LlmError> {
        if !self.data.is_empty() {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        if self.data.len() > self.limit {
            return Err(LlmError::TooLarge { what: "piece", limit: self.limit });
        }
        Ok(())
    }

    /// Takes the data of a whole event.
    fn frame(&mut self, data: &[u8], events: &mut Events) -> Result<(), LlmError> {
        if data == DONE {
            self.finish(events);
            return Ok(());
        }
        if DONE.starts_with(data) {
            return Err(LlmError::CutOff(None));
        }
        let frame: Frame = parse(data)?;
        if let Some(error) = frame.error {
            return Err(self.refusal(&error));
        }
        if frame.choices.is_none() && frame.usage.is_none() {
            return Err(LlmError::garbage(data, None));
        }
        self.usage = frame.usage.or(self.usage);
        // More than one answer can only have been asked for by a parameter that we pass on; the first one counts.
        for choice in frame.choices.into_iter().flatten().filter(|choice| choice.index == 0) {
            if let Some(delta) = choice.delta {
                events.extend(delta.content.filter(|text| !text.is_empty()).map(ChatEvent::Text));
                events.extend(delta.tool_calls.map(ChatEvent::ToolCalls));
            }
            self.reason = choice.finish_reason.or(self.reason.take());
        }
        Ok(())
    }

    fn finish(&mut self, events: &mut Events) {
        if let Some(Usage { prompt_tokens, completion_tokens }) = self.usage.take() {
            events.push_back(ChatEvent::Usage { prompt_tokens, completion_tokens });
        }
        events.push_back(ChatEvent::Finished { reason: self.reason.take() });
    }

    /// An error within the stream; some providers give it the status that it would have had before.
    fn refusal(&self, error: &Value) -> LlmError {
        let status =
            error["code"].as_u64().and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
        let words = message(error).unwrap_or_else(|| error.to_string());
        LlmError::refusal(status, words, &self.model)
    }
}

impl Protocol for Answer {
    fn line(&mut self, line: &[u8], events: &mut Events) -> Result<(), LlmError> {
        if line.is_empty() {
            let data = std::mem::take(&mut self.data);
            return if data.is_empty() { Ok(()) } else { self.frame(&data, events) };
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = colon.map_or((line, &b""[..]), |at| (&line[..at], &line[at + 1..]));
        if field == b"data" {
            return self.take(value.strip_prefix(b" ").unwrap_or(value));
        }
        // A name may be cut off with the stream; a comment has none.
        if FIELDS.iter().any(|known| known.starts_with(field)) { Ok(()) } else { Err(LlmError::garbage(line, None)) }
    }

    /// Some providers leave out the last event; a reason to end makes the answer complete too.
    fn end(&mut self, events: &mut Events) -> Result<(), LlmError> {
        if self.reason.is_none() {
            return Err(LlmError::CutOff(None));
        }
        self.finish(events);
        Ok(())
    }
}
