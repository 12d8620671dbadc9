use serde_json::json;
use understory_runtime::{Ending, Generation, NewEvent, NewFeedback, Orphans, ProjectKey, RuntimeStore};

use super::Place;
use super::conversations::{answer, conversation, event, message, shop};
use super::registry::create;
use crate::conformance::{Checked, Failure};

/// A project with a conversation in which somebody said something and an answer is being made.
async fn busy(store: &RuntimeStore) -> Result<Generation, Failure> {
    create(store, "acme", "shop").await?;
    store.conversation_create(&shop(), conversation("c")).await?;
    store.message_add(&shop(), "c", message("Hello"), event("said")).await?;
    let new =
        NewFeedback { id: None, conversation_id: "c".into(), message_id: None, kind: "positive".into(), details: None };
    store.feedback_create(&shop(), new).await?;
    let (generation, _) = store.generation_begin(&shop(), "c", answer(), event("begun")).await?.ok_or("it is there")?;
    store.events_add(&shop(), "c", vec![event("Hel")]).await?;
    Ok(generation)
}

fn lost(table: &'static str, lacks: &'static str, rows: u64) -> Orphans {
    Orphans { of: shop(), table, lacks, rows }
}

/// Whatever becomes of a project or a conversation by the store's own doing, nothing is left that names it.
pub async fn what_the_store_deletes_leaves_no_orphans(place: &impl Place) -> Checked {
    let store = place.open().await?;
    busy(&store).await?;
    assert_eq!((store.orphans().await?, store.orphans_delete().await?), (vec![], vec![]));
    store.conversation_delete(&shop(), "c").await?;
    assert_eq!(store.orphans().await?, []);
    store.conversation_create(&shop(), conversation("d")).await?;
    store.project_deletion_begin("acme", "shop").await?;
    assert_eq!(store.orphans().await?, []);
    assert!(store.answers_unattended().await?.is_empty());
    Ok(())
}

/// Rows of a project that is not registered are found in every table, and go; those of others stay.
pub async fn rows_of_no_project_are_found_and_deleted(place: &impl Place) -> Checked {
    let store = place.open().await?;
    busy(&store).await?;
    create(&store, "acme", "other").await?;
    let other = ProjectKey { project: "other".into(), ..shop() };
    store.conversation_create(&other, conversation("c")).await?;
    place.sql("delete from project_metadata where id = 'shop'").await?;
    let all = [("conversations", 1), ("messages", 2), ("stream_chunks", 3), ("feedback", 1), ("generations", 1)];
    let all: Vec<Orphans> = all.into_iter().map(|(table, rows)| lost(table, "project", rows)).collect();
    assert_eq!(store.orphans().await?, all);
    assert_eq!(store.orphans_delete().await?, all);
    assert_eq!(store.orphans().await?, []);
    assert!(
        store.conversation_get(&other, "c").await?.is_some() && store.conversation_get(&shop(), "c").await?.is_none()
    );
    Ok(())
}

/// What a conversation or a message that is gone left behind is found, and goes.
pub async fn rows_of_no_conversation_or_message_are_found_and_deleted(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let generation = busy(&store).await?;
    store.conversation_create(&shop(), conversation("d")).await?;
    store.message_add(&shop(), "d", message("Hello"), event("said")).await?;
    place.sql(&format!("delete from messages where id = '{}'", generation.message_id)).await?;
    assert_eq!(store.orphans_delete().await?, [lost("generations", "message", 1)]);
    place.sql("delete from conversations where id = 'c'").await?;
    let all = [("messages", 1), ("stream_chunks", 3), ("feedback", 1)];
    let all: Vec<Orphans> = all.into_iter().map(|(table, rows)| lost(table, "conversation", rows)).collect();
    assert_eq!(store.orphans().await?, all);
    assert_eq!(store.orphans_delete().await?, all);
    assert_eq!((store.orphans().await?, store.message_commits(&shop()).await?), (vec![], vec![]));
    assert_eq!(store.conversation_get(&shop(), "d").await?.ok_or("it is there")?.messages, 1);
    Ok(())
}

/// A message in the making that no run makes is one run's to end, once.
pub async fn a_message_that_nobody_makes_is_adopted_once(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let generation = busy(&store).await?;
    assert!(store.answers_unattended().await?.is_empty(), "its run makes it");
    assert!(!store.answer_adopt(&generation).await?);
    place.sql("delete from generations").await?;
    let left = store.answers_unattended().await?;
    assert_eq!(left, [Generation { after_event: 0, ..generation }]);
    assert!(store.answer_adopt(&left[0]).await? && !store.answer_adopt(&left[0]).await?);
    let ending = Ending {
        content: json!({ "text": "Hel" }),
        status: "interrupted".into(),
        metadata: None,
        events: vec![NewEvent { data: "done".into(), is_final: true }],
    };
    assert!(store.generation_end(&left[0], ending).await?.is_some());
    assert!(store.answers_unattended().await?.is_empty() && !store.answer_adopt(&left[0]).await?);
    Ok(())
}
