use std::time::Duration;

use serde_json::json;
use understory::{Limits, Rate};
use understory_testkit::server::{Answered, TestServer};

use crate::client::{PASSWORD, login, post, refused, register, registration};

const HOUR: Duration = Duration::from_secs(3600);

async fn limited(change: impl FnOnce(&mut Limits)) -> TestServer {
    TestServer::start_with(|options| change(&mut options.people.limits)).await
}

/// An answer that says when to try again: in how many seconds.
fn later(answer: &Answered) -> u64 {
    refused(answer, 429, "too many");
    answer.header("retry-after").unwrap().parse().unwrap()
}

#[tokio::test]
async fn accounts_are_locked_after_wrong_passwords_whether_they_exist_or_not() {
    let server = limited(|limits| (limits.lock_after, limits.lock_for) = (3, HOUR)).await;
    let ana = register(&server, "ana").await;
    for email in [ana.email.as_str(), "nobody@example.com"] {
        for _ in 0..3 {
            refused(&login(&server, email, "wrong password").await, 401, email);
        }
        let wait = later(&login(&server, email, PASSWORD).await);
        assert!((3590..=3600).contains(&wait), "{wait}");
    }
    let ben = register(&server, "ben").await;
    login(&server, &ben.email, PASSWORD).await.expect(200, "others are not");
    ana.send(&server, "GET", "/api/auth/profile", None).await.expect(200, "nor is who is in already");
}

#[tokio::test]
async fn a_right_password_forgives_the_wrong_ones() {
    let server = limited(|limits| (limits.lock_after, limits.lock_for) = (3, HOUR)).await;
    let ana = register(&server, "ana").await;
    for _ in 0..3 {
        for _ in 0..2 {
            refused(&login(&server, &ana.email, "wrong password").await, 401, "wrong");
        }
        login(&server, &ana.email, PASSWORD).await.expect(200, "right");
    }
}

#[tokio::test]
async fn tries_are_counted_by_account_and_by_address() {
    let twice = Rate { times: 2, per: HOUR };
    let server = limited(|limits| (limits.register, limits.login, limits.password) = (twice, twice, twice)).await;
    let ana = register(&server, "ana").await;
    register(&server, "ben").await;
    let wait = later(&post(&server, "register", &registration("eve")).await);
    assert!((1..=1800).contains(&wait), "{wait}");
    for _ in 0..2 {
        login(&server, &ana.email, PASSWORD).await.expect(200, "right");
    }
    later(&login(&server, "nobody@example.com", PASSWORD).await);
    let body = json!({ "currentPassword": "wrong", "newPassword": "long enough" });
    let change = async || ana.send(&server, "POST", "/api/auth/change-password", Some(&body)).await;
    for _ in 0..2 {
        refused(&change().await, 400, "wrong");
    }
    later(&change().await);
}
