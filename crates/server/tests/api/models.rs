use std::sync::Arc;

use serde_json::{Value, json};
use understory::llm::{BaseUrl, Endpoint, OpenAi, Providers, Reach};

use crate::client::Api;

/// The echo, and a provider that nobody listens for.
async fn start() -> Api {
    let nowhere = BaseUrl::parse("http://127.0.0.1:1/v1", Reach::Anywhere).unwrap();
    let providers = Providers::with_echo();
    let away = OpenAi::new(Endpoint::new(nowhere).with_key("sk-secret").unwrap());
    providers.set("away", Arc::new(away)).unwrap();
    Api::start_with(|options| options.providers = Arc::new(providers)).await
}

#[tokio::test]
async fn models_are_listed_and_found() {
    let api = start().await;
    let told = api.get("/api/models").await["data"].clone();
    let echo = json!({
        "id": "echo", "name": "echo/echo", "provider": "echo", "status": "available", "reason": null,
        "requiresApiKey": false, "apiKeyConfigured": false,
    });
    assert_eq!((&told["models"], &told["available"], &told["disabled"]), (&json!([echo]), &json!([echo]), &json!([])));
    for id in ["echo", "echo/echo", "echo%2Fecho"] {
        let path = format!("/api/models/{id}");
        assert_eq!(api.server.get(&path).await["data"], echo, "{id}");
    }
    api.refused("GET", "/api/models/nothing", None, 404).await;
}

#[tokio::test]
async fn a_model_is_tested_where_it_is() {
    let api = start().await;
    let test = async |provider: &str, model: &str| {
        api.data("POST", "/api/models/test", &json!({ "provider": provider, "model": model }), 201).await
    };
    let good = test("echo", "echo").await;
    assert_eq!((&good["available"], &good["error"]), (&json!(true), &Value::Null));
    for (provider, model, why) in
        [("echo", "x", "no model"), ("away", "x", "cannot be reached"), ("x", "x", "no provider")]
    {
        let bad = test(provider, model).await;
        assert!(bad["available"] == false && bad["error"].as_str().unwrap().contains(why), "{bad}");
    }
    let told = api.refused("POST", "/api/models/test", Some(&json!({ "provider": "echo" })), 400).await;
    assert_eq!(told["errors"][0]["pointer"], "/model");
}

#[tokio::test]
async fn providers_tell_how_they_are() {
    let api = start().await;
    let providers = api.get("/api/providers").await["data"].clone();
    let told: Vec<_> = providers.as_array().unwrap().iter().map(|one| [&one["name"], &one["status"]]).collect();
    assert_eq!(json!(told), json!([["away", "unavailable"], ["echo", "available"], ["openai", "disabled"]]));
    let away = &providers[0];
    assert_eq!((&away["requiresApiKey"], &away["apiKeyConfigured"]), (&json!(true), &json!(true)));
    assert!(
        away["reason"].as_str().unwrap().contains("cannot be reached") && !providers.to_string().contains("sk-secret")
    );
    assert_eq!(api.get("/api/providers/status").await["data"]["providers"][1]["name"], "echo");
}
