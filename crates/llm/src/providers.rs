use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::{Echo, LlmError, ModelInfo, Provider};

/// How long is known what a provider has, and whether it is well.
const KNOWN_FOR: Duration = Duration::from_secs(5 * 60);

/// A model as configurations name it: `ollama/llama3.2:3b`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelName {
    /// The provider's name, which has no slash.
    pub provider: String,
    /// The model's name at the provider, which may have some.
    pub model: String,
}

/// Why a text names no provider, or no model of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// It is not `provider/model`.
    #[error("'{0}' is not a model's name: it must be provider/model, such as ollama/llama3.2:3b")]
    Model(String),
    /// It cannot be the name of a provider.
    #[error("'{0}' cannot be a provider's name: it must not be empty or have a slash")]
    Provider(String),
}

impl ModelName {
    /// Reads `provider/model`. Only the first slash divides.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        match text.split_once('/') {
            Some((provider, model)) if !provider.is_empty() && !model.is_empty() => {
                Ok(Self { provider: provider.to_owned(), model: model.to_owned() })
            }
            _ => Err(NameError::Model(text.to_owned())),
        }
    }

    /// The same, but a name without a slash is a model of the given provider.
    pub fn parse_or(text: &str, provider: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.contains('/') {
            return Self::parse(text);
        }
        Ok(Self { provider: provider.to_owned(), model: text.to_owned() })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

/// What is known of a provider.
#[derive(Clone, Debug)]
pub struct Health {
    /// Its models; if it could not be asked, those that it had before.
    pub models: Arc<[ModelInfo]>,
    /// Why it could not be asked; none if all is well.
    pub error: Option<Arc<LlmError>>,
    /// When it was asked.
    pub checked_at: SystemTime,
    /// How long it took to answer.
    pub took: Duration,
}

struct Entry {
    provider: Arc<dyn Provider>,
    /// Held while the provider is asked, so that all who want to know wait for one answer.
    known: Mutex<Option<(Instant, Health)>>,
}

/// The providers by name. What they have is asked once in five minutes.
#[derive(Default)]
pub struct Providers {
    entries: RwLock<BTreeMap<String, Arc<Entry>>>,
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.list()).finish()
    }
}

impl Providers {
    /// No providers.
    pub fn new() -> Self {
        Self::default()
    }

    /// The provider `echo` alone.
    pub fn with_echo() -> Self {
        let entry = Entry { provider: Arc::new(Echo), known: Mutex::default() };
        Self { entries: RwLock::new(BTreeMap::from([("echo".to_owned(), Arc::new(entry))])) }
    }

    /// Adds a provider, or puts it in the place of the one of that name, of which nothing is remembered.
    pub fn set(&self, name: &str, provider: Arc<dyn Provider>) -> Result<(), NameError> {
        if name.is_empty() || name.contains('/') {
            return Err(NameError::Provider(name.to_owned()));
        }
        let entry = Arc::new(Entry { provider, known: Mutex::default() });
        self.entries.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), entry);
        Ok(())
    }

    /// Takes a provider away, and says whether there was one. Answers on their way go on.
    pub fn remove(&self, name: &str) -> bool {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(name).is_some()
    }

    /// The provider of a name.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Provider>, LlmError> {
        Ok(Arc::clone(&self.entry(name)?.provider))
    }

    /// The names of all providers, in their order.
    pub fn list(&self) -> Vec<String> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// What is known of a provider, for at most five minutes. An outage is an answer, not an error.
    pub async fn health(&self, name: &str) -> Result<Health, LlmError> {
        let entry = self.entry(name)?;
        let mut known = entry.known.lock().await;
        if let Some((since, health)) = &*known
            && since.elapsed() < KNOWN_FOR
        {
            return Ok(health.clone());
        }
        Ok(ask(&*entry.provider, &mut known).await)
    }

    /// The same, asked now.
    pub async fn health_now(&self, name: &str) -> Result<Health, LlmError> {
        let entry = self.entry(name)?;
        let mut known = entry.known.lock().await;
        Ok(ask(&*entry.provider, &mut known).await)
    }

    fn entry(&self, name: &str) -> Result<Arc<Entry>, LlmError> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(name).cloned().ok_or_else(|| LlmError::NotConfigured(name.to_owned()))
    }
}

