//! The conversations that one connection follows.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, SelectAll};
use tokio::sync::oneshot;
use understory::{Error, StoredEvent, Subscription};

use super::asked::Name;

/// What is told of a conversation: an event, that it is gone, or that it cannot be read on. The latter two are the last.
pub(super) type Told = Result<Option<StoredEvent>, Error>;

/// Conversations, each read only when the connection has room for what comes next: nothing is kept for it meanwhile.
#[derive(Default)]
pub(super) struct Followed {
    events: SelectAll<BoxStream<'static, (Arc<Name>, Told)>>,
    /// What is dropped here is not told any more.
    stops: HashMap<Arc<Name>, oneshot::Sender<()>>,
}

impl Followed {
    pub(super) fn len(&self) -> usize {
        self.stops.len()
    }

    pub(super) fn has(&self, name: &Name) -> bool {
        self.stops.contains_key(name)
    }

    pub(super) fn add(&mut self, name: Name, subscription: Subscription) {
        let name = Arc::new(name);
        let (stop, stopped) = oneshot::channel();
        self.stops.insert(Arc::clone(&name), stop);
        let events = stream::unfold(Some(subscription), move |reading| {
            let name = Arc::clone(&name);
            async move {
                let mut reading = reading?;
                let told = reading.next().await;
                let goes_on = matches!(told, Ok(Some(_)));
                Some(((name, told), goes_on.then_some(reading)))
            }
        });
        self.events.push(events.take_until(stopped).boxed());
    }

    /// Whether it was followed.
    pub(super) fn remove(&mut self, name: &Name) -> bool {
        self.stops.remove(name).is_some()
    }

    /// What is told next of any of them; none while none is followed.
    pub(super) async fn next(&mut self) -> Option<(Arc<Name>, Told)> {
        let (name, told) = self.events.next().await?;
        if !matches!(told, Ok(Some(_))) {
            self.remove(&name);
        }
        Some((name, told))
    }
}
