//! A thousand readers of one conversation, of which a hundred never read.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use understory_testkit::sockets::{Heard, InMemory, Socket};

use crate::place::{PROJECT, Place, TENANT, bearer};

const READERS: usize = 900;
const DEAF: usize = 100;
/// Events before the hundred come, and with them there.
const EVENTS: i64 = 40;
/// What a connection holds: about ten events.
const ROOM: usize = 2 * 1024;

async fn reader(server: &InMemory, after: i64) -> Socket {
    let (name, key) = bearer();
    let mut socket = server.socket(ROOM, "/ws", &[(name, &key)]).await.unwrap();
    assert_eq!(socket.json().await["type"], "ready");
    let wanted = json!({ "type": "subscribe", "tenantId": TENANT, "projectId": PROJECT, "conversationId": "c1",
        "after": after });
    socket.say(wanted.to_string()).await;
    assert_eq!(socket.json().await["type"], "subscribed");
    socket
}

/// Reads all events there will be; whether they came in order, without a gap.
async fn reads_all(mut socket: Socket) -> bool {
    for number in 1..=2 * EVENTS {
        let Heard::Text(text) = socket.hear().await else { return false };
        let frame: Value = serde_json::from_str(&text).unwrap();
        if frame["id"] != number {
            return false;
        }
    }
    true
}

/// Never reads, but talks until the other end is gone: how we know without reading that it was dropped.
async fn is_dropped(mut socket: Socket) -> usize {
    while socket.say(r#"{"type":"ping"}"#).await {}
    let mut events = 0;
    while let Heard::Text(text) = socket.hear().await {
        events += usize::from(text.contains(r#""type":"event""#));
    }
    events
}

async fn write(place: &Place) -> Duration {
    let begin = Instant::now();
    for _ in 0..EVENTS {
        place.note("c1", "hello").await;
    }
    begin.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_never_read_slow_nobody_and_are_dropped() {
    let place = Place::start("echo").await.with(|sockets| sockets.patience = Duration::from_secs(2));
    let server = place.in_memory();
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        readers.spawn(reads_all(reader(&server, 0).await));
    }
    let alone = write(&place).await;
    let mut deaf = JoinSet::new();
    for _ in 0..DEAF {
        deaf.spawn(is_dropped(reader(&server, 0).await));
    }
    let together = write(&place).await;
    assert!(together < 3 * alone + Duration::from_secs(1), "{alone:?} without them, {together:?} with them");
    assert_eq!(readers.join_all().await, vec![true; READERS]);
    for events in deaf.join_all().await {
        assert!(events < 2 * EVENTS as usize, "{events}");
    }
}
