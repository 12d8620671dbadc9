use understory_runtime::{ProjectRecord, RuntimeError, RuntimeStore};

use super::Place;
use crate::conformance::{Checked, Failure};

pub(super) async fn create(store: &RuntimeStore, tenant: &str, id: &str) -> Result<ProjectRecord, Failure> {
    let intent = store.project_creation_begin(tenant, id, &format!("uid-{tenant}-{id}")).await?;
    Ok(store.project_creation_finish(&intent).await?)
}

/// A tenant is made by the first that asks, and listed by id.
pub async fn tenants_are_made_once_and_listed(place: &impl Place) -> Checked {
    let store = place.open().await?;
    assert!(!store.tenant_exists("acme").await?);
    for tenant in ["zeta", "acme", "zeta"] {
        store.tenant_ensure(tenant).await?;
    }
    assert_eq!(store.tenant_list().await?, ["acme", "zeta"]);
    Ok(())
}

/// What was registered is found by its own tenant, which is made with it.
pub async fn a_created_project_is_found_in_its_tenant_only(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let record = create(&store, "acme", "shop").await?;
    assert_eq!(record.main_branch_name, "acme_shop_main");
    assert_eq!(store.project_get("acme", "shop").await?, Some(record));
    assert_eq!(store.project_get("other", "shop").await?, None);
    assert_eq!(store.tenant_list().await?, ["acme"]);
    assert_eq!(store.intent_list().await?, []);
    Ok(())
}

/// A page has its projects by id, and the number of all.
pub async fn pages_of_projects_know_the_total(place: &impl Place) -> Checked {
    let store = place.open().await?;
    for id in ["c", "a", "b"] {
        create(&store, "acme", id).await?;
    }
    create(&store, "other", "x").await?;
    let expected = [(1, 2, "ab"), (2, 2, "c"), (3, 2, ""), (u32::MAX, u32::MAX, "")];
    for (page, limit, ids) in expected {
        let (projects, total) = store.project_list("acme", page, limit).await?;
        let found = projects.into_iter().map(|project| project.id).collect::<Vec<_>>().join("");
        assert_eq!((found.as_str(), total), (ids, 3), "page {page} of {limit}");
    }
    assert_eq!(store.project_list_all().await?.len(), 4);
    Ok(())
}

/// Of two creations the first to finish has the project; the other's intent stays until it is abandoned.
pub async fn a_registered_project_is_not_created_again(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let one = store.project_creation_begin("acme", "shop", "u1").await?;
    let two = store.project_creation_begin("acme", "shop", "u2").await?;
    let record = store.project_creation_finish(&one).await?;
    assert_eq!(store.project_creation_finish(&one).await?, record, "done again");
    assert!(matches!(store.project_creation_finish(&two).await, Err(RuntimeError::Exists { .. })));
    assert_eq!(store.intent_list().await?, std::slice::from_ref(&two), "the loser's data is still to be removed");
    store.project_creation_abandon(&two).await?;
    let third = store.project_creation_begin("acme", "shop", "u3").await;
    assert!(matches!(third, Err(RuntimeError::Exists { what }) if what == "project acme/shop"));
    assert_eq!(store.intent_list().await?, []);
    Ok(())
}

/// However many create a project at once, one has it and each other is told so.
pub async fn of_many_creations_at_once_one_has_the_project(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let tasks = (0..8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let intent = store.project_creation_begin("acme", "shop", &format!("u{n}")).await?;
            store.project_creation_finish(&intent).await
        })
    });
    let mut made = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        match task.await? {
            Ok(record) => made.push(record),
            Err(RuntimeError::Exists { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    assert_eq!(made.len(), 1);
    assert_eq!(store.project_get("acme", "shop").await?.as_ref(), made.first());
    Ok(())
}