async fn ask(provider: &dyn Provider, known: &mut Option<(Instant, Health)>) -> Health {
    let asked = Instant::now();
    let answer = provider.models().await;
    let (models, error) = match answer {
        Ok(models) => (models.into(), None),
        Err(error) => {
            let before = known.as_ref().map(|(_, health)| Arc::clone(&health.models));
            (before.unwrap_or_default(), Some(Arc::new(error)))
        }
    };
    let health = Health { models, error, checked_at: SystemTime::now(), took: asked.elapsed() };
    *known = Some((Instant::now(), health.clone()));
    health
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use tokio::sync::Notify;

    use super::*;
    use crate::{ChatRequest, ChatStream};

    /// A provider that counts who asks for its models; only the first answer is good, and it waits for a permit.
    #[derive(Default)]
    struct Counting {
        asked: AtomicUsize,
        permit: Notify,
    }

    #[async_trait]
    impl Provider for Counting {
        async fn chat(&self, request: ChatRequest) -> Result<ChatStream, LlmError> {
            Echo.chat(request).await
        }

        async fn models(&self) -> Result<Vec<ModelInfo>, LlmError> {
            match self.asked.fetch_add(1, Ordering::SeqCst) {
                0 => {
                    self.permit.notified().await;
                    Ok(vec![ModelInfo { name: "first".into() }])
                }
                _ => Err(LlmError::CutOff(None)),
            }
        }
    }

    fn counting() -> (Providers, Arc<Counting>) {
        let (providers, counting) = (Providers::new(), Arc::<Counting>::default());
        providers.set("counting", Arc::clone(&counting) as Arc<dyn Provider>).unwrap();
        (providers, counting)
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_at_once_wait_for_one_answer() {
        let (providers, counting) = counting();
        let permit = async { counting.permit.notify_one() };
        let (one, two, ()) = tokio::join!(providers.health("counting"), providers.health("counting"), permit);
        assert_eq!(one.unwrap().models, two.unwrap().models);
        tokio::time::advance(KNOWN_FOR - Duration::from_secs(1)).await;
        assert!(providers.health("counting").await.unwrap().error.is_none());
        assert_eq!(counting.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn after_five_minutes_it_is_asked_again_and_an_outage_keeps_the_models() {
        let (providers, counting) = counting();
        counting.permit.notify_one();
        let first = providers.health("counting").await.unwrap();
        tokio::time::advance(KNOWN_FOR).await;
        let second = providers.health("counting").await.unwrap();
        assert!(matches!(second.error.as_deref(), Some(LlmError::CutOff(_))));
        assert_eq!(second.models, first.models);
        assert!(providers.health("counting").await.unwrap().error.is_some(), "the last error is told again");
        assert_eq!(counting.asked.load(Ordering::SeqCst), 2);
        providers.health_now("counting").await.unwrap();
        assert_eq!(counting.asked.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_holds_nobody_up() {
        let (providers, counting) = counting();
        let given_up = tokio::time::timeout(Duration::from_secs(1), providers.health("counting")).await;
        assert!(given_up.is_err());
        assert!(providers.health("counting").await.unwrap().error.is_some());
        assert_eq!(counting.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn providers_have_names() {
        let providers = Providers::with_echo();
        assert_eq!(providers.set("a/b", Arc::new(Echo)), Err(NameError::Provider("a/b".into())));
        providers.set("another", Arc::new(Echo)).unwrap();
        assert_eq!(providers.list(), ["another", "echo"]);
        assert!(providers.remove("another") && !providers.remove("another"));
        assert!(matches!(providers.get("another"), Err(LlmError::NotConfigured(name)) if name == "another"));
        assert!(matches!(providers.health("another").await, Err(LlmError::NotConfigured(_))));
    }

    #[test]
    fn the_first_slash_divides_a_models_name() {
        let name = ModelName::parse("ollama/hf.co/some/model:3b").unwrap();
        assert_eq!((name.provider.as_str(), name.model.as_str()), ("ollama", "hf.co/some/model:3b"));
        assert_eq!(name.to_string(), "ollama/hf.co/some/model:3b");
        for bad in ["", "llama3.2:3b", "/model", "ollama/"] {
            assert_eq!(ModelName::parse(bad), Err(NameError::Model(bad.into())));
        }
    }

    #[test]
    fn a_name_without_a_slash_may_have_a_provider_by_default() {
        let of = |text| ModelName::parse_or(text, "ollama").map(|name| name.to_string());
        assert_eq!(of("llama3.2:3b").unwrap(), "ollama/llama3.2:3b");
        assert_eq!(of("openai/gpt").unwrap(), "openai/gpt");
        assert!(of("").is_err() && of("/gpt").is_err());
    }
}
