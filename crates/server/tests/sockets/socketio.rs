//! Socket.IO, by its frames: `0` opens, `2` and `3` keep alive, `40` connects, `42` is an event, `43` its answer.

use std::time::Duration;

use axum::body::Body;
use serde_json::{Value, json};
use understory_testkit::server::ADMIN_KEY;
use understory_testkit::sockets::{Heard, Listening, Socket};

use crate::place::{Place, SOON, bearer};

const PATH: &str = "/socket.io/?EIO=4&transport=websocket";
const HOME: &str = "default";

/// A server whose conversation `c1` is at home.
async fn start(model: &str) -> Place {
    let place = Place::start_at(HOME, HOME, model).await;
    place.begin("c1").await;
    place
}

struct Client(Socket);

impl Client {
    async fn connect(listening: &Listening) -> Self {
        Self::admitted(listening.socket(PATH, &[]).await.unwrap(), &json!({ "token": ADMIN_KEY })).await
    }

    async fn admitted(socket: Socket, auth: &Value) -> Self {
        let mut client = Self(socket);
        let answer = client.handshake(auth).await;
        assert!(answer.starts_with("40{"), "{answer}");
        client
    }

    /// Connects with this; what is answered.
    async fn handshake(&mut self, auth: &Value) -> String {
        assert!(self.frame().await.starts_with("0{"));
        self.0.say(format!("40{auth}")).await;
        self.frame().await
    }

    async fn frame(&mut self) -> String {
        loop {
            match self.0.hear().await {
                Heard::Text(ping) if ping == "2" => _ = self.0.say("3").await,
                Heard::Text(frame) => return frame,
                closed @ Heard::Closed(..) => panic!("{closed:?}"),
            }
        }
    }

    /// The next event: its name and data.
    async fn event(&mut self) -> (String, Value) {
        let frame = self.frame().await;
        let event = frame.strip_prefix("42").unwrap_or_else(|| panic!("no event: {frame}"));
        serde_json::from_str(event).unwrap()
    }

    /// Reads on to an event of this name; its data.
    async fn until(&mut self, name: &str) -> Value {
        loop {
            let (heard, data) = self.event().await;
            if heard == name {
                return data;
            }
        }
    }

    /// Asks something; what is answered to it, and what else came before.
    async fn ask(&mut self, name: &str, data: Value) -> (Value, Vec<(String, Value)>) {
        self.0.say(format!("427{}", json!([name, data]))).await;
        let mut events = Vec::new();
        loop {
            let frame = self.frame().await;
            match frame.strip_prefix("437") {
                Some(answer) => {
                    let answers: Vec<Value> = serde_json::from_str(answer).unwrap();
                    return (answers.into_iter().next().unwrap(), events);
                }
                None => events.push(serde_json::from_str(frame.strip_prefix("42").unwrap()).unwrap()),
            }
        }
    }

    async fn join(&mut self, conversation: &str, after: Option<i64>) -> Value {
        self.ask("join_conversation", json!({ "conversationId": conversation, "after": after })).await.0
    }
}

