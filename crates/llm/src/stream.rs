//! From the bytes of an answer to its events.

use std::collections::VecDeque;

use futures_util::{StreamExt as _, stream};
use serde::de::DeserializeOwned;

use crate::http::Body;
use crate::lines::Lines;
use crate::{ChatEvent, ChatStream, LlmError};

/// Events on their way to who reads them.
pub(crate) type Events = VecDeque<ChatEvent>;

/// What the lines of an answer mean.
pub(crate) trait Protocol: Send + 'static {
    /// Takes a line. An empty one may end a frame, and follows the last line.
    fn line(&mut self, line: &[u8], events: &mut Events) -> Result<(), LlmError>;

    /// Takes note that no more comes; an error if the answer is not complete.
    fn end(&mut self, events: &mut Events) -> Result<(), LlmError>;
}

/// Reads JSON of the protocol.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, LlmError> {
    serde_json::from_slice(json).map_err(|error| LlmError::garbage(json, Some(error)))
}

/// Makes events of bytes; knows nothing of connections.
#[derive(Debug)]
pub(crate) struct Decoder<P> {
    lines: Lines,
    protocol: P,
    events: Events,
    /// Once no more bytes come: what is wrong with that, to be told after the last event.
    ended: Option<Result<(), LlmError>>,
}

impl<P: Protocol> Decoder<P> {
    /// For lines of at most `limit` bytes.
    pub(crate) fn new(protocol: P, limit: usize) -> Self {
        Self { lines: Lines::new(limit), protocol, events: Events::new(), ended: None }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    /// Takes note that no more bytes come. The rest is a line: complete, or where the answer was cut off.
    pub(crate) fn end(&mut self) {
        let rest = self.lines.rest();
        let read = self.protocol.line(&rest, &mut self.events);
        let read = read.and_then(|()| self.protocol.line(b"", &mut self.events));
        self.ended = Some(match read {
            Err(LlmError::Garbage { source: Some(source), .. }) if source.is_eof() => {
                Err(LlmError::CutOff(Some(source.into())))
            }
            Ok(()) if !self.is_finished() => self.protocol.end(&mut self.events),
            other => other,
        });
    }

    fn is_finished(&self) -> bool {
        matches!(self.events.back(), Some(ChatEvent::Finished { .. }))
    }

    /// The next event of what came so far.
    pub(crate) fn next(&mut self) -> Result<Option<ChatEvent>, LlmError> {
        while self.events.is_empty() {
            if let Some(ended) = &mut self.ended {
                std::mem::replace(ended, Ok(()))?;
                return Ok(None);
            }
            let Some(line) = self.lines.next()? else { return Ok(None) };
            self.protocol.line(&line, &mut self.events)?;
        }
        Ok(self.events.pop_front())
    }
}

/// The events of an answer, whose bytes are read when somebody asks for the next event.
pub(crate) fn events<P: Protocol>(body: Body, decoder: Decoder<P>) -> ChatStream {
    let reading = Some((body, decoder));
    stream::unfold(reading, |reading| async {
        let (mut body, mut decoder) = reading?;
        match next(&mut body, &mut decoder).await {
            Ok(event @ ChatEvent::Finished { .. }) => Some((Ok(event), None)),
            Ok(event) => Some((Ok(event), Some((body, decoder)))),
            Err(error) => Some((Err(body.presentable(error)), None)),
        }
    })
    .boxed()
}

/// Waits for the next event. After the last one there is none to wait for: a decoder that has ended tells what is wrong,
/// unless its last event was that all is well.
async fn next<P: Protocol>(body: &mut Body, decoder: &mut Decoder<P>) -> Result<ChatEvent, LlmError> {
    loop {
        if let Some(event) = decoder.next()? {
            return Ok(event);
        }
        match body.chunk().await? {
            Some(bytes) => decoder.push(&bytes),
            None => decoder.end(),
        }
    }
}
