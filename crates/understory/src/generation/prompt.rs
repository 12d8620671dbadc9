//! What a model is sent: the agent's prompts, its model and parameters, and the end of the conversation.

use serde_json::{Map, Value};
use understory_llm::{ChatMessage, ChatRequest, ModelName, Parameters};
use understory_manage::CommitHash;
use understory_runtime::{Around, Message, USER_FACING};

use crate::conversation::text_of;
use crate::project::Project;
use crate::{Error, Result};

/// The most messages of a conversation that a model is sent, the newest.
const HISTORY_MESSAGES: u32 = 50;
/// The most tokens of history that a model is sent; of the oldest messages those go that do not fit.
const HISTORY_TOKENS: usize = 8_000;
/// Characters that stand for a token: an estimate, as providers count differently.
const CHARACTERS_PER_TOKEN: usize = 4;

/// What a configuration says about answering.
#[derive(Clone, Debug)]
pub(crate) struct Brief {
    pub(crate) model: ModelName,
    pub(crate) system: String,
    pub(crate) parameters: Parameters,
    pub(crate) sub_agent: String,
}

impl Project {
    /// What an agent's configuration at a commit says about answering.
    pub(crate) async fn brief(&self, agent: &str, commit: &CommitHash) -> Result<Brief> {
        let document = self.agent_at(agent, commit.as_str()).await?.document;
        let (project, _) = self.own(commit.as_str()).await?;
        brief(&document, &project)
    }

    /// The request that makes an agent answer the conversation as it is before a message.
    pub(crate) async fn chat_request(&self, brief: &Brief, answer: &Message) -> Result<ChatRequest> {
        let before = Around::Before(answer.position);
        let of = self.key();
        let page = self.runtime().message_page(&of, &answer.conversation_id, before, HISTORY_MESSAGES).await?;
        let mut messages: Vec<ChatMessage> = recent(page, HISTORY_TOKENS).into_iter().map(chat_message).collect();
        if !brief.system.is_empty() {
            messages.insert(0, ChatMessage::system(&brief.system));
        }
        Ok(ChatRequest { parameters: brief.parameters.clone(), ..ChatRequest::new(&brief.model.model, messages) })
    }
}

fn brief(agent: &Value, project: &Value) -> Result<Brief> {
    let sub_agent = agent["defaultSubAgentId"].as_str().unwrap_or_default();
    let sub = &agent["subAgents"][sub_agent];
    // The nearest that names a model says its parameters, too.
    let nearest = [sub, agent, project].into_iter().map(|level| &level["models"]["base"]);
    let base = nearest.into_iter().find(|base| base["model"].is_string());
    let base = base.ok_or_else(|| Error::Unprocessable("the agent has no model: set models.base.model".into()))?;
    let name = base["model"].as_str().unwrap_or_default();
    let model = ModelName::parse(name).map_err(|error| Error::Unprocessable(error.to_string()))?;
    let parameters = match &base["providerOptions"] {
        Value::Null => Parameters::default(),
        options => serde_json::from_value(options.clone())
            .map_err(|error| Error::Unprocessable(format!("models.base.providerOptions of the agent: {error}")))?,
    };
    Ok(Brief { model, system: system_prompt(agent, sub), parameters, sub_agent: sub_agent.to_owned() })
}

/// The agent's prompt, its default sub-agent's, and the names of that one's skills.
fn system_prompt(agent: &Value, sub: &Value) -> String {
    let mut parts: Vec<String> = [agent, sub]
        .into_iter()
        .filter_map(|level| level["prompt"].as_str())
        .filter(|prompt| !prompt.trim().is_empty())
        .map(str::to_owned)
        .collect();
    let skill = |skill: &Value| {
        let text = |name: &str| skill[name].as_str().map(str::to_owned);
        let name = text("name").or_else(|| text("id"))?;
        Some(text("description").map_or_else(|| format!("- {name}"), |about| format!("- {name}: {about}")))
    };
    let skills: Vec<String> = sub["skills"].as_array().into_iter().flatten().filter_map(skill).collect();
    if !skills.is_empty() {
        parts.push(format!("Skills:\n{}", skills.join("\n")));
    }
    parts.join("\n\n")
}

