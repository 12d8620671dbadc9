//! The providers against a server that behaves, and one that does not.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod stub;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;
use stub::{CHUNKED, Stub, chunk, until_closed, whole};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use understory_llm::{
    BaseUrl, ChatEvent, ChatMessage, ChatRequest, Endpoint, Limits, LlmError, ModelInfo, Ollama, OpenAi, Provider,
    Reach, Timeouts,
};

const OLLAMA: &str = "{\"message\":{\"content\":\"Hello\"},\"done\":false}\n\
                      {\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\",\"eval_count\":1}\n";
const OPENAI: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"},\"finish_reason\":\"stop\"}]}\n\n\
                      data: {\"choices\":[],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n";
const SHORT: Duration = Duration::from_millis(50);

fn request() -> ChatRequest {
    ChatRequest::new("m", vec![ChatMessage::user("Hi")])
}

fn hello() -> Vec<ChatEvent> {
    vec![
        ChatEvent::Text("Hello".into()),
        ChatEvent::Usage { prompt_tokens: 0, completion_tokens: 1 },
        ChatEvent::Finished { reason: Some("stop".into()) },
    ]
}

fn both(endpoint: &Endpoint) -> [Box<dyn Provider>; 2] {
    [Box::new(Ollama::new(endpoint.clone())), Box::new(OpenAi::new(endpoint.clone()))]
}

/// All events of an answer, or the error that it begins or ends with.
async fn answer(provider: &dyn Provider) -> Result<Vec<ChatEvent>, LlmError> {
    provider.chat(request()).await?.try_collect().await
}

/// The error of a chat that must fail.
async fn failure(provider: &dyn Provider) -> LlmError {
    answer(provider).await.expect_err("no error")
}

async fn write(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// Waits until the other side has gone.
async fn gone(stream: &mut TcpStream) {
    while let Ok(1..) = stream.read(&mut [0; 64]).await {}
}

#[tokio::test]
async fn ollama_answers() {
    let stub = Stub::say(until_closed(OLLAMA)).await;
    assert_eq!(answer(&Ollama::new(stub.endpoint())).await.unwrap(), hello());
    let requests = stub.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /api/chat HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains("authorization"), "{head}");
    assert_eq!(serde_json::from_str::<Value>(body).unwrap()["messages"][0]["content"], "Hi");
}

