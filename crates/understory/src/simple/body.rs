use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::AgentState;
use crate::{Error, Result};

/// Where nothing is said: who answers, and how.
const PROVIDER: &str = "ollama";
const MODEL: &str = "codellama:7b";
const TEMPERATURE: f64 = 0.7;
const MAX_TOKENS: u64 = 2048;
const PROMPT: &str = "You are a helpful assistant for software development.";

/// The longest name of a model, with its provider.
const MODEL_LENGTH: usize = 256;

/// What a request says of an agent. What it leaves out stays as it is, or is a new agent's default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentBody {
    /// Shown to people.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// How it answers; replaces the whole of what was there.
    pub configuration: Option<AgentConfiguration>,
    /// What it can do; replaces the whole list.
    pub capabilities: Option<Vec<Capability>>,
    /// What it is doing.
    pub status: Option<AgentState>,
}

/// How an agent answers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentConfiguration {
    /// The provider of its model, such as `ollama`.
    pub llm_provider: Option<String>,
    /// The model, as the provider calls it.
    pub model: Option<String>,
    /// How freely it answers, from 0 to 2.
    pub temperature: Option<f64>,
    /// The most tokens of an answer.
    pub max_tokens: Option<u64>,
    /// Its instructions.
    pub system_prompt: Option<String>,
    /// Everything else, kept as it is: code style, knowledge base, memory.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// Something that an agent can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capability {
    /// What, such as `debugging`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it may.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// How well it can, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

fn yes() -> bool {
    true
}

/// What a new agent can do.
pub(super) fn default_capabilities() -> Vec<Capability> {
    let capability = |(kind, enabled, confidence): (&str, bool, f64)| Capability {
        kind: kind.to_owned(),
        enabled,
        confidence: Some(confidence),
    };
    [
        ("code-generation", true, 0.8),
        ("code-modification", true, 0.8),
        ("code-refactoring", true, 0.7),
        ("debugging", true, 0.6),
        ("testing", false, 0.5),
        ("documentation", true, 0.7),
    ]
    .map(capability)
    .into()
}

/// A configuration with nothing left to say.
pub(super) struct Complete {
    /// `provider/model`.
    pub(super) model: String,
    pub(super) temperature: f64,
    pub(super) max_tokens: u64,
    pub(super) system_prompt: String,
    pub(super) others: Map<String, Value>,
}

impl AgentConfiguration {
    /// The same with the defaults for what it leaves out, at every depth.
    pub(super) fn complete(self) -> Result<Complete> {
        let provider = self.llm_provider.unwrap_or_else(|| PROVIDER.into());
        let model = self.model.unwrap_or_else(|| MODEL.into());
        if provider.is_empty() || provider.contains('/') {
            return Err(wrong("llmProvider", "a provider has a name without a slash"));
        }
        if model.is_empty() || provider.chars().count() + model.chars().count() >= MODEL_LENGTH {
            return Err(wrong(
                "model",
                &format!("provider/model has at most {MODEL_LENGTH} characters, and both parts"),
            ));
        }
        let temperature = self.temperature.unwrap_or(TEMPERATURE);
        if !(0.0..=2.0).contains(&temperature) {
            return Err(wrong("temperature", "a temperature is from 0 to 2"));
        }
        let max_tokens = self.max_tokens.unwrap_or(MAX_TOKENS);
        if max_tokens == 0 {
            return Err(wrong("maxTokens", "an answer has at least one token"));
        }
        let mut others = self.others;
        fill(&mut others, default_others());
        let system_prompt = self.system_prompt.unwrap_or_else(|| PROMPT.into());
        Ok(Complete { model: format!("{provider}/{model}"), temperature, max_tokens, system_prompt, others })
    }
}

fn wrong(field: &str, detail: &str) -> Error {
    Error::field(format!("/configuration/{field}"), "range", detail)
}

fn default_others() -> Map<String, Value> {
    let others = json!({
        "codeStyle": { "indentSize": 2, "useSpaces": true, "semicolons": true },
        "knowledgeBase": {
            "enabled": false, "embeddingModel": "nomic-embed-text", "chunkSize": 1000, "chunkOverlap": 200, "topK": 5,
        },
        "memory": {
            "enabled": true,
            "shortTerm": { "maxMessages": 50, "retentionHours": 24 },
            "longTerm": { "consolidationThreshold": 10, "importanceThreshold": 0.7 },
        },
    });
    if let Value::Object(others) = others { others } else { Map::new() }
}

/// Adds what is not there, within objects too.
fn fill(given: &mut Map<String, Value>, defaults: Map<String, Value>) {
    for (name, default) in defaults {
        match (given.get_mut(&name), default) {
            (Some(Value::Object(given)), Value::Object(default)) => fill(given, default),
            (Some(_), _) => {}
            (None, default) => _ = given.insert(name, default),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(given: Value) -> Result<Complete> {
        serde_json::from_value::<AgentConfiguration>(given).unwrap().complete()
    }

    #[test]
    fn what_is_left_out_is_filled_at_every_depth() {
        let made =
            complete(json!({ "model": "m/1", "memory": { "longTerm": { "importanceThreshold": 0.9 } } })).unwrap();
        assert_eq!((made.model.as_str(), made.max_tokens), ("ollama/m/1", 2048));
        let memory = &made.others["memory"];
        assert_eq!(memory["longTerm"], json!({ "consolidationThreshold": 10, "importanceThreshold": 0.9 }));
        assert_eq!(memory["shortTerm"]["maxMessages"], 50);
        assert_eq!(complete(json!({ "codeStyle": null })).unwrap().others["codeStyle"], Value::Null);
    }

    #[test]
    fn what_makes_no_sense_is_refused_where_it_stands() {
        for (field, value) in [
            ("llmProvider", json!("a/b")),
            ("llmProvider", json!("")),
            ("model", json!("")),
            ("model", json!("m".repeat(MODEL_LENGTH))),
            ("temperature", json!(2.1)),
            ("maxTokens", json!(0)),
        ] {
            let Err(Error::Invalid(errors)) = complete(json!({ field: value })) else { panic!("{field} is taken") };
            assert_eq!(errors[0].pointer, format!("/configuration/{field}"));
        }
    }
}
