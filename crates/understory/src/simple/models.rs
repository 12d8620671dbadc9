use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use understory_llm::{Health, Providers};
use understory_model::{now, timestamp_iso};

use crate::project::Project;
use crate::{Error, Result};

/// Providers that answer to who has a key, and are not set up without one.
const WITH_KEY: &[&str] = &["openai"];

/// A provider, and how it is; none if it is not set up.
struct Known {
    name: String,
    needs_key: bool,
    has_key: bool,
    health: Option<Health>,
}

impl Project {
    /// The models that can answer here, by provider: `{models, available, disabled, timestamp}`.
    ///
    /// A provider that cannot be asked shows the models that it had when it last could, as unavailable.
    pub async fn model_list(&self) -> Value {
        let models = self.models().await;
        let of_status = |status: &str| models.iter().filter(|model| model["status"] == status).collect::<Vec<_>>();
        json!({
            "models": models,
            "available": of_status("available"),
            "disabled": of_status("disabled"),
            "timestamp": timestamp_iso(&now()),
        })
    }

    /// A model by its name at its provider, or by `provider/model`.
    pub async fn model_get(&self, id: &str) -> Result<Value> {
        let models = self.models().await;
        let found = ["name", "id"].into_iter().find_map(|by| models.iter().find(|model| model[by] == id));
        found.cloned().ok_or_else(|| Error::not_found("Model", id))
    }

    /// Whether a provider answers now and has a model: `{available, latencyMs, error?}`.
    pub async fn model_test(&self, provider: &str, model: &str) -> Value {
        let health = match self.app().providers().health_now(provider).await {
            Ok(health) => health,
            Err(error) => return json!({ "available": false, "latencyMs": 0, "error": error.to_string() }),
        };
        let latency = millis(&health);
        let has = health.models.iter().any(|known| known.name == model);
        match &health.error {
            None if has => json!({ "available": true, "latencyMs": latency }),
            None => {
                let error = format!("the provider has no model '{model}'");
                json!({ "available": false, "latencyMs": latency, "error": error })
            }
            Some(error) => json!({ "available": false, "latencyMs": latency, "error": error.to_string() }),
        }
    }

    /// The providers of models, those too that only lack a key.
    pub async fn provider_list(&self) -> Vec<Value> {
        known(self.app().providers()).await.iter().map(provider_shown).collect()
    }

    async fn models(&self) -> Vec<Value> {
        known(self.app().providers()).await.iter().flat_map(models_shown).collect()
    }
}

/// All providers, asked at once: what they last said is good for five minutes.
async fn known(providers: &Arc<Providers>) -> Vec<Known> {
    let mut names = providers.list();
    names.extend(WITH_KEY.iter().map(ToString::to_string));
    names.sort();
    names.dedup();
    join_all(names.into_iter().map(|name| one(providers, name))).await
}

async fn one(providers: &Providers, name: String) -> Known {
    let has_key = providers.get(&name).is_ok_and(|provider| provider.has_key());
    let needs_key = has_key || WITH_KEY.contains(&name.as_str());
    let health = providers.health(&name).await.ok();
    Known { name, needs_key, has_key, health }
}

impl Known {
    /// Its status, and what is wrong.
    fn status(&self) -> (&'static str, Option<String>) {
        match &self.health {
            None => ("disabled", Some("it is not set up: it needs an API key".into())),
            Some(health) => match &health.error {
                None => ("available", None),
                Some(error) => ("unavailable", Some(error.to_string())),
            },
        }
    }
}

fn provider_shown(provider: &Known) -> Value {
    let (status, reason) = provider.status();
    let health = provider.health.as_ref();
    json!({
        "name": provider.name,
        "status": status,
        "reason": reason,
        "requiresApiKey": provider.needs_key,
        "apiKeyConfigured": provider.has_key,
        "models": health.map_or(0, |health| health.models.len()),
        "latencyMs": health.map(millis),
    })
}

fn models_shown(provider: &Known) -> Vec<Value> {
    let (status, reason) = provider.status();
    let model = |name: &str| {
        json!({
            "id": name,
            "name": format!("{}/{name}", provider.name),
            "provider": provider.name,
            "status": status,
            "reason": reason,
            "requiresApiKey": provider.needs_key,
            "apiKeyConfigured": provider.has_key,
        })
    };
    let models = provider.health.iter().flat_map(|health| health.models.iter());
    models.map(|known| model(&known.name)).collect()
}

fn millis(health: &Health) -> f64 {
    health.took.as_secs_f64() * 1000.0
}
