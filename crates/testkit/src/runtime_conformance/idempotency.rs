use std::time::Duration;

use understory_runtime::{Claim, ClaimRequest, StoredAnswer, request_hash};

use super::Place;
use crate::conformance::Checked;

pub(super) fn claim(key: &str, body: &str) -> ClaimRequest {
    ClaimRequest {
        principal: "system".into(),
        key: key.into(),
        request_hash: request_hash("POST", "/x", body.as_bytes()),
        expected_head: Some("head".into()),
    }
}

pub(super) fn answer(body: &str) -> StoredAnswer {
    StoredAnswer { status: 201, headers: vec![("etag".into(), "\"1\"".into())], body: body.into() }
}

/// However many claim a key at once, one is to carry the request out.
pub async fn of_many_claims_at_once_one_is_new(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let tasks = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.idempotency_claim(claim("k", "body")).await })
    });
    let mut new = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await?? {
            Claim::New => new += 1,
            other => assert_eq!(other, Claim::Running),
        }
    }
    assert_eq!(new, 1);
    Ok(())
}

/// The repeat of a finished request has its answer; another request of the same key is a mistake.
pub async fn a_finished_request_is_answered_again(place: &impl Place) -> Checked {
    let store = place.open().await?;
    assert_eq!(store.idempotency_claim(claim("k", "one")).await?, Claim::New);
    store.idempotency_finish("system", "k", &answer("{}")).await?;
    store.idempotency_finish("system", "k", &answer("another")).await?;
    store.idempotency_release("system", "k").await?;
    assert_eq!(store.idempotency_claim(claim("k", "one")).await?, Claim::Done(answer("{}")));
    assert_eq!(store.idempotency_claim(claim("k", "two")).await?, Claim::Mismatch);
    let other = ClaimRequest { principal: "ana".into(), ..claim("k", "two") };
    assert_eq!(store.idempotency_claim(other).await?, Claim::New);
    Ok(())
}

/// A key that was given back is free for any request.
pub async fn a_released_claim_is_new_again(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.idempotency_claim(claim("k", "one")).await?;
    store.idempotency_release("system", "k").await?;
    assert_eq!(store.idempotency_claim(claim("k", "two")).await?, Claim::New);
    Ok(())
}

/// What a killed run was carrying out goes to one that asks for it again, and to one only.
pub async fn a_claim_cut_off_by_a_crash_is_resumed_once(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.idempotency_claim(claim("k", "one")).await?;
    let store = place.open_after_crash(store).await?;
    let repeat = ClaimRequest { expected_head: Some("later".into()), ..claim("k", "one") };
    let resumed = store.idempotency_claim(repeat.clone()).await?;
    assert_eq!(resumed, Claim::Resumed { expected_head: Some("head".into()) });
    assert_eq!(store.idempotency_claim(repeat).await?, Claim::Running);
    Ok(())
}

/// A request of which is not known whether it was carried out is resumed by one of those that repeat it.
pub async fn an_abandoned_claim_is_resumed_once(place: &impl Place) -> Checked {
    let store = place.open().await?;
    for _ in 0..2 {
        store.idempotency_claim(claim("k", "one")).await?;
        store.idempotency_abandon("system", "k").await?;
    }
    assert_eq!(store.idempotency_claim(claim("k", "two")).await?, Claim::Mismatch);
    let resumed = Claim::Resumed { expected_head: Some("head".into()) };
    assert_eq!(store.idempotency_claim(claim("k", "one")).await?, resumed);
    assert_eq!(store.idempotency_claim(claim("k", "one")).await?, Claim::Running);
    store.idempotency_finish("system", "k", &answer("{}")).await?;
    assert_eq!(store.idempotency_claim(claim("k", "one")).await?, Claim::Done(answer("{}")));
    Ok(())
}

/// Old answers are forgotten; a request that is being carried out is not, however old.
pub async fn old_records_are_pruned_but_not_running_ones(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.idempotency_claim(claim("done", "x")).await?;
    store.idempotency_finish("system", "done", &answer("")).await?;
    store.idempotency_claim(claim("running", "x")).await?;
    for age in [Duration::from_secs(3600), Duration::MAX] {
        assert_eq!(store.idempotency_prune(age).await?, 0);
    }
    place.sql("update idempotency_records set created_at = '2020-01-01 00:00:00.000'").await?;
    assert_eq!(store.idempotency_prune(Duration::from_secs(3600)).await?, 1);
    assert_eq!(store.idempotency_claim(claim("running", "x")).await?, Claim::Running);
    assert_eq!(store.idempotency_claim(claim("done", "x")).await?, Claim::New);
    Ok(())
}
