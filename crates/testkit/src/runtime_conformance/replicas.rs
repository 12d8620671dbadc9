use std::time::{Duration, Instant};

use understory_runtime::{Claim, Intent, Liveness, NewKey, RuntimeStore};

use super::idempotency::{answer, claim};
use super::places::silence;
use super::{OnServer, Place as _};
use crate::conformance::{Checked, Failure};

async fn two(place: &OnServer) -> Result<(RuntimeStore, RuntimeStore), Failure> {
    Ok((place.open().await?, place.open().await?))
}

/// While a run beats, no other takes its intents, its claims or its answers, for however long.
pub async fn what_is_alive_keeps_its_work(place: &OnServer) -> Checked {
    let (one, two) = two(place).await?;
    let intent = one.project_creation_begin("acme", "shop", "u1").await?;
    assert_eq!(one.idempotency_claim(claim("k", "x")).await?, Claim::New);
    let (mut liveness, begin) = (Liveness::default(), Instant::now());
    for minutes in 0..5 {
        one.replica_beat().await?;
        let now = begin + Duration::from_secs(60) * minutes;
        assert_eq!(two.replicas_judge(&mut liveness, now).await?, 0);
    }
    assert_eq!(two.intents_take_over().await?, []);
    assert_eq!(two.idempotency_claim(claim("k", "x")).await?, Claim::Running);
    two.idempotency_finish("system", "k", &answer("not its own")).await?;
    two.idempotency_release("system", "k").await?;
    place.sql("update idempotency_records set created_at = '2020-01-01 00:00:00.000'").await?;
    assert_eq!(two.idempotency_prune(Duration::from_secs(1)).await?, 0);
    one.idempotency_finish("system", "k", &answer("one's")).await?;
    assert_eq!(two.idempotency_claim(claim("k", "x")).await?, Claim::Done(answer("one's")));
    assert_eq!(two.intent_list().await?, [intent], "though everybody may look");
    Ok(())
}

/// However many take over what a dead run left, each of its intents is one's.
pub async fn a_dead_runs_intents_go_to_one_each(place: &OnServer) -> Checked {
    let (dead, one) = two(place).await?;
    let mut left = Vec::new();
    for n in 0..6 {
        left.push(dead.project_creation_begin("acme", &format!("p{n}"), &format!("u{n}")).await?);
    }
    drop(dead);
    assert_eq!(silence(&one).await?, 1);
    let stores = [one, place.open().await?, place.open().await?, place.open().await?];
    let tasks: Vec<_> =
        stores.iter().cloned().map(|store| tokio::spawn(async move { store.intents_take_over().await })).collect();
    let mut taken: Vec<Intent> = Vec::new();
    for task in tasks {
        taken.extend(task.await??);
    }
    taken.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
    left.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
    assert_eq!(taken, left);
    Ok(())
}

/// However many repeat a request that a dead run was carrying out, one is to resume it.
pub async fn a_dead_runs_claim_goes_to_one(place: &OnServer) -> Checked {
    let (dead, one) = two(place).await?;
    dead.idempotency_claim(claim("k", "x")).await?;
    assert_eq!(silence(&one).await?, 1);
    let stores = [one, place.open().await?, place.open().await?];
    let tasks: Vec<_> = (0..12)
        .map(|n| {
            let store = stores[n % stores.len()].clone();
            tokio::spawn(async move { store.idempotency_claim(claim("k", "x")).await })
        })
        .collect();
    let mut resumed = 0;
    for task in tasks {
        match task.await?? {
            Claim::Resumed { expected_head } => {
                assert_eq!(expected_head.as_deref(), Some("head"));
                resumed += 1;
            }
            other => assert_eq!(other, Claim::Running),
        }
    }
    assert_eq!(resumed, 1);
    dead.idempotency_finish("system", "k", &answer("too late")).await?;
    assert_eq!(stores[0].idempotency_claim(claim("k", "x")).await?, Claim::Running);
    Ok(())
}

