use understory_runtime::{NewKey, RuntimeError};

use super::Place;
use crate::conformance::{Checked, Failure};

fn key(name: &str) -> NewKey {
    NewKey { name: name.into(), prefix: format!("und_{name}"), hash: format!("hash of {name}"), role: "admin".into() }
}

/// A key is found by its prefix with its hash, and its last use is noted.
pub async fn keys_are_found_by_prefix_and_listed_by_name(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let (zeta, ana) = (store.key_insert(key("zeta")).await?, store.key_insert(key("ana")).await?);
    assert_eq!(store.key_list().await?, [ana.clone(), zeta]);
    let found = store.key_find("und_ana").await?.ok_or("the key is there")?;
    assert_eq!((&found.record, found.hash.as_str()), (&ana, "hash of ana"));
    assert!(store.key_find("und_nobody").await?.is_none());
    store.key_used(&ana.id).await?;
    let used = store.key_find("und_ana").await?.ok_or("the key is there")?;
    assert!(used.record.last_used_at.is_some_and(|at| at >= ana.created_at));
    Ok(())
}

/// However many make a key of one name at once, one does; and nobody after it was revoked.
pub async fn a_name_of_a_key_is_taken_for_good(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let tasks = (0..8).map(|n| {
        let (store, prefix) = (store.clone(), format!("und_{n}"));
        tokio::spawn(async move { store.key_insert(NewKey { prefix, ..key("ci") }).await })
    });
    let mut made = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await? {
            Ok(_) => made += 1,
            Err(RuntimeError::Exists { what }) => assert_eq!(what, "key ci"),
            Err(other) => return Err(other.into()),
        }
    }
    assert_eq!(made, 1);
    store.key_revoke("ci").await?;
    let again = store.key_insert(NewKey { prefix: "und_later".into(), ..key("ci") }).await;
    assert!(matches!(again, Err(RuntimeError::Exists { .. })));
    Ok(())
}

/// The first time that a key is revoked counts.
pub async fn a_key_is_revoked_once(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.key_insert(key("ci")).await?;
    let first = store.key_revoke("ci").await?.ok_or("the key is there")?;
    assert!(first.revoked_at.is_some());
    assert_eq!(store.key_revoke("ci").await?, Some(first.clone()));
    let found: Result<_, Failure> = store.key_find("und_ci").await?.ok_or("the key is there".into());
    assert_eq!(found?.record, first);
    assert_eq!(store.key_revoke("nobody").await?, None);
    Ok(())
}
