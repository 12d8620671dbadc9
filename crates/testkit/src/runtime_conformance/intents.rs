use std::time::Duration;

use understory_runtime::{IntentKind, RefAction, RefChange, RuntimeError};

use super::Place;
use super::registry::create;
use crate::conformance::Checked;

fn tag_created(name: &str) -> RefChange {
    RefChange {
        uid: "u1".into(),
        action: RefAction::TagCreate,
        name: name.into(),
        new_name: None,
        from: None,
        to: Some(format!("hash of {name}")),
        message: Some("It's ready: \"ä\"".into()),
        author: "ana".into(),
        email: "ana@example.com".into(),
    }
}

/// A creation that was abandoned registers nothing.
pub async fn an_abandoned_creation_cannot_be_finished(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let intent = store.project_creation_begin("acme", "shop", "u1").await?;
    store.project_creation_abandon(&intent).await?;
    assert!(matches!(store.project_creation_finish(&intent).await, Err(RuntimeError::Intent { .. })));
    assert_eq!(store.project_get("acme", "shop").await?, None);
    assert!(!store.tenant_exists("acme").await?);
    Ok(())
}

/// What a killed run wrote down is the next one's, oldest first, and what is done is nobody's.
pub async fn intents_survive_a_crash(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let done = store.ref_change_begin("acme", "shop", tag_created("one")).await?;
    store.ref_change_finish(&done).await?;
    let intent = store.project_creation_begin("acme", "shop", "u1").await?;
    assert_eq!(store.intents_take_over().await?, [], "its own are no other's");
    let store = place.open_after_crash(store).await?;
    assert_eq!(store.intent_list().await?, std::slice::from_ref(&intent));
    assert_eq!(store.intents_take_over().await?, std::slice::from_ref(&intent));
    assert_eq!(store.intents_take_over().await?, [], "it has them by now");
    assert_eq!(store.project_creation_finish(&intent).await?.uid, "u1");
    Ok(())
}

/// A project is gone from when its deletion begins, and may be created anew before the old one's data is removed.
pub async fn a_deletion_is_committed_when_it_begins(place: &impl Place) -> Checked {
    let store = place.open().await?;
    assert_eq!(store.project_deletion_begin("acme", "shop").await?, None);
    let project = create(&store, "acme", "shop").await?;
    let intent = store.project_deletion_begin("acme", "shop").await?.ok_or("the project was there")?;
    assert_eq!(intent.kind, IntentKind::ProjectDeletion { uid: project.uid });
    let store = place.open_after_crash(store).await?;
    assert_eq!(store.project_get("acme", "shop").await?, None);
    assert_eq!(store.intent_list().await?, std::slice::from_ref(&intent));
    assert!(matches!(store.project_creation_abandon(&intent).await, Err(RuntimeError::Intent { .. })));
    assert!(matches!(store.project_creation_finish(&intent).await, Err(RuntimeError::Intent { .. })));
    let again = store.project_creation_begin("acme", "shop", "u2").await?;
    store.project_creation_finish(&again).await?;
    for _ in 0..2 {
        store.intent_done(&intent).await?;
    }
    assert_eq!(store.intent_list().await?, []);
    assert_eq!(store.project_get("acme", "shop").await?.map(|project| project.uid).as_deref(), Some("u2"));
    Ok(())
}

/// A finished change of a ref is listed, newest first, with the commits that it names, until it is pruned.
pub async fn a_change_of_a_ref_stays_on_record(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let mut made = Vec::new();
    for name in ["one", "two"] {
        let intent = store.ref_change_begin("acme", "shop", tag_created(name)).await?;
        assert_eq!(store.ref_change_get("acme", "shop", &intent.id).await?, None, "not done yet");
        for _ in 0..2 {
            store.ref_change_finish(&intent).await?;
        }
        assert_eq!(store.ref_change_get("acme", "shop", &intent.id).await?.as_ref(), Some(&intent));
        made.push(intent);
    }
    made.sort_by(|a, b| (&b.created_at, &b.id).cmp(&(&a.created_at, &a.id)));
    assert_eq!(store.ref_change_list("acme", "shop", usize::MAX).await?, made);
    assert_eq!(store.ref_change_list("acme", "shop", 1).await?, made[..1]);
    assert_eq!(store.ref_change_list("acme", "other", 9).await?, []);
    let mut named = store.commits_named("acme", "shop").await?;
    named.sort();
    assert_eq!(named, ["hash of one", "hash of two"]);
    assert_eq!(store.intent_list().await?, [], "done is not to do");
    for (age, left) in [(Duration::MAX, 2), (Duration::from_secs(3600), 2)] {
        store.ref_change_prune("acme", "shop", age).await?;
        assert_eq!(store.ref_change_list("acme", "shop", 9).await?.len(), left);
    }
    place.sql("update intents set created_at = '2020-01-01 00:00:00.000'").await?;
    store.ref_change_prune("acme", "shop", Duration::from_secs(3600)).await?;
    assert_eq!(store.ref_change_list("acme", "shop", 9).await?, []);
    Ok(())
}

/// A change of a ref that was made is on record, even if another run took it for one that never was.
pub async fn a_change_of_a_ref_that_was_given_up_is_recorded_when_made(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let intent = store.ref_change_begin("acme", "shop", tag_created("one")).await?;
    store.intent_done(&intent).await?;
    store.ref_change_finish(&intent).await?;
    assert_eq!(store.ref_change_list("acme", "shop", 9).await?, std::slice::from_ref(&intent));
    assert_eq!(store.intent_list().await?, []);
    Ok(())
}

/// Work that was given up in its middle is found again by whoever gave it up, each time.
pub async fn an_intent_that_was_left_is_found_again(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let intent = store.project_creation_begin("acme", "shop", "u1").await?;
    for _ in 0..2 {
        assert_eq!(store.intents_take_over().await?, []);
        store.intent_leave(&intent);
        assert_eq!(store.intents_take_over().await?, std::slice::from_ref(&intent));
    }
    let inventory = store.inventory().await?;
    assert!(matches!(&inventory.intents[..], [open] if open.intent == intent && open.owner.is_some()));
    store.project_creation_finish(&intent).await?;
    let inventory = store.inventory().await?;
    assert_eq!((inventory.projects[0].uid.as_str(), inventory.intents), ("u1", vec![]));
    Ok(())
}

/// An intent of a program that wrote no owners is taken over.
pub async fn an_intent_without_owner_is_taken_over(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let intent = store.project_creation_begin("acme", "shop", "u1").await?;
    place.sql("update intents set owner = null").await?;
    assert_eq!(store.intents_take_over().await?, [intent]);
    assert_eq!(store.intents_take_over().await?, []);
    Ok(())
}

/// An intent that cannot be read is an error, not a shorter list.
pub async fn an_intent_that_does_not_read_back_is_damage_not_absence(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.project_creation_begin("acme", "shop", "u1").await?;
    for damage in ["update intents set kind = 'unknown'", "update intents set payload = 'x'"] {
        place.sql(damage).await?;
        assert!(matches!(store.intent_list().await, Err(RuntimeError::Corrupt { .. })), "{damage}");
    }
    Ok(())
}