/// A run that says that it goes need not be waited for.
pub async fn a_run_that_left_is_dead_at_once(place: &OnServer) -> Checked {
    let (one, two) = two(place).await?;
    let intent = one.project_creation_begin("acme", "shop", "u1").await?;
    assert_eq!(two.intents_take_over().await?, []);
    one.replica_leave().await?;
    assert_eq!(two.intents_take_over().await?, [intent]);
    Ok(())
}

/// A run that was taken for dead is alive again with its next beat; what it lost meanwhile stays the other's.
pub async fn a_run_that_was_paused_comes_back(place: &OnServer) -> Checked {
    let (paused, other) = two(place).await?;
    let lost = paused.project_creation_begin("acme", "shop", "u1").await?;
    let (mut liveness, begin) = (Liveness::default(), Instant::now());
    let mut judge = async |seconds| other.replicas_judge(&mut liveness, begin + Duration::from_secs(seconds)).await;
    assert_eq!((judge(0).await?, judge(11).await?), (0, 1));
    assert_eq!(other.intents_take_over().await?, std::slice::from_ref(&lost));
    paused.replica_beat().await?;
    assert_eq!((judge(12).await?, judge(21).await?), (0, 0), "it has its patience anew");
    paused.replica_beat().await?;
    assert_eq!(judge(30).await?, 0);
    let kept = paused.project_creation_begin("acme", "news", "u2").await?;
    assert_eq!(other.intents_take_over().await?, []);
    assert_eq!(paused.intents_take_over().await?, []);
    other.project_creation_abandon(&lost).await?;
    assert_eq!(paused.intent_list().await?, [kept]);
    Ok(())
}

/// Clocks that are five minutes apart, whichever way, make no difference to who is alive and whose work is whose.
///
/// What a run writes bears its clock's time. That is read to list work in order, and to forget records after days, for
/// which minutes do not matter; who is alive is told by counts of beats and the clock of whoever looks.
pub async fn clocks_that_differ_make_no_difference(place: &OnServer) -> Checked {
    for minutes in [-5, 5] {
        let (skewed, one) = two(place).await?;
        let skew = format!(
            "update replicas set created_at = created_at + interval '{minutes} minutes', \
             updated_at = updated_at + interval '{minutes} minutes'; \
             update intents set created_at = created_at + interval '{minutes} minutes'; \
             update idempotency_records set created_at = created_at + interval '{minutes} minutes'"
        );
        let (id, key) = (format!("shop{minutes}"), format!("k{minutes}"));
        let intent = skewed.project_creation_begin("acme", &id, &id).await?;
        assert_eq!(skewed.idempotency_claim(claim(&key, "x")).await?, Claim::New);
        let (mut liveness, begin) = (Liveness::default(), Instant::now());
        for beat in 0..5 {
            skewed.replica_beat().await?;
            place.sql(&skew).await?;
            assert_eq!(one.replicas_judge(&mut liveness, begin + Duration::from_secs(8) * beat).await?, 0);
            assert_eq!(one.intents_take_over().await?, []);
            assert_eq!(one.idempotency_claim(claim(&key, "x")).await?, Claim::Running);
        }
        assert_eq!(one.replicas_judge(&mut liveness, begin + Duration::from_secs(43)).await?, 1);
        let taken = one.intents_take_over().await?;
        assert_eq!(taken.iter().map(|intent| &intent.id).collect::<Vec<_>>(), [&intent.id]);
        let resumed = Claim::Resumed { expected_head: Some("head".into()) };
        assert_eq!(one.idempotency_claim(claim(&key, "x")).await?, resumed);
        one.intent_done(&intent).await?;
        one.replica_leave().await?;
    }
    Ok(())
}

/// What one run writes the others read at once.
pub async fn what_one_run_writes_all_read(place: &OnServer) -> Checked {
    let (one, two) = two(place).await?;
    let key = NewKey { name: "ci".into(), prefix: "und_ci".into(), hash: "h".into(), role: "admin".into() };
    let made = one.key_insert(key).await?;
    assert_eq!(two.key_list().await?, [made]);
    two.key_revoke("ci").await?;
    let found = one.key_find("und_ci").await?.ok_or("the key is there")?;
    assert!(found.record.revoked_at.is_some());
    Ok(())
}
