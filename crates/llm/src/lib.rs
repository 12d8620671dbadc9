//! Model providers: Ollama, whatever speaks OpenAI's protocol, and an echo for tests and offline starts.
//!
//! A [`Provider`] answers a [`ChatRequest`] with a stream of [`ChatEvent`]s. Dropping the stream, or the future that
//! leads to it, closes the connection, which tells the provider to stop. [`Providers`] knows providers by name and
//! keeps what models they have. Nothing here stores anything.
//!
//! ```
//! use futures_util::TryStreamExt as _;
//! use understory_llm::{ChatEvent, ChatMessage, ChatRequest, ModelName, Providers};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let providers = Providers::with_echo();
//! let name = ModelName::parse("echo/echo")?;
//! let request = ChatRequest::new(&name.model, vec![ChatMessage::user("Hello there")]);
//! let events: Vec<ChatEvent> = providers.get(&name.provider)?.chat(request).await?.try_collect().await?;
//! assert_eq!(events[0], ChatEvent::Text("Hello ".into()));
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod address;
mod chat;
mod connection;
mod echo;
mod error;
mod http;
mod lines;
mod ollama;
mod openai;
mod providers;
mod stream;
#[cfg(test)]
mod tests;

pub use address::{BaseUrl, InvalidBaseUrl, Reach, ResolveError, is_public};
pub use chat::{ChatEvent, ChatMessage, ChatRequest, ChatStream, ModelInfo, Parameters, Provider, Role};
pub use echo::Echo;
pub use error::LlmError;
pub use http::{Endpoint, InvalidKey, Limits, Timeouts};
pub use ollama::Ollama;
pub use openai::OpenAi;
pub use providers::{Health, ModelName, NameError, Providers};
