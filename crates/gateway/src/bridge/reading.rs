//! The messages in a reply, one by one, whether it came as JSON or as events; and replies made from messages.
//! Memory is bounded by the largest message.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use prokura_delegation::{Broken, Reply};
use prokura_domain::Json;
use prokura_domain::sse::{self, Splitter};

/// The largest message.
const LIMIT: usize = 16 * 1024 * 1024;

type Body = BoxStream<'static, Result<Bytes, Broken>>;

/// A reply that is read message by message.
pub(crate) struct Messages {
    pub status: u16,
    body: Option<Body>,
    /// `None`: the body is one JSON text.
    splitter: Option<Splitter>,
    whole: Vec<u8>,
    ready: VecDeque<Json>,
    /// The id of the last event that had one: where a stream that broke off is taken up again.
    pub last_event: Option<String>,
    /// How long the Server wants to be left alone before that.
    pub retry: Option<Duration>,
}

impl Messages {
    pub fn of(reply: Reply) -> Self {
        let splitter = reply.is_stream().then(|| Splitter::new(LIMIT));
        Self {
            status: reply.status,
            body: Some(reply.body),
            splitter,
            whole: Vec::new(),
            ready: VecDeque::new(),
            last_event: None,
            retry: None,
        }
    }

    /// The next message; `None` where there are no more.
    pub async fn next(&mut self) -> Option<Result<Json, Broken>> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(Ok(message));
            }
            let chunk = self.body.as_mut()?.next().await;
            let taken = match chunk {
                Some(Ok(chunk)) => self.take(&chunk),
                Some(Err(broken)) => Err(broken),
                None => {
                    self.body = None;
                    self.end();
                    continue;
                }
            };
            if let Err(broken) = taken {
                self.body = None;
                return Some(Err(broken));
            }
        }
    }

    fn take(&mut self, chunk: &[u8]) -> Result<(), Broken> {
        let Some(splitter) = &mut self.splitter else {
            if self.whole.len() + chunk.len() > LIMIT {
                return Err(Broken::TooLarge);
            }
            self.whole.extend_from_slice(chunk);
            return Ok(());
        };
        let events = splitter.push(chunk).map_err(|_| Broken::TooLarge)?;
        for event in events {
            self.event(&event);
        }
        Ok(())
    }

    /// What is left when the body ends is looked at like any other event.
    fn end(&mut self) {
        match self.splitter.take() {
            Some(splitter) => self.event(&splitter.rest()),
            None => {
                let whole = std::mem::take(&mut self.whole);
                self.message(&whole);
            }
        }
    }

    fn event(&mut self, event: &[u8]) {
        let text = String::from_utf8_lossy(event);
        for line in text.split(['\n', '\r']) {
            if let Some(id) = line.strip_prefix("id:") {
                self.last_event = Some(id.trim_start().to_owned());
            }
            if let Some(wait) = line.strip_prefix("retry:") {
                self.retry = wait.trim().parse().ok().map(Duration::from_millis);
            }
        }
        if let Some(data) = sse::data(event) {
            self.message(data.as_bytes());
        }
    }

    /// One message, or a batch of them (2025-03-26). What cannot be read is no message.
    fn message(&mut self, text: &[u8]) {
        match Json::read(text) {
            Ok(message @ Json::Object(_)) => self.ready.push_back(message),
            Ok(Json::Array(batch)) => {
                self.ready.extend(batch.into_iter().filter(|one| one.members().is_some()));
            }
            _ => {}
        }
    }
}

/// One message as a whole reply.
pub(crate) fn json_reply(status: u16, message: &Json) -> Reply {
    let bytes = Bytes::from(message.to_text());
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Reply { status, headers, body: stream::once(async move { Ok(bytes) }).boxed() }
}

/// A reply without a body.
pub(crate) fn accepted() -> Reply {
    Reply { status: 202, headers: Vec::new(), body: stream::empty().boxed() }
}

/// A reply of events.
pub(crate) fn stream_reply(body: Body) -> Reply {
    let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
    Reply { status: 200, headers, body }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn messages_come_out_of_events_batches_and_json() {
        let events = "id: 7\nretry: 500\ndata:\n\ndata: {\"a\":1}\n\n: note\n\ndata: [{\"b\":2},{\"c\":3}]\n\ndata: {\"d\":4}";
        let body = stream::iter(vec![Ok(Bytes::from(events))]).boxed();
        let mut messages = Messages::of(stream_reply(body));
        let mut seen = String::new();
        while let Some(message) = messages.next().await {
            seen.push_str(&message.unwrap().to_text());
        }
        assert_eq!(seen, "{\"a\":1}{\"b\":2}{\"c\":3}{\"d\":4}");
        assert_eq!(messages.last_event.as_deref(), Some("7"));
        assert_eq!(messages.retry, Some(Duration::from_millis(500)));
        let one = Json::object([("e", Json::from(5i64))]);
        assert_eq!(Messages::of(json_reply(200, &one)).next().await, Some(Ok(one)));
    }
}
