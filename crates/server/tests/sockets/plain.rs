//! `/ws`.

use std::time::Duration;

use serde_json::{Value, json};
use understory_testkit::server::ADMIN_KEY;
use understory_testkit::sockets::{Heard, Listening, Socket};

use crate::place::{PROJECT, Place, SOON, TENANT, bearer};

async fn connect(listening: &Listening) -> Socket {
    let (name, key) = bearer();
    let mut socket = listening.socket("/ws", &[(name, &key)]).await.unwrap();
    assert_eq!(socket.json().await, json!({ "type": "ready" }));
    socket
}

fn about(kind: &str, conversation: &str) -> Value {
    json!({ "type": kind, "tenantId": TENANT, "projectId": PROJECT, "conversationId": conversation })
}

fn subscribe(conversation: &str, after: i64) -> String {
    let mut message = about("subscribe", conversation);
    message["after"] = after.into();
    message.to_string()
}

async fn subscribed(socket: &mut Socket, conversation: &str, after: i64) {
    socket.say(subscribe(conversation, after)).await;
    let mut expected = about("subscribed", conversation);
    expected["after"] = after.into();
    assert_eq!(socket.json().await, expected);
}

/// Reads events until one is of a type; all of them.
async fn until(socket: &mut Socket, kind: &str) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let frame = socket.json().await;
        assert_eq!(frame["type"], "event", "{frame}");
        let is_last = frame["event"]["type"] == kind;
        events.push(frame);
        if is_last {
            return events;
        }
    }
}

fn text(events: &[Value]) -> String {
    events.iter().filter_map(|frame| frame["event"]["text"].as_str()).collect()
}