#[tokio::test]
async fn openai_answers_who_has_a_key() {
    let stub = Stub::say(whole("200 OK", OPENAI)).await;
    let base = BaseUrl::parse(&format!("{}/v1/", stub.url()), Reach::Anywhere).unwrap();
    let endpoint = Endpoint::new(base).with_key(" sk-secret\n").unwrap();
    assert!(!format!("{endpoint:?}").contains("secret"));
    assert_eq!(answer(&OpenAi::new(endpoint)).await.unwrap(), hello());
    let head = &stub.requests()[0];
    assert!(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nauthorization: Bearer sk-secret\r\n"), "{head}");
}

#[tokio::test]
async fn models_are_listed() {
    let named = |name: &str| ModelInfo { name: name.into() };
    let stub = Stub::say(whole("200 OK", r#"{"models":[{"name":"llama3.2:3b","size":1}]}"#)).await;
    assert_eq!(Ollama::new(stub.endpoint()).models().await.unwrap(), [named("llama3.2:3b")]);
    assert!(stub.requests()[0].starts_with("GET /api/tags HTTP/1.1\r\n"));
    let stub = Stub::say(whole("200 OK", r#"{"object":"list","data":[{"id":"gpt","object":"model"}]}"#)).await;
    assert_eq!(OpenAi::new(stub.endpoint()).models().await.unwrap(), [named("gpt")]);
    assert!(stub.requests()[0].starts_with("GET /models HTTP/1.1\r\n"));
}

#[tokio::test]
async fn lists_that_fail_say_why() {
    let stub = Stub::say(whole("200 OK", "<html>")).await;
    for provider in both(&stub.endpoint()) {
        assert!(matches!(provider.models().await, Err(LlmError::Garbage { .. })));
    }
    let stub = Stub::say(whole("404 Not Found", "")).await;
    for provider in both(&stub.endpoint()) {
        let failure = provider.models().await.unwrap_err();
        assert!(matches!(failure, LlmError::Refused { status: Some(404), .. }), "{failure}");
    }
    let stub = Stub::serve(|mut stream| async move { gone(&mut stream).await }).await;
    let timeouts = Timeouts { models: SHORT, ..Timeouts::default() };
    for provider in both(&stub.endpoint().with_timeouts(timeouts)) {
        assert!(matches!(provider.models().await, Err(LlmError::TimedOut { .. })));
    }
}

#[tokio::test]
async fn pieces_are_told_when_they_come() {
    let go_on = Arc::new(Notify::new());
    let may = Arc::clone(&go_on);
    let stub = Stub::serve(move |mut stream| {
        let may = Arc::clone(&may);
        async move {
            let (first, rest) = OLLAMA.split_at(OLLAMA.find('\n').unwrap() + 10);
            write(&mut stream, &format!("{CHUNKED}{}", chunk(first))).await;
            may.notified().await;
            write(&mut stream, &format!("{}{}", chunk(rest), chunk(""))).await;
        }
    })
    .await;
    let mut events = Ollama::new(stub.endpoint()).chat(request()).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap(), hello()[0]);
    go_on.notify_one();
    assert_eq!(events.try_collect::<Vec<_>>().await.unwrap(), hello()[1..]);
}

#[tokio::test]
async fn a_provider_that_stalls_times_out() {
    let first = Timeouts { first_byte: SHORT, ..Timeouts::default() };
    let idle = Timeouts { idle: SHORT, ..Timeouts::default() };
    let piece = format!("{CHUNKED}{}", chunk(&OLLAMA[..20]));
    for (said, timeouts) in [("", first), ("HTTP/1.1 200 OK\r\n", first), (CHUNKED, first), (&*piece, idle)] {
        let said: Arc<str> = said.into();
        let text = Arc::clone(&said);
        let stub = Stub::serve(move |mut stream| {
            let said = Arc::clone(&said);
            async move {
                write(&mut stream, &said).await;
                gone(&mut stream).await;
            }
        })
        .await;
        let failure = failure(&Ollama::new(stub.endpoint().with_timeouts(timeouts))).await;
        assert!(matches!(failure, LlmError::TimedOut { after: SHORT, .. }), "{text}: {failure}");
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_times_out() {
    let stub = Stub::serve(|mut stream| async move { gone(&mut stream).await }).await;
    let base = BaseUrl::parse(&stub.url().replace("http:", "https:"), Reach::Anywhere).unwrap();
    let timeouts = Timeouts { connect: SHORT, ..Timeouts::default() };
    let failure = failure(&OpenAi::new(Endpoint::new(base).with_timeouts(timeouts))).await;
    assert!(matches!(failure, LlmError::TimedOut { step: "a connection", .. }), "{failure}");
}

#[tokio::test]
async fn garbage_is_told() {
    for said in ["SSH-2.0-OpenSSH\r\n".to_owned(), whole("200 OK", "<html>Welcome</html>")] {
        let stub = Stub::say(said.clone()).await;
        for provider in both(&stub.endpoint()) {
            let failure = failure(&*provider).await;
            assert!(matches!(failure, LlmError::Garbage { .. }), "{said}: {failure}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_ends_in_the_middle_is_cut_off() {
    let in_frame = |text: &'static str| &text[..text.len() * 2 / 3];
    for (provider, text) in [(0, OLLAMA), (1, OPENAI)] {
        let half = in_frame(text);
        let closed = until_closed(half);
        let short = whole("200 OK", text).replace(text, half);
        let chunked = format!("{CHUNKED}{}", chunk(half));
        for said in [closed, short, chunked, until_closed("")] {
            let stub = Stub::say(said.clone()).await;
            let failure = failure(&*both(&stub.endpoint())[provider]).await;
            assert!(matches!(failure, LlmError::CutOff(_)), "{said}: {failure}");
        }
    }
}

#[tokio::test]
async fn who_hangs_up_or_is_not_there_cannot_be_reached() {
    let stub = Stub::say("").await;
    let failed = failure(&Ollama::new(stub.endpoint())).await;
    assert!(matches!(failed, LlmError::Unreachable { .. }), "{failed}");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let endpoint = Endpoint::new(BaseUrl::parse(&nobody, Reach::Anywhere).unwrap());
    let failed = failure(&Ollama::new(endpoint)).await;
    assert!(matches!(failed, LlmError::Unreachable { .. }), "{failed}");
}

#[tokio::test]
async fn refusals_are_told_in_the_providers_words() {
    let refusals = [
        ("401 Unauthorized", r#"{"error":{"message":"bad key sk-secret","code":"invalid"}}"#, "(401): bad key …"),
        ("429 Too Many Requests", r#"{"error":{"message":"slow down"}}"#, "(429): slow down"),
        ("400 Bad Request", r#"{"error":"does not support tools"}"#, "(400): does not support tools"),
        ("422 Unprocessable Entity", r#"{"detail":[{"loc":1}]}"#, r#"(422): {"detail":[{"loc":1}]}"#),
        ("500 Internal Server Error", "", "(500): Internal Server Error"),
        ("502 Bad Gateway", "<html>\nBad</html>", "(502): <html> Bad</html>"),
        ("503 Service Unavailable", "{\"error\":", "(503): {\"error\":"),
    ];
    for (status, body, expected) in refusals {
        let stub = Stub::say(whole(status, body)).await;
        for provider in both(&stub.endpoint().with_key("sk-secret").unwrap()) {
            let failure = failure(&*provider).await;
            assert!(matches!(failure, LlmError::Refused { .. }), "{failure}");
            assert_eq!(failure.to_string(), format!("the provider refuses {expected}"));
        }
    }
}

#[tokio::test]
async fn a_refusal_that_never_ends_is_cut() {
    let stub = Stub::serve(|mut stream| async move {
        write(&mut stream, "HTTP/1.1 500 Internal Server Error\r\nconnection: close\r\n\r\n").await;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    let failure = failure(&Ollama::new(stub.endpoint())).await;
    assert!(matches!(failure, LlmError::Refused { status: Some(500), .. }));
    assert!(failure.to_string().len() < 400);
}

#[tokio::test]
async fn an_unknown_model_is_told() {
    let refusals = [
        ("404 Not Found", r#"{"error":"model 'm' not found"}"#),
        ("404 Not Found", r#"{"error":{"message":"no such thing","code":"model_not_found"}}"#),
        ("400 Bad Request", r#"{"error":{"message":"The model `m` does not exist"}}"#),
    ];
    for (status, body) in refusals {
        let stub = Stub::say(whole(status, body)).await;
        for provider in both(&stub.endpoint()) {
            let failure = failure(&*provider).await;
            assert!(matches!(&failure, LlmError::UnknownModel { model, .. } if model == "m"), "{failure}");
        }
    }
}

#[tokio::test]
async fn an_answer_is_limited() {
    let stub = Stub::say(whole("200 OK", OLLAMA)).await;
    let answer = Limits { answer: 100, ..Limits::default() };
    let failed = failure(&Ollama::new(stub.endpoint().with_limits(answer))).await;
    assert!(matches!(failed, LlmError::TooLarge { what: "answer", limit: 100 }), "{failed}");
    let piece = Limits { piece: 10, ..Limits::default() };
    let failed = failure(&Ollama::new(stub.endpoint().with_limits(piece))).await;
    assert!(matches!(failed, LlmError::TooLarge { what: "piece", limit: 10 }), "{failed}");
}

/// A server that says something, then tells when the other side has gone.
async fn watched(said: String) -> (Stub, mpsc::UnboundedReceiver<()>) {
    let (tell, told) = mpsc::unbounded_channel();
    let said: Arc<str> = said.into();
    let stub = Stub::serve(move |mut stream| {
        let (tell, said) = (tell.clone(), Arc::clone(&said));
        async move {
            write(&mut stream, &said).await;
            gone(&mut stream).await;
            tell.send(()).unwrap();
        }
    })
    .await;
    (stub, told)
}

#[tokio::test]
async fn dropping_an_answer_closes_the_connection() {
    let (stub, mut told) = watched(format!("{CHUNKED}{}", chunk(OLLAMA.split_inclusive('\n').next().unwrap()))).await;
    let mut events = Ollama::new(stub.endpoint()).chat(request()).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap(), hello()[0]);
    assert!(told.try_recv().is_err());
    drop(events);
    told.recv().await.unwrap();
}

#[tokio::test]
async fn giving_up_before_the_answer_closes_the_connection() {
    let (stub, mut told) = watched(String::new()).await;
    let provider = Ollama::new(stub.endpoint());
    tokio::select! {
        _ = provider.chat(request()) => panic!("there is no answer"),
        () = async { while stub.requests().is_empty() { tokio::task::yield_now().await } } => {}
    }
    told.recv().await.unwrap();
}

#[tokio::test]
async fn a_finished_answer_closes_the_connection() {
    let (stub, mut told) = watched(format!("{CHUNKED}{}", chunk(OPENAI))).await;
    let mut events = OpenAi::new(stub.endpoint()).chat(request()).await.unwrap();
    while !matches!(events.next().await.unwrap().unwrap(), ChatEvent::Finished { .. }) {}
    told.recv().await.unwrap();
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (target, _told) = watched(String::new()).await;
    let head = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {}/\r\ncontent-length: 0\r\n\r\n", target.url());
    let stub = Stub::say(head).await;
    for provider in both(&stub.endpoint()) {
        let failed = failure(&*provider).await;
        assert!(matches!(failed, LlmError::Refused { status: Some(307), .. }), "{failed}");
        assert!(matches!(provider.models().await, Err(LlmError::Refused { status: Some(307), .. })));
    }
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn what_comes_through_the_api_does_not_reach_this_machine() {
    let stub = Stub::say(whole("200 OK", OLLAMA)).await;
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1"] {
        let url = stub.url().replace("127.0.0.1", host);
        let endpoint = Endpoint::new(BaseUrl::parse(&url, Reach::PublicOnly).unwrap());
        for provider in both(&endpoint) {
            let failed = failure(&*provider).await;
            assert!(matches!(failed, LlmError::AddressNotAllowed { .. }), "{url}: {failed}");
            assert!(matches!(provider.models().await, Err(LlmError::AddressNotAllowed { .. })));
        }
    }
    assert!(stub.requests().is_empty());
}

#[test]
fn a_key_has_no_odd_characters() {
    let endpoint = Endpoint::new(BaseUrl::parse("http://localhost", Reach::Anywhere).unwrap());
    for bad in ["a b", "a\r\nx-evil: 1", "schlüssel"] {
        assert!(endpoint.clone().with_key(bad).is_err(), "{bad}");
    }
    assert!(endpoint.with_key("").is_ok());
}
