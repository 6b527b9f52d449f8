//! The standing stream of a kept session: what the Server says outside of its answers. A question that belongs to no
//! request of the Agent is refused.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use prokura_delegation::Kind;
use prokura_domain::{Json, Verb};

use super::super::reading::Messages;
use super::{Line, NOT_ASKED, Said, is_change, said};
use crate::path::Path;

/// How long the Server may take to open it.
const OPENING: Duration = Duration::from_secs(2);
/// How long to wait before it is opened again, unless the Server says otherwise.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest a Server may make us wait.
const LONGEST: Duration = Duration::from_secs(60);

impl Line {
    /// Opens it once. A Server without one is fine.
    pub async fn stand(self: &Arc<Self>, path: &Arc<dyn Path>) {
        let mut stands = self.stands.lock().await;
        if *stands {
            return;
        }
        *stands = true;
        let opening = tokio::time::timeout(OPENING, self.listen(path, None)).await;
        let first = opening.ok().flatten();
        let (line, path) = (Arc::downgrade(self), Arc::clone(path));
        let over = self.over.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = over.cancelled() => {}
                () = hear(line, path, first) => {}
            }
        });
    }

    async fn listen(&self, path: &Arc<dyn Path>, after: Option<&str>) -> Option<Messages> {
        let mut asked = self.sub.inbound(Kind::Stream, Verb::Get, Bytes::new());
        if let Some(after) = after {
            asked.outgoing.headers.push(("last-event-id".to_owned(), after.to_owned()));
        }
        let reply = path.pass(asked).await.ok()?;
        (reply.status == 200 && reply.is_stream()).then(|| Messages::of(reply))
    }

    async fn heard(&self, path: &Arc<dyn Path>, message: Json) {
        match said(&message) {
            Said::Request(id, method, _) if method == "ping" => {
                let pong = Ok(Json::Object(Vec::new()));
                let _ = path.pass(self.sub.answer(&id, pong)).await;
            }
            Said::Request(id, ..) => {
                if !self.to_call(message) {
                    let _ = path.pass(self.sub.answer(&id, Err(NOT_ASKED))).await;
                }
            }
            Said::Notification(method) if is_change(&method) => self.changed(&message),
            Said::Notification(_) => {
                self.to_call(message);
            }
            Said::Response => {}
        }
    }
}

async fn hear(line: Weak<Line>, path: Arc<dyn Path>, mut first: Option<Messages>) {
    let mut after: Option<String> = None;
    loop {
        let stream = match first.take() {
            Some(stream) => Some(stream),
            None => {
                let Some(line) = line.upgrade() else { return };
                line.listen(&path, after.as_deref()).await
            }
        };
        // A Server that has none, or has it no more, is left alone.
        let Some(mut stream) = stream else { return };
        while let Some(Ok(message)) = stream.next().await {
            let Some(line) = line.upgrade() else { return };
            line.heard(&path, message).await;
        }
        after = stream.last_event.clone().or(after);
        tokio::time::sleep(stream.retry.unwrap_or(AGAIN).min(LONGEST)).await;
    }
}
