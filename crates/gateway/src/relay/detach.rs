//! A legacy request goes on when its connection drops (SL-05): a task of its own carries it to the end.

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use prokura_delegation::{Broken, Refusal, RefusalCode, Reply};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Ended, Held, Passing};
use crate::session::Open;

/// Chunks that wait for a slow Agent.
const AHEAD: usize = 16;

/// Lets `passing` run in a task of its own. It ends early only when `open` is cancelled or the session is over.
pub(crate) fn detached(
    passing: BoxFuture<'static, Result<Reply, Refusal>>,
    open: Option<Open>,
    over: CancellationToken,
    held: Held,
) -> Passing {
    let (tell, told) = oneshot::channel();
    tokio::spawn(async move {
        let cancelled = open.as_ref().map_or_else(|| over.clone(), |open| open.cancelled.clone());
        let result = tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(Ended::Cancelled),
            result = passing => result.map_err(Ended::Refused),
        };
        drop(open);
        match result {
            Err(ended) => drop(tell.send(Err(ended))),
            Ok(reply) => {
                let (into, from) = mpsc::channel(AHEAD);
                let body = receiver(from);
                drop(tell.send(Ok(Reply { status: reply.status, headers: reply.headers, body })));
                pump(reply.body, into, over).await;
            }
        }
        drop(held);
    });
    Box::pin(async move {
        let lost = || Refusal::new(RefusalCode::Internal, "The message was lost in Prokura.");
        told.await.unwrap_or_else(|_| Err(Ended::Refused(lost())))
    })
}

fn receiver(
    mut from: mpsc::Receiver<Result<Bytes, Broken>>,
) -> BoxStream<'static, Result<Bytes, Broken>> {
    stream::poll_fn(move |context| from.poll_recv(context)).boxed()
}

/// Reads the body to its end, also when nobody listens any more.
async fn pump(
    mut body: BoxStream<'static, Result<Bytes, Broken>>,
    into: mpsc::Sender<Result<Bytes, Broken>>,
    over: CancellationToken,
) {
    let all = async {
        while let Some(chunk) = body.next().await {
            // The Agent may be gone; what the Server says is still taken to its end.
            let _ = into.send(chunk).await;
        }
    };
    tokio::select! {
        () = over.cancelled() => {}
        () = all => {}
    }
}
