use understory_runtime::{ApiKeyChange, NewApiKey, ProjectKey, RuntimeStore};

use super::Place;
use crate::conformance::{Checked, Failure};

const LATER: &str = "2999-01-01 00:00:00.000";

fn shop(tenant: &str) -> ProjectKey {
    ProjectKey { tenant: tenant.into(), project: "shop".into() }
}

fn key(public_id: &str, agent: Option<&str>) -> NewApiKey {
    NewApiKey {
        agent_id: agent.map(str::to_owned),
        reference: Some("main".into()),
        verbs: vec!["read".into(), "use".into()],
        name: Some(format!("key {public_id}")),
        public_id: public_id.into(),
        hash: format!("hash of {public_id}"),
        prefix: format!("sk_{public_id}"),
        expires_at: Some(LATER.into()),
    }
}

/// A key is found by its public id with all that it is for, and listed in its project only.
pub async fn api_keys_are_found_by_their_public_id(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let (one, two) = (
        store.api_key_add(&shop("acme"), key("one", Some("a"))).await?,
        store.api_key_add(&shop("acme"), key("two", None)).await?,
    );
    let found = store.api_key_find("one").await?.ok_or("it is there")?;
    assert_eq!((&found.key, &found.of, found.hash.as_str()), (&one, &shop("acme"), "hash of one"));
    assert!(store.api_key_find("none").await?.is_none());
    assert_eq!(store.api_key_list(&shop("acme"), None, 1, 1).await?, (vec![one.clone()], 2));
    assert_eq!(store.api_key_list(&shop("acme"), None, 2, 1).await?, (vec![two], 2));
    assert_eq!(store.api_key_list(&shop("acme"), Some("a"), 1, 9).await?, (vec![one.clone()], 1));
    assert_eq!(store.api_key_list(&shop("other"), None, 1, 9).await?, (vec![], 0));
    assert!(store.api_key_get(&shop("other"), &one.id).await?.is_none());
    assert!(!store.api_key_delete(&shop("other"), &one.id).await?);
    store.api_key_used(&shop("acme"), &one.id).await?;
    assert!(store.api_key_get(&shop("acme"), &one.id).await?.ok_or("it is there")?.last_used_at.is_some());
    Ok(())
}

/// A rotated key keeps its former secret for a while, and a deleted one nothing.
pub async fn api_keys_are_rotated_and_deleted(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let made = store.api_key_add(&shop("acme"), key("one", None)).await?;
    store.api_key_rotate(&shop("acme"), &made.id, "new", LATER).await?.ok_or("it is there")?;
    let found = store.api_key_find("one").await?.ok_or("it is there")?;
    assert_eq!((found.hash.as_str(), found.previous), ("new", Some(("hash of one".into(), LATER.into()))));
    let change = ApiKeyChange { name: Some("x".into()), agent_id: None, expires_at: None };
    let changed = store.api_key_update(&shop("acme"), &made.id, change.clone()).await?.ok_or("it is there")?;
    assert_eq!((changed.name.as_deref(), changed.expires_at, changed.verbs), (Some("x"), None, made.verbs));
    assert!(store.api_key_update(&shop("other"), &made.id, change).await?.is_none());
    assert!(store.api_key_delete(&shop("acme"), &made.id).await?);
    assert!(store.api_key_find("one").await?.is_none());
    Ok(())
}

/// Keys and members of a project go with it: one that is made again begins without.
pub async fn a_deleted_project_leaves_no_way_in(place: &impl Place) -> Checked {
    let store = place.open().await?;
    created(&store).await?;
    store.api_key_add(&shop("acme"), key("one", None)).await?;
    let admin = understory_runtime::Membership {
        tenant: "acme".into(),
        project: Some("shop".into()),
        role: "project_admin".into(),
    };
    store.memberships_add("ana", vec![admin]).await?;
    assert_eq!(store.project_members("acme", "shop").await?.len(), 1);
    store.project_deletion_begin("acme", "shop").await?.ok_or("it is there")?;
    assert!(store.api_key_find("one").await?.is_none());
    assert_eq!((store.project_members("acme", "shop").await?, store.memberships_of("ana").await?), (vec![], vec![]));
    Ok(())
}

async fn created(store: &RuntimeStore) -> Result<(), Failure> {
    let intent = store.project_creation_begin("acme", "shop", "uid").await?;
    store.project_creation_finish(&intent).await?;
    Ok(())
}
