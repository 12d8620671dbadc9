use serde_json::{Value, json};
use understory::sql::{Database, Engine, Open};
use understory_testkit::server::{Answered, TestServer};

use crate::client::{PASSWORD, Person, login, post, refused, register};

async fn profile(server: &TestServer, access: &str) -> Answered {
    let authorization = format!("Bearer {access}");
    server.send_with("GET", "/api/auth/profile", &[("authorization", &authorization)], None).await
}

async fn refresh(server: &TestServer, token: &str) -> Answered {
    post(server, "refresh", &json!({ "refreshToken": token })).await
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let server = TestServer::start().await;
    let ana = register(&server, "ana").await;
    let next = Person::of(&refresh(&server, &ana.refresh).await.expect(200, "refreshed"));
    assert_ne!(next.refresh, ana.refresh);
    profile(&server, &next.access).await.expect(200, "the new token");
    refused(&refresh(&server, &ana.refresh).await, 401, "somebody uses the former one");
    refused(&refresh(&server, &next.refresh).await, 401, "the session has ended for all");
    refused(&profile(&server, &next.access).await, 401, "and with it its access tokens");
    for wrong in ["", "uns_", "uns_x.y", "x", &ana.access] {
        refused(&refresh(&server, wrong).await, 401, wrong);
    }
    let handle = Person::of(&login(&server, &ana.email, PASSWORD).await.body).refresh;
    let half = handle.split_once('.').unwrap().0;
    refused(&refresh(&server, &handle.replace("uns_", "uns_x")).await, 401, "another session");
    refresh(&server, &handle).await.expect(200, "which a guess does not end");
    refused(&refresh(&server, &format!("{half}.guess")).await, 401, "a guess at its secret does");
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once() {
    let server = TestServer::start().await;
    let ana = register(&server, "ana").await;
    let elsewhere = Person::of(&login(&server, &ana.email, PASSWORD).await.body);
    profile(&server, &ana.access).await.expect(200, "before");
    ana.send(&server, "POST", "/api/auth/logout", None).await.expect(200, "out");
    refused(&profile(&server, &ana.access).await, 401, "after");
    refused(&refresh(&server, &ana.refresh).await, 401, "after");
    profile(&server, &elsewhere.access).await.expect(200, "elsewhere she is still in");
}

#[tokio::test]
async fn tokens_that_we_did_not_sign_are_refused() {
    let server = TestServer::start().await;
    let ana = register(&server, "ana").await;
    let [header, claims, signature] = ana.access.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let other = register(&server, "ben").await.access;
    let theirs = other.split('.').nth(1).unwrap();
    for forged in [
        format!("{header}.{theirs}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("eyJhbGciOiJub25lIn0.{claims}."),
    ] {
        refused(&profile(&server, &forged).await, 401, &forged);
    }
    server.app.people().token_key_rotate().await.unwrap();
    profile(&server, &ana.access).await.expect(200, "the former key's tokens are good");
    let new = Person::of(&login(&server, &ana.email, PASSWORD).await.body).access;
    assert_ne!(new.split('.').next(), Some(header), "another key signs");
    profile(&server, &new).await.expect(200, "and the new one's");
}

#[tokio::test]
async fn an_expired_session_is_over() {
    let server = TestServer::start().await;
    if server.is_on_servers() {
        return;
    }
    let ana = register(&server, "ana").await;
    let open = Open { engine: Engine::Stock, create: false, read_only: false };
    let database = Database::open(&server.home().join("runtime.db"), open).unwrap();
    database.batch("update session set expires_at = '2020-01-01 00:00:00.000'").unwrap();
    refused(&profile(&server, &ana.access).await, 401, "her session");
    refused(&refresh(&server, &ana.refresh).await, 401, "her session");
}

#[tokio::test]
async fn browsers_keep_their_session_in_a_cookie() {
    let server = TestServer::start().await;
    let ana = register(&server, "ana").await;
    let body = json!({ "email": ana.email, "password": PASSWORD, "cookie": true });
    let answer = post(&server, "login", &body).await;
    assert!(answer.body["accessToken"].is_null() && answer.body["refreshToken"].is_null(), "{}", answer.text);
    let set = answer.header("set-cookie").unwrap().to_owned();
    assert!(set.contains("; HttpOnly; SameSite=Lax") && !set.contains("Secure"), "{set}");
    let cookie = set.split(';').next().unwrap();
    let send = async |method: &str, path: &str, more: &[(&str, &str)]| {
        let headers = [&[("cookie", cookie)][..], more].concat();
        let body = (method != "GET").then(|| json!({ "firstName": "x" }));
        server.send_with(method, path, &headers, body.as_ref()).await
    };
    send("GET", "/api/auth/profile", &[]).await.expect(200, "reading");
    let home = ("host", "chat.example.com");
    for (more, status) in [
        (vec![("sec-fetch-site", "same-origin")], 200),
        (vec![home, ("origin", "http://chat.example.com")], 200),
        (vec![], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![home, ("origin", "http://evil.example.com")], 403),
    ] {
        let answer = send("PATCH", "/api/auth/profile", &more).await;
        assert_eq!(answer.status.as_u16(), status, "{more:?}: {}", answer.text);
    }
    let out = send("POST", "/api/auth/logout", &[("sec-fetch-site", "same-origin")]).await;
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"), "{:?}", out.headers);
    refused(&send("GET", "/api/auth/profile", &[]).await, 401, "it is over");
    let headers = [("cookie", "understory_session=uns_a.b")];
    refused(&server.send_with("GET", "/api/auth/profile", &headers, None).await, 401, "made up");
}

#[tokio::test]
async fn a_page_of_another_site_puts_no_browser_into_a_session() {
    let server = TestServer::start().await;
    let ana = register(&server, "ana").await;
    let body = json!({ "email": ana.email, "password": PASSWORD, "cookie": true });
    for (more, status) in [("same-origin", 200), ("cross-site", 403)] {
        let headers = [("sec-fetch-site", more)];
        let answer = server.send_with("POST", "/api/auth/login", &headers, Some(&body)).await;
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie").is_some()), (status, status == 200));
    }
}

#[tokio::test]
async fn people_commit_in_their_own_name() {
    let server = TestServer::start().await;
    let ana = register(&server, "ana").await;
    let batch = format!("/manage/tenants/default/projects/{}/batch", ana.project);
    let operation = json!({ "method": "POST", "path": "/functions", "body": { "id": "f", "executeCode": "x" } });
    let mut body = json!({ "operations": [operation], "author": { "name": "ben", "email": "ben@example.com" } });
    ana.send(&server, "POST", &batch, Some(&body)).await.expect(403, "in another's name");
    body.as_object_mut().unwrap().remove("author");
    ana.send(&server, "POST", &batch, Some(&body)).await.expect(200, "in hers");
}

#[tokio::test]
async fn no_token_and_no_password_is_stored() {
    let server = TestServer::start().await;
    if server.is_on_servers() {
        return;
    }
    let ana = register(&server, "ana").await;
    let secret = ana.refresh.rsplit('.').next().unwrap();
    for file in ["runtime.db", "runtime.db-wal"] {
        let bytes = std::fs::read(server.home().join(file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for hidden in [secret, &ana.access, PASSWORD] {
            assert!(!text.contains(hidden), "{file}");
        }
    }
    assert!(Value::from(ana.id).is_string());
}
