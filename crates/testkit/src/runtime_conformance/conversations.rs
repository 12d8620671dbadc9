use std::collections::BTreeSet;

use serde_json::{Value, json};
use understory_runtime::{Around, Conversation, NewConversation, NewMessage, ProjectKey, RuntimeError, RuntimeStore};

use super::Place;
use crate::conformance::{Checked, Failure};

fn shop() -> ProjectKey {
    ProjectKey { tenant: "acme".into(), project: "shop".into() }
}

fn conversation(id: &str) -> NewConversation {
    NewConversation {
        id: id.into(),
        agent_id: Some("support".into()),
        active_sub_agent_id: "router".into(),
        user_id: None,
        title: Some(format!("About {id}")),
        reference: Some(json!({ "type": "branch", "name": "main" })),
        metadata: None,
    }
}

fn message(content: impl Into<Value>) -> NewMessage {
    NewMessage {
        role: "user".into(),
        content: content.into(),
        task_id: None,
        parent_message_id: None,
        commit_hash: None,
        metadata: None,
    }
}

async fn say(store: &RuntimeStore, conversation: &str, content: &str) -> Result<i64, Failure> {
    let said = store.message_add(&shop(), conversation, message(content)).await?;
    Ok(said.ok_or("the conversation is there")?.position)
}

async fn positions(store: &RuntimeStore, around: Around, limit: u32) -> Result<Vec<i64>, Failure> {
    let page = store.message_page(&shop(), "c", around, limit).await?;
    Ok(page.into_iter().map(|message| message.position).collect())
}

/// An id is taken in one project, and known in no other.
pub async fn a_conversation_is_in_its_project_only(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let made = store.conversation_create(&shop(), conversation("c")).await?;
    assert_eq!(store.conversation_get(&shop(), "c").await?, Some(made));
    let again = store.conversation_create(&shop(), conversation("c")).await;
    assert!(matches!(&again, Err(RuntimeError::Exists { what }) if what == "conversation c"), "{again:?}");
    let said = store.message_add(&shop(), "c", message("Hello")).await?.ok_or("it is there")?;
    for other in [ProjectKey { project: "blog".into(), ..shop() }, ProjectKey { tenant: "umbrella".into(), ..shop() }] {
        assert_eq!(store.conversation_get(&other, "c").await?, None);
        assert_eq!(store.message_get(&other, &said.id).await?, None);
        assert_eq!(store.message_add(&other, "c", message("Hello")).await?, None);
        assert_eq!(store.message_page(&other, "c", Around::After(0), 9).await?, []);
        assert_eq!(store.conversation_page(&other, None, None, 9).await?, []);
        assert!(store.conversation_archive(&other, "c").await?.is_none());
        assert!(!store.conversation_delete(&other, "c").await?);
        store.conversation_create(&other, conversation("c")).await?;
    }
    assert_eq!(store.message_get(&shop(), &said.id).await?, Some(said));
    Ok(())
}

/// Pages have each conversation once, those first in which something happened last.
pub async fn conversations_are_paged_by_what_happened_last(place: &impl Place) -> Checked {
    let store = place.open().await?;
    for number in 0..7 {
        let of = NewConversation { agent_id: Some(format!("a{}", number % 2)), ..conversation(&format!("c{number}")) };
        store.conversation_create(&shop(), of).await?;
    }
    say(&store, "c2", "Hello").await?;
    let (mut all, mut last): (Vec<Conversation>, _) = (Vec::new(), None);
    loop {
        let page = store.conversation_page(&shop(), None, last.as_ref(), 3).await?;
        last = page.last().cloned();
        all.extend(page);
        if last.is_none() {
            break;
        }
    }
    let ids: BTreeSet<_> = all.iter().map(|found| found.id.as_str()).collect();
    assert_eq!((all.len(), ids.len()), (7, 7));
    assert!(all.is_sorted_by(|a, b| (&a.updated_at, &a.id) > (&b.updated_at, &b.id)));
    let touched = all.iter().find(|found| found.id == "c2").ok_or("it is there")?;
    assert!(touched.messages == 1 && all.iter().all(|other| other.updated_at <= touched.updated_at));
    let of_one = store.conversation_page(&shop(), Some("a1"), None, 9).await?;
    assert!(of_one.len() == 3 && of_one.iter().all(|found| found.agent_id.as_deref() == Some("a1")), "{of_one:?}");
    Ok(())
}