/// The newest messages, in order, that fit; the last one always does. `newest_first` is how they come.
fn recent(newest_first: Vec<Message>, tokens: usize) -> Vec<Message> {
    let mut left = tokens.saturating_mul(CHARACTERS_PER_TOKEN);
    let mut kept: Vec<Message> = Vec::new();
    let is_told = |message: &Message| message.status != "streaming" && message.visibility == USER_FACING;
    for message in newest_first.into_iter().filter(is_told) {
        let size = text_of(&message.content).chars().count();
        // An answer that failed or was stopped at once says nothing, and not every provider takes that.
        if size == 0 {
            continue;
        }
        if size > left && !kept.is_empty() {
            break;
        }
        left = left.saturating_sub(size);
        kept.push(message);
    }
    kept.reverse();
    kept
}

fn chat_message(message: Message) -> ChatMessage {
    let text = text_of(&message.content);
    match message.role.as_str() {
        "user" => ChatMessage::user(text),
        "system" => ChatMessage::system(text),
        _ => ChatMessage::assistant(text),
    }
}

/// What is known of an answer from its beginning.
pub(crate) fn begun_metadata(brief: &Brief) -> Map<String, Value> {
    let fields = [("model", &brief.model.model), ("provider", &brief.model.provider)];
    let mut metadata: Map<String, Value> =
        fields.into_iter().map(|(name, value)| (name.to_owned(), value.as_str().into())).collect();
    metadata.insert("streaming".into(), true.into());
    metadata
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(position: i64, text: &str, status: &str) -> Message {
        Message {
            id: position.to_string(),
            conversation_id: "c".into(),
            position,
            role: "user".into(),
            from_sub_agent_id: None,
            content: json!({ "text": text }),
            status: status.into(),
            visibility: "user-facing".into(),
            task_id: None,
            parent_message_id: None,
            commit_hash: None,
            metadata: None,
            created_at: String::new(),
            updated_at: String::new(),
        }
    }

    #[test]
    fn a_brief_takes_the_nearest_model_and_both_prompts() {
        let agent = json!({
            "prompt": "Be kind.", "defaultSubAgentId": "s", "models": { "base": { "model": "openai/gpt" } },
            "subAgents": { "s": {
                "prompt": "Sell shoes.", "skills": [{ "name": "returns", "description": "Take back" }],
                "models": { "base": { "model": "ollama/llama3.2:3b", "providerOptions": { "temperature": 0.1 } } },
            } },
        });
        let brief = brief(&agent, &Value::Null).unwrap();
        assert_eq!((brief.model.provider.as_str(), brief.model.model.as_str()), ("ollama", "llama3.2:3b"));
        assert_eq!(brief.system, "Be kind.\n\nSell shoes.\n\nSkills:\n- returns: Take back");
        assert_eq!((brief.parameters.temperature, brief.sub_agent.as_str()), (Some(0.1), "s"));
    }

    #[test]
    fn an_agent_inherits_the_project_s_model_and_must_have_one() {
        let agent = json!({ "prompt": "", "defaultSubAgentId": "s", "subAgents": { "s": {} } });
        let project = json!({ "models": { "base": { "model": "echo/echo" } } });
        assert_eq!(brief(&agent, &project).unwrap().model.provider, "echo");
        assert!(brief(&agent, &json!({})).is_err());
        assert!(brief(&agent, &json!({ "models": { "base": { "model": "nameless" } } })).is_err());
    }

    #[test]
    fn history_is_the_newest_that_fits_and_never_nothing() {
        let page = |texts: &[&str]| {
            let count = i64::try_from(texts.len()).unwrap();
            (1..=count).rev().zip(texts).map(|(position, text)| message(position, text, "complete")).collect()
        };
        let positions = |messages: Vec<Message>| messages.iter().map(|message| message.position).collect::<Vec<_>>();
        assert_eq!(positions(recent(page(&["1234", "1234", "1234"]), 2)), [2, 3]);
        assert_eq!(positions(recent(page(&["a very long text indeed", "x"]), 1)), [2]);
        assert!(recent(vec![message(1, "x", "streaming"), message(2, "", "failed")], 9).is_empty());
        let internal = Message { visibility: "internal".into(), ..message(1, "x", "complete") };
        assert!(recent(vec![internal], 9).is_empty());
    }
}
