use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use understory_model::id::made_id;
use understory_runtime::{
    Around, AuditEntry, Conversation, ConversationFilter, Ending, FeedbackFilter, NewConversation, NewEvent,
    NewFeedback, NewMessage, ProjectKey, RuntimeError, RuntimeStore, Start, Task,
};

use super::Place;
use crate::conformance::{Checked, Failure};

pub(super) fn shop() -> ProjectKey {
    ProjectKey { tenant: "acme".into(), project: "shop".into() }
}

pub(super) fn conversation(id: &str) -> NewConversation {
    NewConversation {
        id: id.into(),
        agent_id: Some("support".into()),
        active_sub_agent_id: "router".into(),
        title: Some(format!("About {id}")),
        reference: Some(json!({ "type": "branch", "name": "main" })),
        ..NewConversation::default()
    }
}

pub(super) fn message(content: impl Into<Value>) -> NewMessage {
    NewMessage {
        id: made_id(),
        role: "user".into(),
        from_sub_agent_id: None,
        content: content.into(),
        status: "complete".into(),
        task_id: None,
        parent_message_id: None,
        commit_hash: None,
        metadata: None,
    }
}

pub(super) fn event(data: &str) -> NewEvent {
    NewEvent { data: data.into(), is_final: false }
}

async fn say(store: &RuntimeStore, conversation: &str, content: &str) -> Result<i64, Failure> {
    let said = store.message_add(&shop(), conversation, message(content), event("said")).await?;
    Ok(said.ok_or("the conversation is there")?.message.position)
}

async fn told(store: &RuntimeStore, after: i64) -> Result<Vec<(i64, String)>, Failure> {
    let events = store.events_after(&shop(), "c", after, 99).await?;
    Ok(events.into_iter().map(|event| (event.number, event.data)).collect())
}