#[tokio::test]
async fn nobody_is_let_in_without_a_key() {
    let place = start("echo").await;
    let listening = place.listen().await;
    for auth in [json!({}), json!({ "token": "wrong" }), json!("wrong"), json!(null)] {
        let mut client = Client(listening.socket(PATH, &[]).await.unwrap());
        let refused = client.handshake(&auth).await;
        let reason = "a valid key is required, as auth.token or 'Authorization: Bearer …'";
        assert_eq!(refused, format!("44{}", json!({ "message": reason })));
        client.0.say(r#"42["join_conversation",{"conversationId":"c1"}]"#).await;
        client.0.end().await;
    }
    let (name, key) = bearer();
    let by_header = listening.socket(PATH, &[(name, &key)]).await.unwrap();
    Client::admitted(by_header, &json!({})).await;
}

#[tokio::test]
async fn who_says_nothing_is_let_go() {
    let place = start("echo").await.with(|sockets| sockets.key_within = SOON);
    let mut client = Client(place.listen().await.socket(PATH, &[]).await.unwrap());
    assert!(client.frame().await.starts_with("0{"));
    client.0.end().await;
}

#[tokio::test]
async fn an_answer_grows_until_it_is_done() {
    let place = start("echo").await;
    let mut client = Client::connect(&place.listen().await).await;
    assert_eq!(client.join("c1", None).await, json!({ "eventId": 0, "success": true }));
    let answer = place.ask("c1", "one two three").await;
    let (name, data) = client.event().await;
    assert_eq!(
        (&*name, &data["message"]["role"], &data["message"]["content"]),
        ("new_message", &json!("user"), &json!("one two three"))
    );
    let (name, data) = client.event().await;
    assert_eq!((&*name, &data["message"]["id"]), ("new_message", &answer["id"]));
    let mut text = String::new();
    loop {
        let (name, data) = client.event().await;
        assert_eq!(
            (&*name, &data["conversationId"], &data["messageId"]),
            ("message_update", &json!("c1"), &answer["id"])
        );
        let content = data["content"].as_str().unwrap().to_owned();
        assert!(content.starts_with(&text), "{content} after {text}");
        text = content;
        assert!(data["timestamp"].is_string());
        assert_eq!(data["metadata"]["streaming"], data["streaming"]);
        if data["streaming"] == false {
            assert_eq!(data["metadata"]["completed"], true);
            break;
        }
    }
    assert_eq!(text, "one two three");
}

#[tokio::test]
async fn who_comes_in_the_middle_is_told_the_whole_content_so_far() {
    let place = start("hold").await;
    let listening = place.listen().await;
    let mut first = Client::connect(&listening).await;
    first.join("c1", None).await;
    let answer = place.ask("c1", "one two three").await;
    let mut last = first.until("message_update").await;
    while last["content"] != "one two three" {
        last = first.until("message_update").await;
    }
    let before_the_last = last["eventId"].as_i64().unwrap() - 1;
    let mut second = Client::connect(&listening).await;
    second.join("c1", Some(before_the_last)).await;
    let update = second.until("message_update").await;
    assert_eq!((&update["content"], &update["streaming"]), (&json!("one two three"), &json!(true)));

    let stop = json!({ "conversationId": "c1", "messageId": answer["id"] });
    let (stopped, mut events) = second.ask("stop_generation", stop).await;
    assert_eq!((&stopped["success"], &stopped["status"]), (&json!(true), &json!("stopped")));
    while events.len() < 2 {
        events.push(second.event().await);
    }
    assert_eq!((&*events[0].0, &events[0].1["content"]), ("message_update", &json!("one two three")));
    assert_eq!((&*events[1].0, &events[1].1["messageId"]), ("generation_stopped", &answer["id"]));
    assert_eq!(first.until("generation_stopped").await["messageId"], answer["id"]);

    let mut late = Client::connect(&listening).await;
    late.join("c1", Some(before_the_last)).await;
    let update = late.until("message_update").await;
    assert_eq!((&update["content"], &update["streaming"]), (&json!("one two three"), &json!(false)));
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_without_gap_or_repeat() {
    let place = start("echo").await;
    let listening = place.listen().await;
    for number in 0..300 {
        place.note("c1", &number.to_string()).await;
    }
    let mut seen: Vec<i64> = Vec::new();
    while seen.len() < 300 {
        let mut client = Client::connect(&listening).await;
        client
            .0
            .say(format!("42{}", json!(["join_conversation", { "conversationId": "c1", "after": seen.len() }])))
            .await;
        for _ in 0..150 {
            let (_, data) = client.event().await;
            assert_eq!(data["message"]["content"], seen.len().to_string());
            seen.push(data["eventId"].as_i64().unwrap());
        }
    }
    assert_eq!(seen, (1..=300).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_conversation_of_others_looks_absent() {
    let place = start("echo").await;
    place.make("other", "theirs", "echo").await;
    place.begin_at("other", "theirs", "secret").await;
    let mut client = Client::connect(&place.listen().await).await;
    for conversation in ["secret", "nothing"] {
        let asked = [
            ("join_conversation", json!({ "conversationId": conversation })),
            ("approval_response", json!({ "conversationId": conversation, "requestId": "r", "status": "approved" })),
        ];
        for (name, data) in asked {
            let (answer, events) = client.ask(name, data).await;
            let message = format!("Conversation not found: {conversation}");
            let mut expected = json!({ "status": "error", "code": "not_found", "message": message, "event": name });
            assert_eq!(events, [("exception".to_owned(), expected.clone())]);
            expected["success"] = false.into();
            assert_eq!(answer, expected);
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_is_answered() {
    let place = start("echo").await;
    let mut client = Client::connect(&place.listen().await).await;
    for (name, data) in [
        ("shout", json!({})),
        ("join_conversation", json!({})),
        ("join_conversation", json!({ "conversationId": "c1", "after": 7 })),
        ("leave_conversation", json!(7)),
        ("agent_task", json!({ "agentId": "nobody", "task": "x" })),
    ] {
        let (answer, events) = client.ask(name, data).await;
        assert_eq!((&answer["code"], &answer["event"]), (&json!("bad_request"), &json!(name)), "{answer}");
        assert_eq!(events.len(), 1);
    }
}

#[tokio::test]
async fn a_decision_is_stored_and_told_to_all() {
    let place = start("echo").await;
    let listening = place.listen().await;
    let (mut one, mut two) = (Client::connect(&listening).await, Client::connect(&listening).await);
    two.join("c1", None).await;
    let decision = json!({ "conversationId": "c1", "requestId": "r1", "status": "approved", "note": "fine" });
    let (answer, _) = one.ask("approval_response", decision).await;
    assert_eq!(answer, json!({ "eventId": 1, "success": true }));
    let told = two.until("approval_response").await;
    for (name, value) in [("requestId", "r1"), ("status", "approved"), ("note", "fine"), ("conversationId", "c1")] {
        assert_eq!(told[name], value);
    }
    one.join("c1", Some(0)).await;
    assert_eq!(one.until("approval_response").await["requestId"], "r1");
}

#[tokio::test]
async fn who_leaves_a_conversation_is_told_no_more_of_it() {
    let place = start("echo").await;
    place.begin("c2").await;
    let mut client = Client::connect(&place.listen().await).await;
    client.join("c1", None).await;
    client.join("c2", None).await;
    let (left, _) = client.ask("leave_conversation", json!({ "conversationId": "c1" })).await;
    assert_eq!(left["left"], true);
    place.note("c1", "unheard").await;
    place.note("c2", "heard").await;
    assert_eq!(client.until("new_message").await["conversationId"], "c2");
    place.delete("c2").await;
    assert_eq!(client.until("conversation_update").await["status"], "deleted");
}

#[tokio::test]
async fn an_agent_is_given_a_task() {
    let place = start("echo").await;
    let mut client = Client::connect(&place.listen().await).await;
    let (begun, events) = client.ask("agent_task", json!({ "agentId": "helper", "task": "say hello" })).await;
    assert_eq!((&begun["agentId"], &begun["status"]), (&json!("helper"), &json!("in_progress")));
    assert_eq!(events[0].0, "agent_task_status");
    let ended = client.until("agent_task_status").await;
    for name in ["agentId", "taskId", "conversationId"] {
        assert_eq!(ended[name], begun[name]);
    }
    assert_eq!((&ended["status"], &ended["result"]), (&json!("complete"), &json!("say hello")));
}

#[tokio::test]
async fn the_server_tells_how_it_is() {
    let place = start("echo").await;
    let mut client = Client::connect(&place.listen().await).await;
    let (answer, events) = client.ask("subscribe_environment", json!({})).await;
    assert_eq!(answer["success"], true);
    let (name, health) = &events[0];
    assert_eq!((&**name, &health["status"]), ("environment_health", &json!("ok")));
    assert!(health["stores"]["runtime"]["latencyMs"].is_number());
    assert_eq!(client.ask("unsubscribe_environment", json!(null)).await.0["success"], true);
}

#[tokio::test]
async fn a_key_that_is_revoked_ends_the_connection() {
    let place = start("echo").await.with(|sockets| sockets.look = SOON);
    let made = place.server.app.keys().key_create("reader").await.unwrap();
    let listening = place.listen().await;
    let socket = listening.socket(PATH, &[]).await.unwrap();
    let mut client = Client::admitted(socket, &json!({ "token": made.secret.reveal() })).await;
    place.server.app.keys().key_revoke("reader").await.unwrap();
    assert_eq!(client.until("exception").await["code"], "unauthorized");
    assert_eq!(client.frame().await, "41");
}

#[tokio::test]
async fn a_slow_reader_is_told_why_it_is_dropped() {
    let patience = Duration::from_secs(1);
    let place = start("echo").await.with(|sockets| sockets.patience = patience);
    for number in 0..400 {
        place.note("c1", &number.to_string()).await;
    }
    let socket = place.in_memory().socket(512, PATH, &[]).await.unwrap();
    let mut slow = Client::admitted(socket, &json!({ "token": ADMIN_KEY })).await;
    slow.0.say(format!("42{}", json!(["join_conversation", { "conversationId": "c1", "after": 0 }]))).await;
    // This is the reader being slow: longer than the server's patience, shorter than twice that.
    tokio::time::sleep(patience * 3 / 2).await;
    let mut events = 0;
    loop {
        let (name, data) = slow.event().await;
        if name == "exception" {
            assert_eq!(
                (&data["code"], &data["message"]),
                (&json!("too_slow"), &json!("too slow: nothing was taken for 1 s"))
            );
            break;
        }
        events += 1;
    }
    assert!(events < 400, "{events}");
    assert_eq!(slow.frame().await, "41");
}

#[tokio::test]
async fn it_is_served_without_websockets_too() {
    let place = start("echo").await;
    let send = async |method: &str, sid: &str, body: String| {
        let path = format!("/socket.io/?EIO=4&transport=polling{sid}");
        let answered = place.server.send_raw(method, &path, &[], Body::from(body)).await;
        assert_eq!(answered.status.as_u16(), 200, "{}", answered.text);
        answered.text
    };
    let opened: Value = serde_json::from_str(&send("GET", "", String::new()).await[1..]).unwrap();
    let sid = format!("&sid={}", opened["sid"].as_str().unwrap());
    send("POST", &sid, format!("40{}", json!({ "token": ADMIN_KEY }))).await;
    assert!(send("GET", &sid, String::new()).await.starts_with("40{"));
    send("POST", &sid, format!("42{}", json!(["join_conversation", { "conversationId": "c1", "after": 0 }]))).await;
    place.note("c1", "hello").await;
    // Pings of the protocol come in between.
    while !send("GET", &sid, String::new()).await.contains(r#"42["new_message""#) {}
}

#[tokio::test]
async fn what_tool_servers_report_is_told() {
    let place = start("echo").await;
    let mut client = Client::connect(&place.listen().await).await;
    client.join("c1", None).await;
    let report =
        async |what: &str, body: Value| place.server.write("POST", &format!("/api/mcp/{what}"), &body, 201).await;
    report("agent-activity", json!({ "conversationId": "c1", "type": "plan", "description": "Think" })).await;
    let told = client.until("agent_activity").await;
    assert_eq!((&told["type"], &told["conversationId"], &told["eventId"]), (&json!("plan"), &json!("c1"), &json!(1)));
    report("file-change", json!({ "path": "a.rs", "action": "created" })).await;
    let told = client.until("file_changed").await;
    assert_eq!((&told["path"], &told["by"], &told["eventId"]), (&json!("a.rs"), &json!("system"), &Value::Null));
}
