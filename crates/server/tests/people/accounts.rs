use serde_json::{Value, json};
use understory_testkit::server::TestServer;

use crate::client::{PASSWORD, Person, login, post, refused, register};

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let server = TestServer::start().await;
    let ana = register(&server, "ana").await;
    let mut answers = Vec::new();
    for (email, password) in
        [(ana.email.as_str(), "wrong password"), ("nobody@example.com", PASSWORD), ("nobody@example.com", ""), ("", "")]
    {
        let answer = login(&server, email, password).await;
        assert_eq!(refused(&answer, 401, email), "Invalid credentials");
        let mut body = answer.body;
        body["timestamp"] = Value::Null;
        answers.push(body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    let body = login(&server, " ANA@example.com ", PASSWORD).await.expect(200, "in whatever case");
    assert!(body["user"]["lastLoginAt"].is_string());
    server.app.people().user_set_active(&ana.id, false).await.unwrap();
    let inactive = login(&server, &ana.email, PASSWORD).await;
    assert_eq!(refused(&inactive, 401, "she may not"), "Invalid credentials");
    refused(&ana.send(&server, "GET", "/api/auth/profile", None).await, 401, "her token is good no more");
    for bad in [json!({ "email": "a" }), json!({ "email": 1, "password": "x" }), json!(null)] {
        refused(&post(&server, "login", &bad).await, 400, "no credentials");
    }
}

#[tokio::test]
async fn people_change_what_is_theirs_and_nothing_else() {
    let server = TestServer::start().await;
    let (ana, _) = (register(&server, "ana").await, register(&server, "ben").await);
    let change = json!({
        "firstName": "Ana", "lastName": null, "email": "Ana@Example.org", "preferences": { "theme": "light" },
        "role": "admin", "isActive": false, "password": "hacked", "passwordHash": "x", "id": "other",
    });
    let answer = ana.send(&server, "PATCH", "/api/auth/profile", Some(&change)).await;
    assert_eq!(answer.header("warning").unwrap().matches(',').count(), 4, "{:?}", answer.headers);
    let data = answer.expect(200, "her profile")["data"].clone();
    assert_eq!((&data["id"], &data["role"], &data["isActive"]), (&json!(ana.id), &json!("user"), &json!(true)));
    assert_eq!((&data["email"], &data["firstName"]), (&json!("ana@example.org"), &json!("Ana")));
    assert_eq!((&data["lastName"], &data["preferences"]), (&Value::Null, &json!({ "theme": "light" })));
    let cleared = ana.send(&server, "PATCH", "/api/auth/profile", Some(&json!({ "firstName": null }))).await;
    let data = cleared.expect(200, "her profile")["data"].clone();
    assert_eq!((&data["firstName"], &data["email"]), (&Value::Null, &json!("ana@example.org")));
    for (bad, status) in [
        (json!({ "email": "ben@example.com" }), 409),
        (json!({ "username": "ben" }), 409),
        (json!({ "username": "" }), 400),
        (json!({ "email": null, "firstName": 7 }), 400),
        (json!([]), 400),
    ] {
        refused(&ana.send(&server, "PATCH", "/api/auth/profile", Some(&bad)).await, status, &bad.to_string());
    }
    login(&server, "ana@example.org", PASSWORD).await.expect(200, "the password stays");
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let server = TestServer::start().await;
    let ana = register(&server, "ana").await;
    let elsewhere = Person::of(&login(&server, &ana.email, PASSWORD).await.body);
    let change = async |current: &str, new: &str| {
        let body = json!({ "currentPassword": current, "newPassword": new });
        ana.send(&server, "POST", "/api/auth/change-password", Some(&body)).await
    };
    let wrong = change("wrong", "new password").await;
    refused(&wrong, 400, "the wrong one");
    assert_eq!(wrong.body["errors"][0]["pointer"], "/currentPassword");
    refused(&change(PASSWORD, "short").await, 400, "too short");
    assert_eq!(change(PASSWORD, "new password").await.expect(200, "changed")["success"], json!(true));
    ana.send(&server, "GET", "/api/auth/profile", None).await.expect(200, "this session stays");
    refused(&elsewhere.send(&server, "GET", "/api/auth/profile", None).await, 401, "the other one ends");
    refused(&post(&server, "refresh", &json!({ "refreshToken": elsewhere.refresh })).await, 401, "for good");
    refused(&login(&server, &ana.email, PASSWORD).await, 401, "the former one");
    login(&server, &ana.email, "new password").await.expect(200, "the new one");
}

#[tokio::test]
async fn keys_have_no_account() {
    let server = TestServer::start().await;
    for (method, path, body) in [
        ("GET", "profile", None),
        ("PATCH", "profile", Some(json!({ "firstName": "x" }))),
        ("POST", "change-password", Some(json!({ "currentPassword": "x", "newPassword": "long enough" }))),
        ("POST", "logout", None),
    ] {
        let path = format!("/api/auth/{path}");
        refused(&server.send(method, &path, body.as_ref()).await, 403, &path);
        refused(&server.send_with(method, &path, &[], body.as_ref()).await, 401, &path);
    }
}