fn numbers(events: &[Value]) -> Vec<i64> {
    events.iter().map(|frame| frame["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_wrong_key_is_refused_before_or_after_the_connection() {
    let place = Place::start("echo").await.with(|sockets| sockets.key_within = SOON);
    let listening = place.listen().await;
    for headers in [[("authorization", "Bearer wrong")], [("x-api-key", "wrong")]] {
        assert_eq!(listening.socket("/ws", &headers).await.err(), Some(401));
    }
    let nothing_said = listening.socket("/ws", &[]).await.unwrap().end().await;
    assert_eq!(nothing_said, (4401, "no key came within 0.2 s".into()));
    for (said, reason) in [
        (r#"{"type":"auth","token":"wrong"}"#, "the key is not valid"),
        (r#"{"type":"ping"}"#, r#"the first message is to be {"type":"auth","token":…}"#),
        ("{", r#"the first message is to be {"type":"auth","token":…}"#),
    ] {
        let mut socket = listening.socket("/ws", &[]).await.unwrap();
        socket.say(said).await;
        assert_eq!(socket.end().await, (4401, reason.into()));
    }
    let no_socket = place.server.send("GET", "/ws", None).await;
    assert_eq!((no_socket.status.as_u16(), &no_socket.body["status"]), (400, &json!(400)));
}

#[tokio::test]
async fn a_browser_says_its_key_first() {
    let place = Place::start("echo").await;
    let mut socket = place.listen().await.socket("/ws", &[]).await.unwrap();
    socket.say(json!({ "type": "auth", "token": ADMIN_KEY }).to_string()).await;
    assert_eq!(socket.json().await["type"], "ready");
    socket.say(r#"{"type":"ping"}"#).await;
    assert_eq!(socket.json().await["type"], "pong");
}

#[tokio::test]
async fn a_key_that_is_revoked_ends_the_connection() {
    let place = Place::start("echo").await.with(|sockets| sockets.look = SOON);
    let made = place.server.app.keys().key_create("reader").await.unwrap();
    let headers = [("x-api-key", made.secret.reveal())];
    let mut socket = place.listen().await.socket("/ws", &headers).await.unwrap();
    assert_eq!(socket.json().await["type"], "ready");
    place.server.app.keys().key_revoke("reader").await.unwrap();
    assert_eq!(socket.end().await, (4401, "the key is no longer valid".into()));
}

#[tokio::test]
async fn an_answer_arrives_event_by_event() {
    let place = Place::start("echo").await;
    let listening = place.listen().await;
    let mut socket = connect(&listening).await;
    subscribed(&mut socket, "c1", 0).await;
    let answer = place.ask("c1", "one two three").await;
    let events = until(&mut socket, "done").await;
    assert_eq!(text(&events), "one two three");
    assert_eq!(numbers(&events), (1..=events.len() as i64).collect::<Vec<_>>());
    let done = &events.last().unwrap();
    assert_eq!(done["event"]["messageId"], answer["id"]);
    assert_eq!((&done["tenantId"], &done["conversationId"]), (&json!(TENANT), &json!("c1")));
}

#[tokio::test]
async fn a_reader_that_comes_back_goes_on_without_gap_or_repeat() {
    let place = Place::start("echo").await;
    let listening = place.listen().await;
    for number in 0..20 {
        place.note("c1", &number.to_string()).await;
    }
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let mut socket = connect(&listening).await;
        subscribed(&mut socket, "c1", seen.last().copied().unwrap_or_default()).await;
        for _ in 0..3.min(20 - seen.len()) {
            seen.push(socket.json().await["id"].as_i64().unwrap());
        }
    }
    assert_eq!(seen, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_conversation_that_is_not_there_and_one_of_others_look_the_same() {
    let place = Place::start("echo").await;
    place.make("other", "theirs", "echo").await;
    let mut socket = connect(&place.listen().await).await;
    let mut refusals = Vec::new();
    for (tenant, project) in [("other", "theirs"), ("other", "nothing"), ("nobody", PROJECT)] {
        let name = json!({ "tenantId": tenant, "projectId": project, "conversationId": "c1" });
        let mut asked = name.clone();
        asked["type"] = "subscribe".into();
        socket.say(asked.to_string()).await;
        let mut refusal = socket.json().await;
        for (key, value) in name.as_object().unwrap() {
            assert_eq!(refusal.as_object_mut().unwrap().remove(key).as_ref(), Some(value));
        }
        refusals.push(refusal);
    }
    let expected = json!({ "type": "error", "code": "not_found", "detail": "Conversation not found: c1" });
    assert_eq!(refusals, vec![expected; 3]);
}

#[tokio::test]
async fn what_does_not_fit_is_answered_and_the_connection_goes_on() {
    let place = Place::start("echo").await;
    let mut socket = connect(&place.listen().await).await;
    for (said, code) in [
        ("{".to_owned(), "bad_request"),
        (r#"{"type":"shout"}"#.to_owned(), "bad_request"),
        (r#"{"type":"subscribe","tenantId":"acme"}"#.to_owned(), "bad_request"),
        (subscribe("c1", 7), "bad_request"),
        (subscribe("c1", -1), "bad_request"),
    ] {
        socket.say(said).await;
        let frame = socket.json().await;
        assert_eq!((&frame["type"], &frame["code"]), (&json!("error"), &json!(code)), "{frame}");
    }
    subscribed(&mut socket, "c1", 0).await;
    socket.say(subscribe("c1", 0)).await;
    assert_eq!(socket.json().await["code"], "conflict");
}

#[tokio::test]
async fn messages_are_texts_of_a_bounded_length() {
    let place = Place::start("echo").await;
    let listening = place.listen().await;
    let mut socket = connect(&listening).await;
    socket.say("x".repeat(65_537)).await;
    let (code, _) = socket.end().await;
    assert!([1008, 1006].contains(&code), "{code}");
    let mut socket = connect(&listening).await;
    socket.say_bytes(b"{}").await;
    assert_eq!(socket.end().await, (1003, "messages are text".into()));
}

#[tokio::test]
async fn a_connection_follows_a_bounded_number_of_conversations_at_once() {
    let place = Place::start("echo").await;
    let mut socket = connect(&place.listen().await).await;
    for number in 0..=100 {
        let id = format!("many{number}");
        place.begin(&id).await;
        socket.say(subscribe(&id, 0)).await;
        let kind = if number < 100 { "subscribed" } else { "error" };
        assert_eq!(socket.json().await["type"], kind, "{number}");
    }
    socket.say(about("unsubscribe", "many0").to_string()).await;
    assert_eq!(socket.json().await["was"], true);
    subscribed(&mut socket, "many100", 0).await;
    place.note("many0", "unheard").await;
    for (conversation, id) in [("many100", 1), ("many7", 1), ("many100", 2)] {
        place.note(conversation, "heard").await;
        let frame = socket.json().await;
        assert_eq!((&frame["conversationId"], &frame["id"]), (&json!(conversation), &json!(id)));
    }
}

#[tokio::test]
async fn a_conversation_that_goes_is_said_to_be_gone() {
    let place = Place::start("echo").await;
    let mut socket = connect(&place.listen().await).await;
    subscribed(&mut socket, "c1", 0).await;
    place.delete("c1").await;
    assert_eq!(socket.json().await, about("gone", "c1"));
    place.begin("c1").await;
    subscribed(&mut socket, "c1", 0).await;
}

#[tokio::test]
async fn who_is_not_heard_for_long_is_let_go() {
    let place = Place::start("echo").await.with(|sockets| sockets.look = SOON);
    let (name, key) = bearer();
    let socket = place.in_memory().socket(64 * 1024, "/ws", &[(name, &key)]).await.unwrap();
    let (code, reason) = socket.end_unanswered().await;
    assert_eq!((code, &*reason), (4408, "nothing was heard for too long"));
}

#[tokio::test]
async fn a_slow_reader_is_told_why_it_is_dropped() {
    let patience = Duration::from_secs(1);
    let place = Place::start("echo").await.with(|sockets| sockets.patience = patience);
    let (name, key) = bearer();
    let mut slow = place.in_memory().socket(512, "/ws", &[(name, &key)]).await.unwrap();
    assert_eq!(slow.json().await["type"], "ready");
    subscribed(&mut slow, "c1", 0).await;
    for number in 0..20 {
        place.note("c1", &number.to_string()).await;
    }
    // This is the reader being slow: longer than the server's patience, shorter than twice that.
    tokio::time::sleep(patience * 3 / 2).await;
    let mut events = 0;
    loop {
        match slow.hear().await {
            Heard::Text(_) => events += 1,
            Heard::Closed(code, reason) => {
                assert_eq!((code, &*reason), (1013, "too slow: nothing was taken for 1 s"));
                break;
            }
        }
    }
    assert!(events < 20, "{events}");
}
