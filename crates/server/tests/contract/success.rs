//! Every operation succeeds once, answered as the contract says.

use std::collections::BTreeSet;

use crate::client::Client;
use crate::entities::entities;
use crate::operations::served;
use crate::seed::seed;
use crate::{associations, branches, chat, documents};

/// How many entities have routes of their own.
const ENTITIES: usize = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_succeeds() {
    let mut tasks: Vec<_> = (0..ENTITIES).map(|index| tokio::spawn(entity(index))).collect();
    tasks.push(tokio::spawn(other(Other::Associations)));
    tasks.push(tokio::spawn(other(Other::Documents)));
    tasks.push(tokio::spawn(other(Other::Branches)));
    tasks.push(tokio::spawn(other(Other::Chat)));
    let mut called = BTreeSet::new();
    let mut failed = 0;
    for task in tasks {
        match task.await {
            Ok(ids) => called.extend(ids),
            Err(_) => failed += 1,
        }
    }
    assert_eq!(failed, 0, "they failed, as said above");
    let served: BTreeSet<String> = served().into_iter().map(|(theirs, _)| theirs.id).collect();
    assert_eq!(called, served, "an operation was not called");
    assert_eq!(crate::exceptions::unused(), [""; 0], "an exception is not needed");
    println!("{} operations called for success", called.len());
}

async fn entity(index: usize) -> BTreeSet<String> {
    let client = Client::start().await;
    let seed = seed(&client).await;
    let entities = entities(&seed);
    assert_eq!(entities.len(), ENTITIES);
    entities[index].run(&client).await;
    client.called()
}

#[derive(Clone, Copy)]
enum Other {
    Associations,
    Documents,
    Branches,
    Chat,
}

async fn other(what: Other) -> BTreeSet<String> {
    let client = Client::start().await;
    let seed = seed(&client).await;
    match what {
        Other::Associations => {
            associations::run(&client, &seed).await;
            associations::relation_update(&client).await;
        }
        Other::Documents => documents::run(&client).await,
        Other::Branches => branches::run(&client).await,
        Other::Chat => chat::run(&client).await,
    }
    client.called()
}
