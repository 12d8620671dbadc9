//! Conversations, messages, answers and their streams over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::{Value, json};
use understory_testkit::server::{ADMIN_KEY, Answered, TestServer};

const PROJECT: &str = "/manage/tenants/acme/projects/shop";

fn project(prompt: &str, model: &str) -> Value {
    let router = json!({ "id": "router", "name": "Router", "prompt": "Sell shoes.", "canUse": [] });
    let support = json!({
        "id": "support", "name": "Support", "prompt": prompt, "defaultSubAgentId": "router",
        "subAgents": { "router": router },
    });
    let models = json!({ "base": { "model": model } });
    json!({ "id": "shop", "name": "Shop", "models": models, "agents": { "support": support }, "tools": {} })
}

async fn with_model(model: &str) -> TestServer {
    let server = TestServer::start().await;
    server.write("PUT", "/manage/tenants/acme/project-full/shop", &project("Be kind.", model), 201).await;
    server
}

async fn conversation(server: &TestServer, body: Value) -> String {
    let made = server.write("POST", &format!("{PROJECT}/conversations"), &body, 201).await;
    format!("{PROJECT}/conversations/{}", made["data"]["id"].as_str().unwrap())
}

async fn begun(server: &TestServer) -> String {
    conversation(server, json!({ "agentId": "support", "title": "Shoes" })).await
}

async fn say(server: &TestServer, conversation: &str, text: &str) -> Value {
    let body = json!({ "role": "user", "content": text });
    server.write("POST", &format!("{conversation}/messages"), &body, 201).await
}

/// Says something and reads the events of the answer to their end.
async fn say_and_listen(server: &TestServer, conversation: &str, text: &str) -> Vec<(String, Value)> {
    let key = format!("Bearer {ADMIN_KEY}");
    let headers = [("authorization", key.as_str()), ("accept", "text/event-stream")];
    let body = json!({ "role": "user", "content": text });
    let answered = server.send_with("POST", &format!("{conversation}/messages"), &headers, Some(&body)).await;
    assert_eq!(answered.header("content-type"), Some("text/event-stream"), "{}", answered.text);
    events(&answered)
}

fn events(answered: &Answered) -> Vec<(String, Value)> {
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default().to_owned()
    };
    let blocks = answered.text.split("\n\n").filter(|block| block.contains("data: "));
    blocks.map(|block| (field(block, "event"), serde_json::from_str(&field(block, "data")).unwrap())).collect()
}

