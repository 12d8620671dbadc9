use understory_runtime::ProjectKey;

use super::Place;
use crate::conformance::Checked;

/// What an agent is doing is what was last said of it, in its project only; it goes with the agent or the project.
pub async fn an_agents_status_is_the_last_one_said(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let intent = store.project_creation_begin("acme", "shop", "uid").await?;
    store.project_creation_finish(&intent).await?;
    let of = |project: &str| ProjectKey { tenant: "acme".into(), project: project.into() };
    let (shop, blog) = (of("shop"), of("blog"));
    assert_eq!(store.agent_status_get(&shop, "a").await?, None);
    for (agent, status) in [("b", "coding"), ("a", "thinking"), ("a", "idle"), ("c", "error")] {
        store.agent_status_set(&shop, agent, status).await?;
    }
    store.agent_status_set(&blog, "a", "offline").await?;
    store.agent_status_delete(&shop, "c").await?;
    store.agent_status_delete(&shop, "c").await?;
    let listed = store.agent_status_list(&shop).await?;
    let told: Vec<(&str, &str)> = listed.iter().map(|one| (one.agent_id.as_str(), one.status.as_str())).collect();
    assert_eq!(told, [("a", "idle"), ("b", "coding")]);
    assert_eq!(store.agent_status_get(&shop, "a").await?.as_ref(), listed.first());
    store.project_deletion_begin("acme", "shop").await?;
    assert_eq!(store.agent_status_list(&shop).await?, []);
    assert_eq!(store.agent_status_list(&blog).await?.len(), 1);
    Ok(())
}
