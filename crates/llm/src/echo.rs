use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};

use crate::{ChatEvent, ChatRequest, ChatStream, LlmError, ModelInfo, Provider, Role};

const ECHO: &str = "echo";
const HOLD: &str = "hold";

/// A provider without a network: its model `echo` says what the last message of the user says, word by word, and counts
/// words as tokens. The model `hold`, for tests, does the same but never comes to an end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo;

#[async_trait]
impl Provider for Echo {
    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, LlmError> {
        let mut events = words(&request);
        match request.model.as_str() {
            ECHO => {
                let words = |text: &str| text.split_whitespace().count() as u64;
                let prompt_tokens = request.messages.iter().map(|message| words(&message.content)).sum();
                events.push(ChatEvent::Usage { prompt_tokens, completion_tokens: words(said(&request)) });
                events.push(ChatEvent::Finished { reason: Some("stop".into()) });
                Ok(stream::iter(events).map(Ok).boxed())
            }
            HOLD => Ok(stream::iter(events).map(Ok).chain(stream::pending()).boxed()),
            other => {
                let message = format!("the echo's model is '{ECHO}'");
                Err(LlmError::UnknownModel { model: other.to_owned(), message })
            }
        }
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, LlmError> {
        Ok(vec![ModelInfo { name: ECHO.into() }])
    }
}

fn said(request: &ChatRequest) -> &str {
    let last = request.messages.iter().rfind(|message| message.role == Role::User);
    last.map_or("", |message| &message.content)
}

/// The words with the white space that follows each, so that joined they are the message.
fn words(request: &ChatRequest) -> Vec<ChatEvent> {
    said(request).split_inclusive(char::is_whitespace).map(|word| ChatEvent::Text(word.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;
    use futures_util::future::poll_immediate;

    use super::*;
    use crate::ChatMessage;

    fn request(model: &str) -> ChatRequest {
        let messages =
            vec![ChatMessage::system("Be brief"), ChatMessage::user("old"), ChatMessage::user("Hello there")];
        ChatRequest::new(model, messages)
    }

    #[tokio::test]
    async fn the_echo_says_what_was_said_last() {
        let events: Vec<_> = Echo.chat(request("echo")).await.unwrap().try_collect().await.unwrap();
        let expected = [
            ChatEvent::Text("Hello ".into()),
            ChatEvent::Text("there".into()),
            ChatEvent::Usage { prompt_tokens: 5, completion_tokens: 2 },
            ChatEvent::Finished { reason: Some("stop".into()) },
        ];
        assert_eq!(events, expected);
    }

    #[tokio::test]
    async fn an_answer_on_hold_does_not_end() {
        let mut events = Echo.chat(request("hold")).await.unwrap();
        assert!(matches!(events.next().await, Some(Ok(ChatEvent::Text(_)))));
        assert!(matches!(events.next().await, Some(Ok(ChatEvent::Text(_)))));
        assert!(poll_immediate(events.next()).await.is_none());
    }

    #[tokio::test]
    async fn the_echo_has_one_model() {
        assert!(matches!(Echo.chat(request("gpt")).await, Err(LlmError::UnknownModel { .. })));
        assert_eq!(Echo.models().await.unwrap(), [ModelInfo { name: "echo".into() }]);
    }
}