async fn page(
    store: &RuntimeStore,
    of: &ProjectKey,
    filter: &ConversationFilter,
    start: &Start,
) -> Result<Vec<Conversation>, Failure> {
    Ok(store.conversation_page(of, filter, start, 3).await?)
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
    let said = store.message_add(&shop(), "c", message("Hello"), event("said")).await?.ok_or("it is there")?.message;
    let twice = NewMessage { id: said.id.clone(), ..message("Hello") };
    let twice = store.message_add(&shop(), "c", twice, event("said")).await;
    assert!(matches!(twice, Err(RuntimeError::Exists { .. })), "{twice:?}");
    for other in [ProjectKey { project: "blog".into(), ..shop() }, ProjectKey { tenant: "umbrella".into(), ..shop() }] {
        assert_eq!(store.conversation_get(&other, "c").await?, None);
        assert_eq!(store.message_get(&other, &said.id).await?, None);
        assert_eq!(store.message_add(&other, "c", message("Hello"), event("said")).await?, None);
        assert_eq!(store.events_add(&other, "c", vec![event("said")]).await?, None);
        assert_eq!(store.message_page(&other, "c", Around::After(0), 9).await?, []);
        assert_eq!(page(&store, &other, &ConversationFilter::default(), &Start::Skip(0)).await?, []);
        assert!(store.conversation_update(&other, "c", |_| None).await?.is_none());
        assert_eq!(store.message_search(&other, "Hello", "", 9).await?, []);
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
    let (mut all, mut start) = (Vec::new(), Start::Skip(0));
    loop {
        let found = page(&store, &shop(), &ConversationFilter::default(), &start).await?;
        let Some(last) = found.last() else { break };
        start = Start::After(last.updated_at.clone(), last.id.clone());
        all.extend(found);
    }
    let ids: BTreeSet<_> = all.iter().map(|found| found.id.as_str()).collect();
    assert_eq!((all.len(), ids.len()), (7, 7));
    assert!(all.is_sorted_by(|a, b| (&a.updated_at, &a.id) > (&b.updated_at, &b.id)));
    let touched = all.iter().find(|found| found.id == "c2").ok_or("it is there")?;
    assert!(touched.messages == 1 && all.iter().all(|other| other.updated_at <= touched.updated_at));
    assert_eq!(page(&store, &shop(), &ConversationFilter::default(), &Start::Skip(5)).await?, all[5..]);
    let of_one = ConversationFilter { agent_id: "a1".into(), ..ConversationFilter::default() };
    let found = page(&store, &shop(), &of_one, &Start::Skip(0)).await?;
    assert!(found.len() == 3 && found.iter().all(|found| found.agent_id.as_deref() == Some("a1")), "{found:?}");
    assert_eq!(store.conversation_count(&shop(), &of_one).await?, 3);
    let nobodys = ConversationFilter { user_id: "ana".into(), ..of_one };
    assert_eq!(store.conversation_count(&shop(), &nobodys).await?, 0);
    Ok(())
}

/// What is put aside is still there, and a list may leave it out. What is on record stays with the change.
pub async fn an_archived_conversation_stays_readable(place: &impl Place) -> Checked {
    let store = place.open().await?;
    for id in ["c", "open"] {
        store.conversation_create(&shop(), conversation(id)).await?;
    }
    say(&store, "c", "Hello").await?;
    let archive = |conversation: &mut Conversation| {
        conversation.archived_at = Some("2026-11-24 10:00:00.000".into());
        Some(AuditEntry::new("ana", "archive", "conversation", "c", None))
    };
    let archived = store.conversation_update(&shop(), "c", archive).await?.ok_or("it is there")?;
    assert_eq!(store.conversation_get(&shop(), "c").await?, Some(archived));
    assert_eq!(positions(&store, Around::After(0), 9).await?, [1]);
    for (state, id) in [("archived", "c"), ("active", "open")] {
        let filter = ConversationFilter { state: state.into(), ..ConversationFilter::default() };
        let found = page(&store, &shop(), &filter, &Start::Skip(0)).await?;
        assert_eq!(found.iter().map(|found| found.id.as_str()).collect::<Vec<_>>(), [id]);
    }
    let record = store.audit_list(&shop(), "c", 9).await?;
    assert_eq!(record.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["archive"]);
    assert!(store.conversation_update(&shop(), "nothing", |_| None).await?.is_none());
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
    let added = store.message_add(&shop(), "c", said, event("said")).await?.ok_or("the conversation is there")?.message;
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
    assert_eq!(store.message_add(&shop(), "c", message("Hello"), event("said")).await?, None);
    assert!(told(&store, 0).await?.is_empty());
    assert_eq!(store.message_page(&shop(), "other", Around::After(0), 9).await?.len(), 1);
    Ok(())
}

/// Events have numbers without gaps, those of messages among them, and are read on from any of them.
pub async fn events_are_numbered_without_gaps(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.conversation_create(&shop(), conversation("c")).await?;
    say(&store, "c", "Hello").await?;
    let added = store.events_add(&shop(), "c", vec![event("a"), event("b")]).await?.ok_or("it is there")?;
    assert_eq!(added.iter().map(|event| event.number).collect::<Vec<_>>(), [2, 3]);
    say(&store, "c", "Bye").await?;
    let all = [(1, "said"), (2, "a"), (3, "b"), (4, "said")].map(|(number, data)| (number, data.to_owned()));
    assert_eq!(told(&store, 0).await?, all);
    assert_eq!(told(&store, 2).await?, all[2..]);
    assert_eq!(store.events_add(&shop(), "nothing", vec![event("a")]).await?, None);
    assert_eq!(store.events_prune(Duration::from_secs(60)).await?, 0);
    Ok(())
}

pub(super) fn answer() -> NewMessage {
    NewMessage { role: "agent".into(), status: "streaming".into(), ..message(json!({ "text": "" })) }
}

fn ending(text: &str, status: &str) -> Ending {
    let events = vec![NewEvent { data: "done".into(), is_final: true }];
    Ending { content: json!({ "text": text }), status: status.into(), metadata: None, events }
}

/// An answer is begun and ended once, with its events.
pub async fn an_answer_ends_once(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.conversation_create(&shop(), conversation("c")).await?;
    let begun = store.generation_begin(&shop(), "c", answer(), event("begun")).await?.ok_or("it is there")?;
    let (generation, added) = begun;
    assert_eq!(store.generation_get(&shop(), &added.message.id).await?, Some(generation.clone()));
    store.events_add(&shop(), "c", vec![event("Hel")]).await?;
    assert!(store.generations_left().await?.is_empty());
    assert!(!store.generation_take_over(&generation).await?, "its run is alive");
    assert!(store.generation_end(&generation, ending("Hello", "complete")).await?.is_some());
    assert_eq!(store.generation_end(&generation, ending("Again", "failed")).await?, None);
    let message = store.message_get(&shop(), &added.message.id).await?.ok_or("it is there")?;
    assert_eq!((message.content, message.status.as_str()), (json!({ "text": "Hello" }), "complete"));
    let numbered = [(1, "begun"), (2, "Hel"), (3, "done")].map(|(number, data)| (number, data.to_owned()));
    assert_eq!(told(&store, 0).await?, numbered);
    assert!(!store.generation_ask_to_stop(&shop(), &message.id).await?);
    Ok(())
}

/// What asks for an answer to stop is seen by the run that makes it.
pub async fn an_answer_is_asked_to_stop(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.conversation_create(&shop(), conversation("c")).await?;
    let (generation, _) = store.generation_begin(&shop(), "c", answer(), event("begun")).await?.ok_or("it is there")?;
    assert!(store.generations_asked_to_stop().await?.is_empty());
    assert_eq!(store.agents_answering(&shop()).await?, ["support"]);
    let elsewhere = ProjectKey { tenant: "umbrella".into(), ..shop() };
    assert!(!store.generation_ask_to_stop(&elsewhere, &generation.message_id).await?);
    for _ in 0..2 {
        assert!(store.generation_ask_to_stop(&shop(), &generation.message_id).await?);
    }
    let asked = store.generations_asked_to_stop().await?;
    assert!(asked.len() == 1 && asked[0].stop_asked && asked[0].message_id == generation.message_id);
    assert!(store.agents_answering(&elsewhere).await?.is_empty());
    Ok(())
}

/// What a crash left is found by the next run and ended by one.
pub async fn an_answer_that_was_left_is_taken_over(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.conversation_create(&shop(), conversation("c")).await?;
    let (generation, _) = store.generation_begin(&shop(), "c", answer(), event("begun")).await?.ok_or("it is there")?;
    store.events_add(&shop(), "c", vec![event("Hel")]).await?;
    let store = place.open_after_crash(store).await?;
    assert_eq!(store.generations_left().await?, std::slice::from_ref(&generation));
    assert_eq!(store.generation_end(&generation, ending("Hel", "interrupted")).await?, None, "it is not taken over");
    assert!(store.generation_take_over(&generation).await?);
    assert!(!store.generation_take_over(&generation).await?);
    assert!(store.generations_left().await?.is_empty());
    assert!(store.generation_end(&generation, ending("Hel", "interrupted")).await?.is_some());
    assert_eq!(told(&store, 1).await?.len(), 2);
    Ok(())
}

/// Messages are found by what they say, in their project only.
pub async fn messages_are_searched_in_whatever_case(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.conversation_create(&shop(), conversation("c")).await?;
    for text in ["The Weather is fine", "100% sure", "100 percent", "snake_case!"] {
        say(&store, "c", text).await?;
    }
    for (text, found) in [("weather", 1), ("100", 2), ("100%", 1), ("snake_case!", 1), ("snakeXcase", 0)] {
        assert_eq!(store.message_search(&shop(), text, "", 9).await?.len(), found, "{text}");
    }
    let first = store.message_search(&shop(), "", "", 3).await?;
    let rest = store.message_search(&shop(), "", &first.last().ok_or("there are some")?.id, 9).await?;
    assert_eq!((first.len(), rest.len()), (3, 1));
    Ok(())
}

/// Feedback is stored, listed, changed and taken back.
pub async fn feedback_is_on_a_message_or_a_conversation(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let new = |message: Option<&str>, kind: &str| NewFeedback {
        id: None,
        conversation_id: "c".into(),
        message_id: message.map(Into::into),
        kind: kind.into(),
        details: None,
    };
    let first = store.feedback_create(&shop(), new(Some("m"), "negative")).await?;
    store.feedback_create(&shop(), new(None, "positive")).await?;
    let of_message = FeedbackFilter { message_id: "m".into(), ..FeedbackFilter::default() };
    assert_eq!(store.feedback_list(&shop(), &of_message, 1, 9).await?, (vec![first.clone()], 1));
    let (listed, total) = store.feedback_list(&shop(), &FeedbackFilter::default(), 2, 1).await?;
    assert_eq!((listed.len(), total), (1, 2));
    let changed = store.feedback_update(&shop(), &first.id, "positive", Some("Fine".into())).await?;
    assert_eq!(store.feedback_get(&shop(), &first.id).await?, changed);
    let again =
        store.feedback_create(&shop(), NewFeedback { id: Some(first.id.clone()), ..new(None, "positive") }).await;
    assert!(matches!(again, Err(RuntimeError::Exists { .. })));
    store.feedback_set(&shop(), "c", "m", Some("negative".into())).await?;
    let (listed, _) = store.feedback_list(&shop(), &of_message, 1, 9).await?;
    assert_eq!(listed.iter().map(|feedback| feedback.kind.as_str()).collect::<Vec<_>>(), ["negative"]);
    store.feedback_set(&shop(), "c", "m", None).await?;
    assert!(store.feedback_list(&shop(), &of_message, 1, 9).await?.0.is_empty());
    assert!(!store.feedback_delete(&shop(), &first.id).await?);
    Ok(())
}

/// A task is stored, changed, and known in its project only.
pub async fn a_task_says_how_it_stands(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let task = Task {
        id: "t".into(),
        agent_id: "support".into(),
        sub_agent_id: "router".into(),
        conversation_id: "c".into(),
        reference: None,
        status: "working".into(),
        metadata: Some(json!({ "asked": "Mend it" })),
        created_at: "2026-11-24 10:00:00.000".into(),
        updated_at: "2026-11-24 10:00:00.000".into(),
    };
    store.task_create(&shop(), &task).await?;
    assert_eq!(store.task_get(&shop(), "t").await?, Some(task));
    store.conversation_create(&shop(), conversation("c")).await?;
    let of_task = NewMessage { task_id: Some("t".into()), ..answer() };
    let (generation, _) = store.generation_begin(&shop(), "c", of_task, event("begun")).await?.ok_or("it is there")?;
    store.generation_end(&generation, ending("Mended", "complete")).await?;
    let status = async || Result::<_, Failure>::Ok(store.task_get(&shop(), "t").await?.map(|task| task.status));
    assert_eq!(status().await?.as_deref(), Some("completed"));
    store.task_end(&shop(), "t", "failed").await?;
    assert_eq!(status().await?.as_deref(), Some("completed"), "it had ended");
    let elsewhere = ProjectKey { tenant: "umbrella".into(), ..shop() };
    assert_eq!(store.task_get(&elsewhere, "t").await?, None);
    store.conversation_delete(&shop(), "c").await?;
    assert_eq!(status().await?, None, "it goes with its conversation");
    Ok(())
}

/// A commit that produced a message, or that a conversation is pinned to, stays named.
pub async fn commits_of_messages_and_pins_are_named(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let pinned = json!({ "type": "commit", "name": "abc", "hash": "abc" });
    store.conversation_create(&shop(), NewConversation { reference: Some(pinned), ..conversation("c") }).await?;
    let produced = NewMessage { commit_hash: Some("def".into()), ..message("Hello") };
    store.message_add(&shop(), "c", produced, event("said")).await?;
    assert_eq!(store.commits_named("acme", "shop").await?, ["abc", "def"]);
    assert!(store.commits_named("umbrella", "shop").await?.is_empty());
    Ok(())
}

/// With a project go its conversations: another of the same id begins empty.
pub async fn a_deleted_project_takes_its_conversations(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let intent = store.project_creation_begin("acme", "shop", "uid").await?;
    store.project_creation_finish(&intent).await?;
    let blog = ProjectKey { project: "blog".into(), ..shop() };
    for of in [&shop(), &blog] {
        store.conversation_create(of, conversation("c")).await?;
    }
    say(&store, "c", "Hello").await?;
    store.project_deletion_begin("acme", "shop").await?;
    assert_eq!(store.conversation_get(&shop(), "c").await?, None);
    assert!(positions(&store, Around::After(0), 9).await?.is_empty());
    assert!(store.conversation_get(&blog, "c").await?.is_some());
    Ok(())
}
