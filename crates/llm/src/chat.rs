use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::LlmError;

/// The events of one answer, as they come. It ends after [`ChatEvent::Finished`] or after an error, whichever is first;
/// dropping it earlier closes the connection.
pub type ChatStream = BoxStream<'static, Result<ChatEvent, LlmError>>;

/// Somebody who answers chats.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Asks for an answer. Comes back when the answer begins, or with the reason why there is none.
    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, LlmError>;

    /// The models that can be asked for, by name.
    async fn models(&self) -> Result<Vec<ModelInfo>, LlmError>;

    /// Whether a key is sent along.
    fn has_key(&self) -> bool {
        false
    }
}

/// What a model is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// The model, as its provider calls it.
    pub model: String,
    /// The conversation, oldest message first.
    pub messages: Vec<ChatMessage>,
    /// How to answer.
    pub parameters: Parameters,
    /// Descriptions of tools that may be called, as the provider wants them.
    pub tools: Option<Value>,
}

impl ChatRequest {
    /// A request with the model's own parameters and no tools.
    pub fn new(model: &str, messages: Vec<ChatMessage>) -> Self {
        Self { model: model.to_owned(), messages, parameters: Parameters::default(), tools: None }
    }
}

/// One message of the conversation that a model is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl ChatMessage {
    /// An instruction to the model.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into() }
    }

    /// A message to the model.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// An earlier answer of the model.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// Who speaks in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Who instructs the model.
    System,
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

/// How a model shall answer; what is not given is left to the provider. Reads `topP` and `maxTokens` too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// How freely tokens are chosen; 0 takes the likeliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The share of likely tokens to choose from, up to 1.
    #[serde(alias = "topP", skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// The most tokens of the answer.
    #[serde(alias = "maxTokens", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Texts before which the answer ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Vec<String>>,
    /// Equal seeds give equal answers, where the provider can do that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// Everything else, passed on to the provider as it is. It cannot replace the model, the messages or the tools.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl Parameters {
    /// All that are given as JSON, under OpenAI's names.
    pub(crate) fn to_map(&self) -> Map<String, Value> {
        let mut map = self.others.clone();
        let mut give = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(name.to_owned(), value);
            }
        };
        give("temperature", self.temperature.map(Value::from));
        give("top_p", self.top_p.map(Value::from));
        give("max_tokens", self.max_tokens.map(Value::from));
        give("stop", self.stop.clone().map(Value::from));
        give("seed", self.seed.map(Value::from));
        map
    }
}

/// What happens while a model answers.
#[derive(Clone, Debug, PartialEq)]
pub enum ChatEvent {
    /// The next piece of the answer; never empty.
    Text(String),
    /// The model wants tools called: the provider's JSON as it came. OpenAI's protocol sends calls in parts, to be joined
    /// by `index`.
    ToolCalls(Value),
    /// What the answer took; at most once, right before the end.
    Usage {
        /// Tokens of the conversation that the model read.
        prompt_tokens: u64,
        /// Tokens of the answer.
        completion_tokens: u64,
    },
    /// The answer is complete; always the last event.
    Finished {
        /// Why it ended, in the provider's words (`stop`, `length`, `tool_calls`), if it said so.
        reason: Option<String>,
    },
}

/// A model that a provider has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its name at the provider, as [`ChatRequest::model`] wants it.
    pub name: String,
}
