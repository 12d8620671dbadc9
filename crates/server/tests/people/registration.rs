use serde_json::{Value, json};
use understory::Registration;
use understory_testkit::server::TestServer;

use crate::client::{Person, post, refused, register, registration};

#[tokio::test]
async fn whoever_registers_is_a_user_with_a_project_of_their_own() {
    let server = TestServer::start().await;
    let mut body = registration("ana");
    for (key, value) in [("role", json!("admin")), ("isActive", json!(false)), ("firstName", json!("Ana"))] {
        body[key] = value;
    }
    let answer = post(&server, "register", &body).await;
    assert_eq!(answer.header("warning"), Some("299 - \"ignored keys: role, isActive\""));
    let body = answer.expect(201, "ana");
    assert_eq!((&body["user"]["role"], &body["user"]["isActive"]), (&json!("user"), &json!(true)));
    assert_eq!((&body["user"]["firstName"], &body["user"]["preferences"]["theme"]), (&json!("Ana"), &json!("dark")));
    assert!(!body.to_string().contains("assword") && !body.to_string().contains("argon"), "{body}");
    let ana = Person::of(&body);
    let log = server.get(&format!("/manage/tenants/default/projects/{}/commits", ana.project)).await;
    assert_eq!(log["data"][0]["author"], "ana");
    let profile = ana.send(&server, "GET", "/api/auth/profile", None).await.expect(200, "her profile");
    assert_eq!((&profile["success"], &profile["data"]), (&json!(true), &body["user"]));
}

#[tokio::test]
async fn addresses_and_user_names_are_taken_once() {
    let server = TestServer::start().await;
    register(&server, "ana").await;
    let mut body = registration("ben");
    body["email"] = json!("ANA@example.com");
    assert!(refused(&post(&server, "register", &body).await, 409, "her address").contains("ana@example.com"));
    body = registration("ana");
    body["email"] = json!("ben@example.com");
    assert!(refused(&post(&server, "register", &body).await, 409, "her name").contains("user name ana"));
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place() {
    let server = TestServer::start().await;
    let bad = |key: &str, value: Value| {
        let mut body = registration("ana");
        body[key] = value;
        (format!("/{key}"), body)
    };
    for (pointer, body) in [
        bad("email", json!("nobody")),
        bad("email", json!(7)),
        bad("email", Value::Null),
        bad("username", json!("ab")),
        bad("username", json!("x".repeat(21))),
        bad("username", json!("system")),
        bad("password", json!("short")),
        bad("password", json!("x".repeat(129))),
        bad("firstName", json!("x".repeat(51))),
        bad("preferences", json!([])),
        ("/username".into(), json!({ "email": "a@b.c", "password": "long enough" })),
        (String::new(), json!([])),
    ] {
        let answer = post(&server, "register", &body).await;
        refused(&answer, 400, &pointer);
        assert_eq!(answer.body["errors"][0]["pointer"], json!(pointer), "{}", answer.text);
    }
    refused(&post(&server, "register", &json!("x".repeat(3 << 20))).await, 413, "too large");
}

#[tokio::test]
async fn registration_may_be_closed() {
    let server = TestServer::start_with(|options| options.people.registration = Registration::Closed).await;
    refused(&post(&server, "register", &registration("ana")).await, 403, "closed");
    let by_invitation = TestServer::start_with(|options| options.people.registration = Registration::Invitation).await;
    refused(&post(&by_invitation, "register", &registration("ana")).await, 403, "not invited");
    let mut body = registration("ana");
    body["invitation"] = json!("made up");
    refused(&post(&by_invitation, "register", &body).await, 403, "no such invitation");
}

#[tokio::test]
async fn the_owner_of_an_empty_server_comes_with_its_code() {
    let server = TestServer::start_with(|options| options.people.registration = Registration::Closed).await;
    let code = server.app.people().owner_code_ensure().await.unwrap().expect("nobody is there");
    assert!(server.app.people().owner_code_ensure().await.unwrap().is_none(), "it is shown once");
    let mut body = registration("boss");
    body["ownerCode"] = json!("und_owner_guessed");
    refused(&post(&server, "register", &body).await, 403, "a wrong code");
    body["ownerCode"] = json!(code.reveal());
    let mut wrong = body.clone();
    wrong["username"] = json!("x");
    refused(&post(&server, "register", &wrong).await, 400, "a wrong name does not use the code up");
    let boss = post(&server, "register", &body).await.expect(201, "the owner");
    assert_eq!(boss["user"]["role"], "admin");
    let mut again = registration("eve");
    again["ownerCode"] = json!(code.reveal());
    refused(&post(&server, "register", &again).await, 403, "it is used up");
    let boss = Person::of(&boss);
    boss.send(&server, "GET", "/manage/stats", None).await.expect(200, "the owner runs the server");
    assert!(server.app.people().owner_code_ensure().await.unwrap().is_none(), "somebody is there");
}

#[tokio::test]
async fn a_project_that_could_not_be_made_is_made_at_the_next_sign_in() {
    let server = TestServer::start().await;
    let ana = register(&server, "ana").await;
    let path = format!("/manage/tenants/default/projects/{}", ana.project);
    server.write("DELETE", &path, &Value::Null, 204).await;
    let body = crate::client::login(&server, &ana.email, crate::client::PASSWORD).await.expect(200, "she is back");
    assert_eq!(body["user"]["defaultProject"], json!(ana.project));
    server.get(&path).await;
}
