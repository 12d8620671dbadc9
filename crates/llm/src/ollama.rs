use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::http::message;
use crate::stream::{Decoder, Events, Protocol, events, parse};
use crate::{ChatEvent, ChatRequest, ChatStream, Endpoint, LlmError, ModelInfo, Parameters, Provider};

/// Parameters that belong beside the options, not among them.
const NO_OPTIONS: [&str; 3] = ["format", "keep_alive", "think"];

/// Ollama's own protocol: `/api/chat`, answered line by line, and `/api/tags`.
#[derive(Clone, Debug)]
pub struct Ollama {
    endpoint: Endpoint,
}

impl Ollama {
    /// An Ollama whose base URL has no `/api`, usually `http://127.0.0.1:11434`.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint }
    }
}

#[async_trait]
impl Provider for Ollama {
    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, LlmError> {
        let body = self.endpoint.post("/api/chat", &request.model, &body(&request)).await?;
        let decoder = Decoder::new(Answer::new(request.model), self.endpoint.limits().piece);
        Ok(events(body, decoder))
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, LlmError> {
        let list = self.endpoint.get("/api/tags").await?;
        let list: List = parse(&list).map_err(|error| self.endpoint.presentable(error))?;
        Ok(list.models)
    }

    fn has_key(&self) -> bool {
        self.endpoint.has_key()
    }
}

pub(crate) fn body(request: &ChatRequest) -> Value {
    let (mut body, options) = parameters(&request.parameters);
    body.insert("model".into(), json!(request.model));
    body.insert("messages".into(), json!(request.messages));
    body.insert("stream".into(), json!(true));
    body.insert("options".into(), options.into());
    if let Some(tools) = &request.tools {
        body.insert("tools".into(), tools.clone());
    }
    body.into()
}

/// Those that stand beside the options, and the options, in which the most tokens have another name.
fn parameters(parameters: &Parameters) -> (Map<String, Value>, Map<String, Value>) {
    let (beside, mut options): (Map<_, _>, Map<_, _>) =
        parameters.to_map().into_iter().partition(|(name, _)| NO_OPTIONS.contains(&name.as_str()));
    if let Some(most) = options.remove("max_tokens") {
        options.insert("num_predict".into(), most);
    }
    (beside, options)
}

#[derive(Deserialize)]
struct List {
    models: Vec<ModelInfo>,
}

#[derive(Deserialize)]
struct Frame {
    message: Option<Message>,
    done: Option<bool>,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    tool_calls: Option<Value>,
}

/// An answer: a JSON document on each line, the last one with `done`.
#[derive(Debug)]
pub(crate) struct Answer {
    model: String,
}

impl Answer {
    pub(crate) fn new(model: String) -> Self {
        Self { model }
    }
}

impl Protocol for Answer {
    fn line(&mut self, line: &[u8], events: &mut Events) -> Result<(), LlmError> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let frame: Frame = parse(line)?;
        if let Some(error) = frame.error {
            let words = message(&error).unwrap_or_else(|| error.to_string());
            return Err(LlmError::refusal(None, words, &self.model));
        }
        if frame.message.is_none() && frame.done.is_none() {
            return Err(LlmError::garbage(line, None));
        }
        if let Some(message) = frame.message {
            events.extend(message.content.filter(|text| !text.is_empty()).map(ChatEvent::Text));
            events.extend(message.tool_calls.map(ChatEvent::ToolCalls));
        }
        if frame.done == Some(true) {
            // A prompt that the model still remembers is not counted.
            let (prompt, completion) = (frame.prompt_eval_count, frame.eval_count);
            if prompt.or(completion).is_some() {
                let (prompt_tokens, completion_tokens) = (prompt.unwrap_or(0), completion.unwrap_or(0));
                events.push_back(ChatEvent::Usage { prompt_tokens, completion_tokens });
            }
            events.push_back(ChatEvent::Finished { reason: frame.done_reason });
        }
        Ok(())
    }

    fn end(&mut self, _: &mut Events) -> Result<(), LlmError> {
        Err(LlmError::CutOff(None))
    }
}