/// What is put aside is still there; the first time counts.
pub async fn an_archived_conversation_stays_readable(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.conversation_create(&shop(), conversation("c")).await?;
    say(&store, "c", "Hello").await?;
    let first = store.conversation_archive(&shop(), "c").await?.ok_or("it is there")?;
    assert!(first.archived_at.is_some() && first.messages == 1);
    assert_eq!(store.conversation_archive(&shop(), "c").await?, Some(first));
    assert_eq!(positions(&store, Around::After(0), 9).await?, [1]);
    assert!(store.conversation_archive(&shop(), "nothing").await?.is_none());
    Ok(())
}

/// However many speak at once, each message has a place of its own, and none is left out.
pub async fn messages_have_places_without_gaps(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.conversation_create(&shop(), conversation("c")).await?;
    let tasks = (0..4).map(|speaker| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..5 {
                say(&store, "c", &format!("{speaker}.{number}")).await?;
            }
            Checked::Ok(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    let all = store.message_page(&shop(), "c", Around::After(0), 99).await?;
    assert!(all.iter().map(|message| message.position).eq(1..=20));
    for speaker in 0..4 {
        let said = all.iter().filter_map(|message| message.content.as_str());
        let said: Vec<_> = said.filter_map(|said| said.strip_prefix(&format!("{speaker}."))).collect();
        assert_eq!(said, ["0", "1", "2", "3", "4"]);
    }
    assert_eq!(store.conversation_get(&shop(), "c").await?.map(|found| found.messages), Some(20));
    Ok(())
}

/// Pages go on in both directions from a place.
pub async fn messages_are_paged_both_ways(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.conversation_create(&shop(), conversation("c")).await?;
    for number in 1..=7 {
        assert_eq!(say(&store, "c", &number.to_string()).await?, number);
    }
    assert_eq!(positions(&store, Around::After(0), 3).await?, [1, 2, 3]);
    assert_eq!(positions(&store, Around::After(5), 3).await?, [6, 7]);
    assert_eq!(positions(&store, Around::Before(i64::MAX), 3).await?, [7, 6, 5]);
    assert_eq!(positions(&store, Around::Before(3), 3).await?, [2, 1]);
    assert!(positions(&store, Around::After(7), 3).await?.is_empty());
    Ok(())
}

/// What is said reads back to the letter, with what belongs to it.
pub async fn a_message_reads_back_as_it_was_said(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.conversation_create(&shop(), conversation("c")).await?;
    let content =
        json!({ "text": "naïve 你好 \u{1F600}\n\"quoted\" \\", "parts": [1, 9_007_199_254_740_993_i64, null, 0.1] });
    let said = NewMessage {
        role: "agent".into(),
        task_id: Some("t".into()),
        parent_message_id: Some("m".into()),
        commit_hash: Some("abc".into()),
        metadata: Some(json!({ "streaming": true })),
        ..message(content.clone())
    };
    let added = store.message_add(&shop(), "c", said).await?.ok_or("the conversation is there")?;
    assert_eq!((&added.content, added.role.as_str(), added.commit_hash.as_deref()), (&content, "agent", Some("abc")));
    assert_eq!(place.open_after_crash(store).await?.message_get(&shop(), &added.id).await?, Some(added));
    Ok(())
}

/// With a conversation goes what was said in it, and nothing else.
pub async fn a_deleted_conversation_takes_its_messages(place: &impl Place) -> Checked {
    let store = place.open().await?;
    for id in ["c", "other"] {
        store.conversation_create(&shop(), conversation(id)).await?;
        say(&store, id, "Hello").await?;
    }
    assert!(store.conversation_delete(&shop(), "c").await?);
    assert!(!store.conversation_delete(&shop(), "c").await?);
    assert!(positions(&store, Around::After(0), 9).await?.is_empty());
    assert_eq!(store.message_add(&shop(), "c", message("Hello")).await?, None);
    assert_eq!(store.message_page(&shop(), "other", Around::After(0), 9).await?.len(), 1);
    Ok(())
}