fn joined(events: &[(String, Value)]) -> String {
    events.iter().filter(|(kind, _)| kind == "delta").map(|(_, data)| data["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_answer_is_streamed_and_stored() {
    let server = with_model("echo/echo").await;
    let path = begun(&server).await;
    let told = say_and_listen(&server, &path, "What fits me best?").await;
    assert_eq!((told.first().unwrap().0.as_str(), joined(&told).as_str()), ("said", "What fits me best?"));
    let (kind, done) = told.last().unwrap();
    assert_eq!(
        (kind.as_str(), &done["status"], &done["usage"]["completionTokens"]),
        ("done", &json!("complete"), &json!(4))
    );
    let messages = server.get(&format!("{path}/messages")).await;
    let [asked, answer] = [&messages["data"][0], &messages["data"][1]];
    assert_eq!((&asked["role"], &asked["commit"]), (&json!("user"), &Value::Null));
    assert_eq!((&answer["role"], &answer["status"]), (&json!("agent"), &json!("complete")));
    assert_eq!(answer["content"], json!({ "text": "What fits me best?" }));
    assert_eq!((&answer["parentMessageId"], &answer["fromSubAgentId"]), (&asked["id"], &json!("router")));
    let metadata = &answer["metadata"];
    assert_eq!(
        (&metadata["streaming"], &metadata["provider"], &metadata["model"]),
        (&json!(false), &json!("echo"), &json!("echo"))
    );
    assert!(metadata["responseTime"].is_u64() && answer["commit"].is_string(), "{answer}");
}

#[tokio::test]
async fn a_message_leads_to_its_configuration_for_ever() {
    let server = with_model("echo/echo").await;
    server.write("POST", &format!("{PROJECT}/branches"), &json!({ "name": "try" }), 201).await;
    let path = conversation(&server, json!({ "agentId": "support", "ref": "try" })).await;
    let answer = say_and_listen(&server, &path, "Hello").await[0].1["answer"].clone();
    let put = "/manage/tenants/acme/project-full/shop?ref=try";
    server.write("PUT", put, &project("Be strict.", "echo/echo"), 200).await;
    let newer = say_and_listen(&server, &path, "Hello again").await[0].1["answer"].clone();
    server.send("DELETE", &format!("{PROJECT}/branches/try?force=true"), None).await.expect(204, "the branch goes");
    server.write("POST", &format!("{PROJECT}/gc"), &json!({ "undoDays": 0 }), 200).await;
    for (message, prompt) in [(&answer, "Be kind."), (&newer, "Be strict.")] {
        let id = message["id"].as_str().unwrap();
        let found = server.send("GET", &format!("{path}/messages/{id}/configuration"), None).await;
        assert_eq!(found.header("x-understory-commit"), message["commit"].as_str());
        assert_eq!(found.expect(200, "the configuration")["data"]["prompt"], prompt);
    }
    let body = json!({ "role": "user", "content": "Is anybody there?" });
    server.write("POST", &format!("{path}/messages"), &body, 422).await;
    let pinned = server.write("PUT", &format!("{path}/pin"), &json!({ "ref": "main" }), 200).await;
    assert_eq!((&pinned["data"]["pinned"], &pinned["data"]["ref"]["name"]), (&json!(false), &json!("main")));
    say(&server, &path, "Is anybody there?").await;
}

#[tokio::test]
async fn a_pinned_conversation_stays_with_its_commit_and_each_pin_is_on_record() {
    let server = with_model("echo/echo").await;
    let path = begun(&server).await;
    let old = server.get(&format!("{PROJECT}/commits")).await["data"][0]["hash"].clone();
    let pinned = server.write("PUT", &format!("{path}/pin"), &json!({ "ref": old }), 200).await;
    assert_eq!((&pinned["data"]["pinned"], &pinned["data"]["ref"]["hash"]), (&json!(true), &old));
    server.write("PUT", "/manage/tenants/acme/project-full/shop", &project("Be strict.", "echo/echo"), 200).await;
    assert_eq!(say_and_listen(&server, &path, "Hello").await[0].1["answer"]["commit"], old);
    server.write("PUT", &format!("{path}/pin"), &json!({ "ref": "main" }), 200).await;
    assert_ne!(say_and_listen(&server, &path, "Hello").await[0].1["answer"]["commit"], old);
    let record = server.get(&format!("{path}/record")).await;
    let details = &record["data"][0]["details"];
    assert_eq!((&details["from"]["hash"], &details["to"]["name"]), (&old, &json!("main")));
    assert_eq!(record["data"].as_array().unwrap().len(), 2);
    server.write("PUT", &format!("{path}/pin"), &json!({ "ref": "nothing" }), 404).await;
}

#[tokio::test]
async fn an_answer_is_stopped_and_keeps_what_had_arrived() {
    let server = with_model("echo/hold").await;
    let path = begun(&server).await;
    let said = say(&server, &path, "Tell me a story").await;
    let id = said["answer"]["id"].as_str().unwrap();
    assert_eq!(
        (&said["answer"]["status"], &said["answer"]["metadata"]["streaming"]),
        (&json!("streaming"), &json!(true))
    );
    let stopped = server.write("POST", &format!("{path}/messages/{id}/stop"), &Value::Null, 200).await;
    let stopped = &stopped["data"];
    assert_eq!((&stopped["status"], &stopped["metadata"]["streaming"]), (&json!("stopped"), &json!(false)));
    let all = server.get(&format!("{path}/messages/{id}")).await;
    let again = server.write("POST", &format!("{path}/messages/{id}/stop"), &Value::Null, 200).await;
    assert_eq!(all["data"], again["data"]);
    server.write("POST", &format!("{path}/messages/nothing/stop"), &Value::Null, 404).await;
}

#[tokio::test]
async fn what_keeps_an_agent_from_answering_is_said_by_its_message() {
    for (model, told) in [("nobody/x", "no provider 'nobody'"), ("echo/x", "no model 'x'"), ("nameless", "nameless")] {
        let server = with_model(model).await;
        let path = begun(&server).await;
        let events = say_and_listen(&server, &path, "Hello").await;
        let (kind, done) = events.last().unwrap();
        // Where it is known at once, the message says so already.
        let answer = events[0].1["answer"]["id"].as_str().unwrap();
        let answer = server.get(&format!("{path}/messages/{answer}")).await;
        assert!(kind == "done" && done["error"].as_str().unwrap().contains(told), "{done}");
        assert_eq!(
            (&answer["data"]["status"], &answer["data"]["metadata"]["error"]),
            (&json!("failed"), &done["error"])
        );
        assert_eq!(server.get(&format!("{path}/messages")).await["data"][0]["content"]["text"], "Hello");
    }
}

#[tokio::test]
async fn events_are_read_on_from_any_of_them() {
    let server = with_model("echo/echo").await;
    let path = begun(&server).await;
    say_and_listen(&server, &path, "one two three").await;
    let total = server.get(&path).await["data"]["conversation"]["lastEventId"].as_i64().unwrap();
    for bad in ["x", "-1", &(total + 1).to_string()] {
        server.send("GET", &format!("{path}/events?after={bad}"), None).await.expect(400, bad);
    }
    server.send("GET", &format!("{PROJECT}/conversations/nothing/events"), None).await.expect(404, "absent");
}

#[tokio::test]
async fn messages_are_paged_in_both_directions() {
    let server = with_model("echo/echo").await;
    let path = begun(&server).await;
    for number in 1..=5 {
        let body = json!({ "role": "user", "content": number.to_string(), "answer": false });
        let said = server.write("POST", &format!("{path}/messages"), &body, 201).await;
        assert_eq!((&said["data"]["position"], &said["answer"]), (&json!(number), &Value::Null));
    }
    let page = |query: &'static str| {
        let (server, path) = (&server, &path);
        async move {
            let page = server.get(&format!("{path}/messages?{query}")).await;
            let positions =
                page["data"].as_array().unwrap().iter().map(|message| message["position"].as_i64().unwrap());
            let around = &page["pagination"];
            (positions.collect::<Vec<_>>(), around["before"].as_i64(), around["after"].as_i64())
        }
    };
    assert_eq!(page("limit=2").await, (vec![4, 5], Some(4), None));
    assert_eq!(page("limit=2&before=4").await, (vec![2, 3], Some(2), Some(3)));
    assert_eq!(page("limit=2&before=2").await, (vec![1], None, Some(1)));
    assert_eq!(page("limit=9&after=3").await, (vec![4, 5], Some(4), None));
    assert_eq!(page("after=5").await, (vec![], None, None));
    for bad in ["limit=0", "limit=201", "before=x", "after=1&before=2"] {
        server.send("GET", &format!("{path}/messages?{bad}"), None).await.expect(400, bad);
    }
}

#[tokio::test]
async fn bad_messages_are_refused_where_they_are_wrong() {
    let server = with_model("echo/echo").await;
    let path = format!("{}/messages", begun(&server).await);
    let long = vec![json!({ "text": "x" }); 1_001];
    for (body, pointer) in [
        (json!({ "role": "user" }), "/content"),
        (json!({ "role": "king", "content": "x" }), "/role"),
        (json!({ "role": "user", "content": 1 }), "/content"),
        (json!({ "role": "user", "content": {} }), "/content/text"),
        (json!({ "role": "user", "content": long }), "/content/parts"),
        (json!({ "role": "user", "content": "x", "metadata": 1 }), "/metadata"),
        (json!({ "role": "user", "content": "x", "parentMessageId": "nothing" }), "/parentMessageId"),
        (json!({ "role": "user", "content": "x", "id": "a b" }), "/id"),
    ] {
        let refused = server.write("POST", &path, &body, 400).await;
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    let huge = json!({ "role": "user", "content": "x".repeat(3 * 1024 * 1024) });
    server.write("POST", &path, &huge, 413).await;
    assert_eq!(server.get(&path).await["data"], json!([]));
    let made = json!({ "role": "user", "content": "x", "id": "m", "answer": false });
    server.write("POST", &path, &made, 201).await;
    server.write("POST", &path, &made, 409).await;
}

#[tokio::test]
async fn a_request_sent_again_says_nothing_twice() {
    let server = with_model("echo/echo").await;
    let path = begun(&server).await;
    let key = format!("Bearer {ADMIN_KEY}");
    let headers = [("authorization", key.as_str()), ("idempotency-key", "once")];
    let body = json!({ "role": "user", "content": "Hello" });
    let messages = format!("{path}/messages");
    let send = || server.send_with("POST", &messages, &headers, Some(&body));
    let (first, again) = (send().await.expect(201, "first"), send().await.expect(201, "again"));
    assert_eq!(first["data"]["id"], again["data"]["id"]);
    assert_eq!(server.get(&path).await["data"]["conversation"]["messageCount"], 2);
}

#[tokio::test]
async fn conversations_are_listed_changed_archived_and_deleted() {
    let server = with_model("echo/echo").await;
    let all = format!("{PROJECT}/conversations");
    for number in 0..3 {
        conversation(&server, json!({ "agentId": "support", "id": format!("c{number}"), "userId": "ana" })).await;
    }
    server.write("POST", &all, &json!({ "agentId": "support", "id": "c0" }), 409).await;
    let refused = server.write("POST", &all, &json!({ "agentId": "nobody" }), 400).await;
    assert_eq!(refused["errors"][0]["pointer"], "/agentId");
    let changed = json!({ "title": "Boots", "status": "archived", "metadata": { "a": 1 } });
    let changed = server.write("PATCH", &format!("{all}/c0"), &changed, 200).await;
    assert_eq!((&changed["data"]["status"], &changed["data"]["title"]), (&json!("archived"), &json!("Boots")));
    let ids = |page: &Value| {
        let listed = page["data"]["conversations"].as_array().unwrap().iter();
        listed.map(|found| found["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&server.get(&format!("{all}?status=archived&userId=ana")).await), ["c0"]);
    let first = server.get(&format!("{all}?limit=2")).await;
    let next = first["data"]["pagination"]["next"].as_str().unwrap().replace(' ', "%20");
    let rest = server.get(&format!("{all}?limit=2&cursor={next}")).await;
    assert_eq!((ids(&first), ids(&rest)), (vec!["c0".into(), "c2".into()], vec!["c1".to_owned()]));
    assert_eq!(
        (&first["data"]["pagination"]["total"], &rest["data"]["pagination"]["hasMore"]),
        (&json!(3), &json!(false))
    );
    for bad in ["limit=0", "page=x", "status=gone", "cursor=x", "cursor=9999-99-99%2099:99:99.999~c"] {
        server.send("GET", &format!("{all}?{bad}"), None).await.expect(400, bad);
    }
    server.send("DELETE", &format!("{all}/c1"), None).await.expect(204, "deleted");
    for path in ["c1", "c1/messages", "c1/bounds", "c1/export", "c1/record"] {
        server.send("GET", &format!("{all}/{path}"), None).await.expect(404, path);
    }
}

#[tokio::test]
async fn a_conversation_is_read_in_the_forms_of_the_contract_and_exported() {
    let server = with_model("echo/echo").await;
    let path = begun(&server).await;
    say_and_listen(&server, &path, "Hello there").await;
    let default = server.get(&path).await;
    assert_eq!(default["data"]["formatted"]["llmContext"], "user: Hello there\nagent: Hello there");
    let vercel = server.get(&format!("{path}?format=vercel")).await;
    let last = &vercel["data"]["messages"][1];
    assert_eq!(
        (&last["role"], &last["content"], &last["parts"][0]["text"]),
        (&json!("assistant"), &json!("Hello there"), &json!("Hello there"))
    );
    let exported = server.get(&format!("{path}/export")).await;
    assert_eq!(exported["data"]["messages"].as_array().unwrap().len(), 2);
    let text = server.send("GET", &format!("{path}/export?format=markdown"), None).await.text;
    assert!(text.starts_with("# Shoes\n\n## user") && text.contains("\nHello there\n"), "{text}");
    server.send("GET", &format!("{path}/export?format=pdf"), None).await.expect(400, "pdf");
}

#[tokio::test]
async fn messages_are_found_by_their_words() {
    let server = with_model("echo/echo").await;
    let path = begun(&server).await;
    for text in ["Red SHOES fit", "Blue shoes don't", "Ärger mit Schuhen", "text"] {
        let body = json!({ "role": "user", "content": text, "answer": false });
        server.write("POST", &format!("{path}/messages"), &body, 201).await;
    }
    let count = |query: &'static str| {
        let server = &server;
        async move {
            let found = server.get(&format!("{PROJECT}/conversations/search?q={query}")).await;
            found["data"].as_array().unwrap().len()
        }
    };
    for (query, found) in [("shoes", 2), ("shoes%20red", 1), ("%C3%A4rger", 1), ("text", 1), ("nothing", 0)] {
        assert_eq!(count(query).await, found, "{query}");
    }
    let first = server.get(&format!("{PROJECT}/conversations/search?q=shoes&limit=1")).await;
    let next = first["next"].as_str().unwrap();
    let rest = server.get(&format!("{PROJECT}/conversations/search?q=shoes&limit=1&cursor={next}")).await;
    assert_ne!(rest["data"][0]["id"], first["data"][0]["id"]);
    let next = rest["next"].as_str().unwrap();
    let end = server.get(&format!("{PROJECT}/conversations/search?q=shoes&limit=1&cursor={next}")).await;
    assert_eq!((&end["data"], &end["next"]), (&json!([]), &Value::Null));
    server.send("GET", &format!("{PROJECT}/conversations/search?q=%20"), None).await.expect(400, "no words");
}

#[tokio::test]
async fn feedback_is_given_on_what_is_there() {
    let server = with_model("echo/echo").await;
    let path = begun(&server).await;
    let conversation = path.rsplit('/').next().unwrap().to_owned();
    let answer = say_and_listen(&server, &path, "Hello").await[0].1["answer"]["id"].clone();
    let all = format!("{PROJECT}/feedback");
    let good = json!({ "conversationId": conversation, "messageId": answer, "type": "positive", "details": "Nice" });
    let made = server.write("POST", &all, &good, 201).await;
    let one = format!("{all}/{}", made["data"]["id"].as_str().unwrap());
    for (field, bad) in [("conversationId", "nothing"), ("messageId", "nothing"), ("type", "so-so")] {
        let mut body = good.clone();
        body[field] = bad.into();
        server.write("POST", &all, &body, 400).await;
    }
    let changed = server.write("PATCH", &one, &json!({ "type": "negative" }), 200).await;
    assert_eq!((&changed["data"]["type"], &changed["data"]["details"]), (&json!("negative"), &json!("Nice")));
    let listed = server.get(&format!("{all}?type=negative&conversationId={conversation}")).await;
    assert_eq!((&listed["data"][0], &listed["pagination"]["total"]), (&changed["data"], &json!(1)));
    let bulk = server
        .write("POST", &format!("{all}/bulk"), &json!([good, { "conversationId": "x", "type": "positive" }]), 201)
        .await;
    assert_eq!((bulk["data"].as_array().unwrap().len(), &bulk["errors"][0]["index"]), (1, &json!(1)));
    server.send("DELETE", &one, None).await.expect(204, "deleted");
    server.send("GET", &one, None).await.expect(404, "gone");
}

#[tokio::test]
async fn another_project_s_conversations_are_not_there() {
    let server = with_model("echo/echo").await;
    let path = begun(&server).await;
    let mut other = project("Be kind.", "echo/echo");
    other["id"] = "shop".into();
    server.write("PUT", "/manage/tenants/umbrella/project-full/shop", &other, 201).await;
    let foreign = path.replace("/acme/", "/umbrella/");
    let body = json!({ "role": "user", "content": "Hello" });
    for (method, path, body) in [
        ("GET", foreign.clone(), None),
        ("GET", format!("{foreign}/messages"), None),
        ("GET", format!("{foreign}/events?after=0"), None),
        ("POST", format!("{foreign}/messages"), Some(&body)),
        ("DELETE", foreign.clone(), None),
    ] {
        server.send(method, &path, body).await.expect(404, &path);
    }
    server.send_with("GET", &path, &[], None).await.expect(401, "no key");
}

#[tokio::test]
async fn a_conversation_says_what_is_gone_of_what_it_follows() {
    let server = with_model("echo/echo").await;
    server.write("POST", &format!("{PROJECT}/branches"), &json!({ "name": "try" }), 201).await;
    let path = conversation(&server, json!({ "agentId": "support", "ref": "try" })).await;
    let answer = say_and_listen(&server, &path, "Hello").await[0].1["answer"].clone();
    let gone = async || {
        let shown = server.get(&path).await["data"]["conversation"].take();
        let exported = server.get(&format!("{path}/export")).await["data"].take();
        let of =
            |shown: &Value| (shown["agentDeleted"] == true, shown["refDeleted"] == true, shown["messageCount"] == 2);
        assert_eq!(of(&shown), of(&exported));
        of(&shown)
    };
    assert_eq!(gone().await, (false, false, true));
    server.send("DELETE", &format!("{PROJECT}/agents/support?ref=try"), None).await.expect(204, "the agent goes");
    assert_eq!(gone().await, (true, false, true));
    server.send("DELETE", &format!("{PROJECT}/branches/try?force=true"), None).await.expect(204, "the branch goes");
    assert_eq!(gone().await, (false, true, true));
    let id = answer["id"].as_str().unwrap();
    let configuration = server.get(&format!("{path}/messages/{id}/configuration")).await;
    assert_eq!(configuration["data"]["prompt"], "Be kind.");
    assert_eq!(
        server.get(&format!("{PROJECT}/conversations")).await["data"]["conversations"][0]["agentDeleted"],
        Value::Null
    );
}

#[tokio::test]
async fn a_new_project_of_an_old_name_begins_without_conversations() {
    let server = with_model("echo/echo").await;
    let path = begun(&server).await;
    server.send("DELETE", "/manage/tenants/acme/project-full/shop", None).await.expect(204, "deleted");
    server.write("PUT", "/manage/tenants/acme/project-full/shop", &project("Be kind.", "echo/echo"), 201).await;
    server.send("GET", &path, None).await.expect(404, "it went with the project");
}
